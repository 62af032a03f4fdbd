// gui/app/panels.cpp - the window's panels: tables, consoles, and what stands around the canvas.
#include <QAction>
#include <QDockWidget>
#include <QSplitter>
#include <QStatusBar>
#include <QTabWidget>
#include <nlohmann/json.hpp>

#include "gui/app/main_window.h"
#include "gui/canvas/lab_scene.h"
#include "gui/model/conversation.h"
#include "gui/model/live_capture.h"
#include "gui/panels/console_panel.h"
#include "gui/panels/ladder_panel.h"
#include "gui/panels/lesson_panel.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/plot_panel.h"
#include "gui/panels/property_panel.h"
#include "gui/panels/table_panel.h"
#include "gui/panels/text_panel.h"

namespace stackyard::gui {

void MainWindow::dockTable(TablePanel* panel) {
  auto* dock =
      new QDockWidget(QStringLiteral("%1: %2").arg(panel->model().node(), panel->model().name()));
  dock->setAttribute(Qt::WA_DeleteOnClose);
  dock->setWidget(panel);
  QDockWidget* last = nullptr;
  for (QDockWidget* each : findChildren<QDockWidget*>())
    if (qobject_cast<TablePanel*>(each->widget()) && !each->isFloating()) last = each;
  addDockWidget(Qt::RightDockWidgetArea, dock);
  int there = 0;
  for (QDockWidget* each : findChildren<QDockWidget*>())
    there += qobject_cast<TablePanel*>(each->widget()) != nullptr;
  constexpr int side_by_side = 3;  // more of them go behind the last one
  if (last && there > side_by_side) tabifyDockWidget(last, dock);
  dock->show();
  dock->raise();
  constexpr int wide = 430;
  if (!last) resizeDocks({dock}, {wide}, Qt::Horizontal);
}

TablePanel* MainWindow::openTable(const QString& node, const QString& table) {
  for (TablePanel* panel : findChildren<TablePanel*>()) {
    if (panel->model().node() != node || panel->model().name() != table) continue;
    panel->parentWidget()->show();
    panel->parentWidget()->raise();
    return panel;
  }
  auto* panel = new TablePanel(client_, node, table, scene_->colours());
  connect(panel, &TablePanel::sysctlEdited, this,
          [this](const QString& where, const QString& name, const QString& value) {
            QString quoted = value;
            runOn(where, QStringLiteral("sysctl %1='%2'")
                             .arg(name, quoted.replace(QLatin1Char('\''), QLatin1String("'\\''"))));
          });
  connect(panel, &TablePanel::plotWanted, this, &MainWindow::addPlot);
  dockTable(panel);
  return panel;
}

// As the user would have typed it, so that it can be seen and learnt.
void MainWindow::runOn(const QString& node, const QString& line) {
  ConsolePanel* console = openConsole({node});
  if (!console->isRunning()) console->run(line);
}

ConsolePanel* MainWindow::openConsole(const QStringList& places) {
  consoles_dock_->show();
  consoles_dock_->raise();
  for (int tab = 0; tab < consoles_->count(); ++tab) {
    auto* console = qobject_cast<ConsolePanel*>(consoles_->widget(tab));
    if (!console || console->places() != places) continue;
    consoles_->setCurrentIndex(tab);
    console->setFocus();
    return console;
  }
  auto* console = new ConsolePanel(socket_, places);
  const QString title = places.size() == 1
                            ? places.first()
                            : tr("%1 + %2").arg(places.first()).arg(places.size() - 1);
  consoles_->setCurrentIndex(consoles_->addTab(console, title));
  console->setFocus();
  return console;
}

void MainWindow::showPackets(bool shown) {
  packets_dock_->setVisible(shown);
  if (shown) packets_dock_->raise();
}

void MainWindow::showLesson(bool shown) { lesson_dock_->setVisible(shown); }

void MainWindow::showText(bool shown) {
  const bool fresh = shown && !text_->isVisibleTo(this);
  text_->setVisible(shown);
  text_action_->setChecked(shown);
  if (fresh) canvas_and_text_->setSizes({11, 9});
}

void MainWindow::showLadder(int row) {
  if (row < 0 || row >= packets_->model().rowCount()) return;
  ladder_dock_->show();
  ladder_dock_->raise();
  ladder_->show(conversationOf(packets_->model(), row, scene_->topology()));
}

void MainWindow::showEvidence(const QString& check) {
  const Json shown = lesson_->evidence(check);
  const auto words = [&](const char* key) {
    return QString::fromStdString(shown.value(key, std::string()));
  };
  const QString what = words("what");
  if (what == QLatin1String("table")) {
    QHash<QString, QString> row;
    for (const auto& [column, value] : shown.at("row").items())
      row.insert(QString::fromStdString(column), QString::fromStdString(value.get<std::string>()));
    TablePanel* table = openTable(words("node"), words("table"));
    if (!row.isEmpty()) return table->showRow(row);
    statusBar()->showMessage(tr("No row of this table was as the check wants it"), 8000);
  } else if (what == QLatin1String("packets")) {
    showPackets(true);
    packets_->model().flush();
    const int row = shown.contains("id") ? packets_->model().find(shown["time"].get<qint64>(),
                                                                  shown["id"].get<quint64>())
                                         : -1;
    if (row >= 0) return packets_->select(row);
    packets_->setFilter(words("filter"));
    statusBar()->showMessage(
        shown.contains("id")
            ? tr("The packet is not in the list any more; the filter is the check's")
            : tr("No packet has fitted; the filter is the check's"),
        8000);
  } else if (what == QLatin1String("command")) {
    openConsole({words("at")})
        ->showRun(tr("the check “%1”").arg(check), words("line"), words("output"));
  }
}

void MainWindow::openWireshark(const QString& on) {
  auto* capture = new LiveCapture(client_, on, QLatin1String(LiveCapture::wireshark),
                                  LiveCapture::wiresharkArguments(on), this);
  connect(capture, &LiveCapture::failed, this,
          [this](const QString& why) { statusBar()->showMessage(why, 12'000); });
}

void MainWindow::addPlot(const PlotWhat& what) {
  plot_dock_->show();
  plot_dock_->raise();
  plot_->add(what);
}

void MainWindow::showProperties(bool shown) {
  properties_dock_->setVisible(shown);
  if (shown) properties_dock_->raise();
}

}  // namespace stackyard::gui
