// userland/services/inetd.cpp - inetd(8): listens for services, and starts programs for them.
//
// Datagrams, streams and unix-domain sockets; echo, discard, chargen, daytime and time are built
// in. RPC, TCPMUX, login classes and limits of rate are missing.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/lib/pid_file.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace {

struct InetdService {
  std::string name, protocol;  // "echo", "udp4"
  SocketType type = SocketType::stream;
  bool wait = false;
  std::string program;  // "internal", or a command's path
  Args args;
  std::optional<Fd> socket;
  Pid child = 0;  // of a wait service: who has the socket
  bool local() const { return protocol == "unix"; }
};

// One line of inetd.conf(5); a text is what is wrong with it.
std::string parse_line(const std::vector<std::string>& words, InetdService& service) {
  if (words.size() < 6) return "incomplete line";
  service.name = words[0];
  if (words[1] == "stream")
    service.type = SocketType::stream;
  else if (words[1] == "dgram")
    service.type = SocketType::datagram;
  else if (words[1] == "seqpacket")
    service.type = SocketType::seqpacket;
  else
    return text("unknown socket type {}", words[1]);
  service.protocol = words[2];
  const std::string mode = words[3].substr(0, words[3].find('/'));
  if (mode != "wait" && mode != "nowait") return text("bad wait/nowait value {}", words[3]);
  service.wait = mode == "wait";
  service.program = words[5];
  service.args.assign(words.begin() + 6, words.end());
  if (service.args.empty()) service.args = {service.program};
  if (service.program != "internal" && !service.args.empty())
    service.args[0] = service.program.substr(service.program.rfind('/') + 1);
  // "[:user:group:mode:]/path" of a unix-domain service.
  if (service.local()) service.name.erase(0, service.name.find('/'));
  return "";
}

class Inetd {
 public:
  Inetd(Sys& sys, std::string conf, IpAddress address)
      : sys_(sys), conf_(std::move(conf)), address_(address) {}
  Task<int> run();
  Task<void> configure();

 private:
  Task<void> log(std::string line);
  Task<void> open(InetdService& service);
  Task<void> close_all();
  Task<void> serve(InetdService& service);
  Task<void> builtin_datagram(InetdService& service);
  Task<void> start(InetdService& service, Fd socket);
  Task<void> reap();

  Sys& sys_;
  std::string conf_;
  IpAddress address_;
  std::vector<InetdService> services_;
};

Task<void> Inetd::log(std::string line) {
  const Result<Fd> to = co_await sys_.open("/var/log/messages", OpenMode::append);
  if (!to) co_return;
  co_await sys_.write(*to, text("[{}.{:06}] inetd[{}]: {}\n", sys_.now().s(),
                                sys_.now().us() % 1'000'000, sys_.pid(), line));
  co_await sys_.close(*to);
}

Task<void> Inetd::open(InetdService& service) {
  const std::string what = service.name + "/" + service.protocol;
  const bool v6 = service.protocol.find('6') != std::string::npos;
  const Af family = service.local() ? Af::local : v6 ? Af::inet6 : Af::inet;
  const Result<Fd> fd = co_await sys_.socket(family, service.type);
  if (!fd) {
    co_await log(text("{}: socket: {}", what, errno_text(fd.error())));
    co_return;
  }
  SockAddr at;
  if (service.local()) {
    at.path = service.name;
    (void)sys_.remove(service.name);
  } else {
    const auto port = co_await service_port(sys_, service.name, service.protocol.substr(0, 3));
    if (!port) {
      co_await log(text("{}: unknown service", what));
      co_await sys_.close(*fd);
      co_return;
    }
    at.address = IpAddress::any(v6 ? IpFamily::v6 : IpFamily::v4);
    if (!address_.is_any() && address_.is_v6() == v6) at.address = address_;
    at.port = *port;
    // "tcp46" is for callers of both families.
    const bool both = service.protocol.ends_with("46");
    if (v6) co_await sys_.set_option(*fd, SocketOption::ipv6_v6only, both ? 0 : 1);
    co_await sys_.set_option(*fd, SocketOption::so_reuseaddr, 1);
  }
  Result<> done = co_await sys_.bind(*fd, at);
  if (!done) co_await log(text("{}: bind: {}", what, errno_text(done.error())));
  if (done && service.type != SocketType::datagram) done = co_await sys_.listen(*fd, -1);
  if (!done) {
    co_await sys_.close(*fd);
    co_return;
  }
  service.socket = *fd;
}

Task<void> Inetd::close_all() {
  for (InetdService& service : services_) {
    if (!service.socket) continue;
    co_await sys_.close(*service.socket);
    if (service.local()) (void)sys_.remove(service.name);
  }
  services_.clear();
}

Task<void> Inetd::configure() {
  co_await close_all();
  const Result<std::string> content = co_await sys_.read_file(conf_);
  if (!content) {
    co_await log(text("{}: {}", conf_, errno_text(content.error())));
    co_return;
  }
  for (const std::string& line : split(*content, '\n')) {
    const auto words = split_words(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    InetdService service;
    const std::string wrong = parse_line(words, service);
    if (!wrong.empty()) {
      co_await log(text("{}: {}", conf_, wrong));
      continue;
    }
    services_.push_back(std::move(service));
  }
  for (InetdService& service : services_) co_await open(service);
}

// --- built-in services -------------------------------------------------------------------------

std::string daytime(SimTime now) {
  const int64_t s = now.s();
  return text("Thu Jan {:>2} {:02}:{:02}:{:02} 1970\r\n", 1 + s / 86400, s / 3600 % 24, s / 60 % 60,
              s % 60);
}

// Seconds since 1900 (RFC 868), most significant octet first.
std::string machine_time(SimTime now) {
  const uint32_t s = uint32_t(now.s()) + 2208988800u;
  return {char(s >> 24), char(s >> 16), char(s >> 8), char(s)};
}

// 72 of the 95 printable characters, from the `first` on (RFC 864).
std::string chargen_line(size_t first) {
  std::string line;
  for (size_t i = 0; i < 72; ++i) line += char(' ' + (first + i) % 95);
  return line + "\r\n";
}

Task<void> Inetd::builtin_datagram(InetdService& service) {
  const ReceiveOptions now{.dont_wait = true};
  const Result<Received> got = co_await sys_.receive(*service.socket, 65536, now);
  if (!got || service.name == "discard") co_return;
  // Never to another built-in port: two of them would talk for ever.
  if (got->from.family() != Af::local && got->from.port < 20) co_return;
  std::string answer(got->octets.begin(), got->octets.end());
  if (service.name == "daytime") answer = daytime(sys_.now());
  if (service.name == "time") answer = machine_time(sys_.now());
  if (service.name == "chargen") answer = chargen_line(got->from.port % 95);
  SendOptions to;
  to.to = got->from;
  const std::vector<uint8_t> octets(answer.begin(), answer.end());
  (void)co_await sys_.send(*service.socket, octets, to);
}

// A stream's built-in service runs in a process of its own, on its standard streams.
Task<int> builtin_stream(Sys& sys, std::string name) {
  sys.set_signal(Signal::pipe, SignalAction::standard);
  if (name == "daytime") co_await sys.print(daytime(sys.now()));
  if (name == "time") co_await sys.print(machine_time(sys.now()));
  for (size_t first = 0; name == "chargen"; ++first) co_await sys.print(chargen_line(first % 95));
  while (name == "echo" || name == "discard") {
    const Result<std::string> block = co_await sys.read(fd_in, 8192);
    if (!block || block->empty()) break;
    if (name == "echo") co_await sys.print(*block);
  }
  co_return 0;
}

// --- serving -----------------------------------------------------------------------------------

Task<void> Inetd::start(InetdService& service, Fd socket) {
  SpawnRequest request{.args = service.args, .program = {}, .descriptors = {}};
  if (service.program == "internal") {
    const std::string name = service.name.substr(service.name.rfind('/') + 1);
    request.args = {name};
    request.program = [name](Sys& sys, Args) -> Task<int> {
      co_return co_await builtin_stream(sys, name);
    };
  }
  for (Fd fd : {fd_in, fd_out, fd_err}) request.descriptors.emplace_back(fd, socket);
  const Result<Pid> pid = co_await sys_.spawn(request);
  if (!pid)
    co_await log(text("cannot execute {}: {}", service.program, errno_text(pid.error())));
  else if (service.wait)
    service.child = *pid;
}

Task<void> Inetd::serve(InetdService& service) {
  if (service.type == SocketType::datagram && service.program == "internal")
    co_return co_await builtin_datagram(service);
  if (service.type == SocketType::datagram || service.wait)
    co_return co_await start(service, *service.socket);
  const Result<Accepted> caller = co_await sys_.accept(*service.socket);
  if (!caller) co_return;
  co_await start(service, caller->fd);
  co_await sys_.close(caller->fd);
}

Task<void> Inetd::reap() {
  for (;;) {
    const auto ended = co_await sys_.wait(0, WaitMode::look);
    if (!ended || ended->first == 0) co_return;
    for (InetdService& service : services_)
      if (service.child == ended->first) service.child = 0;
  }
}

Task<int> Inetd::run() {
  for (Signal s : {Signal::chld, Signal::term, Signal::interrupt, Signal::hup})
    sys_.set_signal(s, SignalAction::catch_it);
  sys_.set_signal(Signal::pipe, SignalAction::ignore);
  co_await configure();
  for (;;) {
    bool ends = false;
    while (const auto signal = sys_.take_signal()) {
      if (*signal == Signal::hup) co_await configure();
      ends |= *signal == Signal::term || *signal == Signal::interrupt;
    }
    if (ends) break;
    co_await reap();
    std::vector<PollItem> items;
    std::vector<size_t> which;
    for (size_t i = 0; i < services_.size(); ++i) {
      if (!services_[i].socket || services_[i].child != 0) continue;
      items.push_back({.fd = *services_[i].socket, .ready = {}});
      which.push_back(i);
    }
    const auto ready = co_await sys_.poll(items, SimTime(-1));
    if (!ready) continue;  // a signal
    for (size_t i = 0; i < which.size(); ++i)
      if ((*ready)[i].ready.readable) co_await serve(services_[which[i]]);
  }
  co_await close_all();
  co_return 0;
}

Task<int> inetd(Sys& sys, Args args) {
  const Options options(args, "a:C:c:dlp:R:s:wW");
  if (!options.error().empty() || options.rest().size() > 1)
    co_return co_await bad_usage(sys, inetd_command, options.error(), 64);
  std::string conf = options.rest().empty() ? "/etc/inetd.conf" : options.rest()[0];
  if (!conf.starts_with('/')) conf = sys.folder() + "/" + conf;  // daemon(3) changes the folder
  std::string pid_file = options.value('p', "/var/run/inetd.pid");
  if (!pid_file.starts_with('/')) pid_file = sys.folder() + "/" + pid_file;
  IpAddress address;
  if (options.has('a')) {
    const std::vector<SockAddr> found = sys.resolve(options.value('a'), Af::unspecified);
    if (found.empty()) {
      co_await sys.complain(text("-a {}: Name does not resolve", options.value('a')));
      co_return 1;
    }
    address = found[0].address;
  }
  if (!options.has('d')) co_await sys.daemon().or_err(1, "daemon");
  co_await write_pid_file(sys, pid_file);
  Inetd run(sys, conf, address);
  const int status = co_await run.run();
  (void)sys.remove(pid_file);
  co_return status;
}

}  // namespace

const Command inetd_command{.name = "inetd",
                            .synopsis =
                                "inetd [-dlWw] [-c maximum] [-C rate] [-a address] [-p filename]\n"
                                "[-R rate] [-s maximum] [configuration file]",
                            .run = inetd};

}  // namespace stackyard
