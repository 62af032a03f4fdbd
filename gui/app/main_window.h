// gui/app/main_window.h - the window: gallery, canvas or text in the middle, panels around it.
#pragma once

#include <QMainWindow>
#include <QPointer>
#include <memory>

#include "gui/client/lab_client.h"
#include "gui/client/lab_process.h"
#include "gui/model/lab_file.h"

class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QStackedWidget;
class QTabWidget;

namespace stackyard::gui {

class ConsolePanel;
class Gallery;
class LabScene;
class LabView;
class LessonPanel;
class PacketPanel;
class RemoteTable;
class TablePanel;
class TimeBar;

class MainWindow final : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(QWidget* parent = nullptr);
  ~MainWindow() override;

  void openLab(const QString& path);
  void showGallery();
  TimeBar& time() { return *time_; }
  PacketPanel& packets() { return *packets_; }
  LessonPanel& lesson() { return *lesson_; }
  LabScene& scene() { return *scene_; }
  LabView& view() { return *view_; }
  // Panels, also for tests and pictures.
  TablePanel* openTable(const QString& node, const QString& table);
  ConsolePanel* openConsole(const QStringList& places);
  void showPackets(bool shown);
  void showLesson(bool shown);
  void setLabels(bool addresses, bool ports);
  bool isServed() const { return client_.isOpen(); }
  // The lab from its beginning.
  void restartLab() { serve(); }
  // As if the server had crashed: for tests.
  void killServer() { process_.kill(); }

 signals:
  void served();
  void failed(const QString& why);

 protected:
  void closeEvent(QCloseEvent* event) override;

 private:
  void makeMenus();
  void makeDocks();
  void serve();
  void begin(const QString& socket);
  void ended(const QString& said);
  void complain(const QString& why, bool restart);
  void nodeMenu(int node, const QPoint& at);
  void linkMenu(int link, const QPoint& at);
  void forEachSelected();
  QStringList words(const QStringList& places) const;
  void runOn(const QString& node, const QString& line);
  void dockTable(TablePanel* panel);

  LabFile file_;
  LabProcess process_;
  LabClient client_;
  QString socket_;
  QStackedWidget* middle_;
  Gallery* gallery_ = nullptr;
  LabScene* scene_;
  LabView* view_;
  QPlainTextEdit *text_, *errors_;
  QWidget* bar_;
  QLabel* bar_words_;
  QPushButton* restart_;
  TimeBar* time_;
  PacketPanel* packets_;
  LessonPanel* lesson_;
  QTabWidget* consoles_;
  QDockWidget *lesson_dock_, *packets_dock_, *consoles_dock_;
  QLineEdit* search_;
  std::unique_ptr<RemoteTable> ends_;
  bool ending_ = false;
};

}  // namespace stackyard::gui
