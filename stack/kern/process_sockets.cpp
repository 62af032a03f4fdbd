// stack/kern/process_sockets.cpp - system calls on sockets.
#include "stack/kern/process.h"

#include "stack/kern/machine.h"

namespace stackyard {

Result<SocketOps*> Process::socket_of(Fd fd) const {
  const auto found = TRY(file(fd));
  if (!found->socket()) return Errno::enotsock;
  return found->socket();
}

Call<Fd> Process::socket(Af family, SocketType type, int protocol) {
  if (descriptors_.size() >= descriptors_max) return call<Fd>(Errno::emfile);
  if (family == Af::inet && jail_->settings().ip4 == JailSystem::disable)
    return call<Fd>(Errno::eprotonosupport);
  if (type == SocketType::raw && !jail_->may_configure_network() &&
      !jail_->may(jail_allow::raw_sockets))
    return call<Fd>(Errno::eperm);
  auto made = jail_->vnet().socket(family, type, protocol);
  if (!made) return call<Fd>(made.error());
  if (fib_ != 0) (void)(*made)->set_option(SocketOption::so_setfib, fib_);
  return call<Fd>(add_descriptor(std::make_shared<SocketFile>(std::move(*made), &jail_->vnet())));
}

Call<void> Process::bind(Fd fd, SockAddr address) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->bind(address) : Result<>(socket.error()));
}

Call<void> Process::connect(Fd fd, SockAddr address) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->connect(address) : Result<>(socket.error()));
}

Call<size_t> Process::send(Fd fd, std::vector<uint8_t> octets, SendOptions options) {
  const auto socket = socket_of(fd);
  if (!socket) return call<size_t>(socket.error());
  const Result<size_t> first = (*socket)->send(octets, options);
  if (first || first.error() != Errno::eagain || options.dont_wait) return call<size_t>(first);
  return {*this,
          retry<size_t>(*file(fd), SimTime(), [octets = std::move(octets), options](OpenFile& f) {
            return f.socket()->send(octets, options);
          })};
}

Call<Received> Process::receive(Fd fd, size_t max) {
  const auto socket = socket_of(fd);
  if (!socket) return call<Received>(socket.error());
  const auto limit = (*socket)->get_option(SocketOption::so_rcvtimeo);
  const SimTime timeout(limit ? limit->number : 0);
  Result<Received> first = (*socket)->receive(max);
  if (first || first.error() != Errno::eagain) return call<Received>(std::move(first));
  return {*this, retry<Received>(*file(fd), timeout,
                                 [max](OpenFile& f) { return f.socket()->receive(max); })};
}

Call<void> Process::set_option(Fd fd, SocketOption option, OptionValue value) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->set_option(option, value) : Result<>(socket.error()));
}

Call<OptionValue> Process::get_option(Fd fd, SocketOption option) {
  const auto socket = socket_of(fd);
  if (!socket) return call<OptionValue>(socket.error());
  return call<OptionValue>((*socket)->get_option(option));
}

Result<SockAddr> Process::local_name(Fd fd) const { return TRY(socket_of(fd))->local_name(); }
Result<SockAddr> Process::peer_name(Fd fd) const { return TRY(socket_of(fd))->peer_name(); }
std::vector<SocketInfo> Process::sockets() const { return machine_.sockets(*jail_); }

}  // namespace stackyard
