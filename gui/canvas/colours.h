// gui/canvas/colours.h - the colours of the canvas: told apart by who is colour-blind too (Okabe
// and Ito's palette), on light and on dark.
#pragma once

#include <QColor>

class QPalette;

namespace stackyard::gui {

struct Colours {
  QColor ground, ink, faint, node, jail, selected, changed;
  QColor up, down, busy, full;

  static Colours of(const QPalette& palette);
  // Of a kind of node: the band at its head.
  QColor kind(const QString& kind) const;
  // Of a packet, by the words that describe it.
  QColor protocol(const QString& text) const;
  bool dark = false;
};

}  // namespace stackyard::gui
