#include "gui/model/live_capture.h"

#include <nlohmann/json.hpp>

#include "core/capture/capture_file.h"
#include "lab/api/channel.h"

namespace stackyard::gui {

namespace {

constexpr qint64 unread_most = 64 << 20;  // a reader that is slower loses frames

}  // namespace

QStringList LiveCapture::wiresharkArguments(const QString& title) {
  return {QStringLiteral("-k"), QStringLiteral("-i"), QStringLiteral("-"), QStringLiteral("-o"),
          QStringLiteral("gui.window_title:%1").arg(title)};
}

LiveCapture::LiveCapture(LabClient& client, const QString& on, const QString& program,
                         const QStringList& arguments, QObject* parent)
    : QObject(parent),
      subscription_(
          client, QStringLiteral("packet"), {{"what", "packets"}, {"on", on.toStdString()}},
          [this](const Json& params) { take(params); },
          [this](const QString& why) {
            emit failed(why);
            stop();
          }) {
  file_ = CaptureFile::to_memory(octets_, false);
  file_->add_interface(on.toStdString(), LinkType::ethernet, 262144);
  connect(&process_, &QProcess::errorOccurred, this, [this, program](QProcess::ProcessError error) {
    if (error != QProcess::FailedToStart) return;
    emit failed(tr("%1 cannot be started: is it installed? The packets can be saved instead.")
                    .arg(program));
    deleteLater();
  });
  connect(&process_, &QProcess::finished, this, [this] {
    emit ended();
    deleteLater();
  });
  process_.start(program, arguments);
  pass();
}

LiveCapture::~LiveCapture() {
  process_.disconnect(this);
  process_.closeWriteChannel();
  process_.waitForFinished(200);
}

// No more comes: what is there stays to be looked at.
void LiveCapture::stop() {
  pass();
  process_.closeWriteChannel();
}

void LiveCapture::take(const Json& params) {
  const auto octets = from_base64(params.at("data").get<std::string>());
  if (!octets || process_.bytesToWrite() > unread_most) return;
  file_->write({.interface = 0,
                .time = SimTime(params.at("time").get<int64_t>()),
                .length = params.at("length").get<uint32_t>(),
                .octets = Bytes(reinterpret_cast<const uint8_t*>(octets->data()), octets->size()),
                .outbound = params.value("outbound", false),
                .packet = params.at("id").get<uint64_t>()});
  pass();
}

void LiveCapture::pass() {
  (void)file_->flush();
  if (octets_.empty()) return;
  process_.write(octets_.data(), qint64(octets_.size()));
  octets_.clear();
}

}  // namespace stackyard::gui
