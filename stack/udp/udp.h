// stack/udp/udp.h - the User Datagram Protocol in one vnet (RFC 768, RFC 1122 s4.1; udp(4)).
#pragma once

#include <unordered_map>
#include <vector>

#include "core/wire/transport/udp.h"
#include "stack/inet/inet.h"
#include "stack/ip/inet_socket.h"

namespace stackyard {

extern const ModuleRecord udp_module;

struct UdpCounters {
  uint64_t received = 0, too_short = 0, bad_length = 0, bad_checksum = 0, no_checksum = 0;
  uint64_t no_port = 0, no_port_group = 0, full_socket = 0, delivered = 0, sent = 0;
};

struct UdpSettings {
  int64_t checksum = 1, blackhole = 0, log_in_vain = 0, maxdgram = 9216, recvspace = 42080;
};

class UdpSocket;

class Udp final : public StateWithSettings<UdpSettings>, public IpProtocol {
 public:
  Udp(Vnet& vnet, const UdpSettings& defaults);

  void receive(Packet packet, const IpContext& context) override;
  void path_event(const PathEvent& event) override;
  std::unique_ptr<SocketOps> create();

  UdpCounters counters;

 private:
  friend class UdpSocket;
  struct Ends {  // of a datagram that arrived
    SockAddr from, to;
  };

  // EADDRINUSE, EADDRNOTAVAIL.
  Result<> bind(UdpSocket& socket, const SockAddr& address);
  void unbind(UdpSocket& socket);
  Result<uint16_t> free_port();
  bool port_taken(const UdpSocket& by, const SockAddr& address) const;
  UdpSocket* best_match(const Ends& ends) const;
  void deliver_to_group(Packet payload, const Ends& ends, const IpContext& context);
  void deliver(UdpSocket& socket, Packet payload, const Ends& ends, const IpContext& context);
  bool checksum_right(Packet& packet, const UdpHeader& header, const IpContext& context);
  void no_socket(Packet packet, const Ends& ends, const IpContext& context);
  void drop(const Packet& packet, const DropReason& why);

  Inet& inet_;
  RandomStream random_;
  uint16_t next_port_ = 0;
  std::unordered_map<uint16_t, std::vector<UdpSocket*>> ports_;  // in order of binding
};

}  // namespace stackyard
