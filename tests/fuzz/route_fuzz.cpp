// tests/fuzz/route_fuzz.cpp - any messages to a routing socket, while another one listens.
//
// Input: messages, each behind a length octet (times 4). Version and length are mended in most of
// them, so that the fields and socket addresses behind are reached; time passes in between, so that
// routes expire. What comes out must be messages again, and the tables must agree with their lists.
#include "stack/net/api/route_message.h"
#include "stack/net/net_stack.h"
#include "tests/support/lab_fixture.h"

namespace {

using namespace stackyard;

void check_messages(SocketOps& socket) {
  while (const auto got = socket.receive(8192, {})) {
    const Bytes message = got->octets;
    if (message.size() < 24) {
      check(message.size() >= 16 && message[2] == rtm_version, "a header");
      continue;
    }
    check(load<uint16_t>(message) == message.size(), "a message says how long it is");
    if (message[3] > 8 || message.size() < sizeof(RtMsghdr)) continue;
    const auto header = load<RtMsghdr>(message);
    RtSockaddrs addresses;
    const bool parsed = addresses.parse(message.subspan(sizeof header), header.addrs);
    check(parsed || header.error != 0, "what a stack announces can be read");
  }
}

void check_tables(NetStack& net) {
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
    RouteFamily* routes = net.route_family_if_there(family);
    if (!routes) continue;
    ListRoutes list;
    list.family = family;
    routes->list_routes(list);
    for (const RouteInfo& info : list.routes) {
      RouteChange ask;
      ask.dest = info.dest;
      if (info.dest_zone.empty()) check(bool(routes->get_route(ask)), "a listed route is there");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  LabFixture lab("nodes: {a: {}, b: {}}\nlinks: [a -- b]\nhosts: false\n");
  Vnet& vnet = lab.lab.machine("a").vnet();
  const auto socket = *vnet.socket(Af::route, SocketType::raw, 0);
  const auto listener = *vnet.socket(Af::route, SocketType::raw, 0);
  NetStack& net = vnet.state<NetStack>(net_module);
  Bytes rest(data, size);
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(rest[0] * size_t(4), rest.size() - 2);
    const uint8_t how = rest[1];
    std::vector<uint8_t> message(rest.begin() + 2, rest.begin() + 2 + long(length));
    rest = rest.subspan(2 + length);
    if ((how & 3) != 0 && message.size() >= 4) {
      store(uint16_t(message.size()), message);
      message[2] = rtm_version;
      message[3] = uint8_t(message[3] % 5);
    }
    if (how & 4) (void)socket->set_option(SocketOption::so_setfib, OptionValue(how >> 6));
    (void)socket->send(message, {});
    if (how & 8) lab.pass(SimTime(int64_t(how) * 100'000'000));
    check_messages(*socket);
    check_messages(*listener);
    check_tables(net);
  }
  lab.run("a", "ping -c 1 -t 1 10.0.0.2; ifconfig em0 down; ifconfig em0 inet 10.0.0.1 delete");
  check_tables(net);
  return 0;
}
