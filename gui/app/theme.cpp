#include "gui/app/theme.h"

#include <QApplication>
#include <QPalette>
#include <QStyleFactory>

namespace stackyard::gui {

void setTheme(QApplication& application, bool dark) {
  application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  QPalette palette;
  const QColor window = dark ? QColor(0x23, 0x26, 0x2b) : QColor(0xf2, 0xf3, 0xf5);
  const QColor base = dark ? QColor(0x1b, 0x1d, 0x21) : QColor(0xff, 0xff, 0xff);
  const QColor text = dark ? QColor(0xe6, 0xe8, 0xeb) : QColor(0x1c, 0x1e, 0x21);
  const QColor faint = dark ? QColor(0x80, 0x86, 0x90) : QColor(0x8a, 0x8f, 0x98);
  palette.setColor(QPalette::Window, window);
  palette.setColor(QPalette::Base, base);
  palette.setColor(QPalette::AlternateBase,
                   dark ? QColor(0x21, 0x24, 0x29) : QColor(0xf7, 0xf8, 0xfa));
  palette.setColor(QPalette::Button, dark ? QColor(0x2d, 0x31, 0x38) : QColor(0xe8, 0xea, 0xee));
  palette.setColor(QPalette::ToolTipBase, base);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText,
                          QPalette::ToolTipText, QPalette::BrightText})
    palette.setColor(role, text);
  palette.setColor(QPalette::PlaceholderText, faint);
  palette.setColor(QPalette::Highlight, QColor(0x00, 0x72, 0xb2));
  palette.setColor(QPalette::HighlightedText, Qt::white);
  palette.setColor(QPalette::Link, dark ? QColor(0x56, 0xb4, 0xe9) : QColor(0x00, 0x72, 0xb2));
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
    palette.setColor(QPalette::Disabled, role, faint);
  application.setPalette(palette);
}

}  // namespace stackyard::gui
