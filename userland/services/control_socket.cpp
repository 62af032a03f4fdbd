#include "userland/services/control_socket.h"

#include "core/base/text.h"

namespace stackyard {

Task<bool> ControlSocket::open(std::string path) {
  path_ = std::move(path);
  fd_ = co_await sys_.socket(Af::local, SocketType::stream).or_err(1, "socket");
  (void)sys_.remove(path_);
  const SockAddr name = SockAddr::local(path_);
  const Result<> bound = co_await sys_.bind(fd_, name);
  if (bound) co_await sys_.listen(fd_, 5).or_warn("listen");
  co_return bool(bound);
}

void ControlSocket::remove() { (void)sys_.remove(path_); }

Task<std::optional<std::vector<std::string>>> ControlSocket::take() {
  const Result<Accepted> caller = co_await sys_.accept(fd_);
  if (!caller) co_return std::nullopt;
  caller_ = caller->fd;
  const Result<Received> got = co_await sys_.receive(caller_, 4096);
  if (got) co_return split_words(std::string(got->octets.begin(), got->octets.end()));
  co_await sys_.close(caller_);
  co_return std::nullopt;
}

Task<void> ControlSocket::answer(std::string words) {
  const std::vector<uint8_t> octets(words.begin(), words.end());
  if (!octets.empty()) (void)co_await sys_.send(caller_, octets);
  co_await sys_.close(caller_);
}

Task<Result<std::string>> ask_daemon(Sys& sys, std::string path, std::vector<std::string> words) {
  const Fd fd = co_await sys.socket(Af::local, SocketType::stream).or_err(1, "socket");
  const SockAddr name = SockAddr::local(path);
  const Result<> connected = co_await sys.connect(fd, name);
  if (!connected) co_return connected.error();
  const std::string line = join(words, " ");
  const std::vector<uint8_t> octets(line.begin(), line.end());
  co_await sys.send(fd, octets).or_err(1, "send");
  std::string answer;
  for (;;) {
    const Result<Received> got = co_await sys.receive(fd, 65536);
    if (!got || got->octets.empty()) break;
    answer.append(got->octets.begin(), got->octets.end());
  }
  co_return answer;
}

}  // namespace stackyard
