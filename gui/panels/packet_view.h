// gui/panels/packet_view.h - a list of rows of equal height, of which only those that are seen cost
// anything: ten million scroll like ten.
#pragma once

#include <QAbstractScrollArea>

class QAbstractItemModel;
class QHeaderView;

namespace stackyard::gui {

class PacketView final : public QAbstractScrollArea {
  Q_OBJECT
 public:
  explicit PacketView(QAbstractItemModel& model, QWidget* parent = nullptr);
  int currentRow() const { return current_; }
  void setCurrentRow(int row);
  void scrollToRow(int row);
  void setColumnWidth(int column, int width);
  int rowsSeen() const;
  int firstSeen() const;

 signals:
  void currentRowChanged(int row);
  void menuWanted(int row, const QPoint& screen);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void scrollContentsBy(int dx, int dy) override;

 private:
  void grown();
  void measure();
  int rowAt(QPoint place) const;

  QAbstractItemModel& model_;
  QHeaderView* header_;
  int row_height_, current_ = -1;
};

}  // namespace stackyard::gui
