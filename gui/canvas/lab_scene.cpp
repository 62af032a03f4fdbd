#include "gui/canvas/lab_scene.h"

#include <QContextMenuEvent>
#include <QGraphicsEllipseItem>
#include <QGraphicsSceneContextMenuEvent>
#include <QGraphicsSceneMouseEvent>
#include <QGraphicsSimpleTextItem>
#include <QKeyEvent>
#include <QPalette>
#include <QSet>
#include <QVariantAnimation>
#include <QWheelEvent>
#include <map>

#include "gui/canvas/link_item.h"
#include "gui/canvas/node_item.h"
#include "gui/canvas/note_item.h"
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
  QStringList nodes, links;
  const Chosen was = chosen();
  for (const int node : was.nodes) nodes.append(topology_.nodes[size_t(node)].name);
  for (const int link : was.links) links.append(topology_.links[size_t(link)].name);
  clear();
  nodes_.clear();
  links_.clear();
  notes_.clear();
  link_index_.clear();
  found_.clear();
  before_.clear();
  rubber_ = nullptr;
  from_ = -1;
  moving_ = 0;
  ++generation_;
  topology_ = std::move(topology);
  nodes_.resize(topology_.nodes.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (topology_.nodes[i].parent >= 0) continue;
    nodes_[i] = new NodeItem(topology_, int(i), colours_);
    nodes_[i]->setGrid(grid_);
    addItem(nodes_[i]);
  }
  addLinks();
  for (size_t i = 0; i < topology_.notes.size(); ++i) {
    notes_.push_back(
        new NoteItem(int(i), topology_.notes[i].text, topology_.notes[i].at, colours_));
    addItem(notes_.back());
  }
  setLabels(labels_);
  if (jails_) drawJails();
  chooseAgain(nodes, links);
  // Room to drag things to, so that the view need not jump when one has gone far.
  setSceneRect(itemsBoundingRect().adjusted(-1000, -1000, 1000, 1000));
}

void LabScene::addLinks() {
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
}

QPointF LabScene::endPoint(int link, size_t end) const {
  return links_[size_t(link)]->pointOn(end, 0);
}

// "srv/web:em0"; one in a jail that is not known yet stays where it was.
void LabScene::showPlace(LinkItem& link, size_t end, const QString& place) {
  const QString& known = topology_.nodes[size_t(link.endNode(end))].name;
  const auto colon = place.lastIndexOf(QLatin1Char(':'));
  if (colon < 0) return;
  const QString name = place.left(colon);
  const int node = name == known ? link.endNode(end) : topology_.nodeNamed(name);
  if (node >= 0) link.setEndPlace(end, node, place.mid(colon + 1));
}

void LabScene::showJails(const QStringList& jails) {
  if (jails_ == jails) return;
  jails_ = jails;
  drawJails();
}

void LabScene::showNoLab() {
  if (!jails_) return;
  QStringList of_file;
  for (const Topology::Node& node : topology_.nodes)
    if (node.parent >= 0 && !node.made) of_file.append(node.name);
  showJails(of_file);
  jails_.reset();
}

// Numbers of jails that commands have made are others each time.
void LabScene::drawJails() {
  QHash<NodeItem*, QString> chosen;
  QSet<NodeItem*> changed;
  for (NodeItem* item : nodes_) {
    if (!item) continue;
    if (item->isSelected()) chosen.insert(item, topology_.nodes[size_t(item->chosen())].name);
    if (!topology_.nodes[size_t(item->node())].jails.empty()) changed.insert(item);
  }
  for (size_t l = 0; l < links_.size(); ++l)
    for (size_t e = 0; e < topology_.links[l].ends.size(); ++e)
      links_[l]->setEndPlace(e, topology_.links[l].ends[e].node, topology_.links[l].ends[e].port);
  topology_.setJails(*jails_);
  nodes_.resize(topology_.nodes.size());
  for (auto it = chosen.cbegin(); it != chosen.cend(); ++it) {
    const int node = topology_.nodeNamed(it.value());
    it.key()->choose(node >= 0 ? node : it.key()->node());
  }
  for (size_t i = 0; i < topology_.nodes.size(); ++i)
    if (topology_.nodes[i].parent >= 0) changed.insert(itemOf(int(i)));
  for (NodeItem* item : changed) item->layOut();
  update();
}

NodeItem* LabScene::itemOf(int node) const { return nodes_[size_t(topology_.machineOf(node))]; }

QPointF LabScene::placeOf(int node) const { return itemOf(node)->centreOf(node); }

void LabScene::showEnds(const RemoteTable& ends, qint64 time) {
  QHash<QString, size_t> next;  // ends of a link come in its order
  for (int row = 0; row < ends.rowCount(); ++row) {
    const QString name = ends.cell(row, QStringLiteral("link"));
    const int link = linkNamed(name);
    if (link < 0) continue;
    const size_t end = next[name]++;
    const qint64 octets = ends.cell(row, QStringLiteral("octets")).toLongLong();
    const double rate = ends.cell(row, QStringLiteral("rate")).toDouble();
    EndState& last = last_[name + QLatin1Char('\n') + ends.cell(row, QStringLiteral("end"))];
    const double seconds = double(time - last.time) / 1e9;
    const double used =
        rate > 0 && seconds > 0 ? double(octets - last.octets) * 8 / seconds / rate : -1;
    links_[size_t(link)]->setEnd(end,
                                 ends.cell(row, QStringLiteral("carrier")) == QLatin1String("up"),
                                 used, octets > last.octets);
    links_[size_t(link)]->setTree(end, ends.cell(row, QStringLiteral("role")),
                                  ends.cell(row, QStringLiteral("state")));
    if (seconds > 0) last = {octets, time};
    showPlace(*links_[size_t(link)], end, ends.cell(row, QStringLiteral("place")));
  }
}

QString LabScene::endPlace(int link, size_t end) const {
  const LinkItem& item = *links_[size_t(link)];
  return topology_.nodes[size_t(item.endNode(end))].name + QLatin1Char(':') + item.endPort(end);
}

void LabScene::setRunning(const QString& node, bool running) {
  const int index = topology_.nodeNamed(node);
  if (index >= 0 && nodes_[size_t(index)]) nodes_[size_t(index)]->setRunning(running);
}

void LabScene::setLabels(Labels labels) {
  labels_ = labels;
  for (NodeItem* node : nodes_)
    if (node) node->setLabels(labels);
  for (LinkItem* link : links_) link->setLabels(labels.ports);
}

void LabScene::setMacs(const QString& node, const QStringList& macs) {
  const int index = topology_.nodeNamed(node);
  if (index < 0) return;
  topology_.nodes[size_t(index)].macs = macs;
  if (nodes_[size_t(index)]) nodes_[size_t(index)]->setLabels(labels_);
}

// In its name or address, or in those of a jail in it.
bool LabScene::has(int index, const QString& words) const {
  const Topology::Node& node = topology_.nodes[size_t(index)];
  return node.name.contains(words, Qt::CaseInsensitive) ||
         !node.addresses.filter(words, Qt::CaseInsensitive).isEmpty() ||
         !node.macs.filter(words, Qt::CaseInsensitive).isEmpty() ||
         std::any_of(node.jails.begin(), node.jails.end(),
                     [&](int jail) { return has(jail, words); });
}

int LabScene::find(const QString& words) {
  found_.clear();
  next_found_ = 0;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i]) continue;
    const bool found = !words.isEmpty() && has(int(i), words);
    nodes_[i]->setFound(found);
    if (found) found_.push_back(int(i));
  }
  return int(found_.size());
}

int LabScene::nextFound() {
  if (found_.empty()) return -1;
  const int node = found_[next_found_++ % found_.size()];
  choose({topology_.nodes[size_t(node)].name});
  return node;
}

int LabScene::linkNamed(const QString& name) const {
  const auto alias = link_names_.constFind(name);
  return link_index_.value(alias == link_names_.constEnd() ? name : *alias, -1);
}

void LabScene::showFrame(const QString& link, const QString& from, const QString& text) {
  const int found = linkNamed(link);
  if (found < 0 || moving_ >= moving_most) return;
  const auto& ends = topology_.links[size_t(found)].ends;
  size_t end = 0;
  for (size_t i = 0; i < ends.size(); ++i)
    if (topology_.nodes[size_t(topology_.machineOf(ends[i].node))].name == from) end = i;
  LinkItem* item = links_[size_t(found)];
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
  std::vector<bool> on(links_.size());
  for (const QString& name : links)
    if (const int link = linkNamed(name); link >= 0) on[size_t(link)] = true;
  for (size_t i = 0; i < links_.size(); ++i) links_[i]->setOnPath(on[i]);
}

int LabScene::nodeAt(QPointF place) const {
  for (QGraphicsItem* item : items(place))
    if (auto* node = qgraphicsitem_cast<NodeItem*>(item))
      return node->nodeAt(node->mapFromScene(place));
  return -1;
}

void LabScene::mouseDoubleClickEvent(QGraphicsSceneMouseEvent* event) {
  const int node = nodeAt(event->scenePos());
  if (node >= 0) return emit nodeActivated(node);
  for (QGraphicsItem* item : items(event->scenePos()))
    if (const auto* note = qgraphicsitem_cast<NoteItem*>(item))
      return emit noteActivated(note->note());
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

LabScene& LabView::lab() const { return *static_cast<LabScene*>(scene()); }

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

QPointF LabView::middle() const { return mapToScene(viewport()->rect().center()); }

void LabView::setDrawing(bool drawing) {
  setDragMode(drawing ? NoDrag : RubberBandDrag);
  viewport()->setCursor(drawing ? Qt::CrossCursor : Qt::ArrowCursor);
  fitted_ = false;
}

void LabView::wheelEvent(QWheelEvent* event) {
  zoom(event->angleDelta().y() > 0 ? 1.15 : 1 / 1.15);
  event->accept();
}

void LabView::keyPressEvent(QKeyEvent* event) {
  const double step = lab().grid() > 0 ? lab().grid() : 10;
  switch (event->key()) {
    case Qt::Key_Plus:
      return zoom(1.25);
    case Qt::Key_Minus:
      return zoom(0.8);
    case Qt::Key_0:
      return fit();
    case Qt::Key_Left:
      return lab().nudge({-step, 0});
    case Qt::Key_Right:
      return lab().nudge({step, 0});
    case Qt::Key_Up:
      return lab().nudge({0, -step});
    case Qt::Key_Down:
      return lab().nudge({0, step});
    case Qt::Key_Return:
    case Qt::Key_Enter:
      for (const int node : lab().chosen().nodes) emit lab().nodeActivated(node);
      return;
    default:
      QGraphicsView::keyPressEvent(event);
  }
}

// Tab goes from node to node; Ctrl+Tab leaves, as in every window.
bool LabView::focusNextPrevChild(bool next) {
  if (lab().topology().nodes.empty()) return QGraphicsView::focusNextPrevChild(next);
  lab().chooseNext(!next);
  const auto chosen = lab().chosen();
  if (!chosen.nodes.empty()) ensureVisible(QRectF(lab().placeOf(chosen.nodes[0]), QSizeF(1, 1)));
  return true;
}

// By its key, the menu is the chosen one's.
void LabView::contextMenuEvent(QContextMenuEvent* event) {
  const auto chosen = lab().chosen();
  if (event->reason() != QContextMenuEvent::Keyboard) return QGraphicsView::contextMenuEvent(event);
  if (!chosen.nodes.empty())
    emit lab().nodeMenu(chosen.nodes[0],
                        viewport()->mapToGlobal(mapFromScene(lab().placeOf(chosen.nodes[0]))));
  else if (!chosen.links.empty())
    emit lab().linkMenu(chosen.links[0], viewport()->mapToGlobal(viewport()->rect().center()));
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
  if (event->button() == Qt::MiddleButton)
    setDragMode(lab().tool() == LabScene::Tool::select ? RubberBandDrag : NoDrag);
}

void LabView::resizeEvent(QResizeEvent* event) {
  QGraphicsView::resizeEvent(event);
  if (fitted_) fit();
}

}  // namespace stackyard::gui
