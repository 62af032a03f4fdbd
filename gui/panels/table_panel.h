// gui/panels/table_panel.h - any table of a machine, jail or switch: sorted, filtered, copied,
// saved.
#pragma once

#include <QHash>
#include <QSortFilterProxyModel>
#include <QWidget>

#include "gui/canvas/colours.h"
#include "gui/model/plot_series.h"
#include "gui/model/remote_table.h"

class QLineEdit;
class QTableView;
class QLabel;

namespace stackyard::gui {

// Sorts numbers as numbers; shows rows in which any cell has the words; colours what has changed.
class TableFilter final : public QSortFilterProxyModel {
  Q_OBJECT
 public:
  explicit TableFilter(const Colours& colours, QObject* parent = nullptr);
  void setWords(const QString& words);
  QVariant data(const QModelIndex& index, int role) const override;

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  const Colours& colours_;
  QString words_;
};

class TablePanel final : public QWidget {
  Q_OBJECT
 public:
  TablePanel(LabClient& client, const QString& node, const QString& table, const Colours& colours,
             QWidget* parent = nullptr);
  RemoteTable& model() { return model_; }
  void markStep() { model_.markStep(); }
  // What is shown, with a line of titles.
  QString csv() const;
  // Chooses the row with most of these words in these columns, once it is there: it may have
  // changed since.
  void showRow(const QHash<QString, QString>& words);
  int chosenRow() const;  // of the model; -1: none

 signals:
  // sysctls: the user has written another value.
  void sysctlEdited(const QString& node, const QString& name, const QString& value);
  void plotWanted(const stackyard::gui::PlotWhat& what);

 private:
  void copy();
  void save();
  void edit(const QModelIndex& index);
  void plot(bool rate);

  RemoteTable model_;
  TableFilter filter_;
  QTableView* view_;
  QLabel* message_;
};

}  // namespace stackyard::gui
