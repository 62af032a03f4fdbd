#include "lab/api/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

namespace stackyard {

Channel::Channel(int fd) : fd_(fd) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
  fcntl(fd_, F_SETFD, FD_CLOEXEC);
}

Channel::~Channel() { close(fd_); }

void Channel::send(const Json& message) { send_line(to_line(message)); }

void Channel::send_line(std::string line) {
  if (broken_) return;
  if (out_at_ == out_.size()) {
    out_.clear();
    out_at_ = 0;
  }
  out_ += line;
  out_ += '\n';
  flush();
}

void Channel::flush() {
  while (!broken_ && out_at_ < out_.size()) {
    const ssize_t sent =
        ::send(fd_, out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      out_at_ += size_t(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno != EINTR) {
      broken_ = true;
      out_at_ = out_.size();
    }
  }
}

bool Channel::fill() {
  std::array<char, 65536> chunk;
  if (in_at_ > chunk.size()) {
    in_.erase(0, in_at_);
    searched_ -= in_at_;
    in_at_ = 0;
  }
  for (;;) {
    const ssize_t got = recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got > 0) {
      in_.append(chunk.data(), size_t(got));
      if (size_t(got) < chunk.size()) return true;
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else {
      return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
  }
}

std::optional<std::string> Channel::next_line() {
  const size_t end = in_.find('\n', std::max(in_at_, searched_));
  if (end == in_.npos) {
    searched_ = in_.size();
    return std::nullopt;
  }
  std::string line = in_.substr(in_at_, end - in_at_);
  in_at_ = searched_ = end + 1;
  return line;
}

std::string to_line(const Json& message) {
  return message.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Json> parse_message(const std::string& line) {
  Json message = Json::parse(line, nullptr, false);
  if (message.is_discarded()) return std::nullopt;
  return message;
}

namespace {
constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string to_base64(std::string_view octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);
  for (size_t i = 0; i < octets.size(); i += 3) {
    const size_t here = std::min<size_t>(3, octets.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < here ? uint8_t(octets[i + k]) : uint8_t(0));
    for (size_t k = 0; k < 4; ++k) text += k <= here ? letters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4) return std::nullopt;
  std::string octets;
  octets.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t bits = 0;
    size_t here = 4;
    for (size_t k = 0; k < 4; ++k) {
      const char c = text[i + k];
      const size_t value = letters.find(c);
      if (c == '=' && i + 4 == text.size() && k >= 2) {
        here = std::min(here, k);
      } else if (value == letters.npos || here < 4) {
        return std::nullopt;
      }
      bits = bits << 6 | uint32_t(c == '=' ? 0 : value);
    }
    for (size_t k = 0; k + 1 < here; ++k) octets += char(bits >> (16 - 8 * k));
  }
  return octets;
}

}  // namespace stackyard
