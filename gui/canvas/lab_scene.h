// gui/canvas/lab_scene.h - the lab as it is drawn, and the view that pans and zooms it.
#pragma once

#include <QGraphicsScene>
#include <QGraphicsView>
#include <QHash>
#include <vector>

#include "gui/canvas/colours.h"
#include "gui/model/topology.h"

namespace stackyard::gui {

class LinkItem;
class NodeItem;
class RemoteTable;

class LabScene final : public QGraphicsScene {
  Q_OBJECT
 public:
  explicit LabScene(const QPalette& palette, QObject* parent = nullptr);
  ~LabScene() override;

  void show(Topology topology);
  const Topology& topology() const { return topology_; }
  const Colours& colours() const { return colours_; }
  void setPalette(const QPalette& palette);
  // The lab's table of link ends, at an instant in nanoseconds.
  void showEnds(const RemoteTable& ends, qint64 time);
  // Which nodes run; of those that are not named, nothing is known.
  void setRunning(const QString& node, bool running);
  void setLabels(bool addresses, bool ports);
  // Marks what has this in its name or address; how many there are.
  int find(const QString& words);
  // Shows that a frame has left by a link's end, for a while of real time.
  void showFrame(const QString& link, const QString& from, const QString& text);
  // Marks the way of a packet.
  void showPath(const QStringList& links);
  QPointF placeOf(int node) const;

 signals:
  void nodeActivated(int node);
  void nodeMenu(int node, const QPoint& screen);
  void linkMenu(int link, const QPoint& screen);

 protected:
  void mouseDoubleClickEvent(QGraphicsSceneMouseEvent* event) override;
  void contextMenuEvent(QGraphicsSceneContextMenuEvent* event) override;

 private:
  struct EndState {
    qint64 octets = 0, time = 0;
  };
  NodeItem* itemOf(int node) const;
  int nodeAt(QPointF place) const;

  Topology topology_;
  Colours colours_;
  std::vector<NodeItem*> nodes_;  // by node; null for jails
  std::vector<LinkItem*> links_;
  QHash<QString, int> link_index_;
  QHash<QString, EndState> last_;  // by link and end
  int moving_ = 0;                 // frames on their way
  int generation_ = 0;             // of what is shown
  bool addresses_ = false, ports_ = false;
};

class LabView final : public QGraphicsView {
  Q_OBJECT
 public:
  explicit LabView(LabScene* scene, QWidget* parent = nullptr);
  void fit();
  void zoom(double factor);

 protected:
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  bool fitted_ = true;  // nobody has zoomed since
};

}  // namespace stackyard::gui
