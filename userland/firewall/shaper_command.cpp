#include "userland/firewall/shaper_command.h"

#include "core/base/text.h"
#include "userland/firewall/shaper_words.h"

namespace stackyard::ipfw {

namespace {

// "1", "1-3", "1,4".
bool in_ranges(uint32_t number, const Words& ranges) {
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

int show(Run& run, ShapedKind what, const Words& ranges) {
  ListDummynet list;
  list.what = what;
  (void)run.sys.request(list);
  for (const PipeInfo& pipe : list.pipes)
    if (in_ranges(pipe.number, ranges)) run.out += show_pipe(pipe);
  for (const FlowsetInfo& queue : list.flowsets)
    if (in_ranges(queue.number, ranges)) run.out += show_queue(queue);
  return 0;
}

int configure(Run& run, ShapedKind what, uint32_t number, const Words& words) {
  const auto limit = [&](const char* name, int64_t otherwise) {
    const auto value = run.sys.sysctl(name);
    return value ? parse_int(*value).value_or(otherwise) : otherwise;
  };
  const ShaperLimits limits{limit("net.inet.ip.dummynet.pipe_slot_limit", 100),
                            limit("net.inet.ip.dummynet.pipe_byte_limit", 1024 * 1024)};
  auto parsed = parse_shaper(what, number, words, limits);
  if (const auto* why = std::get_if<ParseFailure>(&parsed)) return run.fail(*why);
  ShaperConfig& config = std::get<ShaperConfig>(parsed);
  if (!config.profile.empty()) {
    const auto file = run.files.find(config.profile);
    if (file == run.files.end())
      return run.fail(exit_status::unavailable, "fopen: " + config.profile, Errno::enoent);
    const auto profile = parse_profile(config.profile, file->second);
    if (const auto* why = std::get_if<ParseFailure>(&profile)) return run.fail(*why);
    config.request.pipe.profile = std::get<DelayProfile>(profile);
  }
  if (run.options.check_only) return 0;
  const auto done = run.sys.request(config.request);
  return done ? 0 : run.fail(1, "setsockopt(IP_DUMMYNET_CONFIGURE)", done.error());
}

int remove(Run& run, ShapedKind what, const Words& numbers) {
  int status = 0;
  for (const std::string& word : numbers) {
    DeleteDummynet request;
    request.what = what;
    request.number = uint32_t(parse_int(word).value_or(0));
    if (run.options.check_only) continue;
    const auto done = run.sys.request(request);
    if (done) continue;
    run.fail(0, text("rule {}: setsockopt(IP_DUMMYNET_DEL)", word), done.error());
    status = exit_status::unavailable;
  }
  return status;
}

}  // namespace

int shaper(Run& run, const Words& all) {
  const ShapedKind what = all[0] == "pipe"    ? ShapedKind::pipe
                          : all[0] == "queue" ? ShapedKind::queue
                                              : ShapedKind::scheduler;
  Words words(all.begin() + 1, all.end());
  // "pipe 1 config" is "pipe config 1".
  if (words.size() > 1 && parse_int(words[0])) std::swap(words[0], words[1]);
  const std::string verb = words.empty() ? "show" : words[0];
  if (!words.empty()) words.erase(words.begin());
  if (verb == "show" || verb == "list") return show(run, what, words);
  if (verb == "flush") {
    DeleteDummynet request;
    request.everything = true;
    if (!run.options.check_only) (void)run.sys.request(request);
    return 0;
  }
  if (verb == "delete") return remove(run, what, words);
  if (verb != "config") return run.fail(exit_status::usage, text("bad command `{}'", verb));
  const auto number = words.empty() ? std::nullopt : parse_int(words[0]);
  if (!number || *number <= 0)
    return run.fail(exit_status::usage, "need a pipe/flowset/sched number");
  words.erase(words.begin());
  return configure(run, what, uint32_t(std::min<int64_t>(*number, dummynet_numbers)), words);
}

}  // namespace stackyard::ipfw
