#include "gui/panels/property_panel.h"

#include <QComboBox>
#include <QHeaderView>
#include <QInputDialog>
#include <QLineEdit>
#include <QPushButton>
#include <QStyledItemDelegate>
#include <QVBoxLayout>
#include <set>

#include "lab/spec/lab_text.h"

namespace stackyard::gui {

namespace {

constexpr int PathRole = Qt::UserRole, KindRole = Qt::UserRole + 1, ChoicesRole = Qt::UserRole + 2,
              FormRole = Qt::UserRole + 3, FreeRole = Qt::UserRole + 4;

// Which keys of the schema's node a kind has.
bool hasKey(const QString& kind, const QString& key) {
  static const QStringList of_switch{"vlans", "ports", "ageing", "snooping", "stp", "priority"},
      of_door{"tap", "udp"}, of_jail{"vnet", "params"}, common{"kind", "count"};
  if (key == QLatin1String("members")) return false;  // of groups
  const bool machine = kind != QLatin1String("switch") && kind != QLatin1String("hub") &&
                       kind != QLatin1String("door");
  if (common.contains(key)) return true;
  if (of_switch.contains(key)) return kind == QLatin1String("switch");
  if (of_door.contains(key)) return kind == QLatin1String("door");
  if (of_jail.contains(key)) return kind == QLatin1String("jail");
  return machine;
}

// Choices from a list, texts checked with every key.
class Delegate final : public QStyledItemDelegate {
 public:
  explicit Delegate(PropertyPanel& panel) : QStyledItemDelegate(&panel), panel_(panel) {}

  QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem&,
                        const QModelIndex& index) const override {
    if (index.column() != 1) return nullptr;
    const QStringList choices = index.data(ChoicesRole).toStringList();
    if (!choices.isEmpty()) {
      auto* box = new QComboBox(parent);
      box->addItem(QString());
      box->addItems(choices);
      connect(box, &QComboBox::activated, this, [this, box] {
        auto* self = const_cast<Delegate*>(this);
        emit self->commitData(box);
        emit self->closeEditor(box);
      });
      return box;
    }
    auto* line = new QLineEdit(parent);
    line->setFrame(false);
    line->setPlaceholderText(index.data(FormRole).toString());
    const QStringList path = index.data(PathRole).toStringList();
    connect(line, &QLineEdit::textEdited, this, [this, line, path](const QString& words) {
      const QString wrong = panel_.check(path, words);
      panel_.say(wrong, true);
      QPalette colours = line->palette();
      colours.setColor(QPalette::Text, wrong.isEmpty() ? panel_.palette().color(QPalette::Text)
                                                       : QColor(0xd5, 0x5e, 0x00));
      line->setPalette(colours);
    });
    return line;
  }
  void setEditorData(QWidget* editor, const QModelIndex& index) const override {
    const QString words = index.data(Qt::EditRole).toString();
    if (auto* box = qobject_cast<QComboBox*>(editor)) return box->setCurrentText(words);
    if (auto* line = qobject_cast<QLineEdit*>(editor)) line->setText(words);
  }
  void setModelData(QWidget* editor, QAbstractItemModel*, const QModelIndex& index) const override {
    const auto* box = qobject_cast<QComboBox*>(editor);
    const auto* line = qobject_cast<QLineEdit*>(editor);
    const QString words = box ? box->currentText() : line ? line->text() : QString();
    if (words == index.data(Qt::EditRole).toString()) return panel_.say({}, false);
    // The tree is filled anew by what comes of it: not while its editor closes.
    const QStringList path = index.data(PathRole).toStringList();
    QMetaObject::invokeMethod(
        &panel_, [panel = &panel_, path, words] { panel->setValue(path, words); },
        Qt::QueuedConnection);
  }

 private:
  PropertyPanel& panel_;
};

}  // namespace

PropertyPanel::PropertyPanel(LabDocument& document, const Schema& schema, QWidget* parent)
    : QWidget(parent),
      document_(document),
      schema_(schema),
      title_(new QLabel),
      message_(new QLabel),
      tree_(new QTreeWidget) {
  QFont font = title_->font();
  font.setBold(true);
  title_->setFont(font);
  message_->setWordWrap(true);
  message_->hide();
  tree_->setColumnCount(2);
  tree_->setHeaderLabels({tr("Key"), tr("Value")});
  tree_->header()->setStretchLastSection(true);
  tree_->setAlternatingRowColors(true);
  tree_->setIndentation(14);
  tree_->setItemDelegate(new Delegate(*this));
  tree_->setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed |
                         QAbstractItemView::AnyKeyPressed | QAbstractItemView::SelectedClicked);
  tree_->setAccessibleName(tr("Properties"));
  auto* add = new QPushButton(tr("Add…"));
  add->setToolTip(tr("An interface, a route, a file: a name of your own below the chosen key"));
  auto* remove = new QPushButton(tr("Remove"));
  connect(add, &QPushButton::clicked, this, &PropertyPanel::addKey);
  connect(remove, &QPushButton::clicked, this, &PropertyPanel::removeKey);
  connect(tree_, &QTreeWidget::itemClicked, this, [this](QTreeWidgetItem* item, int column) {
    if (column == 1 && (item->flags() & Qt::ItemIsEditable)) tree_->editItem(item, 1);
  });
  auto* buttons = new QHBoxLayout;
  buttons->addWidget(add);
  buttons->addWidget(remove);
  buttons->addStretch();
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addWidget(title_);
  layout->addWidget(tree_);
  layout->addWidget(message_);
  layout->addLayout(buttons);
  connect(&document_, &LabDocument::changed, this, &PropertyPanel::fill);
  showLab();
}

void PropertyPanel::say(const QString& words, bool wrong) {
  message_->setText((wrong && !words.isEmpty() ? QStringLiteral("✗ ") : QString()) + words);
  message_->setStyleSheet(wrong ? QStringLiteral("color: #d55e00") : QString());
  message_->setVisible(!words.isEmpty());
}

void PropertyPanel::showNode(const QString& node) {
  if (subject_ == Subject::node && name_ == node) return;
  subject_ = Subject::node;
  name_ = node;
  say({}, false);
  fill();
}

void PropertyPanel::showLink(const QString& link) {
  if (subject_ == Subject::link && name_ == link) return;
  subject_ = Subject::link;
  name_ = link;
  say({}, false);
  fill();
}

void PropertyPanel::showLab() {
  subject_ = Subject::lab;
  name_.clear();
  say({}, false);
  fill();
}

// Where the schema describes it.
QStringList PropertyPanel::schemaPath(const QStringList& path) const {
  if (subject_ == Subject::node) return QStringList{"nodes", "x"} + path;
  if (subject_ == Subject::link) return QStringList{"links", "0"} + path;
  return path;
}

// The subject's own value in the text.
Yaml PropertyPanel::valueNow() const {
  Problems problems;
  const std::string text = document_.text().toStdString();
  Yaml root = read_yaml(text, problems);
  if (subject_ == Subject::lab) return root;
  const LabEdit edit(text, document_.spec());
  LabText::Path path;
  bool counted = false;
  if (subject_ == Subject::node) {
    path = edit.entry_of(name_.toStdString(), counted);
  } else {
    const auto link = document_.spec().link_index.find(name_.toStdString());
    if (link != document_.spec().link_index.end()) path = edit.item_of(link->second);
  }
  const Yaml* value = &root;
  for (const std::string& step : path) {
    const Yaml* next = value->find(step);
    if (!next && value->is_list() && QString::fromStdString(step).toUInt() < value->items.size())
      next = &value->items[QString::fromStdString(step).toUInt()];
    if (!next) return {};
    value = next;
  }
  if (path.empty()) return {};
  Yaml found = *value;
  if (subject_ == Subject::link && found.is_scalar()) {
    Yaml map{.kind = Yaml::Kind::map, .place = found.place, .text = {}, .items = {}, .entries = {}};
    map.entries.push_back({"endpoints", found.place, found});
    return map;
  }
  return found;
}

void PropertyPanel::fill() {
  if (filling_) return;
  filling_ = true;
  QStringList open;
  for (QTreeWidgetItemIterator it(tree_); *it; ++it)
    if ((*it)->isExpanded()) open.append((*it)->data(0, PathRole).toStringList().join('\n'));
  const QStringList at =
      tree_->currentItem() ? tree_->currentItem()->data(0, PathRole).toStringList() : QStringList();
  tree_->clear();
  const LabSpec& spec = document_.spec();
  kind_.clear();
  bool counted = false;
  if (subject_ == Subject::node) {
    const auto node = spec.node_index.find(name_.toStdString());
    if (node == spec.node_index.end()) {
      subject_ = Subject::lab;
      name_.clear();
    } else {
      const NodeSpec& told = spec.nodes[node->second];
      kind_ = told.is_jail() ? QStringLiteral("jail")
                             : QString::fromStdString(node_kind_name(told.kind));
      LabEdit(document_.text().toStdString(), spec).entry_of(name_.toStdString(), counted);
    }
  } else if (subject_ == Subject::link && !spec.link_index.contains(name_.toStdString())) {
    subject_ = Subject::lab;
    name_.clear();
  }
  title_->setText(subject_ == Subject::lab    ? tr("The lab")
                  : subject_ == Subject::link ? tr("Link %1").arg(name_)
                  : counted ? tr("%1 %2, and all that are written with it").arg(kind_, name_)
                            : tr("%1 %2").arg(kind_, name_));
  const Yaml value = valueNow();
  fillMap(tree_->invisibleRootItem(), {}, &value, 0);
  for (QTreeWidgetItemIterator it(tree_); *it; ++it) {
    const QStringList path = (*it)->data(0, PathRole).toStringList();
    if (open.contains(path.join('\n'))) (*it)->setExpanded(true);
    if (!at.isEmpty() && path == at) tree_->setCurrentItem(*it);
  }
  tree_->resizeColumnToContents(0);
  filling_ = false;
}

void PropertyPanel::fillMap(QTreeWidgetItem* parent, const QStringList& path, const Yaml* value,
                            int deep) {
  std::set<QString> known;
  for (const SchemaKey& key : schema_.keysAt(schemaPath(path))) {
    // A lab's nodes and links have forms of their own.
    if (subject_ == Subject::lab && deep == 0 &&
        QStringList{"nodes", "links", "layout", "notes", "version"}.contains(key.name))
      continue;
    if (subject_ == Subject::node && deep == 0 && !hasKey(kind_, key.name)) continue;
    if (subject_ == Subject::node && deep == 0 && key.name == QLatin1String("jails")) continue;
    known.insert(key.name);
    addRow(parent, key, path + QStringList{key.name},
           value ? value->find(key.name.toStdString()) : nullptr, deep);
  }
  const bool free = schema_.isFree(schemaPath(path));
  if (!free) return;
  QStringList names;
  if (value)
    for (const Yaml::Entry& entry : value->entries) names.append(QString::fromStdString(entry.key));
  // Interfaces that a link alone has made can be given addresses too.
  if (subject_ == Subject::node && path == QStringList{"interfaces"})
    if (const auto node = document_.spec().node_index.find(name_.toStdString());
        node != document_.spec().node_index.end())
      for (const InterfaceSpec& interface : document_.spec().nodes[node->second].interfaces)
        names.append(QString::fromStdString(interface.name));
  names.removeDuplicates();
  for (const QString& name : names) {
    if (known.count(name)) continue;
    SchemaKey key = schema_.keyAt(schemaPath(path + QStringList{name}));
    key.name = name;
    addRow(parent, key, path + QStringList{name}, value ? value->find(name.toStdString()) : nullptr,
           deep);
  }
}

void PropertyPanel::addRow(QTreeWidgetItem* parent, const SchemaKey& key, const QStringList& path,
                           const Yaml* value, int deep) {
  constexpr int deep_most = 6;
  auto* item = new QTreeWidgetItem(parent);
  item->setText(0, key.name);
  const bool there = value && !value->is_null();
  QString words;
  if (there)
    words = value->is_scalar() ? QString::fromStdString(value->text)
                               : QString::fromStdString(yaml_flow(*value));
  item->setText(1, words.left(400));
  for (const int column : {0, 1}) {
    item->setData(column, PathRole, path);
    item->setData(column, KindRole, int(key.kind));
    item->setData(column, ChoicesRole, key.choices);
    item->setData(column, FormRole, key.form);
    item->setData(column, FreeRole, schema_.isFree(schemaPath(path)));
  }
  if (!there) item->setForeground(0, palette().color(QPalette::PlaceholderText));
  item->setToolTip(1, words.left(2000));
  const bool map = key.kind == SchemaKey::Kind::map && deep < deep_most;
  if (map) fillMap(item, path, value && value->is_map() ? value : nullptr, deep + 1);
  // A map that is shown key by key is edited there.
  if (!map || item->childCount() == 0) item->setFlags(item->flags() | Qt::ItemIsEditable);
  if (map && there && (deep == 0 || path.size() == 2)) item->setExpanded(deep == 0);
}

SchemaKey PropertyPanel::keyOf(const QTreeWidgetItem* item) const {
  return schema_.keyAt(schemaPath(item->data(0, PathRole).toStringList()));
}

LabDocument::Edit PropertyPanel::edit(const QStringList& path, const QString& words) const {
  LabText::Path key;
  for (const QString& step : path) key.push_back(step.toStdString());
  const std::string name = name_.toStdString();
  const Subject subject = subject_;
  const LabSpec& spec = document_.spec();
  const QString trimmed = words.trimmed();
  // Lists and maps are written as they are; a word is quoted where it has to be.
  const bool raw = trimmed.startsWith(QLatin1Char('[')) || trimmed.startsWith(QLatin1Char('{')) ||
                   trimmed.startsWith(QLatin1Char('"'));
  const std::string yaml = raw ? trimmed.toStdString() : yaml_scalar(trimmed.toStdString());
  const bool gone = trimmed.isEmpty();
  return [=, &spec](LabEdit& edit) {
    if (subject == Subject::node)
      return gone ? edit.unset_node(name, key) : edit.set_node(name, key, yaml);
    if (subject == Subject::link) {
      const size_t link = spec.link_index.at(name);
      if (key == LabText::Path{"name"} && !gone) return edit.rename_link(link, yaml);
      return gone ? edit.unset_link(link, key) : edit.set_link(link, key, yaml);
    }
    return gone ? edit.unset(key) : edit.set(key, yaml);
  };
}

QString PropertyPanel::check(const QStringList& path, const QString& words) const {
  return document_.wouldSay(edit(path, words));
}

QString PropertyPanel::setValue(const QStringList& path, const QString& words) {
  const QString wrong = check(path, words);
  say(wrong, true);
  if (!wrong.isEmpty()) return wrong;
  const QString was = name_;
  const bool renames = subject_ == Subject::link && path == QStringList{"name"};
  if (renames) name_ = words.trimmed();
  document_.edit(
      tr("%1 of %2").arg(path.join(QLatin1Char('.')), was.isEmpty() ? tr("the lab") : was),
      [this, path, words, was, renames](LabEdit& editing) {
        if (!renames) return edit(path, words)(editing);
        return editing.rename_link(document_.spec().link_index.at(was.toStdString()),
                                   words.trimmed().toStdString());
      });
  fill();
  return {};
}

// Below the chosen key, or beside it: a name that the author chooses.
void PropertyPanel::addKey() {
  QTreeWidgetItem* item = tree_->currentItem();
  while (item && !item->data(0, FreeRole).toBool()) item = item->parent();
  if (!item) return say(tr("Choose interfaces, sysctl, files or the like first"), false);
  const QStringList path = item->data(0, PathRole).toStringList();
  bool wanted = false;
  const QString name = QInputDialog::getText(this, tr("Add to %1").arg(path.join(QLatin1Char('.'))),
                                             tr("Name"), QLineEdit::Normal, {}, &wanted);
  if (!wanted || name.trimmed().isEmpty()) return;
  const SchemaKey key = schema_.keyAt(schemaPath(path + QStringList{name.trimmed()}));
  const bool map = key.kind == SchemaKey::Kind::map;
  const QStringList whole = path + QStringList{name.trimmed()};
  if (!map) {
    const QString value =
        QInputDialog::getText(this, name, tr("Value"), QLineEdit::Normal, {}, &wanted);
    if (wanted) setValue(whole, value);
  } else {
    setValue(whole, QStringLiteral("{}"));
  }
}

void PropertyPanel::removeKey() {
  if (const QTreeWidgetItem* item = tree_->currentItem())
    setValue(item->data(0, PathRole).toStringList(), {});
}

}  // namespace stackyard::gui
