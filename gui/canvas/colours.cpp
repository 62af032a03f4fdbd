#include "gui/canvas/colours.h"

#include <QPalette>
#include <QString>
#include <array>
#include <utility>

namespace stackyard::gui {

namespace {

const QColor orange(0xe6, 0x9f, 0x00), sky(0x56, 0xb4, 0xe9), green(0x00, 0x9e, 0x73),
    yellow(0xf0, 0xe4, 0x42), blue(0x00, 0x72, 0xb2), vermilion(0xd5, 0x5e, 0x00),
    purple(0xcc, 0x79, 0xa7), grey(0x99, 0x99, 0x99);

}  // namespace

Colours Colours::of(const QPalette& palette) {
  Colours c;
  c.dark = palette.color(QPalette::Base).lightness() < 128;
  c.ground = palette.color(QPalette::Base);
  c.ink = palette.color(QPalette::Text);
  c.faint = c.dark ? QColor(0x70, 0x76, 0x80) : QColor(0x8a, 0x8f, 0x98);
  c.node = c.dark ? QColor(0x2b, 0x30, 0x38) : QColor(0xf4, 0xf6, 0xf9);
  c.jail = c.dark ? QColor(0x3a, 0x41, 0x4c) : QColor(0xe4, 0xe9, 0xf0);
  c.selected = palette.color(QPalette::Highlight);
  c.changed = c.dark ? QColor(0x6b, 0x55, 0x10) : QColor(0xff, 0xf1, 0xb8);
  c.up = green;
  c.down = vermilion;
  c.busy = orange;
  c.full = purple;
  return c;
}

QColor Colours::kind(const QString& kind) const {
  static const std::array<std::pair<const char*, QColor>, 6> all{{{"host", sky},
                                                                  {"router", vermilion},
                                                                  {"switch", green},
                                                                  {"hub", yellow},
                                                                  {"door", purple},
                                                                  {"jail", blue}}};
  for (const auto& [name, colour] : all)
    if (kind == QLatin1String(name)) return colour;
  return grey;
}

QColor Colours::protocol(const QString& text) const {
  const auto has = [&](const char* word) { return text.contains(QLatin1String(word)); };
  if (has("ARP") || has("neighbor") || has("router ")) return yellow;
  if (has("ICMP")) return purple;
  if (has("Flags [")) return sky;
  if (has("UDP")) return green;
  if (has("IGMP") || has("multicast")) return orange;
  return grey;
}

}  // namespace stackyard::gui
