#include "gui/client/remote_shell.h"

#include <nlohmann/json.hpp>

namespace stackyard::gui {

RemoteShell::RemoteShell(const QString& socket, QString at, QObject* parent)
    : QObject(parent), socket_(socket), at_(std::move(at)) {
  connect(&client_, &LabClient::told, this, &RemoteShell::told);
  connect(&client_, &LabClient::lost, this, [this] {
    if (running_) end(255);
  });
}

void RemoteShell::run(const QString& line) {
  QString why;
  running_ = true;
  waiting_.clear();
  wanted_ = input_ends_ = false;
  if (!open(why)) {
    emit output(why + QLatin1Char('\n'));
    return end(255);
  }
  const auto refused = [this](const QString& reason) {
    emit output(reason + QLatin1Char('\n'));
    end(255);
  };
  client_.call("process.start",
               {{"at", at_.toStdString()}, {"args", {"sh", "-c", line.toStdString()}}}, {},
               refused);
}

bool RemoteShell::open(QString& why) { return client_.isOpen() || client_.open(socket_, why); }

// The protocol counts octets, Qt its own characters.
void RemoteShell::complete(const QString& line, int cursor, Completed done) {
  QString why;
  if (!open(why)) return;
  client_.call(
      "lab.complete",
      {{"at", at_.toStdString()},
       {"line", line.toStdString()},
       {"cursor", line.left(cursor).toUtf8().size()}},
      [done = std::move(done)](const Json& found) {
        const std::string completed = found.at("line").get<std::string>();
        QStringList choices;
        for (const Json& each : found.at("choices"))
          choices.append(QString::fromStdString(each.get<std::string>()));
        const std::string before = completed.substr(0, found.at("cursor").get<size_t>());
        done(QString::fromStdString(completed), int(QString::fromStdString(before).size()),
             choices);
      },
      [](const QString&) {});
}

void RemoteShell::input(const QByteArray& octets, bool ends) {
  waiting_ += octets;
  input_ends_ |= ends;
  if (!running_ || !wanted_ || (waiting_.isEmpty() && !input_ends_)) return;
  wanted_ = false;
  client_.notify("process.input", {{"data", to_base64({waiting_.data(), size_t(waiting_.size())})},
                                   {"end", input_ends_}});
  waiting_.clear();
}

void RemoteShell::interrupt() {
  if (running_) client_.notify("process.signal", {{"signal", "INT"}});
}

void RemoteShell::told(const QString& method, const Json& message) {
  const Json params = message.value("params", Json::object());
  if (method == QLatin1String("process.output")) {
    const auto octets = from_base64(params.value("data", ""));
    if (!octets) return;
    client_.notify("process.ack", {{"stream", params.at("stream")}, {"octets", octets->size()}});
    emit output(QString::fromUtf8(octets->data(), qsizetype(octets->size())));
  } else if (method == QLatin1String("process.want_input")) {
    wanted_ = true;
    input({}, false);
  } else if (method == QLatin1String("sync")) {
    client_.reply(message.value("id", Json()), Json::object());
  } else if (method == QLatin1String("process.exit")) {
    end(params.value("status", 0));
  }
}

void RemoteShell::end(int status) {
  running_ = false;
  emit ended(status);
}

}  // namespace stackyard::gui
