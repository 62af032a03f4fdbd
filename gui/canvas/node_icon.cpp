#include "gui/canvas/node_icon.h"

#include <QPainter>
#include <QPainterPath>

namespace stackyard::gui {

void paintNodeIcon(QPainter& painter, QPointF c, const QString& kind, const QColor& ink) {
  painter.setPen(QPen(ink, 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  painter.setBrush(Qt::NoBrush);
  const auto is = [&](const char* name) { return kind == QLatin1String(name); };
  if (is("router")) {
    painter.drawEllipse(c, 11, 11);
    for (const QPointF d : {QPointF(1, 0), QPointF(-1, 0), QPointF(0, 1), QPointF(0, -1)})
      painter.drawLine(c + d * 4, c + d * 9);
  } else if (is("switch")) {
    painter.drawRoundedRect(QRectF(c.x() - 14, c.y() - 8, 28, 16), 2, 2);
    for (int i = -1; i <= 1; ++i) painter.drawPoint(c + QPointF(i * 7, 0));
    painter.drawLine(c + QPointF(-9, -3), c + QPointF(9, -3));
    painter.drawLine(c + QPointF(-9, 3), c + QPointF(9, 3));
  } else if (is("hub")) {
    painter.drawRoundedRect(QRectF(c.x() - 14, c.y() - 8, 28, 16), 2, 2);
    painter.drawEllipse(c, 3, 3);
  } else if (is("door")) {
    painter.drawRect(QRectF(c.x() - 8, c.y() - 12, 16, 24));
    painter.drawEllipse(c + QPointF(4, 1), 1.5, 1.5);
  } else if (is("jail")) {
    painter.drawRoundedRect(QRectF(c.x() - 12, c.y() - 10, 24, 20), 3, 3);
    for (int i = -1; i <= 1; ++i) painter.drawLine(c + QPointF(i * 6, -10), c + QPointF(i * 6, 10));
  } else if (is("link")) {
    painter.drawLine(c + QPointF(-10, 8), c + QPointF(10, -8));
    painter.setBrush(ink);
    painter.drawEllipse(c + QPointF(-10, 8), 3, 3);
    painter.drawEllipse(c + QPointF(10, -8), 3, 3);
  } else if (is("note")) {
    painter.drawRect(QRectF(c.x() - 11, c.y() - 10, 22, 20));
    for (int i = -1; i <= 1; ++i)
      painter.drawLine(c + QPointF(-7, i * 5.0), c + QPointF(i == 1 ? 2 : 7, i * 5.0));
  } else if (is("select")) {
    QPainterPath path(c + QPointF(-6, -10));
    for (const QPointF d : {QPointF(-6, 8), QPointF(-1, 4), QPointF(3, 11), QPointF(6, 9),
                            QPointF(2, 2), QPointF(8, 2)})
      path.lineTo(c + d);
    path.closeSubpath();
    painter.drawPath(path);
  } else {
    painter.drawRoundedRect(QRectF(c.x() - 13, c.y() - 10, 26, 16), 2, 2);
    painter.drawLine(c + QPointF(-7, 10), c + QPointF(7, 10));
    painter.drawLine(c + QPointF(0, 6), c + QPointF(0, 10));
  }
}

QIcon nodeIcon(const QString& kind, const Colours& colours) {
  constexpr int side = 34;
  QPixmap pixmap(side, side);
  pixmap.fill(Qt::transparent);
  QPainter painter(&pixmap);
  painter.setRenderHint(QPainter::Antialiasing);
  const bool tool = kind == QLatin1String("select") || kind == QLatin1String("link") ||
                    kind == QLatin1String("note");
  paintNodeIcon(painter, QPointF(side / 2.0, side / 2.0), kind,
                tool ? colours.ink : colours.kind(kind));
  return pixmap;
}

}  // namespace stackyard::gui
