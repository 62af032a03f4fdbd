// stack/nat64/stateful.cpp - nat64lsn: IPv6 hosts share a few IPv4 addresses (RFC 6146).
//
// A host keeps one of the addresses, and gets ports in groups of 64 there. What a host talks to has
// a link each (core/alias), in which a host's number stands for its address.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/alias/alias_links.h"
#include "core/wire/transport/tcp.h"
#include "stack/nat64/nat64.h"

namespace stackyard {

namespace {

constexpr uint32_t group_size = 64, first_port = 1024;
constexpr uint32_t groups_all = (65536 - first_port) / group_size;
constexpr size_t hosts_most = 100'000;

struct AddressHash {
  size_t operator()(const Ipv6Address& a) const { return mix(a.high() + mix(a.low())); }
};

struct PortGroup {
  uint32_t base;  // its first port
  SimTime used;
};

struct Host {
  Ipv6Address address;
  Ipv4Address alias;
  SimTime used;
  std::vector<PortGroup> groups[3];  // TCP, UDP, ICMP
};

size_t kind_index(uint16_t kind) { return kind == 6 ? 0 : kind == 17 ? 1 : 2; }

class Stateful final : public Nat64Instance, FamilyMapper {
 public:
  Stateful(const Nat64Config& config, RandomStream random)
      : Nat64Instance(config), random_(random), links_(random_.next(), times(config)) {}

  FamilyMapper* mapper(const Packet& packet, SimTime now) override {
    now_ = now;
    links_.expire(now);
    const uint8_t version = packet.front()[0] >> 4;
    flags_ = 0;
    if (version == 4) {
      const auto ip = load<Ipv4Header>(packet.front());
      if (!config.prefix4.contains(ip.dest_address())) return nullptr;
      note_flags(packet, ip.protocol, ip.header_size());
    } else {
      const auto ip = load<Ipv6Header>(packet.front());
      if (!config.prefix6.contains(ip.dest)) return nullptr;
      note_flags(packet, ip.next_header, sizeof ip);
    }
    return this;
  }

  // What it knows stays, and ages by the new times.
  void reconfigure(const Nat64Config& to) override {
    config.log = to.log;
    config.allow_private = to.allow_private;
    config.host_age = to.host_age;
    config.ports_age = to.ports_age;
    config.tcp_syn_age = to.tcp_syn_age;
    config.tcp_close_age = to.tcp_close_age;
    config.tcp_est_age = to.tcp_est_age;
    config.udp_age = to.udp_age;
    config.icmp_age = to.icmp_age;
    links_.set_times(times(config));
  }

  void count(Nat64Stats& stats, SimTime now) override {
    links_.expire(now);
    stats.states = links_.size();
    stats.hosts = by_address_.size();
    for (const Host& host : hosts_)
      for (const auto& groups : host.groups) stats.port_groups += groups.size();
  }

 private:
  static LinkTimes times(const Nat64Config& c) {
    const auto s = [](uint32_t seconds) { return SimTime(int64_t(seconds) * 1'000'000'000); };
    LinkTimes times = alias_times;
    times[size_t(LinkLife::dead)] = times[size_t(LinkLife::half_dead)] = s(c.tcp_close_age);
    times[size_t(LinkLife::opening)] = s(c.tcp_syn_age);
    times[size_t(LinkLife::established)] = s(c.tcp_est_age);
    times[size_t(LinkLife::datagrams)] = s(c.udp_age);
    times[size_t(LinkLife::queries)] = s(c.icmp_age);
    return times;
  }

  void note_flags(const Packet& packet, uint8_t protocol, size_t at) {
    if (protocol == ip_protocol::tcp && packet.front().size() >= at + sizeof(TcpHeader))
      flags_ = load<TcpHeader>(packet.front().subspan(at)).flags;
  }
  static bool translates(uint8_t protocol) {
    return protocol == ip_protocol::tcp || protocol == ip_protocol::udp ||
           protocol == ip_protocol::icmp;
  }
  // The remote port of a query is none: its identifier is the host's.
  static uint16_t remote_port(uint8_t protocol, uint16_t port) {
    return protocol == ip_protocol::icmp ? alias_no_port : port;
  }

  std::optional<Flow4> to_4(const Flow6& flow, bool quoted) override {
    if (!translates(flow.protocol)) return std::nullopt;
    // What an error quotes came from outside to the host that complains.
    const Ipv6Address& far = quoted ? flow.source : flow.dest;
    const Ipv6Address& near = quoted ? flow.dest : flow.source;
    const uint16_t near_port = quoted ? flow.dest_port : flow.source_port;
    const uint16_t far_port =
        remote_port(flow.protocol, quoted ? flow.source_port : flow.dest_port);
    if (!config.prefix6.contains(far)) return std::nullopt;
    const Ipv4Address remote = extract(config.prefix6, far);
    if (!may_translate(config, remote)) return std::nullopt;
    const uint32_t number = host_number(near, quoted);
    if (number == 0) return std::nullopt;
    AliasLink* link = links_.find_out({number}, near_port, remote, far_port, flow.protocol);
    if (!link && !quoted) link = new_link(number, near_port, remote, far_port, flow.protocol);
    if (!link) return std::nullopt;
    use(*link, AliasLinks::Way::out, quoted);
    const LinkEnds& e = link->ends;
    if (flow.protocol == ip_protocol::icmp)
      return quoted ? Flow4{remote, e.alias, e.alias_port, e.alias_port, flow.protocol}
                    : Flow4{e.alias, remote, e.alias_port, e.alias_port, flow.protocol};
    return quoted ? Flow4{remote, e.alias, far_port, e.alias_port, flow.protocol}
                  : Flow4{e.alias, remote, e.alias_port, far_port, flow.protocol};
  }

  std::optional<Flow6> to_6(const Flow4& flow, bool quoted) override {
    if (!translates(flow.protocol)) return std::nullopt;
    const Ipv4Address far = quoted ? flow.dest : flow.source;
    const Ipv4Address alias = quoted ? flow.source : flow.dest;
    const uint16_t alias_port = quoted ? flow.source_port : flow.dest_port;
    const uint16_t far_port =
        remote_port(flow.protocol, quoted ? flow.dest_port : flow.source_port);
    AliasLink* link = links_.find_in(alias, alias_port, far, far_port, flow.protocol);
    if (!link) return std::nullopt;
    use(*link, AliasLinks::Way::in, quoted);
    const Ipv6Address& host = hosts_[link->ends.local.value - 1].address;
    const Ipv6Address outside = embed(config.prefix6, far);
    const uint16_t own = link->ends.local_port;
    const uint16_t other = flow.protocol == ip_protocol::icmp ? own : far_port;
    return quoted ? Flow6{host, outside, own, other, flow.protocol}
                  : Flow6{outside, host, other, own, flow.protocol};
  }

  Ipv6Address author_6(Ipv4Address author) override { return embed(config.prefix6, author); }
  Ipv4Address author_4(const Ipv6Address& author, Ipv4Address otherwise) override {
    return config.prefix6.contains(author) ? extract(config.prefix6, author) : otherwise;
  }

  void use(AliasLink& link, AliasLinks::Way way, bool quoted) {
    if (quoted) return;
    links_.touch(link, now_);
    if (link.ends.kind == ip_protocol::tcp) links_.watch_tcp(link, way, flags_, now_);
    Host& host = hosts_[link.ends.local.value - 1];
    host.used = now_;
    for (PortGroup& group : host.groups[kind_index(link.ends.kind)])
      if (link.ends.alias_port - group.base < group_size) group.used = now_;
  }

  // From 1; 0: there is none, and none may be made.
  uint32_t host_number(const Ipv6Address& address, bool only_known) {
    const auto found = by_address_.find(address);
    if (found != by_address_.end()) return found->second + 1;
    if (only_known) return 0;
    forget_old_hosts();
    if (by_address_.size() >= hosts_most) return 0;
    if (free_hosts_.empty()) {
      free_hosts_.push_back(uint32_t(hosts_.size()));
      hosts_.emplace_back();
    }
    const uint32_t index = free_hosts_.back();
    free_hosts_.pop_back();
    const uint64_t count = uint64_t(1) << (32 - config.prefix4.length);
    hosts_[index] = {};
    hosts_[index].address = address;
    hosts_[index].alias = {uint32_t(config.prefix4.network().value + random_.below(count))};
    hosts_[index].used = now_;
    by_address_[address] = index;
    return index + 1;
  }

  // Once a minute at most, when somebody new comes.
  void forget_old_hosts() {
    if (now_ - swept_ < SimTime(60'000'000'000)) return;
    swept_ = now_;
    const auto old = [&](SimTime used, uint32_t age) {
      return now_ - used > SimTime(int64_t(age) * 1'000'000'000);
    };
    for (uint32_t index = 0; index < hosts_.size(); ++index) {
      Host& host = hosts_[index];
      for (size_t kind = 0; kind < 3; ++kind)
        std::erase_if(host.groups[kind], [&](const PortGroup& group) {
          const bool unused = old(group.used, config.ports_age);
          if (unused) owned_[kind].erase({host.alias, group.base});
          return unused;
        });
      const bool empty = std::ranges::all_of(host.groups, &std::vector<PortGroup>::empty);
      if (!empty || !old(host.used, config.host_age) || host.address.is_any()) continue;
      by_address_.erase(host.address);
      host = {};
      free_hosts_.push_back(index);
    }
  }

  AliasLink* new_link(uint32_t number, uint16_t port, Ipv4Address remote, uint16_t far_port,
                      uint16_t kind) {
    Host& host = hosts_[number - 1];
    const auto own_port = free_port(host, remote, far_port, kind);
    if (!own_port) return nullptr;
    return links_.add({{number}, remote, host.alias, port, far_port, *own_port, kind},
                      first_life(kind), now_);
  }

  std::optional<uint16_t> free_port(Host& host, Ipv4Address remote, uint16_t far_port,
                                    uint16_t kind) {
    auto& groups = host.groups[kind_index(kind)];
    const auto is_free = [&](uint32_t port) {
      return !links_.find_in(host.alias, uint16_t(port), remote, far_port, kind);
    };
    for (PortGroup& group : groups) {
      const uint32_t start = uint32_t(random_.below(group_size));
      for (uint32_t i = 0; i < group_size; ++i) {
        const uint32_t port = group.base + (start + i) % group_size;
        if (!is_free(port)) continue;
        group.used = now_;
        return uint16_t(port);
      }
    }
    auto& owned = owned_[kind_index(kind)];
    const uint32_t start = uint32_t(random_.below(groups_all));
    for (uint32_t i = 0; i < groups_all; ++i) {
      const uint32_t base = first_port + (start + i) % groups_all * group_size;
      if (!owned.insert({host.alias, base}).second) continue;
      groups.push_back({base, now_});
      return uint16_t(base + random_.below(group_size));
    }
    return std::nullopt;
  }

  RandomStream random_;
  AliasLinks links_;
  std::vector<Host> hosts_;
  std::vector<uint32_t> free_hosts_;
  std::unordered_map<Ipv6Address, uint32_t, AddressHash> by_address_;  // looked up only
  std::set<std::pair<Ipv4Address, uint32_t>> owned_[3];                // first ports of groups
  SimTime now_, swept_;
  uint8_t flags_ = 0;  // of the TCP segment at hand
};

}  // namespace

std::unique_ptr<Nat64Instance> make_stateful(const Nat64Config& config, RandomStream random) {
  return std::make_unique<Stateful>(config, random);
}

}  // namespace stackyard
