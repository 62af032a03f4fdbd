#include "gui/canvas/link_item.h"

#include <QPainter>
#include <QPainterPathStroker>
#include <QStyleOptionGraphicsItem>
#include <algorithm>
#include <cmath>

#include "gui/canvas/node_item.h"

namespace stackyard::gui {

LinkItem::LinkItem(const Topology& topology, int link, std::vector<NodeItem*> ends, int lane,
                   const Colours& colours)
    : topology_(topology),
      link_(link),
      nodes_(std::move(ends)),
      lane_(lane),
      colours_(colours),
      ends_(nodes_.size()) {
  setFlags(ItemIsSelectable);
  for (size_t i = 0; i < ends_.size(); ++i) {
    ends_[i].carrier = topology.links[size_t(link)].up;
    ends_[i].node = topology.links[size_t(link)].ends[i].node;
    ends_[i].port = topology.links[size_t(link)].ends[i].port;
  }
  place();
}

// A straight line, or one bent aside; of a segment a star.
void LinkItem::place() {
  prepareGeometryChange();
  // Nodes hide links that pass behind them, but not the end in a jail of their own.
  const bool inside = std::any_of(ends_.begin(), ends_.end(), [&](const End& end) {
    return topology_.nodes[size_t(end.node)].parent >= 0;
  });
  setZValue(inside ? 2.5 : 1);
  QPointF sum;
  for (size_t i = 0; i < nodes_.size(); ++i) sum += nodes_[i]->centreOf(ends_[i].node);
  middle_ = sum / double(nodes_.size());
  if (nodes_.size() == 2 && lane_ != 0) {
    const QPointF way = nodes_[1]->centreOf(ends_[1].node) - nodes_[0]->centreOf(ends_[0].node);
    const double length = std::max(1.0, std::hypot(way.x(), way.y()));
    const double aside = 18.0 * ((lane_ + 1) / 2) * (lane_ % 2 ? 1 : -1);
    middle_ += QPointF(-way.y(), way.x()) / length * aside;
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const bool straight = nodes_.size() == 2 && lane_ == 0;
    const QPointF towards = straight ? nodes_[1 - i]->centreOf(ends_[1 - i].node) : middle_;
    ends_[i].at = nodes_[i]->edgeTowards(ends_[i].node, towards);
  }
  bounds_ = QRectF(middle_, middle_);
  for (const End& end : ends_) bounds_ = bounds_.united(QRectF(end.at, QSizeF(1, 1)));
  bounds_.adjust(-40, -14, 40, 14);
  showWords();
}

void LinkItem::showWords() {
  QStringList names, trees;
  for (const End& end : ends_) {
    names.append(topology_.nodes[size_t(end.node)].name + QLatin1Char(':') + end.port);
    if (!end.role.isEmpty()) trees.append(names.back() + QLatin1String(": ") + treeWords(end));
  }
  QStringList lines{topology_.links[size_t(link_)].name, names.join(QLatin1String(" -- "))};
  setToolTip((lines + trees).join(QLatin1Char('\n')));
}

// What spanning tree makes of an end, for people.
QString LinkItem::treeWords(const End& end) const {
  if (end.state == QLatin1String("learning"))
    return tr("learns addresses, and forwards soon (spanning tree)");
  if (end.role == QLatin1String("root")) return tr("root port: leads to the root of the tree");
  if (end.role == QLatin1String("alternate"))
    return tr("alternate port: discards frames, a spare way to the root of the tree");
  if (end.role == QLatin1String("backup"))
    return tr("backup port: discards frames, a spare for another port of this switch");
  if (end.role == QLatin1String("disabled")) return tr("has no part in the tree: its link is down");
  if (end.state == QLatin1String("discarding"))
    return tr("designated port: discards frames until its neighbour agrees");
  return tr("designated port: leads away from the root of the tree");
}

void LinkItem::setEndPlace(size_t end, int node, const QString& port) {
  if (end >= ends_.size() || (ends_[end].node == node && ends_[end].port == port)) return;
  ends_[end].node = node;
  ends_[end].port = port;
  place();
}

void LinkItem::setLabels(bool ports) {
  ports_ = ports;
  update();
}

void LinkItem::setOnPath(bool on) {
  if (on_path_ == on) return;
  on_path_ = on;
  update();
}

void LinkItem::setEnd(size_t end, bool carrier, double utilisation, bool active) {
  if (end >= ends_.size()) return;
  End& known = ends_[end];
  if (known.carrier == carrier && known.utilisation == utilisation && known.active == active)
    return;
  known.carrier = carrier;
  known.utilisation = utilisation;
  known.active = active;
  update();
}

void LinkItem::setTree(size_t end, const QString& role, const QString& state) {
  if (end >= ends_.size()) return;
  End& known = ends_[end];
  if (known.role == role && known.state == state) return;
  known.role = role;
  known.state = state;
  showWords();
  update();
}

QPointF LinkItem::pointOn(size_t from, double part) const {
  if (ends_.size() == 2 && lane_ == 0)
    return ends_[from].at + (ends_[1 - from].at - ends_[from].at) * part;
  // To the middle, and out again at the other end.
  const size_t to = from == 0 ? 1 : 0;
  return part < 0.5 ? ends_[from].at + (middle_ - ends_[from].at) * (part * 2)
                    : middle_ + (ends_[to].at - middle_) * (part * 2 - 1);
}

QPainterPath LinkItem::shape() const {
  QPainterPath path;
  for (const End& end : ends_) {
    path.moveTo(end.at);
    path.lineTo(middle_);
  }
  QPainterPathStroker stroker;
  stroker.setWidth(10);
  return stroker.createStroke(path);
}

// A square for no carrier, a bar across the cable where a port discards, a diamond where it learns:
// a colour alone does not tell everybody.
void LinkItem::paintEnd(QPainter& painter, const End& end) const {
  painter.setPen(Qt::NoPen);
  if (!end.carrier) {
    painter.setBrush(colours_.down);
    painter.drawRect(QRectF(end.at - QPointF(4, 4), QSizeF(8, 8)));
    return;
  }
  const bool learning = end.state == QLatin1String("learning");
  if (!learning && end.state != QLatin1String("discarding")) {
    painter.setBrush(colours_.up);
    painter.drawEllipse(end.at, 3.5, 3.5);
    return;
  }
  const QPointF way = middle_ - end.at;
  const double length = std::max(1.0, std::hypot(way.x(), way.y()));
  const QPointF along = way / length, across(-along.y(), along.x());
  painter.setBrush(colours_.busy);
  if (learning) {
    painter.drawPolygon(QPolygonF({end.at + along * 5.5, end.at + across * 5.5,
                                   end.at - along * 5.5, end.at - across * 5.5}));
    return;
  }
  painter.setPen(QPen(colours_.busy, 4, Qt::SolidLine, Qt::FlatCap));
  const QPointF bar = end.at + along * std::min(5.0, length / 2);
  painter.drawLine(bar - across * 9, bar + across * 9);
}

void LinkItem::paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget*) {
  const double detail = option->levelOfDetailFromTransform(painter->worldTransform());
  if (on_path_) {
    QColor glow = colours_.selected;
    glow.setAlpha(110);
    painter->setPen(QPen(glow, 9, Qt::SolidLine, Qt::RoundCap));
    for (const End& end : ends_) painter->drawLine(end.at, middle_);
  }
  for (const End& end : ends_) {
    QColor colour = colours_.faint;
    double width = 1.4;
    if (end.active) width = 2.2;
    if (end.active) colour = colours_.up;
    if (end.utilisation > 0.5) colour = colours_.busy;
    if (end.utilisation > 0.9) colour = colours_.full;
    if (end.utilisation > 0) width = 2 + 3 * std::min(1.0, end.utilisation);
    QPen pen(isSelected() ? colours_.selected : colour, isSelected() ? width + 1.5 : width);
    if (!end.carrier) pen.setStyle(Qt::DashLine);
    painter->setPen(pen);
    painter->drawLine(end.at, middle_);
  }
  if (detail < 0.35) return;
  for (const End& end : ends_) paintEnd(*painter, end);
  painter->setPen(Qt::NoPen);
  if (ends_.size() > 2) {
    painter->setBrush(colours_.faint);
    painter->drawEllipse(middle_, 3, 3);
  }
  if (!ports_) return;
  QFont font = painter->font();
  font.setPointSizeF(7.5);
  painter->setFont(font);
  painter->setPen(colours_.faint);
  for (size_t i = 0; i < ends_.size(); ++i) {
    const QPointF way = middle_ - ends_[i].at;
    const double length = std::max(1.0, std::hypot(way.x(), way.y()));
    const QPointF at = ends_[i].at + way / length * std::min(16.0, length / 2);
    painter->drawText(QRectF(at.x() - 30, at.y() - 14, 60, 12), Qt::AlignCenter, ends_[i].port);
  }
}

}  // namespace stackyard::gui
