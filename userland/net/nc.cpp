// userland/net/nc.cpp - nc(1): UDP, unix-domain sockets, and streams.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace {

struct NcOptions {
  explicit NcOptions(const Options& o) : options(o) {}
  const Options& options;
  bool has(char letter) const { return options.has(letter); }
  bool local() const { return has('U'); }
  bool datagram() const { return has('u'); }
  SimTime timeout = SimTime(-1);  // -w; negative: none
  SimTime interval;               // -i
  std::string host;               // a path with -U; empty: any
  std::vector<uint16_t> ports;
  uint16_t source_port = 0;
};

class Netcat {
 public:
  Netcat(Sys& sys, const NcOptions& want) : sys_(sys), want_(want) {}
  Task<int> serve();
  Task<int> call_local();
  Task<int> call_ports();

 private:
  SocketType type() const { return want_.datagram() ? SocketType::datagram : SocketType::stream; }
  const char* protocol() const { return want_.datagram() ? "udp" : "tcp"; }
  Task<std::vector<SockAddr>> addresses_of(std::string host);
  Task<Fd> local_socket(std::string bound_to);
  Task<Fd> inet_socket(Af family);
  Task<Fd> listen_inet();
  Task<Result<>> connect(Fd fd, SockAddr to);
  Task<int> call_port(SockAddr to);
  Task<bool> wait_for_caller(Fd socket);
  Task<void> transfer(Fd socket);
  Task<bool> from_network(Fd socket);
  Task<bool> from_standard_input(Fd socket);

  Sys& sys_;
  const NcOptions& want_;
};

Task<std::vector<SockAddr>> Netcat::addresses_of(std::string host) {
  const Af family = want_.has('4') ? Af::inet : want_.has('6') ? Af::inet6 : Af::unspecified;
  std::vector<SockAddr> any(1);
  if (family == Af::inet6) any[0].address = Ipv6Address{};
  if (host.empty()) co_return any;
  const bool numeric = parse_ipv4(host) || parse_zoned(host);
  if (numeric || !want_.has('n')) {
    std::vector<SockAddr> found = sys_.resolve(host, family);
    if (!found.empty()) co_return found;
  }
  const std::string port = want_.ports.empty() ? "" : text("{}", want_.ports[0]);
  co_await sys_.complain(
      text("getaddrinfo for host \"{}\" port {}: Name does not resolve", host, port));
  sys_.exit(1);
}

// A unix-domain socket, bound unless the name is empty.
Task<Fd> Netcat::local_socket(std::string bound_to) {
  const Fd fd = co_await sys_.socket(Af::local, type()).or_err(1, "socket");
  if (bound_to.empty()) co_return fd;
  const SockAddr name = SockAddr::local(bound_to);
  Result<> done = Errno::enametoolong;
  if (bound_to.size() < 104) done = co_await sys_.bind(fd, name);
  if (!done) {
    co_await sys_.complain(std::string(errno_text(done.error())));
    sys_.exit(1);
  }
  co_return fd;
}

Task<Fd> Netcat::inet_socket(Af family) {
  const Fd fd = co_await sys_.socket(family, type()).or_err(1, "socket");
  if (want_.has('b'))
    co_await sys_.set_option(fd, SocketOption::so_broadcast, 1).or_err(1, "setsockopt");
  if (want_.has('S') && !want_.datagram())
    co_await sys_.set_option(fd, SocketOption::tcp_md5sig, 1).or_err(1, "setsockopt");
  if (want_.has('T')) {
    const std::string tos = want_.options.value('T');
    const int64_t named = tos == "lowdelay" ? 0x10 : tos == "throughput" ? 8 : 4;
    const int64_t value = tos.starts_with("0x") ? parse_int(tos).value_or(0) : named;
    const SocketOption option =
        family == Af::inet ? SocketOption::ip_tos : SocketOption::ipv6_tclass;
    co_await sys_.set_option(fd, option, value).or_err(1, "set IP ToS");
  }
  if (want_.has('M')) {
    const int64_t ttl = parse_int(want_.options.value('M')).value_or(1);
    const SocketOption option =
        family == Af::inet ? SocketOption::ip_multicast_ttl : SocketOption::ipv6_multicast_hops;
    co_await sys_.set_option(fd, option, ttl).or_err(1, "multicast ttl");
  }
  co_return fd;
}

// --- listening ---------------------------------------------------------------------------------

Task<Fd> Netcat::listen_inet() {
  const std::vector<SockAddr> all = co_await addresses_of(want_.host);
  SockAddr at = all[0];
  at.port = want_.ports[0];
  const Fd fd = co_await inet_socket(at.family());
  co_await sys_.set_option(fd, SocketOption::so_reuseport, 1).or_err(1, "reuseport");
  const Result<> bound = co_await sys_.bind(fd, at);
  if (!bound) {
    co_await sys_.complain(std::string(errno_text(bound.error())));
    sys_.exit(1);
  }
  if (at.address.is_multicast()) {
    OptionValue membership;
    membership.group = at.address;
    membership.interface_index = at.scope;
    const SocketOption join =
        at.family() == Af::inet ? SocketOption::ip_add_membership : SocketOption::ipv6_join_group;
    co_await sys_.set_option(fd, join, membership).or_err(1, "join group");
  }
  if (!want_.datagram()) co_await sys_.listen(fd, 1).or_err(1, "listen");
  co_return fd;
}

std::string caller_text(const SockAddr& from) {
  if (from.family() == Af::local) return from.path.str();
  return text("{} {}", to_text(from.address), from.port);
}

// The first datagram makes its sender the peer; it stays in the queue. False: nobody came.
Task<bool> Netcat::wait_for_caller(Fd socket) {
  const ReceiveOptions look{.peek = true};
  const Received first = co_await sys_.receive(socket, 2048, look).or_err(1, "recvfrom");
  if (want_.has('v'))
    co_await sys_.print_error(text("Connection received on {}\n", caller_text(first.from)));
  // A datagram without a sender's name cannot be answered, but it can be read.
  if (first.from.family() == Af::local && first.from.path.empty()) co_return true;
  const Result<> done = co_await connect(socket, first.from);
  if (!done && !want_.local()) {
    co_await sys_.complain(text("connect: {}", errno_text(done.error())));
    sys_.exit(1);
  }
  co_return true;
}

Task<int> Netcat::serve() {
  std::optional<Fd> socket;
  if (want_.local()) {
    socket = co_await local_socket(want_.host);
    if (!want_.datagram()) co_await sys_.listen(*socket, 5).or_err(1, "listen");
  }
  do {
    if (!socket) socket = co_await listen_inet();
    if (!want_.datagram()) {
      const Accepted caller = co_await sys_.accept(*socket).or_err(1, "accept");
      if (want_.has('v'))
        co_await sys_.print_error(text("Connection received on {}\n", caller_text(caller.from)));
      co_await transfer(caller.fd);
      co_await sys_.close(caller.fd);
    } else {
      // With -k any number of senders may send to it: it stays unconnected.
      const bool any = want_.has('k');
      if (any || co_await wait_for_caller(*socket)) co_await transfer(*socket);
    }
    if (!want_.local()) {
      co_await sys_.close(*socket);
      socket.reset();
    }
  } while (want_.has('k'));
  co_return 0;
}

// --- calling -----------------------------------------------------------------------------------

// As connect(2), but -w limits how long it may take.
Task<Result<>> Netcat::connect(Fd fd, SockAddr to) {
  if (want_.timeout < SimTime()) co_return co_await sys_.connect(fd, to);
  (void)sys_.set_blocking(fd, Blocking::no);
  Result<> done = co_await sys_.connect(fd, to);
  if (!done && done.error() == Errno::einprogress) {
    std::vector<PollItem> items{{.fd = fd, .want_read = false, .want_write = true, .ready = {}}};
    const auto ready = co_await sys_.poll(items, want_.timeout);
    if (!ready) co_return ready.error();
    if (!(*ready)[0].ready.writable) co_return Errno::etimedout;
    const Result<OptionValue> error = co_await sys_.get_option(fd, SocketOption::so_error);
    done = {};
    if (error && error->number) done = Errno(error->number);
  }
  (void)sys_.set_blocking(fd, Blocking::yes);
  co_return done;
}

Task<int> Netcat::call_local() {
  std::string own;
  if (want_.datagram()) {
    // A datagram's sender needs a name to be answered at.
    own = "/tmp/nc.";
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int i = 0; i < 10; ++i) own += letters[sys_.random() % letters.size()];
    if (want_.has('s')) own = want_.options.value('s');
  }
  const Fd fd = co_await local_socket(own);
  const SockAddr name = SockAddr::local(want_.host);
  Result<> done = Errno::enametoolong;
  if (want_.host.size() < 104) done = co_await connect(fd, name);
  int status = 0;
  if (!done) {
    co_await sys_.complain(text("{}: {}", want_.host, errno_text(done.error())));
    status = 1;
  } else if (!want_.has('z')) {
    co_await transfer(fd);
  }
  co_await sys_.close(fd);
  if (!own.empty()) (void)sys_.remove(own);
  co_return status;
}

Task<int> Netcat::call_port(SockAddr to) {
  const uint16_t port = to.port;
  const Fd fd = co_await inet_socket(to.family());
  if (want_.source_port || want_.has('s')) {
    SockAddr source;
    source.address = IpAddress::any(to.address.family());
    if (want_.has('s')) {
      const std::vector<SockAddr> sources = co_await addresses_of(want_.options.value('s'));
      source = sources[0];
    }
    source.port = want_.source_port;
    const Result<> bound = co_await sys_.bind(fd, source);
    if (!bound) {
      co_await sys_.complain(text("bind failed: {}", errno_text(bound.error())));
      sys_.exit(1);
    }
  }
  Result<> done = co_await connect(fd, to);
  if (!done && want_.has('v'))
    co_await sys_.complain(text("connect to {} port {} ({}) failed: {}", want_.host, port,
                                protocol(), errno_text(done.error())));
  if (done && (want_.has('v') || want_.has('z'))) {
    // A closed port of UDP shows when it is written to.
    const std::vector<uint8_t> probe{'X'};
    for (int i = 0; i < 4 && done && want_.datagram(); ++i) {
      const Result<size_t> sent = co_await sys_.send(fd, probe);
      if (!sent) done = sent.error();
    }
    std::string service = "*";
    if (!want_.has('n') && !service_name(port).empty()) service = service_name(port);
    if (done)
      co_await sys_.print_error(text("Connection to {} {} port [{}/{}] succeeded!\n", want_.host,
                                     port, protocol(), service));
  }
  if (done && !want_.has('z')) co_await transfer(fd);
  co_await sys_.close(fd);
  co_return done ? 0 : 1;
}

Task<int> Netcat::call_ports() {
  std::vector<SockAddr> addresses = co_await addresses_of(want_.host);
  int status = 1;
  for (uint16_t port : want_.ports) {
    bool reached = false;
    // The next address when one does not answer, as long as none has.
    for (SockAddr& to : addresses) {
      if (reached) break;
      to.port = port;
      reached = co_await call_port(to) == 0;
    }
    if (reached) status = 0;
  }
  co_return status;
}

// --- data --------------------------------------------------------------------------------------

// False: there will be nothing more.
Task<bool> Netcat::from_network(Fd socket) {
  const Result<Received> got = co_await sys_.receive(socket, 16384);
  if (!got) co_return false;
  if (got->octets.empty() && !want_.datagram()) co_return false;
  const Result<> printed = co_await sys_.print(std::string(got->octets.begin(), got->octets.end()));
  if (!printed) co_await sys_.shutdown(socket, ShutdownHow::read);  // nobody wants to see more
  co_return printed.has_value();
}

Task<bool> Netcat::from_standard_input(Fd socket) {
  const Result<std::string> block = co_await sys_.read(fd_in, want_.datagram() ? 2048 : 16384);
  if (!block || block->empty()) {
    if (want_.has('N')) co_await sys_.shutdown(socket, ShutdownHow::write);
    co_return false;
  }
  // Without a peer yet (-k), what is typed goes nowhere.
  if (want_.has('l') && want_.has('k') && want_.datagram()) co_return true;
  const std::vector<uint8_t> octets(block->begin(), block->end());
  const Result<size_t> sent = co_await sys_.send(socket, octets);
  // nc(1) says nothing here, but a broadcast without -b should not be a riddle.
  if (!sent && sent.error() == Errno::eacces)
    co_await sys_.complain(text("write: {}", errno_text(sent.error())));
  co_return sent.has_value();
}

// Between the socket and the standard streams, until both inputs have ended, the peer has hung up,
// or -w passes without anything.
Task<void> Netcat::transfer(Fd socket) {
  bool network_open = true, input_open = !want_.has('d');
  while (network_open || input_open) {
    if (want_.interval > SimTime()) co_await sys_.sleep(want_.interval);
    std::vector<PollItem> items{{.fd = socket, .want_read = network_open, .ready = {}}};
    if (input_open) items.push_back({.fd = fd_in, .ready = {}});
    const auto ready = co_await sys_.poll(items, want_.timeout);
    if (!ready) co_return;
    const Readiness network = (*ready)[0].ready;
    const bool typed = input_open && (*ready)[1].ready.readable;
    if (!network.readable && !network.hang_up && !typed) co_return;  // -w is over
    if (network_open && network.readable) network_open = co_await from_network(socket);
    // Who listens goes with the caller; a caller may still read, but nobody reads what he types.
    if (!network_open && want_.has('l')) co_return;
    if (network.hang_up && !network_open) co_return;
    if (!typed || (network.hang_up && network_open)) continue;
    input_open = co_await from_standard_input(socket);
    // There is no end of a datagram socket that the peer could see.
    if (!input_open && want_.has('N') && want_.datagram()) co_return;
  }
}

// --- the command line --------------------------------------------------------------------------

// strtonum(3)'s words for what is wrong with a number; empty: nothing is.
std::string number_trouble(const std::string& digits, int64_t least, int64_t most) {
  const auto number = parse_int(digits);
  if (!number) return "invalid";
  return *number < least ? "too small" : *number > most ? "too large" : "";
}

// The ports of "80", "http" or "20-30"; complains and ends the program.
Task<std::vector<uint16_t>> read_ports(Sys& sys, const NcOptions& want, std::string word) {
  std::vector<uint16_t> ports;
  const size_t dash = word.find('-');
  const bool range = dash != std::string::npos && parse_int(word.substr(0, dash));
  std::string wrong, which = word;
  if (range && want.has('l')) {
    co_await sys.complain("Cannot use -l with multiple ports!");
    sys.exit(1);
  }
  if (range) {
    const std::string ends[] = {word.substr(dash + 1), word.substr(0, dash)};
    for (const std::string& end : ends) {
      if (!wrong.empty()) continue;
      wrong = number_trouble(end, 1, 65535);
      which = end;
    }
    if (wrong.empty()) {
      const int64_t one = *parse_int(ends[0]), other = *parse_int(ends[1]);
      const int64_t low = std::min(one, other), high = std::max(one, other);
      for (int64_t port = low; port <= high; ++port) ports.push_back(uint16_t(port));
    }
  } else {
    const std::string protocol = want.datagram() ? "udp" : "tcp";
    const auto port = co_await service_port(sys, word, protocol);
    if (port)
      ports.push_back(*port);
    else
      wrong = number_trouble(word, 1, 65535);
  }
  if (!wrong.empty()) {
    co_await sys.complain(text("port number {}: {}", wrong, which));
    sys.exit(1);
  }
  co_return ports;
}

// What contradicts itself; empty: nothing.
std::string contradiction(const Options& o) {
  if (o.has('l') && o.has('s')) return "cannot use -s and -l";
  if (o.has('l') && o.has('p')) return "cannot use -p and -l";
  if (o.has('l') && o.has('z')) return "cannot use -z and -l";
  if (!o.has('l') && o.has('k')) return "must use -l with -k";
  if (o.has('x')) return "proxies are not in this build";
  if (const std::string wrong = number_trouble(o.value('w', "0"), 0, INT32_MAX / 1000);
      !wrong.empty())
    return text("timeout {}: {}", wrong, o.value('w'));
  if (const std::string wrong = number_trouble(o.value('i', "0"), 0, UINT32_MAX); !wrong.empty())
    return text("interval {}: {}", wrong, o.value('i'));
  return "";
}

Task<int> nc(Sys& sys, Args args) {
  const Options options(args, "46bDdFhI:i:klM:NnO:P:p:rSs:T:tUuV:vw:X:x:z");
  const std::vector<std::string>& rest = options.rest();
  if (!options.error().empty() || rest.empty() || rest.size() > 2 || options.has('h'))
    co_return co_await bad_usage(sys, nc_command, options.error(), 1);
  if (rest.size() == 1 && !options.has('U') && !options.has('l'))
    co_return co_await bad_usage(sys, nc_command, "", 1);
  if (const std::string wrong = contradiction(options); !wrong.empty()) {
    co_await sys.complain(wrong);
    co_return 1;
  }
  NcOptions want(options);
  if (options.has('w')) want.timeout = SimTime(*parse_int(options.value('w')) * 1'000'000'000);
  if (options.has('i')) want.interval = SimTime(*parse_int(options.value('i')) * 1'000'000'000);
  if (options.has('V') && !sys.set_fib(int(parse_int(options.value('V')).value_or(-1)))) {
    co_await sys.complain(text("rtable too large: {}", options.value('V')));
    co_return 1;
  }
  if (want.local() || rest.size() == 2) want.host = rest[0];
  if (!want.local()) want.ports = co_await read_ports(sys, want, rest.back());
  if (options.has('p')) {
    const std::string word = options.value('p'), protocol = want.datagram() ? "udp" : "tcp";
    const auto port = co_await service_port(sys, word, protocol);
    want.source_port = port.value_or(0);
  }
  sys.set_signal(Signal::pipe, SignalAction::ignore);
  Netcat netcat(sys, want);
  if (options.has('l')) co_return co_await netcat.serve();
  if (want.local()) co_return co_await netcat.call_local();
  co_return co_await netcat.call_ports();
}

}  // namespace

const Command nc_command{
    .name = "nc",
    .synopsis =
        "nc [-46bDdFhklNnrStUuvz] [-I length] [-i interval] [-M ttl] [-O length]\n"
        "  [-P proxy_username] [-p source_port] [-s source] [-T ToS]\n"
        "  [-V rtable] [-w timeout] [-X proxy_protocol]\n"
        "  [-x proxy_address[:port]] [destination] [port]",
    .run = nc};

}  // namespace stackyard
