// userland/net/mtest.cpp - mtest(8): tries multicast socket operations, a command a line. `r` and
// `w` are ours: what arrives for a port, and sending to a group.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

using Words = std::vector<std::string>;

constexpr const char* help =
    "j mcast-addr ifname [src-addr]   - join IP multicast group\n"
    "l mcast-addr ifname [src-addr]   - leave IP multicast group\n"
    "i mcast-addr ifname n src-addr... - set the sources that are heard\n"
    "e mcast-addr ifname n src-addr... - set the sources that are not heard\n"
    "t mcast-addr ifname src-addr     - allow traffic from src\n"
    "b mcast-addr ifname src-addr     - block traffic from src\n"
    "r port seconds                   - show what arrives for a port\n"
    "w mcast-addr ifname port text... - send a datagram to a group\n"
    "s seconds                        - sleep for some time\n"
    "q                                - quit\n";

class Mtest {
 public:
  explicit Mtest(Sys& sys) : sys_(sys) {}
  Task<int> run();

 private:
  Task<bool> command(Words words);
  Task<Result<>> change(Words words);
  Task<void> receive(Words words);
  Task<Result<>> send(Words words);
  Task<Fd> socket_of(IpFamily family);
  std::optional<OptionValue> membership(const Words& words);

  Sys& sys_;
  std::optional<Fd> sockets_[2];
  uint16_t bound_ = 0;
};

Task<Fd> Mtest::socket_of(IpFamily family) {
  std::optional<Fd>& fd = sockets_[size_t(family)];
  if (!fd) fd = co_await sys_.socket(af_of(family), SocketType::datagram).or_err(71, "socket");
  co_return *fd;
}

// Group and interface, as all commands have them.
std::optional<OptionValue> Mtest::membership(const Words& words) {
  if (words.size() < 3) return std::nullopt;
  const auto group = parse_ip(words[1]);
  InterfaceIndex ask;
  ask.name = words[2];
  if (!group || !sys_.request(ask)) return std::nullopt;
  OptionValue value;
  value.group = *group;
  value.interface_index = ask.index;
  return value;
}

Task<Result<>> Mtest::change(Words words) {
  std::optional<OptionValue> value = membership(words);
  if (!value) co_return Errno::einval;
  const char what = words[0][0];
  const bool lists = what == 'i' || what == 'e';
  for (size_t i = lists ? 4 : 3; i < words.size(); ++i) {
    const auto source = parse_ip(words[i]);
    if (!source) co_return Errno::einval;
    value->sources.push_back(*source);
  }
  if (!value->sources.empty()) value->source = value->sources[0];
  const bool sourced = !value->sources.empty();
  if ((what == 't' || what == 'b') && !sourced) co_return Errno::einval;
  SocketOption option = SocketOption::ip_msfilter;
  if (what == 'j')
    option = sourced ? SocketOption::ip_add_source_membership : SocketOption::ip_add_membership;
  if (what == 'l')
    option = sourced ? SocketOption::ip_drop_source_membership : SocketOption::ip_drop_membership;
  if (what == 't') option = SocketOption::ip_unblock_source;
  if (what == 'b') option = SocketOption::ip_block_source;
  value->number = what == 'e' ? msfilter_exclude : msfilter_include;
  const Fd fd = co_await socket_of(value->group.family());
  const Result<> done = co_await sys_.set_option(fd, option, *value);
  co_return done;
}

Task<void> Mtest::receive(Words words) {
  const auto port = words.size() < 3 ? std::nullopt : parse_int(words[1]);
  const auto patience = words.size() < 3 ? std::nullopt : parse_seconds(words[2]);
  if (!port || *port < 1 || *port > 65535 || !patience) co_return;
  const SimTime until = sys_.now() + *patience;
  std::vector<PollItem> items;
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    const Fd fd = co_await socket_of(family);
    SockAddr any;
    any.address = IpAddress::any(family);
    any.port = uint16_t(*port);
    if (bound_ != *port) {
      co_await sys_.set_option(fd, SocketOption::so_reuseport, 1).or_warn("SO_REUSEPORT");
      co_await sys_.bind(fd, any).or_warn("bind");
    }
    items.push_back({.fd = fd, .ready = {}});
  }
  bound_ = uint16_t(*port);
  while (sys_.now() < until && !sys_.interrupted()) {
    const auto polled = co_await sys_.poll(items, until - sys_.now());
    if (!polled) co_return;
    for (const PollItem& item : *polled) {
      if (!item.ready.readable) continue;
      const Result<Received> got = co_await sys_.receive(item.fd, 65535);
      if (!got) continue;
      const std::string words_in(got->octets.begin(), got->octets.end());
      co_await sys_.print(text("{}: {}\n", to_text(got->from.address), words_in));
    }
  }
}

Task<Result<>> Mtest::send(Words words) {
  const std::optional<OptionValue> value = membership(words);
  const auto port = words.size() < 5 ? std::nullopt : parse_int(words[3]);
  if (!value || !port || *port < 1 || *port > 65535) co_return Errno::einval;
  const bool v4 = value->group.is_v4();
  const Fd fd = co_await socket_of(value->group.family());
  OptionValue by;
  by.interface_index = value->interface_index;
  co_await sys_
      .set_option(fd, v4 ? SocketOption::ip_multicast_if : SocketOption::ipv6_multicast_if, by)
      .or_warn("multicast interface");
  co_await sys_
      .set_option(fd, v4 ? SocketOption::ip_multicast_ttl : SocketOption::ipv6_multicast_hops, 32)
      .or_warn("multicast TTL");
  SendOptions to;
  to.to = SockAddr{};
  to.to->address = value->group;
  to.to->port = uint16_t(*port);
  if (!v4 && value->group.v6().has_zone()) to.to->scope = value->interface_index;
  std::string line;
  for (size_t i = 4; i < words.size(); ++i) line += (i > 4 ? " " : "") + words[i];
  const std::vector<uint8_t> octets(line.begin(), line.end());
  const Result<size_t> sent = co_await sys_.send(fd, octets, to);
  if (!sent) co_return sent.error();
  co_return Result<>();
}

// False: it is the last.
Task<bool> Mtest::command(Words words) {
  if (words.empty() || words[0][0] == '#') co_return true;
  const std::string what = words[0];
  if (what == "q") co_return false;
  if (what == "?") {
    co_await sys_.print(help);
  } else if (what == "s") {
    const auto wait = words.size() < 2 ? std::nullopt : parse_seconds(words[1]);
    if (wait) co_await sys_.sleep(*wait);
  } else if (what == "r") {
    co_await receive(words);
  } else if (what.size() == 1 && std::string_view("jlietbw").find(what[0]) != std::string::npos) {
    Result<> done = Errno::einval;
    if (what == "w")
      done = co_await send(words);
    else
      done = co_await change(words);
    std::string said = "ok\n";
    if (!done) said = text("{}: {}\n", what, errno_text(done.error()));
    co_await sys_.print(said);
  } else {
    co_await sys_.print("invalid command\n");
  }
  co_return true;
}

Task<int> Mtest::run() {
  sys_.catch_signals();
  std::string waiting;
  co_await sys_.print("multicast membership test program; enter ? for list of commands\n");
  for (;;) {
    const size_t end = waiting.find('\n');
    if (end == waiting.npos) {
      const Result<std::string> more = co_await sys_.read(fd_in, 4096);
      if (!more || more->empty()) break;
      waiting += *more;
      continue;
    }
    const Words words = split_words(waiting.substr(0, end));
    waiting.erase(0, end + 1);
    const bool more = co_await command(words);
    if (!more || sys_.interrupted()) break;
  }
  co_return 0;
}

Task<int> mtest(Sys& sys, Args args) {
  const Options options(args, "");
  if (!options.error().empty() || !options.rest().empty())
    co_return co_await bad_usage(sys, mtest_command, options.error(), 64);
  Mtest run(sys);
  co_return co_await run.run();
}

}  // namespace

const Command mtest_command{.name = "mtest", .synopsis = "mtest", .run = mtest};

}  // namespace stackyard
