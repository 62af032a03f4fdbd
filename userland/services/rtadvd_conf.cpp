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

RtadvdInterface RtadvdConf::interface(const std::string& name) const {
  Entry entry = resolve(name, 0);
  for (const auto& [key, value] : resolve("default", 0)) entry.emplace(key, value);
  const auto number = [&](const std::string& key, uint32_t otherwise) {
    const auto at = entry.find(key);
    const auto n = at == entry.end() ? std::nullopt : parse_int(at->second);
    return n && *n >= 0 && *n <= UINT32_MAX ? uint32_t(*n) : otherwise;
  };
  RtadvdInterface i;
  i.hop_limit = uint8_t(number("chlim", i.hop_limit));
  i.lifetime_s = number("rltime", i.lifetime_s);
  i.reachable_ms = number("rtime", 0);
  i.retrans_ms = number("retrans", 0);
  i.interval_max_s = std::clamp<uint32_t>(number("maxinterval", i.interval_max_s), 4, 1800);
  i.interval_min_s =
      std::min(number("mininterval", std::max(i.interval_max_s / 3, 3u)), i.interval_max_s * 3 / 4);
  i.no_prefixes = entry.contains("noifprefix");
  if (const auto flags = entry.find("raflags"); flags != entry.end()) {
    // A number, or letters: m(anaged), o(ther), h(igh) and l(ow) preference.
    if (const auto n = parse_int(flags->second)) i.flags = uint8_t(*n);
    for (char c : flags->second) {
      if (c == 'm') i.flags |= 0x80;
      if (c == 'o') i.flags |= 0x40;
      if (c == 'h') i.flags |= 0x08;
      if (c == 'l') i.flags |= 0x18;
    }
  }
  if (const auto mtu = entry.find("mtu"); mtu != entry.end()) {
    i.mtu_of_link = mtu->second == "auto";
    if (const uint32_t n = number("mtu", 0)) i.mtu = n;
  }
  for (const std::string& index :
       {std::string(), std::string("0"), std::string("1"), std::string("2"), std::string("3")}) {
    const auto at = entry.find("addr" + index);
    const auto address = at == entry.end() ? std::nullopt : parse_ipv6(at->second);
    if (!address) continue;
    RtadvdPrefix p;
    p.prefix = {*address, uint8_t(std::min(number("prefixlen" + index, 64), 128u))};
    p.valid_s = number("vltime" + index, p.valid_s);
    p.preferred_s = number("pltime" + index, p.preferred_s);
    if (const auto flags = entry.find("pinfoflags" + index); flags != entry.end()) {
      const auto n = parse_int(flags->second);
      p.on_link = n ? (*n & 0x80) != 0 : flags->second.find('l') != std::string::npos;
      p.autonomous = n ? (*n & 0x40) != 0 : flags->second.find('a') != std::string::npos;
    }
    i.prefixes.push_back(p);
  }
  return i;
}

}  // namespace stackyard
