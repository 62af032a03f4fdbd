// userland/firewall/ipfw_list.cpp - "ipfw list" and "ipfw show".
#include <algorithm>

#include "core/base/text.h"
#include "stack/ipfw/api/rule_text.h"
#include "userland/firewall/ipfw_run.h"
#include "userland/lib/services.h"

namespace stackyard::ipfw {

using namespace exit_status;

namespace {

constexpr size_t ctime_width = 24;
constexpr size_t dynamic_header = 16, dynamic_entry = 128;  // octets of FreeBSD's kernel

// ctime(3)'s, of the simulated clock, which begins at the epoch.
std::string ctime_text(SimTime at) {
  static constexpr const char* days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int64_t s = at.s();
  int64_t day = s / 86400, year = 1970;
  const int64_t weekday = day % 7;
  const auto leap = [](int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  for (; day >= (leap(year) ? 366 : 365); ++year) day -= leap(year) ? 366 : 365;
  size_t month = 0;
  const auto length = [&] { return lengths[month] + (month == 1 && leap(year)); };
  for (; day >= length(); ++month) day -= length();
  return text("{} {} {:2} {:02}:{:02}:{:02} {}", days[weekday], months[month], day + 1,
              s / 3600 % 24, s / 60 % 60, s % 60, year);
}

class Lister {
 public:
  Lister(Run& run, const GetRules& all, bool counters) : run_(run), all_(all), counters_(counters) {
    text_options_.comment_only = run.options.comment_only;
    if (!run.options.resolve) return;
    text_options_.resolve = true;
    text_options_.port_name = [](uint8_t, uint16_t port) { return service_name(port); };
  }
  void measure();
  // How many there were.
  size_t rules(uint32_t first, uint32_t last);
  void states(uint32_t first, uint32_t last);

 private:
  bool wanted_set(uint8_t set) const { return !run_.options.set || set == *run_.options.set; }
  std::string counts(uint64_t packets, uint64_t octets) const {
    return text("{:>{}} {:>{}} ", packets, packet_width_, octets, octet_width_);
  }
  void rule(const RuleInfo& info);
  void state(const StateInfo& info);

  Run& run_;
  const GetRules& all_;
  bool counters_;
  RuleTextOptions text_options_;
  size_t packet_width_ = 0, octet_width_ = 0;
};

void Lister::measure() {
  if (!counters_) return;
  const auto widen = [&](uint64_t packets, uint64_t octets) {
    packet_width_ = std::max(packet_width_, text("{}", packets).size());
    octet_width_ = std::max(octet_width_, text("{}", octets).size());
  };
  for (const RuleInfo& info : all_.rules)
    if (wanted_set(info.rule.set)) widen(info.packets, info.octets);
  for (const StateInfo& info : all_.dynamic)
    if (wanted_set(info.set)) widen(info.packets, info.octets);
}

void Lister::rule(const RuleInfo& info) {
  const RunOptions& o = run_.options;
  if (!(all_.enabled_sets >> info.rule.set & 1)) {
    if (!o.show_sets) return;
    run_.out += "# DISABLED ";
  }
  run_.out += text("{:05} ", info.rule.number);
  if (counters_) run_.out += counts(info.packets, info.octets);
  if (o.times_as_numbers)
    run_.out += text("{:>10} ", info.matched ? info.last.s() : 0);
  else if (o.times)
    run_.out += info.matched ? ctime_text(info.last) + " " : std::string(ctime_width, ' ');
  if (o.show_sets) run_.out += text("set {} ", info.rule.set);
  run_.out += to_text(info.rule, text_options_) + "\n";
}

size_t Lister::rules(uint32_t first, uint32_t last) {
  size_t seen = 0;
  for (const RuleInfo& info : all_.rules) {
    if (!wanted_set(info.rule.set) || info.rule.number < first || info.rule.number > last) continue;
    rule(info);
    ++seen;
  }
  return seen;
}

void Lister::state(const StateInfo& s) {
  std::string& out = run_.out;
  out += text("{:05}", s.rule);
  if (counters_) out += " " + counts(s.packets, s.octets) + text("({}s)", s.expires_s);
  switch (s.kind) {
    case StateInfo::Kind::keep:
      out += " STATE";
      break;
    case StateInfo::Kind::limit:
      out += " LIMIT";
      break;
    case StateInfo::Kind::parent:
      out += text(" PARENT {}", s.count);
      break;
  }
  const bool known = !name_of(protocol_names, s.protocol).empty();
  out += (known ? " " : " proto ") + protocol_text(s.protocol);
  out += text(" {} {} <-> {} {}", to_text(s.source), s.source_port, to_text(s.dest), s.dest_port);
  if (!s.name.empty()) out += " :" + s.name;
  if (run_.options.verbose)
    out +=
        text(" state 0x{:08x} f_ack 0x{:x}, r_ack 0x{:x}", s.state, s.ack_forward, s.ack_reverse);
  out += "\n";
}

void Lister::states(uint32_t first, uint32_t last) {
  for (const StateInfo& info : all_.dynamic)
    if (wanted_set(info.set) && info.rule >= first && info.rule <= last) state(info);
}

// "100" or "100-200"; nothing: it is neither.
std::optional<std::pair<uint32_t, uint32_t>> range_of(const std::string& word) {
  const size_t dash = word.find('-');
  const auto first = parse_int(word.substr(0, dash));
  const auto last = dash == word.npos ? first : parse_int(word.substr(dash + 1));
  if (!first || !last || *first < 0 || *last < 0) return std::nullopt;
  return std::pair{uint32_t(*first), uint32_t(*last)};
}

}  // namespace

int list(Run& run, const Words& words, bool counters) {
  if (run.options.check_only) {
    run.err += "Testing only, list disabled\n";
    return 0;
  }
  GetRules all;
  all.states = run.options.dynamic;
  const auto done = run.sys.request(all);
  if (!done) return run.fail(os_error, "retrieving config failed", done.error());
  Lister lister(run, all, counters);
  lister.measure();
  const bool statics = !run.options.dynamic_only;
  const bool dynamic = run.options.dynamic && !all.dynamic.empty();
  if (words.empty()) {
    if (statics) lister.rules(0, default_rule);
    if (dynamic) {
      run.out += text("## Dynamic rules ({} {}):\n", all.dynamic.size(),
                      dynamic_header + dynamic_entry * all.dynamic.size());
      lister.states(0, default_rule);
    }
    return 0;
  }
  int status = 0;
  for (const std::string& word : words) {
    const auto range = range_of(word);
    if (!range) {
      status = run.fail(usage, text("invalid rule number: {}", word));
      continue;
    }
    if (!statics || lister.rules(range->first, range->second) > 0) continue;
    if (status == 0) status = unavailable;
    run.warn(range->first == range->second
                 ? text("rule {} does not exist", range->first)
                 : text("no rules in range {}-{}", range->first, range->second));
  }
  if (dynamic) {
    run.out += "## Dynamic rules:\n";
    for (const std::string& word : words)
      if (const auto range = range_of(word)) lister.states(range->first, range->second);
  }
  return status;
}

// --- sets ----------------------------------------------------------------------------------------

namespace {

int show_sets(Run& run) {
  GetRules all;
  const auto done = run.sys.request(all);
  if (!done) return run.fail(os_error, "requesting config failed", done.error());
  std::string line;
  for (const bool on : {false, true}) {
    std::string numbers;
    for (int i = 0; i < default_set; ++i)
      if ((all.enabled_sets >> i & 1) == unsigned(on)) numbers += text(" {}", i);
    if (!numbers.empty() || on)
      line += text("{}{}{}", line.empty() ? "" : " ", on ? "enable" : "disable", numbers);
  }
  run.out += line + "\n";
  return 0;
}

int enable_sets(Run& run, const Words& words) {
  EnableSets wanted;
  uint32_t* to = nullptr;
  for (const std::string& word : words) {
    const auto number = parse_int(word);
    if (word == "enable") {
      to = &wanted.enable;
    } else if (word == "disable") {
      to = &wanted.disable;
    } else if (number) {
      if (*number < 0 || *number > default_set)
        return run.fail(bad_data, text("invalid set number {}", word));
      *to |= 1u << *number;
    } else {
      return run.fail(bad_data, text("invalid set command {}", word));
    }
  }
  if (wanted.enable & wanted.disable)
    return run.fail(bad_data, "cannot enable and disable the same set");
  if (run.options.check_only) return 0;
  (void)run.sys.request(wanted);
  return 0;
}

int move_sets(Run& run, Words words, bool swap) {
  const bool rule = !swap && !words.empty() && words[0] == "rule";
  if (rule) words.erase(words.begin());
  if (swap && words.size() != 2) return run.fail(usage, "set swap needs 2 set numbers");
  if (!swap && (words.size() != 3 || words[1] != "to"))
    return run.fail(usage, "syntax: set move [rule] X to Y");
  const auto from = parse_int(words[0]), to = parse_int(words.back());
  const int64_t most = rule ? default_rule - 1 : default_set;
  if (!from || *from < 0 || *from > most)
    return run.fail(bad_data, swap ? text("invalid set number {}", words[0])
                                   : text("invalid source number {}", words[0]));
  if (!to || *to < 0 || *to > default_set)
    return run.fail(bad_data, swap ? text("invalid set number {}", words.back())
                                   : text("invalid dest. set {}", words.back()));
  MoveRules wanted;
  wanted.to = uint8_t(*to);
  wanted.swap = swap;
  if (rule)
    wanted.range.first = wanted.range.last = uint32_t(*from);
  else
    wanted.range.set = uint8_t(*from);
  if (run.options.check_only) return 0;
  const auto done = run.sys.request(wanted);
  if (!done && !swap)
    return run.fail(os_error, rule ? "failed to move rule" : "failed to move set", done.error());
  return 0;
}

}  // namespace

int set_command(Run& run, const Words& words) {
  if (words.empty()) return run.fail(usage, "set needs command");
  const std::string& what = words[0];
  if (what == "show") return run.options.check_only ? 0 : show_sets(run);
  if (what == "swap" || what == "move")
    return move_sets(run, {words.begin() + 1, words.end()}, what == "swap");
  if (what == "enable" || what == "disable") return enable_sets(run, words);
  return run.fail(usage, text("invalid set command {}", what));
}

}  // namespace stackyard::ipfw
