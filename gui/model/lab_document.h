// gui/model/lab_document.h - the lab that is edited: its text, what the text means, and one undo
// stack for whatever changes it, on the canvas, in forms or in the text itself.
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>
#include <QUndoStack>
#include <functional>
#include <vector>

#include "lab/spec/lab_edit.h"
#include "lab/spec/lab_spec.h"
#include "lab/spec/problems.h"

namespace stackyard::gui {

class LabDocument final : public QObject {
  Q_OBJECT
 public:
  using Edit = std::function<bool(LabEdit&)>;

  explicit LabDocument(QObject* parent = nullptr);
  ~LabDocument() override;
  // Reads a file; what went wrong, or empty. A file with mistakes is open all the same.
  QString open(const QString& path);
  // A text that is nowhere yet.
  void begin(const QString& text);
  // Says what went wrong, or nothing. Without a path: where it came from.
  QString save(const QString& path = {});

  const QString& path() const { return path_; }
  const QString& text() const { return text_; }
  // What could be read: to be drawn even with mistakes, to be run without.
  const LabSpec& spec() const { return spec_; }
  bool isValid() const { return valid_; }
  const std::vector<Problems::Problem>& problems() const { return problems_; }
  QString problemsText() const;  // located, a line each
  bool isModified() const { return !undo_.isClean(); }
  QUndoStack& undo() { return undo_; }

  // An edit of the canvas or a form: false, and refused(), when it cannot be done.
  bool edit(const QString& title, const Edit& edit);
  // Whether an edit would leave a lab without new mistakes: what it would say, or empty.
  QString wouldSay(const Edit& edit) const;
  // The text's own editor has it so now.
  void typed(const QString& text);
  // At once, what typing would bring in a while.
  void readNow();

  // Unsaved work, kept beside the file until it is saved or given up.
  QString rescuePath() const;
  bool hasRescue() const;
  void takeRescue();
  void dropRescue();
  // A file that says what the text says, for a server to read: the lab's own when it is saved.
  QString servedPath();

 signals:
  void textChanged();
  // It has been read again: spec() and problems() are new.
  void changed();
  void refused(const QString& why);

 private:
  friend class TextCommand;
  void replace(int at, int removed, const QString& inserted);
  void push(const QString& title, const QString& next, bool typing);
  void reset(const QString& text);
  void read();
  bool writeRescue();

  QString path_, text_;
  bool crlf_ = false, bom_ = false;
  LabSpec spec_;
  std::vector<Problems::Problem> problems_;
  bool valid_ = false, typing_ = false;
  QUndoStack undo_;
  QTimer reading_, rescuing_;
};

}  // namespace stackyard::gui
