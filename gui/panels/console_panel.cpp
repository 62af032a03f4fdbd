#include "gui/panels/console_panel.h"

#include <QApplication>
#include <QFileDialog>
#include <QFontDatabase>
#include <QKeyEvent>
#include <QMessageBox>
#include <QMimeData>
#include <algorithm>

namespace stackyard::gui {

namespace {

constexpr int choices_most = 60;  // shown of those that a word has

}  // namespace

ConsolePanel::ConsolePanel(const QString& socket, const QStringList& places, QWidget* parent)
    : QPlainTextEdit(parent) {
  setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  setUndoRedoEnabled(false);
  setMaximumBlockCount(20'000);
  setLineWrapMode(NoWrap);
  setAccessibleName(tr("Console of %1").arg(places.join(QLatin1String(", "))));
  for (const QString& place : places) {
    auto shell = std::make_unique<RemoteShell>(socket, place);
    connect(shell.get(), &RemoteShell::output, this,
            [this, place](const QString& said) { print(said, place); });
    connect(shell.get(), &RemoteShell::ended, this, [this] {
      if (isRunning()) return;
      prompt();
      emit ended();
      if (queued_.isEmpty()) return;
      setTyped(queued_.takeFirst());
      if (!queued_.isEmpty()) enter();  // the last one has no newline behind it
    });
    shells_.push_back(std::move(shell));
  }
  prompt();
}

QStringList ConsolePanel::places() const {
  QStringList all;
  for (const auto& shell : shells_) all.append(shell->at());
  return all;
}

bool ConsolePanel::isRunning() const {
  return std::any_of(shells_.begin(), shells_.end(),
                     [](const auto& shell) { return shell->isRunning(); });
}

void ConsolePanel::prompt() {
  moveCursor(QTextCursor::End);
  if (!textCursor().atBlockStart()) insertPlainText(QStringLiteral("\n"));
  insertPlainText((shells_.size() == 1 ? shells_[0]->at() : tr("%1 nodes").arg(shells_.size())) +
                  QStringLiteral("# "));
  begin_ = textCursor().position();
  last_from_.clear();
  ensureCursorVisible();
}

// Of several machines, each begins with a line that says who speaks.
void ConsolePanel::print(const QString& said, const QString& from) {
  const QString half = typed();
  QTextCursor cursor(document());
  cursor.setPosition(begin_);
  cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
  cursor.removeSelectedText();
  if (shells_.size() > 1 && from != last_from_) {
    if (!cursor.atBlockStart()) cursor.insertText(QStringLiteral("\n"));
    cursor.insertText(QStringLiteral("── %1 ──\n").arg(from));
    last_from_ = from;
  }
  cursor.insertText(said);
  begin_ = cursor.position();
  cursor.insertText(half);
  moveCursor(QTextCursor::End);
  ensureCursorVisible();
}

QString ConsolePanel::typed() const {
  QTextCursor cursor(document());
  cursor.setPosition(begin_);
  cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
  return cursor.selectedText();
}

void ConsolePanel::setTyped(const QString& line) {
  QTextCursor cursor(document());
  cursor.setPosition(begin_);
  cursor.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
  cursor.insertText(line);
  moveCursor(QTextCursor::End);
}

void ConsolePanel::run(const QString& line) {
  setTyped(line);
  enter();
}

void ConsolePanel::showRun(const QString& title, const QString& line, const QString& printed) {
  if (isRunning()) return;
  setTyped({});
  insertPlainText(QStringLiteral("\n── %1 ──\n").arg(title));
  prompt();
  insertPlainText(line + QLatin1Char('\n') + printed);
  prompt();
  setTyped(line);
}

void ConsolePanel::enter() {
  const QString line = typed();
  moveCursor(QTextCursor::End);
  insertPlainText(QStringLiteral("\n"));
  begin_ = textCursor().position();
  if (isRunning()) {
    for (const auto& shell : shells_) shell->input((line + QLatin1Char('\n')).toUtf8(), false);
    return;
  }
  if (line.trimmed().isEmpty()) return prompt();
  if (history_.isEmpty() || history_.last() != line) history_.append(line);
  recalled_ = int(history_.size());
  if (line.trimmed() == QLatin1String("clear")) {
    clear();
    return prompt();
  }
  for (const auto& shell : shells_) shell->run(line);
}

void ConsolePanel::recall(int step) {
  if (history_.isEmpty()) return;
  recalled_ = std::clamp(recalled_ + step, 0, int(history_.size()));
  setTyped(recalled_ < history_.size() ? history_[recalled_] : QString());
}

// By the lab, as far as it is certain; else the choices. An answer that comes when the line is
// another one already is too late.
void ConsolePanel::complete() {
  const QString line = typed();
  const int at = textCursor().position() - begin_;
  if (isRunning()) return;
  shells_.front()->complete(
      line, at, [this, line, at](const QString& completed, int cursor, const QStringList& choices) {
        if (isRunning() || typed() != line) return;
        if (completed == line && at == cursor && !choices.isEmpty()) {
          moveCursor(QTextCursor::End);
          insertPlainText(QLatin1Char('\n') + choices.mid(0, choices_most).join(QLatin1Char(' ')) +
                          (choices.size() > choices_most ? QStringLiteral(" …") : QString()));
          prompt();
        }
        setTyped(completed);
        QTextCursor to = textCursor();
        to.setPosition(begin_ + cursor);
        setTextCursor(to);
      });
}

void ConsolePanel::keyPressEvent(QKeyEvent* event) {
  const bool control = event->modifiers() & Qt::ControlModifier;
  if (control && event->key() == Qt::Key_C && !textCursor().hasSelection()) {
    for (const auto& shell : shells_) shell->interrupt();
    return;
  }
  if (control && event->key() == Qt::Key_D) {
    for (const auto& shell : shells_) shell->input({}, true);
    return;
  }
  const bool moves = event->matches(QKeySequence::Copy) || event->matches(QKeySequence::SelectAll);
  if (!moves && textCursor().position() < begin_) moveCursor(QTextCursor::End);
  switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
      return enter();
    case Qt::Key_Up:
      return recall(-1);
    case Qt::Key_Down:
      return recall(1);
    case Qt::Key_Tab:
      return complete();
    case Qt::Key_Backspace:
    case Qt::Key_Left:
      if (textCursor().position() <= begin_ && !textCursor().hasSelection()) return;
      break;
    case Qt::Key_Home: {
      QTextCursor cursor = textCursor();
      cursor.setPosition(begin_);
      return setTextCursor(cursor);
    }
    default:
      break;
  }
  QPlainTextEdit::keyPressEvent(event);
}

void ConsolePanel::mousePressEvent(QMouseEvent* event) {
  setFocus();
  QPlainTextEdit::mousePressEvent(event);
}

// Lines that are pasted are entered one by one, once the one before has ended.
void ConsolePanel::insertFromMimeData(const QMimeData* source) {
  moveCursor(QTextCursor::End);
  const QStringList lines = source->text().split(QLatin1Char('\n'));
  insertPlainText(lines.first());
  queued_ = lines.mid(1);
  if (!queued_.isEmpty()) enter();
}

void ConsolePanel::saveTranscript() {
  const QString name = QFileDialog::getSaveFileName(
      this, tr("Save transcript"),
      QString(places().first()).replace(QLatin1Char('/'), QLatin1Char('-')) +
          QStringLiteral(".txt"),
      tr("Text files (*.txt)"));
  if (name.isEmpty()) return;
  QFile file(name);
  if (!file.open(QIODevice::WriteOnly) || file.write(toPlainText().toUtf8()) < 0)
    QMessageBox::warning(this, tr("Save transcript"), file.errorString());
}

}  // namespace stackyard::gui
