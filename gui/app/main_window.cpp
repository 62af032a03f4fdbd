#include "gui/app/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileDialog>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTabWidget>
#include <QToolBar>
#include <QVBoxLayout>
#include <nlohmann/json.hpp>

#include "gui/app/theme.h"
#include "gui/canvas/lab_scene.h"
#include "gui/canvas/node_item.h"
#include "gui/model/remote_table.h"
#include "gui/panels/console_panel.h"
#include "gui/panels/gallery.h"
#include "gui/panels/lesson_panel.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/table_panel.h"
#include "gui/panels/time_bar.h"

namespace stackyard::gui {

namespace {

// What is completed in consoles beside the lab's own names.
const char* const commands[] = {
    "arp",     "cat",      "dmesg",   "echo",       "fetch",      "grep",     "hostname",
    "httpd",   "ifconfig", "inetd",   "ip6addrctl", "jail",       "jexec",    "jls",
    "kill",    "nc",       "ndp",     "netstat",    "ping",       "ping6",    "ps",
    "route",   "rtadvd",   "rtsol",   "setfib",     "sleep",      "sockstat", "sysctl",
    "tcpdump", "tail",     "timeout", "traceroute", "traceroute6"};

}  // namespace

MainWindow::MainWindow(QWidget* parent)
    : QMainWindow(parent),
      middle_(new QStackedWidget),
      scene_(new LabScene(palette(), this)),
      view_(new LabView(scene_)),
      text_(new QPlainTextEdit),
      errors_(new QPlainTextEdit),
      bar_(new QWidget),
      bar_words_(new QLabel),
      restart_(new QPushButton(tr("Restart the lab"))),
      time_(new TimeBar(client_, this)),
      packets_(new PacketPanel(client_, scene_->colours())),
      lesson_(new LessonPanel(client_, scene_->colours())),
      consoles_(new QTabWidget),
      search_(new QLineEdit) {
  setWindowTitle(tr("Stackyard"));
  resize(1360, 860);
  auto* broken = new QSplitter(Qt::Vertical);
  text_->setReadOnly(true);
  errors_->setReadOnly(true);
  broken->addWidget(text_);
  broken->addWidget(errors_);
  broken->setStretchFactor(0, 3);
  middle_->addWidget(view_);
  middle_->addWidget(broken);
  auto* row = new QHBoxLayout(bar_);
  row->addWidget(bar_words_, 1);
  row->addWidget(restart_);
  bar_->setAutoFillBackground(true);
  bar_->hide();
  auto* centre = new QWidget;
  auto* column = new QVBoxLayout(centre);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(bar_);
  column->addWidget(middle_, 1);
  setCentralWidget(centre);
  addToolBar(time_);
  search_->setPlaceholderText(tr("Find a name or an address"));
  search_->setMaximumWidth(220);
  search_->setClearButtonEnabled(true);
  time_->addSeparator();
  time_->addWidget(search_);
  makeDocks();
  makeMenus();
  statusBar();

  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) {
    const int found = scene_->find(words);
    statusBar()->showMessage(words.isEmpty() ? QString() : tr("%n found", nullptr, found));
  });
  connect(restart_, &QPushButton::clicked, this, &MainWindow::serve);
  connect(&process_, &LabProcess::ready, this, &MainWindow::begin);
  connect(&process_, &LabProcess::ended, this, &MainWindow::ended);
  connect(&client_, &LabClient::refused, this,
          [this](const QString& why) { statusBar()->showMessage(why, 8000); });
  connect(time_, &TimeBar::failed, this,
          [this](const QString& why) { statusBar()->showMessage(why, 8000); });
  connect(time_, &TimeBar::stepping, this, [this] {
    for (TablePanel* panel : findChildren<TablePanel*>()) panel->markStep();
  });
  connect(scene_, &LabScene::nodeActivated, this, [this](int node) {
    const Topology::Node& told = scene_->topology().nodes[size_t(node)];
    if (told.kind == QLatin1String("switch"))
      openTable(told.name, QStringLiteral("fdb"));
    else if (told.kind != QLatin1String("hub") && told.kind != QLatin1String("door"))
      openConsole({told.name});
  });
  connect(scene_, &LabScene::nodeMenu, this, &MainWindow::nodeMenu);
  connect(scene_, &LabScene::linkMenu, this, &MainWindow::linkMenu);
  connect(packets_, &PacketPanel::pathChosen, scene_, &LabScene::showPath);
  connect(packets_, &PacketPanel::frameSeen, scene_, &LabScene::showFrame);
}

MainWindow::~MainWindow() {
  ending_ = true;
  for (TablePanel* panel : findChildren<TablePanel*>()) delete panel;
  ends_.reset();
  client_.close();
}

void MainWindow::makeDocks() {
  const auto dock = [this](const QString& title, const char* name, QWidget* inner,
                           Qt::DockWidgetArea area) {
    auto* made = new QDockWidget(title);
    made->setObjectName(QLatin1String(name));
    made->setWidget(inner);
    addDockWidget(area, made);
    return made;
  };
  consoles_->setTabsClosable(true);
  consoles_->setMovable(true);
  consoles_->setDocumentMode(true);
  connect(consoles_, &QTabWidget::tabCloseRequested, this,
          [this](int tab) { delete consoles_->widget(tab); });
  lesson_dock_ = dock(tr("Lesson"), "lesson", lesson_, Qt::LeftDockWidgetArea);
  packets_dock_ = dock(tr("Packets"), "packets", packets_, Qt::BottomDockWidgetArea);
  consoles_dock_ = dock(tr("Consoles"), "consoles", consoles_, Qt::BottomDockWidgetArea);
  tabifyDockWidget(packets_dock_, consoles_dock_);
  setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  for (QDockWidget* each : {lesson_dock_, packets_dock_, consoles_dock_}) each->hide();
}

void MainWindow::makeMenus() {
  QMenu* file = menuBar()->addMenu(tr("&File"));
  file->addAction(tr("&Open…"), QKeySequence::Open, this, [this] {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Open a lab"), {}, tr("Labs (*.yaml *.yml)"));
    if (!path.isEmpty()) openLab(path);
  });
  file->addAction(tr("&Scenarios"), this, &MainWindow::showGallery);
  file->addAction(tr("&Restart the lab"), QKeySequence(Qt::CTRL | Qt::Key_R), this,
                  &MainWindow::serve);
  file->addSeparator();
  file->addAction(tr("&Quit"), QKeySequence::Quit, this, &QWidget::close);

  QMenu* node = menuBar()->addMenu(tr("&Node"));
  node->addAction(tr("&Command on the selected ones…"), QKeySequence(Qt::CTRL | Qt::Key_E), this,
                  &MainWindow::forEachSelected);
  node->addAction(tr("&Save the console's transcript…"), this, [this] {
    if (auto* console = qobject_cast<ConsolePanel*>(consoles_->currentWidget()))
      console->saveTranscript();
  });

  QMenu* look = menuBar()->addMenu(tr("&View"));
  look->addAction(tr("&Whole lab"), QKeySequence(Qt::CTRL | Qt::Key_0), view_, &LabView::fit);
  look->addAction(tr("Zoom &in"), QKeySequence::ZoomIn, view_, [this] { view_->zoom(1.25); });
  look->addAction(tr("Zoom &out"), QKeySequence::ZoomOut, view_, [this] { view_->zoom(0.8); });
  look->addSeparator();
  auto* addresses = look->addAction(tr("&Addresses"));
  auto* ports = look->addAction(tr("&Ports"));
  for (QAction* each : {addresses, ports}) {
    each->setCheckable(true);
    connect(each, &QAction::toggled, this,
            [this, addresses, ports] { setLabels(addresses->isChecked(), ports->isChecked()); });
  }
  auto* dark = look->addAction(tr("&Dark"));
  dark->setCheckable(true);
  dark->setChecked(scene_->colours().dark);
  connect(dark, &QAction::toggled, this, [this](bool on) {
    setTheme(*qApp, on);
    scene_->setPalette(qApp->palette());
  });
  look->addSeparator();
  for (QDockWidget* each : {lesson_dock_, packets_dock_, consoles_dock_})
    look->addAction(each->toggleViewAction());
}

void MainWindow::setLabels(bool addresses, bool ports) { scene_->setLabels(addresses, ports); }

void MainWindow::showGallery() {
  if (!gallery_) {
    gallery_ = new Gallery;
    middle_->addWidget(gallery_);
    connect(gallery_, &Gallery::chosen, this, &MainWindow::openLab);
  }
  middle_->setCurrentWidget(gallery_);
}

// --- a lab's life ------------------------------------------------------------------------------

void MainWindow::openLab(const QString& path) {
  ending_ = true;
  for (TablePanel* panel : findChildren<TablePanel*>()) panel->parentWidget()->deleteLater();
  while (consoles_->count() > 0) delete consoles_->widget(0);
  ends_.reset();
  client_.close();
  process_.stop();
  ending_ = false;
  bar_->hide();
  time_->setLabOpen(false);
  file_ = LabFile::read(path);
  setWindowTitle(tr("%1 – Stackyard").arg(QFileInfo(path).fileName()));
  errors_->setPlainText(file_.problems);
  if (!file_.spec) {
    text_->setPlainText(file_.text);
    middle_->setCurrentIndex(1);
    emit failed(file_.problems);
    return;
  }
  if (!file_.problems.isEmpty()) statusBar()->showMessage(file_.problems.trimmed(), 8000);
  Topology topology = topologyOf(*file_.spec);
  layOut(topology);
  scene_->show(std::move(topology));
  middle_->setCurrentIndex(0);
  view_->fit();
  lesson_->show(*file_.spec);
  lesson_dock_->setVisible(file_.spec->lesson || !file_.spec->checks.empty());
  packets_dock_->show();
  packets_dock_->raise();
  serve();
}

void MainWindow::serve() {
  if (!file_.spec) return;
  ending_ = true;
  ends_.reset();
  client_.close();
  process_.stop();
  ending_ = false;
  bar_->hide();
  process_.start(file_.path);
}

void MainWindow::begin(const QString& socket) {
  QString why;
  socket_ = socket;
  if (!client_.open(socket, why)) return complain(why, true);
  time_->restart();
  packets_->restart();
  lesson_->show(*file_.spec);
  lesson_->restart();
  constexpr int every_ms = 200;
  ends_ = std::make_unique<RemoteTable>(client_, QString(), QStringLiteral("links"), every_ms);
  connect(ends_.get(), &RemoteTable::updated, this,
          [this] { scene_->showEnds(*ends_, time_->time()); });
  emit served();
}

void MainWindow::ended(const QString& said) {
  if (ending_) return;
  client_.close();
  time_->setLabOpen(false);
  complain(tr("The lab has ended. %1").arg(said.section(QLatin1Char('\n'), -3)), true);
}

void MainWindow::complain(const QString& why, bool restart) {
  bar_words_->setText(why);
  restart_->setVisible(restart);
  bar_->show();
  emit failed(why);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  ending_ = true;
  process_.stop();
  QMainWindow::closeEvent(event);
}

// --- panels ------------------------------------------------------------------------------------

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
  dockTable(panel);
  return panel;
}

// As the user would have typed it, so that it can be seen and learnt.
void MainWindow::runOn(const QString& node, const QString& line) {
  ConsolePanel* console = openConsole({node});
  if (!console->isRunning()) console->run(line);
}

QStringList MainWindow::words(const QStringList& places) const {
  QStringList all;
  for (const char* command : commands) all.append(QLatin1String(command));
  for (const Topology::Node& node : scene_->topology().nodes) {
    all.append(node.name.section(QLatin1Char('/'), -1));
    if (places.contains(node.name)) all += node.interfaces;
  }
  return all;
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
  auto* console = new ConsolePanel(socket_, places, words(places));
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

void MainWindow::forEachSelected() {
  QStringList places;
  for (const QGraphicsItem* item : scene_->selectedItems())
    if (const auto* node = qgraphicsitem_cast<const NodeItem*>(item)) {
      const Topology::Node& told = scene_->topology().nodes[size_t(node->node())];
      if (told.kind == QLatin1String("host") || told.kind == QLatin1String("router"))
        places.append(told.name);
    }
  places.sort();
  if (places.isEmpty()) return statusBar()->showMessage(tr("Select hosts or routers first"), 8000);
  bool wanted = false;
  const QString line =
      QInputDialog::getText(this, tr("Command on %1").arg(places.join(QLatin1String(", "))),
                            tr("Command"), QLineEdit::Normal, {}, &wanted);
  if (wanted && !line.trimmed().isEmpty()) openConsole(places)->run(line);
}

void MainWindow::nodeMenu(int node, const QPoint& at) {
  if (!isServed()) return;
  const Topology::Node told = scene_->topology().nodes[size_t(node)];
  // Its tables are asked for first, so that whatever a module shows is in the menu.
  client_.call("lab.tables", {{"node", told.name.toStdString()}},
               [this, told, at](const Json& result) {
                 QMenu menu;
                 menu.addSection(told.name);
                 if (told.kind != QLatin1String("switch") && told.kind != QLatin1String("hub") &&
                     told.kind != QLatin1String("door"))
                   menu.addAction(tr("Console"), this, [this, told] { openConsole({told.name}); });
                 for (const Json& table : result.at("tables")) {
                   const QString name = QString::fromStdString(table.get<std::string>());
                   menu.addAction(tr("Table: %1").arg(name), this,
                                  [this, told, name] { openTable(told.name, name); });
                 }
                 menu.exec(at);
               });
}

void MainWindow::linkMenu(int link, const QPoint& at) {
  if (!isServed()) return;
  const Topology::Link told = scene_->topology().links[size_t(link)];
  QMenu menu;
  menu.addSection(told.name);
  const auto set = [this, told](bool up) {
    client_.call("edit.link", {{"link", told.name.toStdString()}, {"up", up}});
  };
  menu.addAction(tr("Plug in"), this, [set] { set(true); });
  menu.addAction(tr("Pull the cable"), this, [set] { set(false); });
  menu.addAction(tr("Impair…"), this, [this, told] {
    bool wanted = false;
    const QString words = QInputDialog::getText(
        this, tr("Impair %1").arg(told.name), tr("As in a lab file: {delay: 20ms, loss: 1%}"),
        QLineEdit::Normal, QStringLiteral("{delay: 20ms}"), &wanted);
    if (wanted)
      client_.call("edit.link",
                   {{"link", told.name.toStdString()}, {"impair", words.toStdString()}});
  });
  menu.addAction(tr("All links"), this, [this] { openTable({}, QStringLiteral("links")); });
  menu.exec(at);
}

}  // namespace stackyard::gui
