#include "gui/panels/ladder_panel.h"

#include <QFileDialog>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMessageBox>
#include <QPainter>
#include <QScrollBar>
#include <QToolButton>
#include <QVBoxLayout>
#include <cmath>

#include "core/base/text.h"

namespace stackyard::gui {

namespace {

constexpr int head = 34, step_height = 34, margin = 110, column_least = 150;

// What stands on an arrow: without the addresses, which the title has.
QString shortened(const QString& text) {
  const auto colon = text.indexOf(QLatin1String(": "));
  return text.startsWith(QLatin1String("IP")) && colon > 0 ? text.mid(colon + 2) : text;
}

}  // namespace

LadderView::LadderView(const Colours& colours, QWidget* parent)
    : QAbstractScrollArea(parent), colours_(colours) {
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Ladder diagram"));
}

void LadderView::show(Conversation conversation) {
  told_ = std::move(conversation);
  current_ = -1;
  resizeEvent(nullptr);
  verticalScrollBar()->setValue(0);
  viewport()->update();
}

int LadderView::wide() const {
  return std::max(viewport()->width(), margin + int(told_.columns.size()) * column_least);
}

int LadderView::columnAt(int column, int width) const {
  const int count = std::max(1, int(told_.columns.size()));
  const int room = (width - margin) / count;
  return margin + room / 2 + column * room;
}

void LadderView::resizeEvent(QResizeEvent*) {
  const int all = head + (int(told_.steps.size()) + 1) * step_height;
  verticalScrollBar()->setRange(0, std::max(0, all - viewport()->height()));
  verticalScrollBar()->setPageStep(viewport()->height());
  verticalScrollBar()->setSingleStep(step_height);
  horizontalScrollBar()->setRange(0, std::max(0, wide() - viewport()->width()));
  horizontalScrollBar()->setPageStep(viewport()->width());
}

void LadderView::paintStep(QPainter& painter, int width, const Conversation::Step& step, int y,
                           bool chosen) const {
  const QColor ink = step.died ? colours_.down : colours_.protocol(step.text);
  const int a = columnAt(step.from, width), b = columnAt(step.to, width);
  painter.setPen(colours_.faint);
  painter.drawText(QRect(4, y - step_height / 2, margin - 10, step_height),
                   Qt::AlignRight | Qt::AlignVCenter,
                   QString::fromStdString(seconds_text(SimTime(step.time))));
  if (chosen) {
    QColor glow = colours_.selected;
    glow.setAlpha(60);
    painter.fillRect(margin, y - step_height / 2, width - margin, step_height, glow);
  }
  painter.setPen(QPen(ink, 2));
  if (step.died) {
    painter.drawLine(a - 6, y - 6, a + 6, y + 6);
    painter.drawLine(a - 6, y + 6, a + 6, y - 6);
    painter.setPen(ink);
    painter.drawText(a + 12, y + 5, step.text);
    return;
  }
  const QPointF from(a, y - 2), to(b, y + 8);
  painter.drawLine(from, to);
  const double direction = b > a ? -1 : 1;
  painter.drawLine(to, to + QPointF(direction * 9, -6));
  painter.drawLine(to, to + QPointF(direction * 9, 3));
  painter.setPen(colours_.ink);
  const QRect room(std::min(a, b) + 8, y - step_height / 2 - 3, std::abs(b - a) - 16, 18);
  painter.drawText(
      room, Qt::AlignCenter,
      painter.fontMetrics().elidedText(shortened(step.text), Qt::ElideRight, room.width()));
}

void LadderView::paint(QPainter& painter, int width, int first, int last, int top) const {
  painter.setRenderHint(QPainter::Antialiasing);
  const int bottom = top + (last - first + 1) * step_height;
  painter.setPen(QPen(colours_.faint, 1));
  for (int column = 0; column < int(told_.columns.size()); ++column)
    painter.drawLine(columnAt(column, width), head - 6, columnAt(column, width), bottom);
  for (int i = first; i < last; ++i)
    paintStep(painter, width, told_.steps[size_t(i)], top + (i - first) * step_height + 18,
              i == current_);
  painter.fillRect(0, 0, width, head - 4, colours_.ground);
  QFont bold = painter.font();
  bold.setBold(true);
  painter.setFont(bold);
  painter.setPen(colours_.ink);
  for (int column = 0; column < int(told_.columns.size()); ++column)
    painter.drawText(QRect(columnAt(column, width) - 70, 0, 140, head - 6), Qt::AlignCenter,
                     told_.columns[column]);
}

void LadderView::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  painter.fillRect(viewport()->rect(), colours_.ground);
  painter.translate(-horizontalScrollBar()->value(), 0);
  const int scrolled = verticalScrollBar()->value();
  const int first = std::max(0, scrolled / step_height - 1);
  const int last =
      std::min(int(told_.steps.size()), first + viewport()->height() / step_height + 3);
  paint(painter, wide(), first, last, head + first * step_height - scrolled);
}

QImage LadderView::picture() const {
  const int width = std::max(wide(), 600);
  const int steps = std::min(int(told_.steps.size()), 800);
  QImage image(width, head + (steps + 1) * step_height, QImage::Format_RGB32);
  image.fill(colours_.ground);
  QPainter painter(&image);
  painter.setFont(font());
  paint(painter, width, 0, steps, head);
  return image;
}

void LadderView::setCurrent(int step) {
  if (step < 0 || step >= int(told_.steps.size()) || step == current_) return;
  current_ = step;
  const int y = step * step_height;
  QScrollBar* bar = verticalScrollBar();
  if (y < bar->value() || y > bar->value() + viewport()->height() - head - step_height)
    bar->setValue(y - viewport()->height() / 2);
  viewport()->update();
  emit stepChosen(told_.steps[size_t(step)].row);
}

void LadderView::mousePressEvent(QMouseEvent* event) {
  setCurrent((event->pos().y() - head + verticalScrollBar()->value()) / step_height);
}

void LadderView::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Down) return setCurrent(current_ + 1);
  if (event->key() == Qt::Key_Up) return setCurrent(current_ - 1);
  QAbstractScrollArea::keyPressEvent(event);
}

LadderPanel::LadderPanel(const Colours& colours, QWidget* parent)
    : QWidget(parent), view_(new LadderView(colours)), title_(new QLabel) {
  auto* save = new QToolButton;
  save->setText(tr("PNG…"));
  connect(save, &QToolButton::clicked, this, [this] {
    const QString path =
        QFileDialog::getSaveFileName(this, tr("Save the ladder"), {}, tr("Pictures (*.png)"));
    if (!path.isEmpty() && !view_->picture().save(path))
      QMessageBox::warning(this, tr("Save"), tr("%1 cannot be written").arg(path));
  });
  auto* row = new QHBoxLayout;
  row->addWidget(title_, 1);
  row->addWidget(save);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(row);
  layout->addWidget(view_);
  title_->setText(tr("Right click on a packet, Ladder: its conversation is drawn here."));
}

void LadderPanel::show(Conversation conversation) {
  title_->setText(
      tr("%1: %n frames", nullptr, int(conversation.steps.size())).arg(conversation.title));
  view_->show(std::move(conversation));
}

}  // namespace stackyard::gui
