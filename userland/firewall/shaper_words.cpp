#include "userland/firewall/shaper_words.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "core/base/text.h"

namespace stackyard::ipfw {

namespace {

// Whether `word` is `full`, or an abbreviation of at least so many letters.
bool is_word(std::string_view word, std::string_view full, size_t least) {
  return word.size() >= least && word.size() <= full.size() && full.starts_with(word);
}

std::optional<uint64_t> number_in_front(std::string_view word, std::string_view& rest) {
  size_t digits = 0;
  while (digits < word.size() && std::isdigit(uint8_t(word[digits]))) ++digits;
  rest = word.substr(digits);
  if (digits == 0 || digits > 18) return std::nullopt;
  return uint64_t(std::strtoull(std::string(word.substr(0, digits)).c_str(), nullptr, 10));
}

double decimal(const std::string& word) { return std::strtod(word.c_str(), nullptr); }

// Reads the words one by one; the first complaint stays.
class ShaperParser {
 public:
  ShaperParser(ShapedKind what, const std::vector<std::string>& words, const ShaperLimits& limits)
      : what_(what), words_(words), limits_(limits) {}

  std::variant<ShaperConfig, ParseFailure> run(uint32_t number) {
    config_.request.what = what_;
    config_.request.number = number;
    while (!failed_ && at_ < words_.size()) option(words_[at_++]);
    if (!failed_) check_all();
    if (failed_) return *failed_;
    return config_;
  }

 private:
  FlowsetConfig& flowset() { return config_.request.flowset; }
  PipeConfig& pipe() { return config_.request.pipe; }
  SchedulerConfig& scheduler() { return config_.request.scheduler; }

  void fail(int status, std::string words) {
    if (!failed_) failed_ = ParseFailure{status, std::move(words)};
  }
  bool need_pipe(const char* words) {
    if (what_ != ShapedKind::pipe) fail(exit_status::bad_data, words);
    return !failed_;
  }
  std::string argument(const char* complaint) {
    if (at_ < words_.size()) return words_[at_++];
    fail(exit_status::usage, complaint);
    return {};
  }
  std::optional<uint32_t> count(const char* complaint) {
    const std::string word = argument(complaint);
    const auto n = parse_int(word);
    if (!failed_ && (!n || *n < 0 || *n > UINT32_MAX)) fail(exit_status::bad_data, complaint);
    if (failed_) return std::nullopt;
    return uint32_t(*n);
  }

  void option(const std::string& word) {
    FlowsetConfig& fs = flowset();
    if (word == "noerror") {
      fs.noerror = true;
    } else if (word == "plr") {
      const double share = std::clamp(decimal(argument("plr needs argument 0..1\n")), 0.0, 1.0);
      fs.plr = uint32_t(share * plr_one);
    } else if (word == "queue") {
      queue_size();
    } else if (word == "buckets") {
      const uint32_t n = count("buckets needs argument").value_or(0);
      (what_ == ShapedKind::queue ? fs.buckets : scheduler().buckets) = n;
    } else if (word == "mask" || word == "flow_mask" || word == "sched_mask") {
      mask(what_ == ShapedKind::queue ? fs.mask : scheduler().mask);
    } else if (word == "red" || word == "gred") {
      red(word == "red" ? AqmKind::red : AqmKind::gred);
    } else if (word == "codel") {
      fs.aqm.kind = AqmKind::codel;
      codel(fs.aqm.codel);
    } else if (word == "pie") {
      fs.aqm.kind = AqmKind::pie;
      pie(fs.aqm.pie);
    } else if (word == "ecn") {
      fs.aqm.ecn = true;
    } else if (word == "droptail") {
      fs.aqm.kind = AqmKind::none;
    } else if (word == "bw" || word == "bandwidth") {
      bandwidth();
    } else if (word == "delay") {
      if (!need_pipe("delay is only for links")) return;
      const std::string delay = argument("delay needs argument 0..10000ms\n");
      std::string_view unit;
      const auto ms = number_in_front(delay, unit);
      if (!failed_ && (!ms || (!unit.empty() && unit != "ms")))
        return fail(exit_status::bad_data, "delay needs argument 0..10000ms\n");
      pipe().delay_ms = uint32_t(std::min<uint64_t>(ms.value_or(0), UINT32_MAX));
    } else if (word == "type") {
      type();
    } else if (word == "weight") {
      fs.weight = count("weight needs argument");
    } else if (word == "lmax" || word == "maxlen") {
      fs.lmax = count("lmax needs argument");
    } else if (word == "pri" || word == "priority") {
      fs.priority = count("priority needs argument");
    } else if (word == "sched" || word == "pipe" || word == "flowset") {
      fs.scheduler = count("pipe/link/sched needs number").value_or(0);
    } else if (word == "profile") {
      if (need_pipe("extra delay is only for links"))
        config_.profile = argument("extra delay needs the file name\n");
    } else if (word == "burst") {
      burst();
    } else {
      fail(exit_status::bad_data, text("unrecognised option ``{}''", word));
    }
  }

  void queue_size() {
    const std::string size = argument("queue needs queue size\n");
    std::string_view unit;
    const auto n = number_in_front(size, unit);
    if (failed_) return;
    if (!n) return fail(exit_status::bad_data, "queue needs queue size\n");
    flowset().queue_size = uint32_t(std::min<uint64_t>(*n, 1u << 30));
    if (unit.empty()) return;
    flowset().size_in_octets = true;
    if (unit[0] == 'K' || unit[0] == 'k') flowset().queue_size *= 1024;
  }

  void bandwidth() {
    if (!need_pipe("bw is only for links")) return;
    const std::string word = argument("bw needs bandwidth or interface\n");
    if (failed_) return;
    if (std::islower(uint8_t(word[0]))) {
      pipe().device = word;
    } else if (const auto rate = parse_bandwidth(word)) {
      pipe().bandwidth = *rate;
    } else {
      fail(exit_status::bad_data, "bandwidth too large");
    }
  }

  void burst() {
    if (!need_pipe("burst is only for links")) return;
    const std::string word = argument("burst needs argument\n");
    std::string_view unit;
    const auto n = number_in_front(word, unit);
    int shift = 0;
    if (!unit.empty()) {
      constexpr std::string_view units = "kmgt";
      const size_t index = units.find(char(std::tolower(uint8_t(unit[0]))));
      shift = index == units.npos ? -1 : int(index + 1) * 10;
    }
    if (failed_) return;
    if (!n || shift < 0) return fail(exit_status::bad_data, "burst: invalid argument");
    if (*n > (uint64_t(1) << 48 >> shift) - 1)
      return fail(exit_status::bad_data, "burst: out of range (0..2^48-1)");
    pipe().burst = *n << shift;
  }

  void type() {
    if (what_ != ShapedKind::scheduler)
      return fail(exit_status::bad_data, "type is only for schedulers");
    SchedulerConfig& s = scheduler();
    s.type = argument("type needs a string");
    if (failed_) return;
    if (s.type.empty() || s.type.size() > 15) return fail(1, text("type {} too long\n", s.type));
    if (s.type != "fq_codel" && s.type != "fq_pie") return;
    while (!failed_ && at_ < words_.size()) {
      const std::string& word = words_[at_];
      uint32_t* number = word == "quantum" ? &s.quantum
                         : word == "limit" ? &s.limit
                         : word == "flows" ? &s.flows
                                           : nullptr;
      if (number) {
        ++at_;
        *number = count("number needed").value_or(0);
      } else if (s.type == "fq_codel" ? !codel_word(s.codel) : !pie_word(s.pie)) {
        return;
      }
    }
  }

  // --- queue management ---
  SimTime duration() {
    const std::string word = argument("time needed");
    std::string_view unit;
    const auto n = number_in_front(word, unit);
    if (failed_) return {};
    const int64_t scale = unit.empty() || unit == "ms" ? 1'000'000
                          : unit == "us"               ? 1'000
                          : unit == "s"                ? 1'000'000'000
                                                       : 0;
    if (!n || scale == 0 || *n > 1'000'000) {
      fail(exit_status::bad_data, text("unrecognised time ``{}''", word));
      return {};
    }
    return SimTime(int64_t(*n) * scale);
  }
  bool codel_word(CodelSettings& s) {
    const std::string& word = words_[at_];
    if (word == "ecn" || word == "noecn") {
      s.ecn = word == "ecn";
      ++at_;
      return true;
    }
    SimTime* time = word == "target" ? &s.target : word == "interval" ? &s.interval : nullptr;
    if (!time) return false;
    ++at_;
    *time = duration();
    return true;
  }
  void codel(CodelSettings& s) {
    while (!failed_ && at_ < words_.size() && codel_word(s)) {
    }
  }
  bool pie_word(PieSettings& s) {
    const std::string word = words_[at_];
    struct Flag {
      const char *on, *off;
      bool PieSettings::*member;
    };
    constexpr Flag flags[] = {{"ecn", "noecn", &PieSettings::ecn},
                              {"capdrop", "nocapdrop", &PieSettings::capdrop},
                              {"drand", "nodrand", &PieSettings::derandomize},
                              {"onoff", "alwayson", &PieSettings::onoff},
                              {"dre", "ts", &PieSettings::departure_rate}};
    for (const Flag& flag : flags) {
      if (word != flag.on && word != flag.off) continue;
      s.*flag.member = word == flag.on;
      ++at_;
      return true;
    }
    SimTime* time = word == "target"      ? &s.target
                    : word == "tupdate"   ? &s.tupdate
                    : word == "max_burst" ? &s.max_burst
                                          : nullptr;
    uint32_t* share = word == "alpha"       ? &s.alpha
                      : word == "beta"      ? &s.beta
                      : word == "max_ecnth" ? &s.max_ecnth
                                            : nullptr;
    if (!time && !share) return false;
    ++at_;
    if (time) {
      *time = duration();
      if (!failed_ && *time == SimTime() && word != "max_burst")
        fail(exit_status::bad_data, text("{} must be greater than zero", word));
    } else {
      const double value = decimal(argument("number needed"));
      if (value < 0 || value > 7)
        fail(exit_status::bad_data, text("{} must be between 0 and 7", word));
      *share = uint32_t(std::lround(value * 1000));
    }
    return true;
  }
  void pie(PieSettings& s) {
    while (!failed_ && at_ < words_.size() && pie_word(s)) {
    }
  }
  // "w_q/min_th/max_th/max_p"
  void red(AqmKind kind) {
    const std::vector<std::string> parts =
        split(argument("red/gred needs w_q/min_th/max_th/max_p\n"), '/');
    if (failed_) return;
    if (parts.size() != 4)
      return fail(exit_status::usage, "red/gred needs w_q/min_th/max_th/max_p\n");
    const double w_q = decimal(parts[0]), max_p = decimal(parts[3]);
    if (w_q > 1 || w_q <= 0) return fail(exit_status::bad_data, "0 < w_q <= 1");
    if (max_p > 1 || max_p <= 0) return fail(exit_status::bad_data, "0 < max_p <= 1");
    flowset().aqm.kind = kind;
    RedSettings& s = flowset().aqm.red;
    s.w_q = uint32_t(w_q * 65536);
    s.max_p = uint32_t(max_p * 65536);
    for (const auto& [part, threshold] :
         {std::pair{&parts[1], &s.min_th}, {&parts[2], &s.max_th}}) {
      std::string_view unit;
      const uint64_t n = number_in_front(*part, unit).value_or(0);
      const bool kilo = !unit.empty() && (unit[0] == 'K' || unit[0] == 'k');
      *threshold = uint32_t(std::min<uint64_t>(n * (kilo ? 1024 : 1), 1u << 30));
    }
  }

  // --- masks ---
  void mask(ShapedMask& mask) {
    mask = {};
    if (at_ == words_.size()) return fail(exit_status::usage, "mask needs mask specifier\n");
    while (!failed_ && at_ < words_.size()) {
      const std::string word = words_[at_];
      if (word == "all") {
        ++at_;
        mask.protocol = 0xff;
        mask.source_port = mask.dest_port = 0xffff;
        mask.source4 = mask.dest4 = UINT32_MAX;
        mask.source6.fill(0xff);
        mask.dest6.fill(0xff);
        mask.flow_label = 0xfffff;
        return;
      }
      if (word == "queue") {
        ++at_;
        mask.queue = true;
        return;
      }
      if (!mask_part(mask, word)) return;
    }
  }
  bool mask_part(ShapedMask& mask, const std::string& word) {
    const bool v6 = word.ends_with("ip6") || word.ends_with("ipv6");
    const bool address = word == "src-ip" || word == "dst-ip" || v6;
    const bool known =
        address || word == "src-port" || word == "dst-port" || word == "proto" || word == "flow-id";
    if (!known) return false;
    ++at_;
    const std::string value = argument("mask: value missing");
    if (failed_) return false;
    const bool by_length = value[0] == '/';
    const auto n = parse_int(by_length ? value.substr(1) : value);
    if (!n || *n < 0 || *n > UINT32_MAX || (by_length && *n > 128)) {
      fail(exit_status::bad_data, text("mask: bad value ``{}''", value));
      return false;
    }
    uint64_t bits = uint64_t(*n);
    if (by_length && !v6) bits = bits >= 32 ? UINT32_MAX : (uint64_t(1) << bits) - 1;
    const bool source = word.starts_with("src");
    if (v6) {
      mask.for_v6 = true;
      if (bits > 128) {
        fail(exit_status::bad_data, "in6addr invalid mask len");
        return false;
      }
      auto& octets = source ? mask.source6 : mask.dest6;
      for (size_t bit = 0; bit < bits; ++bit) octets[bit / 8] |= uint8_t(0x80 >> bit % 8);
    } else if (address) {
      (source ? mask.source4 : mask.dest4) = uint32_t(bits);
    } else if (word == "proto") {
      if (bits > 0xff) fail(exit_status::bad_data, "proto mask must be 8 bit");
      mask.protocol = uint8_t(bits);
    } else if (word == "flow-id") {
      if (bits > 0xfffff) fail(exit_status::bad_data, "flow_id mask must be 20 bit");
      mask.for_v6 = true;
      mask.flow_label = uint32_t(bits);
    } else {
      if (bits > 0xffff) fail(exit_status::bad_data, "port mask must be 16 bit");
      (source ? mask.source_port : mask.dest_port) = uint16_t(bits);
    }
    return !failed_;
  }

  void check_all() {
    const FlowsetConfig& fs = flowset();
    if (pipe().delay_ms > 10'000) return fail(exit_status::bad_data, "delay must be < 10000");
    if (fs.size_in_octets && fs.queue_size > limits_.octets)
      return fail(exit_status::bad_data, text("queue size must be < {}B", limits_.octets));
    if (!fs.size_in_octets && fs.queue_size > limits_.slots)
      return fail(exit_status::bad_data, text("2 <= queue size <= {}", limits_.slots));
    if (fs.aqm.kind != AqmKind::red && fs.aqm.kind != AqmKind::gred) return;
    const RedSettings& red = fs.aqm.red;
    if (red.min_th >= red.max_th)
      return fail(exit_status::bad_data,
                  text("min_th {} must be < than max_th {}", red.min_th, red.max_th));
  }

  ShapedKind what_;
  const std::vector<std::string>& words_;
  ShaperLimits limits_;
  size_t at_ = 0;
  ShaperConfig config_;
  std::optional<ParseFailure> failed_;
};

}  // namespace

std::optional<uint64_t> parse_bandwidth(std::string_view word) {
  std::string_view unit;
  const auto n = number_in_front(word, unit);
  if (!n) return std::nullopt;
  uint64_t scale = 1;
  if (!unit.empty()) {
    const char c = char(std::tolower(uint8_t(unit[0])));
    scale = c == 'k' ? 1'000 : c == 'm' ? 1'000'000 : c == 'g' ? 1'000'000'000 : 1;
    if (scale != 1) unit.remove_prefix(1);
  }
  const bool octets = is_word(unit, "Byte/s", 1) && unit[0] == 'B' && !unit.starts_with("Bi");
  if (octets || is_word(unit, "bytes", 2) || is_word(unit, "byte/s", 2)) scale *= 8;
  if (*n > UINT64_C(1'000'000'000'000) / scale) return std::nullopt;
  return *n * scale;
}

std::variant<ShaperConfig, ParseFailure> parse_shaper(ShapedKind what, uint32_t number,
                                                      const std::vector<std::string>& words,
                                                      const ShaperLimits& limits) {
  return ShaperParser(what, words, limits).run(number);
}

// --- profiles ------------------------------------------------------------------------------------

namespace {

struct Point {
  double probability, delay;
};

bool is_decimal(const std::string& word) {
  return !word.empty() && std::ranges::count(word, '.') <= 1 &&
         std::ranges::all_of(word, [](char c) { return std::isdigit(uint8_t(c)) || c == '.'; });
}

// The curve through the points as so many samples of equal probability.
std::vector<uint32_t> sample(std::vector<Point> points, int samples) {
  std::ranges::sort(points, [](const Point& a, const Point& b) {
    return a.probability != b.probability ? a.probability < b.probability : a.delay < b.delay;
  });
  std::vector<uint32_t> result(size_t(samples), 0);
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    const Point &a = points[i], &b = points[i + 1];
    const double from = a.probability * samples, to = b.probability * samples;
    for (int at = int(from); at < int(to) && at < samples; ++at) {
      const double share = to > from ? (at - from) / (to - from) : 0;
      result[size_t(at)] = uint32_t(std::max(0.0, a.delay + share * (b.delay - a.delay)));
    }
  }
  return result;
}

}  // namespace

std::variant<DelayProfile, ParseFailure> parse_profile(const std::string& file,
                                                       const std::string& content) {
  constexpr int samples_most = 1024;
  DelayProfile profile;
  int samples = 100, line_number = 0;
  double loss = 1;
  bool in_points = false, delay_first = false;
  std::vector<Point> points;
  const auto wrong = [&](const std::string& words) {
    return ParseFailure{exit_status::bad_data,
                        text("error in {} at line {}: {}", file, line_number, words)};
  };
  for (const std::string& line : split(content, '\n')) {
    ++line_number;
    const std::vector<std::string> words = split_words(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    if (words.size() > 2) return wrong("too many arguments");
    if (words.size() < 2) return wrong(text("missing arg for {}", words[0]));
    const std::string &name = words[0], &value = words[1];
    if (name == "samples") {
      samples = int(parse_int(value).value_or(0));
      if (samples <= 0) return wrong("invalid number of samples");
      if (samples > samples_most)
        return wrong(text("too many samples, maximum is {}", samples_most));
    } else if (name == "bw") {
      const auto rate = parse_bandwidth(value);
      if (!rate) return wrong(text("invalid {}", value));
      profile.bandwidth = *rate;
    } else if (name == "loss-level") {
      if (!is_decimal(value)) return wrong(text("invalid {}", value));
      loss = decimal(value);
      if (loss > 1) return wrong(text("{} greater than 1.0", name));
    } else if (name == "name") {
      profile.name = value;
    } else if (name == "delay" || name == "prob") {
      if (in_points) return wrong(text("duplicated token: {}", name));
      in_points = true;
      delay_first = name == "delay";
    } else if (in_points) {
      if (!is_decimal(name) || !is_decimal(value)) return wrong("invalid point found");
      const double first = decimal(name), second = decimal(value);
      points.push_back(delay_first ? Point{second, first} : Point{first, second});
      if (points.back().probability > 1) return wrong("probability greater than 1.0");
    } else {
      return wrong(text("unrecognised command '{}'", name));
    }
  }
  if (points.size() < 2) return wrong("too few samples, need at least 2");
  profile.samples = sample(points, samples);
  profile.loss_level = uint32_t(loss * samples);
  return profile;
}

}  // namespace stackyard::ipfw
