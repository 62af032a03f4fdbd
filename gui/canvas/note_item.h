// gui/canvas/note_item.h - a note of the lab file, on the canvas.
#pragma once

#include <QGraphicsItem>

#include "gui/canvas/colours.h"

namespace stackyard::gui {

class NoteItem final : public QGraphicsItem {
 public:
  enum { Type = UserType + 3 };
  NoteItem(int note, QString text, QPointF at, const Colours& colours);
  int note() const { return note_; }
  int type() const override { return Type; }
  QRectF boundingRect() const override { return box_; }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 private:
  int note_;
  QString text_;
  const Colours& colours_;
  QRectF box_;
};

}  // namespace stackyard::gui
