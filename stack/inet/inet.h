// stack/inet/inet.h - IPv4 in one vnet: addresses, input, forwarding, output (RFC 791, 1122, 1812).
//
// Way of a packet: EtherInterface -> ether_receive -> (forward | deliver) -> output_on -> Arp.
// Read first: ip_input.cpp. Deliberately missing: multicast routing and multipath (their issue).
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "stack/inet/address_set.h"
#include "stack/inet/arp.h"
#include "stack/inet/fragments.h"
#include "stack/inet/icmp.h"
#include "stack/inet/igmp.h"
#include "stack/ip/ip_stack.h"
#include "stack/ip/multicast_routes.h"

namespace stackyard {

extern const ModuleRecord inet_module;

struct InetCounters {
  uint64_t received = 0, bad_checksum = 0, too_small = 0, too_short = 0, too_long = 0;
  uint64_t bad_header_length = 0, bad_length = 0, bad_options = 0, bad_version = 0;
  uint64_t fragments = 0, fragments_dropped = 0, fragments_timed_out = 0, reassembled = 0;
  uint64_t delivered = 0, unknown_protocol = 0, forwarded = 0, not_forwardable = 0;
  uint64_t not_member = 0, redirects_sent = 0, sent = 0, raw_sent = 0, no_buffers = 0;
  uint64_t no_route = 0, fragmented = 0, fragments_created = 0, cant_fragment = 0, bad_address = 0;
};

struct InetSettings {
  int64_t forwarding = 0, redirect = 1, ttl = 64, sourceroute = 0, accept_sourceroute = 0;
  int64_t process_options = 1, random_id = 0, rfc6864 = 1, rfc1122_strong_es = 0;
  int64_t no_same_prefix = 0;
  IcmpSettings icmp;
  ArpSettings arp;
  FragmentSettings fragments;
  IgmpSettings igmp;
};

class Inet final : public StateWithSettings<InetSettings>,
                   public IpOutput,
                   public EtherProtocol,
                   public InterfaceListener,
                   public HookResumer,
                   public RoutesOf<Ipv4Prefix> {
 public:
  Inet(Vnet& vnet, const InetSettings& defaults);
  ~Inet() override;

  NetStack& net() const { return net_; }
  IpStack& ip() const { return ip_; }
  Site& site() const { return site_; }
  Machine& machine() const { return vnet_.machine(); }
  Icmp& icmp() { return icmp_; }
  const Icmp& icmp() const { return icmp_; }
  Arp& arp() { return arp_; }
  const Arp& arp() const { return arp_; }
  Igmp& igmp() { return igmp_; }
  const Igmp& igmp() const { return igmp_; }
  Fragments& fragments() { return fragments_; }
  bool forwarding() const { return settings().forwarding != 0; }

  // `bring_up: settled`: the lab starts as if announcements had been made long ago.
  bool settled_start() const { return settled_start_; }
  void set_settled_start(bool settled) { settled_start_ = settled; }

  InetCounters counters;

  // --- addresses (addresses.cpp) ---
  Result<> add_address(const AddAddress& wanted);
  Result<> delete_address(const DeleteAddress& wanted);
  bool is_local(Ipv4Address address) const { return locals_.contains(address); }
  bool is_local(const IpAddress& a) const override { return is_local(a.v4()); }
  bool is_local_on(const Ifnet& interface, Ipv4Address address) const;
  bool is_broadcast(Ipv4Address address) const;
  bool is_broadcast(const IpAddress& a) const override { return is_broadcast(a.v4()); }
  Result<> may_bind(const IpAddress& address) const override;
  bool is_broadcast_on(const Ifnet& interface, Ipv4Address address) const;
  Ipv4Address primary_address(const Ifnet& interface) const;
  // The address to speak from to a neighbour: one of his network, else the primary.
  Ipv4Address source_on(const Ifnet& interface, Ipv4Address neighbour) const;
  bool on_link(const Ifnet& interface, Ipv4Address address) const;
  // The interface whose network holds the address; null: none.
  Ifnet* link_of(Ipv4Address address) const;
  Ifnet* interface_of(const IpAddress& address) const override;
  Ifnet* interface_towards(const IpAddress& dest, int fib) override;
  bool reaches_elsewhere(const Ifnet& from, Ipv4Address target);
  template <class Visit>
  void for_each_address(Visit visit) const {
    for (const Address& a : addresses_)
      visit(*a.interface, InterfaceAddress{a.interface->name(), a.prefix, a.broadcast, a.peer});
  }
  void interface_departing(Ifnet& interface) override;
  void interface_up_changed(Ifnet& interface) override;
  void mac_changed(Ifnet& interface) override;
  void addresses_unwanted(Ifnet& interface) override;
  void add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) override {
    igmp_.add_link_groups(interface, to);
  }

  // --- redirects, path MTU (routes.cpp) ---
  void add_redirect(Ipv4Address dest, Ipv4Address gateway, const IpContext& context);

  // --- input (ip_input.cpp) ---
  void ether_receive(Packet packet, Ifnet& from) override;
  // Keeps what a router said about the path's MTU (RFC 1191) and returns it; 0 in the message means
  // an old router: the next smaller plateau.
  uint32_t note_path_mtu(const Ipv4Header& quoted, uint32_t mtu);
  uint32_t path_mtu(const IpAddress& dest) const override;
  uint32_t mtu_towards(const IpAddress& dest, int fib) override;

  // --- output (ip_output.cpp) ---
  Result<> output(Packet packet, const IpSend& send) override;
  Result<IpAddress> source_for(const IpSend& send) override;
  void send_unreachable(Packet packet, Unreachable why) override;
  void send_icmp_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) override;
  WayTo way_to(const IpAddress& dest, int fib) override;
  Packet reassemble(Packet packet) override;
  Result<> set_group_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                            const SourceFilter* filter) override;

  // --- packet hooks (ip_hooks.cpp) ---
  void resume_packet(Packet packet, HookContext& at) override;

  // --- multicast routing (ip_mroute.cpp) ---
  Result<> multicast_routing(UpcallReceiver& daemon, SocketOption option,
                             const OptionValue& value) override;
  void multicast_daemon_closed(UpcallReceiver& daemon) override;
  MulticastRoutesInfo multicast_routes() const;
  const MulticastRouteCounters& multicast_counters() const;

  // --- options (options.cpp) ---
  // The options for an answer to this header: source routes reversed, recorded routes kept.
  std::vector<uint8_t> reversed_options(Bytes header) const;

 private:
  struct Address {
    Ifnet* interface;
    Ipv4Prefix prefix;
    Ipv4Address broadcast;  // 0: none
    Ipv4Address peer;       // of a point-to-point link; 0: none

    // What is broadcast: all ones, and the old form of all zeroes (RFC 1122 s3.3.6).
    template <class Visit>
    void for_each_broadcast(Visit visit) const {
      if (broadcast.is_any()) return;
      visit(broadcast);
      visit(prefix.network());
    }
  };
  struct Destination {  // what output and source_for decide
    Ifnet* interface = nullptr;
    Ipv4Address next_hop;
    Route* route = nullptr;
  };

  // RoutesOf's (routes.cpp).
  Ifnet* link_towards(int fib, const Ipv4Address& gateway) override;
  Ipv4Address source_on_link(const Ifnet& link, const Ipv4Address& neighbour) const override {
    return source_on(link, neighbour);
  }
  bool is_own(const Ipv4Address& address) const override { return is_local(address); }
  uint32_t mtu_of(const Ifnet& link) const override { return link.mtu(); }

  void drop(Packet& packet, const DropReason& why, std::string_view detail = {});
  // In the FIB of its interface, or in all of them (net.add_addr_allfibs).
  template <class Visit>
  void for_each_fib_of(const Ifnet& interface, Visit visit);
  void add_address_routes(const Address& address);
  void add_address_routes(const Address& address, int fib);
  void remove_address_routes(const Address& address);
  void tell_address(RouteEvent event, const Address& address) const;

  // What the hooks say of a packet that came in. False: it is not on its way any more.
  bool pass_in(Packet& packet, HookContext& at);
  void go_on(Packet packet, Ifnet& from);
  // The same of one that is to leave by `to`, which they may change. `from`: it is forwarded.
  HookVerdict pass_out(Packet& packet, Destination& to, Ifnet* from);
  HookVerdict pass_out(Packet& packet, Destination& to, HookContext& at);
  Result<Destination> towards(Ipv4Address next_hop, const Packet& packet);
  void forward_towards(Packet packet, const Ipv4Header& header, Ipv4Address next, Ifnet& from);
  void forward_hooked(Packet packet, Destination to, Ifnet& from);
  void finish_forward(Packet packet, const Destination& to);
  void not_forwarded(Packet packet, const Destination& to);
  static void spend_hop(Packet& packet);
  void received(Packet&& packet, Ipv4Header header, Ifnet& from);
  void enter(Packet packet, const Ipv4Header& header, Ifnet& from);
  void show_arrival(Packet packet, Ifnet& from);

  void header_error(Packet& packet, const DropReason& why);
  bool for_this_host(Packet& packet, const Ipv4Header& header, Ifnet& from) const;
  void deliver(Packet packet, Ipv4Header header, Ifnet& from);
  void forward(Packet packet, const Ipv4Header& header, Ifnet& from);
  void forward_group(const Packet& packet, const Ipv4Header& header, const Ifnet& from);
  void maybe_redirect(Packet& packet, const Ipv4Header& header, Ifnet& from, const Route& route);
  void note_route(const Packet& packet, Ipv4Address dest, const Route& route);
  // RTM_MISS.
  void note_miss(int fib, Ipv4Address dest);
  IpProtocol* protocol(uint8_t number);
  bool process_options(Packet& packet, Ipv4Header& header, Ifnet& from);

  // `payload`: of the packet, where its flow matters.
  Result<Destination> destination(const IpSend& send, Bytes payload = {});
  Result<Ipv4Address> source_of(const Destination& to, Ipv4Address dest) const;
  uint32_t flow_of(Bytes packet, const Ipv4Header& header) const;
  void build_header(Packet& packet, const IpSend& send, Ipv4Address source, Ipv4Address dest);
  // Sends a finished packet; fragments it when it has to be. While the next hop does not answer,
  // the packet stays with the caller.
  Result<> output_on(Packet&& packet, const Destination& to, bool broadcast);
  Result<> hand_to_link(Packet&& packet, const Destination& to, bool broadcast);
  Result<> fragment(Packet packet, const Destination& to, uint32_t mtu, bool broadcast);
  uint16_t next_id() { return settings().random_id ? uint16_t(random_.next()) : ++ip_id_; }

  Vnet& vnet_;
  Site& site_;
  NetStack& net_;
  IpStack& ip_;
  RandomStream random_;
  uint16_t ip_id_;
  bool settled_start_ = false;
  std::vector<Address> addresses_;  // an interface's first is its primary
  AddressSet locals_,
      broadcasts_;  // of addresses_: their own, and what is broadcast on their links
  std::map<Ipv4Address, uint32_t> path_mtus_;
  Arp arp_;
  Fragments fragments_;
  Icmp icmp_;
  Igmp igmp_;
  std::unique_ptr<MulticastRoutes> multicast_;  // null: no daemon has ever routed groups
};

}  // namespace stackyard
