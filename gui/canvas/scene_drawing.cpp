// gui/canvas/scene_drawing.cpp - the scene's part in drawing: what is chosen, dragged, dropped and
// connected. What comes of it is the document's.
#include <QGraphicsLineItem>
#include <QGraphicsSceneDragDropEvent>
#include <QGraphicsSceneMouseEvent>
#include <QMimeData>
#include <QPainter>
#include <cmath>

#include "gui/canvas/lab_scene.h"
#include "gui/canvas/link_item.h"
#include "gui/canvas/node_item.h"
#include "gui/canvas/note_item.h"
#include "gui/canvas/palette_bar.h"

namespace stackyard::gui {

void LabScene::setTool(Tool tool, const QString& kind) {
  tool_ = tool;
  kind_ = kind;
}

void LabScene::setGrid(double grid) {
  grid_ = grid;
  for (NodeItem* node : nodes_)
    if (node) node->setGrid(grid);
  update();
}

LabScene::Chosen LabScene::chosen() const {
  Chosen all;
  for (const QGraphicsItem* item : selectedItems()) {
    if (const auto* node = qgraphicsitem_cast<const NodeItem*>(item))
      all.nodes.push_back(node->chosen());
    else if (const auto* link = qgraphicsitem_cast<const LinkItem*>(item))
      all.links.push_back(link->link());
    else if (const auto* note = qgraphicsitem_cast<const NoteItem*>(item))
      all.notes.push_back(note->note());
  }
  for (auto* each : {&all.nodes, &all.links, &all.notes}) std::sort(each->begin(), each->end());
  return all;
}

void LabScene::choose(const QStringList& nodes) {
  clearSelection();
  chooseAgain(nodes, {});
}

void LabScene::chooseAgain(const QStringList& nodes, const QStringList& links) {
  for (const QString& name : nodes) {
    const int node = topology_.nodeNamed(name);
    if (node < 0) continue;
    itemOf(node)->choose(node);
    itemOf(node)->setSelected(true);
  }
  for (const QString& name : links)
    if (const int link = link_index_.value(name, -1); link >= 0)
      links_[size_t(link)]->setSelected(true);
}

void LabScene::chooseNext(bool back) {
  const Chosen now = chosen();
  const int count = int(topology_.nodes.size());
  if (count == 0) return;
  const int at = now.nodes.empty() ? (back ? 0 : -1) : now.nodes.front();
  choose({topology_.nodes[size_t((at + (back ? count - 1 : 1)) % count)].name});
}

void LabScene::nudge(QPointF by) {
  for (QGraphicsItem* item : selectedItems())
    if (item->flags() & QGraphicsItem::ItemIsMovable) item->moveBy(by.x(), by.y());
  emit moved();
}

QPointF LabScene::placeOfMachine(int node) const { return itemOf(node)->pos(); }
QPointF LabScene::placeOfNote(int note) const { return notes_[size_t(note)]->pos(); }

std::vector<QPointF> LabScene::places() const {
  std::vector<QPointF> all;
  for (const NodeItem* node : nodes_)
    if (node) all.push_back(node->pos());
  for (const NoteItem* note : notes_) all.push_back(note->pos());
  return all;
}

void LabScene::mousePressEvent(QGraphicsSceneMouseEvent* event) {
  if (event->button() != Qt::LeftButton || tool_ == Tool::select) {
    before_ = places();
    return QGraphicsScene::mousePressEvent(event);
  }
  const QPointF at = event->scenePos();
  const int node = nodeAt(at);
  event->accept();
  if (tool_ == Tool::place) return emit placed(kind_, at, node);
  if (node < 0) return;
  from_ = node;
  rubber_ = addLine(QLineF(placeOf(node), at), QPen(colours_.selected, 2, Qt::DashLine));
  rubber_->setZValue(4);
}

void LabScene::mouseMoveEvent(QGraphicsSceneMouseEvent* event) {
  if (!rubber_) return QGraphicsScene::mouseMoveEvent(event);
  const int to = nodeAt(event->scenePos());
  const bool fits = to >= 0 && to != from_;
  rubber_->setLine(QLineF(placeOf(from_), fits ? placeOf(to) : event->scenePos()));
  rubber_->setPen(QPen(fits ? colours_.up : colours_.selected, 2, Qt::DashLine));
}

void LabScene::mouseReleaseEvent(QGraphicsSceneMouseEvent* event) {
  if (rubber_) {
    delete rubber_;
    rubber_ = nullptr;
    const int from = std::exchange(from_, -1), to = nodeAt(event->scenePos());
    if (to >= 0 && to != from) emit linked(from, to);
    return;
  }
  QGraphicsScene::mouseReleaseEvent(event);
  if (!before_.empty() && before_ != places()) emit moved();
  before_.clear();
}

void LabScene::dragEnterEvent(QGraphicsSceneDragDropEvent* event) {
  event->setAccepted(event->mimeData()->hasFormat(QLatin1String(kind_mime)));
}

void LabScene::dragMoveEvent(QGraphicsSceneDragDropEvent* event) { dragEnterEvent(event); }

void LabScene::dropEvent(QGraphicsSceneDragDropEvent* event) {
  const QString kind = QString::fromUtf8(event->mimeData()->data(QLatin1String(kind_mime)));
  event->acceptProposedAction();
  emit placed(kind, event->scenePos(), nodeAt(event->scenePos()));
}

// The grid, where there is one and it can be seen.
void LabScene::drawBackground(QPainter* painter, const QRectF& rect) {
  QGraphicsScene::drawBackground(painter, rect);
  const double step = grid_ * 2;
  if (grid_ <= 0 || step * painter->worldTransform().m11() < 12) return;
  QColor ink = colours_.faint;
  ink.setAlpha(110);
  painter->setPen(QPen(ink, 0));
  QList<QPointF> dots;
  for (double x = std::floor(rect.left() / step) * step; x < rect.right(); x += step)
    for (double y = std::floor(rect.top() / step) * step; y < rect.bottom(); y += step)
      dots.append({x, y});
  painter->drawPoints(dots.constData(), int(dots.size()));
}

}  // namespace stackyard::gui
