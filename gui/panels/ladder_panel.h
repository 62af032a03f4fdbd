// gui/panels/ladder_panel.h - the ladder diagram of a conversation: a column for each machine that
// it meets, an arrow for each frame. Time goes down, but not by measure: quiet times are short.
#pragma once

#include <QAbstractScrollArea>
#include <QWidget>

#include "gui/canvas/colours.h"
#include "gui/model/conversation.h"

class QLabel;

namespace stackyard::gui {

class LadderView final : public QAbstractScrollArea {
  Q_OBJECT
 public:
  explicit LadderView(const Colours& colours, QWidget* parent = nullptr);
  void show(Conversation conversation);
  const Conversation& conversation() const { return told_; }
  void setCurrent(int step);
  int current() const { return current_; }
  // The whole ladder, however long.
  QImage picture() const;

 signals:
  void stepChosen(int row);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  int wide() const;
  int columnAt(int column, int width) const;
  void paint(QPainter& painter, int width, int first, int last, int top) const;
  void paintStep(QPainter& painter, int width, const Conversation::Step& step, int y,
                 bool chosen) const;

  const Colours& colours_;
  Conversation told_;
  int current_ = -1;
};

class LadderPanel final : public QWidget {
  Q_OBJECT
 public:
  explicit LadderPanel(const Colours& colours, QWidget* parent = nullptr);
  void show(Conversation conversation);
  LadderView& view() { return *view_; }

 private:
  LadderView* view_;
  QLabel* title_;
};

}  // namespace stackyard::gui
