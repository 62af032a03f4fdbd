// gui/panels/text_panel.h - the lab's text beside the canvas: its mistakes are underlined where
// they are, and listed below.
#pragma once

#include <QPlainTextEdit>
#include <QWidget>

#include "gui/model/lab_document.h"
#include "gui/model/schema.h"

class QCompleter;
class QListWidget;
class QStringListModel;

namespace stackyard::gui {

class YamlHighlighter;

class LabEditor final : public QPlainTextEdit {
  Q_OBJECT
 public:
  LabEditor(LabDocument& document, const Schema& schema, bool dark, QWidget* parent = nullptr);
  void setDark(bool dark);
  int gutter() const;
  void paintGutter(QPaintEvent* event);
  void goTo(int line, int column);
  // What may stand at the cursor, by the schema.
  QStringList completions() const;

 signals:
  // The user has put the cursor there, from 1.
  void lineChosen(int line);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  bool event(QEvent* event) override;

 private:
  void take();
  void mark();
  QStringList pathAt(int line, int column, QString& value_of) const;
  void complete();
  void insertCompletion(const QString& word);

  LabDocument& document_;
  const Schema& schema_;
  YamlHighlighter* highlighter_;
  QWidget* gutter_;
  QCompleter* completer_;
  bool taking_ = false;
};

class TextPanel final : public QWidget {
  Q_OBJECT
 public:
  TextPanel(LabDocument& document, const Schema& schema, bool dark, QWidget* parent = nullptr);
  LabEditor& editor() { return *editor_; }

 private:
  void list();
  LabDocument& document_;
  LabEditor* editor_;
  QListWidget* problems_;
};

}  // namespace stackyard::gui
