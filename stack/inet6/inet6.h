// stack/inet6/inet6.h - IPv6 in one vnet: addresses, input, forwarding, output (RFC 8200, 4291).
//
// Way of a packet: EtherInterface -> ether_receive -> (forward | deliver) -> hand_to_link ->
// Neighbours. The state is made by the first packet, address or socket that needs it; interfaces
// begin with IPv6 off (ifdisabled) until they get an address or a flag, as with rc.conf's defaults.
// Deliberately missing: jumbograms, routing headers, multicast routing.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/wire/net/icmpv6.h"
#include "stack/inet6/address_policy.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/inet6/autoconf.h"
#include "stack/inet6/fragments6.h"
#include "stack/inet6/icmp6.h"
#include "stack/inet6/mld.h"
#include "stack/inet6/neighbours.h"
#include "stack/inet6/router_discovery.h"
#include "stack/ip/ip_stack.h"
#include "stack/ip/multicast_routes.h"

namespace stackyard {

extern const ModuleRecord inet6_module;

struct Inet6Counters {
  uint64_t received = 0, too_small = 0, too_short = 0, bad_options = 0, bad_version = 0;
  uint64_t fragments = 0, fragments_dropped = 0, fragments_timed_out = 0, fragment_overflow = 0;
  uint64_t reassembled = 0, delivered = 0, forwarded = 0, not_forwardable = 0;
  uint64_t redirects_sent = 0, sent = 0, raw_sent = 0, no_route = 0, fragmented = 0;
  uint64_t fragments_created = 0, cant_fragment = 0, bad_scope = 0, not_member = 0;
  uint64_t too_many_headers = 0, no_source = 0, unknown_protocol = 0;
};

struct Inet6Settings {
  int64_t forwarding = 0, redirect = 1, hlim = 64, accept_rtadv = 0, auto_linklocal = 1;
  int64_t dad_count = 1, dad_enhanced = 1, hdrnestlimit = 15, auto_flowlabel = 1;
  int64_t prefer_tempaddr = 0, no_radr = 0, rfc6204w3 = 0, log_interval = 5;
  int64_t rfc1122_strong_es = 0;
  AutoconfSettings autoconf;
  RouterSettings routers;
  FragmentSettings6 fragments;
  Icmp6Settings icmp;
  NeighbourSettings nd;
  MldSettings mld;
};

class Inet6 final : public StateWithSettings<Inet6Settings>,
                    public IpOutput,
                    public EtherProtocol,
                    public InterfaceListener,
                    public HookResumer,
                    public RoutesOf<Ipv6Prefix> {
 public:
  struct Address {
    Ifnet* interface;
    Ipv6Address address;  // with its zone
    uint8_t length;
    uint32_t flags = 0;  // in6_flag
    SimTime preferred_until = SimTime::max(), valid_until = SimTime::max();
    unsigned failures = 0;                         // of RFC 7217: how many before it others had
    SimTime created, replace_at = SimTime::max();  // of temporary ones
    bool usable() const { return !(flags & (in6_flag::tentative | in6_flag::duplicated)); }
    Ipv6Prefix prefix() const { return {address, length}; }
  };
  // What IPv6 knows of an interface; made when it is configured.
  struct Link {
    IfRef ref;
    uint32_t flags = 0;  // nd6_flag
    uint32_t mtu = 0;    // by router advertisements; 0: the interface's
    uint8_t hop_limit = 0;
    SimTime base_reachable = 30_s, reachable = 30_s, retrans = 1_s;
  };

  Inet6(Vnet& vnet, const Inet6Settings& defaults);
  ~Inet6() override;

  NetStack& net() const { return net_; }
  IpStack& ip() const { return ip_; }
  Site& site() const { return site_; }
  Machine& machine() const { return net_.vnet().machine(); }
  RandomStream& random() { return random_; }
  Icmp6& icmp() { return icmp_; }
  const Icmp6& icmp() const { return icmp_; }
  Neighbours& neighbours() { return neighbours_; }
  const Neighbours& neighbours() const { return neighbours_; }
  Autoconf& autoconf() { return autoconf_; }
  const Autoconf& autoconf() const { return autoconf_; }
  AddressPolicy& policy() { return policy_; }
  const AddressPolicy& policy() const { return policy_; }
  RouterDiscovery& routers() { return routers_; }
  const RouterDiscovery& routers() const { return routers_; }
  Mld& mld() { return mld_; }
  const Mld& mld() const { return mld_; }
  bool forwarding() const { return settings().forwarding != 0; }
  void forwarding_changed();
  // `bring_up: settled`: the lab starts as if DAD and reports had been made long ago.
  bool settled_start() const { return settled_start_; }
  void set_settled_start(bool settled) { settled_start_ = settled; }

  Inet6Counters counters;

  // --- interfaces and addresses (addresses6.cpp, dad.cpp) ---
  Link& link(const Ifnet& interface);
  const Link* link_if_there(const Ifnet& interface) const;
  bool enabled(const Ifnet& interface) const;
  Result<> set_nd_flags(const SetNdFlags& wanted);
  void list_links(ListNdInterfaces& list) const;
  Result<> default_interface(DefaultInterface6& wanted);
  Result<> add_address(const AddAddress6& wanted);
  Result<> delete_address(const DeleteAddress6& wanted);
  // As add_address, for addresses that the stack makes itself.
  Result<Address*> configure(Ifnet& interface, const Ipv6Prefix& address, uint32_t flags,
                             SimTime preferred, SimTime valid);
  void remove(Address& address);
  // Its network is there again: it is tried once more (RFC 4862 s5.4).
  void attach_again(Address& address);
  void drop_address_routes(const Address& address);
  void list_addresses(ListAddresses6& list) const;
  const std::vector<std::unique_ptr<Address>>& addresses() const { return addresses_; }
  Address* find(const Ipv6Address& address) const;
  Address* find_on(const Ifnet& interface, const Ipv6Address& address) const;
  bool is_local(const Ipv6Address& address) const;
  bool is_local(const IpAddress& a) const override { return is_local(a.v6()); }
  bool is_broadcast(const IpAddress&) const override { return false; }
  Result<> may_bind(const IpAddress& address) const override;
  Ifnet* interface_of(const IpAddress& address) const override;
  Ifnet* interface_towards(const IpAddress& dest, int fib) override;
  // Any: the interface has none that is in use.
  Ipv6Address link_local_on(const Ifnet& interface) const;
  bool on_link(const Ifnet& interface, const Ipv6Address& address) const;
  // RFC 6724 s5; null: none fits.
  const Address* select_source(const Ipv6Address& dest, const Ifnet& outgoing,
                               Temporary temporary = Temporary::by_sysctl) const;
  void order_destinations(OrderDestinations& wanted);
  void lifetimes_changed();
  SimTime now() const { return site_.now(); }
  void dad_found(Address& address, std::string_view by);  // somebody else has it
  // A solicitation or advertisement for a tentative address of ours: true if there was one.
  bool dad_heard(const Ifnet& from, const Ipv6Address& target, const NdOptions& options,
                 bool solicit);

  void interface_arrived(Ifnet& interface) override;
  void interface_departing(Ifnet& interface) override;
  void interface_up_changed(Ifnet& interface) override;
  void mac_changed(Ifnet& interface) override;
  void add_link_groups(const Ifnet& interface, std::vector<MacAddress>& to) override {
    mld_.add_link_groups(interface, to);
  }

  // --- routes (routes6.cpp) ---
  void add_redirect(const Ipv6Address& dest, const Ipv6Address& gateway, Ifnet& on,
                    const Ipv6Address& author);
  // Keeps what a router said about the path's MTU (RFC 8201).
  void note_path_mtu(const Ipv6Address& dest, uint32_t mtu);
  uint32_t path_mtu(const IpAddress& dest) const override;
  uint32_t mtu_towards(const IpAddress& dest, int fib) override;
  uint32_t link_mtu(const Ifnet& interface) const;

  // --- input (ip6_input.cpp) ---
  void ether_receive(Packet packet, Ifnet& from) override;

  // --- output (ip6_output.cpp) ---
  Result<> output(Packet packet, const IpSend& send) override;
  Result<IpAddress> source_for(const IpSend& send) override;
  void send_unreachable(Packet packet, Unreachable why) override;
  void send_icmp_error(Packet packet, uint8_t type, uint8_t code, uint32_t rest) override;
  WayTo way_to(const IpAddress& dest, int fib) override;
  Packet reassemble(Packet packet) override { return packet; }
  void confirm_reachable(const IpAddress& address, int fib) override;
  Result<> set_group_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                            const SourceFilter* filter) override;

  // --- packet hooks (ip6_hooks.cpp) ---
  void resume_packet(Packet packet, HookContext& at) override;

  // --- multicast routing (ip6_mroute.cpp) ---
  Result<> multicast_routing(UpcallReceiver& daemon, SocketOption option,
                             const OptionValue& value) override;
  void multicast_daemon_closed(UpcallReceiver& daemon) override;
  MulticastRoutesInfo multicast_routes() const;
  const MulticastRouteCounters& multicast_counters() const;

 private:
  struct Destination {
    Ifnet* interface = nullptr;
    Ipv6Address next_hop;
    Route6* route = nullptr;
  };
  struct PathMtu {
    uint32_t mtu = 0;
    SimTime until;
  };
  struct Dad;        // of one address that is being tried (dad.cpp)
  struct Candidate;  // of several destinations (source_address.cpp)
  struct Arrival {
    Ipv6Address source, dest;  // with their zones
    Ifnet& from;
    size_t headers = sizeof(Ipv6Header);  // octets of the headers seen so far
    size_t protocol_at = 6;               // where the number of the header to come is
    uint8_t protocol = 0;
    bool reassembled = false;
    bool local = false, group = false;
  };
  enum class Step : uint8_t { next, done, final };

  Candidate candidate_for(const SockAddr& name);
  // RoutesOf's (routes6.cpp).
  Ifnet* link_towards(int fib, const Ipv6Address& gateway) override;
  Ipv6Address source_on_link(const Ifnet&, const Ipv6Address&) const override { return {}; }
  bool is_own(const Ipv6Address& address) const override { return is_local(address); }
  uint32_t mtu_of(const Ifnet& link) const override { return link_mtu(link); }
  // In the FIB of its interface, or in all of them (net.add_addr_allfibs).
  template <class Visit>
  void for_each_fib_of(const Ifnet& interface, Visit visit) {
    if (!net_.settings().add_addr_allfibs) return visit(interface.fib());
    for (int fib = 0; fib < net_.fib_count(); ++fib) visit(fib);
  }
  void tell_address(RouteEvent event, const Address& address) const;
  // RTM_MISS.
  void note_miss(int fib, const Ipv6Address& dest);
  uint32_t flow_of(Bytes packet, const Ipv6Header& header) const;

  void drop(const Packet& packet, const DropReason& why, std::string_view detail = {});
  void add_local(const Ipv6Address& address);
  void remove_local(const Ipv6Address& address);
  void attach(Ifnet& interface);
  void attach_loopback(Ifnet& interface);
  void address_usable(Address& address);
  void join_address_groups(const Address& address, bool join);
  void add_address_routes(const Address& address);
  void expire();
  void start_dad(Address& address, SimTime delay);
  void stop_dad(const Address& address);
  void dad_step(Dad& dad);
  void send_dad_solicit(Dad& dad);

  // As in Inet.
  bool pass_in(Packet& packet, HookContext& at);
  void go_on(Packet packet, Ifnet& from);
  HookVerdict pass_out(Packet& packet, Destination& to, Ifnet* from, uint8_t flags = 0);
  HookVerdict pass_out(Packet& packet, Destination& to, HookContext& at);
  Result<Destination> towards(const Ipv6Address& next_hop, const Packet& packet);
  void forward_towards(Packet packet, const Ipv6Address& next, Ifnet& from);
  void forward_hooked(Packet packet, Destination to, Ifnet& from);
  void finish_forward(Packet packet, const Destination& to);
  void not_forwarded(Packet packet, const Destination& to);
  void received(Packet&& packet, const Ipv6Header& header, Ifnet& from);
  void enter(Packet packet, const Ipv6Header& header, Ifnet& from);
  void show_arrival(Packet packet, Ifnet& from);
  // Fragments it where it has to be.
  static constexpr uint8_t send_dont_fragment = 1, send_minimum_mtu = 2;
  Result<> output_on(Packet packet, const Destination& to, uint8_t flags);

  bool plausible(Packet& packet, const Ipv6Header& header, Ifnet& from);
  bool hop_by_hop(Packet& packet, Arrival& a);
  void deliver(Packet packet, Arrival& a);
  Step extension(Packet& packet, Arrival& a);
  Step options_header(Packet& packet, Arrival& a, size_t size);
  Step routing_header(Packet& packet, Arrival& a, size_t size);
  Step fragment_header(Packet& packet, Arrival& a);
  void to_protocol(Packet packet, const Arrival& a);
  void problem(Packet packet, const DropReason& why, uint8_t code, size_t pointer);
  void forward(Packet packet, const Ipv6Header& header, const Arrival& a);
  void forward_group(const Packet& packet, const Ipv6Header& header, const Ifnet& from);
  void maybe_redirect(Packet& packet, const Ipv6Header& header, const Arrival& a,
                      const Route6& route);
  void note_route(const Packet& packet, const Ipv6Address& dest, const Route6& route);

  Result<Destination> destination(const IpSend& send, Bytes payload = {});
  Result<Destination> group_destination(const IpSend& send);
  uint32_t flow_label(const Packet& packet, const IpSend& send, const Ipv6Address& source) const;
  void build_header(Packet& packet, const IpSend& send, const Ipv6Address& source,
                    const Ifnet& outgoing);
  Result<> fragment(Packet packet, const Destination& to, uint32_t mtu, size_t unfragmentable,
                    size_t next_at);
  Result<> hand_to_link(Packet&& packet, const Destination& to);

  NetStack& net_;
  Site& site_;
  IpStack& ip_;
  RandomStream random_;
  SipKey flow_key_;
  bool settled_start_ = false;
  IfRef default_interface_;  // of link-local addresses without a zone; none: there is none
  std::vector<Link> links_;  // by interface's index
  std::vector<std::unique_ptr<Address>> addresses_;
  std::vector<Ipv6Address> locals_;  // those in use, sorted
  std::vector<std::unique_ptr<Dad>> trying_;
  std::map<Ipv6Address, PathMtu> path_mtus_;
  Timer expiry_;  // of the address that ends or is deprecated next
  AddressPolicy policy_;
  Autoconf autoconf_;
  Neighbours neighbours_;
  RouterDiscovery routers_;
  Fragments6 fragments_;
  Icmp6 icmp_;
  Mld mld_;
  std::unique_ptr<MulticastRoutes> multicast_;  // null: no daemon has ever routed groups
};

}  // namespace stackyard
