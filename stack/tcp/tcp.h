// stack/tcp/tcp.h - the Transmission Control Protocol in one vnet (RFC 9293; tcp(4)).
//
// Way of a segment: Tcp::receive -> find the connection -> TcpConnection::segment_arrives -> its
// socket; a listening socket's go to TcpSyncache. Read first: connection.h.
#pragma once

#include "core/base/siphash.h"
#include "stack/inet/icmp.h"
#include "stack/ip/ip_stack.h"
#include "stack/tcp/host_cache.h"
#include "stack/tcp/settings.h"
#include "stack/tcp/syncache.h"
#include "stack/tcp/udp_tunnel.h"

namespace stackyard {

extern const ModuleRecord tcp_module;

// How a segment is sent, beside what the socket's options say.
struct TcpManner {
  uint8_t codepoint = 0;       // ECN's two bits
  bool signed_by_key = false;  // RFC 2385
  bool may_fragment = false;   // whatever net.inet.tcp.path_mtu_discovery says
};

class Tcp final : public StateWithSettings<TcpSettings>, public IpProtocol {
 public:
  Tcp(Vnet& vnet, const TcpSettings& defaults);
  ~Tcp() override;

  void receive(Packet packet, const IpContext& context) override;
  void path_event(const PathEvent& event) override;
  const Pcb* socket_of(const Endpoint& local, const Endpoint& foreign) const override {
    return pcbs_.lookup(local, foreign);
  }
  // EAFNOSUPPORT: this build has not that family.
  Result<std::unique_ptr<SocketOps>> create_socket(IpFamily family);

  // --- connections (connections.cpp) ---
  TcpConnection& make_connection();
  // Frees it when nobody can reach it any more.
  void release(TcpConnection& connection);
  // The last act of whatever happened to a connection: frees it, or tells its socket, whose owner
  // may do anything, even close it.
  void settle(TcpConnection& connection);
  // Gives it both ends; the own address is that of the way to the peer.
  Result<> connect(TcpConnection& connection, Endpoint foreign);
  PcbTable& pcbs() { return pcbs_; }
  TcpConnection* find(const TcpEnds& ends) const;
  TcpConnection* find_listener(const TcpEnds& ends) const;
  // The latest first.
  template <class Visit>
  void for_each(Visit visit) const {
    for (TcpConnection* c = connections_; c; c = c->next_) visit(*c);
  }
  Result<> drop_connection(const TcpEnds& ends);

  // --- output ---
  struct Segment {
    TcpEnds ends;
    Seq seq, ack;
    uint8_t flags = 0;
    bool accurate_bit = false;
    uint16_t window = 0;
    uint16_t urgent = 0;
  };
  // A packet with room for header and options; the caller may hang data on it.
  Packet make_segment(const Segment& segment, const TcpOptions& options);
  Result<> send(Packet packet, const TcpEnds& ends, const TcpSocketOptions& options,
                TcpManner manner = {});
  // --- signature.cpp ---
  bool sign(Packet& packet, const TcpEnds& ends);
  bool signature_right(Packet& packet, const TcpSegment& segment);
  bool signature_fits(const TcpSegment& segment);
  // --- udp_tunnel.cpp ---
  void receive_from_tunnel(Packet packet, const IpContext& context, uint16_t remote_port);
  TcpUdpTunnel& udp_tunnel() { return udp_tunnel_; }
  // RFC 9293 s3.5.2: a reset that fits the segment; none for a reset.
  void send_reset(const TcpSegment& to);
  // Answers for no connection, within ICMP's limit of rate.
  void refuse(TcpSegment& segment);
  void drop(const TcpSegment& segment, const DropReason& why);

  // What SYNs offer: the path's or the interface's MTU without headers.
  uint32_t segment_size_to(const IpAddress& dest, const TcpSocketOptions& options) const;
  uint8_t window_scale_offer() const;
  bool offers_scaling() const { return settings().rfc1323 == 1 || settings().rfc1323 == 2; }
  bool offers_timestamps() const { return settings().rfc1323 == 1 || settings().rfc1323 == 3; }
  // Of who does not say what he takes.
  uint32_t segment_size_unsaid(const IpAddress& dest) const {
    return uint32_t(dest.is_v4() ? settings().mssdflt : settings().v6mssdflt);
  }
  Seq initial_sequence(const TcpEnds& ends);
  // Milliseconds, which the offset of the connection disguises.
  uint32_t timestamp_now() const { return uint32_t(site().now().ms()); }
  uint32_t timestamp_offset(const TcpEnds& ends) const;
  // What nobody else can compute, of two ends and what else matters.
  uint64_t keyed_hash(const TcpEnds& ends, uint64_t what, uint64_t purpose) const;
  RtoBounds rto_bounds() const;
  static SimTime milliseconds(int64_t ms) { return SimTime(ms * 1'000'000); }

  IpStack& ip() const { return ip_; }
  Site& site() const { return ip_.site(); }
  PacketPool& pool() const { return site().pool(); }
  TcpSyncache& syncache() { return syncache_; }
  const TcpSyncache& syncache() const { return syncache_; }
  void set_congestion_default(size_t index);
  void set_congestion_settings(const CongestionSettings& settings);
  void set_functions_default(uint8_t index);
  // Connections that run such a stack.
  size_t count_functions(uint8_t index) const;

  TcpFastOpen& fast_open() { return fast_open_; }
  const TcpFastOpen& fast_open() const { return fast_open_; }
  TcpHostCache& host_cache() { return host_cache_; }
  const TcpHostCache& host_cache() const { return host_cache_; }
  TcpHostCache::Limits host_cache_limits() const;

  TcpCounters counters;

 private:
  bool checksum_right(Packet& packet, const IpContext& context);
  bool parse(Packet packet, const IpContext& context, TcpSegment& segment);
  void accept_segment(TcpSegment& segment, const IpContext& context);
  void wrap_in_udp(Packet& packet, const TcpEnds& ends, uint16_t remote_port);
  void deliver(TcpSegment& segment, const IpContext& context);
  void fast_drop(const Packet& packet, const DropReason& why);

  IpStack& ip_;
  PcbTable pcbs_;
  SipKey secret_;
  TcpConnection* connections_ = nullptr;
  Icmp::Limit reset_limit_{.name = "closed port RST"};
  TcpSyncache syncache_;
  TcpHostCache host_cache_;
  TcpFastOpen fast_open_;
  TcpUdpTunnel udp_tunnel_;
};

}  // namespace stackyard
