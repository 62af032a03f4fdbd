// gui/canvas/palette_bar.h - what can be drawn: a click chooses the tool, a drag drops one thing.
#pragma once

#include <QToolBar>

#include "gui/canvas/colours.h"

class QActionGroup;

namespace stackyard::gui {

inline constexpr char kind_mime[] = "application/x-stackyard-kind";

class PaletteBar final : public QToolBar {
  Q_OBJECT
 public:
  explicit PaletteBar(const Colours& colours, QWidget* parent = nullptr);
  // Icons anew, in these colours.
  void setColours();
  void choose(const QString& tool);
  QList<QAction*> tools() const;

 signals:
  // "select", "link", "note", or a kind of node.
  void chosen(const QString& tool);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  const Colours& colours_;
  QActionGroup* tools_;
  QPoint pressed_;
};

}  // namespace stackyard::gui
