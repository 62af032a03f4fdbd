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
  if (family == Af::inet && jail_->settings().ip4 == JailSystem::disable)
    return call<Fd>(Errno::eprotonosupport);
  if (family == Af::inet6 && jail_->settings().ip6 == JailSystem::disable)
    return call<Fd>(Errno::eprotonosupport);
  if (type == SocketType::raw && family != Af::route && !jail_->may_configure_network() &&
      !jail_->may(jail_allow::raw_sockets))
    return call<Fd>(Errno::eperm);
  auto made = jail_->vnet().socket(family, type, protocol);
  if (!made) return call<Fd>(made.error());
  if (!jail_->has_own_vnet()) (*made)->set_jail(jail_->id());
  (*made)->set_owner(pid_);
  if (fib_ != 0) (void)(*made)->set_option(SocketOption::so_setfib, fib_);
  return call<Fd>(new_socket(std::move(*made)));
}

// Unix-domain sockets belong to no vnet: they may outlive the one where they were made.
Result<Fd> Process::new_socket(std::unique_ptr<SocketOps> ops, Blocking blocking) {
  Vnet* vnet = ops->local() ? nullptr : &jail_->vnet();
  auto file = std::make_shared<SocketFile>(std::move(ops), vnet);
  file->set_blocking(blocking);
  return new_descriptor(std::move(file));
}

Call<std::pair<Fd, Fd>> Process::socket_pair(Af family, SocketType type, int protocol) {
  using Ends = std::pair<Fd, Fd>;
  auto one = jail_->vnet().socket(family, type, protocol);
  auto other = jail_->vnet().socket(family, type, protocol);
  if (!one || !other) return call<Ends>(one ? other.error() : one.error());
  if (!(*one)->local()) return call<Ends>(Errno::eopnotsupp);
  (*one)->local()->act_as(credentials());
  (*other)->local()->act_as(credentials());
  const Result<> joined = (*one)->local()->pair_with(*(*other)->local());
  if (!joined) return call<Ends>(joined.error());
  const Result<Fd> first = new_socket(std::move(*one));
  if (!first) return call<Ends>(first.error());
  const Result<Fd> second = new_socket(std::move(*other));
  if (!second) {
    (void)close(*first);
    return call<Ends>(second.error());
  }
  return call<Ends>(Ends(*first, *second));
}

// --- names -------------------------------------------------------------------------------------

// What a path names, as this process sees the file system.
Result<LocalSocketOps*> Process::local_named(const SockAddr& address) const {
  const std::string path = address.path.str();
  if (address.family() != Af::local) return Errno::eafnosupport;
  if (path.empty()) return Errno::einval;
  if (path.size() > local_path_max) return Errno::enametoolong;
  const auto node = TRY(machine_.files().find(absolute(path)));
  if (!node->is_socket) return Errno::enotsock;
  if (!node->bound) return Errno::econnrefused;
  return node->bound;
}

Result<> Process::bind_local(LocalSocketOps& socket, const SockAddr& address) {
  if (address.family() != Af::local || address.path.empty()) return Errno::einval;
  if (!socket.local_name().path.empty()) return Errno::einval;
  if (address.path.str().size() > local_path_max) return Errno::enametoolong;
  const std::string path = absolute(address.path.str());
  // A client's own folders are there, although the machine has not seen them yet.
  if (client_ && client_->owns(FileSystem::resolve(folder_, address.path.str())))
    TRY(machine_.files().make_folders_of(path));
  auto node = TRY(machine_.files().make_socket(path));
  socket.act_as(credentials());
  return socket.bind_to(std::move(node), address);
}

Call<void> Process::bind(Fd fd, SockAddr address) {
  const auto socket = socket_of(fd);
  if (!socket) return call<void>(socket.error());
  if (LocalSocketOps* local = (*socket)->local()) return call<void>(bind_local(*local, address));
  return call<void>((*socket)->bind(address));
}

Call<void> Process::connect(Fd fd, SockAddr address) {
  const auto socket = socket_of(fd);
  if (!socket) return call<void>(socket.error());
  if (LocalSocketOps* local = (*socket)->local()) {
    const auto named = local_named(address);
    if (!named) return call<void>(named.error());
    local->act_as(credentials());
    return call<void>(local->connect_to(**named));
  }
  const Result<> started = (*socket)->connect(address);
  const auto opened = *file(fd);
  const bool under_way = !started && started.error() == Errno::einprogress;
  if (!under_way || opened->blocking() == Blocking::no) return call<void>(started);
  return {*this,
          retry<void>(opened, SimTime(), [](OpenFile& f) { return f.socket()->connect_result(); })};
}

Call<void> Process::listen(Fd fd, int backlog) {
  const auto socket = socket_of(fd);
  if (!socket) return call<void>(socket.error());
  if (LocalSocketOps* local = (*socket)->local()) local->act_as(credentials());
  return call<void>((*socket)->listen(backlog));
}

Task<Result<Accepted>> Process::accept_task(std::shared_ptr<OpenFile> file, Blocking blocking) {
  using Taken = std::unique_ptr<SocketOps>;
  const bool wait = file->blocking() == Blocking::yes;
  const auto take = [](OpenFile& f) { return f.socket()->accept(); };
  Result<Taken> taken = take(*file);
  if (!taken && taken.error() == Errno::eagain && wait)
    taken = co_await retry<Taken>(file, SimTime(), take);
  if (!taken) co_return taken.error();
  Accepted accepted;
  accepted.from = (*taken)->peer_name();
  const Result<Fd> fd = new_socket(std::move(*taken), blocking);
  if (!fd) co_return fd.error();
  accepted.fd = *fd;
  co_return accepted;
}

Call<Accepted> Process::accept(Fd fd, Blocking of_the_new_one) {
  const auto socket = socket_of(fd);
  if (!socket) return call<Accepted>(socket.error());
  return {*this, accept_task(*file(fd), of_the_new_one)};
}

Call<void> Process::shutdown(Fd fd, ShutdownHow how) {
  const auto socket = socket_of(fd);
  return call<void>(socket ? (*socket)->shutdown(how) : Result<>(socket.error()));
}

// --- sending -----------------------------------------------------------------------------------

// One attempt; what goes along with the octets of a unix-domain socket is looked up each time.
Result<size_t> Process::send_once(SocketOps& socket, Bytes octets, const SendOptions& options) {
  LocalSocketOps* local = socket.local();
  if (!local) return socket.send(octets, options);
  LocalSocketOps* to = options.to ? TRY(local_named(*options.to)) : nullptr;
  LocalMessage along;
  for (Fd fd : options.descriptors) along.files.push_back(TRY(file(fd)));
  if (options.credentials) along.credentials = credentials();
  local->act_as(credentials());
  return local->send_message(to, octets, along);
}

// Streams take all of it, however long that needs; a record is one attempt that succeeds.
Task<Result<size_t>> Process::send_task(std::shared_ptr<OpenFile> file, std::vector<uint8_t> octets,
                                        SendOptions options) {
  const SimTime timeout = time_option(*file->socket(), SocketOption::so_sndtimeo);
  size_t done = 0;
  do {
    const Bytes rest = Bytes(octets).subspan(done);
    const auto attempt = [&](OpenFile& f) { return send_once(*f.socket(), rest, options); };
    const Result<size_t> sent = co_await retry<size_t>(file, timeout, attempt);
    if (!sent && sent.error() == Errno::epipe && !options.no_signal) signal(Signal::pipe);
    if (!sent && done > 0) break;
    if (!sent) co_return sent.error();
    done += *sent;
    options.descriptors.clear();
  } while (done < octets.size());
  co_return done;
}

Call<size_t> Process::send(Fd fd, std::vector<uint8_t> octets, SendOptions options) {
  const auto socket = socket_of(fd);
  if (!socket) return call<size_t>(socket.error());
  const Result<size_t> first = send_once(**socket, octets, options);
  const auto opened = *file(fd);
  if (!first && first.error() == Errno::epipe && !options.no_signal) {
    const auto quiet = (*socket)->get_option(SocketOption::so_nosigpipe);
    if (!quiet || !quiet->number) signal(Signal::pipe);
    return {*this, signalled_task<size_t>(Errno::epipe)};
  }
  const bool wait = !options.dont_wait && opened->blocking() == Blocking::yes;
  const bool partly = first && *first < octets.size() && (*socket)->type() == SocketType::stream;
  const bool full = !first && first.error() == Errno::eagain;
  if (!wait || !(full || partly)) return call<size_t>(first);
  if (!partly) return {*this, send_task(opened, std::move(octets), std::move(options))};
  const size_t sent = *first;
  octets.erase(octets.begin(), octets.begin() + long(sent));
  options.descriptors.clear();
  return {*this, rest_task(send_task(opened, std::move(octets), std::move(options)), sent)};
}

Task<Result<size_t>> Process::rest_task(Task<Result<size_t>> rest, size_t before) {
  const Result<size_t> sent = co_await std::move(rest);
  co_return before + sent.value_or(0);
}

// --- receiving ---------------------------------------------------------------------------------

Result<Received> Process::receive_once(SocketOps& socket, size_t max,
                                       const ReceiveOptions& options) {
  LocalSocketOps* local = socket.local();
  if (!local) return socket.receive(max, options);
  LocalMessage along;
  Received got = TRY(local->receive_message(max, options, along));
  if (along.empty()) return got;
  got.control = std::make_unique<Ancillary>();
  got.control->credentials = along.credentials;
  for (auto& file : along.files) {
    const Result<Fd> fd = new_descriptor(std::move(file));
    if (fd)
      got.control->descriptors.push_back(*fd);
    else
      got.control->cut = true;  // closed, since this process has no room for it
  }
  return got;
}

Task<Result<Received>> Process::receive_task(std::shared_ptr<OpenFile> file, size_t max,
                                             ReceiveOptions options) {
  SocketOps& socket = *file->socket();
  const SimTime timeout = time_option(socket, SocketOption::so_rcvtimeo);
  const auto attempt = [&](OpenFile& f) { return receive_once(*f.socket(), max, options); };
  Result<Received> got = co_await retry<Received>(file, timeout, attempt);
  const bool all = options.wait_all && !options.peek && socket.type() == SocketType::stream;
  while (got && all && !got->octets.empty() && got->octets.size() < max) {
    const size_t left = max - got->octets.size();
    const auto more = [&](OpenFile& f) { return receive_once(*f.socket(), left, options); };
    Result<Received> rest = co_await retry<Received>(file, timeout, more);
    if (!rest || rest->octets.empty()) break;
    got->octets.insert(got->octets.end(), rest->octets.begin(), rest->octets.end());
    got->length = got->octets.size();
    if (rest->control) got->control = std::move(rest->control);
  }
  co_return got;
}

Call<Received> Process::receive(Fd fd, size_t max, ReceiveOptions options) {
  const auto socket = socket_of(fd);
  if (!socket) return call<Received>(socket.error());
  const auto opened = *file(fd);
  // soreceive_rcvoob: nobody waits for an urgent octet.
  const bool may_wait = !options.dont_wait && !options.out_of_band;
  const bool wait = may_wait && opened->blocking() == Blocking::yes;
  if (wait && options.wait_all) return {*this, receive_task(opened, max, options)};
  Result<Received> first = receive_once(**socket, max, options);
  if (first || first.error() != Errno::eagain || !wait) return call<Received>(std::move(first));
  return {*this, receive_task(opened, max, options)};
}

// --- the rest ----------------------------------------------------------------------------------

SimTime Process::time_option(SocketOps& socket, SocketOption option) {
  const auto value = socket.get_option(option);
  return SimTime(value ? value->number : 0);
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

Result<Credentials> Process::peer_credentials(Fd fd) const {
  SocketOps* socket = TRY(socket_of(fd));
  if (!socket->local()) return Errno::enoprotoopt;
  return socket->local()->peer_credentials();
}

Result<SockAddr> Process::local_name(Fd fd) const { return TRY(socket_of(fd))->local_name(); }
Result<SockAddr> Process::peer_name(Fd fd) const { return TRY(socket_of(fd))->peer_name(); }
std::vector<SocketInfo> Process::sockets() const { return machine_.sockets(*jail_); }

}  // namespace stackyard
