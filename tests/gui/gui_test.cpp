// tests/gui/gui_test.cpp - the front end as its user sees it, against a lab that is really served.
#include <QAbstractItemModelTester>
#include <QPainter>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTreeWidget>
#include <nlohmann/json.hpp>
#include <set>

#include "gui/app/main_window.h"
#include "gui/app/theme.h"
#include "gui/canvas/canvas_editor.h"
#include "gui/canvas/lab_scene.h"
#include "gui/canvas/link_item.h"
#include "gui/panels/console_panel.h"
#include "gui/panels/gallery.h"
#include "gui/panels/lesson_panel.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/packet_view.h"
#include "gui/panels/table_panel.h"
#include "gui/panels/time_bar.h"

using namespace stackyard;
using namespace stackyard::gui;

namespace {

constexpr int patience_ms = 20'000;  // on a busy machine

Json table(std::initializer_list<std::pair<const char*, int>> rows) {
  Json message{{"columns",
                {{{"name", "name"}, {"title", "Name"}, {"type", "text"}},
                 {{"name", "count"}, {"title", "Count"}, {"type", "number"}}}},
               {"rows", Json::array()}};
  for (const auto& [name, count] : rows)
    message["rows"].push_back({{"name", name}, {"count", count}});
  return message;
}

QString shown(const QAbstractItemModel& model) {
  QStringList rows;
  for (int row = 0; row < model.rowCount(); ++row)
    rows.append(model.index(row, 0).data().toString() + QLatin1Char('=') +
                model.index(row, 1).data().toString());
  return rows.join(QLatin1Char(' '));
}

QString scenario(const char* name) {
  return Gallery::folder() + QLatin1Char('/') + QLatin1String(name);
}

}  // namespace

class GuiTest final : public QObject {
  Q_OBJECT

 private slots:
  void remoteTableMergesAndMarks();
  void filterSortsNumbersAndSavesCsv();
  void packetListForgetsTheOldest();
  void layoutPlacesEveryNodeApart();
  void layoutLeavesRoomForJails();
  void galleryShowsTheScenarios();
  void openRunAndLook();
  void aLabOfJailsAndAConsoleForSeveral();
  void jailsThatCommandsMakeAreDrawn();
  void aDiscardingEndIsDrawn();
  void aCheckLeadsToItsEvidence();
  void theServerDies();
  void aFileThatDoesNotParse();
  void aPicture();
};

void GuiTest::remoteTableMergesAndMarks() {
  LabClient nobody;
  RemoteTable model(nobody, QStringLiteral("pc"), QStringLiteral("t"));
  QAbstractItemModelTester tester(&model);
  model.take(table({{"a", 1}, {"c", 3}}));
  QCOMPARE(shown(model), QStringLiteral("a=1 c=3"));
  QVERIFY(!model.index(0, 1).data(RemoteTable::ChangedRole).toBool());
  QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
  model.take(table({{"a", 1}, {"b", 2}, {"c", 4}}));
  QCOMPARE(shown(model), QStringLiteral("a=1 b=2 c=4"));
  QVERIFY(!model.index(0, 1).data(RemoteTable::ChangedRole).toBool());
  QVERIFY(model.index(1, 0).data(RemoteTable::ChangedRole).toBool());
  QVERIFY(model.index(2, 1).data(RemoteTable::ChangedRole).toBool());
  model.markStep();
  QVERIFY(!model.index(2, 1).data(RemoteTable::ChangedRole).toBool());
  model.take(table({{"c", 4}, {"c", 5}}));  // the same name twice
  QCOMPARE(shown(model), QStringLiteral("c=4 c=5"));
  QCOMPARE(resets.count(), 0);  // so selections have stayed
  model.take(table({{"x", 9}, {"c", 4}}));
  QCOMPARE(shown(model), QStringLiteral("x=9 c=4"));
  model.take(table({}));
  QCOMPARE(model.rowCount(), 0);
}

void GuiTest::filterSortsNumbersAndSavesCsv() {
  LabClient nobody;
  const Colours colours = Colours::of(QPalette());
  TablePanel panel(nobody, QStringLiteral("pc"), QStringLiteral("t"), colours);
  panel.model().take(table({{"nine", 9}, {"ten", 10}, {"a,\"b\"", 2}}));
  TableFilter filter(colours);
  QAbstractItemModelTester tester(&filter);
  filter.setSourceModel(&panel.model());
  filter.sort(1);
  QCOMPARE(shown(filter), QStringLiteral("a,\"b\"=2 nine=9 ten=10"));
  filter.setWords(QStringLiteral("NINE"));
  QCOMPARE(shown(filter), QStringLiteral("nine=9"));
  QCOMPARE(panel.csv(), QStringLiteral("Name,Count\nnine,9\nten,10\n\"a,\"\"b\"\"\",2\n"));
}

void GuiTest::packetListForgetsTheOldest() {
  const Colours colours = Colours::of(QPalette());
  PacketList list(colours, nullptr, 32 << 20);
  QAbstractItemModelTester tester(&list, QAbstractItemModelTester::FailureReportingMode::QtTest);
  const Json packet{{"time", 1'500'000'000}, {"id", 7},          {"node", "pc"},
                    {"link", "wire"},        {"outbound", true}, {"length", 60},
                    {"text", "ARP, ..."},    {"data", "AAEC"}};
  for (int i = 0; i < 3; ++i) list.takePacket(packet);
  QCOMPARE(list.rowCount(), 0);
  list.flush();
  QCOMPARE(list.rowCount(), 3);
  QCOMPARE(list.index(2, PacketList::Number).data().toInt(), 3);
  QCOMPARE(list.index(0, PacketList::Time).data().toString(), QStringLiteral("1.500000000"));
  list.takeDrop({{"time", 2},
                 {"node", "pc"},
                 {"id", 7},
                 {"place", "em0"},
                 {"reason", "no_route"},
                 {"sentence", "no route to it"},
                 {"detail", ""}});
  list.flush();
  QVERIFY(list.packet(3).died());
  QVERIFY(list.index(3, PacketList::Info).data().toString().contains(QStringLiteral("no route")));
  // Files of 16 MiB, of which this one may have two.
  const Json long_one{{"time", 1},
                      {"id", 1},
                      {"node", "pc"},
                      {"link", "wire"},
                      {"outbound", true},
                      {"length", 60},
                      {"text", std::string(1000, 'x')},
                      {"data", ""}};
  constexpr int many = 60'000;
  for (int i = 0; i < many; ++i) list.takePacket(long_one);
  list.flush();
  QVERIFY(list.rowCount() < many);
  QCOMPARE(list.index(list.rowCount() - 1, PacketList::Number).data().toInt(), many + 4);
  QCOMPARE(list.index(0, PacketList::Number).data().toInt(), many + 5 - list.rowCount());
  list.clear();
  QCOMPARE(list.rowCount(), 0);
}

void GuiTest::layoutPlacesEveryNodeApart() {
  Topology topology;
  for (int i = 0; i < 1000; ++i) {
    topology.nodes.emplace_back();
    topology.nodes.back().name = QStringLiteral("n%1").arg(i);
    if (i > 0) {
      topology.links.emplace_back();
      topology.links.back().ends = {{i / 4, {}}, {i, {}}};
    }
  }
  layOut(topology);
  std::set<std::pair<int, int>> places;
  for (const Topology::Node& node : topology.nodes)
    places.emplace(int(node.at.x()), int(node.at.y()));
  QVERIFY(places.size() > 990);
}

void GuiTest::layoutLeavesRoomForJails() {
  Topology topology;
  const auto add = [&](const QString& name, int parent) {
    if (parent >= 0) topology.nodes[size_t(parent)].jails.push_back(int(topology.nodes.size()));
    topology.nodes.emplace_back();
    topology.nodes.back().name = name;
    topology.nodes.back().parent = parent;
  };
  constexpr int machines = 5, jails = 6, each = jails + 1;
  for (int i = 0; i < machines; ++i) {
    add(QStringLiteral("n%1").arg(i), -1);
    for (int j = 0; j < jails; ++j) add(QStringLiteral("n%1/j%2").arg(i).arg(j), i * each);
    topology.links.emplace_back();
    topology.links.back().ends = {{i * each, {}}, {(i + 1) % machines * each, {}}};
  }
  layOut(topology);
  LabScene scene(QPalette{});
  scene.show(topology);
  for (size_t i = 0; i < topology.nodes.size(); ++i)  // none is hidden by another
    if (topology.nodes[i].parent >= 0) QCOMPARE(scene.nodeAt(scene.placeOf(int(i))), int(i));
}

void GuiTest::galleryShowsTheScenarios() {
  Gallery gallery;
  QVERIFY(gallery.count() >= 20);
  QSignalSpy chosen(&gallery, &Gallery::chosen);
  gallery.setCurrentRow(0);
  QTest::keyClick(&gallery, Qt::Key_Return);
  QCOMPARE(chosen.count(), 1);
  gallery.show();
  QTest::mouseClick(gallery.viewport(), Qt::LeftButton, {},
                    gallery.visualItemRect(gallery.item(1)).center());
  QCOMPARE(chosen.count(), 2);
  QVERIFY(chosen.first().first().toString().endsWith(QStringLiteral(".yaml")));
}

void GuiTest::openRunAndLook() {
  MainWindow window;
  window.show();
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(scenario("basics/two-hosts.yaml"));
  QVERIFY(served.wait(patience_ms));
  TablePanel* neighbours = window.openTable(QStringLiteral("pc1"), QStringLiteral("neighbours"));
  QTRY_VERIFY_WITH_TIMEOUT(neighbours->model().rowCount() > 0, patience_ms);
  const int before = neighbours->model().rowCount();

  // Time: until an instant, a packet, a condition; run and pause.
  QSignalSpy stopped(&window.time(), &TimeBar::stopped);
  window.time().runUntil(QStringLiteral("2500ms"));
  QVERIFY(stopped.wait(patience_ms));
  QCOMPARE(stopped.takeFirst().first().toString(), QStringLiteral("time"));
  QTRY_COMPARE_WITH_TIMEOUT(neighbours->model().rowCount(), before + 1, patience_ms);
  QVERIFY(neighbours->model().index(0, 1).data(RemoteTable::ChangedRole).toBool() ||
          neighbours->model().index(before, 1).data(RemoteTable::ChangedRole).toBool());
  constexpr int frames = 6;  // a request and a reply for ARP and two pings
  QTRY_COMPARE_WITH_TIMEOUT(window.packets().model().rowCount(), frames, patience_ms);
  window.packets().select(0);
  auto* tree = window.packets().findChild<QTreeWidget*>();
  QVERIFY(tree->topLevelItemCount() >= 2);
  QCOMPARE(tree->topLevelItem(1)->text(0), QStringLiteral("Ethernet II"));
  // Of a packet that was forwarded or delivered: what was decided, and the links that it passed.
  QString decided;
  for (int row = 0; row < window.packets().model().rowCount() && decided.isEmpty(); ++row) {
    window.packets().select(row);
    const QTreeWidgetItem* story = tree->topLevelItem(0);
    for (int i = 0; i < story->childCount(); ++i)
      if (story->child(i)->text(1).contains(QStringLiteral("by the route 10.0.0.0/24")))
        decided = story->child(i)->text(0);
  }
  QVERIFY(decided.endsWith(QStringLiteral("pc1")) || decided.endsWith(QStringLiteral("pc2")));
  QTemporaryDir folder;
  const QString capture = folder.filePath(QStringLiteral("seen.pcapng"));
  QCOMPARE(window.packets().model().save(capture), QString());
  QVERIFY(QFileInfo(capture).size() > 200);
  window.time().toggle();
  QTRY_VERIFY_WITH_TIMEOUT(window.time().isRunning() && window.time().time() > 2'600'000'000,
                           patience_ms);
  window.time().toggle();
  QTRY_VERIFY_WITH_TIMEOUT(!window.time().isRunning(), patience_ms);

  // A console: what is typed runs when time goes on; the keys do what they do in a shell.
  ConsolePanel* console = window.openConsole({QStringLiteral("pc1")});
  window.time().toggle();
  QSignalSpy ended(console, &ConsolePanel::ended);
  QTest::keyClicks(console, QStringLiteral("hostn"));
  QTest::keyClick(console, Qt::Key_Tab);
  QTRY_VERIFY_WITH_TIMEOUT(console->toPlainText().endsWith(QStringLiteral("# hostname ")),
                           patience_ms);
  QTest::keyClick(console, Qt::Key_Return);
  QVERIFY(ended.count() > 0 || ended.wait(patience_ms));
  QVERIFY(console->toPlainText().startsWith(QStringLiteral("pc1# hostname \npc1\npc1# ")));
  QTest::keyClick(console, Qt::Key_Up);
  QVERIFY(console->toPlainText().endsWith(QStringLiteral("pc1# hostname ")));
  QTest::keyClick(console, Qt::Key_Down);
  // Names as the machine has them; of several, the choices, and the line again.
  QTest::keyClicks(console, QStringLiteral("ping pc"));
  QTest::keyClick(console, Qt::Key_Tab);
  QTRY_VERIFY_WITH_TIMEOUT(
      console->toPlainText().endsWith(QStringLiteral("\npc1 pc2\npc1# ping pc")), patience_ms);
  QTest::keyClicks(console, QStringLiteral("2 -c 1; ifconfig e"));
  QTest::keyClick(console, Qt::Key_Tab);
  QTRY_VERIFY_WITH_TIMEOUT(
      console->toPlainText().endsWith(QStringLiteral("# ping pc2 -c 1; ifconfig em0 ")),
      patience_ms);
  console->run(QStringLiteral("ping 10.0.0.2"));
  QTRY_VERIFY_WITH_TIMEOUT(console->toPlainText().contains(QStringLiteral("icmp_seq=1")),
                           patience_ms);
  QTest::keyClick(console, Qt::Key_C, Qt::ControlModifier);
  QTRY_VERIFY_WITH_TIMEOUT(!console->isRunning(), patience_ms);
  QVERIFY(console->toPlainText().contains(QStringLiteral("packets transmitted")));

  // The lesson's checks get their verdicts.
  window.time().runUntil(QStringLiteral("1301s"));
  QTRY_COMPARE_WITH_TIMEOUT(window.lesson().verdict(QStringLiteral("answers")),
                            QStringLiteral("✓ pass"), patience_ms);
  QCOMPARE(window.scene().find(QStringLiteral("PC2")), 1);
  QCOMPARE(window.scene().find(QStringLiteral("10.0.0.")), 2);
}

void GuiTest::aLabOfJailsAndAConsoleForSeveral() {
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(scenario("jails/router-jail.yaml"));
  QVERIFY(served.wait(patience_ms));
  QSignalSpy stopped(&window.time(), &TimeBar::stopped);
  window.time().runUntil(QStringLiteral("1s"));
  QVERIFY(stopped.wait(patience_ms));
  QString jail;
  for (const Topology::Node& node : window.scene().topology().nodes)
    if (node.kind == QLatin1String("jail")) jail = node.name;
  QVERIFY(jail.contains(QLatin1Char('/')));
  TablePanel* routes = window.openTable(jail, QStringLiteral("routes"));
  QTRY_VERIFY_WITH_TIMEOUT(routes->model().rowCount() > 1, patience_ms);
  window.time().toggle();
  ConsolePanel* both = window.openConsole({jail, jail.section(QLatin1Char('/'), 0, 0)});
  QSignalSpy ended(both, &ConsolePanel::ended);
  both->run(QStringLiteral("hostname"));
  QVERIFY(ended.count() > 0 || ended.wait(patience_ms));
  QVERIFY(both->toPlainText().contains(QStringLiteral("── %1 ──\n").arg(jail)));
  // A sysctl is set as a user would set it, in a console.
  TablePanel* sysctls = window.openTable(jail, QStringLiteral("sysctls"));
  emit sysctls->sysctlEdited(jail, QStringLiteral("net.inet.ip.ttl"), QStringLiteral("33"));
  const auto ttl = [&] {
    for (int row = 0; row < sysctls->model().rowCount(); ++row)
      if (sysctls->model().cell(row, QStringLiteral("name")) == QLatin1String("net.inet.ip.ttl"))
        return sysctls->model().cell(row, QStringLiteral("value"));
    return QString();
  };
  QTRY_COMPARE_WITH_TIMEOUT(ttl(), QStringLiteral("33"), patience_ms);
}

void GuiTest::jailsThatCommandsMakeAreDrawn() {
  QTemporaryDir folder;
  const QString path = folder.filePath(QStringLiteral("lab.yaml"));
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(
      "nodes: {srv: {jails: {a: {}}}, pc: {}}\nlinks: [{name: wire, endpoints: srv -- pc}]\n");
  file.close();
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(path);
  QVERIFY(served.wait(patience_ms));
  window.time().toggle();
  const auto node = [&](const char* name) {
    return window.scene().topology().nodeNamed(QLatin1String(name));
  };
  ConsolePanel* console = window.openConsole({QStringLiteral("srv")});
  const auto run = [&](const char* line) {
    QSignalSpy ended(console, &ConsolePanel::ended);
    console->run(QLatin1String(line));
    return ended.count() > 0 || ended.wait(patience_ms);
  };
  QVERIFY(run("jail -c name=b vnet persist children.max=2"));
  QTRY_VERIFY_WITH_TIMEOUT(node("srv/b") >= 0, patience_ms);
  QVERIFY(run("jexec b jail -c name=c vnet persist"));
  QTRY_VERIFY_WITH_TIMEOUT(node("srv/b/c") >= 0, patience_ms);
  // Inside one another on the canvas, too.
  LabScene& scene = window.scene();
  QCOMPARE(scene.nodeAt(scene.placeOf(node("srv/b/c"))), node("srv/b/c"));
  QCOMPARE(scene.topology().nodes[size_t(node("srv/b/c"))].parent, node("srv/b"));
  // An interface takes its link's end along.
  const auto end = [&] { return scene.endPlace(0, 0); };
  QVERIFY(run("ifconfig em0 vnet b"));
  QTRY_COMPARE_WITH_TIMEOUT(end(), QStringLiteral("srv/b:em0"), patience_ms);
  QVERIFY(run("jexec b ifconfig em0 vnet c"));
  QTRY_COMPARE_WITH_TIMEOUT(end(), QStringLiteral("srv/b/c:em0"), patience_ms);
  QVERIFY(run("jexec b jexec c ifconfig em0 name wan0"));
  QTRY_COMPARE_WITH_TIMEOUT(end(), QStringLiteral("srv/b/c:wan0"), patience_ms);
  QVERIFY(run("jexec b jexec c ifconfig wan0 name em0"));
  // To be seen inside, and not behind its machine.
  QVERIFY(scene.itemAt(scene.endPoint(0, 0), {})->zValue() > 2);
  // They are no part of the file, and what is drawn is drawn with them.
  const QString text = window.document().text();
  scene.choose({QStringLiteral("srv/b")});
  window.editor().removeChosen();
  QCOMPARE(window.document().text(), text);
  QVERIFY(!window.editor().add(QStringLiteral("host"), {200, 200}).isEmpty());
  QVERIFY(node("srv/b/c") >= 0);
  QTRY_COMPARE_WITH_TIMEOUT(end(), QStringLiteral("srv/b/c:em0"), patience_ms);
  // A removed one gives its interface back; one of the file stays, as one that is not there.
  QVERIFY(run("jail -r b"));
  QTRY_VERIFY_WITH_TIMEOUT(node("srv/b") < 0 && node("srv/b/c") < 0, patience_ms);
  QTRY_COMPARE_WITH_TIMEOUT(end(), QStringLiteral("srv:em0"), patience_ms);
  QVERIFY(run("jail -r a"));
  QTRY_VERIFY_WITH_TIMEOUT(!scene.topology().nodes[size_t(node("srv/a"))].there, patience_ms);
  window.stopLooking();
  QVERIFY(scene.topology().nodes[size_t(node("srv/a"))].there);
  window.document().undo().undo();
  window.document().dropRescue();
}

void GuiTest::aDiscardingEndIsDrawn() {
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(scenario("switching/spanning-tree.yaml"));
  QVERIFY(served.wait(patience_ms));
  LabScene& scene = window.scene();
  constexpr int spare = 2, at_s3 = 1;
  const auto words = [&] {
    for (const QGraphicsItem* item : scene.items())
      if (const auto* link = qgraphicsitem_cast<const LinkItem*>(item))
        if (link->link() == spare) return link->toolTip();
    return QString();
  };
  const auto is_barred = [&] {
    QImage image(40, 40, QImage::Format_RGB32);
    QPainter painter(&image);
    scene.render(&painter, image.rect(),
                 QRectF(scene.endPoint(spare, at_s3) - QPointF(20, 20), QSizeF(40, 40)));
    const QRgb bar = Colours::of(window.palette()).busy.rgb();
    for (int i = 0; i < 40 * 40; ++i)
      if (image.pixel(i % 40, i / 40) == bar) return true;
    return false;
  };
  QVERIFY(!is_barred());
  window.time().runUntil(QStringLiteral("9s"));
  QTRY_VERIFY_WITH_TIMEOUT(
      words().contains(QStringLiteral("s3:p2: alternate port: discards frames")), patience_ms);
  QVERIFY(words().contains(QStringLiteral("s2:p2: designated port: leads away")));
  QVERIFY(is_barred());
  // It takes over when another cable is cut.
  window.time().runUntil(QStringLiteral("13s"));
  QTRY_VERIFY_WITH_TIMEOUT(words().contains(QStringLiteral("s3:p2: root port")), patience_ms);
  QVERIFY(!is_barred());
}

void GuiTest::aCheckLeadsToItsEvidence() {
  QTemporaryDir folder;
  const QString path = folder.filePath(QStringLiteral("lab.yaml"));
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(R"(nodes: {pc1: {}, pc2: {}}
links: [{name: wire, endpoints: pc1 -- pc2}]
checks:
  answers: {at: 1s, node: pc1, run: ping -c 1 pc2}
  asked: {eventually: {packet: "icmp[0] == 0", on: wire}}
  silent: {within: 2s, packet: udp port 7, on: wire}
  route: {at: 2s, node: pc2, table: routes, expect: {destination: 127.0.0.1}}
  plugged: {at: 2s, link: wire, state: up}
)");
  file.close();
  MainWindow window;
  window.show();
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(path);
  QVERIFY2(served.wait(patience_ms), qPrintable(window.document().problemsText()));
  window.time().runUntil(QStringLiteral("3s"));
  const auto verdict = [&](const char* check) {
    return window.lesson().verdict(QLatin1String(check));
  };
  QTRY_COMPARE_WITH_TIMEOUT(verdict("plugged"), QStringLiteral("✓ pass"), patience_ms);
  QCOMPARE(verdict("asked"), QStringLiteral("✓ pass"));
  // A click, and the key, as the user has them.
  auto* checks = window.lesson().findChild<QTreeWidget*>();
  const auto go = [&](int check) {
    checks->scrollToItem(checks->topLevelItem(check));
    const auto at = [&] {  // all columns together are wider than the view
      return QPoint(40, checks->visualItemRect(checks->topLevelItem(check)).center().y());
    };
    QTRY_VERIFY_WITH_TIMEOUT(checks->viewport()->rect().contains(at()), patience_ms);
    QTest::mouseClick(checks->viewport(), Qt::LeftButton, {}, at());
  };
  go(0);
  ConsolePanel* console = window.openConsole({QStringLiteral("pc1")});
  QVERIFY2(console->toPlainText().contains(QStringLiteral("pc1# ping -c 1 pc2\nPING pc2")),
           qPrintable(console->toPlainText()));
  QVERIFY(console->toPlainText().endsWith(QStringLiteral("pc1# ping -c 1 pc2")));
  go(1);
  const PacketList& packets = window.packets().model();
  QTRY_VERIFY_WITH_TIMEOUT(packets.rowCount() >= 4, patience_ms);
  const int chosen = window.packets().view().currentRow();
  QVERIFY(chosen >= 0);
  QVERIFY(packets.packet(chosen).text.contains(QStringLiteral("echo reply")));
  QCOMPARE(window.packets().filter(), QString());
  checks->setCurrentItem(checks->topLevelItem(2));
  QTest::keyClick(checks, Qt::Key_Return);
  QCOMPARE(window.packets().filter(), QStringLiteral("udp port 7"));
  go(3);
  const auto row = [&](const char* node, const char* name) {
    TablePanel* table = window.openTable(QLatin1String(node), QLatin1String(name));
    return table->model().cell(table->chosenRow(), QStringLiteral("destination")) +
           table->model().cell(table->chosenRow(), QStringLiteral("link"));
  };
  QTRY_COMPARE_WITH_TIMEOUT(row("pc2", "routes"), QStringLiteral("127.0.0.1"), patience_ms);
  go(4);
  QTRY_COMPARE_WITH_TIMEOUT(row("", "links"), QStringLiteral("wire"), patience_ms);
}

void GuiTest::theServerDies() {
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served), failed(&window, &MainWindow::failed);
  window.openLab(scenario("basics/two-hosts.yaml"));
  QVERIFY(served.wait(patience_ms));
  window.killServer();
  QVERIFY(failed.wait(patience_ms));
  QVERIFY(!window.isServed());
  window.restartLab();
  QVERIFY(served.wait(patience_ms));
  QVERIFY(window.isServed());
}

void GuiTest::aFileThatDoesNotParse() {
  QTemporaryDir folder;
  const QString path = folder.filePath(QStringLiteral("wrong.yaml"));
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write("nodes: [pc1]\nlinks: [pc1 -- pc2]\n");
  file.close();
  MainWindow window;
  QSignalSpy failed(&window, &MainWindow::failed);
  window.openLab(path);
  QCOMPARE(failed.count(), 1);
  QVERIFY(failed.first().first().toString().contains(QStringLiteral(":2:16: unknown node")));
  QVERIFY(!window.isServed());
}

void GuiTest::aPicture() {
  QTemporaryDir folder;
  const QString picture = folder.filePath(QStringLiteral("shot.png"));
  QProcess program;
  program.start(QString(stackyardProgram()).append(QStringLiteral("-gui")),
                {scenario("routing/two-routers.yaml"), QStringLiteral("--at"), QStringLiteral("2s"),
                 QStringLiteral("--screenshot"), picture, QStringLiteral("--dark")});
  QVERIFY(program.waitForFinished(patience_ms));
  QCOMPARE(program.exitCode(), 0);
  QVERIFY(QImage(picture).width() > 1000);
}

// As QTEST_MAIN, with the program's theme.
int main(int argc, char** argv) {
  QApplication application(argc, argv);
  setTheme(application, false);
  GuiTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "gui_test.moc"
