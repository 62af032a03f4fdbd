#include "gui/canvas/note_item.h"

#include <QApplication>
#include <QFontMetricsF>
#include <QPainter>

namespace stackyard::gui {

namespace {

constexpr double wide = 240;
constexpr int lines = Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap;

}  // namespace

NoteItem::NoteItem(int note, QString text, QPointF at, const Colours& colours)
    : note_(note), text_(std::move(text)), colours_(colours) {
  const QFontMetricsF metrics(QApplication::font());
  box_ = metrics.boundingRect(QRectF(0, 0, wide, 4000), lines, text_).adjusted(-6, -4, 10, 6);
  setPos(at);
  setFlags(ItemIsMovable | ItemIsSelectable);
  setZValue(1.5);
  setToolTip(text_);
}

void NoteItem::paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) {
  QColor paper = colours_.changed;
  paper.setAlpha(colours_.dark ? 120 : 170);
  painter->setPen(QPen(isSelected() ? colours_.selected : colours_.faint, isSelected() ? 2 : 0.8));
  painter->setBrush(paper);
  painter->drawRoundedRect(box_.adjusted(1, 1, -1, -1), 3, 3);
  painter->setPen(colours_.ink);
  painter->setFont(QApplication::font());
  painter->drawText(QRectF(0, 0, wide, box_.height()), lines, text_);
}

}  // namespace stackyard::gui
