// userland/firewall/dnctl.cpp - dnctl(8): traffic shaping without a filter around it.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/firewall/shaper_command.h"
#include "userland/firewall/shaper_words.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

constexpr int ex_usage = 64, ex_dataerr = 65, ex_unavailable = 69;

Task<int> fail(Sys& sys, CommandError error) {
  co_await sys.complain(error.words);
  co_return error.status;
}

// "1", "1-3", "1,4".
bool in_ranges(uint32_t number, const std::vector<std::string>& ranges) {
  if (ranges.empty()) return true;
  for (const std::string& words : ranges)
    for (const std::string& range : split(words, ',')) {
      const size_t dash = range.find('-');
      const auto first = parse_int(range.substr(0, dash));
      const auto last = dash == range.npos ? first : parse_int(range.substr(dash + 1));
      if (first && last && *first <= number && number <= *last) return true;
    }
  return false;
}

Task<int> show(Sys& sys, ShapedKind what, std::vector<std::string> ranges) {
  ListDummynet list;
  list.what = what;
  (void)sys.request(list);
  std::string out;
  for (const PipeInfo& pipe : list.pipes)
    if (in_ranges(pipe.number, ranges)) out += show_pipe(pipe);
  for (const FlowsetInfo& queue : list.flowsets)
    if (in_ranges(queue.number, ranges)) out += show_queue(queue);
  co_await sys.print(out);
  co_return 0;
}

Task<int> configure(Sys& sys, ShapedKind what, uint32_t number, std::vector<std::string> words) {
  ShaperLimits limits;
  const auto slots = sys.sysctl("net.inet.ip.dummynet.pipe_slot_limit");
  if (slots) limits.slots = parse_int(*slots).value_or(limits.slots);
  const auto octets = sys.sysctl("net.inet.ip.dummynet.pipe_byte_limit");
  if (octets) limits.octets = parse_int(*octets).value_or(limits.octets);
  auto parsed = parse_shaper(what, number, words, limits);
  if (const auto* error = std::get_if<CommandError>(&parsed)) {
    CommandError why = *error;
    co_return co_await fail(sys, why);
  }
  ShaperConfig config = std::get<ShaperConfig>(parsed);
  if (!config.profile.empty()) {
    const auto content = co_await sys.read_file(config.profile);
    if (!content) {
      CommandError why{ex_unavailable,
                       text("fopen: {}: {}", config.profile, errno_text(content.error()))};
      co_return co_await fail(sys, why);
    }
    const auto profile = parse_profile(config.profile, *content);
    if (const auto* error = std::get_if<CommandError>(&profile)) {
      CommandError why = *error;
      co_return co_await fail(sys, why);
    }
    config.request.pipe.profile = std::get<DelayProfile>(profile);
  }
  const auto done = sys.request(config.request);
  if (done) co_return 0;
  CommandError why{1, text("setsockopt(IP_DUMMYNET_CONFIGURE): {}", errno_text(done.error()))};
  co_return co_await fail(sys, why);
}

Task<int> remove(Sys& sys, ShapedKind what, std::vector<std::string> numbers) {
  int status = 0;
  for (const std::string& word : numbers) {
    DeleteDummynet request;
    request.what = what;
    request.number = uint32_t(parse_int(word).value_or(0));
    const auto done = sys.request(request);
    if (done) continue;
    co_await sys.complain(
        text("rule {}: setsockopt(IP_DUMMYNET_DEL): {}", word, errno_text(done.error())));
    status = ex_unavailable;
  }
  co_return status;
}

Task<int> dnctl(Sys& sys, Args args) {
  const Options options(args, "acdeEfhnNqsStTv");
  if (!options.error().empty())
    co_return co_await bad_usage(sys, dnctl_command, options.error(), ex_usage);
  std::vector<std::string> words = options.rest();
  if (words.empty()) co_return co_await bad_usage(sys, dnctl_command, "", ex_usage);
  if (words.size() == 1 && words[0] == "flush") {
    DeleteDummynet request;
    request.everything = true;
    (void)sys.request(request);
    co_return 0;
  }
  const auto what = shaped_kind(words[0]);
  if (!what) {
    CommandError why{ex_usage, text("bad command `{}'", words[0])};
    co_return co_await fail(sys, why);
  }
  words.erase(words.begin());
  co_return co_await run_shaper(sys, *what, words);
}

}  // namespace

std::optional<ShapedKind> shaped_kind(std::string_view word) {
  if (word == "pipe") return ShapedKind::pipe;
  if (word == "queue") return ShapedKind::queue;
  if (word == "sched") return ShapedKind::scheduler;
  return std::nullopt;
}

Task<int> run_shaper(Sys& sys, ShapedKind what, std::vector<std::string> words) {
  // "pipe 1 config" is "pipe config 1".
  if (words.size() > 1 && parse_int(words[0])) std::swap(words[0], words[1]);
  const std::string verb = words.empty() ? "show" : words[0];
  std::vector<std::string> rest;
  if (words.size() > 1) rest.assign(words.begin() + 1, words.end());
  if (verb == "show" || verb == "list") co_return co_await show(sys, what, rest);
  if (verb == "flush") {
    DeleteDummynet request;
    request.everything = true;
    (void)sys.request(request);
    co_return 0;
  }
  if (verb == "delete") co_return co_await remove(sys, what, rest);
  if (verb == "config") {
    const auto number = rest.empty() ? std::nullopt : parse_int(rest[0]);
    if (!number || *number <= 0) {
      CommandError why{ex_usage, "need a pipe/flowset/sched number"};
      co_return co_await fail(sys, why);
    }
    rest.erase(rest.begin());
    const auto bounded = uint32_t(*number < dummynet_numbers ? *number : dummynet_numbers);
    co_return co_await configure(sys, what, bounded, rest);
  }
  CommandError why{ex_usage, text("bad command `{}'", verb)};
  co_return co_await fail(sys, why);
}

const Command dnctl_command{.name = "dnctl",
                            .synopsis =
                                "dnctl {pipe | queue | sched} number config config-options\n"
                                "dnctl {pipe | queue | sched} {show | list} [number ...]\n"
                                "dnctl {pipe | queue | sched} delete number ...\n"
                                "dnctl flush",
                            .run = dnctl};

}  // namespace stackyard
