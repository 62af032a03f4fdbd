// gui/model/remote_table.h - a table of a served lab, kept up to date by a subscription; knows
// which cells are not what they were at the last step.
#pragma once

#include <QAbstractTableModel>
#include <QHash>
#include <QStringList>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "gui/client/subscription.h"
#include "gui/model/plot_series.h"

namespace stackyard::gui {

class RemoteTable final : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Role {
    SortRole = Qt::UserRole,  // numbers as numbers
    ChangedRole,              // bool: since the last step
  };
  // A table of a node; of the lab itself, when `node` is empty. `every`: milliseconds of real time
  // between two looks, at least.
  RemoteTable(LabClient& client, QString node, QString table, int every = 100,
              QObject* parent = nullptr);

  const QString& node() const { return node_; }
  const QString& name() const { return table_; }
  // What is shown now is what later changes are told from.
  void markStep();
  QString cell(int row, const QString& column) const;
  int columnNamed(const QString& name) const;
  bool isNumber(int column) const;
  // What to sample for a cell: its row is known by the words of its texts that name it.
  PlotWhat plotOf(int row, int column) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  // A `table` message; public for tests.
  void take(const nlohmann::json& message);

 signals:
  void updated();
  void gone(const QString& why);

 private:
  struct Row {
    QString key;
    std::vector<QVariant> cells;
  };
  void setColumns(const nlohmann::json& columns);
  std::vector<Row> rowsFrom(const nlohmann::json& rows) const;
  void mergeRows(std::vector<Row> rows);
  static QString shown(const QVariant& value, const QString& type);

  QString node_, table_;
  QStringList names_, titles_, types_;
  std::vector<Row> rows_;
  QHash<QString, std::vector<QVariant>> step_;  // by key: the cells at the last step
  bool stepped_ = false;
  Subscription subscription_;
};

}  // namespace stackyard::gui
