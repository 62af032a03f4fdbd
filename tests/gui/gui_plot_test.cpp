// tests/gui/gui_plot_test.cpp - plots, the ladder, Wireshark's pipe, and many packets.
#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

#include "gui/app/main_window.h"
#include "gui/app/theme.h"
#include "gui/canvas/lab_scene.h"
#include "gui/model/conversation.h"
#include "gui/model/live_capture.h"
#include "gui/panels/gallery.h"
#include "gui/panels/ladder_panel.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/packet_view.h"
#include "gui/panels/plot_panel.h"
#include "gui/panels/table_panel.h"
#include "gui/panels/time_bar.h"

using namespace stackyard;
using namespace stackyard::gui;

namespace {

constexpr int patience_ms = 20'000;

QString scenario(const char* name) {
  return Gallery::folder() + QLatin1Char('/') + QLatin1String(name);
}

SeenPacket packetOf(int number) {
  SeenPacket packet;
  packet.number = number;
  packet.time = qint64(number) * 1000;
  packet.id = quint64(number / 3);
  packet.node = number % 2 ? QStringLiteral("pc1") : QStringLiteral("pc2");
  packet.link = QStringLiteral("wire");
  packet.text = QStringLiteral("IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq %1, length 64")
                    .arg(number);
  packet.octets = QByteArray(40 + number % 100, char(number));
  packet.length = int(packet.octets.size());
  return packet;
}

Json messageOf(const SeenPacket& packet) {
  return {{"time", packet.time},
          {"id", packet.id},
          {"node", packet.node.toStdString()},
          {"link", packet.link.toStdString()},
          {"outbound", true},
          {"length", packet.length},
          {"text", packet.text.toStdString()},
          {"data", "AAEC"}};
}

double most(const PlotSeries& series) {
  double value = 0;
  for (const QPointF& point : series.points()) value = std::max(value, point.y());
  return value;
}

}  // namespace

class GuiPlotTest final : public QObject {
  Q_OBJECT

 private slots:
  void theStoreGivesBackWhatItGot();
  void manyPacketsScroll();
  void aPlotDrawsTheLeastAndTheMost();
  void bufferbloatInAPlot();
  void aLadderOfAConnection();
  void wiresharkReadsThePipe();
};

void GuiPlotTest::theStoreGivesBackWhatItGot() {
  PacketStore store(40 << 20);
  size_t forgotten = 0;
  constexpr int count = 400'000;
  for (int i = 0; i < count; ++i) forgotten += store.add(packetOf(i));
  QVERIFY(forgotten > 0);
  QCOMPARE(store.size() + forgotten, size_t(count));
  for (size_t row = 0; row < store.size(); row += 997) {
    const SeenPacket packet = store.at(row), expected = packetOf(int(row + forgotten));
    QCOMPARE(packet.number, expected.number);
    QCOMPARE(packet.time, expected.time);
    QCOMPARE(packet.text, expected.text);
    QCOMPARE(packet.octets, expected.octets);
    QCOMPARE(packet.node, expected.node);
  }
  QCOMPARE(store.of(quint64(count / 3 - 10), store.size() - 30, 100).size(), size_t(3));
  store.clear();
  QCOMPARE(store.size(), size_t(0));
}

void GuiPlotTest::manyPacketsScroll() {
  const Colours colours = Colours::of(QPalette());
  PacketList list(colours);
  QAbstractItemModelTester tester(&list, QAbstractItemModelTester::FailureReportingMode::QtTest);
  PacketView view(list);
  view.resize(800, 400);
  view.show();
  for (int i = 0; i < 20'000; ++i) list.takePacket(messageOf(packetOf(i)));
  list.flush();
  QCOMPARE(list.rowCount(), 20'000);
  // Who looks at the end goes on doing so; who does not, stays.
  QCOMPARE(view.firstSeen() + view.rowsSeen(), 20'000);
  QSignalSpy chosen(&view, &PacketView::currentRowChanged);
  QTest::keyClick(&view, Qt::Key_Home);
  QCOMPARE(view.firstSeen(), 0);
  QTest::keyClick(&view, Qt::Key_Down);
  QCOMPARE(chosen.last().first().toInt(), 1);
  list.takePacket(messageOf(packetOf(20'000)));
  list.flush();
  QCOMPARE(view.firstSeen(), 0);
  QTest::keyClick(&view, Qt::Key_End);
  QCOMPARE(view.currentRow(), 20'000);
  QTest::mouseClick(view.viewport(), Qt::LeftButton, {}, QPoint(100, 5));
  QCOMPARE(view.currentRow(), view.firstSeen());
}

void GuiPlotTest::aPlotDrawsTheLeastAndTheMost() {
  LabClient nobody;
  PlotWhat what;
  what.rate = true;
  what.factor = 2;
  PlotSeries series(nobody, what, QStringLiteral("1ms"));
  Json samples = Json::array();
  for (int i = 0; i <= 100'000; ++i)
    samples.push_back({{"time", i * 1'000'000LL}, {"rows", {{i * 3 + (i >= 50'000 ? 500 : 0)}}}});
  series.take({{"samples", samples}});
  QCOMPARE(series.points().size(), size_t(100'000));
  QCOMPARE(series.points().front(), QPointF(0.001, 6000));
  const QList<QPointF> drawn = series.drawn(0, 100, 500);
  QVERIFY(drawn.size() < 1500);
  double top = 0;
  for (const QPointF& point : drawn) top = std::max(top, point.y());
  QCOMPARE(top, 1'006'000.0);  // the one high value is not lost
  for (int i = 1; i < drawn.size(); ++i) QVERIFY(drawn[i].x() >= drawn[i - 1].x());
}

void GuiPlotTest::bufferbloatInAPlot() {
  QTemporaryDir lab;
  const QString path = lab.filePath(QStringLiteral("lab.yaml"));
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(
      "nodes:\n  pc: {exec: [\"seq 1 800000 > /tmp/file\"]}\n  home: {kind: router}\n"
      "  srv: {exec: [\"nc -l 80 > /tmp/got &\"]}\nlinks:\n  - pc -- home\n"
      "  - {endpoints: home -- srv, impair: {rate: 10mbit, delay: 10ms, queue: 100p}}\n"
      "events:\n  - {at: 2s, node: pc, exec: [\"nc -N srv 80 < /tmp/file\"]}\n");
  file.close();
  MainWindow window;
  window.show();
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(path);
  QVERIFY(served.wait(patience_ms));
  const QString link = QStringLiteral("link2"), end = QStringLiteral("home:em1");
  window.addPlot(throughputOf(link, end));
  window.addPlot(queueOf(link, end));
  window.addPlot(delayBetween(QStringLiteral("link1"), link));
  // Any figure of any table: from its own panel, by a click.
  TablePanel* table = window.openTable(QStringLiteral("pc"), QStringLiteral("interfaces"));
  QTRY_VERIFY_WITH_TIMEOUT(table->model().rowCount() > 0, patience_ms);
  PlotWhat packets =
      table->model().plotOf(0, table->model().columnNamed(QStringLiteral("opackets")));
  QCOMPARE(packets.match.value(QStringLiteral("name")),
           table->model().cell(0, QStringLiteral("name")));
  window.addPlot(packets);
  window.addPlot(queueOf(QStringLiteral("nowhere"), end));
  QSignalSpy stopped(&window.time(), &TimeBar::stopped);
  window.time().runUntil(QStringLiteral("9s"));
  QVERIFY(stopped.wait(patience_ms));
  PlotPanel& plot = window.plot();
  // Ten megabits a second, a queue of a hundred packets, and what waiting in it takes.
  QTRY_VERIFY_WITH_TIMEOUT(plot.series(1).points().size() > 850, patience_ms);
  QVERIFY(most(plot.series(0)) > 9 && most(plot.series(0)) < 12);
  QVERIFY(most(plot.series(1)) > 95 && most(plot.series(1)) <= 100);
  QVERIFY(most(plot.series(2)) > 110 && most(plot.series(2)) < 140);
  QVERIFY(!plot.series(3).points().empty());
  QVERIFY(plot.series(4).points().empty());
  plot.refresh();
  QTemporaryDir folder;
  QVERIFY(plot.savePicture(folder.filePath(QStringLiteral("plot.png"))));
  QVERIFY(QImage(folder.filePath(QStringLiteral("plot.png"))).width() > 300);
  const QStringList lines = plot.csv().split(QLatin1Char('\n'));
  QCOMPARE(lines.first().count(QLatin1Char(',')), 5);
  QVERIFY(lines.size() > 850);
  // From the beginning, it draws anew.
  window.restartLab();
  QVERIFY(served.wait(patience_ms));
  QVERIFY(plot.series(0).points().empty());
}

void GuiPlotTest::aLadderOfAConnection() {
  QCOMPARE(endsOf(QStringLiteral("IP 10.0.0.2.80 > 10.0.0.1.1024: Flags [S], seq 1")),
           QStringLiteral("10.0.0.1.1024 – 10.0.0.2.80"));
  QCOMPARE(endsOf(QStringLiteral("IP6 fe80::2 > ff02::1: ICMP6, echo request")),
           QStringLiteral("fe80::2 – ff02::1"));
  QCOMPARE(endsOf(QStringLiteral("ARP, Request who-has 10.0.0.2 tell 10.0.0.1")), QString());
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(scenario("tcp/first-connection.yaml"));
  QVERIFY(served.wait(patience_ms));
  QSignalSpy stopped(&window.time(), &TimeBar::stopped);
  window.time().runUntil(QStringLiteral("3s"));
  QVERIFY(stopped.wait(patience_ms));
  PacketList& packets = window.packets().model();
  QTRY_VERIFY_WITH_TIMEOUT(packets.rowCount() > 10, patience_ms);
  packets.flush();
  int row = 0;
  while (!packets.packet(row).text.contains(QStringLiteral("Flags [S],"))) ++row;
  window.showLadder(row);
  LadderView& ladder = window.ladder().view();
  const Conversation& told = ladder.conversation();
  QCOMPARE(told.columns, QStringList({"pc", "web"}));
  QVERIFY(told.steps.size() >= 8);
  const char* handshake[] = {"Flags [S],", "Flags [S.],", "Flags [.],"};
  for (size_t i = 0; i < 3; ++i) {
    QVERIFY(told.steps[i].text.contains(QLatin1String(handshake[i])));
    QCOMPARE(told.steps[i].from, int(i % 2));
    QCOMPARE(told.steps[i].to, int(1 - i % 2));
  }
  QTest::keyClick(&ladder, Qt::Key_Down);
  QCOMPARE(window.packets().view().currentRow(), told.steps[0].row);
  QVERIFY(ladder.picture().height() > int(told.steps.size()) * 20);
}

void GuiPlotTest::wiresharkReadsThePipe() {
  MainWindow window;
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(scenario("basics/two-hosts.yaml"));
  QVERIFY(served.wait(patience_ms));
  LabClient client;
  QString why;
  QVERIFY2(client.open(window.socket(), why), qPrintable(why));
  // A program that is not there is told of.
  {
    auto* missing =
        new LiveCapture(client, QStringLiteral("pc1:em0"), QStringLiteral("no-such-wireshark"), {});
    QSignalSpy failed(missing, &LiveCapture::failed);
    QVERIFY(failed.count() > 0 || failed.wait(patience_ms));
    QVERIFY(failed.first().first().toString().contains(QStringLiteral("no-such-wireshark")));
  }
  // What Wireshark's own reader makes of the pipe.
  QTemporaryDir folder;
  const QString said = folder.filePath(QStringLiteral("said"));
  auto* capture = new LiveCapture(
      client, QStringLiteral("pc1:em0"), QStringLiteral("sh"),
      {QStringLiteral("-c"), QStringLiteral("tshark -n -r - > '%1' 2>/dev/null").arg(said)});
  QSignalSpy ended(capture, &LiveCapture::ended);
  QTest::qWait(200);
  QSignalSpy stopped(&window.time(), &TimeBar::stopped);
  window.time().runUntil(QStringLiteral("2500ms"));
  QVERIFY(stopped.wait(patience_ms));
  QTest::qWait(300);
  capture->stop();
  QVERIFY(ended.count() > 0 || ended.wait(patience_ms));
  QFile file(said);
  QVERIFY(file.open(QIODevice::ReadOnly));
  const QByteArray words = file.readAll();
  QCOMPARE(words.count("Echo (ping) request"), 2);
  QCOMPARE(words.count("Echo (ping) reply"), 2);
  QCOMPARE(words.count("Who has 10.0.0.2"), 1);
}

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  setTheme(application, false);
  GuiPlotTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "gui_plot_test.moc"
