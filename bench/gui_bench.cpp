// bench/gui_bench.cpp - what the front end costs: opening and drawing a thousand machines, ten
// million packets in the list, and what looking takes from the engine. Prints a figure a line.
#include <QApplication>
#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "gui/app/main_window.h"
#include "gui/app/theme.h"
#include "gui/canvas/lab_scene.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/packet_view.h"
#include "gui/panels/time_bar.h"

namespace stackyard::gui {
namespace {

double seconds(const QElapsedTimer& timer) { return double(timer.nsecsElapsed()) / 1e9; }

qint64 residentKib() {
  QFile status(QStringLiteral("/proc/self/status"));
  if (!status.open(QIODevice::ReadOnly)) return 0;
  for (const QByteArray& line : status.readAll().split('\n'))
    if (line.startsWith("RssAnon")) return line.simplified().split(' ').value(1).toLongLong();
  return 0;
}

QString file(QTemporaryDir& folder, const char* name, const QByteArray& text) {
  QFile file(folder.filePath(QLatin1String(name)));
  if (file.open(QIODevice::WriteOnly)) file.write(text);
  return file.fileName();
}

// The longest that the window's loop has not come round.
class Watch final : public QObject {
 public:
  Watch() {
    timer_.setTimerType(Qt::PreciseTimer);
    connect(&timer_, &QTimer::timeout, this, [this] {
      longest_ = std::max(longest_, since_.elapsed());
      since_.restart();
    });
    since_.start();
    timer_.start(5);
  }
  qint64 longest() const { return longest_; }

 private:
  QTimer timer_;
  QElapsedTimer since_;
  qint64 longest_ = 0;
};

void thousandMachines(QTemporaryDir& folder) {
  QByteArray text =
      "addressing: {lan: {ipv4: 10.0.0.0/8, prefix: 16}}\nnodes:\n  sw: {kind: switch, count: "
      "20}\n  pc: {count: [20, 49]}\nlinks:\n"
      "  - {count: 20, endpoints: \"pc${i}-* -- sw${i}\"}\n";
  for (int i = 1; i < 20; ++i)
    text += "  - sw" + QByteArray::number(i) + " -- sw" + QByteArray::number(i + 1) + "\n";
  const QString path = file(folder, "big.yaml", text);
  MainWindow window;
  window.resize(1400, 900);
  window.show();
  QSignalSpy served(&window, &MainWindow::served);
  QElapsedTimer timer;
  timer.start();
  window.openLab(path);
  QApplication::processEvents();
  std::printf("open 1000 machines, drawn: %.2f s\n", seconds(timer));
  if (served.isEmpty()) served.wait(60'000);
  std::printf("open 1000 machines, served: %.2f s\n", seconds(timer));
  LabView& view = window.view();
  timer.restart();
  constexpr int frames = 60;
  for (int i = 0; i < frames; ++i) {
    if (i % 2)
      view.zoom(i < frames / 2 ? 1.1 : 1 / 1.1);
    else
      view.horizontalScrollBar()->setValue(view.horizontalScrollBar()->value() + 20);
    view.viewport()->repaint();
  }
  std::printf("pan and zoom: %.0f frames/s\n", frames / seconds(timer));
  timer.restart();
  window.document().edit(QStringLiteral("x"),
                         [](LabEdit& edit) { return edit.add_node("extra", "host"); });
  std::printf("an edit, read and drawn: %.3f s\n", seconds(timer));
  window.document().undo().undo();
  window.document().dropRescue();
}

void tenMillionRows() {
  const Colours colours = Colours::of(QPalette());
  PacketList list(colours);
  PacketView view(list);
  view.resize(900, 500);
  view.show();
  SeenPacket packet;
  packet.node = QStringLiteral("pc1");
  packet.link = QStringLiteral("wire");
  packet.text = QStringLiteral("IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 1, length 64");
  packet.octets = QByteArray(98, 'x');
  packet.length = 98;
  const qint64 before = residentKib();
  QElapsedTimer timer;
  timer.start();
  constexpr int rows = 10'000'000;
  for (int i = 0; i < rows; ++i) {
    packet.time = i;
    packet.id = quint64(i);
    packet.number = i + 1;
    list.add(packet);
    if (i % 100'000 == 99'999) list.flush();
  }
  list.flush();
  std::printf("10,000,000 packets kept: %.1f s, %lld KiB of memory, %d rows\n", seconds(timer),
              static_cast<long long>(residentKib() - before), list.rowCount());
  double slowest = 0;
  timer.restart();
  constexpr int jumps = 200;
  for (int i = 0; i < jumps; ++i) {
    QElapsedTimer one;
    one.start();
    view.verticalScrollBar()->setValue(
        int(qint64(i) * 7'919'993 % view.verticalScrollBar()->maximum()));
    (void)view.grab();
    slowest = std::max(slowest, seconds(one));
  }
  std::printf("scrolling anywhere in them: %.0f frames/s, the slowest %.1f ms\n",
              jumps / seconds(timer), slowest * 1000);
}

QByteArray contentOf(const QString& path) {
  QFile file(path);
  return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

// The lab's simulation is a child of the server, which is a child of ours.
qint64 grandchild() {
  const auto child = [](qint64 of) {
    return contentOf(QStringLiteral("/proc/%1/task/%1/children").arg(of))
        .simplified()
        .split(' ')
        .last()
        .toLongLong();
  };
  return child(child(QCoreApplication::applicationPid()));
}

double processorSeconds(qint64 process) {
  return contentOf(QStringLiteral("/proc/%1/schedstat").arg(process))
             .split(' ')
             .first()
             .toDouble() /
         1e9;
}

struct Pace {
  double events_a_second = 0, ns_an_event = 0;  // of the simulation's process
};

// A flood at full speed, with a window that looks or a client that does not.
Pace flood(const QString& path, bool looking) {
  MainWindow window;
  window.resize(1400, 900);
  if (looking) window.show();
  QSignalSpy served(&window, &MainWindow::served);
  window.openLab(path);
  if (served.isEmpty()) served.wait(60'000);
  LabClient other;
  QString why;
  other.open(window.socket(), why);
  if (!looking) window.stopLooking();
  other.call("time.pace", {{"pace", "fast"}});
  QTest::qWait(1500);
  const qint64 simulation = grandchild();
  Watch watch;
  const auto look = [&] {
    Json state;
    other.call("time.get", Json::object(), [&](const Json& told) { state = told; });
    return QTest::qWaitFor([&] { return !state.is_null(); }, 20'000)
               ? state["events_run"].get<double>()
               : 0.0;
  };
  const double events = look(), processor = processorSeconds(simulation);
  QElapsedTimer timer;
  timer.start();
  QTest::qWait(4000);
  const double more = look() - events;
  const Pace pace{more / seconds(timer), (processorSeconds(simulation) - processor) / more * 1e9};
  std::printf(
      "engine, %s: %.0f events/s, %.1f ns of processor time each; the loop's longest round %lld "
      "ms; "
      "%llu packets unseen\n",
      looking ? "looked at" : "alone", pace.events_a_second, pace.ns_an_event,
      static_cast<long long>(watch.longest()),
      static_cast<unsigned long long>(window.packets().missed()));
  return pace;
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

// Pairs, since other work on the machine comes and goes.
void engine(QTemporaryDir& folder) {
  QByteArray text = "nodes: {a: {exec: [\"ping -q -f -s 1000 b > /dev/null &\"]}, b: {}";
  for (int i = 0; i < 20; ++i) text += ", x" + QByteArray::number(i) + ": {}";
  text += "}\nlinks: [a -- b]\n";
  const QString path = file(folder, "flood.yaml", text);
  constexpr int pairs = 7;
  std::vector<double> slower, dearer;
  for (int i = 0; i < pairs; ++i) {
    const Pace alone = flood(path, false), looked = flood(path, true);
    slower.push_back((1 - looked.events_a_second / alone.events_a_second) * 100);
    dearer.push_back((looked.ns_an_event / alone.ns_an_event - 1) * 100);
  }
  std::printf("looking takes %.1f %% of the speed, %.1f %% more processor time for each event\n",
              median(slower), median(dearer));
}

}  // namespace
}  // namespace stackyard::gui

int main(int argc, char** argv) {
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication application(argc, argv);
  stackyard::gui::setTheme(application, false);
  QTemporaryDir folder;
  const QString only = application.arguments().value(1);
  if (only.isEmpty() || only == QLatin1String("open")) stackyard::gui::thousandMachines(folder);
  if (only.isEmpty() || only == QLatin1String("rows")) stackyard::gui::tenMillionRows();
  if (only.isEmpty() || only == QLatin1String("engine")) stackyard::gui::engine(folder);
  return 0;
}
