// stack/nat64/stateless.cpp - nat64stl: tables say which address is which (RFC 7915); nat64clat:
// both ends have prefixes (RFC 6877).
#include "stack/ipfw/ipfw.h"
#include "stack/nat64/nat64.h"

namespace stackyard {

namespace {

// A flow whose ends are translated, if both are.
template <class To, class From, class End>
std::optional<To> with_ends(const From& flow, const End& source, const End& dest) {
  if (!source || !dest) return std::nullopt;
  return To{*source, *dest, flow.source_port, flow.dest_port, flow.protocol};
}

class Stateless final : public Nat64Instance, FamilyMapper {
 public:
  Stateless(const Nat64Config& config, IpStack& ip)
      : Nat64Instance(config), vnet_(ip.net().vnet()) {}

  FamilyMapper* mapper(const Packet& packet, SimTime) override {
    if (packet.front()[0] >> 4 == 4)
      return table_6(load<Ipv4Header>(packet.front()).dest_address()) ? this : nullptr;
    const auto ip = load<Ipv6Header>(packet.front());
    return config.prefix6.contains(ip.dest) && table_4(ip.source) ? this : nullptr;
  }

 private:
  using To4 = std::optional<Ipv4Address>;
  using To6 = std::optional<Ipv6Address>;

  const ipfw::TableValue* look_up(const std::string& table, const IpAddress& address) const {
    const auto* firewall = vnet_.state_if_there<ipfw::Ipfw>(ipfw_module);
    const ipfw::Table* found = firewall ? firewall->tables().find(table) : nullptr;
    return found ? found->find(address) : nullptr;
  }
  To6 table_6(Ipv4Address address) const {
    const ipfw::TableValue* value = look_up(config.table4, address);
    return value ? To6(value->next_hop6) : std::nullopt;
  }
  To4 table_4(const Ipv6Address& address) const {
    const ipfw::TableValue* value = look_up(config.table6, address);
    return value ? To4(Ipv4Address{value->numbers[size_t(ipfw::ValueKind::ipv4)]}) : std::nullopt;
  }
  To4 extracted(const Ipv6Address& address) const {
    if (!config.prefix6.contains(address)) return std::nullopt;
    const Ipv4Address inside = extract(config.prefix6, address);
    return may_translate(config, inside) ? To4(inside) : std::nullopt;
  }
  To6 embedded(Ipv4Address address) const {
    return may_translate(config, address) ? To6(embed(config.prefix6, address)) : std::nullopt;
  }

  std::optional<Flow4> to_4(const Flow6& flow, bool quoted) override {
    return quoted ? with_ends<Flow4>(flow, extracted(flow.source), table_4(flow.dest))
                  : with_ends<Flow4>(flow, table_4(flow.source), extracted(flow.dest));
  }
  std::optional<Flow6> to_6(const Flow4& flow, bool quoted) override {
    return quoted ? with_ends<Flow6>(flow, table_6(flow.source), embedded(flow.dest))
                  : with_ends<Flow6>(flow, embedded(flow.source), table_6(flow.dest));
  }
  Ipv6Address author_6(Ipv4Address author) override { return embed(config.prefix6, author); }
  Ipv4Address author_4(const Ipv6Address& author, Ipv4Address otherwise) override {
    return table_4(author).value_or(otherwise);
  }

  Vnet& vnet_;
};

class Customer final : public Nat64Instance, FamilyMapper {
 public:
  using Nat64Instance::Nat64Instance;

  FamilyMapper* mapper(const Packet& packet, SimTime) override {
    if (packet.front()[0] >> 4 == 4) return this;
    const auto ip = load<Ipv6Header>(packet.front());
    const bool ours = config.clat_prefix.contains(ip.dest) && config.prefix6.contains(ip.source);
    return ours ? this : nullptr;
  }

 private:
  std::optional<Flow6> to_6(const Flow4& flow, bool quoted) override {
    const Ipv6Prefix &near = config.clat_prefix, &far = config.prefix6;
    if (!may_translate(config, quoted ? flow.source : flow.dest)) return std::nullopt;
    return Flow6{embed(quoted ? far : near, flow.source), embed(quoted ? near : far, flow.dest),
                 flow.source_port, flow.dest_port, flow.protocol};
  }
  std::optional<Flow4> to_4(const Flow6& flow, bool quoted) override {
    const Ipv6Prefix& source = quoted ? config.clat_prefix : config.prefix6;
    const Ipv6Prefix& dest = quoted ? config.prefix6 : config.clat_prefix;
    if (!source.contains(flow.source) || !dest.contains(flow.dest)) return std::nullopt;
    return Flow4{extract(source, flow.source), extract(dest, flow.dest), flow.source_port,
                 flow.dest_port, flow.protocol};
  }
  Ipv6Address author_6(Ipv4Address author) override { return embed(config.clat_prefix, author); }
  Ipv4Address author_4(const Ipv6Address& author, Ipv4Address otherwise) override {
    return config.prefix6.contains(author) ? extract(config.prefix6, author) : otherwise;
  }
};

}  // namespace

std::unique_ptr<Nat64Instance> make_stateless(const Nat64Config& config, IpStack& ip) {
  return std::make_unique<Stateless>(config, ip);
}
std::unique_ptr<Nat64Instance> make_customer(const Nat64Config& config) {
  return std::make_unique<Customer>(config);
}

}  // namespace stackyard
