// gui/client/remote_shell.h - one command at a time on a machine or jail of a served lab.
#pragma once

#include "gui/client/lab_client.h"

namespace stackyard::gui {

class RemoteShell final : public QObject {
  Q_OBJECT
 public:
  RemoteShell(const QString& socket, QString at, QObject* parent = nullptr);
  const QString& at() const { return at_; }
  bool isRunning() const { return running_; }
  // A line of the shell. What it prints and its end come as signals.
  void run(const QString& line);
  void input(const QByteArray& octets, bool end);
  void interrupt();
  // What a line that is being typed there could go on with: the line with what is certain, the
  // cursor in it, and the choices, when there are several.
  using Completed =
      std::function<void(const QString& line, int cursor, const QStringList& choices)>;
  void complete(const QString& line, int cursor, Completed done);

 signals:
  void output(const QString& words);
  void ended(int status);

 private:
  // False: the lab has gone; `why` says it.
  bool open(QString& why);
  void told(const QString& method, const Json& message);
  void end(int status);

  LabClient client_;
  QString socket_, at_;
  QByteArray waiting_;  // input that nobody has asked for yet
  bool wanted_ = false, input_ends_ = false, running_ = false;
};

}  // namespace stackyard::gui
