// userland/firewall/shaper_words.h - the grammar of pipes, queues and schedulers, and how they are
// listed: shared by ipfw(8) and dnctl(8).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "stack/dummynet/api/dummynet_requests.h"

namespace stackyard {

// What a command ends with: errx(3)'s words and status.
struct CommandError {
  int status;
  std::string words;
};

struct ShaperConfig {
  ConfigureDummynet request;
  std::string profile;  // a file that is still to be read; empty: none
};

// "bw 1Mbit/s delay 10ms queue 50 ..." behind "pipe N config". The limits are the sysctls'.
struct ShaperLimits {
  int64_t slots = 100, octets = 1024 * 1024;
};
std::variant<ShaperConfig, CommandError> parse_shaper(ShapedKind what, uint32_t number,
                                                      const std::vector<std::string>& words,
                                                      const ShaperLimits& limits);
// The content of a profile's file.
std::variant<DelayProfile, CommandError> parse_profile(const std::string& file,
                                                       const std::string& content);

// "1Mbit/s", "800Kbit/s", "100KByte/s", "2G": bits/s. Nothing: it is none.
std::optional<uint64_t> parse_bandwidth(std::string_view word);

// What `pipe show`, `queue show` and `sched show` print.
std::string show_pipe(const PipeInfo& pipe);
std::string show_scheduler(const PipeInfo& pipe);
std::string show_queue(const FlowsetInfo& queue);

}  // namespace stackyard
