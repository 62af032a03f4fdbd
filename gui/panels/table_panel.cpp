#include "gui/panels/table_panel.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QHeaderView>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

namespace stackyard::gui {

TableFilter::TableFilter(const Colours& colours, QObject* parent)
    : QSortFilterProxyModel(parent), colours_(colours) {
  setSortRole(RemoteTable::SortRole);
  setDynamicSortFilter(true);
}

void TableFilter::setWords(const QString& words) {
  words_ = words;
  invalidateFilter();
}

bool TableFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
  if (words_.isEmpty()) return true;
  for (int column = 0; column < sourceModel()->columnCount(parent); ++column)
    if (sourceModel()
            ->index(row, column, parent)
            .data()
            .toString()
            .contains(words_, Qt::CaseInsensitive))
      return true;
  return false;
}

QVariant TableFilter::data(const QModelIndex& index, int role) const {
  const bool changed = (role == Qt::BackgroundRole || role == Qt::FontRole) &&
                       QSortFilterProxyModel::data(index, RemoteTable::ChangedRole).toBool();
  if (changed && role == Qt::BackgroundRole) return colours_.changed;
  if (changed && role == Qt::FontRole) {  // a colour alone does not tell everybody
    QFont font = QApplication::font();
    font.setBold(true);
    return font;
  }
  return QSortFilterProxyModel::data(index, role);
}

TablePanel::TablePanel(LabClient& client, const QString& node, const QString& table,
                       const Colours& colours, QWidget* parent)
    : QWidget(parent),
      model_(client, node, table),
      filter_(colours),
      view_(new QTableView),
      message_(new QLabel) {
  filter_.setSourceModel(&model_);
  view_->setModel(&filter_);
  view_->setSortingEnabled(true);
  view_->sortByColumn(-1, Qt::AscendingOrder);
  view_->verticalHeader()->hide();
  view_->verticalHeader()->setDefaultSectionSize(view_->fontMetrics().height() + 6);
  view_->setSelectionBehavior(QAbstractItemView::SelectRows);
  view_->setAlternatingRowColors(true);
  view_->setWordWrap(false);
  view_->setAccessibleName(tr("%1 of %2").arg(table, node));
  message_->hide();

  auto* words = new QLineEdit;
  words->setPlaceholderText(tr("Filter"));
  words->setClearButtonEnabled(true);
  connect(words, &QLineEdit::textChanged, &filter_, &TableFilter::setWords);
  auto* save = new QToolButton;
  save->setText(tr("CSV…"));
  save->setToolTip(tr("Save what is shown"));
  connect(save, &QToolButton::clicked, this, &TablePanel::save);
  auto* top = new QHBoxLayout;
  top->addWidget(words);
  top->addWidget(save);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(top);
  layout->addWidget(message_);
  layout->addWidget(view_);

  auto* copying = new QAction(tr("Copy"), view_);
  copying->setShortcut(QKeySequence::Copy);
  copying->setShortcutContext(Qt::WidgetShortcut);
  connect(copying, &QAction::triggered, this, &TablePanel::copy);
  view_->addAction(copying);
  for (const bool rate : {false, true}) {
    auto* plotting =
        new QAction(rate ? tr("Plot its growth a second") : tr("Plot this value"), view_);
    connect(plotting, &QAction::triggered, this, [this, rate] { plot(rate); });
    view_->addAction(plotting);
  }
  view_->setContextMenuPolicy(Qt::ActionsContextMenu);
  connect(view_, &QTableView::doubleClicked, this, &TablePanel::edit);
  connect(&model_, &RemoteTable::gone, this, [this](const QString& why) {
    message_->setText(why);
    message_->show();
  });
  // Once there is something to measure.
  connect(
      &model_, &RemoteTable::updated, this,
      [this] {
        view_->resizeColumnsToContents();
        view_->horizontalHeader()->setStretchLastSection(true);
      },
      Qt::SingleShotConnection);
}

namespace {

QString quoted(const QString& cell) {
  if (!cell.contains(QLatin1Char(',')) && !cell.contains(QLatin1Char('"')) &&
      !cell.contains(QLatin1Char('\n')))
    return cell;
  QString inner = cell;
  return QLatin1Char('"') + inner.replace(QLatin1Char('"'), QLatin1String("\"\"")) +
         QLatin1Char('"');
}

}  // namespace

QString TablePanel::csv() const {
  QString all;
  for (int row = -1; row < filter_.rowCount(); ++row) {
    QStringList cells;
    for (int column = 0; column < filter_.columnCount(); ++column)
      cells.append(quoted(row < 0 ? filter_.headerData(column, Qt::Horizontal).toString()
                                  : filter_.index(row, column).data().toString()));
    all += cells.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return all;
}

void TablePanel::showRow(const QHash<QString, QString>& words) {
  if (model_.columnCount() == 0) {
    connect(
        &model_, &RemoteTable::updated, this, [this, words] { showRow(words); },
        Qt::SingleShotConnection);
    return;
  }
  int best = 0;
  QModelIndex found;
  for (int row = 0; row < filter_.rowCount(); ++row) {
    const QModelIndex here = filter_.index(row, 0);
    const auto same = std::count_if(words.keyBegin(), words.keyEnd(), [&](const QString& column) {
      return model_.cell(filter_.mapToSource(here).row(), column) == words[column];
    });
    if (same <= best) continue;
    best = int(same);
    found = here;
  }
  if (!found.isValid()) return;
  view_->selectRow(found.row());
  view_->scrollTo(found, QAbstractItemView::PositionAtCenter);
}

int TablePanel::chosenRow() const {
  const auto rows = view_->selectionModel()->selectedRows();
  return rows.isEmpty() ? -1 : filter_.mapToSource(rows.first()).row();
}

void TablePanel::copy() {
  QStringList lines;
  for (const QModelIndex& row : view_->selectionModel()->selectedRows()) {
    QStringList cells;
    for (int column = 0; column < filter_.columnCount(); ++column)
      cells.append(filter_.index(row.row(), column).data().toString());
    lines.append(cells.join(QLatin1Char('\t')));
  }
  QApplication::clipboard()->setText(lines.join(QLatin1Char('\n')));
}

// The chosen cell's column, of its row: which is known again by the words before it that say what
// it is.
void TablePanel::plot(bool rate) {
  const QModelIndex at = filter_.mapToSource(view_->currentIndex());
  if (!at.isValid()) return;
  message_->setVisible(false);
  if (!model_.isNumber(at.column())) {
    message_->setText(tr("Only figures can be plotted"));
    return message_->show();
  }
  PlotWhat what = model_.plotOf(at.row(), at.column());
  what.rate = rate;
  if (rate) what.unit += QStringLiteral("/s");
  emit plotWanted(what);
}

void TablePanel::save() {
  const QString name = QFileDialog::getSaveFileName(
      this, tr("Save table"),
      QStringLiteral("%1-%2.csv")
          .arg(QString(model_.node()).replace(QLatin1Char('/'), QLatin1Char('-')), model_.name()),
      tr("CSV files (*.csv)"));
  if (name.isEmpty()) return;
  QFile file(name);
  if (!file.open(QIODevice::WriteOnly) || file.write(csv().toUtf8()) < 0)
    QMessageBox::warning(this, tr("Save table"), file.errorString());
}

void TablePanel::edit(const QModelIndex& index) {
  const int row = filter_.mapToSource(index).row();
  const QString name = model_.cell(row, QStringLiteral("name"));
  if (model_.name() != QLatin1String("sysctls") || name.isEmpty()) return;
  bool wanted = false;
  const QString value = QInputDialog::getText(this, tr("Set sysctl"), name, QLineEdit::Normal,
                                              model_.cell(row, QStringLiteral("value")), &wanted);
  if (wanted) emit sysctlEdited(model_.node(), name, value);
}

}  // namespace stackyard::gui
