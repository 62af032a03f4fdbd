// userland/net/route_words.cpp - the words of route(8) become a request.
#include <algorithm>

#include "core/base/text.h"
#include "stack/net/api/interface_requests.h"
#include "userland/net/route.h"

namespace stackyard {

namespace {

struct FlagWord {
  const char* word;
  uint32_t set, clear;
};
constexpr FlagWord flag_words[] = {
    {"blackhole", route_flag::blackhole, 0}, {"reject", route_flag::reject, 0},
    {"proto1", route_flag::proto1, 0},       {"proto2", route_flag::proto2, 0},
    {"static", route_flag::static_, 0},      {"nostatic", 0, route_flag::static_},
    {"sticky", route_flag::sticky, 0},       {"nostick", 0, route_flag::sticky}};

struct MetricWord {
  const char* word;
  uint64_t bit;
  uint64_t RtMetrics::*value;
};
constexpr MetricWord metric_words[] = {{"mtu", rtv::mtu, &RtMetrics::mtu},
                                       {"hopcount", rtv::hopcount, &RtMetrics::hopcount},
                                       {"metric", rtv::hopcount, &RtMetrics::hopcount},
                                       {"expire", rtv::expire, &RtMetrics::expire},
                                       {"recvpipe", rtv::recvpipe, &RtMetrics::recvpipe},
                                       {"sendpipe", rtv::sendpipe, &RtMetrics::sendpipe},
                                       {"ssthresh", rtv::ssthresh, &RtMetrics::ssthresh},
                                       {"rtt", rtv::rtt, &RtMetrics::rtt},
                                       {"rttvar", rtv::rttvar, &RtMetrics::rttvar},
                                       {"weight", rtv::weight, &RtMetrics::weight}};

// inet_network(3)'s and the old classes': "10" is 10.0.0.0/8, "192.168.1" is 192.168.1.0/24.
std::optional<Ipv4Prefix> network_of(const std::string& word) {
  const std::vector<std::string> parts = split(word, '.');
  if (parts.empty() || parts.size() > 4) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const auto octet = i < parts.size() ? parse_int(parts[i]) : 0;
    if (!octet || *octet < 0 || *octet > 255) return std::nullopt;
    value = value << 8 | uint32_t(*octet);
  }
  uint8_t length = uint8_t(parts.size() * 8);
  if (parts.size() == 4) {
    const uint8_t first = uint8_t(value >> 24);
    length = first < 128 ? 8 : first < 192 ? 16 : 24;
    if (value & ~ipv4_mask(length)) length = 32;
  }
  return Ipv4Prefix{{value}, length};
}

class Reader {
 public:
  Reader(Sys& sys, RouteMode& mode, RouteWords& to) : sys_(sys), mode_(mode), to_(to) {}
  std::optional<RouteProblem> read(const Args& words);

 private:
  std::optional<RouteProblem> keyword(const std::string& word, const Args& words, size_t& at);
  std::optional<RouteProblem> operand(const std::string& word);
  std::optional<RouteProblem> destination(const std::string& word);
  std::optional<RouteProblem> finish();
  std::optional<RouteProblem> address(RtAddress which, const std::string& word);
  std::optional<RouteProblem> bad_address(const std::string& word) const {
    return RouteProblem{text("bad address: {}", word), 68};
  }
  bool v6() const { return mode_.family == IpFamily::v6; }
  std::optional<LinkName> link(const std::string& name) const {
    InterfaceIndex ask;
    ask.name = name;
    if (!sys_.request(ask)) return std::nullopt;
    return LinkName{uint16_t(ask.index), 0, name, {}};
  }

  Sys& sys_;
  RouteMode& mode_;
  RouteWords& to_;
  bool force_host_ = false, force_net_ = false, by_interface_ = false;
  bool locking_ = false, lock_rest_ = false;
  std::optional<unsigned> length_;
};

std::optional<RouteProblem> Reader::address(RtAddress which, const std::string& word) {
  const std::vector<SockAddr> found = sys_.resolve(word, v6() ? Af::inet6 : Af::inet);
  if (found.empty()) return bad_address(word);
  to_.addresses.set(which, found[0].address, found[0].scope);
  return std::nullopt;
}

std::optional<RouteProblem> Reader::destination(const std::string& word) {
  to_.dest = word;
  if (word == "default") {
    force_net_ = true;
    length_ = 0;
    to_.addresses.set(rta_dst, IpAddress::any(v6() ? IpFamily::v6 : IpFamily::v4));
    return std::nullopt;
  }
  const size_t slash = word.find('/');
  const std::string name = word.substr(0, slash);
  if (parse_zoned(name)) mode_.family = IpFamily::v6;
  if (slash != word.npos) {
    const auto length = parse_int(word.substr(slash + 1));
    const auto network = v6() ? std::nullopt : network_of(name);
    if (!length || *length < 0 || *length > (v6() ? 128 : 32)) return bad_address(word);
    length_ = unsigned(*length);
    if (!network) return address(rta_dst, name);
    to_.addresses.set(rta_dst, network->address);
    return std::nullopt;
  }
  const auto network = v6() ? std::nullopt : network_of(name);
  if (!network) {
    to_.is_host = true;
    return address(rta_dst, name);
  }
  to_.addresses.set(rta_dst, network->address);
  to_.is_host = network->length == 32;
  if (!to_.is_host && !length_) length_ = network->length;
  return std::nullopt;
}

std::optional<RouteProblem> Reader::operand(const std::string& word) {
  if (to_.dest.empty()) return destination(word);
  if (to_.gateway.empty()) {
    to_.gateway = word;
    if (by_interface_) {
      if (const auto name = link(word)) {
        to_.addresses.set(rta_gateway, *name);
        return std::nullopt;
      }
    }
    if (parse_zoned(word)) mode_.family = IpFamily::v6;
    return address(rta_gateway, word);
  }
  if (const auto mask = parse_ipv4(word)) {
    const auto length = prefix_length_of(*mask);
    if (!length) return bad_address(word);
    length_ = *length;
    force_net_ = true;
    return std::nullopt;
  }
  return bad_address(word);
}

std::optional<RouteProblem> Reader::keyword(const std::string& word, const Args& words,
                                            size_t& at) {
  const auto next = [&]() -> std::string { return at + 1 < words.size() ? words[++at] : ""; };
  for (const FlagWord& f : flag_words) {
    if (word != f.word) continue;
    to_.flags = (to_.flags | f.set) & ~f.clear;
    to_.fmask |= f.set | f.clear;
    return std::nullopt;
  }
  for (const MetricWord& m : metric_words) {
    if (word != m.word) continue;
    const auto value = parse_int(next());
    if (!value || *value < 0) return RouteProblem{text("{}: invalid number", word), 64};
    to_.inits |= m.bit;
    if (locking_ || lock_rest_) to_.metrics.locks |= m.bit;
    locking_ = false;
    to_.metrics.*m.value = uint64_t(*value);
    return std::nullopt;
  }
  if (word == "lock") return locking_ = true, std::nullopt;
  if (word == "lockrest") return lock_rest_ = true, std::nullopt;
  if (word == "inet" || word == "4") return mode_.family = IpFamily::v4, std::nullopt;
  if (word == "inet6" || word == "6") return mode_.family = IpFamily::v6, std::nullopt;
  if (word == "host") return force_host_ = true, std::nullopt;
  if (word == "net") return force_net_ = true, std::nullopt;
  if (word == "iface" || word == "interface") return by_interface_ = true, std::nullopt;
  if (word == "fib") return to_.fibs = next(), std::nullopt;
  if (word == "dst") return destination(next());
  if (word == "gateway") return to_.gateway.clear(), operand(next());
  if (word == "ifa" || word == "prefsrc") return address(rta_ifa, next());
  if (word == "ifp") {
    const std::string name = next();
    const auto found = link(name);
    if (!found) return bad_address(name);
    to_.addresses.set(rta_ifp, *found);
    return std::nullopt;
  }
  if (word == "netmask" || word == "mask") {
    const std::string mask = next();
    const auto v4 = parse_ipv4(mask);
    const auto length = v4 ? prefix_length_of(*v4) : std::nullopt;
    if (!length) return bad_address(mask);
    length_ = *length;
    force_net_ = true;
    return std::nullopt;
  }
  if (word == "prefixlen") {
    const auto length = parse_int(next());
    if (!length || *length < 0 || *length > 128)
      return RouteProblem{text("prefixlen {}: bad value", words[at]), 64};
    length_ = unsigned(*length);
    return std::nullopt;
  }
  if (word == "genmask") return next(), std::nullopt;  // no cloning any more
  return RouteProblem{text("bad keyword: {}", word), 64};
}

std::optional<RouteProblem> Reader::read(const Args& words) {
  // The family is known before the addresses are read, wherever it stands.
  for (const std::string& word : words) {
    if (word == "-6" || word == "-inet6") mode_.family = IpFamily::v6;
    if (word == "-iface" || word == "-interface") by_interface_ = true;
    if (word == "-net") force_net_ = true;
    if (word.size() > 1 && word[0] != '-' && parse_zoned(word.substr(0, word.find('/'))))
      mode_.family = IpFamily::v6;
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_keyword = word.size() > 1 && word[0] == '-';
    auto problem = is_keyword ? keyword(word.substr(1), words, i) : operand(word);
    if (problem) return problem;
  }
  return finish();
}

std::optional<RouteProblem> Reader::finish() {
  if (!to_.addresses.has(rta_dst)) return RouteProblem{"destination parameter required", 64};
  const IpFamily family = to_.addresses[rta_dst]->ip->family();
  const unsigned bits = family == IpFamily::v4 ? 32 : 128;
  if (length_ && *length_ > bits) return RouteProblem{"prefixlen: bad value", 64};
  if (force_host_) to_.is_host = true;
  if (force_net_) to_.is_host = false;
  if (length_ && !force_host_) to_.is_host = *length_ == bits && !force_net_;
  // inet_makenetandmask, and IPv6's subnets.
  if (!to_.is_host && !length_) length_ = family == IpFamily::v6 ? 64 : 24;
  if (!to_.is_host) to_.addresses.set_mask(family, *length_);
  to_.flags |= route_flag::up;
  if (to_.is_host) to_.flags |= route_flag::host;
  if (!by_interface_) to_.flags |= route_flag::gateway;
  return std::nullopt;
}

}  // namespace

std::optional<RouteProblem> read_route_words(Sys& sys, const Args& words, RouteMode& mode,
                                             RouteWords& to) {
  return Reader(sys, mode, to).read(words);
}

std::optional<std::vector<int>> read_fibs(const std::string& words, int own, int count) {
  std::vector<int> fibs;
  for (const std::string& part : split(words.empty() ? "default" : words, ',')) {
    int64_t first = own, last = own;
    const size_t dash = part.find('-');
    if (part == "all") {
      first = 0;
      last = count - 1;
    } else if (part != "default") {
      const auto low = parse_int(part.substr(0, dash));
      const auto high = dash == part.npos ? low : parse_int(part.substr(dash + 1));
      if (!low || !high) return std::nullopt;
      first = *low;
      last = *high;
    }
    if (first < 0 || last < first || last >= count) return std::nullopt;
    for (int64_t fib = first; fib <= last; ++fib)
      if (std::find(fibs.begin(), fibs.end(), int(fib)) == fibs.end()) fibs.push_back(int(fib));
  }
  return fibs;
}

}  // namespace stackyard
