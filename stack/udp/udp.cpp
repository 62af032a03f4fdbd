#include "stack/udp/udp.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/wire/checksum.h"
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
    : StateWithSettings(defaults),
      inet_(vnet.state<Inet>(inet_module)),
      random_(vnet.random("udp")) {
  inet_.add_protocol(ip_protocol::udp, this);
}

std::unique_ptr<SocketOps> Udp::create() { return std::make_unique<UdpSocket>(*this); }

void Udp::drop(const Packet& packet, const DropReason& why) {
  inet_.site().note_drop(packet.id(), why, "udp");
}

// --- ports -------------------------------------------------------------------------------------

bool Udp::port_taken(const UdpSocket& by, const SockAddr& address) const {
  const auto found = ports_.find(address.port);
  if (found == ports_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const UdpSocket* other) {
    const bool same = other->local_.address == address.address ||
                      ((other->local_.address.is_any() || address.address.is_any()) &&
                       !(by.reuse_address_ && other->reuse_address_));
    const bool shared =
        (by.reuse_port_ && other->reuse_port_) ||
        (address.address.is_multicast() && by.reuse_address_ && other->reuse_address_);
    return same && !shared;
  });
}

// RFC 6056 s3.3.1: random, then the next that is free.
Result<uint16_t> Udp::free_port() {
  const int64_t first = std::min(inet_.settings().portrange_first, inet_.settings().portrange_last);
  const int64_t last = std::max(inet_.settings().portrange_first, inet_.settings().portrange_last);
  const int64_t count = last - first + 1;
  const int64_t start = inet_.settings().portrange_randomized
                            ? int64_t(random_.below(uint64_t(count)))
                            : next_port_++;
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t port = uint16_t(first + (start + i) % count);
    if (!ports_.contains(port)) return port;
  }
  return Errno::eaddrnotavail;
}

Result<> Udp::bind(UdpSocket& socket, const SockAddr& address) {
  const Ipv4Address ip = address.address;
  const bool ours =
      ip.is_any() || ip.is_multicast() || inet_.is_local(ip) || inet_.is_broadcast(ip);
  if (!ours) return Errno::eaddrnotavail;
  SockAddr wanted = address;
  if (wanted.port == 0)
    wanted.port = TRY(free_port());
  else if (port_taken(socket, wanted))
    return Errno::eaddrinuse;
  socket.local_ = wanted;
  ports_[wanted.port].push_back(&socket);
  return {};
}

void Udp::unbind(UdpSocket& socket) {
  const auto found = ports_.find(socket.local_.port);
  if (found == ports_.end()) return;
  std::erase(found->second, &socket);
  if (found->second.empty()) ports_.erase(found);
}

// --- input -------------------------------------------------------------------------------------

// The most specific socket: connected to the sender, then bound to the address, then to any.
UdpSocket* Udp::best_match(const Ends& ends) const {
  const auto found = ports_.find(ends.to.port);
  if (found == ports_.end()) return nullptr;
  UdpSocket* best = nullptr;
  int best_score = -1;
  for (UdpSocket* socket : found->second) {
    const bool any = socket->local_.address.is_any();
    if (!any && socket->local_.address != ends.to.address) continue;
    if (socket->connected_ && socket->foreign_ != ends.from) continue;
    const int score = (socket->connected_ ? 2 : 0) + (any ? 0 : 1);
    if (score > best_score) {
      best = socket;
      best_score = score;
    }
  }
  return best;
}

bool Udp::checksum_right(Packet& packet, const UdpHeader& header, const IpContext& context) {
  if (packet.deferred_checksum() != DeferredChecksum::none) return true;  // still to be computed
  if (header.checksum == 0) {
    ++counters.no_checksum;
    return true;
  }
  const uint64_t pseudo =
      ipv4_pseudo_sum(context.source, context.dest, ip_protocol::udp, header.length);
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
  const Ends ends{{.address = context.source, .port = header.source_port},
                  {.address = context.dest, .port = header.dest_port}};
  if (context.dest.is_multicast() || inet_.is_broadcast(context.dest))
    return deliver_to_group(std::move(packet), ends, context);
  UdpSocket* socket = best_match(ends);
  if (!socket) return no_socket(std::move(packet), ends, context);
  packet.trim_front(sizeof(UdpHeader));
  deliver(*socket, std::move(packet), ends, context);
}

void Udp::deliver(UdpSocket& socket, Packet payload, const Ends& ends, const IpContext& context) {
  if (inet_.site().decisions_wanted()) [[unlikely]]
    inet_.site().note_decision({.node = 0,
                                .packet = payload.id(),
                                .kind = DecisionKind::socket,
                                .address = ends.from.address.value,
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
  inet_.site().note_drop(id, drops::socket_full, "udp", text("port {}", ends.to.port));
}

// Everyone who is bound to the port and listens to the group gets a copy.
void Udp::deliver_to_group(Packet packet, const Ends& ends, const IpContext& context) {
  const auto found = ports_.find(ends.to.port);
  bool delivered = false;
  if (found != ports_.end()) {
    packet.trim_front(sizeof(UdpHeader));
    for (UdpSocket* socket : std::vector<UdpSocket*>(found->second)) {
      const bool bound_else =
          !socket->local_.address.is_any() && socket->local_.address != ends.to.address;
      const bool connected_else = socket->connected_ && socket->foreign_ != ends.from;
      if (bound_else || connected_else || !socket->hears(context)) continue;
      delivered = true;
      deliver(*socket, packet.clone(), ends, context);
    }
  }
  if (delivered) return;
  ++counters.no_port_group;
  drop(packet, drops::no_socket);
}

void Udp::no_socket(Packet packet, const Ends& ends, const IpContext& context) {
  ++counters.no_port;
  if (settings().log_in_vain)
    inet_.machine().log(
        text("Connection attempt to UDP {} from {}", to_text(ends.to), to_text(ends.from)));
  inet_.site().note_drop(packet.id(), drops::no_socket, "udp", text("port {}", ends.to.port));
  if (context.dest_is_group || settings().blackhole) {
    counters.no_port_group += context.dest_is_group;
    return;
  }
  std::copy(context.header.begin(), context.header.end(),
            packet.prepend(context.header.size()).begin());
  inet_.send_unreachable(std::move(packet), icmp_code::port_unreachable);
}

// An ICMP error about a datagram of ours: connected sockets hear of it (udp_ctlinput).
void Udp::path_event(const PathEvent& event) {
  const auto header = load<UdpHeader>(event.transport);
  const Errno error = path_event_errno(event.kind);
  const auto found = ports_.find(header.source_port);
  if (error == Errno::ok || found == ports_.end()) return;
  for (UdpSocket* socket : found->second) {
    const bool this_one = socket->connected_ && socket->foreign_.address == event.dest &&
                          socket->foreign_.port == header.dest_port;
    if (this_one) socket->set_error(error);
  }
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
     [](ModuleState& m, int) -> Result<std::unique_ptr<SocketOps>> { return self(m).create(); }}};

}  // namespace

constexpr ModuleRecord udp_module{.name = "udp",
                                  .summary = "User Datagram Protocol",
                                  .needs = {"net", "inet"},
                                  .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                    return std::make_unique<Udp>(v, defaults);
                                  },
                                  .settings = &defaults,
                                  .ip_protocols = protocols,
                                  .sysctls = sysctls,
                                  .counters = counters,
                                  .sockets = sockets};

}  // namespace stackyard
