// tests/gui/gui_edit_test.cpp - drawing, the text beside the canvas, forms, and a running lab that
// follows.
#include <QComboBox>
#include <QLineEdit>
#include <QListWidget>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

#include "gui/app/main_window.h"
#include "gui/app/theme.h"
#include "gui/canvas/canvas_editor.h"
#include "gui/canvas/lab_scene.h"
#include "gui/canvas/palette_bar.h"
#include "gui/panels/gallery.h"
#include "gui/panels/property_panel.h"
#include "gui/panels/text_panel.h"
#include "gui/panels/time_bar.h"

using namespace stackyard;
using namespace stackyard::gui;

namespace {

constexpr int patience_ms = 20'000;

constexpr char office[] =
    "# An office.\n"
    "nodes:\n"
    "  pc1: {}   # Ann's\n"
    "  pc2: {}\n"
    "  sw: {kind: switch}\n"
    "links:\n"
    "  - pc1 -- sw\n"
    "  - pc2 -- sw   # Bob's\n"
    "layout: {pc1: [0, 0], pc2: [200, 0], sw: [100, 100]}\n";

// A lab in a folder of its own.
class OwnLab {
 public:
  explicit OwnLab(const QByteArray& text) {
    QFile file(path());
    if (file.open(QIODevice::WriteOnly)) file.write(text);
  }
  QString path() const { return folder_.filePath(QStringLiteral("lab.yaml")); }
  QByteArray content() const {
    QFile file(path());
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }
  QTemporaryDir& folder() { return folder_; }

 private:
  QTemporaryDir folder_;
};

int nodeNamed(MainWindow& window, const char* name) {
  return window.scene().topology().nodeNamed(QLatin1String(name));
}

// Where a node is in the view's window.
QPoint seenAt(MainWindow& window, const char* name) {
  return window.view().mapFromScene(window.scene().placeOf(nodeNamed(window, name)));
}

void drag(QWidget* view, QPoint from, QPoint to) {
  QTest::mousePress(view, Qt::LeftButton, {}, from);
  QTest::mouseMove(view, (from + to) / 2);
  QMouseEvent half(QEvent::MouseMove, QPointF(from + to) / 2,
                   view->mapToGlobal(QPointF(from + to) / 2), Qt::NoButton, Qt::LeftButton, {});
  QApplication::sendEvent(view, &half);
  QMouseEvent whole(QEvent::MouseMove, QPointF(to), view->mapToGlobal(QPointF(to)), Qt::NoButton,
                    Qt::LeftButton, {});
  QApplication::sendEvent(view, &whole);
  QTest::mouseRelease(view, Qt::LeftButton, {}, to);
}

QStringList linksOf(MainWindow& window) {
  QStringList all;
  for (const Topology::Link& link : window.scene().topology().links) {
    QStringList ends;
    for (const auto& end : link.ends)
      ends.append(window.scene().topology().nodes[size_t(end.node)].name);
    all.append(ends.join(QLatin1String(" -- ")));
  }
  return all;
}

}  // namespace

class GuiEditTest final : public QObject {
  Q_OBJECT

 private slots:
  void drawingWithTheMouse();
  void aDragMovesAndItsUndoGivesTheSameOctets();
  void copiesGeneratorsAndOrder();
  void theTextBesideTheCanvas();
  void mistakesAreUnderlinedAtTheirPlace();
  void completionKnowsTheSchema();
  void aFormForEverything();
  void aRunningLabFollows();
  void unsavedWorkSurvivesACrash();
  void picturesOfTheCanvas();
  void aNewLabByKeyboardAlone();
};

void GuiEditTest::drawingWithTheMouse() {
  OwnLab lab(office);
  MainWindow window;
  window.resize(1200, 800);
  window.show();
  window.openLab(lab.path());
  QVERIFY(QTest::qWaitForWindowExposed(&window));
  QWidget* view = window.view().viewport();
  auto* palette = window.findChild<PaletteBar*>();
  palette->choose(QStringLiteral("router"));
  QTest::mouseClick(view, Qt::LeftButton, {}, seenAt(window, "sw") + QPoint(0, 90));
  QVERIFY(nodeNamed(window, "r1") >= 0);
  QVERIFY(window.document().text().contains(
      QStringLiteral("  sw: {kind: switch}\n  r1: {kind: router}\nlinks:\n")));
  palette->choose(QStringLiteral("link"));
  drag(view, seenAt(window, "sw"), seenAt(window, "r1"));
  QCOMPARE(linksOf(window).last(), QStringLiteral("sw -- r1"));
  QVERIFY(window.document().text().contains(
      QStringLiteral("  - pc2 -- sw   # Bob's\n  - sw -- r1\nlayout:")));
  // A link that ends nowhere is none; a jail needs a machine.
  const QString before = window.document().text();
  drag(view, seenAt(window, "sw"), QPoint(5, 5));
  palette->choose(QStringLiteral("jail"));
  QTest::mouseClick(view, Qt::LeftButton, {}, seenAt(window, "sw"));
  QCOMPARE(window.document().text(), before);
  QTest::mouseClick(view, Qt::LeftButton, {}, seenAt(window, "r1"));
  QVERIFY(nodeNamed(window, "r1/jail1") >= 0);
  QVERIFY(window.document().isValid());
  // Delete takes the links along.
  palette->choose(QStringLiteral("select"));
  window.scene().choose({QStringLiteral("sw")});
  window.activateWindow();
  QVERIFY(QTest::qWaitForWindowActive(&window));
  window.view().setFocus();
  QTest::keyClick(&window.view(), Qt::Key_Delete);
  QVERIFY(nodeNamed(window, "sw") < 0);
  QVERIFY(linksOf(window).isEmpty());
  QVERIFY(window.document().text().startsWith(
      QStringLiteral("# An office.\nnodes:\n  pc1: {}   # Ann's\n")));
  while (window.document().undo().canUndo()) window.document().undo().undo();
  QCOMPARE(window.document().text(), QString::fromLatin1(office));
}

void GuiEditTest::aDragMovesAndItsUndoGivesTheSameOctets() {
  const QByteArray text = QByteArray(office).replace("\n", "\r\n");
  OwnLab lab(text);
  MainWindow window;
  window.resize(1200, 800);
  window.show();
  window.openLab(lab.path());
  QVERIFY(QTest::qWaitForWindowExposed(&window));
  drag(window.view().viewport(), seenAt(window, "pc2"), seenAt(window, "pc2") + QPoint(60, 40));
  QVERIFY(window.document().isModified());
  const auto place = window.document().spec().layout.at("pc2");
  QVERIFY(place.first > 210 && place.second > 10);
  QCOMPARE(window.document().spec().layout.at("pc1").first, 0.0);
  QCOMPARE(window.document().text().count(QLatin1Char('\n')), QByteArray(office).count('\n'));
  window.document().undo().undo();
  QVERIFY(!window.document().isModified());
  QCOMPARE(window.document().save(), QString());
  QCOMPARE(lab.content(), text);
  // By keys too, on the grid.
  window.scene().setGrid(20);
  window.scene().choose({QStringLiteral("pc1")});
  window.view().setFocus();
  QTest::keyClick(&window.view(), Qt::Key_Right);
  QCOMPARE(window.document().spec().layout.at("pc1").first, 20.0);
}

void GuiEditTest::copiesGeneratorsAndOrder() {
  OwnLab lab(office);
  MainWindow window;
  window.openLab(lab.path());
  CanvasEditor& editor = window.editor();
  window.scene().choose({QStringLiteral("pc1"), QStringLiteral("sw")});
  const QString copy = editor.copyChosen();
  QVERIFY(copy.contains(QStringLiteral("  - pc1 -- sw\n")));
  QVERIFY(!copy.contains(QStringLiteral("pc2")));
  editor.paste(copy, {500, 0});
  QVERIFY(nodeNamed(window, "pc3") >= 0 && nodeNamed(window, "sw1") >= 0);
  QCOMPARE(linksOf(window).last(), QStringLiteral("pc3 -- sw1"));
  QCOMPARE(window.document().spec().layout.at("sw1"), std::pair(600.0, 100.0));
  window.scene().choose({QStringLiteral("pc2")});
  editor.duplicate();
  QVERIFY(nodeNamed(window, "pc4") >= 0);
  editor.paste(QStringLiteral("no lab"), {});
  QCOMPARE(window.document().spec().nodes.size(), size_t(6));

  using Shape = CanvasEditor::Shape;
  const std::pair<Shape, int> shapes[] = {
      {Shape::chain, 3}, {Shape::ring, 4}, {Shape::star, 4}, {Shape::tree, 3}, {Shape::mesh, 6}};
  for (const auto& [shape, links] : shapes) {
    const auto before = window.document().spec().links.size();
    editor.generate(shape, 4, QStringLiteral("router"), {0, 500});
    QCOMPARE(window.document().spec().links.size() - before, size_t(links));
    QVERIFY(window.document().isValid());
    window.document().undo().undo();
    QCOMPARE(window.document().spec().links.size(), before);
  }
  window.scene().choose({QStringLiteral("pc1"), QStringLiteral("pc2"), QStringLiteral("sw")});
  editor.align(CanvasEditor::Line::top);
  for (const char* node : {"pc1", "pc2", "sw"})
    QCOMPARE(window.document().spec().layout.at(node).second, 0.0);
  editor.distribute(Qt::Horizontal);
  QCOMPARE(window.document().spec().layout.at("sw").first, 100.0);
  editor.addNote(QStringLiteral("Mind: the gap"), {10, 20});
  QCOMPARE(window.document().spec().notes.at(0).text, std::string("Mind: the gap"));
  // Search: the next one is chosen.
  QCOMPARE(window.scene().find(QStringLiteral("pc")), 4);
  window.scene().nextFound();
  const int first = window.scene().chosen().nodes.at(0);
  window.scene().nextFound();
  QVERIFY(window.scene().chosen().nodes.at(0) != first);
}

void GuiEditTest::theTextBesideTheCanvas() {
  OwnLab lab(office);
  MainWindow window;
  window.show();
  window.openLab(lab.path());
  window.showText(true);
  window.activateWindow();
  QVERIFY(QTest::qWaitForWindowActive(&window));
  LabEditor& text = window.text().editor();
  text.setFocus();
  text.goTo(4, 1);
  text.moveCursor(QTextCursor::EndOfLine);
  QTest::keyClick(&text, Qt::Key_Return);
  QTest::keyClicks(&text, QStringLiteral("pc3: {}"));
  QTRY_VERIFY(nodeNamed(window, "pc3") >= 0);
  QCOMPARE(window.document().undo().count(), 2);  // the line end, and a word
  // What is drawn is written; the cursor and one undo stack stay.
  window.editor().add(QStringLiteral("hub"), {300, 300});
  QVERIFY(text.toPlainText().contains(QStringLiteral("\n  hub1: {kind: hub}\n")));
  QCOMPARE(text.textCursor().blockNumber(), 4);
  QCOMPARE(text.toPlainText(), window.document().text());
  window.document().undo().undo();
  QVERIFY(!text.toPlainText().contains(QStringLiteral("hub1")));
  QTest::keyClick(&text, Qt::Key_Z, Qt::ControlModifier);
  QVERIFY(!text.toPlainText().contains(QStringLiteral("pc3")));
  QTest::keyClick(&window, Qt::Key_Z, Qt::ControlModifier);
  QCOMPARE(window.document().text(), QString::fromLatin1(office));
  QCOMPARE(text.toPlainText(), QString::fromLatin1(office));
  // A line that is chosen is a node that is chosen, and the other way round.
  text.goTo(3, 3);
  QCOMPARE(window.scene().chosen().nodes.size(), size_t(1));
  text.clearFocus();
  window.view().setFocus();
  window.scene().choose({QStringLiteral("sw")});
  QCOMPARE(text.textCursor().blockNumber(), 4);
}

void GuiEditTest::mistakesAreUnderlinedAtTheirPlace() {
  OwnLab lab("nodes: [pc1]\nlinks: [pc1 -- pc2]\n");
  MainWindow window;
  QSignalSpy failed(&window, &MainWindow::failed), served(&window, &MainWindow::served);
  window.show();
  window.openLab(lab.path());
  QVERIFY(failed.first().first().toString().contains(QStringLiteral(":2:16: unknown node")));
  QVERIFY(window.text().isVisible());
  LabEditor& text = window.text().editor();
  QCOMPARE(text.extraSelections().size(), 1);
  QCOMPARE(text.extraSelections().first().cursor.selectedText(), QStringLiteral("pc2"));
  QVERIFY(text.extraSelections().first().format.toolTip().contains(
      QStringLiteral("did you mean \"pc1\"?")));
  auto* list = window.text().findChild<QListWidget*>();
  QCOMPARE(list->count(), 1);
  QVERIFY(!window.isServed());
  // Mended, it runs.
  text.setFocus();
  text.goTo(1, 12);
  QTest::keyClicks(&text, QStringLiteral(", pc2"));
  QTRY_VERIFY(window.document().isValid());
  QCOMPARE(text.extraSelections().size(), 0);
  QVERIFY(served.count() > 0 || served.wait(patience_ms));
}

void GuiEditTest::completionKnowsTheSchema() {
  LabDocument document;
  const Schema schema;
  document.begin(QStringLiteral(
      "nodes:\n  pc1:\n    interfaces:\n      em0:\n        \n  sw: {kind: }\nlinks:\n  - \n"));
  LabEditor editor(document, schema, false);
  const auto at = [&](int line, int column) {
    editor.goTo(line, column);
    return editor.completions();
  };
  QVERIFY(at(5, 9).contains(QStringLiteral("mtu:")));
  QVERIFY(!at(5, 9).contains(QStringLiteral("routes:")));
  QCOMPARE(at(6, 14), QStringList({"door", "host", "hub", "router", "switch"}));
  QVERIFY(at(8, 5).contains(QStringLiteral("pc1")));
}

void GuiEditTest::aFormForEverything() {
  OwnLab lab(office);
  MainWindow window;
  window.openLab(lab.path());
  PropertyPanel& form = window.properties();
  window.scene().choose({QStringLiteral("pc1")});
  QCOMPARE(form.subject(), QStringLiteral("pc1"));
  QStringList keys;
  for (int i = 0; i < form.tree().topLevelItemCount(); ++i)
    keys.append(form.tree().topLevelItem(i)->text(0));
  for (const char* key :
       {"interfaces", "routes", "sysctl", "files", "services", "exec", "hostname"})
    QVERIFY2(keys.contains(QLatin1String(key)), key);
  QVERIFY(!keys.contains(QStringLiteral("vlans")));
  // Checked while it is typed, in the reader's own words.
  const QStringList address{"interfaces", "em0", "addresses"};
  QVERIFY(form.check(address, QStringLiteral("10.0.0.300/24"))
              .contains(QStringLiteral("\"300\" is not part of an IPv4 address - use 0 to 255")));
  QVERIFY(!form.setValue(address, QStringLiteral("10.0.0.1")).isEmpty());
  QVERIFY(!window.document().isModified());
  QCOMPARE(form.setValue(address, QStringLiteral("10.0.0.9/24")), QString());
  QVERIFY(window.document().text().contains(
      QStringLiteral("  pc1: {interfaces: {em0: {addresses: 10.0.0.9/24}}}   # Ann's\n")));
  QCOMPARE(form.setValue(address, {}), QString());
  QCOMPARE(form.setValue({"interfaces", "em0"}, {}), QString());
  QCOMPARE(window.document().text(), QString::fromLatin1(office));
  window.scene().choose({});
  form.showLink(QStringLiteral("link2"));
  QCOMPARE(form.setValue({"impair", "delay"}, QStringLiteral("20ms")), QString());
  QVERIFY(window.document().text().contains(
      QStringLiteral("  - {endpoints: pc2 -- sw, impair: {delay: 20ms}}   # Bob's\n")));
  QCOMPARE(form.setValue({"impair", "loss"}, QStringLiteral("5")),
           QStringLiteral("\"5\" is not a percentage - write 5%"));
  form.showLab();
  QCOMPARE(form.setValue({"sim", "seed"}, QStringLiteral("7")), QString());
  QCOMPARE(window.document().spec().seed, uint64_t(7));
  window.scene().choose({QStringLiteral("sw")});
  QCOMPARE(form.setValue({"ports", "p1", "access"}, QStringLiteral("x")).isEmpty(), false);
}

// What a client of the same server sees.
static QStringList liveNodes(MainWindow& window, LabClient& client) {
  QStringList names;
  bool told = false;
  client.call("lab.nodes", Json::object(), [&](const Json& result) {
    for (const Json& node : result.at("nodes"))
      names.append(QString::fromStdString(node.at("name").get<std::string>()));
    told = true;
  });
  Q_UNUSED(window);
  if (!QTest::qWaitFor([&] { return told; }, patience_ms)) names.append(QStringLiteral("?"));
  return names;
}

void GuiEditTest::aRunningLabFollows() {
  OwnLab lab(office);
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(lab.path());
  QVERIFY(served.wait(patience_ms));
  LabClient other;
  QString why;
  QVERIFY2(other.open(window.socket(), why), qPrintable(why));
  window.editor().generate(CanvasEditor::Shape::chain, 2, QStringLiteral("host"), {0, 300});
  QVERIFY(window.editor().link(nodeNamed(window, "pc3"), nodeNamed(window, "sw")));
  QTRY_VERIFY_WITH_TIMEOUT(liveNodes(window, other).contains(QStringLiteral("pc4")), patience_ms);
  QCOMPARE(window.live().behind(), QString());
  // A link's impairments and its plug, by the form.
  window.properties().showLink(QStringLiteral("link1"));
  QCOMPARE(window.properties().setValue({"state"}, QStringLiteral("down")), QString());
  QString up;
  const auto ask = [&] {
    other.call("lab.links", Json::object(), [&](const Json& result) {
      up = result.at("links").at(0).at("up").get<bool>() ? QStringLiteral("up")
                                                         : QStringLiteral("down");
    });
    return up;
  };
  QTRY_COMPARE_WITH_TIMEOUT(ask(), QStringLiteral("down"), patience_ms);
  window.scene().choose({QStringLiteral("pc2")});
  window.editor().removeChosen();
  QTRY_VERIFY_WITH_TIMEOUT(!liveNodes(window, other).contains(QStringLiteral("pc2")), patience_ms);
  // What cannot be taken while it runs is told, not hidden.
  window.properties().showNode(QStringLiteral("pc1"));
  QCOMPARE(window.properties().setValue({"hostname"}, QStringLiteral("ann")), QString());
  QVERIFY(window.live().behind().endsWith(QStringLiteral("pc1")));
  window.restartLab();
  QVERIFY(served.wait(patience_ms));
  QCOMPARE(window.live().behind(), QString());
  // The file is as it was until it is saved.
  QCOMPARE(lab.content(), QByteArray(office));
}

void GuiEditTest::unsavedWorkSurvivesACrash() {
  OwnLab lab(office);
  QString rescue;
  {
    LabDocument crashed;
    crashed.open(lab.path());
    crashed.edit(QStringLiteral("x"), [](LabEdit& edit) { return edit.add_node("pc9", "host"); });
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(crashed.rescuePath()), patience_ms);
    rescue = crashed.rescuePath();
  }  // without saving
  MainWindow window;
  window.openLab(lab.path());
  QVERIFY(window.hasOffer());
  QVERIFY(nodeNamed(window, "pc9") < 0);
  window.acceptOffer();
  QVERIFY(nodeNamed(window, "pc9") >= 0);
  QVERIFY(window.document().isModified());
  QCOMPARE(window.document().save(), QString());
  QVERIFY(!QFile::exists(rescue));
  QVERIFY(lab.content().contains("  pc9: {}\n"));
}

void GuiEditTest::picturesOfTheCanvas() {
  OwnLab lab(office);
  MainWindow window;
  window.openLab(lab.path());
  for (const char* kind : {"png", "svg", "pdf"}) {
    const QString path = lab.folder().filePath(QStringLiteral("picture.") + QLatin1String(kind));
    QCOMPARE(window.exportPicture(path), QString());
    QVERIFY(QFileInfo(path).size() > 1000);
  }
  QVERIFY(QImage(lab.folder().filePath(QStringLiteral("picture.png"))).width() > 300);
  QVERIFY(QImage(lab.folder().filePath(QStringLiteral("picture.svg"))).width() > 100);
  QVERIFY(!window.exportPicture(QStringLiteral("/nowhere/x.png")).isEmpty());
}

void GuiEditTest::aNewLabByKeyboardAlone() {
  MainWindow window;
  window.show();
  window.newLab();
  window.activateWindow();
  QVERIFY(QTest::qWaitForWindowActive(&window));
  window.view().setFocus();
  const auto tool = [&](const char* name) {
    for (QAction* action : window.findChild<PaletteBar*>()->tools())
      if (action->data().toString() == QLatin1String(name)) return action;
    return static_cast<QAction*>(nullptr);
  };
  QVERIFY(tool("link")->shortcut() == QKeySequence(QStringLiteral("L")));
  window.editor().add(QStringLiteral("host"), {0, 0});
  window.editor().add(QStringLiteral("host"), {200, 0});
  QTest::keyClick(&window.view(), Qt::Key_A, Qt::ControlModifier);
  QCOMPARE(window.scene().chosen().nodes.size(), size_t(2));
  QTest::keyClick(&window.view(), Qt::Key_L, Qt::ControlModifier);
  QCOMPARE(linksOf(window), QStringList({"pc1 -- pc2"}));
  QCOMPARE(window.document().text(),
           QStringLiteral("# A new lab.\nnodes: {pc1: {}, pc2: {}}\nlinks: [pc1 -- pc2]\n"
                          "layout:\n  pc1: [0, 0]\n  pc2: [200, 0]\n"));
  QTest::keyClick(&window.view(), Qt::Key_Tab);
  QCOMPARE(window.scene().chosen().nodes, std::vector<int>({1}));
  window.document().dropRescue();
}

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  QStandardPaths::setTestModeEnabled(true);
  setTheme(application, false);
  GuiEditTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "gui_edit_test.moc"
