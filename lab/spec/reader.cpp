#include "lab/spec/reader.h"

#include <algorithm>
#include <cctype>

#include "core/base/text.h"

namespace stackyard {

namespace {

struct Unit {
  const char* name;
  int64_t factor;
};

// "10ms" with a unit of the list: the number in billionths and the unit's factor.
std::optional<std::pair<int64_t, int64_t>> number_with_unit(const std::string& s,
                                                            std::initializer_list<Unit> units) {
  const size_t end = std::min(s.find_first_not_of("0123456789."), s.size());
  const auto nano = parse_decimal_nano(s.substr(0, end));
  if (!nano) return std::nullopt;
  const std::string unit(trim(s.substr(end)));
  for (const Unit& u : units)
    if (unit == u.name) return std::pair{*nano, u.factor};
  return std::nullopt;
}

// number x factor, where the number is in billionths; nothing if it does not fit.
std::optional<int64_t> scaled(std::optional<std::pair<int64_t, int64_t>> parsed) {
  if (!parsed) return std::nullopt;
  const auto product = static_cast<__int128>(parsed->first) * parsed->second / 1'000'000'000;
  if (product > INT64_MAX) return std::nullopt;
  return int64_t(product);
}

bool all_digits(const std::string& s) {
  return !s.empty() && s.find_first_not_of("0123456789.") == s.npos;
}

}  // namespace

void Reader::not_yet(Place place, const std::string& what) {
  problems.error(place, text("\"{}\" is not in this build yet", what), "remove it");
}

bool Reader::is_map(const Yaml& value, const std::string& what) {
  if (value.is_map()) return true;
  if (!value.is_null()) problems.error(value.place, text("{} must be a map", what));
  return false;
}

bool Reader::map(const Yaml& value, const std::string& what, const Keys& keys) {
  if (!is_map(value, what)) return false;
  const auto among = [](const std::vector<std::string>& list, const std::string& key) {
    return std::find(list.begin(), list.end(), key) != list.end();
  };
  for (const Yaml::Entry& entry : value.entries) {
    if (among(keys.known, entry.key)) continue;
    if (among(keys.later, entry.key)) {
      not_yet(entry.place, entry.key);
      continue;
    }
    if (among(keys.reserved, entry.key)) {
      problems.error(entry.place, text("\"{}\" is reserved for a later version", entry.key),
                     "remove it");
      continue;
    }
    std::vector<std::string> valid = keys.known;
    valid.insert(valid.end(), keys.later.begin(), keys.later.end());
    std::string advice = suggest(entry.key, valid, "keys");
    for (const auto& [other, hint] : keys.hints)
      if (other == entry.key) advice = hint;
    problems.error(entry.place, text("unknown key \"{}\" in {}", entry.key, what), advice);
  }
  return true;
}

std::optional<std::string> Reader::word(const Yaml* value, const std::string& what) {
  if (!value || value->is_null()) return std::nullopt;
  if (value->is_scalar()) return value->text;
  problems.error(value->place, text("{} must be a text", what));
  return std::nullopt;
}

std::optional<bool> Reader::boolean(const Yaml* value) {
  const auto s = word(value, "this value");
  if (!s) return std::nullopt;
  if (*s == "true") return true;
  if (*s == "false") return false;
  const bool meant = *s == "yes" || *s == "on" || *s == "1" || *s == "True" || *s == "TRUE";
  problems.error(value->place, text("\"{}\" is neither true nor false", *s),
                 meant ? "write true" : "write false");
  return std::nullopt;
}

std::optional<int64_t> Reader::integer(const Yaml* value, int64_t least, int64_t most) {
  const auto s = word(value, "this value");
  if (!s) return std::nullopt;
  const auto n = parse_int(*s);
  if (!n) {
    problems.error(value->place, text("\"{}\" is not a whole number", *s));
    return std::nullopt;
  }
  if (*n < least || *n > most) {
    problems.error(value->place, text("{} is out of range", *s), text("use {} to {}", least, most));
    return std::nullopt;
  }
  return n;
}

std::optional<SimTime> Reader::duration_text(const std::string& s) {
  const auto ns = scaled(number_with_unit(s, {{"ns", 1},
                                              {"us", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"d", 86'400'000'000'000}}));
  if (!ns) return std::nullopt;
  return SimTime(*ns);
}

std::optional<SimTime> Reader::duration(const Yaml* value) {
  const auto s = word(value, "a duration");
  if (!s) return std::nullopt;
  if (const auto time = duration_text(*s)) return time;
  problems.error(value->place, text("\"{}\" is not a duration", *s),
                 all_digits(*s) ? text("add a unit, as in {}ms", *s)
                                : "write a number and ns, us, ms, s, m, h or d");
  return std::nullopt;
}

std::optional<uint64_t> Reader::rate(const Yaml* value) {
  const auto s = word(value, "a rate");
  if (!s) return std::nullopt;
  if (*s == "none") return 0;
  const auto bits = scaled(number_with_unit(
      *s, {{"bit", 1}, {"kbit", 1'000}, {"mbit", 1'000'000}, {"gbit", 1'000'000'000}}));
  if (bits && *bits > 0) return uint64_t(*bits);
  std::string advice = "write a number and bit, kbit, mbit or gbit";
  const size_t end = s->find_first_not_of("0123456789.");
  if (end != s->npos && end > 0) {
    const char letter = char(std::tolower((*s)[end]));
    if (letter == 'k' || letter == 'm' || letter == 'g')
      advice = text("write {}{}bit", s->substr(0, end), letter);
  } else if (all_digits(*s)) {
    advice = text("add a unit, as in {}mbit", *s);
  }
  problems.error(value->place, text("\"{}\" is not a rate", *s), advice);
  return std::nullopt;
}

std::optional<uint64_t> Reader::percent(const Yaml* value) {
  const auto s = word(value, "a percentage");
  if (!s) return std::nullopt;
  if (s->ends_with('%')) {
    const auto nano = parse_decimal_nano(s->substr(0, s->size() - 1));
    if (nano && *nano <= 100'000'000'000)
      return uint64_t(static_cast<__int128>(*nano) * (int64_t(1) << 32) / 100'000'000'000);
  }
  problems.error(value->place, text("\"{}\" is not a percentage", *s),
                 all_digits(*s) ? text("write {}%", *s) : "write 0% to 100%");
  return std::nullopt;
}

std::optional<uint64_t> Reader::size(const Yaml* value) {
  const auto s = word(value, "a size");
  if (!s) return std::nullopt;
  const auto octets = scaled(number_with_unit(
      *s, {{"B", 1}, {"kB", 1'000}, {"MB", 1'000'000}, {"KiB", 1024}, {"MiB", 1 << 20}}));
  if (octets) return uint64_t(*octets);
  problems.error(value->place, text("\"{}\" is not a size", *s),
                 all_digits(*s) ? text("add a unit, as in {}kB", *s)
                                : "write a number and B, kB, MB, KiB or MiB");
  return std::nullopt;
}

std::optional<std::pair<uint64_t, bool>> Reader::queue(const Yaml* value) {
  const auto s = word(value, "a queue");
  if (!s) return std::nullopt;
  if (s->ends_with('p')) {
    const auto packets = parse_int(s->substr(0, s->size() - 1));
    if (packets && *packets >= 0) return std::pair{uint64_t(*packets), false};
  }
  if (all_digits(*s)) {
    problems.error(value->place, text("\"{}\" is not a size", *s),
                   text("write {}p or {}kB", *s, *s));
    return std::nullopt;
  }
  const auto octets = size(value);
  if (!octets) return std::nullopt;
  return std::pair{*octets, true};
}

std::optional<IpAddress> Reader::ip_text(const std::string& s, Place place) {
  if (const auto address = parse_ip(s)) return address;
  if (s.find(':') != s.npos) {
    problems.error(place, text("\"{}\" is not an IPv6 address", s),
                   "write groups of hexadecimal digits, as in 2001:db8::1");
    return std::nullopt;
  }
  size_t at = 0;
  for (const std::string& part : split(s, '.')) {
    const auto n = parse_int(part);
    if (!part.empty() && (!n || *n < 0 || *n > 255)) {
      problems.error(place.right(at), text("\"{}\" is not part of an IPv4 address", part),
                     "use 0 to 255");
      return std::nullopt;
    }
    at += part.size() + 1;
  }
  problems.error(place, text("\"{}\" is not an IPv4 address", s),
                 "write four numbers, as in 10.0.0.1");
  return std::nullopt;
}

std::optional<IpAddress> Reader::ip(const Yaml& value) {
  const auto s = word(&value, "an address");
  if (!s) return std::nullopt;
  return ip_text(*s, value.text_place());
}

std::optional<IpPrefix> Reader::cidr(const Yaml& value) {
  const auto s = word(&value, "an address");
  if (!s) return std::nullopt;
  const size_t slash = s->find('/');
  const auto address = ip_text(s->substr(0, slash), value.text_place());
  if (!address) return std::nullopt;
  if (slash == s->npos) {
    problems.error(value.place, text("\"{}\" has no prefix length", *s),
                   text("write {}/{}", *s, address->is_v4() ? 24 : 64));
    return std::nullopt;
  }
  const auto length = parse_int(s->substr(slash + 1));
  const int64_t most = address->bits();
  if (!length || *length < 0 || *length > most) {
    problems.error(value.text_place().right(slash + 1),
                   text("\"{}\" is not a prefix length", s->substr(slash + 1)),
                   text("use 0 to {}", most));
    return std::nullopt;
  }
  IpPrefix prefix;
  prefix.address = *address;
  prefix.length = uint8_t(*length);
  return prefix;
}

std::optional<MacAddress> Reader::mac(const Yaml* value) {
  const auto s = word(value, "a MAC address");
  if (!s) return std::nullopt;
  const auto address = parse_mac(*s);
  if (!address || address->is_group()) {
    problems.error(value->place, text("\"{}\" is not a MAC address", *s),
                   "write six octets, as in 02:00:00:00:00:01");
    return std::nullopt;
  }
  return address;
}

std::optional<std::string> Reader::one_of(const Yaml* value, const std::string& what,
                                          const std::vector<std::string>& valid) {
  const auto s = word(value, what);
  if (!s) return std::nullopt;
  if (std::find(valid.begin(), valid.end(), *s) != valid.end()) return s;
  problems.error(value->place, text("unknown {} \"{}\"", what, *s), suggest(*s, valid, what + "s"));
  return std::nullopt;
}

std::vector<const Yaml*> Reader::list(const Yaml* value, const std::string& what) {
  std::vector<const Yaml*> items;
  if (!value || value->is_null()) return items;
  if (value->is_list()) {
    for (const Yaml& item : value->items) items.push_back(&item);
  } else if (value->is_scalar()) {
    items.push_back(value);
  } else {
    problems.error(value->place, text("{} must be a list", what));
  }
  return items;
}

std::vector<std::string> Reader::words(const Yaml* value, const std::string& what) {
  std::vector<std::string> all;
  for (const Yaml* item : list(value, what))
    if (const auto s = word(item, what)) all.push_back(*s);
  return all;
}

bool Reader::is_name(const std::string& name) {
  if (name.empty() || name.size() > 63 || !std::isalpha(static_cast<unsigned char>(name[0])))
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

std::optional<SimTime> parse_duration(const std::string& word) {
  Problems problems;
  Yaml value{.kind = Yaml::Kind::scalar, .place = {}, .text = word, .items = {}, .entries = {}};
  return Reader(problems).duration(&value);
}

}  // namespace stackyard
