// userland/net/tcpdrop.cpp - tcpdrop(8): ends TCP connections, with a reset to the peer.
#include "core/base/text.h"
#include "stack/tcp/api/tcp_requests.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace {

struct Named {
  TcpConnectionInfo connection;
  std::string words() const {
    const auto end = [](const SockAddr& a) { return text("{} {}", to_text(a.address), a.port); };
    return end(connection.local) + " " + end(connection.foreign);
  }
};

Task<bool> drop_one(Sys& sys, Named named) {
  DropTcpConnection request;
  request.local = named.connection.local;
  request.foreign = named.connection.foreign;
  const Result<> done = sys.request(request);
  if (done)
    co_await sys.print(named.words() + ": dropped\n");
  else
    co_await sys.complain(text("{}: {}", named.words(), errno_text(done.error())));
  co_return done.has_value();
}

Task<int> all_of_them(Sys& sys, const Options& options) {
  ListTcpConnections list;
  if (!sys.request(list)) co_return 1;
  bool ok = true;
  for (const TcpConnectionInfo& c : list.connections) {
    if (c.foreign.port == 0) continue;
    const std::string state = options.value('s', c.state);
    if (c.state != state) continue;
    const Named named{c};
    if (options.has('l'))
      co_await sys.print("tcpdrop " + named.words() + "\n");
    else
      ok = co_await drop_one(sys, named) && ok;
  }
  co_return ok ? 0 : 1;
}

Task<int> tcpdrop(Sys& sys, Args args) {
  const Options options(args, "aC:lP:S:s:");
  const auto& rest = options.rest();
  if (!options.error().empty() || rest.size() != (options.has('a') ? 0 : 4))
    co_return co_await bad_usage(sys, tcpdrop_command, options.error(), 1);
  if (options.has('a')) co_return co_await all_of_them(sys, options);
  Named named;
  for (const size_t i : {size_t(0), size_t(2)}) {
    SockAddr& end = i == 0 ? named.connection.local : named.connection.foreign;
    const auto address = parse_ip(rest[i]);
    const auto port = co_await service_port(sys, rest[i + 1], "tcp");
    if (!address || !port) {
      co_await sys.complain(
          text("getaddrinfo: {} port {}: Name does not resolve", rest[i], rest[i + 1]));
      co_return 1;
    }
    end.address = *address;
    end.port = *port;
  }
  co_return co_await drop_one(sys, named) ? 0 : 1;
}

}  // namespace

const Command tcpdrop_command{.name = "tcpdrop",
                              .synopsis =
                                  "tcpdrop local-address local-port foreign-address foreign-port\n"
                                  "tcpdrop [-l] -a [-s state]",
                              .run = tcpdrop};

}  // namespace stackyard
