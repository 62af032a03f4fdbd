#include "gui/canvas/node_item.h"

#include <QGraphicsScene>
#include <QGraphicsSceneMouseEvent>
#include <QPainter>
#include <QStyleOptionGraphicsItem>
#include <algorithm>
#include <cmath>

#include "gui/canvas/link_item.h"
#include "gui/canvas/node_icon.h"

namespace stackyard::gui {

namespace {

constexpr int lines_most = 3;
constexpr double width = 72, head = 40, chip_height = 20, gap = 4, label_height = 16;

}  // namespace

NodeItem::NodeItem(const Topology& topology, int node, const Colours& colours)
    : topology_(topology), node_(node), colours_(colours), chosen_(node) {
  layOut();
  setPos(topology.nodes[size_t(node)].at);
  setFlags(ItemIsMovable | ItemIsSelectable | ItemSendsGeometryChanges);
  setAcceptHoverEvents(true);
  setZValue(2);
  setToolTip(topology.nodes[size_t(node)].name + QLatin1Char('\n') +
             topology.nodes[size_t(node)].kind + QLatin1Char('\n') +
             topology.nodes[size_t(node)].addresses.join(QLatin1Char('\n')));
}

void NodeItem::layOut() {
  prepareGeometryChange();
  jails_.clear();
  const double bottom = layOutJails(node_, {-width / 2 + gap, -head / 2 + head});
  box_ = QRectF(-width / 2, -head / 2, width, head);
  for (const Box& jail : jails_) box_ = box_.united(jail.place.adjusted(-gap, 0, gap, gap));
  if (!jails_.empty()) box_.setBottom(std::max(box_.bottom(), bottom));
  for (LinkItem* link : links_) link->place();
}

// A jail below the other, inner ones inside it. Gives where the last one ends.
double NodeItem::layOutJails(int parent, QPointF at) {
  double y = at.y();
  for (const int node : topology_.nodes[size_t(parent)].jails) {
    const size_t slot = jails_.size();
    jails_.push_back({node, {}});
    const double inner = layOutJails(node, {at.x() + gap, y + chip_height});
    const double bottom = std::max(inner, y + chip_height);
    double right = at.x() + width - 2 * gap;
    for (size_t j = slot + 1; j < jails_.size(); ++j)
      right = std::max(right, jails_[j].place.right() + gap);
    jails_[slot].place = QRectF(at.x(), y, right - at.x(), bottom - y);
    y = bottom + gap;
  }
  return y;
}

QRectF NodeItem::boxOf(int node) const {
  for (const Box& jail : jails_)
    if (jail.node == node) return jail.place;
  return box_;
}

int NodeItem::nodeAt(QPointF place) const {
  int found = node_;
  for (const Box& jail : jails_)  // inner ones come later
    if (jail.place.contains(place)) found = jail.node;
  return found;
}

QPointF NodeItem::centreOf(int node) const { return mapToScene(boxOf(node).center()); }

QPointF NodeItem::edgeTowards(int node, QPointF from) const {
  const QRectF box = boxOf(node);
  const QPointF centre = box.center();
  const QPointF way = mapFromScene(from) - centre;
  if (way.isNull()) return mapToScene(centre);
  const double x = std::abs(way.x()) > 0 ? box.width() / 2 / std::abs(way.x()) : 1e9;
  const double y = std::abs(way.y()) > 0 ? box.height() / 2 / std::abs(way.y()) : 1e9;
  return mapToScene(centre + way * std::min({x, y, 1.0}));
}

QRectF NodeItem::boundingRect() const {
  return box_.adjusted(-30, -4, 30, 4 + label_height * int(lines_.size() + 1));
}

void NodeItem::setRunning(bool running) {
  if (running_ == running) return;
  running_ = running;
  update();
}

void NodeItem::setLabels(Labels labels) {
  prepareGeometryChange();
  labels_ = labels;
  lines_.clear();
  const Topology::Node& node = topology_.nodes[size_t(node_)];
  if (labels_.addresses) lines_ += node.addresses.mid(0, lines_most);
  if (labels_.macs) lines_ += node.macs.mid(0, lines_most);
  update();
}

void NodeItem::setFound(bool found) {
  found_ = found;
  update();
}

void NodeItem::paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget*) {
  const double detail = option->levelOfDetailFromTransform(painter->worldTransform());
  const Topology::Node& node = topology_.nodes[size_t(node_)];
  painter->setOpacity(running_ ? 1 : 0.4);
  const QColor edge = isSelected() && chosen_ == node_ ? colours_.selected
                      : found_                         ? colours_.busy
                                                       : colours_.faint;
  painter->setPen(QPen(edge, (isSelected() && chosen_ == node_) || found_ ? 2.5 : 1));
  painter->setBrush(colours_.node);
  painter->drawRoundedRect(box_, 6, 6);
  if (detail < 0.35) {  // too small to read
    painter->fillRect(QRectF(-10, -10, 20, 20), colours_.kind(node.kind));
    return;
  }
  paintNodeIcon(*painter, QPointF(box_.center().x(), 0), node.kind, colours_.kind(node.kind));
  QFont font = painter->font();
  font.setPointSizeF(8.5);
  painter->setFont(font);
  for (const Box& jail : jails_) {
    const Topology::Node& inner = topology_.nodes[size_t(jail.node)];
    const bool chosen = isSelected() && chosen_ == jail.node;
    // One that a command has made is dashed; one that has gone is empty.
    painter->setPen(QPen(chosen ? colours_.selected : colours_.kind(inner.kind), chosen ? 2.5 : 1,
                         inner.made ? Qt::DashLine : Qt::SolidLine));
    painter->setBrush(inner.there ? colours_.jail : colours_.node);
    painter->drawRoundedRect(jail.place, 4, 4);
    painter->setPen(inner.there ? colours_.ink : colours_.faint);
    const QString name = inner.name.section(QLatin1Char('/'), -1);
    painter->drawText(
        QRectF(jail.place.left() + 4, jail.place.top(), jail.place.width() - 6, chip_height),
        Qt::AlignVCenter | Qt::AlignLeft,
        painter->fontMetrics().elidedText(name, Qt::ElideRight, int(jail.place.width()) - 6));
  }
  painter->setPen(colours_.ink);
  QStringList label = lines_;
  if (labels_.names) label.prepend(node.name);
  painter->drawText(QRectF(box_.left() - 30, box_.bottom() + 2, box_.width() + 60,
                           label_height * int(lines_.size() + 1)),
                    Qt::AlignHCenter | Qt::AlignTop, label.join(QLatin1Char('\n')));
}

void NodeItem::choose(int node) {
  chosen_ = node;
  update();
}

void NodeItem::mousePressEvent(QGraphicsSceneMouseEvent* event) {
  const bool another = isSelected() && chosen_ != nodeAt(event->pos());
  choose(nodeAt(event->pos()));
  QGraphicsItem::mousePressEvent(event);
  if (another) emit scene()->selectionChanged();
}

QVariant NodeItem::itemChange(GraphicsItemChange change, const QVariant& value) {
  if (change == ItemSelectedHasChanged && !value.toBool()) chosen_ = node_;
  if (change == ItemPositionChange && grid_ > 0) {
    const QPointF at = value.toPointF() / grid_;
    return QPointF(std::round(at.x()), std::round(at.y())) * grid_;
  }
  if (change == ItemPositionHasChanged)
    for (LinkItem* link : links_) link->place();
  return QGraphicsItem::itemChange(change, value);
}

}  // namespace stackyard::gui
