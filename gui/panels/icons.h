// gui/panels/icons.h - the few icons of the bars, drawn in the palette's ink so that they are seen
// on light and on dark.
#pragma once

#include <QIcon>

class QPalette;

namespace stackyard::gui {

enum class Glyph { run, pause, event, packet, until };
QIcon icon(Glyph glyph, const QPalette& palette);

}  // namespace stackyard::gui
