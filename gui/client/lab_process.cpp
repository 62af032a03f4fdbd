#include "gui/client/lab_process.h"

#include <QCoreApplication>
#include <QDir>

namespace stackyard::gui {

QString stackyardProgram() {
  const QDir here(QCoreApplication::applicationDirPath());
  // The tests are one folder below.
  for (const char* place : {"stackyard", "../stackyard"})
    if (here.exists(QLatin1String(place))) return here.filePath(QLatin1String(place));
  return QStringLiteral("stackyard");
}

LabProcess::LabProcess(QObject* parent) : QObject(parent) {
  process_.setProcessChannelMode(QProcess::MergedChannels);
  connect(&process_, &QProcess::readyRead, this, &LabProcess::readWords);
  connect(&process_, &QProcess::finished, this, [this] {
    readWords();
    emit ended(said_.trimmed());
  });
  connect(&process_, &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
    if (error == QProcess::FailedToStart) emit ended(process_.errorString());
  });
}

LabProcess::~LabProcess() {
  process_.disconnect(this);
  stop();
}

void LabProcess::start(const QString& file) {
  said_.clear();
  ready_ = false;
  process_.start(
      stackyardProgram(),
      {QStringLiteral("serve"), file, QStringLiteral("--socket"),
       folder_.filePath(QStringLiteral("lab.sock")), QStringLiteral("--pace"),
       QStringLiteral("paused"), QStringLiteral("--out"), folder_.filePath(QStringLiteral("out"))});
}

void LabProcess::stop() {
  if (!isRunning()) return;
  process_.terminate();
  if (!process_.waitForFinished(3000)) process_.kill();
  process_.waitForFinished(1000);
}

void LabProcess::readWords() {
  said_ += QString::fromUtf8(process_.readAll());
  if (ready_ || !said_.contains(QStringLiteral("serving at"))) return;
  ready_ = true;
  emit ready(folder_.filePath(QStringLiteral("lab.sock")));
}

}  // namespace stackyard::gui
