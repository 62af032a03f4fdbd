#include "gui/panels/icons.h"

#include <QPainter>
#include <QPainterPath>
#include <QPalette>

namespace stackyard::gui {

namespace {

constexpr int side = 32;

QPainterPath triangle(double left) {
  QPainterPath path;
  path.moveTo(left, 7);
  path.lineTo(left + 13, 16);
  path.lineTo(left, 25);
  path.closeSubpath();
  return path;
}

QPainterPath outline(Glyph glyph) {
  QPainterPath path;
  switch (glyph) {
    case Glyph::run:
      path = triangle(10);
      break;
    case Glyph::pause:
      path.addRect(9, 7, 5, 18);
      path.addRect(18, 7, 5, 18);
      break;
    case Glyph::event:
      path = triangle(6);
      path.addRect(21, 7, 4, 18);
      break;
    case Glyph::packet:  // an envelope
      path.addRoundedRect(5, 9, 22, 15, 2, 2);
      path.moveTo(6, 10);
      path.lineTo(16, 18);
      path.lineTo(26, 10);
      break;
    case Glyph::until:
      path = triangle(5);
      path.addPath(triangle(16));
      break;
  }
  return path;
}

}  // namespace

QIcon icon(Glyph glyph, const QPalette& palette) {
  QIcon made;
  for (const auto& [mode, group] : {std::pair(QIcon::Normal, QPalette::Active),
                                    std::pair(QIcon::Disabled, QPalette::Disabled)}) {
    const QColor ink = palette.color(group, QPalette::ButtonText);
    QPixmap pixmap(side, side);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(ink, 2));
    if (glyph != Glyph::packet) painter.setBrush(ink);
    painter.drawPath(outline(glyph));
    painter.end();
    made.addPixmap(pixmap, mode);
  }
  return made;
}

}  // namespace stackyard::gui
