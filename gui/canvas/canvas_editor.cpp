#include "gui/canvas/canvas_editor.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "core/base/text.h"

namespace stackyard::gui {

namespace {

QString stemOf(const QString& kind) {
  if (kind == QLatin1String("host")) return QStringLiteral("pc");
  if (kind == QLatin1String("router")) return QStringLiteral("r");
  if (kind == QLatin1String("switch")) return QStringLiteral("sw");
  return kind;
}

// What a door needs to be one.
std::string keysOf(const QString& kind, const QString& name) {
  return kind == QLatin1String("door") ? "tap: " + name.toStdString() : std::string();
}

LabEdit::Position position(const QString& node, QPointF at) {
  return {node.toStdString(), int(std::lround(at.x())), int(std::lround(at.y()))};
}

}  // namespace

CanvasEditor::CanvasEditor(LabDocument& document, LabScene& scene, QObject* parent)
    : QObject(parent), document_(document), scene_(scene) {
  connect(&scene_, &LabScene::linked, this, &CanvasEditor::link);
  connect(&scene_, &LabScene::moved, this, &CanvasEditor::placesChanged);
}

void CanvasEditor::redraw(bool from_nothing) {
  Topology next = topologyOf(document_.spec());
  const Topology& old = scene_.topology();
  QHash<QString, int> known;
  if (!from_nothing)
    for (size_t i = 0; i < old.nodes.size(); ++i) known.insert(old.nodes[i].name, int(i));
  for (Topology::Node& node : next.nodes) {
    const int was = known.value(node.name, -1);
    if (node.placed || node.parent >= 0 || was < 0 || old.nodes[size_t(was)].parent >= 0) continue;
    node.at = scene_.placeOfMachine(was);
    node.placed = true;
  }
  layOut(next);
  scene_.show(std::move(next));
}

// --- names and places --------------------------------------------------------------------------

QStringList CanvasEditor::takenNames() const {
  QStringList taken;
  for (const NodeSpec& node : document_.spec().nodes)
    taken.append(QString::fromStdString(node.name));
  for (const LinkSpec& link : document_.spec().links)
    taken.append(QString::fromStdString(link.name));
  return taken;
}

QString CanvasEditor::freeName(const QString& stem, QStringList& taken) const {
  for (int number = 1;; ++number) {
    const QString name = stem + QString::number(number);
    if (taken.contains(name)) continue;
    taken.append(name);
    return name;
  }
}

// A file that places some nodes has to place all: the others would be laid out around them anew.
std::vector<LabEdit::Position> CanvasEditor::withUnplaced(
    std::vector<LabEdit::Position> places) const {
  std::set<std::string> there;
  for (const LabEdit::Position& place : places) there.insert(place.node);
  const LabSpec& spec = document_.spec();
  const Topology& drawn = scene_.topology();
  for (size_t i = 0; i < drawn.nodes.size(); ++i) {
    const std::string name = drawn.nodes[i].name.toStdString();
    if (drawn.nodes[i].parent >= 0 || spec.layout.contains(name) || there.contains(name)) continue;
    places.push_back(position(drawn.nodes[i].name, scene_.placeOfMachine(int(i))));
  }
  return places;
}

void CanvasEditor::placesChanged() {
  const LabSpec& spec = document_.spec();
  const Topology& drawn = scene_.topology();
  std::vector<LabEdit::Position> places;
  for (size_t i = 0; i < drawn.nodes.size(); ++i) {
    const QPointF now = drawn.nodes[i].parent >= 0 ? QPointF() : scene_.placeOfMachine(int(i));
    if (drawn.nodes[i].parent >= 0 || (now - drawn.nodes[i].at).manhattanLength() < 0.5) continue;
    places.push_back(position(drawn.nodes[i].name, now));
  }
  std::vector<std::pair<size_t, QPointF>> notes;
  for (size_t i = 0; i < drawn.notes.size() && i < spec.notes.size(); ++i)
    if (const QPointF now = scene_.placeOfNote(int(i)); now != drawn.notes[i].at)
      notes.emplace_back(i, now);
  if (places.empty() && notes.empty()) return;
  if (!places.empty()) places = withUnplaced(std::move(places));
  document_.edit(tr("moving"), [&](LabEdit& edit) {
    bool done = places.empty() || edit.move(places);
    for (const auto& [note, at] : notes)
      done = done && edit.set_note(note, {"at"},
                                   text("[{}, {}]", std::lround(at.x()), std::lround(at.y())));
    return done;
  });
}

std::vector<int> CanvasEditor::chosenMachines() const {
  std::vector<int> all;
  for (const int node : scene_.chosen().nodes)
    if (scene_.topology().nodes[size_t(node)].parent < 0) all.push_back(node);
  return all;
}

void CanvasEditor::placeAll(const QString& title,
                            const std::vector<std::pair<int, QPointF>>& places) {
  std::vector<LabEdit::Position> all;
  for (const auto& [node, at] : places)
    all.push_back(position(scene_.topology().nodes[size_t(node)].name, at));
  all = withUnplaced(std::move(all));
  document_.edit(title, [&](LabEdit& edit) { return edit.move(all); });
}

void CanvasEditor::align(Line line) {
  const std::vector<int> nodes = chosenMachines();
  if (nodes.size() < 2) return;
  QRectF all;
  for (const int node : nodes) {
    const QRectF here(scene_.placeOfMachine(node), QSizeF(0.01, 0.01));
    all = all.isNull() ? here : all.united(here);
  }
  std::vector<std::pair<int, QPointF>> places;
  for (const int node : nodes) {
    QPointF at = scene_.placeOfMachine(node);
    if (line == Line::left) at.setX(all.left());
    if (line == Line::centre) at.setX(all.center().x());
    if (line == Line::right) at.setX(all.right());
    if (line == Line::top) at.setY(all.top());
    if (line == Line::middle) at.setY(all.center().y());
    if (line == Line::bottom) at.setY(all.bottom());
    places.emplace_back(node, at);
  }
  placeAll(tr("aligning"), places);
}

void CanvasEditor::distribute(Qt::Orientation direction) {
  std::vector<int> nodes = chosenMachines();
  if (nodes.size() < 3) return;
  const auto along = [&](int node) {
    const QPointF at = scene_.placeOfMachine(node);
    return direction == Qt::Horizontal ? at.x() : at.y();
  };
  std::stable_sort(nodes.begin(), nodes.end(), [&](int a, int b) { return along(a) < along(b); });
  const double first = along(nodes.front());
  const double step = (along(nodes.back()) - first) / double(nodes.size() - 1);
  std::vector<std::pair<int, QPointF>> places;
  for (size_t i = 0; i < nodes.size(); ++i) {
    QPointF at = scene_.placeOfMachine(nodes[i]);
    (direction == Qt::Horizontal ? at.rx() : at.ry()) = first + step * double(i);
    places.emplace_back(nodes[i], at);
  }
  placeAll(tr("distributing"), places);
}

void CanvasEditor::layOutAgain() {
  Topology topology = topologyOf(document_.spec());
  for (Topology::Node& node : topology.nodes) node.placed = false;
  layOut(topology);
  std::vector<std::pair<int, QPointF>> places;
  for (size_t i = 0; i < topology.nodes.size(); ++i)
    if (topology.nodes[i].parent < 0) places.emplace_back(int(i), topology.nodes[i].at);
  placeAll(tr("layout"), places);
}

// --- things come and go ------------------------------------------------------------------------

// What a command has made is not the file's: it can be looked at, and goes by a command.
bool CanvasEditor::isOfFile(int node) const {
  const Topology::Node& told = scene_.topology().nodes[size_t(node)];
  if (told.made)
    emit document_.refused(
        tr("%1 was made by a command: the file does not know it").arg(told.name));
  return !told.made;
}

QString CanvasEditor::add(const QString& kind, QPointF at, int inside) {
  QStringList taken = takenNames();
  if (kind == QLatin1String("jail")) {
    const Topology& drawn = scene_.topology();
    const QString around = inside >= 0 ? drawn.nodes[size_t(inside)].kind : QString();
    if (around != QLatin1String("host") && around != QLatin1String("router") &&
        around != QLatin1String("jail")) {
      emit document_.refused(tr("A jail is inside a machine: click on one"));
      return {};
    }
    if (!isOfFile(inside)) return {};
    const QString parent = drawn.nodes[size_t(inside)].name;
    for (QString& name : taken)
      if (name.startsWith(parent + QLatin1Char('/'))) name = name.mid(parent.size() + 1);
    const QString leaf = freeName(QStringLiteral("jail"), taken);
    const bool done = document_.edit(tr("a jail"), [&](LabEdit& edit) {
      return edit.add_node(leaf.toStdString(), "jail", parent.toStdString());
    });
    if (!done) return {};
    scene_.choose({parent + QLatin1Char('/') + leaf});
    return parent + QLatin1Char('/') + leaf;
  }
  if (scene_.grid() > 0)
    at = QPointF(std::round(at.x() / scene_.grid()), std::round(at.y() / scene_.grid())) *
         scene_.grid();
  const QString name = freeName(stemOf(kind), taken);
  const std::string keys = keysOf(kind, name);
  const std::string value =
      kind == QLatin1String("host")
          ? "{}"
          : "{kind: " + kind.toStdString() + (keys.empty() ? "" : ", " + keys) + "}";
  const auto places = withUnplaced({position(name, at)});
  const bool done = document_.edit(tr("a %1").arg(kind), [&](LabEdit& edit) {
    return edit.grow({{name.toStdString(), value}}, {}, places);
  });
  if (!done) return {};
  scene_.choose({name});
  return name;
}

void CanvasEditor::addNote(const QString& words, QPointF at) {
  document_.edit(tr("a note"), [&](LabEdit& edit) {
    return edit.add_note(words.toStdString(), int(at.x()), int(at.y()));
  });
}

void CanvasEditor::setNote(int note, const QString& words) {
  document_.edit(tr("a note's text"), [&](LabEdit& edit) {
    return edit.set_note(size_t(note), {"text"}, yaml_scalar(words.toStdString()));
  });
}

bool CanvasEditor::link(int from, int to) {
  if (!isOfFile(from) || !isOfFile(to)) return false;
  const Topology& drawn = scene_.topology();
  const std::string ends = drawn.nodes[size_t(from)].name.toStdString() + " -- " +
                           drawn.nodes[size_t(to)].name.toStdString();
  return document_.edit(tr("a link"), [&](LabEdit& edit) { return edit.add_link(ends); });
}

void CanvasEditor::linkChosen() {
  const Topology& drawn = scene_.topology();
  const std::vector<int> nodes = scene_.chosen().nodes;
  std::vector<std::string> links;
  for (const int node : nodes)
    if (!isOfFile(node)) return;
  for (size_t i = 1; i < nodes.size(); ++i)
    links.push_back(drawn.nodes[size_t(nodes[i - 1])].name.toStdString() + " -- " +
                    drawn.nodes[size_t(nodes[i])].name.toStdString());
  if (links.empty()) return;
  document_.edit(tr("links"), [&](LabEdit& edit) { return edit.grow({}, links, {}); });
}

void CanvasEditor::removeChosen() {
  const LabScene::Chosen chosen = scene_.chosen();
  if (chosen.none()) return;
  std::vector<std::string> nodes;
  for (const int node : chosen.nodes) {
    if (!isOfFile(node)) return;
    nodes.push_back(scene_.topology().nodes[size_t(node)].name.toStdString());
  }
  const std::vector<size_t> links(chosen.links.begin(), chosen.links.end());
  const std::vector<size_t> notes(chosen.notes.begin(), chosen.notes.end());
  document_.edit(tr("deleting"), [&](LabEdit& edit) { return edit.remove(nodes, links, notes); });
}

bool CanvasEditor::rename(int node, const QString& leaf) {
  if (!isOfFile(node)) return false;
  const QString was = scene_.topology().nodes[size_t(node)].name;
  const auto renamed = [&](LabEdit& edit) {
    return edit.rename_node(was.toStdString(), leaf.toStdString());
  };
  if (const QString why = document_.wouldSay(renamed); !why.isEmpty()) {
    emit document_.refused(why);
    return false;
  }
  return document_.edit(tr("renaming %1").arg(was), renamed);
}

bool CanvasEditor::renameLink(int link, const QString& name) {
  return document_.edit(tr("renaming a link"), [&](LabEdit& edit) {
    return edit.rename_link(size_t(link), name.toStdString());
  });
}

// --- copies ------------------------------------------------------------------------------------

QString CanvasEditor::copyChosen() const {
  const std::vector<int> nodes = chosenMachines();
  if (nodes.empty()) return {};
  Problems problems;
  const Yaml root = read_yaml(document_.text().toStdString(), problems);
  const LabEdit edit(document_.text().toStdString(), document_.spec());
  const Topology& drawn = scene_.topology();
  std::string all = "nodes:\n", links, places;
  for (const int node : nodes) {
    const std::string name = drawn.nodes[size_t(node)].name.toStdString();
    bool counted = false;
    const LabText::Path path = edit.entry_of(name, counted);
    const Yaml* entries = root.find("nodes");
    const Yaml* value = entries && path.size() > 1 ? entries->find(path[1]) : nullptr;
    Yaml copy = value ? *value : Yaml{.text = {}, .items = {}, .entries = {}};
    std::erase_if(copy.entries, [](const Yaml::Entry& e) { return e.key == "count"; });
    all += "  " + name + ": " + (copy.is_map() ? yaml_flow(copy) : "{}") + "\n";
    const QPointF at = scene_.placeOfMachine(node);
    places += text("  {}: [{}, {}]\n", name, std::lround(at.x()), std::lround(at.y()));
  }
  for (const Topology::Link& link : drawn.links) {
    QStringList ends;
    for (const Topology::End& end : link.ends)
      if (std::find(nodes.begin(), nodes.end(), end.node) != nodes.end())
        ends.append(drawn.nodes[size_t(end.node)].name);
    if (ends.size() != int(link.ends.size())) continue;
    links += ends.size() == 2
                 ? "  - " + ends.join(QLatin1String(" -- ")).toStdString() + "\n"
                 : "  - {endpoints: [" + ends.join(QLatin1String(", ")).toStdString() + "]}\n";
  }
  if (!links.empty()) all += "links:\n" + links;
  return QString::fromStdString(all + "layout:\n" + places);
}

// Names that are taken get another number.
void CanvasEditor::paste(const QString& yaml, QPointF at) {
  Problems problems;
  const Yaml root = read_yaml(yaml.toStdString(), problems);
  const Yaml* entries = root.find("nodes");
  if (problems.any_errors() || !entries || !entries->is_map())
    return emit document_.refused(tr("The clipboard has no part of a lab"));
  QStringList taken = takenNames();
  std::vector<std::pair<std::string, std::string>> nodes;
  QHash<QString, QString> names;
  for (const Yaml::Entry& entry : entries->entries) {
    const QString was = QString::fromStdString(entry.key);
    QString stem = was;
    while (!stem.isEmpty() && stem.back().isDigit()) stem.chop(1);
    const QString name = taken.contains(was) ? freeName(stem.isEmpty() ? was : stem, taken) : was;
    taken.append(name);
    names.insert(was, name);
    nodes.emplace_back(name.toStdString(), entry.value.is_map() ? yaml_flow(entry.value) : "{}");
  }
  const auto renamed = [&](const std::string& end) {
    const QString word = QString::fromStdString(end);
    const QString node = word.section(QLatin1Char(':'), 0, 0).trimmed();
    return names.value(node, node) + word.mid(word.indexOf(node) + node.size()).trimmed();
  };
  std::vector<std::string> links;
  if (const Yaml* all = root.find("links"); all && all->is_list())
    for (const Yaml& link : all->items) {
      QStringList ends;
      const Yaml* list = link.find("endpoints");
      if (list)
        for (const Yaml& end : list->items) ends.append(renamed(end.text));
      else
        for (const QString& end : QString::fromStdString(link.text).split(QLatin1String(" -- ")))
          ends.append(renamed(end.toStdString()));
      links.push_back(list ? "{endpoints: [" + ends.join(QLatin1String(", ")).toStdString() + "]}"
                           : ends.join(QLatin1String(" -- ")).toStdString());
    }
  std::vector<LabEdit::Position> places;
  QPointF first;
  if (const Yaml* layout = root.find("layout"))
    for (const Yaml::Entry& entry : layout->entries) {
      if (entry.value.items.size() != 2) continue;
      const auto figure = [&](size_t i) {
        return QString::fromStdString(entry.value.items[i].text).toDouble();
      };
      const QPointF was(figure(0), figure(1));
      if (places.empty()) first = was;
      const QString name = names.value(QString::fromStdString(entry.key));
      if (!name.isEmpty()) places.push_back(position(name, at + was - first));
    }
  places = withUnplaced(std::move(places));
  const bool done =
      document_.edit(tr("pasting"), [&](LabEdit& edit) { return edit.grow(nodes, links, places); });
  if (done) scene_.choose(names.values());
}

void CanvasEditor::duplicate() {
  const std::vector<int> nodes = chosenMachines();
  if (nodes.empty()) return;
  paste(copyChosen(), scene_.placeOfMachine(nodes.front()) + QPointF(40, 100));
}

// --- generators --------------------------------------------------------------------------------

void CanvasEditor::generate(Shape shape, int count, const QString& kind, QPointF middle) {
  QStringList taken = takenNames(), names;
  std::vector<std::pair<std::string, std::string>> nodes;
  std::vector<std::string> links;
  std::vector<LabEdit::Position> places;
  const auto node = [&](const QString& of_kind, QPointF at) {
    const QString name = freeName(stemOf(of_kind), taken);
    nodes.emplace_back(name.toStdString(), of_kind == QLatin1String("host")
                                               ? "{}"
                                               : "{kind: " + of_kind.toStdString() + "}");
    places.push_back(position(name, at));
    names.append(name);
    return int(names.size()) - 1;
  };
  const auto join = [&](int a, int b) {
    links.push_back((names[a] + QLatin1String(" -- ") + names[b]).toStdString());
  };
  const double around = std::max(140.0, count * 110 / (2 * std::numbers::pi));
  const auto on_circle = [&](int i) {
    const double angle = 2 * std::numbers::pi * i / count - std::numbers::pi / 2;
    return middle + QPointF(std::cos(angle), std::sin(angle)) * around;
  };
  if (shape == Shape::star) node(QStringLiteral("switch"), middle);
  for (int i = 0; i < count; ++i) {
    QPointF at = on_circle(i);
    if (shape == Shape::chain) at = middle + QPointF((i - (count - 1) / 2.0) * 120, 0);
    if (shape == Shape::tree) {
      const int level = int(std::log2(i + 1)), first = (1 << level) - 1;
      const int deepest = int(std::log2(count));
      const double width = 110.0 * (1 << deepest) / (1 << level);
      at = middle + QPointF((i - first + 0.5 - (1 << level) / 2.0) * width, level * 120 - 120);
    }
    const int made = node(kind, at);
    if (shape == Shape::star) join(0, made);
    if (shape == Shape::tree && i > 0) join((i - 1) / 2, made);
    if ((shape == Shape::chain || shape == Shape::ring) && i > 0) join(made - 1, made);
    if (shape == Shape::mesh)
      for (int other = 0; other < made; ++other) join(other, made);
  }
  if (shape == Shape::ring && count > 2) join(count - 1, 0);
  places = withUnplaced(std::move(places));
  const bool done = document_.edit(tr("generating"),
                                   [&](LabEdit& edit) { return edit.grow(nodes, links, places); });
  if (done) scene_.choose(names);
}

}  // namespace stackyard::gui
