#include "gui/panels/text_panel.h"

#include <QAbstractItemView>
#include <QCompleter>
#include <QFontDatabase>
#include <QHelpEvent>
#include <QListWidget>
#include <QPainter>
#include <QRegularExpression>
#include <QScrollBar>
#include <QSplitter>
#include <QStringListModel>
#include <QTextBlock>
#include <QToolTip>
#include <QVBoxLayout>

#include "gui/panels/yaml_highlighter.h"

namespace stackyard::gui {

namespace {

class Gutter final : public QWidget {
 public:
  explicit Gutter(LabEditor* editor) : QWidget(editor), editor_(*editor) {}
  QSize sizeHint() const override { return {editor_.gutter(), 0}; }

 protected:
  void paintEvent(QPaintEvent* event) override { editor_.paintGutter(event); }

 private:
  LabEditor& editor_;
};

// As it is, but for the signs that Qt has for line ends.
QString rawText(const QTextDocument& document) {
  QString text = document.toRawText();
  text.replace(QChar::ParagraphSeparator, QLatin1Char('\n'));
  return text;
}

int indentOf(const QString& line) {
  int indent = 0;
  while (indent < line.size() && (line[indent] == QLatin1Char(' '))) ++indent;
  return indent;
}

}  // namespace

LabEditor::LabEditor(LabDocument& document, const Schema& schema, bool dark, QWidget* parent)
    : QPlainTextEdit(parent),
      document_(document),
      schema_(schema),
      highlighter_(new YamlHighlighter(QPlainTextEdit::document(), dark)),
      gutter_(new Gutter(this)),
      completer_(new QCompleter(this)) {
  setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  setUndoRedoEnabled(false);  // the lab has one stack for everything
  setLineWrapMode(NoWrap);
  setTabChangesFocus(false);
  setAccessibleName(tr("The lab's text"));
  completer_->setWidget(this);
  completer_->setModel(new QStringListModel(completer_));
  completer_->setCaseSensitivity(Qt::CaseInsensitive);
  connect(completer_, qOverload<const QString&>(&QCompleter::activated), this,
          &LabEditor::insertCompletion);
  connect(this, &QPlainTextEdit::blockCountChanged, this,
          [this] { setViewportMargins(gutter(), 0, 0, 0); });
  connect(this, &QPlainTextEdit::updateRequest, this, [this](const QRect& rect, int dy) {
    if (dy)
      gutter_->scroll(0, dy);
    else
      gutter_->update(0, rect.y(), gutter_->width(), rect.height());
  });
  connect(this, &QPlainTextEdit::textChanged, this, [this] {
    if (!taking_) document_.typed(rawText(*QPlainTextEdit::document()));
  });
  connect(this, &QPlainTextEdit::cursorPositionChanged, this, [this] {
    if (!taking_ && hasFocus()) emit lineChosen(textCursor().blockNumber() + 1);
  });
  connect(&document_, &LabDocument::textChanged, this, &LabEditor::take);
  connect(&document_, &LabDocument::changed, this, &LabEditor::mark);
  setViewportMargins(gutter(), 0, 0, 0);
  take();
  mark();
}

void LabEditor::setDark(bool dark) { highlighter_->setDark(dark); }

// Only what differs is replaced, so that the cursor and the view stay.
void LabEditor::take() {
  const QString now = rawText(*QPlainTextEdit::document());
  const QString& next = document_.text();
  if (now == next) return;
  qsizetype head = 0, tail = 0;
  const auto shorter = std::min(now.size(), next.size());
  while (head < shorter && now[head] == next[head]) ++head;
  while (tail < shorter - head && now[now.size() - 1 - tail] == next[next.size() - 1 - tail])
    ++tail;
  taking_ = true;
  QTextCursor cursor(QPlainTextEdit::document());
  cursor.setPosition(int(head));
  cursor.setPosition(int(now.size() - tail), QTextCursor::KeepAnchor);
  cursor.insertText(next.mid(head, next.size() - head - tail));
  taking_ = false;
}

// --- mistakes ----------------------------------------------------------------------------------

void LabEditor::mark() {
  QList<QTextEdit::ExtraSelection> marks;
  for (const Problems::Problem& problem : document_.problems()) {
    const QTextBlock block = QPlainTextEdit::document()->findBlockByNumber(problem.place.line - 1);
    if (!block.isValid()) continue;
    QTextEdit::ExtraSelection mark;
    mark.cursor = QTextCursor(block);
    // Columns are octets of the line.
    const QByteArray octets = block.text().toUtf8().left(problem.place.column - 1);
    const int from =
        std::min(int(QString::fromUtf8(octets).size()), std::max(0, block.length() - 2));
    static const QRegularExpression end(QStringLiteral(R"([\s,\[\]{}]|$)"));
    const int to = std::max(from + 1, int(block.text().indexOf(end, from + 1)));
    mark.cursor.setPosition(block.position() + from);
    mark.cursor.setPosition(block.position() + std::min(to, block.length() - 1),
                            QTextCursor::KeepAnchor);
    mark.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
    mark.format.setUnderlineColor(problem.is_warning() ? QColor(0xe6, 0x9f, 0x00)
                                                       : QColor(0xd5, 0x5e, 0x00));
    mark.format.setToolTip(QString::fromStdString(problem.message));
    marks.append(mark);
  }
  setExtraSelections(marks);
  gutter_->update();
}

bool LabEditor::event(QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride) {
    auto* key = static_cast<QKeyEvent*>(event);
    if (key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo)) {
      event->ignore();  // the window's
      return false;
    }
  }
  if (event->type() != QEvent::ToolTip) return QPlainTextEdit::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const int line = cursorForPosition(viewport()->mapFrom(this, help->pos())).blockNumber() + 1;
  QStringList words;
  for (const Problems::Problem& problem : document_.problems())
    if (problem.place.line == line) words.append(QString::fromStdString(problem.message));
  QToolTip::showText(help->globalPos(), words.join(QLatin1Char('\n')), this);
  return true;
}

int LabEditor::gutter() const {
  const int digits = int(QString::number(std::max(1, blockCount())).size());
  return 12 + fontMetrics().horizontalAdvance(QLatin1Char('9')) * std::max(2, digits);
}

void LabEditor::paintGutter(QPaintEvent* event) {
  QPainter painter(gutter_);
  painter.fillRect(event->rect(), palette().alternateBase());
  QTextBlock block = firstVisibleBlock();
  double top = blockBoundingGeometry(block).translated(contentOffset()).top();
  while (block.isValid() && top <= event->rect().bottom()) {
    const double height = blockBoundingRect(block).height();
    const int line = block.blockNumber() + 1;
    const bool wrong = std::any_of(document_.problems().begin(), document_.problems().end(),
                                   [&](const auto& p) { return p.place.line == line; });
    painter.setPen(wrong ? QColor(0xd5, 0x5e, 0x00) : palette().color(QPalette::PlaceholderText));
    painter.drawText(QRectF(0, top, gutter_->width() - 5, height), Qt::AlignRight | Qt::AlignTop,
                     wrong ? QStringLiteral("▸%1").arg(line) : QString::number(line));
    top += height;
    block = block.next();
  }
}

void LabEditor::resizeEvent(QResizeEvent* event) {
  QPlainTextEdit::resizeEvent(event);
  const QRect all = contentsRect();
  gutter_->setGeometry(all.left(), all.top(), gutter(), all.height());
}

void LabEditor::goTo(int line, int column) {
  const QTextBlock block = QPlainTextEdit::document()->findBlockByNumber(line - 1);
  if (!block.isValid()) return;
  QTextCursor cursor(block);
  const int at = int(QString::fromUtf8(block.text().toUtf8().left(column - 1)).size());
  cursor.setPosition(block.position() + std::min(at, block.length() - 1));
  setTextCursor(cursor);
  centerCursor();
  horizontalScrollBar()->setValue(0);  // a line's beginning tells what it is
  ensureCursorVisible();
}

// --- completion --------------------------------------------------------------------------------

// The keys around a place, by indentation and by the brackets of its line.
QStringList LabEditor::pathAt(int line, int column, QString& value_of) const {
  static const QRegularExpression key_of(
      QStringLiteral(R"~(^(?:- )*\s*(?:- )*"?([^\s"#:\[\]{},]+)"?\s*:(?:\s|$))~"));
  QStringList path;
  const QString here = QPlainTextEdit::document()->findBlockByNumber(line).text().left(column);
  // Brackets that are still open before the cursor, and the keys before them.
  std::vector<int> open;
  for (int i = 0; i < here.size(); ++i) {
    if (here[i] == QLatin1Char('{') || here[i] == QLatin1Char('[')) open.push_back(i);
    if ((here[i] == QLatin1Char('}') || here[i] == QLatin1Char(']')) && !open.empty())
      open.pop_back();
  }
  static const QRegularExpression before_bracket(
      QStringLiteral(R"~("?([^\s"#:\[\]{},]+)"?\s*:\s*$)~"));
  for (const int at : open) {
    const auto match = before_bracket.match(here.left(at));
    path.append(match.hasMatch() ? match.captured(1) : QStringLiteral("0"));
  }
  const QString last = here.mid(open.empty() ? 0 : open.back() + 1).section(QLatin1Char(','), -1);
  static const QRegularExpression value(
      QStringLiteral(R"~(^[\s-]*"?([^\s"#:\[\]{},]+)"?\s*:\s+\S*$)~"));
  if (const auto match = value.match(last); match.hasMatch()) value_of = match.captured(1);
  int indent = indentOf(here);
  const QString trimmed = here.trimmed();
  if (trimmed.startsWith(QLatin1Char('-'))) path.prepend(QStringLiteral("0"));
  for (int above = line - 1; above >= 0 && indent > 0; --above) {
    const QString words = QPlainTextEdit::document()->findBlockByNumber(above).text();
    const int deep = indentOf(words);
    if (words.trimmed().isEmpty() || words.trimmed().startsWith(QLatin1Char('#'))) continue;
    const bool dash = words.trimmed().startsWith(QLatin1String("- "));
    if (dash && deep < indent && deep + 2 <= indent && path.value(0) != QLatin1String("0")) {
      path.prepend(QStringLiteral("0"));
      indent = deep + (deep == 0 ? 1 : 0);
      continue;
    }
    if (deep >= indent) continue;
    const auto match = key_of.match(words.mid(deep));
    if (!match.hasMatch()) continue;
    path.prepend(match.captured(1));
    indent = deep;
  }
  return path;
}

QStringList LabEditor::completions() const {
  const QTextCursor cursor = textCursor();
  QString value_of;
  QStringList path = pathAt(cursor.blockNumber(), cursor.positionInBlock(), value_of);
  QStringList words;
  if (!value_of.isEmpty()) {
    const SchemaKey key = schema_.keyAt(path + QStringList{value_of});
    words = key.choices;
    for (const SchemaKey& each : schema_.keysAt(path))
      if (each.name == value_of && words.isEmpty()) words = each.choices;
    if (value_of == QLatin1String("via") || value_of == QLatin1String("node") ||
        value_of == QLatin1String("from") || value_of == QLatin1String("to"))
      for (const NodeSpec& node : document_.spec().nodes)
        words.append(QString::fromStdString(node.name));
  } else if (path.value(0) == QLatin1String("links") && path.size() <= 2) {
    for (const NodeSpec& node : document_.spec().nodes)
      words.append(QString::fromStdString(node.name));
  } else {
    for (const SchemaKey& key : schema_.keysAt(path)) words.append(key.name + QLatin1Char(':'));
  }
  words.sort();
  return words;
}

void LabEditor::complete() {
  QTextCursor word = textCursor();
  word.movePosition(QTextCursor::StartOfWord, QTextCursor::KeepAnchor);
  const QString begun = word.selectedText().trimmed();
  static_cast<QStringListModel*>(completer_->model())->setStringList(completions());
  completer_->setCompletionPrefix(begun);
  if (completer_->completionCount() == 0) return;
  if (completer_->completionCount() == 1) return insertCompletion(completer_->currentCompletion());
  QRect place = cursorRect();
  place.translate(gutter(), 0);
  place.setWidth(completer_->popup()->sizeHintForColumn(0) + 30);
  completer_->complete(place);
}

void LabEditor::insertCompletion(const QString& word) {
  QTextCursor cursor = textCursor();
  cursor.movePosition(QTextCursor::Left, QTextCursor::KeepAnchor,
                      int(completer_->completionPrefix().size()));
  cursor.insertText(word + (word.endsWith(QLatin1Char(':')) ? QStringLiteral(" ") : QString()));
  setTextCursor(cursor);
}

void LabEditor::keyPressEvent(QKeyEvent* event) {
  if (completer_->popup()->isVisible() &&
      (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter ||
       event->key() == Qt::Key_Escape || event->key() == Qt::Key_Tab))
    return event->ignore();
  if (event->key() == Qt::Key_Space && event->modifiers() == Qt::ControlModifier) return complete();
  if (event->key() == Qt::Key_Tab && !textCursor().hasSelection()) {  // a lab has no tabs
    insertPlainText(QString(2 - textCursor().positionInBlock() % 2, QLatin1Char(' ')));
    return;
  }
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
    const QString line = textCursor().block().text().left(textCursor().positionInBlock());
    const int indent = indentOf(line) + (line.trimmed().endsWith(QLatin1Char(':')) ? 2 : 0);
    insertPlainText(QLatin1Char('\n') + QString(indent, QLatin1Char(' ')));
    return ensureCursorVisible();
  }
  QPlainTextEdit::keyPressEvent(event);
}

// --- the panel ---------------------------------------------------------------------------------

TextPanel::TextPanel(LabDocument& document, const Schema& schema, bool dark, QWidget* parent)
    : QWidget(parent),
      document_(document),
      editor_(new LabEditor(document, schema, dark)),
      problems_(new QListWidget) {
  problems_->setAccessibleName(tr("Mistakes in the text"));
  problems_->setWordWrap(true);
  auto* split = new QSplitter(Qt::Vertical);
  split->addWidget(editor_);
  split->addWidget(problems_);
  split->setStretchFactor(0, 5);
  split->setStretchFactor(1, 1);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->addWidget(split);
  const auto go = [this](QListWidgetItem* item) {
    editor_->goTo(item->data(Qt::UserRole).toInt(), item->data(Qt::UserRole + 1).toInt());
    editor_->setFocus();
  };
  connect(problems_, &QListWidget::itemClicked, this, go);
  connect(problems_, &QListWidget::itemActivated, this, go);
  connect(&document_, &LabDocument::changed, this, &TextPanel::list);
  list();
}

void TextPanel::list() {
  problems_->clear();
  for (const Problems::Problem& problem : document_.problems()) {
    auto* item = new QListWidgetItem(tr("%1:%2  %3")
                                         .arg(problem.place.line)
                                         .arg(problem.place.column)
                                         .arg(QString::fromStdString(problem.message)),
                                     problems_);
    item->setData(Qt::UserRole, problem.place.line);
    item->setData(Qt::UserRole + 1, problem.place.column);
    item->setForeground(problem.is_warning() ? QColor(0xb0, 0x78, 0x00) : QColor(0xd5, 0x5e, 0x00));
  }
  problems_->setVisible(problems_->count() > 0);
}

}  // namespace stackyard::gui
