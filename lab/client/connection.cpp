#include "lab/client/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace stackyard {

std::string socket_path(const std::string& option) {
  if (!option.empty()) return option;
  const char* const named = std::getenv("STACKYARD_SOCKET");
  return named ? named : "";
}

Connection::Connection(int fd) : channel_(fd) {}
Connection::~Connection() = default;

std::unique_ptr<Connection> Connection::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return nullptr;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return std::make_unique<Connection>(fd);
  const int why = errno;
  close(fd);
  errno = why;
  return nullptr;
}

void Connection::notify(const std::string& method, const Json& params) {
  channel_.send({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

std::optional<Json> Connection::read_one() {
  while (const auto line = channel_.next_line())
    if (auto message = parse_message(*line)) return message;
  return std::nullopt;
}

std::optional<Json> Connection::next(int timeout_ms) {
  if (!kept_.empty()) {
    Json first = std::move(kept_.front());
    kept_.erase(kept_.begin());
    return first;
  }
  for (;;) {
    if (auto message = read_one()) return message;
    if (lost_) return std::nullopt;
    pollfd item{channel_.fd(), short(POLLIN | (channel_.unsent() ? POLLOUT : 0)), 0};
    const int ready = poll(&item, 1, timeout_ms);
    if (ready == 0) return std::nullopt;
    channel_.flush();
    if (ready > 0 && (item.revents & (POLLIN | POLLHUP | POLLERR)) && !channel_.fill())
      lost_ = true;
    if (ready < 0 && errno == EINTR && timeout_ms >= 0) return std::nullopt;
  }
}

std::optional<Json> Connection::call(const std::string& method, const Json& params,
                                     std::string& error) {
  const uint64_t id = ++last_id_;
  channel_.send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
  std::vector<Json> others = std::exchange(kept_, {});
  std::optional<Json> result;
  while (auto message = next(-1)) {
    const bool answer = message->contains("id") && !message->contains("method") &&
                        message->at("id").is_number_unsigned() && message->at("id") == id;
    if (!answer) {
      others.push_back(std::move(*message));
      continue;
    }
    if (message->contains("result"))
      result = message->at("result");
    else
      error = message->at("error").value("message", "");
    break;
  }
  if (lost_) error = "the lab has ended";
  kept_ = std::move(others);
  return result;
}

}  // namespace stackyard
