// lab/api/channel.h - JSON messages over a stream socket, one a line; never blocks.
//
// The same between a client and the supervisor, and between the supervisor and the worker.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace stackyard {

using Json = nlohmann::json;

class Channel {
 public:
  static constexpr size_t line_max = 1 << 20;  // octets of a message

  explicit Channel(int fd);  // takes it over
  ~Channel();
  Channel(const Channel&) = delete;

  int fd() const { return fd_; }
  // Writes as much as goes now and keeps the rest for flush().
  void send(const Json& message);
  void send_line(std::string line);  // without its newline
  void flush();
  size_t unsent() const { return out_.size() - out_at_; }
  // Reads what has come. False: the other side is gone, and all that it said has been read.
  bool fill();
  // The next whole message.
  std::optional<std::string> next_line();
  // Octets of a message that is not complete yet.
  size_t partial() const { return in_.size() - in_at_; }
  bool broken() const { return broken_; }

 private:
  int fd_;
  std::string in_, out_;
  size_t in_at_ = 0, out_at_ = 0, searched_ = 0;
  bool broken_ = false;
};

// The message's text as one line; whatever is not UTF-8 in it is replaced.
std::string to_line(const Json& message);
// Null when it is no JSON.
std::optional<Json> parse_message(const std::string& line);

// RFC 4648 s4.
std::string to_base64(std::string_view octets);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace stackyard
