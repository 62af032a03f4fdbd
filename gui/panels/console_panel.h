// gui/panels/console_panel.h - a console of a machine or jail, or of several at once.
#pragma once

#include <QPlainTextEdit>
#include <QStringList>
#include <memory>
#include <vector>

#include "gui/client/remote_shell.h"

namespace stackyard::gui {

class ConsolePanel final : public QPlainTextEdit {
  Q_OBJECT
 public:
  ConsolePanel(const QString& socket, const QStringList& places, QWidget* parent = nullptr);
  // Types and enters a line.
  void run(const QString& line);
  // Something that was run there already: what it was, and what it printed. Enter runs it again.
  void showRun(const QString& title, const QString& line, const QString& printed);
  QStringList places() const;
  bool isRunning() const;
  void saveTranscript();

 signals:
  void ended();

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void insertFromMimeData(const QMimeData* source) override;

 private:
  void prompt();
  void print(const QString& words, const QString& from);
  QString typed() const;
  void setTyped(const QString& line);
  void enter();
  void recall(int step);
  void complete();

  std::vector<std::unique_ptr<RemoteShell>> shells_;
  QStringList history_;
  QStringList queued_;  // pasted lines that wait for the end of the one before
  int recalled_ = 0;
  int begin_ = 0;  // where what the user types begins
  QString last_from_;
};

}  // namespace stackyard::gui
