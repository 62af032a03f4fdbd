#include "gui/model/lab_document.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QStandardPaths>
#include <QUndoCommand>

#include "lab/spec/lab_edit.h"

namespace stackyard::gui {

namespace {

constexpr int read_after_ms = 250;     // of the last key
constexpr int rescue_after_ms = 2000;  // of the last change

struct Span {
  int at, removed;
  QString inserted;
};

// What differs, as one span.
Span difference(const QString& before, const QString& after) {
  const auto shorter = std::min(before.size(), after.size());
  qsizetype head = 0, tail = 0;
  while (head < shorter && before[head] == after[head]) ++head;
  while (tail < shorter - head &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
    ++tail;
  return {int(head), int(before.size() - head - tail), after.mid(head, after.size() - head - tail)};
}

}  // namespace

class TextCommand final : public QUndoCommand {
 public:
  TextCommand(LabDocument& document, const QString& title, Span span, bool typing)
      : QUndoCommand(title),
        document_(document),
        at_(span.at),
        removed_(document.text().mid(span.at, span.removed)),
        inserted_(std::move(span.inserted)),
        typing_(typing) {}
  void redo() override { document_.replace(at_, int(removed_.size()), inserted_); }
  void undo() override { document_.replace(at_, int(inserted_.size()), removed_); }
  int id() const override { return typing_ ? 1 : -1; }
  // A word that is typed, or taken back, is undone at once.
  bool mergeWith(const QUndoCommand* other) override {
    const auto& next = static_cast<const TextCommand&>(*other);
    const bool writes = next.removed_.isEmpty() && next.inserted_.size() == 1 &&
                        next.inserted_ != QLatin1String("\n") && next.at_ == at_ + inserted_.size();
    if (writes && !inserted_.isEmpty()) {
      inserted_ += next.inserted_;
      return true;
    }
    if (inserted_.isEmpty() && next.inserted_.isEmpty() && next.at_ + next.removed_.size() == at_ &&
        next.removed_.size() == 1) {
      removed_ = next.removed_ + removed_;
      at_ = next.at_;
      return true;
    }
    return false;
  }

 private:
  LabDocument& document_;
  int at_;
  QString removed_, inserted_;
  bool typing_;
};

LabDocument::LabDocument(QObject* parent) : QObject(parent) {
  reading_.setSingleShot(true);
  reading_.setInterval(read_after_ms);
  connect(&reading_, &QTimer::timeout, this, &LabDocument::read);
  // What is undone is read at once; what is typed, when the keys rest.
  connect(&undo_, &QUndoStack::indexChanged, this, [this] {
    if (!typing_) read();
  });
  rescuing_.setSingleShot(true);
  rescuing_.setInterval(rescue_after_ms);
  connect(&rescuing_, &QTimer::timeout, this, [this] {
    if (isModified()) writeRescue();
  });
}

LabDocument::~LabDocument() = default;

QString LabDocument::open(const QString& path) {
  QFile file(path);
  path_ = QFileInfo(path).absoluteFilePath();
  if (!file.open(QIODevice::ReadOnly)) {
    const QString why = QStringLiteral("%1: %2").arg(path, file.errorString());
    reset({});
    return why;
  }
  reset(QString::fromUtf8(file.readAll()));
  return {};
}

void LabDocument::begin(const QString& text) {
  path_.clear();
  reset(text);
}

// An editor of lines knows one kind of line end: what the file has is written again.
void LabDocument::reset(const QString& text) {
  text_ = text;
  bom_ = text_.startsWith(QChar(0xfeff));
  if (bom_) text_.remove(0, 1);
  crlf_ = text_.contains(QLatin1String("\r\n"));
  text_.replace(QLatin1String("\r\n"), QLatin1String("\n"));
  undo_.clear();
  undo_.setClean();
  spec_ = {};
  emit textChanged();
  read();
}

QString LabDocument::save(const QString& path) {
  const QString before = rescuePath();
  const QString to = path.isEmpty() ? path_ : QFileInfo(path).absoluteFilePath();
  QSaveFile file(to);
  QString content = text_;
  if (crlf_) content.replace(QLatin1Char('\n'), QLatin1String("\r\n"));
  if (bom_) content.prepend(QChar(0xfeff));
  if (!file.open(QIODevice::WriteOnly) || file.write(content.toUtf8()) < 0 || !file.commit())
    return QStringLiteral("%1: %2").arg(to, file.errorString());
  QFile::remove(before);
  path_ = to;
  undo_.setClean();
  dropRescue();
  return {};
}

// --- changes -----------------------------------------------------------------------------------

void LabDocument::replace(int at, int removed, const QString& inserted) {
  text_.replace(at, removed, inserted);
  emit textChanged();
  reading_.start();
  rescuing_.start();
}

void LabDocument::push(const QString& title, const QString& next, bool typing) {
  if (next == text_) return;
  undo_.push(new TextCommand(*this, title, difference(text_, next), typing));
}

void LabDocument::typed(const QString& text) {
  typing_ = true;
  push(tr("typing"), text, true);
  typing_ = false;
}

void LabDocument::readNow() {
  if (reading_.isActive()) read();
}

bool LabDocument::edit(const QString& title, const Edit& edit) {
  readNow();
  LabEdit editing(text_.toStdString(), spec_);
  if (!edit(editing)) {
    const auto& all = editing.problems().all();
    emit refused(all.empty() ? tr("This cannot be done")
                             : QString::fromStdString(all.begin()->message));
    return false;
  }
  push(title, QString::fromStdString(editing.text()), false);
  return true;
}

QString LabDocument::wouldSay(const Edit& edit) const {
  LabEdit editing(text_.toStdString(), spec_);
  if (!edit(editing)) {
    const auto& all = editing.problems().all();
    return all.empty() ? tr("This cannot be done") : QString::fromStdString(all.begin()->message);
  }
  Problems problems;
  ReadOptions options;
  options.folder = (path_.isEmpty() ? QDir::tempPath() : QFileInfo(path_).path()).toStdString();
  read_lab(editing.text(), path_.toStdString(), options, problems);
  for (const Problems::Problem& problem : problems.all()) {
    const bool known = std::any_of(problems_.begin(), problems_.end(), [&](const auto& other) {
      return other.message == problem.message;
    });
    if (!problem.is_warning() && !known) return QString::fromStdString(problem.message);
  }
  return {};
}

void LabDocument::read() {
  reading_.stop();
  Problems problems;
  ReadOptions options;
  options.folder = (path_.isEmpty() ? QDir::tempPath() : QFileInfo(path_).path()).toStdString();
  LabSpec spec = read_lab(text_.toStdString(), path_.toStdString(), options, problems);
  problems_.assign(problems.all().begin(), problems.all().end());
  valid_ = !problems.any_errors();
  // While somebody types, what was there is shown on.
  if (valid_ || !spec.nodes.empty()) spec_ = std::move(spec);
  if (!valid_ && text_.trimmed().isEmpty()) spec_ = {};
  emit changed();
}

QString LabDocument::problemsText() const {
  QStringList lines;
  for (const Problems::Problem& problem : problems_)
    lines.append(QStringLiteral("%1:%2:%3: %4")
                     .arg(path_)
                     .arg(problem.place.line)
                     .arg(problem.place.column)
                     .arg(QString::fromStdString(problem.message)));
  return lines.join(QLatin1Char('\n'));
}

// --- unsaved work ------------------------------------------------------------------------------

QString LabDocument::rescuePath() const {
  if (path_.isEmpty()) {
    const QDir data(QStandardPaths::writableLocation(QStandardPaths::AppDataLocation));
    return data.filePath(QStringLiteral("unsaved.yaml"));
  }
  const QFileInfo file(path_);
  return file.dir().filePath(QStringLiteral(".%1.unsaved").arg(file.fileName()));
}

bool LabDocument::writeRescue() {
  const QString path = rescuePath();
  QDir().mkpath(QFileInfo(path).path());
  QSaveFile file(path);
  return file.open(QIODevice::WriteOnly) && file.write(text_.toUtf8()) >= 0 && file.commit();
}

bool LabDocument::hasRescue() const {
  QFile file(rescuePath());
  return file.open(QIODevice::ReadOnly) && QString::fromUtf8(file.readAll()) != text_;
}

void LabDocument::takeRescue() {
  QFile file(rescuePath());
  if (file.open(QIODevice::ReadOnly))
    push(tr("unsaved work"), QString::fromUtf8(file.readAll()), false);
}

void LabDocument::dropRescue() {
  rescuing_.stop();
  QFile::remove(rescuePath());
}

QString LabDocument::servedPath() {
  if (!path_.isEmpty() && !isModified()) return path_;
  // Beside the lab's own file, since that may name others.
  if (writeRescue()) return rescuePath();
  QFile file(QDir::temp().filePath(QStringLiteral("stackyard-served.yaml")));
  if (file.open(QIODevice::WriteOnly)) file.write(text_.toUtf8());
  return file.fileName();
}

}  // namespace stackyard::gui
