#include "userland/services/rtadvd_conf.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

namespace {

constexpr int nesting_most = 16;  // of tc=

// Lines that end in a backslash go on; comments and empty lines go away.
std::vector<std::string> logical_lines(const std::string& content) {
  std::vector<std::string> lines;
  std::string line;
  for (const std::string& raw : split(content, '\n')) {
    std::string part(trim(raw));
    if (line.empty() && (part.empty() || part[0] == '#')) continue;
    const bool more = part.ends_with('\\');
    if (more) part.pop_back();
    line += part;
    if (more) continue;
    if (!line.empty()) lines.push_back(line);
    line.clear();
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

// At colons, but not inside quotes.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields{""};
  bool quoted = false;
  for (char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ':' && !quoted)
      fields.emplace_back();
    else if (c != '"')
      fields.back() += c;
  }
  return fields;
}

}  // namespace

RtadvdConf::RtadvdConf(const std::string& content) {
  for (const std::string& line : logical_lines(content)) {
    const std::vector<std::string> fields = fields_of(line);
    Entry entry;
    for (size_t i = 1; i < fields.size(); ++i) {
      const std::string field(trim(fields[i]));
      if (field.empty()) continue;
      const size_t at = field.find_first_of("#=");
      if (at == field.npos)
        entry[field] = "";
      else
        entry[field.substr(0, at)] = field.substr(at + 1);
    }
    const std::string name(trim(fields[0]));
    if (name.empty()) error_ = text("no name before \"{}\"", line);
    for (const std::string& each : split(name, '|')) entries_[each] = entry;
  }
}

RtadvdConf::Entry RtadvdConf::resolve(const std::string& name, int depth) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || depth > nesting_most) return {};
  Entry entry = found->second;
  if (const auto tc = entry.find("tc"); tc != entry.end())
    for (const auto& [key, value] : resolve(tc->second, depth + 1)) entry.emplace(key, value);
  return entry;
}

namespace {

constexpr int suffixes_most = 100;  // of addr, rdnss and the like: none, then 0 to 99

// The capabilities of one interface.
class Capabilities {
 public:
  explicit Capabilities(const std::map<std::string, std::string>& entry) : entry_(entry) {}

  bool has(const std::string& key) const { return entry_.contains(key); }
  std::string word(const std::string& key) const {
    const auto at = entry_.find(key);
    return at == entry_.end() ? "" : at->second;
  }
  uint32_t number(const std::string& key, uint32_t otherwise) const {
    if (word(key) == "infinity") return UINT32_MAX;
    const auto n = has(key) ? parse_int(word(key)) : std::nullopt;
    return n && *n >= 0 && *n <= UINT32_MAX ? uint32_t(*n) : otherwise;
  }
  // A number, or letters with what each stands for.
  uint8_t flags(const std::string& key, uint8_t otherwise,
                std::initializer_list<std::pair<char, uint8_t>> letters) const {
    if (!has(key)) return otherwise;
    if (const auto n = parse_int(word(key))) return uint8_t(*n);
    uint8_t bits = 0;
    for (char c : word(key))
      for (const auto& [letter, bit] : letters)
        if (c == letter) bits |= bit;
    return bits;
  }
  // A prefix of two keys: an address, and a length.
  std::optional<Ipv6Prefix> prefix(const std::string& address, const std::string& length,
                                   uint32_t otherwise) const {
    const auto parsed = parse_ipv6(word(address));
    if (!parsed) return std::nullopt;
    return Ipv6Prefix{*parsed, uint8_t(std::min(number(length, otherwise), 128u))};
  }
  std::vector<std::string> list(const std::string& key) const {
    std::vector<std::string> words;
    for (const std::string& each : split(word(key), ','))
      if (!trim(each).empty()) words.emplace_back(trim(each));
    return words;
  }

 private:
  const std::map<std::string, std::string>& entry_;
};

void read_lists(const Capabilities& c, const std::string& n, RtadvdInterface& i) {
  const uint32_t lifetime = i.interval_max_s * 3 / 2;  // RFC 8106 s5.1
  if (const auto prefix = c.prefix("addr" + n, "prefixlen" + n, 64)) {
    RtadvdPrefix p;
    p.prefix = *prefix;
    p.valid_s = c.number("vltime" + n, p.valid_s);
    p.preferred_s = c.number("pltime" + n, p.preferred_s);
    p.valid_decrements = c.has("vltimedecr" + n);
    p.preferred_decrements = c.has("pltimedecr" + n);
    const uint8_t flags = c.flags("pinfoflags" + n, 0xc0, {{'l', 0x80}, {'a', 0x40}});
    p.on_link = flags & 0x80;
    p.autonomous = flags & 0x40;
    i.prefixes.push_back(p);
  }
  if (const auto prefix = c.prefix("rtprefix" + n, "rtplen" + n, 64))
    i.routes.push_back({prefix->canonical(), c.flags("rtflags" + n, 0, {{'h', 0x08}, {'l', 0x18}}),
                        c.number("rtltime" + n, i.interval_max_s * 3)});
  RtadvdServers servers;
  for (const std::string& word : c.list("rdnss" + n))
    if (const auto address = parse_ipv6(word)) servers.addresses.push_back(*address);
  servers.lifetime_s = c.number("rdnssltime" + n, lifetime);
  if (!servers.addresses.empty()) i.servers.push_back(servers);
  const RtadvdSearch search{c.list("dnssl" + n), c.number("dnsslltime" + n, lifetime)};
  if (!search.names.empty()) i.searches.push_back(search);
  if (const auto prefix = c.prefix("pref64" + n, "pref64len" + n, 96))
    i.pref64s.push_back(
        {prefix->canonical(), c.number("pref64lifetime" + n, std::min(i.lifetime_s, 65528u))});
}

}  // namespace

RtadvdInterface RtadvdConf::interface(const std::string& name) const {
  Entry entry = resolve(name, 0);
  for (const auto& [key, value] : resolve("default", 0)) entry.emplace(key, value);
  const Capabilities c(entry);
  RtadvdInterface i;
  i.hop_limit = uint8_t(c.number("chlim", i.hop_limit));
  i.reachable_ms = c.number("rtime", 0);
  i.retrans_ms = c.number("retrans", 0);
  i.interval_max_s = std::clamp<uint32_t>(c.number("maxinterval", i.interval_max_s), 4, 1800);
  i.interval_min_s = std::min(c.number("mininterval", std::max(i.interval_max_s / 3, 3u)),
                              i.interval_max_s * 3 / 4);
  i.lifetime_s = std::min(c.number("rltime", i.interval_max_s * 3), 9000u);
  i.no_prefixes = c.has("noifprefix");
  i.no_link_address = c.has("nolladdr");
  i.flags = c.flags("raflags", 0, {{'m', 0x80}, {'o', 0x40}, {'h', 0x08}, {'l', 0x18}});
  i.mtu_of_link = c.word("mtu") == "auto";
  if (const uint32_t n = i.mtu_of_link ? 0 : c.number("mtu", 0)) i.mtu = n;
  read_lists(c, "", i);
  for (int n = 0; n < suffixes_most; ++n) read_lists(c, text("{}", n), i);
  return i;
}

}  // namespace stackyard
