#include "gui/panels/gallery.h"

#include <QCoreApplication>
#include <QDir>
#include <QDirIterator>
#include <QKeyEvent>
#include <QPainter>

#include "gui/canvas/lab_scene.h"
#include "gui/model/lab_document.h"

namespace stackyard::gui {

namespace {

constexpr QSize picture(200, 130);

QPixmap pictureOf(const Topology& topology, const QPalette& palette, double ratio) {
  LabScene scene(palette);
  scene.show(topology);
  QPixmap pixmap(picture * ratio);
  pixmap.setDevicePixelRatio(ratio);
  pixmap.fill(palette.color(QPalette::Base));
  QPainter painter(&pixmap);
  painter.setRenderHint(QPainter::Antialiasing);
  scene.render(&painter, QRectF(QPointF(6, 6), QSizeF(picture) - QSizeF(12, 12)),
               scene.itemsBoundingRect());
  return pixmap;
}

}  // namespace

QString Gallery::folder() {
  const QDir program(QCoreApplication::applicationDirPath());
  for (const char* place : {"../scenarios", "../share/stackyard/scenarios", "../../scenarios"})
    if (program.exists(QLatin1String(place))) return program.absoluteFilePath(QLatin1String(place));
  return {};
}

Gallery::Gallery(QWidget* parent) : QListWidget(parent) {
  setViewMode(IconMode);
  setIconSize(picture);
  setGridSize(picture + QSize(24, 60));
  setResizeMode(Adjust);
  setMovement(Static);
  setWordWrap(true);
  setSpacing(8);
  setFrameShape(NoFrame);
  setAccessibleName(tr("Scenarios"));
  QStringList files;
  for (QDirIterator it(folder(), {QStringLiteral("*.yaml")}, QDir::Files,
                       QDirIterator::Subdirectories);
       it.hasNext();)
    files.append(it.next());
  files.sort();
  for (const QString& file : files) {
    LabDocument lab;
    lab.open(file);
    if (!lab.isValid()) continue;
    Topology topology = topologyOf(lab.spec());
    layOut(topology);
    const QString title = lab.spec().lesson ? QString::fromStdString(lab.spec().lesson->title)
                                            : QString::fromStdString(lab.spec().name);
    auto* item = new QListWidgetItem(
        QIcon(pictureOf(topology, this->palette(), devicePixelRatioF())), title, this);
    item->setData(Qt::UserRole, file);
    item->setToolTip(QDir(folder()).relativeFilePath(file));
    item->setTextAlignment(Qt::AlignHCenter | Qt::AlignTop);
  }
  // One click opens; activation is for the keyboard, and would come with a second click as well.
  connect(this, &QListWidget::itemClicked, this, [this](const QListWidgetItem* item) {
    emit chosen(item->data(Qt::UserRole).toString());
  });
}

void Gallery::keyPressEvent(QKeyEvent* event) {
  const bool enters = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
  if (enters && currentItem()) return emit chosen(currentItem()->data(Qt::UserRole).toString());
  QListWidget::keyPressEvent(event);
}

}  // namespace stackyard::gui
