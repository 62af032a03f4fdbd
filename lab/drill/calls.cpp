#include "lab/drill/calls.h"

#include <algorithm>

#include "core/base/text.h"
#include "lab/drill/symbols.h"

namespace stackyard::drill {

using Kind = Expression::Kind;

const Calls::Entry Calls::entries[] = {
    {"socket", &Calls::socket},
    {"bind", &Calls::bind},
    {"listen", &Calls::listen},
    {"accept", &Calls::accept},
    {"accept4", &Calls::accept},
    {"connect", &Calls::connect},
    {"close", &Calls::close},
    {"shutdown", &Calls::shutdown},
    {"fcntl", &Calls::fcntl},
    {"ioctl", &Calls::ioctl},
    {"poll", &Calls::poll},
    {"open", &Calls::open},
    {"pipe", &Calls::pipe},
    {"setsockopt", &Calls::set_option},
    {"getsockopt", &Calls::get_option},
    {"read", &Calls::read},
    {"readv", &Calls::read},
    {"recv", &Calls::receive},
    {"recvfrom", &Calls::receive},
    {"recvmsg", &Calls::receive_message},
    {"write", &Calls::write},
    {"writev", &Calls::write},
    {"send", &Calls::send},
    {"sendto", &Calls::send},
    {"sendmsg", &Calls::send_message},
    {"sendfile", &Calls::send_file},
};

bool Calls::start(const CallSpec& call, int line, SimTime limit) {
  call_ = call;
  line_ = line;
  wrong_.clear();
  thrown_ = nullptr;
  return world_.run_call([this](Process& process) { return make(process); }, limit);
}

Task<void> Calls::make(Process& process) {
  try {
    const auto found = std::find_if(std::begin(entries), std::end(entries),
                                    [&](const Entry& e) { return call_.name == e.name; });
    if (found == std::end(entries)) {
      const std::string& name = call_.name;
      const bool known = name.starts_with("sctp_") || name.starts_with("epoll_") ||
                         name == "splice" || name == "cap_set";
      if (known) throw Skip{line_, name + "() is not in this build yet"};
      fail("Unknown system call: '" + name + "'");
    }
    Made made = (this->*found->method)(process);
    result_ = co_await std::move(made);
  } catch (...) {
    thrown_ = std::current_exception();
  }
}

std::string Calls::verdict() {
  if (thrown_) std::rethrow_exception(thrown_);
  const int64_t actual = result_ ? *result_ : -1;
  const std::string got =
      result_ ? text("{}", actual)
              : text("-1 {} ({})", errno_name(result_.error()), errno_text(result_.error()));
  const Expression& e = call_.result;
  const bool fails = !call_.error.empty() && number(e) == -1;
  if (fails) {
    const auto error = errno_named(call_.error);
    if (!error) fail("\"" + call_.error + "\" is no errno");
    if (result_ || result_.error() != *error)
      return text("{}: expected -1 {}, got {}", call_.name, call_.error, got);
    return "";
  }
  if (!e.is_any() && number(e) != actual)
    return text("{}: expected {}, got {}", call_.name, to_text(e), got);
  if (e.is_any() && !result_) return text("{}: failed with {}", call_.name, got);
  return wrong_.empty() ? "" : call_.name + ": " + wrong_;
}

// --- sockets -----------------------------------------------------------------------------------

Calls::Made Calls::socket(Process& p) {
  const bool v4 = settings_.version == Settings::Version::ipv4;
  const Af family = argument(0).is_any() ? (v4 ? Af::inet : Af::inet6) : Af(number(0));
  const int64_t type = number(1), nonblocking = *symbol("SOCK_NONBLOCK");
  const int64_t plain = type & ~(nonblocking | *symbol("SOCK_CLOEXEC"));
  const int protocol = call_.arguments.size() > 2 ? int(number(2)) : 0;
  if (protocol == 132 || protocol == 136)
    throw Skip{line_, text("protocol {} is not in this build yet", protocol)};
  const Result<Fd> made = co_await p.socket(family, SocketType(plain), protocol);
  if (!made) co_return made.error();
  if (type & nonblocking) (void)p.set_blocking(*made, Blocking::no);
  latest_ = *made;
  co_return learn(*made);
}

// A datagram socket has a conversation as soon as it has a name.
void Calls::follow_datagrams(Process& p, Fd socket, uint16_t remote_port) {
  const auto file = p.file(socket);
  if (!file || !(*file)->socket() || (*file)->socket()->type() != SocketType::datagram) return;
  connection_ = {};
  connection_.state = Connection::State::open;
  connection_.protocol = 17;
  connection_.local = world_.places().local;
  connection_.remote = world_.places().remote.address;
  connection_.local_port = p.local_name(socket)->port;
  connection_.remote_port = remote_port;
}

Calls::Made Calls::bind(Process& p) {
  const Fd socket = fd(0);
  const SockAddr at = address(argument(1), true);
  const Result<> done = co_await p.bind(socket, at);
  if (!done) co_return done.error();
  follow_datagrams(p, socket, settings_.connect_port);
  co_return 0;
}

Calls::Made Calls::listen(Process& p) {
  const Fd socket = fd(0);
  const Result<> done = co_await p.listen(socket, int(number(1)));
  if (!done) co_return done.error();
  if (connection_.state == Connection::State::none) {
    connection_.state = Connection::State::listening;
    connection_.local_port = p.local_name(socket)->port;
  }
  co_return 0;
}

Calls::Made Calls::accept(Process& p) {
  const bool nonblocking = call_.arguments.size() > 3 && number(3) & *symbol("SOCK_NONBLOCK");
  const Blocking blocking = nonblocking ? Blocking::no : Blocking::yes;
  const Result<Accepted> taken = co_await p.accept(fd(0), blocking);
  if (!taken) co_return taken.error();
  if (call_.arguments.size() > 1) compare_address(taken->from, argument(1));
  latest_ = taken->fd;
  co_return learn(taken->fd);
}

// A stream that is about to be connected.
void Calls::follow_stream(Process& p, Fd socket, const SockAddr& to) {
  using State = Connection::State;
  const auto file = p.file(socket);
  if (!file || !(*file)->socket() || (*file)->socket()->type() != SocketType::stream) return;
  const bool free = connection_.state == State::none || connection_.state == State::listening ||
                    (*file)->socket()->state_name() == "CLOSED";
  if (!free) return;
  connection_ = {};
  connection_.state = State::connecting;
  connection_.local = world_.places().local;
  connection_.remote = world_.places().remote.address;
  connection_.remote_port = to.port;
  latest_ = socket;
}

Calls::Made Calls::connect(Process& p) {
  const Fd socket = fd(0);
  const SockAddr to = address(argument(1), false);
  follow_stream(p, socket, to);
  const Result<> done = co_await p.connect(socket, to);
  if (!done) co_return done.error();
  follow_datagrams(p, socket, to.port);
  co_return 0;
}

Calls::Made Calls::close(Process& p) {
  const Fd which = fd(0);
  const Result<> done = co_await p.close(which);
  if (!done) co_return done.error();
  if (latest_ == which) latest_.reset();
  std::erase_if(descriptors_, [&](const auto& entry) { return entry.second == which; });
  co_return 0;
}

Calls::Made Calls::shutdown(Process& p) {
  const int64_t how = number(1);
  if (how < 0 || how > 2) co_return Errno::einval;
  const Result<> done = co_await p.shutdown(fd(0), ShutdownHow(how));
  if (!done) co_return done.error();
  co_return 0;
}

// --- descriptors -------------------------------------------------------------------------------

Calls::Made Calls::fcntl(Process& p) {
  const Fd which = fd(0);
  const auto file = p.file(which);
  if (!file) co_return file.error();
  const int64_t command = number(1), nonblock = *symbol("O_NONBLOCK");
  if (command == *symbol("F_GETFL"))
    co_return *symbol("O_RDWR") | ((*file)->blocking() == Blocking::no ? nonblock : 0);
  if (command == *symbol("F_SETFL")) {
    (void)p.set_blocking(which, number(2) & nonblock ? Blocking::no : Blocking::yes);
    co_return 0;
  }
  if (command == *symbol("F_GETFD") || command == *symbol("F_SETFD")) co_return 0;
  throw Skip{line_, text("fcntl's {} is not in this build", to_text(argument(1)))};
}

Calls::Made Calls::ioctl(Process& p) {
  const Fd which = fd(0);
  const auto file = p.file(which);
  if (!file) co_return file.error();
  const int64_t command = number(1);
  const auto tell = [&](int64_t value) {
    if (call_.arguments.size() > 2 && !argument(2).is_any() && number(2) != value)
      wrong(text("value: expected {}, got {}", to_text(argument(2)), value));
  };
  SocketOps* socket = (*file)->socket();
  if (command == *symbol("FIONBIO")) {
    (void)p.set_blocking(which, number(2) ? Blocking::no : Blocking::yes);
  } else if (command == *symbol("FIONREAD")) {
    tell((*file)->octets_to_read());
  } else if (command == *symbol("FIONWRITE") && socket) {
    tell(int64_t(socket->send_queue()));
  } else if (command == *symbol("SIOCATMARK") && socket) {
    const auto there = socket->get_option(SocketOption::so_atmark);
    tell(there ? there->number : 0);
  } else {
    throw Skip{line_, text("ioctl's {} is not in this build", to_text(argument(1)))};
  }
  co_return 0;
}

// poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000).
Calls::Made Calls::poll(Process& p) {
  const int64_t in = *symbol("POLLIN") | *symbol("POLLRDNORM"), out = *symbol("POLLOUT");
  std::vector<PollItem> items;
  const Expression& asked = argument(0);
  for (const Expression& part : asked.parts) {
    const Expression *which = part.find("fd"), *events = part.find("events");
    if (!which || !events) fail("{fd=..., events=...} belongs here");
    PollItem item{.fd = live(number(*which))};
    item.want_read = number(*events) & in;
    item.want_write = number(*events) & out;
    items.push_back(item);
  }
  const int64_t timeout = number(2);
  const SimTime time = timeout < 0 ? SimTime(-1) : SimTime(timeout * 1'000'000);
  const Result<std::vector<PollItem>> got = co_await p.poll(items, time);
  if (!got) co_return got.error();
  int64_t ready = 0;
  for (size_t i = 0; i < got->size(); ++i) {
    const Readiness& r = (*got)[i].ready;
    const int64_t wanted = number(*asked.parts[i].find("events"));
    int64_t events = (r.readable ? in : 0) | (r.writable ? out : 0);
    events &= wanted;
    if (r.hang_up) events = (events & ~out) | *symbol("POLLHUP");
    ready += events != 0;
    const Expression* revents = asked.parts[i].find("revents");
    if (revents && !revents->is_any() && number(*revents) != events)
      wrong(text("revents: expected {}, got 0x{:x}", to_text(*revents), events));
  }
  co_return ready;
}

Calls::Made Calls::open(Process& p) {
  const int64_t flags = number(1), access = flags & *symbol("O_ACCMODE");
  OpenMode mode = access == 0 ? OpenMode::read : OpenMode::read_write;
  if (flags & *symbol("O_TRUNC")) mode = OpenMode::write;
  if (flags & *symbol("O_APPEND")) mode = OpenMode::append;
  const Result<Fd> opened = co_await p.open(words(argument(0)), mode);
  if (!opened) co_return opened.error();
  co_return learn(*opened);
}

// pipe([5, 6]) = 0: the list names both ends.
Calls::Made Calls::pipe(Process& p) {
  const Result<std::pair<Fd, Fd>> made = co_await p.pipe();
  if (!made) co_return made.error();
  const Expression& ends = argument(0);
  if (ends.parts.size() != 2) fail("pipe([reading end, writing end]) belongs here");
  descriptors_[number(ends.parts[0])] = made->first;
  descriptors_[number(ends.parts[1])] = made->second;
  co_return 0;
}

// --- options -----------------------------------------------------------------------------------

Calls::Made Calls::set_option(Process& p) {
  const SocketOption which = option(1, 2);
  OptionValue value = option_value(which, argument(3));
  const Result<> done = co_await p.set_option(fd(0), which, std::move(value));
  if (!done) co_return done.error();
  co_return 0;
}

Calls::Made Calls::get_option(Process& p) {
  const SocketOption which = option(1, 2);
  const Result<OptionValue> value = co_await p.get_option(fd(0), which);
  if (!value) co_return value.error();
  compare_option(which, *value, argument(3));
  co_return 0;
}

}  // namespace stackyard::drill
