// gui/app/menus.cpp - the window's menus, and what they ask.
#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QDockWidget>
#include <QFileDialog>
#include <QInputDialog>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QPageSize>
#include <QPdfWriter>
#include <QStatusBar>
#include <QSvgGenerator>
#include <QTabWidget>
#include <nlohmann/json.hpp>

#include "gui/app/main_window.h"
#include "gui/app/theme.h"
#include "gui/canvas/canvas_editor.h"
#include "gui/canvas/lab_scene.h"
#include "gui/canvas/palette_bar.h"
#include "gui/model/remote_table.h"
#include "gui/panels/console_panel.h"
#include "gui/panels/plot_panel.h"
#include "gui/panels/property_panel.h"
#include "gui/panels/text_panel.h"

namespace stackyard::gui {

namespace {

constexpr double grid = 20;

}  // namespace

void MainWindow::makeMenus() {
  makeFileMenu();
  makeEditMenu();
  makeArrangeMenu();
  QMenu* node = menuBar()->addMenu(tr("&Node"));
  node->addAction(tr("&Command on the selected ones…"), QKeySequence(Qt::CTRL | Qt::Key_E), this,
                  &MainWindow::forEachSelected);
  node->addAction(tr("&Save the console's transcript…"), this, [this] {
    if (auto* console = qobject_cast<ConsolePanel*>(consoles_->currentWidget()))
      console->saveTranscript();
  });
  makeViewMenu();
  for (QAction* tool : palette_->tools()) view_->addAction(tool);
  connect(palette_, &PaletteBar::chosen, this, [this](const QString& tool) {
    const bool select = tool == QLatin1String("select"), link = tool == QLatin1String("link");
    scene_->setTool(select ? LabScene::Tool::select
                    : link ? LabScene::Tool::link
                           : LabScene::Tool::place,
                    tool);
    view_->setDrawing(!select);
  });
}

void MainWindow::makeFileMenu() {
  QMenu* file = menuBar()->addMenu(tr("&File"));
  file->addAction(tr("&New"), QKeySequence::New, this, [this] {
    if (mayLeave()) newLab();
  });
  file->addAction(tr("&Open…"), QKeySequence::Open, this, [this] {
    if (!mayLeave()) return;
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Open a lab"), {}, tr("Labs (*.yaml *.yml)"));
    if (!path.isEmpty()) openLab(path);
  });
  file->addAction(tr("&Save"), QKeySequence::Save, this, [this] { save(false); });
  file->addAction(tr("Save &as…"), QKeySequence::SaveAs, this, [this] { save(true); });
  file->addAction(tr("S&cenarios"), this, &MainWindow::showGallery);
  file->addAction(tr("&Restart the lab"), QKeySequence(Qt::CTRL | Qt::Key_R), this,
                  &MainWindow::serve);
  file->addAction(tr("&Export the canvas…"), this, [this] {
    const QString path = QFileDialog::getSaveFileName(this, tr("Export the canvas"), {},
                                                      tr("Pictures (*.png *.svg *.pdf)"));
    if (path.isEmpty()) return;
    if (const QString wrong = exportPicture(path); !wrong.isEmpty())
      QMessageBox::warning(this, tr("Export"), wrong);
  });
  file->addSeparator();
  file->addAction(tr("&Quit"), QKeySequence::Quit, this, &QWidget::close);
}

// Keys that mean something else in a text are the canvas's while it has the focus.
QAction* MainWindow::canvasAction(QMenu* menu, const QString& title, const QKeySequence& keys,
                                  std::function<void()> done) {
  auto* action = menu->addAction(title);
  action->setShortcut(keys);
  action->setShortcutContext(Qt::WidgetShortcut);
  view_->addAction(action);
  connect(action, &QAction::triggered, this, [done = std::move(done)] { done(); });
  return action;
}

void MainWindow::makeEditMenu() {
  QMenu* edit = menuBar()->addMenu(tr("&Edit"));
  QAction* undo = document_.undo().createUndoAction(this, tr("&Undo"));
  undo->setShortcut(QKeySequence::Undo);
  QAction* redo = document_.undo().createRedoAction(this, tr("&Redo"));
  redo->setShortcut(QKeySequence::Redo);
  edit->addActions({undo, redo});
  edit->addSeparator();
  canvasAction(edit, tr("Cu&t"), QKeySequence::Cut, [this] {
    QApplication::clipboard()->setText(editor_->copyChosen());
    editor_->removeChosen();
  });
  canvasAction(edit, tr("&Copy"), QKeySequence::Copy,
               [this] { QApplication::clipboard()->setText(editor_->copyChosen()); });
  canvasAction(edit, tr("&Paste"), QKeySequence::Paste,
               [this] { editor_->paste(QApplication::clipboard()->text(), view_->middle()); });
  canvasAction(edit, tr("&Duplicate"), QKeySequence(Qt::CTRL | Qt::Key_D),
               [this] { editor_->duplicate(); });
  canvasAction(edit, tr("De&lete"), QKeySequence::Delete, [this] { editor_->removeChosen(); });
  canvasAction(edit, tr("Re&name…"), QKeySequence(Qt::Key_F2), [this] { renameChosen(); });
  canvasAction(edit, tr("Select &all"), QKeySequence::SelectAll, [this] {
    QStringList all;
    for (const Topology::Node& node : scene_->topology().nodes)
      if (node.parent < 0) all.append(node.name);
    scene_->choose(all);
  });
  canvasAction(edit, tr("Lin&k the selected"), QKeySequence(Qt::CTRL | Qt::Key_L),
               [this] { editor_->linkChosen(); });
  edit->addSeparator();
  edit->addAction(tr("&Give the text to the running lab"), QKeySequence(Qt::CTRL | Qt::Key_Return),
                  this, [this] {
                    document_.readNow();
                    if (document_.isValid()) live_.follow(document_.text(), document_.spec());
                  });
}

void MainWindow::makeArrangeMenu() {
  QMenu* arrange = menuBar()->addMenu(tr("&Arrange"));
  QMenu* insert = arrange->addMenu(tr("&Insert"));
  for (const auto& [title, kind] : {std::pair(tr("&Host"), "host"),
                                    {tr("&Router"), "router"},
                                    {tr("&Switch"), "switch"},
                                    {tr("H&ub"), "hub"},
                                    {tr("&Jail"), "jail"},
                                    {tr("&Door"), "door"},
                                    {tr("&Note"), "note"}})
    insert->addAction(title, this, [this, name = QString::fromLatin1(kind)] {
      const auto chosen = scene_->chosen().nodes;
      place(name, view_->middle(), chosen.empty() ? -1 : chosen.front());
    });
  using Shape = CanvasEditor::Shape;
  QMenu* generate = arrange->addMenu(tr("&Generate"));
  for (const auto& [title, shape] : {std::pair(tr("&Chain…"), Shape::chain),
                                     {tr("&Ring…"), Shape::ring},
                                     {tr("&Star…"), Shape::star},
                                     {tr("&Tree…"), Shape::tree},
                                     {tr("&Mesh…"), Shape::mesh}})
    generate->addAction(title, this, [this, shape = shape] { askGenerate(int(shape)); });
  arrange->addSeparator();
  using Line = CanvasEditor::Line;
  QMenu* align = arrange->addMenu(tr("&Align"));
  for (const auto& [title, line] : {std::pair(tr("&Left"), Line::left),
                                    {tr("&Centre"), Line::centre},
                                    {tr("&Right"), Line::right},
                                    {tr("&Top"), Line::top},
                                    {tr("&Middle"), Line::middle},
                                    {tr("&Bottom"), Line::bottom}})
    align->addAction(title, this, [this, line = line] { editor_->align(line); });
  QMenu* spread = arrange->addMenu(tr("&Distribute"));
  spread->addAction(tr("&Horizontally"), this, [this] { editor_->distribute(Qt::Horizontal); });
  spread->addAction(tr("&Vertically"), this, [this] { editor_->distribute(Qt::Vertical); });
  grid_action_ = arrange->addAction(tr("&Snap to the grid"));
  grid_action_->setCheckable(true);
  connect(grid_action_, &QAction::toggled, this,
          [this](bool on) { scene_->setGrid(on ? grid : 0); });
  arrange->addAction(tr("La&yout anew"), this, [this] {
    editor_->layOutAgain();
    view_->fit();
  });
}

void MainWindow::makeViewMenu() {
  QMenu* look = menuBar()->addMenu(tr("&View"));
  look->addAction(tr("&Whole lab"), QKeySequence(Qt::CTRL | Qt::Key_0), view_, &LabView::fit);
  look->addAction(tr("Zoom &in"), QKeySequence::ZoomIn, view_, [this] { view_->zoom(1.25); });
  look->addAction(tr("Zoom &out"), QKeySequence::ZoomOut, view_, [this] { view_->zoom(0.8); });
  look->addAction(tr("&Find"), QKeySequence::Find, this,
                  [this] { findChild<QLineEdit*>(QStringLiteral("search"))->setFocus(); });
  look->addSeparator();
  text_action_ = look->addAction(tr("&Text beside the canvas"));
  text_action_->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_T));
  text_action_->setCheckable(true);
  connect(text_action_, &QAction::toggled, this, &MainWindow::showText);
  look->addSeparator();
  struct Which {
    QString title;
    bool Labels::*label;
  };
  for (const Which& which : {Which{tr("&Names"), &Labels::names},
                             {tr("&Addresses"), &Labels::addresses},
                             {tr("&MAC addresses"), &Labels::macs},
                             {tr("&Ports"), &Labels::ports}}) {
    auto* action = look->addAction(which.title);
    action->setCheckable(true);
    action->setChecked(scene_->labels().*which.label);
    connect(action, &QAction::toggled, this, [this, label = which.label](bool on) {
      Labels labels = scene_->labels();
      labels.*label = on;
      setLabels(labels);
    });
  }
  auto* dark = look->addAction(tr("&Dark"));
  dark->setCheckable(true);
  dark->setChecked(scene_->colours().dark);
  connect(dark, &QAction::toggled, this, [this](bool on) {
    setTheme(*qApp, on);
    scene_->setPalette(qApp->palette());
    text_->editor().setDark(on);
    palette_->setColours();
    plot_->setColours();
  });
  look->addSeparator();
  for (QDockWidget* each :
       {lesson_dock_, packets_dock_, consoles_dock_, plot_dock_, ladder_dock_, properties_dock_})
    look->addAction(each->toggleViewAction());
  properties_dock_->toggleViewAction()->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_I));
}

// --- saving and leaving ------------------------------------------------------------------------

bool MainWindow::save(bool elsewhere) {
  QString path = document_.path();
  if (elsewhere || path.isEmpty())
    path = QFileDialog::getSaveFileName(this, tr("Save the lab"), path, tr("Labs (*.yaml)"));
  if (path.isEmpty()) return false;
  const QString wrong = document_.save(path);
  if (!wrong.isEmpty()) QMessageBox::warning(this, tr("Save the lab"), wrong);
  tellTitle();
  return wrong.isEmpty();
}

bool MainWindow::mayLeave() {
  if (!document_.isModified()) return true;
  const auto answer = QMessageBox::question(
      this, tr("Unsaved work"), tr("The lab has changes that are not saved."),
      QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, QMessageBox::Save);
  if (answer == QMessageBox::Discard) document_.dropRescue();
  return answer == QMessageBox::Discard || (answer == QMessageBox::Save && save(false));
}

QString MainWindow::exportPicture(const QString& path) {
  const QRectF all = scene_->itemsBoundingRect().adjusted(-20, -20, 20, 20);
  const QRectF sheet({0, 0}, all.size());
  if (path.endsWith(QLatin1String(".svg"), Qt::CaseInsensitive)) {
    QSvgGenerator svg;
    svg.setFileName(path);
    svg.setTitle(windowTitle());
    svg.setSize(all.size().toSize());
    svg.setViewBox(sheet);
    QPainter painter;
    if (!painter.begin(&svg)) return tr("%1 cannot be written").arg(path);
    scene_->render(&painter, sheet, all);
    return {};
  }
  if (path.endsWith(QLatin1String(".pdf"), Qt::CaseInsensitive)) {
    QPdfWriter pdf(path);
    pdf.setPageSize(QPageSize(all.size() * 0.75, QPageSize::Point));
    pdf.setPageMargins({});
    QPainter painter;
    if (!painter.begin(&pdf)) return tr("%1 cannot be written").arg(path);
    scene_->render(&painter, QRectF(0, 0, pdf.width(), pdf.height()), all);
    return {};
  }
  constexpr double fine = 2;  // dots for each pixel of the canvas
  QImage image((all.size() * fine).toSize(), QImage::Format_RGB32);
  image.fill(scene_->colours().ground);
  QPainter painter(&image);
  painter.setRenderHint(QPainter::Antialiasing);
  scene_->render(&painter, {}, all);
  painter.end();
  return image.save(path) ? QString() : tr("%1 cannot be written").arg(path);
}

// --- drawing -----------------------------------------------------------------------------------

void MainWindow::place(const QString& kind, QPointF at, int inside) {
  if (kind != QLatin1String("note")) {
    editor_->add(kind, at, inside);
    return;
  }
  bool wanted = false;
  const QString words =
      QInputDialog::getMultiLineText(this, tr("A note"), tr("What it says"), {}, &wanted);
  if (wanted && !words.trimmed().isEmpty()) editor_->addNote(words, at);
}

void MainWindow::askGenerate(int shape) {
  bool wanted = false;
  const int count =
      QInputDialog::getInt(this, tr("Generate"), tr("How many nodes"), 5, 1, 2000, 1, &wanted);
  if (!wanted) return;
  const QString kind = QInputDialog::getItem(
      this, tr("Generate"), tr("Of which kind"),
      {QStringLiteral("host"), QStringLiteral("router"), QStringLiteral("switch")},
      shape == int(CanvasEditor::Shape::star) ? 0 : 1, false, &wanted);
  if (wanted) editor_->generate(CanvasEditor::Shape(shape), count, kind, view_->middle());
}

void MainWindow::renameChosen() {
  const LabScene::Chosen chosen = scene_->chosen();
  const bool node = chosen.nodes.size() == 1;
  if (!node && chosen.links.size() != 1)
    return statusBar()->showMessage(tr("Select one node or link first"), 8000);
  const QString was = node ? scene_->topology().nodes[size_t(chosen.nodes[0])].name
                           : scene_->topology().links[size_t(chosen.links[0])].name;
  bool wanted = false;
  const QString name =
      QInputDialog::getText(this, tr("Rename %1").arg(was), tr("Name"), QLineEdit::Normal,
                            was.section(QLatin1Char('/'), -1), &wanted);
  if (!wanted || name.trimmed().isEmpty()) return;
  if (node)
    editor_->rename(chosen.nodes[0], name.trimmed());
  else
    editor_->renameLink(chosen.links[0], name.trimmed());
}

// Of a running lab: what a file does not say.
void MainWindow::askMacs() {
  if (!isServed()) return;
  for (const Topology::Node& node : scene_->topology().nodes) {
    if (node.parent >= 0 ||
        (node.kind != QLatin1String("host") && node.kind != QLatin1String("router")))
      continue;
    client_.call(
        "lab.table", {{"node", node.name.toStdString()}, {"table", "interfaces"}},
        [this, name = node.name](const Json& table) {
          QStringList macs;
          for (const Json& row : table.at("rows"))
            if (row.contains("mac") && row["mac"].is_string())
              macs.append(QString::fromStdString(row["mac"].get<std::string>()));
          scene_->setMacs(name, macs);
        },
        [](const QString&) {});
  }
}

void MainWindow::forEachSelected() {
  QStringList places;
  for (const int node : scene_->chosen().nodes) {
    const Topology::Node& told = scene_->topology().nodes[size_t(node)];
    if (told.kind == QLatin1String("host") || told.kind == QLatin1String("router") ||
        told.kind == QLatin1String("jail"))
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

// What can be done to it whether the lab runs or not.
void MainWindow::addEdits(QMenu& menu) {
  menu.addAction(tr("Properties"), this, [this] { showProperties(true); });
  menu.addAction(tr("Rename…"), this, &MainWindow::renameChosen);
  menu.addAction(tr("Delete"), this, [this] { editor_->removeChosen(); });
}

void MainWindow::nodeMenu(int node, const QPoint& at) {
  const Topology::Node told = scene_->topology().nodes[size_t(node)];
  scene_->choose({told.name});
  const auto show = [this, told, at](const QStringList& tables) {
    QMenu menu;
    menu.addSection(told.name);
    const bool runs = told.kind != QLatin1String("switch") && told.kind != QLatin1String("hub") &&
                      told.kind != QLatin1String("door");
    if (runs && isServed())
      menu.addAction(tr("Console"), this, [this, told] { openConsole({told.name}); });
    if (told.made)
      menu.addAction(tr("Remove (jail -r)"), this, [this, told] {
        runOn(told.name.section(QLatin1Char('/'), 0, -2),
              QStringLiteral("jail -r %1").arg(told.name.section(QLatin1Char('/'), -1)));
      });
    else
      addEdits(menu);
    if (isServed() && !told.interfaces.isEmpty()) {
      QMenu* live = menu.addMenu(tr("Wireshark, live"));
      for (const QString& interface : told.interfaces)
        live->addAction(interface, this, [this, told, interface] {
          openWireshark(told.name + QLatin1Char(':') + interface);
        });
    }
    if (!tables.isEmpty()) menu.addSeparator();
    for (const QString& name : tables)
      menu.addAction(tr("Table: %1").arg(name), this,
                     [this, told, name] { openTable(told.name, name); });
    menu.exec(at);
  };
  if (!isServed()) return show({});
  // Its tables are asked for first, so that whatever a module shows is in the menu.
  client_.call(
      "lab.tables", {{"node", told.name.toStdString()}},
      [show](const Json& result) {
        QStringList tables;
        for (const Json& table : result.at("tables"))
          tables.append(QString::fromStdString(table.get<std::string>()));
        show(tables);
      },
      [show](const QString&) { show({}); });
}

void MainWindow::addPlots(QMenu& menu, const Topology::Link& link) {
  QMenu* plots = menu.addMenu(tr("Plot"));
  for (const Topology::End& end : link.ends) {
    const QString name =
        scene_->topology().nodes[size_t(end.node)].name + QLatin1Char(':') + end.port;
    for (const PlotWhat& what : {throughputOf(link.name, name), queueOf(link.name, name),
                                 dropsOf(link.name, name, false), dropsOf(link.name, name, true)})
      plots->addAction(what.title, this, [this, what] { addPlot(what); });
  }
  QMenu* delay = plots->addMenu(tr("Delay from here to"));
  for (const Topology::Link& other : scene_->topology().links)
    if (other.name != link.name && delay->actions().size() < 60)
      delay->addAction(other.name, this, [this, from = link.name, to = other.name] {
        addPlot(delayBetween(from, to));
      });
}

// Any column of any table: node, table, row and column, one after the other.
void MainWindow::askPlot() {
  if (!isServed()) return;
  QStringList nodes{tr("the lab")};
  for (const Topology::Node& node : scene_->topology().nodes) nodes.append(node.name);
  const auto chosen = scene_->chosen().nodes;
  bool wanted = false;
  const QString picked = QInputDialog::getItem(
      this, tr("Plot"), tr("Of"), nodes, chosen.empty() ? 0 : chosen.front() + 1, false, &wanted);
  if (!wanted) return;
  const QString node = picked == nodes.first() ? QString() : picked;
  client_.call("lab.tables", {{"node", node.toStdString()}}, [this, node](const Json& result) {
    QStringList tables;
    for (const Json& table : result.at("tables"))
      tables.append(QString::fromStdString(table.get<std::string>()));
    bool chose = false;
    const QString table =
        QInputDialog::getItem(this, tr("Plot"), tr("Table"), tables,
                              std::max(0, int(tables.indexOf("sockets"))), false, &chose);
    if (chose) askColumn(node, table);
  });
}

void MainWindow::askColumn(const QString& node, const QString& table) {
  auto* model = new RemoteTable(client_, node, table, 1000, this);
  connect(model, &RemoteTable::gone, model, &QObject::deleteLater);
  connect(
      model, &RemoteTable::updated, this,
      [this, model] {
        model->deleteLater();
        QStringList rows, columns;
        for (int row = 0; row < model->rowCount(); ++row) {
          const PlotWhat what = model->plotOf(row, model->columnCount() - 1);
          rows.append(QStringList(what.match.values()).join(QLatin1Char(' ')));
        }
        std::vector<int> numbers;
        for (int column = 0; column < model->columnCount(); ++column) {
          if (!model->isNumber(column)) continue;
          numbers.push_back(column);
          columns.append(model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
        }
        if (rows.isEmpty() || columns.isEmpty())
          return statusBar()->showMessage(tr("This table has no figures now"), 8000);
        bool wanted = false;
        const QString row =
            QInputDialog::getItem(this, tr("Plot"), tr("Row"), rows, 0, false, &wanted);
        if (!wanted) return;
        const QString column =
            QInputDialog::getItem(this, tr("Plot"), tr("Column"), columns, 0, false, &wanted);
        if (!wanted) return;
        const QString how =
            QInputDialog::getItem(this, tr("Plot"), tr("As"),
                                  {tr("its value"), tr("its growth a second")}, 0, false, &wanted);
        if (!wanted) return;
        PlotWhat what =
            model->plotOf(int(rows.indexOf(row)), numbers[size_t(columns.indexOf(column))]);
        what.rate = how != tr("its value");
        addPlot(what);
      },
      Qt::SingleShotConnection);
}

void MainWindow::linkMenu(int link, const QPoint& at) {
  const Topology::Link told = scene_->topology().links[size_t(link)];
  QMenu menu;
  menu.addSection(told.name);
  addEdits(menu);
  if (isServed()) {
    menu.addAction(tr("Wireshark, live"), this, [this, told] { openWireshark(told.name); });
    addPlots(menu, told);
    menu.addSeparator();
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
  }
  menu.exec(at);
}

}  // namespace stackyard::gui
