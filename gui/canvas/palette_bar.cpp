#include "gui/canvas/palette_bar.h"

#include <QActionGroup>
#include <QApplication>
#include <QDrag>
#include <QMimeData>
#include <QMouseEvent>
#include <QToolButton>

#include "gui/canvas/node_icon.h"

namespace stackyard::gui {

namespace {

struct ToolText {
  const char *name, *title, *key;
};
constexpr ToolText all_tools[] = {
    {"select", QT_TRANSLATE_NOOP("PaletteBar", "Select and move"), "Esc"},
    {"link", QT_TRANSLATE_NOOP("PaletteBar", "Link"), "L"},
    {"host", QT_TRANSLATE_NOOP("PaletteBar", "Host"), "H"},
    {"router", QT_TRANSLATE_NOOP("PaletteBar", "Router"), "R"},
    {"switch", QT_TRANSLATE_NOOP("PaletteBar", "Switch"), "S"},
    {"hub", QT_TRANSLATE_NOOP("PaletteBar", "Hub"), "U"},
    {"jail", QT_TRANSLATE_NOOP("PaletteBar", "Jail"), "J"},
    {"door", QT_TRANSLATE_NOOP("PaletteBar", "Door"), "D"},
    {"note", QT_TRANSLATE_NOOP("PaletteBar", "Note"), "N"}};

}  // namespace

PaletteBar::PaletteBar(const Colours& colours, QWidget* parent)
    : QToolBar(tr("Draw"), parent), colours_(colours), tools_(new QActionGroup(this)) {
  setObjectName(QStringLiteral("palette"));
  setOrientation(Qt::Vertical);
  setIconSize(QSize(30, 30));
  for (const ToolText& tool : all_tools) {
    auto* action = addAction(QCoreApplication::translate("PaletteBar", tool.title));
    action->setData(QLatin1String(tool.name));
    action->setCheckable(true);
    // Letters are the canvas's: the window gives them to it alone.
    action->setToolTip(QStringLiteral("%1 (%2)").arg(action->text(), QLatin1String(tool.key)));
    action->setShortcut(QKeySequence(QLatin1String(tool.key)));
    action->setShortcutContext(Qt::WidgetShortcut);
    tools_->addAction(action);
    if (auto* button = widgetForAction(action)) button->installEventFilter(this);
  }
  tools_->actions().first()->setChecked(true);
  connect(tools_, &QActionGroup::triggered, this,
          [this](QAction* action) { emit chosen(action->data().toString()); });
  setColours();
}

void PaletteBar::setColours() {
  for (QAction* action : tools_->actions())
    action->setIcon(nodeIcon(action->data().toString(), colours_));
}

void PaletteBar::choose(const QString& tool) {
  for (QAction* action : tools_->actions())
    if (action->data().toString() == tool) action->trigger();
}

QList<QAction*> PaletteBar::tools() const { return tools_->actions(); }

// A button that is dragged drops one thing of its kind on the canvas.
bool PaletteBar::eventFilter(QObject* watched, QEvent* event) {
  auto* button = qobject_cast<QToolButton*>(watched);
  if (!button || !button->defaultAction()) return false;
  const QString kind = button->defaultAction()->data().toString();
  if (event->type() == QEvent::MouseButtonPress) pressed_ = static_cast<QMouseEvent*>(event)->pos();
  if (event->type() != QEvent::MouseMove || kind == QLatin1String("select") ||
      kind == QLatin1String("link"))
    return false;
  const auto* move = static_cast<QMouseEvent*>(event);
  if (!(move->buttons() & Qt::LeftButton) ||
      (move->pos() - pressed_).manhattanLength() < QApplication::startDragDistance())
    return false;
  auto* drag = new QDrag(this);
  auto* data = new QMimeData;
  data->setData(QLatin1String(kind_mime), kind.toUtf8());
  drag->setMimeData(data);
  drag->setPixmap(button->icon().pixmap(iconSize()));
  drag->exec(Qt::CopyAction);
  button->setDown(false);
  return true;
}

}  // namespace stackyard::gui
