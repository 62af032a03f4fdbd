#include "gui/app/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QStatusBar>
#include <QTabWidget>
#include <QVBoxLayout>

#include "gui/canvas/canvas_editor.h"
#include "gui/canvas/lab_scene.h"
#include "gui/canvas/palette_bar.h"
#include "gui/model/remote_table.h"
#include "gui/panels/console_panel.h"
#include "gui/panels/gallery.h"
#include "gui/panels/ladder_panel.h"
#include "gui/panels/lesson_panel.h"
#include "gui/panels/packet_panel.h"
#include "gui/panels/plot_panel.h"
#include "gui/panels/property_panel.h"
#include "gui/panels/table_panel.h"
#include "gui/panels/text_panel.h"
#include "gui/panels/time_bar.h"

namespace stackyard::gui {

MainWindow::MainWindow(QWidget* parent)
    : QMainWindow(parent),
      live_(client_),
      middle_(new QStackedWidget),
      canvas_and_text_(new QSplitter(Qt::Horizontal)),
      scene_(new LabScene(palette(), this)),
      view_(new LabView(scene_)),
      editor_(new CanvasEditor(document_, *scene_, this)),
      text_(new TextPanel(document_, schema_, scene_->colours().dark)),
      properties_(new PropertyPanel(document_, schema_)),
      plot_(new PlotPanel(client_, scene_->colours())),
      ladder_(new LadderPanel(scene_->colours())),
      palette_(new PaletteBar(scene_->colours(), this)),
      bar_(new QWidget),
      bar_words_(new QLabel),
      restart_(new QPushButton(tr("Restart the lab"))),
      restore_(new QPushButton(tr("Take it up again"))),
      discard_(new QPushButton(tr("Discard it"))),
      time_(new TimeBar(client_, this)),
      packets_(new PacketPanel(client_, scene_->colours())),
      lesson_(new LessonPanel(client_, scene_->colours())),
      consoles_(new QTabWidget),
      search_(new QLineEdit) {
  setWindowTitle(tr("Stackyard"));
  resize(1360, 860);
  makeMiddle();
  addToolBar(time_);
  addToolBar(Qt::LeftToolBarArea, palette_);
  search_->setPlaceholderText(tr("Find a name or an address"));
  search_->setMaximumWidth(220);
  search_->setClearButtonEnabled(true);
  search_->setAccessibleName(tr("Search"));
  search_->setObjectName(QStringLiteral("search"));
  time_->addSeparator();
  time_->addWidget(search_);
  makeDocks();
  makeMenus();
  statusBar();
  connectAll();
}

MainWindow::~MainWindow() {
  ending_ = true;
  for (TablePanel* panel : findChildren<TablePanel*>()) delete panel;
  for (RemoteTable* table : findChildren<RemoteTable*>()) delete table;
  forgetLab();
  // Members end after this window has: what they say then is nobody's.
  for (QObject* each : {static_cast<QObject*>(&document_), static_cast<QObject*>(&document_.undo()),
                        static_cast<QObject*>(&live_), static_cast<QObject*>(&client_),
                        static_cast<QObject*>(&process_), static_cast<QObject*>(scene_)})
    each->disconnect(this);
}

void MainWindow::makeMiddle() {
  canvas_and_text_->addWidget(view_);
  canvas_and_text_->addWidget(text_);
  canvas_and_text_->setStretchFactor(0, 3);
  canvas_and_text_->setStretchFactor(1, 2);
  text_->hide();
  middle_->addWidget(canvas_and_text_);
  auto* row = new QHBoxLayout(bar_);
  row->addWidget(bar_words_, 1);
  bar_words_->setWordWrap(true);
  for (QPushButton* button : {restart_, restore_, discard_}) row->addWidget(button);
  bar_->setAutoFillBackground(true);
  bar_->hide();
  auto* centre = new QWidget;
  auto* column = new QVBoxLayout(centre);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(bar_);
  column->addWidget(middle_, 1);
  setCentralWidget(centre);
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
  plot_dock_ = dock(tr("Plot"), "plot", plot_, Qt::BottomDockWidgetArea);
  ladder_dock_ = dock(tr("Ladder"), "ladder", ladder_, Qt::BottomDockWidgetArea);
  properties_dock_ = dock(tr("Properties"), "properties", properties_, Qt::RightDockWidgetArea);
  tabifyDockWidget(packets_dock_, consoles_dock_);
  tabifyDockWidget(packets_dock_, plot_dock_);
  tabifyDockWidget(packets_dock_, ladder_dock_);
  setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  for (QDockWidget* each :
       {lesson_dock_, packets_dock_, consoles_dock_, plot_dock_, ladder_dock_, properties_dock_})
    each->hide();
}

void MainWindow::connectAll() {
  const auto tell = [this](const QString& why) { statusBar()->showMessage(why, 8000); };
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) {
    const int found = scene_->find(words);
    statusBar()->showMessage(words.isEmpty() ? QString() : tr("%n found", nullptr, found));
  });
  connect(search_, &QLineEdit::returnPressed, this, [this] {
    if (const int node = scene_->nextFound(); node >= 0) view_->centerOn(scene_->placeOf(node));
  });
  connect(restart_, &QPushButton::clicked, this, &MainWindow::serve);
  connect(restore_, &QPushButton::clicked, this, &MainWindow::acceptOffer);
  connect(discard_, &QPushButton::clicked, this, [this] {
    document_.dropRescue();
    bar_->hide();
  });
  connect(&process_, &LabProcess::ready, this, &MainWindow::begin);
  connect(&process_, &LabProcess::ended, this, &MainWindow::ended);
  connect(&client_, &LabClient::refused, this, tell);
  connect(&client_, &LabClient::lost, this, [this] {
    if (ending_ || !process_.isRunning()) return;
    time_->setLabOpen(false);
    complain(tr("The lab has cut this window off."), true);
  });
  connect(time_, &TimeBar::failed, this, tell);
  connect(&document_, &LabDocument::refused, this, tell);
  connect(&document_, &LabDocument::changed, this, &MainWindow::documentChanged);
  connect(&document_.undo(), &QUndoStack::cleanChanged, this, &MainWindow::tellTitle);
  connect(&live_, &LiveLab::linksNamed, this,
          [this](const QHash<QString, QString>& names) { scene_->setLinkNames(names); });
  connect(&live_, &LiveLab::behindChanged, this, [this](const QString& what) {
    if (what.isEmpty()) return;
    bar_words_->setText(
        tr("The running lab is what it was before: %1. A restart takes it.").arg(what));
    restart_->show();
    restore_->hide();
    discard_->hide();
    bar_->show();
  });
  connect(time_, &TimeBar::stepping, this, [this] {
    for (TablePanel* panel : findChildren<TablePanel*>()) panel->markStep();
  });
  connect(scene_, &LabScene::nodeActivated, this, [this](int node) {
    const Topology::Node& told = scene_->topology().nodes[size_t(node)];
    if (!isServed()) return;
    if (told.kind == QLatin1String("switch"))
      openTable(told.name, QStringLiteral("fdb"));
    else if (told.kind != QLatin1String("hub") && told.kind != QLatin1String("door"))
      openConsole({told.name});
  });
  connect(scene_, &LabScene::nodeMenu, this, &MainWindow::nodeMenu);
  connect(scene_, &LabScene::linkMenu, this, &MainWindow::linkMenu);
  connect(scene_, &LabScene::placed, this, &MainWindow::place);
  connect(scene_, &LabScene::selectionChanged, this, &MainWindow::chosenChanged);
  connect(&text_->editor(), &LabEditor::lineChosen, this, [this](int line) {
    for (const NodeSpec& node : document_.spec().nodes)
      if (node.place.line == line) return scene_->choose({QString::fromStdString(node.name)});
  });
  connect(packets_, &PacketPanel::pathChosen, scene_, &LabScene::showPath);
  connect(packets_, &PacketPanel::frameSeen, scene_, &LabScene::showFrame);
  connect(packets_, &PacketPanel::ladderWanted, this, &MainWindow::showLadder);
  connect(&ladder_->view(), &LadderView::stepChosen, packets_, &PacketPanel::select);
  connect(plot_, &PlotPanel::addWanted, this, &MainWindow::askPlot);
  connect(lesson_, &LessonPanel::evidenceWanted, this, &MainWindow::showEvidence);
}

void MainWindow::setLabels(Labels labels) {
  scene_->setLabels(labels);
  if (labels.macs) askMacs();
}

void MainWindow::showGallery() {
  if (!gallery_) {
    gallery_ = new Gallery;
    middle_->addWidget(gallery_);
    connect(gallery_, &Gallery::chosen, this, [this](const QString& path) {
      if (mayLeave()) openLab(path);
    });
  }
  middle_->setCurrentWidget(gallery_);
}

// What is chosen on the canvas is what the form is about, and where the text's cursor is.
void MainWindow::chosenChanged() {
  const LabScene::Chosen chosen = scene_->chosen();
  const LabSpec& spec = document_.spec();
  Place place;
  if (chosen.nodes.size() == 1 && size_t(chosen.nodes[0]) < spec.nodes.size()) {
    properties_->showNode(scene_->topology().nodes[size_t(chosen.nodes[0])].name);
    place = spec.nodes[size_t(chosen.nodes[0])].place;
  } else if (chosen.links.size() == 1 && size_t(chosen.links[0]) < spec.links.size()) {
    properties_->showLink(scene_->topology().links[size_t(chosen.links[0])].name);
    place = spec.links[size_t(chosen.links[0])].place;
  } else {
    return;
  }
  if (text_->isVisible() && !text_->editor().hasFocus())
    text_->editor().goTo(place.line, place.column);
}

// --- a lab's life ------------------------------------------------------------------------------

void MainWindow::leaveLab() {
  ending_ = true;
  for (TablePanel* panel : findChildren<TablePanel*>()) panel->parentWidget()->deleteLater();
  while (consoles_->count() > 0) delete consoles_->widget(0);
  forgetLab();
  process_.stop();
  ending_ = false;
  bar_->hide();
  time_->setLabOpen(false);
  middle_->setCurrentIndex(0);
  fresh_ = true;
  died_ = false;
}

void MainWindow::newLab() {
  leaveLab();
  document_.begin(QStringLiteral("# A new lab.\nnodes: {}\nlinks: []\n"));
  fresh_ = false;
  tellTitle();
  showText(true);
  view_->setTransform({});
  view_->centerOn(0, 0);
}

void MainWindow::openLab(const QString& path) {
  leaveLab();
  const QString wrong = document_.open(path);
  fresh_ = false;
  tellTitle();
  if (!wrong.isEmpty()) return complain(wrong, false);
  view_->fit();
  if (document_.hasRescue()) {
    bar_words_->setText(tr("There is unsaved work on this lab, from an earlier time."));
    restart_->hide();
    restore_->show();
    discard_->show();
    bar_->show();
  }
  if (!document_.isValid()) {
    showText(true);
    const auto& all = document_.problems();
    if (!all.empty()) text_->editor().goTo(all.front().place.line, all.front().place.column);
    emit failed(document_.problemsText());
    return;
  }
  if (!document_.problems().empty())
    statusBar()->showMessage(QString::fromStdString(document_.problems().front().message), 8000);
  lesson_->show(document_.spec());
  lesson_dock_->setVisible(document_.spec().lesson || !document_.spec().checks.empty());
  packets_dock_->show();
  packets_dock_->raise();
}

bool MainWindow::hasOffer() const { return restore_->isVisibleTo(bar_) && bar_->isVisibleTo(this); }

void MainWindow::acceptOffer() {
  bar_->hide();
  document_.takeRescue();
}

void MainWindow::tellTitle() {
  const QString name =
      document_.path().isEmpty() ? tr("new lab") : QFileInfo(document_.path()).fileName();
  setWindowTitle(tr("%1%2 – Stackyard").arg(document_.isModified() ? tr("• ") : QString(), name));
}

// It has been read again: drawn, and run or told to the lab that runs.
void MainWindow::documentChanged() {
  const QPointF middle = view_->middle();
  editor_->redraw(fresh_);
  if (!fresh_) view_->centerOn(middle);
  if (ends_) scene_->showEnds(*ends_, time_->time());
  tellTitle();
  if (!document_.isValid() || document_.spec().nodes.empty()) return;
  if (!client_.isOpen()) {
    if (!process_.isRunning() && !died_) serve();
    return;
  }
  if (text_->editor().hasFocus())
    return statusBar()->showMessage(tr("Ctrl+Return gives it to the running lab"), 8000);
  live_.follow(document_.text(), document_.spec());
}

// What the running lab has told.
void MainWindow::forgetLab() {
  ends_.reset();
  jails_.reset();
  client_.close();
  scene_->showNoLab();
}

void MainWindow::stopLooking() {
  forgetLab();
  time_->setLabOpen(false);
}

void MainWindow::serve() {
  document_.readNow();
  if (!document_.isValid()) return complain(tr("The text has mistakes; mend them first."), false);
  ending_ = true;
  forgetLab();
  process_.stop();
  ending_ = false;
  died_ = false;
  bar_->hide();
  process_.start(document_.servedPath());
}

void MainWindow::begin(const QString& socket) {
  QString why;
  socket_ = socket;
  if (!client_.open(socket, why)) return complain(why, true);
  live_.begin(document_.text(), document_.spec());
  time_->restart();
  packets_->restart();
  plot_->restart();
  lesson_->show(document_.spec());
  lesson_->restart();
  constexpr int every_ms = 200;
  ends_ = std::make_unique<RemoteTable>(client_, QString(), QStringLiteral("links"), every_ms);
  jails_ = std::make_unique<RemoteTable>(client_, QString(), QStringLiteral("jails"), every_ms);
  const auto show_ends = [this] { scene_->showEnds(*ends_, time_->time()); };
  connect(ends_.get(), &RemoteTable::updated, this, show_ends);
  connect(jails_.get(), &RemoteTable::updated, this, [this, show_ends] {
    QStringList there;
    for (int row = 0; row < jails_->rowCount(); ++row)
      there.append(jails_->cell(row, QStringLiteral("jail")));
    scene_->showJails(there);
    show_ends();  // an interface may have moved into one that was not known yet
  });
  if (scene_->labels().macs) askMacs();
  emit served();
}

void MainWindow::ended(const QString& said) {
  if (ending_) return;
  died_ = true;
  forgetLab();
  time_->setLabOpen(false);
  complain(tr("The lab has ended. %1").arg(said.section(QLatin1Char('\n'), -3)), true);
}

void MainWindow::complain(const QString& why, bool restart) {
  bar_words_->setText(why);
  restart_->setVisible(restart);
  restore_->hide();
  discard_->hide();
  bar_->show();
  emit failed(why);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!mayLeave()) return event->ignore();
  ending_ = true;
  process_.stop();
  QMainWindow::closeEvent(event);
}

}  // namespace stackyard::gui
