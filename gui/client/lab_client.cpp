#include "gui/client/lab_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <QPointer>
#include <QSocketNotifier>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace stackyard::gui {

LabClient::LabClient(QObject* parent) : QObject(parent) {}

LabClient::~LabClient() = default;

bool LabClient::open(const QString& path, QString& why) {
  const QByteArray name = path.toLocal8Bit();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= qsizetype(sizeof address.sun_path)) {
    why = tr("%1: the name is too long").arg(path);
    return false;
  }
  std::memcpy(address.sun_path, name.data(), size_t(name.size()));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    why = tr("%1: %2").arg(path, QString::fromLocal8Bit(std::strerror(errno)));
    if (fd >= 0) ::close(fd);
    return false;
  }
  channel_ = std::make_unique<Channel>(fd);
  ++connection_;
  reader_ = std::make_unique<QSocketNotifier>(fd, QSocketNotifier::Read);
  writer_ = std::make_unique<QSocketNotifier>(fd, QSocketNotifier::Write);
  writer_->setEnabled(false);
  connect(reader_.get(), &QSocketNotifier::activated, this, [this] { readable(); });
  connect(writer_.get(), &QSocketNotifier::activated, this, [this] {
    channel_->flush();
    writer_->setEnabled(channel_->unsent() > 0);
  });
  return true;
}

void LabClient::close() {
  reader_.reset();
  writer_.reset();
  channel_.reset();
  pending_.clear();
}

void LabClient::send(const Json& message) {
  if (!channel_) return;
  channel_->send(message);
  writer_->setEnabled(channel_->unsent() > 0);
}

void LabClient::call(const std::string& method, const Json& params, Answer answer,
                     Refusal refusal) {
  const uint64_t id = ++last_id_;
  pending_[id] = {std::move(answer), std::move(refusal)};
  send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

void LabClient::notify(const std::string& method, const Json& params) {
  send({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

void LabClient::reply(const Json& id, const Json& result) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

void LabClient::readable() {
  const bool there = channel_->fill();
  // Whoever hears a message may close this connection, or delete it.
  const QPointer<LabClient> self(this);
  while (self && channel_) {
    const auto line = channel_->next_line();
    if (!line) break;
    if (const auto message = parse_message(*line); message && message->is_object())
      handle(*message);
  }
  if (!self || !channel_ || (there && !channel_->broken())) return;
  // Not while its notifier is being served.
  reader_->setEnabled(false);
  QMetaObject::invokeMethod(
      this,
      [this] {
        if (!channel_) return;
        close();
        emit lost();
      },
      Qt::QueuedConnection);
}

void LabClient::handle(const Json& message) {
  if (message.contains("method")) {
    emit told(QString::fromStdString(message.value("method", "")), message);
    return;
  }
  const Json id = message.value("id", Json());
  const auto found = id.is_number_unsigned() ? pending_.find(id.get<uint64_t>()) : pending_.end();
  if (found == pending_.end()) return;
  const Pending pending = std::move(found->second);
  pending_.erase(found);
  if (message.contains("result")) {
    if (pending.answer) pending.answer(message["result"]);
    return;
  }
  const Json error = message.value("error", Json::object());
  const QString why = QString::fromStdString(error.value("message", "refused"));
  if (pending.refusal)
    pending.refusal(why);
  else
    emit refused(why);
}

}  // namespace stackyard::gui
