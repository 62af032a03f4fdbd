// userland/firewall/shaper_words.h - the grammar of pipes, queues and schedulers, and how they are
// listed: shared by ipfw(8) and dnctl(8).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "stack/dummynet/api/dummynet_requests.h"
#include "userland/firewall/rule_parser.h"

namespace stackyard::ipfw {

struct ShaperConfig {
  ConfigureDummynet request;
  std::string profile;  // a file that is still to be read; empty: none
};

// "bw 1Mbit/s delay 10ms queue 50 ..." behind "pipe N config". The limits are the sysctls'.
struct ShaperLimits {
  int64_t slots = 100, octets = 1024 * 1024;
};
std::variant<ShaperConfig, ParseFailure> parse_shaper(ShapedKind what, uint32_t number,
                                                      const std::vector<std::string>& words,
                                                      const ShaperLimits& limits);
// The content of a profile's file.
std::variant<DelayProfile, ParseFailure> parse_profile(const std::string& file,
                                                       const std::string& content);

// "1Mbit/s", "800Kbit/s", "100KByte/s", "2G": bits/s. Nothing: it is none.
std::optional<uint64_t> parse_bandwidth(std::string_view word);

// What `pipe show` and `sched show` print, and `queue show`.
std::string show_pipe(const PipeInfo& pipe);
std::string show_queue(const FlowsetInfo& queue);

}  // namespace stackyard::ipfw
