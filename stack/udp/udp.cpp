#include "stack/udp/udp.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/ip_pseudo.h"
#include "stack/kern/machine.h"
#include "stack/udp/udp_socket.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason no_socket{"no_socket", "no socket is bound to the port"};
constexpr DropReason socket_full{"socket_full", "the socket's receive buffer was full"};
}  // namespace
}  // namespace drops

Udp::Udp(Vnet& vnet, const UdpSettings& defaults)
    : StateWithSettings(defaults), ip_(vnet.state<IpStack>(ip_module)), pcbs_(ip_, "udp") {
  ip_.add_protocol(ip_protocol::udp, this);
}

Result<std::unique_ptr<SocketOps>> Udp::create(IpFamily family) {
  if (!ip_.output(family)) return Errno::eafnosupport;
  return std::unique_ptr<SocketOps>(std::make_unique<UdpSocket>(*this, family));
}

void Udp::drop(const Packet& packet, const DropReason& why) {
  ip_.site().note_drop(packet.id(), why, "udp");
}

bool Udp::checksum_right(Packet& packet, const UdpHeader& header, const IpContext& context) {
  if (packet.deferred_checksum() != DeferredChecksum::none) return true;  // still to be computed
  if (header.checksum == 0) {
    ++counters.no_checksum;
    return context.dest.is_v4();  // RFC 8200 s8.1: over IPv6 there must be one
  }
  const uint64_t pseudo =
      ip_pseudo_sum(context.source, context.dest, ip_protocol::udp, header.length);
  return internet_checksum(packet.octets().first(header.length), pseudo) == 0;
}

void Udp::receive(Packet packet, const IpContext& context) {
  ++counters.received;
  const auto datagram = parse_udp(packet.octets());
  if (!datagram) {
    ++(&datagram.why() == &drops::truncated ? counters.too_short : counters.bad_length);
    return drop(packet, datagram.why());
  }
  const UdpHeader& header = datagram->header;
  if (!checksum_right(packet, header, context)) {
    ++counters.bad_checksum;
    return drop(packet, drops::bad_checksum);
  }
  packet.trim_to(header.length);
  const Ends ends{{context.source, header.source_port}, {context.dest, header.dest_port}};
  if (context.ip_group) return deliver_to_group(std::move(packet), ends, context);
  Endpoint own = ends.to;
  if (context.forwarded) {  // ipfw's fwd
    own.address = context.forwarded_to;
    if (context.forwarded_port) own.port = context.forwarded_port;
  }
  Pcb* found = pcbs_.lookup(own, ends.from);
  if (!found) return no_socket(std::move(packet), ends, context);
  packet.trim_front(sizeof(UdpHeader));
  deliver(static_cast<UdpSocket&>(*found), std::move(packet), ends, context);
}

void Udp::deliver(UdpSocket& socket, Packet payload, const Ends& ends, const IpContext& context) {
  if (ip_.site().decisions_wanted()) [[unlikely]]
    ip_.site().note_decision({.node = 0,
                              .packet = payload.id(),
                              .kind = DecisionKind::socket,
                              .address = ends.from.address,
                              .network = {},
                              .by = ends.from.port,
                              .by_length = ends.to.port,
                              .interface = uint16_t(context.interface->index())});
  payload.clear_deferred();
  const PacketId id = payload.id();
  if (socket.deliver(std::move(payload), ends.from, ends.to, context)) {
    ++counters.delivered;
    return;
  }
  ++counters.full_socket;
  ip_.site().note_drop(id, drops::socket_full, "udp", text("port {}", ends.to.port));
}

// Everyone who is bound to the port and listens to the group gets a copy.
void Udp::deliver_to_group(Packet packet, const Ends& ends, const IpContext& context) {
  bool delivered = false;
  packet.trim_front(sizeof(UdpHeader));
  pcbs_.for_each_at(ends.to.port, [&](Pcb& pcb) {
    auto& socket = static_cast<UdpSocket&>(pcb);
    if (!PcbTable::may_hear(pcb, ends.to, ends.from) || !socket.hears(context)) return;
    delivered = true;
    deliver(socket, packet.clone(), ends, context);
  });
  if (delivered) return;
  ++counters.no_port_group;
  drop(packet, drops::no_socket);
}

void Udp::no_socket(Packet packet, const Ends& ends, const IpContext& context) {
  ++counters.no_port;
  if (settings().log_in_vain)
    ip_.machine().log(text("Connection attempt to UDP {} from {}",
                           to_text(name_of(ends.to, PcbFamily::both)),
                           to_text(name_of(ends.from, PcbFamily::both))));
  ip_.site().note_drop(packet.id(), drops::no_socket, "udp", text("port {}", ends.to.port));
  if (context.dest_is_group || settings().blackhole) {
    counters.no_port_group += context.dest_is_group;
    return;
  }
  std::copy(context.header.begin(), context.header.end(),
            packet.prepend(context.header.size()).begin());
  ip_.of(context.dest).send_unreachable(std::move(packet), Unreachable::port);
}

// An ICMP error about a datagram of ours: connected sockets hear of it (udp_ctlinput).
void Udp::path_event(const PathEvent& event) {
  const auto header = load<UdpHeader>(event.transport);
  const Errno error = path_event_errno(event.kind);
  if (error == Errno::ok) return;
  const Endpoint local{event.source, header.source_port}, foreign{event.dest, header.dest_port};
  if (event.kind == PathEventKind::too_big)
    pcbs_.for_each_at(local.port, [&](Pcb& pcb) {
      const bool meant = !pcb.connected() || pcb.foreign().address == foreign.address;
      if (meant) static_cast<UdpSocket&>(pcb).path_narrowed(foreign, event.mtu);
    });
  if (Pcb* found = pcbs_.lookup_connected(local, foreign))
    static_cast<UdpSocket&>(*found).set_error(error);
}

// --- the record --------------------------------------------------------------------------------

namespace {

Udp& self(ModuleState& state) { return static_cast<Udp&>(state); }
const Udp& self(const ModuleState& state) { return static_cast<const Udp&>(state); }

constexpr UdpSettings defaults;
constexpr const UdpSettings& of(const void* s) { return *static_cast<const UdpSettings*>(s); }

constexpr SysctlRecord sysctls[] = {
    {.name = "net.inet.udp.checksum",
     .summary = "compute udp checksum",
     .number = [](const void* s) -> const int64_t& { return of(s).checksum; },
     .most = 1},
    {.name = "net.inet.udp.blackhole",
     .summary = "Do not send port unreachables for refused connects",
     .number = [](const void* s) -> const int64_t& { return of(s).blackhole; },
     .most = 1},
    {.name = "net.inet.udp.log_in_vain",
     .summary = "Log all incoming UDP packets",
     .number = [](const void* s) -> const int64_t& { return of(s).log_in_vain; },
     .most = 1},
    {.name = "net.inet.udp.maxdgram",
     .summary = "Maximum outgoing UDP datagram size",
     .number = [](const void* s) -> const int64_t& { return of(s).maxdgram; },
     .least = 1,
     .most = 65535},
    {.name = "net.inet.udp.recvspace",
     .summary = "Maximum space for incoming UDP datagrams",
     .number = [](const void* s) -> const int64_t& { return of(s).recvspace; },
     .least = 1,
     .most = 2 * 1024 * 1024},
};

#define COUNTER(name, words, field)                                                 \
  {                                                                                 \
    "udp", name, words, [](const ModuleState& m) { return self(m).counters.field; } \
  }
constexpr CounterRecord counters[] = {
    COUNTER("udps_ipackets", "{} datagram{s} received", received),
    COUNTER("udps_hdrops", "{} with incomplete header", too_short),
    COUNTER("udps_badlen", "{} with bad data length field", bad_length),
    COUNTER("udps_badsum", "{} with bad checksum", bad_checksum),
    COUNTER("udps_nosum", "{} with no checksum", no_checksum),
    COUNTER("udps_noport", "{} dropped due to no socket", no_port),
    COUNTER("udps_noportbcast", "{} broadcast/multicast datagram{s} undelivered", no_port_group),
    COUNTER("udps_fullsock", "{} dropped due to full socket buffers", full_socket),
    COUNTER("delivered", "{} delivered", delivered),
    COUNTER("udps_opackets", "{} datagram{s} output", sent),
};
#undef COUNTER

constexpr uint8_t protocols[] = {ip_protocol::udp};

constexpr SocketRecord sockets[] = {
    {Af::inet, SocketType::datagram, ip_protocol::udp,
     [](ModuleState& m, int) { return self(m).create(IpFamily::v4); }},
    {Af::inet6, SocketType::datagram, ip_protocol::udp,
     [](ModuleState& m, int) { return self(m).create(IpFamily::v6); }}};

}  // namespace

constexpr ModuleRecord udp_module{.name = "udp",
                                  .summary = "User Datagram Protocol",
                                  .needs = {"net", "ip"},
                                  .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                    return std::make_unique<Udp>(v, defaults);
                                  },
                                  .settings = &defaults,
                                  .ip_protocols = protocols,
                                  .sysctls = sysctls,
                                  .counters = counters,
                                  .sockets = sockets};

}  // namespace stackyard
