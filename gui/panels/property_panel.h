// gui/panels/property_panel.h - forms for everything that a lab file can say about a node, a jail,
// an interface, a link or the lab, made from the schema; every word is checked while it is typed.
#pragma once

#include <QLabel>
#include <QTreeWidget>
#include <QWidget>

#include "gui/model/lab_document.h"
#include "gui/model/schema.h"

namespace stackyard::gui {

class PropertyPanel final : public QWidget {
  Q_OBJECT
 public:
  PropertyPanel(LabDocument& document, const Schema& schema, QWidget* parent = nullptr);
  // What the form is about.
  void showNode(const QString& node);
  void showLink(const QString& link);
  void showLab();
  const QString& subject() const { return name_; }
  QTreeWidget& tree() { return *tree_; }
  // As if its value had been typed: what is wrong with it, or empty.
  QString setValue(const QStringList& path, const QString& words);
  // What would be wrong with it.
  QString check(const QStringList& path, const QString& words) const;
  SchemaKey keyOf(const QTreeWidgetItem* item) const;
  void say(const QString& words, bool wrong);

 signals:
  void renameWanted(const QString& name);

 private:
  enum class Subject { lab, node, link };
  void fill();
  void fillMap(QTreeWidgetItem* parent, const QStringList& path, const Yaml* value, int deep);
  void addRow(QTreeWidgetItem* parent, const SchemaKey& key, const QStringList& path,
              const Yaml* value, int deep);
  QStringList schemaPath(const QStringList& path) const;
  Yaml valueNow() const;
  LabDocument::Edit edit(const QStringList& path, const QString& words) const;
  void addKey();
  void removeKey();

  LabDocument& document_;
  const Schema& schema_;
  Subject subject_ = Subject::lab;
  QString name_;
  QString kind_;  // of a node
  QLabel *title_, *message_;
  QTreeWidget* tree_;
  bool filling_ = false;
};

}  // namespace stackyard::gui
