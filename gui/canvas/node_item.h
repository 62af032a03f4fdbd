// gui/canvas/node_item.h - a machine, switch, hub or door on the canvas, with its jails inside.
#pragma once

#include <QGraphicsItem>
#include <vector>

#include "gui/canvas/colours.h"
#include "gui/model/topology.h"

namespace stackyard::gui {

class LinkItem;

// What stands below a node, and at the ends of links.
struct Labels {
  bool names = true, addresses = false, macs = false, ports = false;
};

class NodeItem final : public QGraphicsItem {
 public:
  enum { Type = UserType + 1 };
  NodeItem(const Topology& topology, int node, const Colours& colours);

  int node() const { return node_; }
  // Again, when the jails inside are others.
  void layOut();
  // The node or jail at a point of the item.
  int nodeAt(QPointF place) const;
  // Where a link to the node, or a jail in it, ends: the point of its box towards `from`.
  QPointF edgeTowards(int node, QPointF from) const;
  QPointF centreOf(int node) const;
  void addLink(LinkItem* link) { links_.push_back(link); }
  // The jail inside that a click has meant, or the machine itself.
  int chosen() const { return chosen_; }
  void choose(int node);
  // Places are multiples of it; 0: anywhere.
  void setGrid(double grid) { grid_ = grid; }
  void setRunning(bool running);
  void setLabels(Labels labels);
  void setFound(bool found);

  int type() const override { return Type; }
  QRectF boundingRect() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 protected:
  void mousePressEvent(QGraphicsSceneMouseEvent* event) override;
  QVariant itemChange(GraphicsItemChange change, const QVariant& value) override;

 private:
  struct Box {
    int node;
    QRectF place;
  };
  double layOutJails(int parent, QPointF at);
  QRectF boxOf(int node) const;

  const Topology& topology_;
  int node_;
  const Colours& colours_;
  QRectF box_;  // of the machine itself
  std::vector<Box> jails_;
  std::vector<LinkItem*> links_;
  QStringList lines_;  // below the name
  Labels labels_;
  int chosen_;
  double grid_ = 0;
  bool running_ = true, found_ = false;
};

}  // namespace stackyard::gui
