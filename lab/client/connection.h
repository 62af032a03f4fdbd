// lab/client/connection.h - a client's connection to a served lab: requests, and what comes
// unasked.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lab/api/channel.h"

namespace stackyard {

// Where the lab is: the option, else STACKYARD_SOCKET; empty: nobody said.
std::string socket_path(const std::string& option);

class Connection {
 public:
  // Null: nobody listens there; errno says why.
  static std::unique_ptr<Connection> open(const std::string& path);
  explicit Connection(int fd);
  ~Connection();

  Channel& channel() { return channel_; }
  void notify(const std::string& method, const Json& params);
  // Waits for the answer; other messages are kept for next(). Its "result", or nothing after an
  // error, whose text `error` then has.
  std::optional<Json> call(const std::string& method, const Json& params, std::string& error);
  // The next message that has come whole; waits so many milliseconds for it (-1: forever).
  std::optional<Json> next(int timeout_ms);
  bool lost() const { return lost_; }

 private:
  std::optional<Json> read_one();

  Channel channel_;
  std::vector<Json> kept_;  // in the order they came
  uint64_t last_id_ = 0;
  bool lost_ = false;
};

}  // namespace stackyard
