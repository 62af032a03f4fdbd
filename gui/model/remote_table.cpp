#include "gui/model/remote_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace stackyard::gui {

RemoteTable::RemoteTable(LabClient& client, QString node, QString table, int every, QObject* parent)
    : QAbstractTableModel(parent),
      node_(std::move(node)),
      table_(std::move(table)),
      subscription_(
          client, QStringLiteral("table"),
          {{"what", "table"},
           {"node", node_.toStdString()},
           {"table", table_.toStdString()},
           {"every", std::to_string(every) + "ms"}},
          [this](const Json& params) { take(params); },
          [this](const QString& why) { emit gone(why); }) {}

void RemoteTable::setColumns(const Json& columns) {
  QStringList names;
  for (const Json& column : columns)
    names.append(QString::fromStdString(column.at("name").get<std::string>()));
  if (names == names_) return;
  beginResetModel();
  names_ = names;
  titles_.clear();
  types_.clear();
  rows_.clear();
  for (const Json& column : columns) {
    titles_.append(QString::fromStdString(column.at("title").get<std::string>()));
    types_.append(QString::fromStdString(column.at("type").get<std::string>()));
  }
  endResetModel();
}

// A row is known again by its first column, and its place among those with the same one.
std::vector<RemoteTable::Row> RemoteTable::rowsFrom(const Json& rows) const {
  std::vector<Row> all;
  all.reserve(rows.size());
  QHash<QString, int> seen;
  for (const Json& row : rows) {
    Row made;
    for (const QString& name : names_) {
      const Json value = row.value(name.toStdString(), Json());
      if (value.is_number_integer())
        made.cells.emplace_back(qlonglong(value.get<int64_t>()));
      else if (value.is_string())
        made.cells.emplace_back(QString::fromStdString(value.get<std::string>()));
      else
        made.cells.emplace_back();
    }
    const QString first = made.cells.empty() ? QString() : made.cells[0].toString();
    made.key = QStringLiteral("%1\n%2").arg(first).arg(seen[first]++);
    all.push_back(std::move(made));
  }
  return all;
}

void RemoteTable::take(const Json& message) {
  setColumns(message.at("columns"));
  mergeRows(rowsFrom(message.at("rows")));
  if (!stepped_) markStep();
  emit updated();
}

// As few changes as keep selections and scroll bars where they are.
void RemoteTable::mergeRows(std::vector<Row> rows) {
  QHash<QString, int> coming;
  for (size_t i = 0; i < rows.size(); ++i) coming.insert(rows[i].key, int(i));
  for (int i = int(rows_.size()) - 1; i >= 0; --i) {
    if (coming.contains(rows_[size_t(i)].key)) continue;
    beginRemoveRows({}, i, i);
    rows_.erase(rows_.begin() + i);
    endRemoveRows();
  }
  const bool ordered = std::is_sorted(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
    return coming.value(a.key) < coming.value(b.key);
  });
  if (!ordered) {
    beginResetModel();
    rows_ = std::move(rows);
    endResetModel();
    return;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i < rows_.size() && rows_[i].key == rows[i].key) {
      if (rows_[i].cells == rows[i].cells) continue;
      rows_[i].cells = std::move(rows[i].cells);
      emit dataChanged(index(int(i), 0), index(int(i), columnCount() - 1));
      continue;
    }
    beginInsertRows({}, int(i), int(i));
    rows_.insert(rows_.begin() + ptrdiff_t(i), std::move(rows[i]));
    endInsertRows();
  }
}

void RemoteTable::markStep() {
  step_.clear();
  for (const Row& row : rows_) step_.insert(row.key, row.cells);
  stepped_ = true;
  if (!rows_.empty())
    emit dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1), {ChangedRole});
}

int RemoteTable::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : int(rows_.size());
}

int RemoteTable::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : int(names_.size());
}

int RemoteTable::columnNamed(const QString& name) const { return int(names_.indexOf(name)); }

bool RemoteTable::isNumber(int column) const {
  return column >= 0 && column < columnCount() && types_[column] != QLatin1String("text");
}

PlotWhat RemoteTable::plotOf(int row, int column) const {
  // Of those that every table has one or some of; else its first column.
  static const QStringList naming{
      QStringLiteral("name"),    QStringLiteral("link"),        QStringLiteral("end"),
      QStringLiteral("netif"),   QStringLiteral("proto"),       QStringLiteral("local"),
      QStringLiteral("foreign"), QStringLiteral("destination"), QStringLiteral("mac"),
      QStringLiteral("address"), QStringLiteral("rule"),        QStringLiteral("pipe")};
  PlotWhat what;
  what.node = node_;
  what.table = table_;
  what.column = names_[column];
  QStringList words;
  for (int i = 0; i < columnCount(); ++i) {
    const bool names_it = naming.contains(names_[i]) || i == 0;
    if (!names_it || i == column) continue;
    what.match.insert(names_[i], cell(row, names_[i]));
    words.append(cell(row, names_[i]));
  }
  if (types_[column] == QLatin1String("duration")) {
    what.factor = 1e-6;
    what.unit = QStringLiteral("ms");
  }
  what.title = tr("%1 of %2 %3").arg(titles_[column], node_, words.join(QLatin1Char(' ')));
  return what;
}

QString RemoteTable::cell(int row, const QString& column) const {
  const int at = columnNamed(column);
  if (row < 0 || row >= rowCount() || at < 0) return {};
  return rows_[size_t(row)].cells[size_t(at)].toString();
}

QString RemoteTable::shown(const QVariant& value, const QString& type) {
  if (!value.isValid()) return {};
  if (type == QLatin1String("duration"))
    return QString::fromStdString(short_text(SimTime(value.toLongLong())));
  return value.toString();
}

QVariant RemoteTable::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount() || index.column() >= columnCount()) return {};
  const Row& row = rows_[size_t(index.row())];
  const auto column = size_t(index.column());
  const QVariant& value = row.cells[column];
  switch (role) {
    case Qt::DisplayRole:
      return shown(value, types_[index.column()]);
    case SortRole:
      return value;
    case Qt::TextAlignmentRole:
      return types_[index.column()] == QLatin1String("text")
                 ? QVariant(Qt::AlignLeft | Qt::AlignVCenter)
                 : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    case ChangedRole: {
      const auto before = step_.find(row.key);
      return before == step_.end() || before->size() <= column || (*before)[column] != value;
    }
    default:
      return {};
  }
}

QVariant RemoteTable::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole || section >= columnCount())
    return {};
  return titles_[section];
}

}  // namespace stackyard::gui
