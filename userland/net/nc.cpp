// userland/net/nc.cpp - nc(1): UDP. Streams come with TCP.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

class Netcat {
 public:
  Netcat(Sys& sys, const Options& options) : sys_(sys), options_(options) {}
  Task<int> run(SockAddr local, std::optional<SockAddr> peer);

 private:
  Task<void> open(SockAddr local);
  Task<bool> from_standard_input();
  Task<bool> from_network();

  Sys& sys_;
  const Options& options_;
  Fd socket_{};
  std::optional<SockAddr> peer_;
  bool input_open_ = true;
};

Task<void> Netcat::open(SockAddr local) {
  socket_ = co_await sys_.socket(Af::inet, SocketType::datagram).or_err(1, "socket");
  co_await sys_.set_option(socket_, SocketOption::so_reuseport, 1).or_warn("reuseport");
  if (options_.has('b'))
    co_await sys_.set_option(socket_, SocketOption::so_broadcast, 1).or_err(1, "setsockopt");
  if (options_.has('M'))
    co_await sys_
        .set_option(socket_, SocketOption::ip_multicast_ttl,
                    parse_int(options_.value('M')).value_or(1))
        .or_err(1, "set multicast ttl");
  const bool group = local.address.is_multicast();
  if (local.port != 0 || !local.address.is_any())
    co_await sys_.bind(socket_, local).or_err(1, "bind");
  if (group) {
    OptionValue membership;
    membership.group = local.address;
    co_await sys_.set_option(socket_, SocketOption::ip_add_membership, membership)
        .or_err(1, "join group");
  }
}

// What is typed becomes a datagram a line, or a block of a pipe. False: the end.
Task<bool> Netcat::from_standard_input() {
  const Result<std::string> block = co_await sys_.read(fd_in, 2048);
  if (!block || block->empty()) co_return false;
  if (!peer_) co_return true;  // nobody has called yet: nowhere to send it
  SendOptions to{.to = std::nullopt, .source = {}};
  const std::vector<uint8_t> octets(block->begin(), block->end());
  const Result<size_t> sent = co_await sys_.send(socket_, octets, to).or_warn("write");
  co_return sent.has_value();
}

// False: the peer's port is closed.
Task<bool> Netcat::from_network() {
  const Result<Received> got = co_await sys_.receive(socket_, 65536);
  if (!got) co_return got.error() == Errno::eintr || got.error() == Errno::eagain;
  if (!peer_) {
    // As nc -ul: the first caller becomes the peer, unless -k keeps the door open.
    if (options_.has('v'))
      co_await sys_.print_error(
          text("Connection received on {} {}\n", to_text(got->from.address), got->from.port));
    if (!options_.has('k')) {
      peer_ = got->from;
      co_await sys_.connect(socket_, got->from).or_err(1, "connect");
    }
  }
  co_await sys_.print(std::string(got->octets.begin(), got->octets.end()));
  co_return true;
}

Task<int> Netcat::run(SockAddr local, std::optional<SockAddr> peer) {
  sys_.catch_signals();
  co_await open(local);
  peer_ = peer;
  if (peer_) co_await sys_.connect(socket_, *peer_).or_err(1, "connect");
  if (options_.has('d')) input_open_ = false;
  std::optional<SimTime> wait;
  if (options_.has('w')) wait = parse_seconds(options_.value('w'));
  while (!sys_.interrupted()) {
    std::vector<PollItem> items{{.fd = socket_, .ready = {}}};
    if (input_open_) items.push_back({.fd = fd_in, .ready = {}});
    const auto ready = co_await sys_.poll(items, wait.value_or(SimTime(-1)));
    if (!ready) break;
    const bool network = (*ready)[0].ready.readable;
    const bool typed = input_open_ && (*ready)[1].ready.readable;
    if (!network && !typed) break;  // -w is over
    if (network && !co_await from_network()) co_return 1;
    if (typed && !co_await from_standard_input()) {
      input_open_ = false;
      if (options_.has('N')) break;
    }
  }
  co_return 0;
}

Task<int> nc(Sys& sys, Args args) {
  const Options options(args, "4bdklM:Nnp:s:uvw:");
  if (!options.error().empty()) co_return co_await bad_usage(sys, nc_command, options.error(), 1);
  if (!options.has('u')) {
    co_await sys.complain("only UDP (-u) is in this build");
    co_return 1;
  }
  std::vector<std::string> rest = options.rest();
  SockAddr local;
  if (options.has('l') && rest.size() == 1) rest.insert(rest.begin(), "0.0.0.0");
  if (rest.size() != 2) co_return co_await bad_usage(sys, nc_command, "", 1);
  const auto address = sys.resolve(rest[0]);
  const auto port = parse_int(rest[1]);
  if (!address) {
    co_await sys.complain(
        text("getaddrinfo for host \"{}\" port {}: Name does not resolve", rest[0], rest[1]));
    co_return 1;
  }
  if (!port || *port < 1 || *port > 65535) {
    co_await sys.complain(text("port number invalid: {}", rest[1]));
    co_return 1;
  }
  const SockAddr named{.address = *address, .port = uint16_t(*port)};
  if (options.has('s')) local.address = sys.resolve(options.value('s')).value_or(Ipv4Address{});
  if (options.has('p')) local.port = uint16_t(parse_int(options.value('p')).value_or(0));
  Netcat netcat(sys, options);
  if (options.has('l')) co_return co_await netcat.run(named, std::nullopt);
  co_return co_await netcat.run(local, named);
}

}  // namespace

const Command nc_command{.name = "nc",
                         .synopsis =
                             "nc -u [-4bdklNnv] [-M ttl] [-p source_port] [-s source]\n"
                             "[-w timeout] [destination] [port]",
                         .run = nc};

}  // namespace stackyard
