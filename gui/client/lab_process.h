// gui/client/lab_process.h - the served lab as a child process: neither takes the other down.
#pragma once

#include <QObject>
#include <QProcess>
#include <QTemporaryDir>

namespace stackyard::gui {

class LabProcess final : public QObject {
  Q_OBJECT
 public:
  explicit LabProcess(QObject* parent = nullptr);
  ~LabProcess() override;
  // Serves this file, paused. ready() or ended() follows.
  void start(const QString& file);
  void stop();
  void kill() { process_.kill(); }
  bool isRunning() const { return process_.state() != QProcess::NotRunning; }

 signals:
  void ready(const QString& socket);
  // With what it has said on standard error.
  void ended(const QString& said);

 private:
  void readWords();

  QTemporaryDir folder_;
  QProcess process_;
  QString said_;
  bool ready_ = false;
};

// The program beside this one, which serves labs.
QString stackyardProgram();

}  // namespace stackyard::gui
