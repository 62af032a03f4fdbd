// gui/panels/time_bar.h - run, pause, step and speed; the simulated clock and how fast it goes.
#pragma once

#include <QElapsedTimer>
#include <QLabel>
#include <QTimer>
#include <QToolBar>
#include <nlohmann/json_fwd.hpp>

class QComboBox;

namespace stackyard::gui {

class LabClient;

class TimeBar final : public QToolBar {
  Q_OBJECT
 public:
  TimeBar(LabClient& client, QWidget* parent = nullptr);
  qint64 time() const { return time_; }
  bool isRunning() const { return running_; }
  void toggle();
  // Until an instant or a condition in YAML, as fast as it goes.
  void runUntil(const QString& words);
  // Asks now, and then ten times a second.
  void restart();
  void setLabOpen(bool open);

 signals:
  // Time is about to go on: what changes from here on is new.
  void stepping();
  void stopped(const QString& why);
  void failed(const QString& why);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void ask();
  void show(const nlohmann::json& state);
  void step(const char* method);
  void askUntil();

  LabClient& client_;
  QAction *run_ = nullptr, *event_, *packet_, *until_;
  QComboBox* speed_;
  QLabel *clock_, *figures_;
  QTimer timer_;
  QElapsedTimer real_;
  qint64 time_ = 0, last_time_ = 0, last_events_ = 0;
  bool running_ = false, asked_ = false;
};

}  // namespace stackyard::gui
