// gui/app/main_window.h - the window: gallery, or canvas and text in the middle, panels around it.
#pragma once

#include <QMainWindow>
#include <QPointer>
#include <memory>

#include "gui/canvas/node_item.h"
#include "gui/client/lab_client.h"
#include "gui/client/lab_process.h"
#include "gui/model/lab_document.h"
#include "gui/model/live_lab.h"
#include "gui/model/schema.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QSplitter;
class QStackedWidget;
class QMenu;
class QTabWidget;

namespace stackyard::gui {

class CanvasEditor;
class ConsolePanel;
class Gallery;
class LabScene;
class LadderPanel;
class LabView;
class LessonPanel;
class PacketPanel;
class PaletteBar;
class PlotPanel;
struct PlotWhat;
class PropertyPanel;
class RemoteTable;
class TablePanel;
class TextPanel;
class TimeBar;

class MainWindow final : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(QWidget* parent = nullptr);
  ~MainWindow() override;

  void openLab(const QString& path);
  void newLab();
  void showGallery();
  TimeBar& time() { return *time_; }
  PacketPanel& packets() { return *packets_; }
  LessonPanel& lesson() { return *lesson_; }
  LabScene& scene() { return *scene_; }
  LabView& view() { return *view_; }
  LabDocument& document() { return document_; }
  CanvasEditor& editor() { return *editor_; }
  TextPanel& text() { return *text_; }
  PropertyPanel& properties() { return *properties_; }
  PlotPanel& plot() { return *plot_; }
  LadderPanel& ladder() { return *ladder_; }
  LiveLab& live() { return live_; }
  const QString& socket() const { return socket_; }
  // Panels, also for tests and pictures.
  TablePanel* openTable(const QString& node, const QString& table);
  ConsolePanel* openConsole(const QStringList& places);
  void showPackets(bool shown);
  void showLesson(bool shown);
  void showText(bool shown);
  void showProperties(bool shown);
  void addPlot(const PlotWhat& what);
  void showLadder(int row);
  // What decided a check of the lesson: a table's row, packets, or a command.
  void showEvidence(const QString& check);
  // What passes a link, or "node:interface", in Wireshark while it passes.
  void openWireshark(const QString& on);
  void setLabels(Labels labels);
  bool isServed() const { return client_.isOpen(); }
  // The lab from its beginning.
  void restartLab() { serve(); }
  // Closes its own connection, to compare with: for measurements.
  void stopLooking();
  // As if the server had crashed: for tests.
  void killServer() { process_.kill(); }
  // The canvas as PNG, SVG or PDF, by the name's ending; what went wrong, or empty.
  QString exportPicture(const QString& path);
  bool hasOffer() const;  // of unsaved work
  void acceptOffer();

 signals:
  void served();
  void failed(const QString& why);

 protected:
  void closeEvent(QCloseEvent* event) override;

 private:
  // main_window.cpp
  void makeMiddle();
  void makeDocks();
  void connectAll();
  void leaveLab();
  void forgetLab();
  void serve();
  void begin(const QString& socket);
  void ended(const QString& said);
  void complain(const QString& why, bool restart);
  void documentChanged();
  void tellTitle();
  void chosenChanged();

  // menus.cpp
  void makeMenus();
  void makeFileMenu();
  void makeEditMenu();
  void makeArrangeMenu();
  void makeViewMenu();
  QAction* canvasAction(QMenu* menu, const QString& title, const QKeySequence& keys,
                        std::function<void()> done);
  bool mayLeave();
  bool save(bool elsewhere);
  void askGenerate(int shape);
  void renameChosen();
  void nodeMenu(int node, const QPoint& at);
  void linkMenu(int link, const QPoint& at);
  void addEdits(QMenu& menu);
  void forEachSelected();
  void askMacs();
  void askPlot();
  void askColumn(const QString& node, const QString& table);
  void addPlots(QMenu& menu, const Topology::Link& link);
  void place(const QString& kind, QPointF at, int inside);

  // panels.cpp
  void runOn(const QString& node, const QString& line);
  void dockTable(TablePanel* panel);

  LabDocument document_;
  Schema schema_;
  LabProcess process_;
  LabClient client_;
  LiveLab live_;
  QString socket_;
  QStackedWidget* middle_;
  QSplitter* canvas_and_text_;
  Gallery* gallery_ = nullptr;
  LabScene* scene_;
  LabView* view_;
  CanvasEditor* editor_;
  TextPanel* text_;
  PropertyPanel* properties_;
  PlotPanel* plot_;
  LadderPanel* ladder_;
  PaletteBar* palette_;
  QWidget* bar_;
  QLabel* bar_words_;
  QPushButton *restart_, *restore_, *discard_;
  TimeBar* time_;
  PacketPanel* packets_;
  LessonPanel* lesson_;
  QTabWidget* consoles_;
  QDockWidget *lesson_dock_, *packets_dock_, *consoles_dock_, *properties_dock_, *plot_dock_,
      *ladder_dock_;
  QAction *text_action_ = nullptr, *grid_action_ = nullptr;
  QLineEdit* search_;
  std::unique_ptr<RemoteTable> ends_, jails_;
  bool ending_ = false, fresh_ = false, died_ = false;
};

}  // namespace stackyard::gui
