// gui/canvas/link_item.h - a cable, or a segment that several share, with the state of its ends.
#pragma once

#include <QCoreApplication>
#include <QGraphicsItem>
#include <vector>

#include "gui/canvas/colours.h"
#include "gui/model/topology.h"

namespace stackyard::gui {

class NodeItem;

class LinkItem final : public QGraphicsItem {
  Q_DECLARE_TR_FUNCTIONS(LinkItem)
 public:
  enum { Type = UserType + 2 };
  // `lane`: of several links between the same two, which one; 0 is the straight one.
  LinkItem(const Topology& topology, int link, std::vector<NodeItem*> ends, int lane,
           const Colours& colours);

  int link() const { return link_; }
  void place();  // again, after a node has moved
  // The node or jail of the same machine where an end is now, and the name that its interface has
  // there: both may change.
  void setEndPlace(size_t end, int node, const QString& port);
  int endNode(size_t end) const { return ends_[end].node; }
  const QString& endPort(size_t end) const { return ends_[end].port; }
  void setLabels(bool ports);
  void setOnPath(bool on);
  // Of an end: its carrier, how much of the rate it uses (0 to 1; negative: it has no rate), and
  // whether anything left there since the last look.
  void setEnd(size_t end, bool carrier, double utilisation, bool active);
  // Of an end whose port speaks spanning tree: its role and state, else both empty.
  void setTree(size_t end, const QString& role, const QString& state);
  // Where on the way from one end to another something is, `part` 0 to 1.
  QPointF pointOn(size_t from, double part) const;

  int type() const override { return Type; }
  QRectF boundingRect() const override { return bounds_; }
  QPainterPath shape() const override;
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget* widget) override;

 private:
  struct End {
    QPointF at;
    int node = 0;
    QString port;
    bool carrier = true, active = false;
    double utilisation = -1;
    QString role, state;  // of the spanning tree
  };
  void showWords();
  QString treeWords(const End& end) const;
  void paintEnd(QPainter& painter, const End& end) const;
  const Topology& topology_;
  int link_;
  std::vector<NodeItem*> nodes_;
  int lane_;
  const Colours& colours_;
  std::vector<End> ends_;
  QPointF middle_;
  QRectF bounds_;
  bool ports_ = false, on_path_ = false;
};

}  // namespace stackyard::gui
