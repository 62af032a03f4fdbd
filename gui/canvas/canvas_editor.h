// gui/canvas/canvas_editor.h - drawing: what the user does on the canvas becomes edits of the lab's
// text, and what the text says is drawn.
#pragma once

#include <QObject>

#include "gui/canvas/lab_scene.h"
#include "gui/model/lab_document.h"

namespace stackyard::gui {

class CanvasEditor final : public QObject {
  Q_OBJECT
 public:
  enum class Line { left, centre, right, top, middle, bottom };
  enum class Shape { chain, ring, star, tree, mesh };

  CanvasEditor(LabDocument& document, LabScene& scene, QObject* parent = nullptr);

  // Draws what the document says. What the file does not place stays where it was, or is laid out.
  void redraw(bool from_nothing);
  // Gives the new node's name; empty: it cannot be there. A jail needs a machine around it.
  QString add(const QString& kind, QPointF at, int inside = -1);
  void addNote(const QString& words, QPointF at);
  void setNote(int note, const QString& words);
  bool link(int from, int to);
  // Each of the chosen nodes with the next one.
  void linkChosen();
  void removeChosen();
  bool rename(int node, const QString& leaf);
  bool renameLink(int link, const QString& name);
  // The chosen nodes with the links between them, as a lab file of their own.
  QString copyChosen() const;
  void paste(const QString& yaml, QPointF at);
  void duplicate();
  void align(Line line);
  void distribute(Qt::Orientation direction);
  // `count` nodes of a kind, joined in a shape, around a point.
  void generate(Shape shape, int count, const QString& kind, QPointF middle);
  // New places by Graphviz, for everything.
  void layOutAgain();

 private:
  void placesChanged();
  QString freeName(const QString& stem, QStringList& taken) const;
  QStringList takenNames() const;
  // If not, says so.
  bool isOfFile(int node) const;
  std::vector<LabEdit::Position> withUnplaced(std::vector<LabEdit::Position> places) const;
  std::vector<int> chosenMachines() const;
  void placeAll(const QString& title, const std::vector<std::pair<int, QPointF>>& places);

  LabDocument& document_;
  LabScene& scene_;
};

}  // namespace stackyard::gui
