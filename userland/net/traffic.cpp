// userland/net/traffic.cpp - traffic: loads for labs, by pattern and at random, and what becomes of
// them. docs/traffic.md tells how to use it.
#include "userland/net/traffic.h"

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

std::optional<int64_t> octets_of(std::string word) { return parse_scaled(std::move(word), 1024); }

struct PatternWords {
  const char* name;
  TrafficPattern pattern;
  size_t arguments;
};
constexpr PatternWords patterns[] = {
    {"constant", TrafficPattern::constant, 0}, {"poisson", TrafficPattern::poisson, 0},
    {"onoff", TrafficPattern::onoff, 2},       {"request", TrafficPattern::request, 2},
    {"flows", TrafficPattern::flows, 1},       {"syn", TrafficPattern::syn, 1}};

// The pattern with its arguments; what is wrong with them, or nothing.
std::string read_pattern(const std::vector<std::string>& words, TrafficSettings& s) {
  const PatternWords* found = nullptr;
  for (const PatternWords& p : patterns)
    if (!words.empty() && words[0] == p.name) found = &p;
  if (words.empty()) return "";
  if (!found) return text("{}: unknown pattern", words[0]);
  if (words.size() != found->arguments + 1)
    return text("{} takes {} arguments", found->name, found->arguments);
  s.pattern = found->pattern;
  const auto read = [&](size_t i, Distribution& to, const auto& number) {
    const auto read = parse_distribution(words[i], number);
    if (read) to = *read;
    return read ? std::string() : text("{}: no such distribution", words[i]);
  };
  std::string wrong;
  if (s.pattern == TrafficPattern::onoff) {
    wrong = read(1, s.on, parse_duration);
    if (wrong.empty()) wrong = read(2, s.off, parse_duration);
    // A time of talking without end of its own would never let time pass.
    if (wrong.empty() && s.on.mean + s.on.high <= 0) wrong = text("{}: no time", words[1]);
  } else if (s.pattern == TrafficPattern::request) {
    wrong = read(1, s.answer, octets_of);
    if (wrong.empty()) wrong = read(2, s.think, parse_duration);
  } else if (s.pattern == TrafficPattern::flows) {
    wrong = read(1, s.size, octets_of);
    if (wrong.empty() && s.udp) wrong = "flows are connections: not with -u";
  } else if (s.pattern == TrafficPattern::syn) {
    const auto network = parse_ipv4_prefix(words[1]);
    if (!network) return text("{}: no IPv4 network", words[1]);
    s.spoofed = network->network();
    s.spoofed_length = network->length;
    s.family = Af::inet;
  }
  return wrong;
}

std::string read_options(const Options& o, TrafficSettings& s) {
  if (!o.error().empty()) return o.error();
  int64_t seed = 0;
  const Options::Number numbers[] = {{'p', 1, 65535, s.port},
                                     {'n', 1, INT64_MAX, s.count},
                                     {'R', 1, 10'000'000, s.per_second},
                                     {'x', INT64_MIN, INT64_MAX, seed}};
  if (const std::string wrong = o.read_numbers(numbers); !wrong.empty()) return wrong;
  if (o.has('x')) s.seed = seed;
  if (o.has('b')) {
    const auto rate = parse_scaled(o.value('b'), 1000);
    if (!rate || *rate < 1) return text("-b: \"{}\" is no rate", o.value('b'));
    s.rate = *rate;
  }
  if (o.has('t')) {
    const auto time = parse_duration(o.value('t'));
    if (!time || *time < 1) return text("-t: \"{}\" is no time", o.value('t'));
    s.duration = SimTime(*time);
  }
  if (o.has('l')) {
    const auto size = parse_distribution(o.value('l'), octets_of);
    if (!size) return text("-l: \"{}\" is no distribution of sizes", o.value('l'));
    s.size = *size;
  }
  s.udp = o.has('u');
  if (o.has('4')) s.family = Af::inet;
  if (o.has('6')) s.family = Af::inet6;
  s.host = o.value('c');
  if (o.has('s') == o.has('c')) return "either -s or -c host";
  if (o.has('s') && !o.rest().empty()) return text("{}: the receiver has no pattern", o.rest()[0]);
  return read_pattern(o.rest(), s);
}

Task<int> traffic(Sys& sys, Args args) {
  const Options options(args, "46b:c:Dl:n:p:R:st:ux:");
  TrafficSettings settings;
  const std::string wrong = read_options(options, settings);
  if (!wrong.empty()) co_return co_await bad_usage(sys, traffic_command, wrong, 1);
  if (options.has('s')) {
    if (options.has('D')) co_await sys.daemon().or_err(1, "daemon");
    co_return co_await serve_traffic(sys, settings);
  }
  TrafficSender sender(sys, settings);
  co_return co_await sender.run();
}

}  // namespace

const Command traffic_command{
    .name = "traffic",
    .synopsis =
        "traffic -s [-46D] [-p port]\n"
        "traffic -c host [-46u] [-p port] [-b rate | -R messages] [-l size] [-t time]\n"
        "  [-n count] [-x seed] [constant | poisson | onoff on off | request size think |\n"
        "  flows size | syn network]",
    .run = traffic};

}  // namespace stackyard
