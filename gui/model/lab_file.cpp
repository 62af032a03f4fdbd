#include "gui/model/lab_file.h"

#include <QFile>
#include <QFileInfo>

#include "lab/spec/problems.h"

namespace stackyard::gui {

LabFile LabFile::read(const QString& path) {
  LabFile file;
  file.path = path;
  QFile device(path);
  if (!device.open(QIODevice::ReadOnly)) {
    file.problems = QStringLiteral("%1: %2").arg(path, device.errorString());
    return file;
  }
  const QByteArray content = device.readAll();
  file.text = QString::fromUtf8(content);
  Problems problems;
  ReadOptions options;
  options.folder = QFileInfo(path).path().toStdString();
  LabSpec spec = read_lab(content.toStdString(), path.toStdString(), options, problems);
  file.problems = QString::fromStdString(problems.text(path.toStdString()));
  if (!problems.any_errors()) file.spec = std::move(spec);
  return file;
}

}  // namespace stackyard::gui
