// stack/ip/ip_stack.h - what IPv4 and IPv6 share in one vnet: protocols above them, ports, raw
// sockets, and what jails let their sockets use.
//
// Transports are written once, for both families: `ip.output(address.family())` sends, and their
// `receive` hears from both. A family's stack is made by the first packet, address or socket of it.
#pragma once

#include <vector>

#include "stack/ip/divert_socket.h"
#include "stack/ip/ip_output.h"
#include "stack/ip/packet_services.h"
#include "stack/ip/raw_socket.h"
#include "stack/kern/vnet.h"
#include "stack/net/net_stack.h"

namespace stackyard {

class TcpKeys;
extern const ModuleRecord ip_module;

struct IpSettings {
  int64_t portrange_first = 10000, portrange_last = 65535, portrange_randomized = 1;
  int64_t v6only = 1;
  int64_t socket_sources_max = 128;
};

// Where a filter forwards a packet to, of this host.
inline void note_forwarding(const Packet& packet, IpContext& context) {
  const auto forwarding = forwarding_of(packet);
  if (!forwarding) return;
  context.forwarded = true;
  context.forwarded_to = forwarding->to;
  context.forwarded_port = forwarding->port;
}

class IpStack final : public StateWithSettings<IpSettings> {
 public:
  IpStack(Vnet& vnet, const IpSettings& defaults);
  ~IpStack() override;

  NetStack& net() const { return net_; }
  Site& site() const { return net_.site(); }
  Machine& machine() const { return net_.vnet().machine(); }

  // The stack of a family, made if it is not there yet. Null: this build has none.
  IpOutput* output(IpFamily family) {
    IpOutput* there = outputs_[size_t(family)];
    return there ? there : make(family);
  }
  IpOutput* present(IpFamily family) const { return outputs_[size_t(family)]; }
  // Of a family whose packet or address is at hand, so that it is there.
  IpOutput& of(const IpAddress& address) { return *outputs_[size_t(address.family())]; }
  // For the stacks themselves.
  void set_output(IpFamily family, IpOutput* output) { outputs_[size_t(family)] = output; }

  // A transport, of both families. The state that takes a number is made when a packet needs it.
  void add_protocol(uint8_t number, IpProtocol* protocol);
  // Null: no module takes it.
  IpProtocol* protocol(uint8_t number) {
    for (const auto& [own, protocol] : protocols_)
      if (own == number) return protocol;
    return make_protocol(number);
  }
  // Tells the protocol whose packet was quoted, if it is there.
  void path_event(uint8_t number, const PathEvent& event);

  // Null while nobody has given any (setkey(8)).
  const TcpKeys* tcp_keys() const { return tcp_keys_.get(); }
  TcpKeys& make_tcp_keys();

  RawIp& raw() { return raw_; }
  DivertSockets& divert() { return divert_; }
  // What packet filters have done by others.
  PacketServices services;
  // Of the hash that spreads flows over paths: routers in a row do not choose alike.
  uint64_t flow_seed() const { return flow_seed_; }

  // --- addresses of jails that share the stack (prison_local_ip4 and its like) ---
  // The address that a socket of the jail gets when it asks for `address`: the jail's only one
  // instead of "any", its first instead of the loopback one. EADDRNOTAVAIL: it is not the jail's;
  // EAFNOSUPPORT: the jail has none of the family.
  Result<> confine(int jail, IpAddress& address) const;
  bool allows(int jail, const IpAddress& address) const;
  // The source of a socket that did not choose one: the outgoing interface's if the jail has it,
  // else the jail's first.
  Result<IpAddress> source_for(int jail, const IpSend& send);

 private:
  IpOutput* make(IpFamily family);
  IpProtocol* make_protocol(uint8_t number);

  NetStack& net_;
  uint64_t flow_seed_;
  IpOutput* outputs_[2] = {};
  std::vector<std::pair<uint8_t, IpProtocol*>> protocols_;
  RawIp raw_;
  DivertSockets divert_;
  std::unique_ptr<TcpKeys> tcp_keys_;
};

}  // namespace stackyard
