// userland/firewall/ipfw_run.h - one command line of ipfw(8): its options, and what it says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "stack/ipfw/api/ipfw_requests.h"
#include "stack/sys/sys.h"
#include "userland/firewall/rule_parser.h"

namespace stackyard::ipfw {

struct RunOptions {
  bool counters = false, comment_only = false, force = false, quiet = false, resolve = false;
  bool show_sets = false, check_only = false, verbose = false, values_as_ip = false;
  bool dynamic = false, dynamic_only = false, expired = false;
  bool times = false, times_as_numbers = false;
  std::optional<uint8_t> set;  // "ipfw set N ..."
};

// What words mean on this machine.
class MachineNames final : public Names {
 public:
  MachineNames(Sys& sys, std::string services) : sys_(sys), services_(std::move(services)) {}
  std::optional<uint16_t> port(const std::string& name, uint8_t protocol) override;
  std::optional<IpAddress> host(const std::string& name) override;
  std::optional<int> jail(const std::string& name) override;
  uint32_t verbose_limit() override;
  int64_t fibs() override;

 private:
  Sys& sys_;
  std::string services_;  // /etc/services
};

class Run {
 public:
  Run(Sys& sys, const RunOptions& options, Names& names, std::string speaker)
      : sys(sys), options(options), names(names), speaker(std::move(speaker)) {}

  Sys& sys;
  RunOptions options;
  Names& names;
  std::string speaker;                       // "ipfw", or "Line 3"
  std::map<std::string, std::string> files;  // that words name, as a parser cannot wait for them
  std::string out, err;
  bool asks = false;  // "flush" wants to be sure

  // What errx(3) and warnx(3) print; the status is given back.
  int fail(int status, const std::string& message) {
    err += speaker + ": " + message + "\n";
    return status;
  }
  int fail(const ParseFailure& why) { return fail(why.status, why.message); }
  int fail(int status, const std::string& message, Errno error) {
    return fail(status, message + ": " + std::string(errno_text(error)));
  }
  void warn(const std::string& message) { (void)fail(0, message); }
};

using Words = std::vector<std::string>;

// Reads the files that words name ("profile FILE").
Task<int> read_files(Run& run, Words words);

// Everything behind the options. Nothing is changed with check_only.
int execute(Run& run, Words words);
// The rule of an "add", whose words they are; a status other than 0 is a failure.
int parse_add(Run& run, const Words& words, Rule& into);
int add_rules(Run& run, std::vector<Rule> rules);
int flush_rules(Run& run);

int list(Run& run, const Words& words, bool counters);
int set_command(Run& run, const Words& words);
int table_command(Run& run, const Words& words);

// Words that other parts take: "pipe", "queue", "sched", "nat" and so on. The words begin with that
// one; options and output are the run's.
struct Part {
  std::string_view word;
  int (*execute)(Run& run, const Words& words);
};
std::span<const Part> parts();

// Whether a word is one, or begins one: FreeBSD still takes the latter, and says so.
bool matches_word(Run& run, const std::string& word, std::string_view whole);

}  // namespace stackyard::ipfw
