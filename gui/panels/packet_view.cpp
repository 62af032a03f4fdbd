#include "gui/panels/packet_view.h"

#include <QAbstractItemModel>
#include <QContextMenuEvent>
#include <QHeaderView>
#include <QPainter>
#include <QScrollBar>

namespace stackyard::gui {

PacketView::PacketView(QAbstractItemModel& model, QWidget* parent)
    : QAbstractScrollArea(parent),
      model_(model),
      header_(new QHeaderView(Qt::Horizontal, this)),
      row_height_(fontMetrics().height() + 4) {
  header_->setModel(&model_);
  header_->setStretchLastSection(true);
  header_->setSectionsClickable(false);
  setFocusPolicy(Qt::StrongFocus);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setViewportMargins(0, header_->sizeHint().height(), 0, 0);
  viewport()->setBackgroundRole(QPalette::Base);
  connect(header_, &QHeaderView::sectionResized, viewport(), qOverload<>(&QWidget::update));
  connect(&model_, &QAbstractItemModel::rowsInserted, this, &PacketView::grown);
  connect(&model_, &QAbstractItemModel::modelReset, this, [this] {
    current_ = -1;
    grown();
  });
  measure();
}

int PacketView::rowsSeen() const { return std::max(1, viewport()->height() / row_height_); }

int PacketView::firstSeen() const { return verticalScrollBar()->value(); }

void PacketView::measure() {
  verticalScrollBar()->setRange(0, std::max(0, model_.rowCount() - rowsSeen()));
  verticalScrollBar()->setPageStep(rowsSeen());
  header_->setGeometry(frameWidth(), frameWidth(), viewport()->width(),
                       header_->sizeHint().height());
}

// Whoever looks at the end goes on doing so.
void PacketView::grown() {
  const bool at_end = verticalScrollBar()->value() == verticalScrollBar()->maximum();
  measure();
  if (at_end) verticalScrollBar()->setValue(verticalScrollBar()->maximum());
  viewport()->update();
}

void PacketView::setColumnWidth(int column, int width) { header_->resizeSection(column, width); }

void PacketView::scrollToRow(int row) {
  const int first = firstSeen();
  if (row < first)
    verticalScrollBar()->setValue(row);
  else if (row >= first + rowsSeen())
    verticalScrollBar()->setValue(row - rowsSeen() + 1);
}

void PacketView::setCurrentRow(int row) {
  if (row < 0 || row >= model_.rowCount()) return;
  scrollToRow(row);
  viewport()->update();
  if (row == current_) return;
  current_ = row;
  emit currentRowChanged(row);
}

int PacketView::rowAt(QPoint place) const {
  const int row = firstSeen() + place.y() / row_height_;
  return row < model_.rowCount() ? row : -1;
}

void PacketView::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  const int rows = model_.rowCount();
  const int last = std::min(rows, firstSeen() + rowsSeen() + 1);
  for (int row = firstSeen(); row < last; ++row) {
    const int top = (row - firstSeen()) * row_height_;
    const bool chosen = row == current_;
    if (chosen) painter.fillRect(0, top, viewport()->width(), row_height_, palette().highlight());
    for (int column = 0; column < model_.columnCount(); ++column) {
      QRect cell(header_->sectionViewportPosition(column), top, header_->sectionSize(column),
                 row_height_);
      const QModelIndex index = model_.index(row, column);
      if (const QVariant mark = index.data(Qt::DecorationRole); mark.isValid()) {
        const int side = row_height_ - 6;
        painter.fillRect(cell.left() + 3, top + 3, side, side, mark.value<QColor>());
        cell.setLeft(cell.left() + row_height_);
      }
      const QVariant ink = index.data(Qt::ForegroundRole);
      painter.setPen(chosen          ? palette().color(QPalette::HighlightedText)
                     : ink.isValid() ? ink.value<QColor>()
                                     : palette().color(QPalette::Text));
      const QVariant align = index.data(Qt::TextAlignmentRole);
      const QRect inner = cell.adjusted(4, 0, -4, 0);
      painter.drawText(
          inner, align.isValid() ? align.toInt() : int(Qt::AlignLeft | Qt::AlignVCenter),
          fontMetrics().elidedText(index.data().toString(), Qt::ElideRight, inner.width()));
    }
  }
  if (hasFocus() && current_ < 0) {
    painter.setPen(QPen(palette().color(QPalette::Highlight), 1, Qt::DotLine));
    painter.drawRect(viewport()->rect().adjusted(0, 0, -1, -1));
  }
}

void PacketView::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  grown();
}

void PacketView::scrollContentsBy(int, int) { viewport()->update(); }

void PacketView::mousePressEvent(QMouseEvent* event) {
  if (const int row = rowAt(event->pos()); row >= 0) setCurrentRow(row);
}

void PacketView::keyPressEvent(QKeyEvent* event) {
  const int rows = model_.rowCount();
  const int from = current_ < 0 ? firstSeen() - 1 : current_;
  switch (event->key()) {
    case Qt::Key_Up:
      return setCurrentRow(std::max(0, from - 1));
    case Qt::Key_Down:
      return setCurrentRow(std::min(rows - 1, from + 1));
    case Qt::Key_PageUp:
      return setCurrentRow(std::max(0, from - rowsSeen()));
    case Qt::Key_PageDown:
      return setCurrentRow(std::min(rows - 1, from + rowsSeen()));
    case Qt::Key_Home:
      return setCurrentRow(0);
    case Qt::Key_End:
      return setCurrentRow(rows - 1);
    default:
      QAbstractScrollArea::keyPressEvent(event);
  }
}

void PacketView::contextMenuEvent(QContextMenuEvent* event) {
  const bool by_key = event->reason() == QContextMenuEvent::Keyboard;
  const int row = by_key ? current_ : rowAt(event->pos());
  if (row < 0) return;
  setCurrentRow(row);
  emit menuWanted(row, event->globalPos());
}

}  // namespace stackyard::gui
