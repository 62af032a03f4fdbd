#include "gui/canvas/lab_scene.h"

#include <QGraphicsEllipseItem>
#include <QGraphicsSceneContextMenuEvent>
#include <QGraphicsSceneMouseEvent>
#include <QGraphicsSimpleTextItem>
#include <QKeyEvent>
#include <QPalette>
#include <QVariantAnimation>
#include <QWheelEvent>
#include <map>

#include "gui/canvas/link_item.h"
#include "gui/canvas/node_item.h"
#include "gui/model/remote_table.h"

namespace stackyard::gui {

namespace {

constexpr int frame_ms = 700;    // of real time on a link
constexpr int moving_most = 60;  // more are not looked at one by one

}  // namespace

LabScene::LabScene(const QPalette& palette, QObject* parent)
    : QGraphicsScene(parent), colours_(Colours::of(palette)) {
  setBackgroundBrush(colours_.ground);
}

LabScene::~LabScene() = default;

void LabScene::setPalette(const QPalette& palette) {
  colours_ = Colours::of(palette);
  setBackgroundBrush(colours_.ground);
  update();
}

void LabScene::show(Topology topology) {
  clear();
  nodes_.clear();
  links_.clear();
  link_index_.clear();
  last_.clear();
  moving_ = 0;
  ++generation_;
  topology_ = std::move(topology);
  nodes_.resize(topology_.nodes.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (topology_.nodes[i].parent >= 0) continue;
    nodes_[i] = new NodeItem(topology_, int(i), colours_);
    addItem(nodes_[i]);
  }
  std::map<std::pair<int, int>, int> lanes;
  for (size_t l = 0; l < topology_.links.size(); ++l) {
    const Topology::Link& link = topology_.links[l];
    std::vector<NodeItem*> ends;
    for (const Topology::End& end : link.ends) ends.push_back(itemOf(end.node));
    const auto pair = std::minmax(link.ends[0].node, link.ends[1].node);
    const int lane = link.ends.size() == 2 ? lanes[pair]++ : 0;
    auto* item = new LinkItem(topology_, int(l), ends, lane, colours_);
    for (NodeItem* end : ends) end->addLink(item);
    addItem(item);
    links_.push_back(item);
    link_index_.insert(link.name, int(l));
  }
  for (const Topology::Note& note : topology_.notes) {
    auto* words = addSimpleText(note.text);
    words->setBrush(colours_.faint);
    words->setPos(note.at);
  }
  setLabels(addresses_, ports_);
  setSceneRect(itemsBoundingRect().adjusted(-200, -200, 200, 200));
}

NodeItem* LabScene::itemOf(int node) const { return nodes_[size_t(topology_.machineOf(node))]; }

QPointF LabScene::placeOf(int node) const { return itemOf(node)->centreOf(node); }

void LabScene::showEnds(const RemoteTable& ends, qint64 time) {
  QHash<QString, size_t> next;  // ends of a link come in its order
  for (int row = 0; row < ends.rowCount(); ++row) {
    const QString name = ends.cell(row, QStringLiteral("link"));
    const auto link = link_index_.constFind(name);
    if (link == link_index_.constEnd()) continue;
    const size_t end = next[name]++;
    const qint64 octets = ends.cell(row, QStringLiteral("octets")).toLongLong();
    const double rate = ends.cell(row, QStringLiteral("rate")).toDouble();
    EndState& last = last_[name + QLatin1Char('\n') + ends.cell(row, QStringLiteral("end"))];
    const double seconds = double(time - last.time) / 1e9;
    const double used =
        rate > 0 && seconds > 0 ? double(octets - last.octets) * 8 / seconds / rate : -1;
    links_[size_t(*link)]->setEnd(end,
                                  ends.cell(row, QStringLiteral("carrier")) == QLatin1String("up"),
                                  used, octets > last.octets);
    if (seconds > 0) last = {octets, time};
  }
}

void LabScene::setRunning(const QString& node, bool running) {
  const int index = topology_.nodeNamed(node);
  if (index >= 0 && nodes_[size_t(index)]) nodes_[size_t(index)]->setRunning(running);
}

void LabScene::setLabels(bool addresses, bool ports) {
  addresses_ = addresses;
  ports_ = ports;
  for (NodeItem* node : nodes_)
    if (node) node->setLabels(addresses);
  for (LinkItem* link : links_) link->setLabels(ports);
}

int LabScene::find(const QString& words) {
  int count = 0;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]) continue;
    bool found = false;
    for (size_t j = i; j < topology_.nodes.size() && !words.isEmpty(); ++j) {
      const Topology::Node& node = topology_.nodes[j];
      if (j != i && node.parent < 0) break;
      found |= node.name.contains(words, Qt::CaseInsensitive) ||
               !node.addresses.filter(words, Qt::CaseInsensitive).isEmpty();
    }
    nodes_[i]->setFound(found);
    count += found;
  }
  return count;
}

void LabScene::showFrame(const QString& link, const QString& from, const QString& text) {
  const auto found = link_index_.constFind(link);
  if (found == link_index_.constEnd() || moving_ >= moving_most) return;
  const auto& ends = topology_.links[size_t(*found)].ends;
  size_t end = 0;
  for (size_t i = 0; i < ends.size(); ++i)
    if (topology_.nodes[size_t(topology_.machineOf(ends[i].node))].name == from) end = i;
  LinkItem* item = links_[size_t(*found)];
  auto* dot = addEllipse(-5, -5, 10, 10, QPen(colours_.ink, 0.8), colours_.protocol(text));
  dot->setZValue(3);
  dot->setToolTip(text);
  dot->setPos(item->pointOn(end, 0));
  ++moving_;
  auto* way = new QVariantAnimation(this);
  way->setDuration(frame_ms);
  way->setStartValue(0.0);
  way->setEndValue(1.0);
  // A lab that is shown anew takes its dots and links with it.
  const int generation = generation_;
  connect(way, &QVariantAnimation::valueChanged, this,
          [this, item, dot, end, generation](const QVariant& part) {
            if (generation == generation_) dot->setPos(item->pointOn(end, part.toDouble()));
          });
  connect(way, &QVariantAnimation::finished, this, [this, dot, generation] {
    if (generation != generation_) return;
    --moving_;
    removeItem(dot);
    delete dot;
  });
  way->start(QAbstractAnimation::DeleteWhenStopped);
}

void LabScene::showPath(const QStringList& links) {
  for (LinkItem* link : links_)
    link->setOnPath(links.contains(topology_.links[size_t(link->link())].name));
}

int LabScene::nodeAt(QPointF place) const {
  for (QGraphicsItem* item : items(place))
    if (auto* node = qgraphicsitem_cast<NodeItem*>(item))
      return node->nodeAt(node->mapFromScene(place));
  return -1;
}

void LabScene::mouseDoubleClickEvent(QGraphicsSceneMouseEvent* event) {
  const int node = nodeAt(event->scenePos());
  if (node >= 0)
    emit nodeActivated(node);
  else
    QGraphicsScene::mouseDoubleClickEvent(event);
}

void LabScene::contextMenuEvent(QGraphicsSceneContextMenuEvent* event) {
  if (const int node = nodeAt(event->scenePos()); node >= 0)
    return emit nodeMenu(node, event->screenPos());
  for (QGraphicsItem* item : items(event->scenePos()))
    if (auto* link = qgraphicsitem_cast<LinkItem*>(item))
      return emit linkMenu(link->link(), event->screenPos());
}

// --- the view ----------------------------------------------------------------------------------

LabView::LabView(LabScene* scene, QWidget* parent) : QGraphicsView(scene, parent) {
  setRenderHint(QPainter::Antialiasing);
  setDragMode(RubberBandDrag);
  setTransformationAnchor(AnchorUnderMouse);
  setViewportUpdateMode(SmartViewportUpdate);
  setFrameShape(NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setAccessibleName(tr("Topology"));
}

void LabView::fit() {
  fitted_ = true;
  const QRectF all = scene()->itemsBoundingRect().adjusted(-20, -20, 20, 20);
  fitInView(all, Qt::KeepAspectRatio);
  if (transform().m11() > 1.6) setTransform(QTransform::fromScale(1.6, 1.6));
  centerOn(all.center());
}

void LabView::zoom(double factor) {
  fitted_ = false;
  const double now = transform().m11();
  if (now * factor > 0.02 && now * factor < 12) scale(factor, factor);
}

void LabView::wheelEvent(QWheelEvent* event) {
  zoom(event->angleDelta().y() > 0 ? 1.15 : 1 / 1.15);
  event->accept();
}

void LabView::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Plus) return zoom(1.25);
  if (event->key() == Qt::Key_Minus) return zoom(0.8);
  if (event->key() == Qt::Key_0) return fit();
  QGraphicsView::keyPressEvent(event);
}

// The middle button pans.
void LabView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::MiddleButton) return QGraphicsView::mousePressEvent(event);
  setDragMode(ScrollHandDrag);
  QMouseEvent left(event->type(), event->position(), event->globalPosition(), Qt::LeftButton,
                   Qt::LeftButton, event->modifiers());
  QGraphicsView::mousePressEvent(&left);
}

void LabView::mouseReleaseEvent(QMouseEvent* event) {
  QGraphicsView::mouseReleaseEvent(event);
  if (event->button() == Qt::MiddleButton) setDragMode(RubberBandDrag);
}

void LabView::resizeEvent(QResizeEvent* event) {
  QGraphicsView::resizeEvent(event);
  if (fitted_) fit();
}

}  // namespace stackyard::gui
