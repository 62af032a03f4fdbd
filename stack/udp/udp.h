// stack/udp/udp.h - the User Datagram Protocol in one vnet, over both families of IP (RFC 768, RFC
// 1122 s4.1, RFC 8200 s8.1; udp(4)).
#pragma once

#include "core/wire/transport/udp.h"
#include "stack/ip/datagram_socket.h"

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
  const Pcb* socket_of(const Endpoint& local, const Endpoint& foreign) const override {
    return pcbs_.lookup(local, foreign);
  }
  // EAFNOSUPPORT: this build has not that family.
  Result<std::unique_ptr<SocketOps>> create(IpFamily family);

  UdpCounters counters;

 private:
  friend class UdpSocket;
  struct Ends {  // of a datagram that arrived
    Endpoint from, to;
  };

  void deliver_to_group(Packet payload, const Ends& ends, const IpContext& context);
  void deliver(UdpSocket& socket, Packet payload, const Ends& ends, const IpContext& context);
  bool checksum_right(Packet& packet, const UdpHeader& header, const IpContext& context);
  void no_socket(Packet packet, const Ends& ends, const IpContext& context);
  void drop(const Packet& packet, const DropReason& why);

  IpStack& ip_;
  PcbTable pcbs_;
};

}  // namespace stackyard
