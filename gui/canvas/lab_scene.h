// gui/canvas/lab_scene.h - the lab as it is drawn, and the view that pans and zooms it.
#pragma once

#include <QGraphicsScene>
#include <QGraphicsView>
#include <QHash>
#include <optional>
#include <vector>

#include "gui/canvas/colours.h"
#include "gui/canvas/node_item.h"
#include "gui/model/topology.h"

namespace stackyard::gui {

class LinkItem;
class NodeItem;
class NoteItem;
class RemoteTable;

class LabScene final : public QGraphicsScene {
  Q_OBJECT
 public:
  explicit LabScene(const QPalette& palette, QObject* parent = nullptr);
  ~LabScene() override;

  // What a press of the mouse does: chooses and moves; draws a link; places a node or a note.
  enum class Tool { select, link, place };
  struct Chosen {
    std::vector<int> nodes;  // or jails in them
    std::vector<int> links, notes;
    bool none() const { return nodes.empty() && links.empty() && notes.empty(); }
  };

  // What was chosen and how frames go stays, for what has the same name.
  void show(Topology topology);
  const Topology& topology() const { return topology_; }
  const Colours& colours() const { return colours_; }
  void setPalette(const QPalette& palette);
  // The lab's table of link ends, at an instant in nanoseconds.
  void showEnds(const RemoteTable& ends, qint64 time);
  // The running lab's jails, outer ones first, also those that commands have made.
  void showJails(const QStringList& jails);
  // No lab runs: what the file says is drawn.
  void showNoLab();
  // Which nodes run; of those that are not named, nothing is known.
  void setRunning(const QString& node, bool running);
  void setLabels(Labels labels);
  Labels labels() const { return labels_; }
  void setMacs(const QString& node, const QStringList& macs);
  // Marks what has this in its name or address, also in a jail's; how many there are.
  int find(const QString& words);
  // The next of those that find() has marked, chosen; -1: none.
  int nextFound();
  // Shows that a frame has left by a link's end, for a while of real time.
  void showFrame(const QString& link, const QString& from, const QString& text);
  // Marks the way of a packet.
  void showPath(const QStringList& links);
  QPointF placeOf(int node) const;
  // Where an end of a link is now: "srv/web:em0".
  QString endPlace(int link, size_t end) const;
  QPointF endPoint(int link, size_t end) const;

  void setTool(Tool tool, const QString& kind = {});
  Tool tool() const { return tool_; }
  void setGrid(double grid);
  double grid() const { return grid_; }
  Chosen chosen() const;
  void choose(const QStringList& nodes);
  // By the keyboard: the next node, or the one before.
  void chooseNext(bool back);
  void nudge(QPointF by);
  // Where the machines and notes are now, which a user may have dragged elsewhere.
  QPointF placeOfMachine(int node) const;
  QPointF placeOfNote(int note) const;
  int nodeAt(QPointF place) const;
  // Names that a running lab has for links whose name in the file has changed since.
  void setLinkNames(QHash<QString, QString> names) { link_names_ = std::move(names); }

 signals:
  void placed(const QString& kind, QPointF at, int inside);
  void linked(int from, int to);
  // Something has been dragged or nudged to another place.
  void moved();
  void noteActivated(int note);
  void nodeActivated(int node);
  void nodeMenu(int node, const QPoint& screen);
  void linkMenu(int link, const QPoint& screen);

 protected:
  void mousePressEvent(QGraphicsSceneMouseEvent* event) override;
  void mouseMoveEvent(QGraphicsSceneMouseEvent* event) override;
  void mouseReleaseEvent(QGraphicsSceneMouseEvent* event) override;
  void dragEnterEvent(QGraphicsSceneDragDropEvent* event) override;
  void dragMoveEvent(QGraphicsSceneDragDropEvent* event) override;
  void dropEvent(QGraphicsSceneDragDropEvent* event) override;
  void drawBackground(QPainter* painter, const QRectF& rect) override;
  void mouseDoubleClickEvent(QGraphicsSceneMouseEvent* event) override;
  void contextMenuEvent(QGraphicsSceneContextMenuEvent* event) override;

 private:
  struct EndState {
    qint64 octets = 0, time = 0;
  };
  NodeItem* itemOf(int node) const;
  int linkNamed(const QString& name) const;
  bool has(int node, const QString& words) const;
  void addLinks();
  void drawJails();
  void showPlace(LinkItem& link, size_t end, const QString& place);
  std::vector<QPointF> places() const;
  void chooseAgain(const QStringList& nodes, const QStringList& links);

  Topology topology_;
  Colours colours_;
  std::vector<NodeItem*> nodes_;  // by node; null for jails
  std::vector<LinkItem*> links_;
  QHash<QString, int> link_index_;
  QHash<QString, EndState> last_;  // by link and end
  int moving_ = 0;                 // frames on their way
  int generation_ = 0;             // of what is shown
  std::vector<NoteItem*> notes_;
  QHash<QString, QString> link_names_;
  std::optional<QStringList> jails_;  // of the running lab
  Labels labels_;
  Tool tool_ = Tool::select;
  QString kind_;  // of the place tool
  double grid_ = 0;
  std::vector<QPointF> before_;  // a press: where everything was
  int from_ = -1;                // a link that is being drawn begins there
  QGraphicsLineItem* rubber_ = nullptr;
  std::vector<int> found_;
  size_t next_found_ = 0;
};

class LabView final : public QGraphicsView {
  Q_OBJECT
 public:
  explicit LabView(LabScene* scene, QWidget* parent = nullptr);
  void fit();
  void zoom(double factor);
  // The middle of what is seen.
  QPointF middle() const;
  void setDrawing(bool drawing);

 protected:
  bool focusNextPrevChild(bool next) override;
  void contextMenuEvent(QContextMenuEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;

 private:
  LabScene& lab() const;
  bool fitted_ = true;  // nobody has zoomed since
};

}  // namespace stackyard::gui
