// gui/client/lab_client.h - one connection to a served lab, in the window's event loop: nothing
// here blocks, answers come to functions, and what is told unasked comes as a signal.
#pragma once

#include <QObject>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lab/api/channel.h"

class QSocketNotifier;

namespace stackyard::gui {

class LabClient final : public QObject {
  Q_OBJECT
 public:
  using Answer = std::function<void(const Json& result)>;
  using Refusal = std::function<void(const QString& why)>;

  explicit LabClient(QObject* parent = nullptr);
  ~LabClient() override;
  // False: nobody listens there, and `why`.
  bool open(const QString& path, QString& why);
  bool isOpen() const { return channel_ != nullptr; }
  // How often one was opened: another number is another lab's.
  uint64_t connection() const { return connection_; }
  // One of them is called, later; neither, once the connection is lost or this is gone.
  void call(const std::string& method, const Json& params, Answer answer = {},
            Refusal refusal = {});
  void notify(const std::string& method, const Json& params);
  // Answers a request of the server's.
  void reply(const Json& id, const Json& result);
  void close();

 signals:
  // A message with a method: a notification or, with an id, a request.
  void told(const QString& method, const stackyard::Json& message);
  void lost();
  // A refusal that nobody else wanted to hear.
  void refused(const QString& why);

 private:
  struct Pending {
    Answer answer;
    Refusal refusal;
  };
  void readable();
  void send(const Json& message);
  void handle(const Json& message);

  std::unique_ptr<Channel> channel_;
  std::unique_ptr<QSocketNotifier> reader_, writer_;
  std::map<uint64_t, Pending> pending_;
  uint64_t last_id_ = 0, connection_ = 0;
};

}  // namespace stackyard::gui
