#include "core/wire/net/icmpv6.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

Parsed<Icmpv6Header> parse_icmpv6(Bytes message, const Ipv6Address& source,
                                  const Ipv6Address& dest) {
  if (message.size() < 4) return drops::truncated;
  const uint64_t pseudo = ipv6_pseudo_sum(source, dest, ip_protocol::icmpv6, message.size());
  if (internet_checksum(message, pseudo) != 0) return drops::bad_checksum;
  if (message.size() < sizeof(Icmpv6Header)) return drops::truncated;
  return load<Icmpv6Header>(message);
}

void finish_icmpv6(MutableBytes message, const Ipv6Address& source, const Ipv6Address& dest) {
  store(be16(0), message.subspan(2));
  const uint64_t pseudo = ipv6_pseudo_sum(source, dest, ip_protocol::icmpv6, message.size());
  store(be16(internet_checksum(message, pseudo)), message.subspan(2));
}

Parsed<Icmpv6Quote> parse_icmpv6_quote(Bytes message) {
  if (message.size() < sizeof(Icmpv6Header) + sizeof(Ipv6Header)) return drops::truncated;
  const Bytes packet = message.subspan(sizeof(Icmpv6Header));
  const auto ip = load<Ipv6Header>(packet);
  if (ip.version() != 6) return drops::bad_version;
  const Ipv6Chain chain = walk_ipv6_chain(packet);
  if (!chain.complete) return drops::truncated;
  // A later fragment's octets are no header.
  const bool header = !chain.fragment || chain.fragment->offset() == 0;
  return Icmpv6Quote{ip, chain.protocol, header ? packet.subspan(chain.offset) : Bytes()};
}

// --- Neighbour Discovery -------------------------------------------------------------------------

namespace {

std::optional<MacAddress> link_option(Bytes option) {
  if (option.size() != 8) return std::nullopt;  // Ethernet's
  return load<MacAddress>(option.subspan(2));
}

}  // namespace

Parsed<NdOptions> parse_nd_options(Bytes octets) {
  NdOptions options;
  while (!octets.empty()) {
    if (octets.size() < 8) return drops::truncated;
    const size_t size = size_t(octets[1]) * 8;
    if (size == 0) return drops::bad_option;
    if (size > octets.size()) return drops::truncated;
    const Bytes option = octets.first(size);
    switch (option[0]) {
      case nd_option::source_link:
        if (!options.source_link) options.source_link = link_option(option);
        break;
      case nd_option::target_link:
        if (!options.target_link) options.target_link = link_option(option);
        break;
      case nd_option::prefix:
        if (size == sizeof(NdPrefix)) options.prefixes.push_back(load<NdPrefix>(option));
        break;
      case nd_option::redirected:
        options.redirected = option.subspan(8);
        break;
      case nd_option::mtu:
        if (size == sizeof(NdMtu)) options.mtu = load<NdMtu>(option).mtu;
        break;
      case nd_option::nonce:
        if (size == 8) options.nonce = load<std::array<uint8_t, 6>>(option.subspan(2));
        break;
      default:
        break;  // RFC 4861 s4.6: what is not known is skipped
    }
    octets = octets.subspan(size);
  }
  return options;
}

void add_link_option(std::vector<uint8_t>& message, uint8_t type, MacAddress mac) {
  message.push_back(type);
  message.push_back(1);
  message.insert(message.end(), mac.octets.begin(), mac.octets.end());
}

namespace {

void put32(std::vector<uint8_t>& to, uint32_t n) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(uint8_t(n >> shift));
}

// Fills the option that begins at `at` up to whole units of 8 octets, and writes its length.
void finish_option(std::vector<uint8_t>& message, size_t at) {
  while ((message.size() - at) % 8 != 0) message.push_back(0);
  message[at + 1] = uint8_t((message.size() - at) / 8);
}

}  // namespace

void add_route_option(std::vector<uint8_t>& message, const Ipv6Prefix& prefix, uint8_t flags,
                      uint32_t lifetime_s) {
  const size_t at = message.size();
  message.insert(message.end(), {nd_option::route, 0, prefix.length, uint8_t(flags & 0x18)});
  put32(message, lifetime_s);
  const long octets = prefix.length == 0 ? 0 : prefix.length <= 64 ? 8 : 16;
  const Ipv6Address network = prefix.network();
  message.insert(message.end(), network.octets.begin(), network.octets.begin() + octets);
  finish_option(message, at);
}

void add_rdnss_option(std::vector<uint8_t>& message, const std::vector<Ipv6Address>& servers,
                      uint32_t lifetime_s) {
  const size_t at = message.size();
  message.insert(message.end(), {nd_option::rdnss, 0, 0, 0});
  put32(message, lifetime_s);
  for (const Ipv6Address& a : servers)
    message.insert(message.end(), a.octets.begin(), a.octets.end());
  finish_option(message, at);
}

void add_dnssl_option(std::vector<uint8_t>& message, const std::vector<std::string>& names,
                      uint32_t lifetime_s) {
  const size_t at = message.size();
  message.insert(message.end(), {nd_option::dnssl, 0, 0, 0});
  put32(message, lifetime_s);
  for (const std::string& name : names) {  // RFC 1035 s3.1
    for (const std::string& label : split(name, '.')) {
      if (label.empty() || label.size() > 63) continue;
      message.push_back(uint8_t(label.size()));
      message.insert(message.end(), label.begin(), label.end());
    }
    message.push_back(0);
  }
  finish_option(message, at);
}

bool add_pref64_option(std::vector<uint8_t>& message, const Ipv6Prefix& prefix,
                       uint32_t lifetime_s) {
  constexpr uint8_t lengths[] = {96, 64, 56, 48, 40, 32};
  const auto* found = std::find(std::begin(lengths), std::end(lengths), prefix.length);
  if (found == std::end(lengths)) return false;
  const size_t at = message.size();
  const uint32_t scaled = std::min((lifetime_s + 7) / 8, 8191u);  // in units of 8 s, 13 bits
  const uint32_t code = scaled << 3 | uint32_t(found - lengths);
  message.insert(message.end(), {nd_option::pref64, 0, uint8_t(code >> 8), uint8_t(code)});
  const Ipv6Address network = prefix.network();
  message.insert(message.end(), network.octets.begin(), network.octets.begin() + 12);
  finish_option(message, at);
  return true;
}

void add_nonce_option(std::vector<uint8_t>& message, const std::array<uint8_t, 6>& nonce) {
  message.push_back(nd_option::nonce);
  message.push_back(1);
  message.insert(message.end(), nonce.begin(), nonce.end());
}

// --- Multicast Listener Discovery ----------------------------------------------------------------

namespace {

// RFC 3810 s5.1.3: values from 32768 on are a mantissa and an exponent.
uint32_t decode_response(uint16_t code) {
  if (code < 0x8000) return code;
  return (uint32_t(code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
}

bool take_sources(Bytes& rest, size_t count, std::vector<Ipv6Address>& sources) {
  if (rest.size() < count * 16) return false;
  for (size_t i = 0; i < count; ++i) sources.push_back(load<Ipv6Address>(rest.subspan(i * 16)));
  rest = rest.subspan(count * 16);
  return true;
}

}  // namespace

Parsed<MldMessage> parse_mld(Bytes message) {
  if (message.size() < 8) return drops::truncated;
  MldMessage mld;
  mld.type = message[0];
  if (mld.type == icmpv6_type::mld2_report) {
    const size_t count = load<be16>(message.subspan(6));
    Bytes rest = message.subspan(8);
    for (size_t i = 0; i < count; ++i) {
      if (rest.size() < 20) return drops::truncated;
      MldRecord record{rest[0], load<Ipv6Address>(rest.subspan(4)), {}};
      const size_t auxiliary = size_t(rest[1]) * 4, sources = load<be16>(rest.subspan(2));
      rest = rest.subspan(20);
      if (!take_sources(rest, sources, record.sources) || rest.size() < auxiliary)
        return drops::truncated;
      rest = rest.subspan(auxiliary);
      mld.records.push_back(std::move(record));
    }
    return mld;
  }
  if (message.size() < 24) return drops::truncated;
  const uint16_t response = load<be16>(message.subspan(4));
  mld.group = load<Ipv6Address>(message.subspan(8));
  // RFC 3810 s8.1: the length tells the versions of queries apart.
  mld.version = mld.type == icmpv6_type::mld_query && message.size() >= 28 ? 2 : 1;
  mld.max_response_ms = mld.version == 2 ? decode_response(response) : response;
  if (mld.version == 1) return mld;
  mld.suppress = message[24] & 8;
  mld.robustness = message[24] & 7;
  mld.query_interval_code = message[25];
  Bytes rest = message.subspan(28);
  if (!take_sources(rest, load<be16>(message.subspan(26)), mld.sources)) return drops::truncated;
  return mld;
}

std::vector<uint8_t> emit_mld(const MldMessage& mld) {
  std::vector<uint8_t> out(8);
  out[0] = mld.type;
  const auto add = [&](const Ipv6Address& a) {
    const size_t at = out.size();
    out.resize(at + sizeof a.octets);
    store(a.without_zone().octets, MutableBytes(out).subspan(at));
  };
  if (mld.type == icmpv6_type::mld2_report) {
    store(be16(uint16_t(mld.records.size())), MutableBytes(out).subspan(6));
    for (const MldRecord& record : mld.records) {
      const size_t at = out.size();
      out.resize(at + 4);
      out[at] = record.type;
      store(be16(uint16_t(record.sources.size())), MutableBytes(out).subspan(at + 2));
      add(record.group);
      for (const Ipv6Address& source : record.sources) add(source);
    }
    return out;
  }
  if (mld.type == icmpv6_type::mld_query)
    store(be16(uint16_t(std::min<uint32_t>(mld.max_response_ms, 0x7fff))),
          MutableBytes(out).subspan(4));
  add(mld.group);
  if (mld.type != icmpv6_type::mld_query || mld.version == 1) return out;
  out.push_back(uint8_t((mld.suppress ? 8 : 0) | (mld.robustness & 7)));
  out.push_back(mld.query_interval_code);
  out.push_back(uint8_t(mld.sources.size() >> 8));
  out.push_back(uint8_t(mld.sources.size()));
  for (const Ipv6Address& source : mld.sources) add(source);
  return out;
}

// --- words ---------------------------------------------------------------------------------------

namespace {

std::string quoted_dest(Bytes message) {
  if (message.size() < sizeof(Icmpv6Header) + sizeof(Ipv6Header)) return "[|ip6]";
  return to_text(load<Ipv6Header>(message.subspan(sizeof(Icmpv6Header))).dest);
}

std::string describe_unreachable(const Icmpv6Header& icmp, Bytes message) {
  const std::string dest = quoted_dest(message);
  switch (icmp.code) {
    case icmpv6_code::no_route:
      return text("destination unreachable, unreachable route {}", dest);
    case icmpv6_code::prohibited:
      return text("destination unreachable, unreachable prohibited {}", dest);
    case icmpv6_code::beyond_scope:
      return text("destination unreachable, beyond scope {}", dest);
    case icmpv6_code::address_unreachable:
      return text("destination unreachable, unreachable address {}", dest);
    case icmpv6_code::port_unreachable: {
      const auto quote = parse_icmpv6_quote(message);
      if (!quote || quote->transport.size() < 4) return "destination unreachable, [|icmp6]";
      const uint16_t port = load<be16>(quote->transport.subspan(2));
      const char* protocol = quote->protocol == ip_protocol::udp   ? "udp"
                             : quote->protocol == ip_protocol::tcp ? "tcp"
                                                                   : "protocol";
      return text("destination unreachable, unreachable port, {} {} port {}", dest, protocol, port);
    }
    default:
      return text("destination unreachable, unknown code ({})", icmp.code);
  }
}

std::string describe_advert(const NeighbourAdvert& advert) {
  std::string flags;
  const uint32_t bits = advert.icmp.rest;
  const auto flag = [&](uint32_t bit, const char* name) {
    if (bits & bit) flags += (flags.empty() ? "" : ", ") + std::string(name);
  };
  flag(NeighbourAdvert::router, "router");
  flag(NeighbourAdvert::solicited, "solicited");
  flag(NeighbourAdvert::override_, "override");
  return text("neighbor advertisement, tgt is {}, Flags [{}]", to_text(advert.target), flags);
}

std::string describe_mld(Bytes message) {
  const auto mld = parse_mld(message);
  if (!mld) return "[|icmp6]";
  switch (mld->type) {
    case icmpv6_type::mld_query:
      return text("multicast listener query{} max resp delay: {} addr: {}",
                  mld->version == 2 ? " v2" : "", mld->max_response_ms, to_text(mld->group));
    case icmpv6_type::mld_report:
      return text("multicast listener report max resp delay: 0 addr: {}", to_text(mld->group));
    case icmpv6_type::mld_done:
      return text("multicast listener done max resp delay: 0 addr: {}", to_text(mld->group));
    default:
      break;
  }
  constexpr const char* names[] = {"?", "is_in", "is_ex", "to_in", "to_ex", "allow", "block"};
  std::string words = text("multicast listener report v2, {} group record(s)", mld->records.size());
  for (const MldRecord& record : mld->records) {
    std::string sources;
    for (const Ipv6Address& s : record.sources) sources += " " + to_text(s);
    words +=
        text(" [gaddr {} {} {{{}}}]", to_text(record.group),
             names[record.type <= 6 ? record.type : 0], sources + (sources.empty() ? " " : ""));
  }
  return words;
}

}  // namespace

std::string describe_icmpv6(Bytes message) {
  if (message.size() < sizeof(Icmpv6Header)) return "[|icmp6]";
  const auto icmp = load<Icmpv6Header>(message);
  switch (icmp.type) {
    case icmpv6_type::unreachable:
      return describe_unreachable(icmp, message);
    case icmpv6_type::too_big:
      return text("packet too big, mtu {}", uint32_t(icmp.rest));
    case icmpv6_type::time_exceeded:
      return icmp.code == icmpv6_code::hop_limit_in_transit
                 ? text("time exceeded in-transit for {}", quoted_dest(message))
                 : "ip6 reassembly time exceeded";
    case icmpv6_type::parameter_problem: {
      constexpr const char* names[] = {"errorneous", "next header", "option",
                                       "incomplete header chain"};
      return text("parameter problem, {} - octet {}", names[icmp.code & 3], uint32_t(icmp.rest));
    }
    case icmpv6_type::echo:
    case icmpv6_type::echo_reply:
      return text("echo {}, id {}, seq {}", icmp.type == icmpv6_type::echo ? "request" : "reply",
                  uint32_t(icmp.rest) >> 16, uint32_t(icmp.rest) & 0xffff);
    case icmpv6_type::router_solicit:
      return "router solicitation";
    case icmpv6_type::router_advert:
      return "router advertisement";
    case icmpv6_type::neighbour_solicit:
      if (message.size() < sizeof(NeighbourSolicit)) return "neighbor solicitation, [|icmp6]";
      return text("neighbor solicitation, who has {}",
                  to_text(load<NeighbourSolicit>(message).target));
    case icmpv6_type::neighbour_advert:
      if (message.size() < sizeof(NeighbourAdvert)) return "neighbor advertisement, [|icmp6]";
      return describe_advert(load<NeighbourAdvert>(message));
    case icmpv6_type::redirect:
      if (message.size() < sizeof(Redirect)) return "redirect, [|icmp6]";
      return text("redirect, {} to {}", to_text(load<Redirect>(message).dest),
                  to_text(load<Redirect>(message).target));
    case icmpv6_type::mld_query:
    case icmpv6_type::mld_report:
    case icmpv6_type::mld_done:
    case icmpv6_type::mld2_report:
      return describe_mld(message);
    default:
      return text("type-#{}", icmp.type);
  }
}

}  // namespace stackyard
