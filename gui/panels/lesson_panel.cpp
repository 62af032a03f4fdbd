#include "gui/panels/lesson_panel.h"

#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSplitter>
#include <QVBoxLayout>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "gui/client/lab_client.h"

namespace stackyard::gui {

namespace {

enum Column { Name, Points, Verdict, Time, Columns };
// As the lab says them.
const char* const verdicts[] = {QT_TRANSLATE_NOOP("stackyard::gui::LessonPanel", "pending"),
                                QT_TRANSLATE_NOOP("stackyard::gui::LessonPanel", "pass"),
                                QT_TRANSLATE_NOOP("stackyard::gui::LessonPanel", "fail"),
                                QT_TRANSLATE_NOOP("stackyard::gui::LessonPanel", "not reached")};
constexpr int ProofRole = Qt::UserRole;  // of the line that says why

}  // namespace

LessonPanel::LessonPanel(LabClient& client, const Colours& colours, QWidget* parent)
    : QWidget(parent),
      client_(client),
      colours_(colours),
      text_(new QTextBrowser),
      checks_(new QTreeWidget),
      score_(new QLabel) {
  text_->setOpenExternalLinks(true);
  text_->setAccessibleName(tr("Lesson"));
  checks_->setColumnCount(Columns);
  checks_->setHeaderLabels({tr("Check"), tr("Points"), tr("Verdict"), tr("At")});
  checks_->setAccessibleName(tr("Checks"));
  auto* hint = new QPushButton(tr("Next hint"));
  connect(hint, &QPushButton::clicked, this, &LessonPanel::hint);
  checks_->setToolTip(tr("A click, or Enter, shows what decided a check"));
  for (const auto signal : {&QTreeWidget::itemClicked, &QTreeWidget::itemActivated})
    connect(checks_, signal, this, [this](QTreeWidgetItem* item) {
      if (item->parent() && item->data(Name, ProofRole).isNull()) return;  // a hint
      const QString check = (item->parent() ? item->parent() : item)->text(Name);
      if (evidence_.contains(check)) emit evidenceWanted(check);
    });
  auto* below = new QWidget;
  auto* row = new QHBoxLayout;
  row->addWidget(score_, 1);
  row->addWidget(hint);
  auto* column = new QVBoxLayout(below);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(checks_);
  column->addLayout(row);
  auto* split = new QSplitter(Qt::Vertical);
  split->addWidget(text_);
  split->addWidget(below);
  split->setStretchFactor(0, 3);
  split->setStretchFactor(1, 2);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addWidget(split);
  connect(&client_, &LabClient::told, this, [this](const QString& method, const Json& message) {
    if (method == QLatin1String("check")) take(message.at("params"));
  });
}

void LessonPanel::show(const LabSpec& lab) {
  text_->setMarkdown(lab.lesson ? QString::fromStdString(lab.lesson->text)
                                : tr("*This lab has no lesson.*"));
  checks_->clear();
  hints_.clear();
  evidence_.clear();
  for (const CheckSpec& check : lab.checks) {
    const QString name = QString::fromStdString(check.name);
    auto* item = new QTreeWidgetItem(
        checks_, {name, QString::number(check.points), tr("pending"), QString()});
    item->setData(Points, Qt::UserRole, qlonglong(check.points));
    for (const std::string& hint : check.hints) hints_[name].append(QString::fromStdString(hint));
  }
  checks_->resizeColumnToContents(Name);
  tellScore();
}

void LessonPanel::restart() {
  client_.call("lab.checks", Json::object(), [this](const Json& result) {
    for (const Json& check : result.at("checks")) take(check);
  });
  client_.call("subscribe", {{"what", "checks"}});
}

QString LessonPanel::verdict(const QString& check) const {
  const auto found = checks_->findItems(check, Qt::MatchExactly, Name);
  return found.isEmpty() ? QString() : found.first()->text(Verdict);
}

void LessonPanel::take(const Json& check) {
  const auto found = checks_->findItems(QString::fromStdString(check.at("name").get<std::string>()),
                                        Qt::MatchExactly, Name);
  if (found.isEmpty()) return;
  QTreeWidgetItem* item = found.first();
  const std::string verdict = check.at("verdict").get<std::string>();
  const QString shown = tr(verdict.c_str());
  item->setText(Verdict, shown);
  if (verdict == verdicts[0]) return tellScore();
  const bool passed = verdict == verdicts[1];
  item->setText(Verdict, (passed ? QStringLiteral("✓ ") : QStringLiteral("✗ ")) + shown);
  item->setForeground(Verdict, passed ? colours_.up : colours_.down);
  item->setText(Time, QString::fromStdString(short_text(SimTime(check.at("time").get<int64_t>()))));
  const QString evidence = QString::fromStdString(check.value("evidence", ""));
  item->setToolTip(Verdict, evidence + QLatin1Char('\n') + checks_->toolTip());
  if (!evidence.isEmpty() && !passed && item->childCount() == 0)
    (new QTreeWidgetItem(item, {evidence}))->setData(Name, ProofRole, true);
  if (check.contains("shown_by")) {
    evidence_[item->text(Name)] = check.at("shown_by");
    QFont link = checks_->font();  // it can be followed
    link.setUnderline(true);
    item->setFont(Verdict, link);
  }
  tellScore();
}

Json LessonPanel::evidence(const QString& check) const {
  const auto found = evidence_.find(check);
  return found == evidence_.end() ? Json() : found->second;
}

void LessonPanel::hint() {
  QTreeWidgetItem* item = checks_->currentItem();
  if (item && item->parent()) item = item->parent();
  // None chosen: the first that has not passed.
  for (int i = 0; !item && i < checks_->topLevelItemCount(); ++i)
    if (!checks_->topLevelItem(i)->text(Verdict).startsWith(QStringLiteral("✓")))
      item = checks_->topLevelItem(i);
  if (!item) return;
  QStringList& left = hints_[item->text(Name)];
  const QString words = left.isEmpty() ? tr("no more hints") : left.takeFirst();
  auto* shown = new QTreeWidgetItem(item, {words});
  shown->setFirstColumnSpanned(true);
  item->setExpanded(true);
}

void LessonPanel::tellScore() {
  qint64 all = 0, have = 0;
  for (int i = 0; i < checks_->topLevelItemCount(); ++i) {
    const QTreeWidgetItem* item = checks_->topLevelItem(i);
    const qint64 points = item->data(Points, Qt::UserRole).toLongLong();
    all += points;
    if (item->text(Verdict).startsWith(QStringLiteral("✓"))) have += points;
  }
  score_->setText(all ? tr("%1 of %2 points").arg(have).arg(all) : QString());
}

}  // namespace stackyard::gui
