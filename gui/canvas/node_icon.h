// gui/canvas/node_icon.h - what a kind of node looks like: simple enough to be told apart at any
// size, on the canvas and in the palette.
#pragma once

#include <QIcon>

#include "gui/canvas/colours.h"

class QPainter;

namespace stackyard::gui {

// A screen, arrows, a bridge's lines, a hub, a door; also "link" and "note", "select" for the bar.
void paintNodeIcon(QPainter& painter, QPointF centre, const QString& kind, const QColor& ink);
QIcon nodeIcon(const QString& kind, const Colours& colours);

}  // namespace stackyard::gui
