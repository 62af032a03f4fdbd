#include "userland/firewall/nat_command.h"

#include "core/base/text.h"
#include "userland/firewall/nat_words.h"

namespace stackyard::ipfw {

namespace {

int configure(Run& run, uint32_t number, const Words& words) {
  const auto parsed = parse_nat(number, words, run.names);
  if (const auto* why = std::get_if<ParseFailure>(&parsed)) return run.fail(*why);
  ConfigureNat request;
  request.config = std::get<NatConfig>(parsed);
  if (!run.options.check_only) {
    const auto done = run.sys.request(request);
    if (!done) return run.fail(1, "setsockopt(IP_FW_NAT44_XCONFIG)", done.error());
  }
  if (!run.options.quiet) run.out += show_nat(request.config) + "\n";
  return 0;
}

int show(Run& run, std::optional<uint32_t> number, bool configuration) {
  ListNat list;
  (void)run.sys.request(list);
  bool found = !number;
  for (const NatInfo& info : list.instances) {
    if (number && info.config.number != *number) continue;
    found = true;
    if (configuration) {
      run.out += show_nat(info.config) + "\n";
      continue;
    }
    const NatCounts& c = info.counts;
    run.out += text(
        "nat {}: icmp={}, udp={}, tcp={}, sctp={}, pptp=0, proto={}, frag_id={} frag_ptr=0 / "
        "tot={}\n",
        info.config.number, c.icmp, c.udp, c.tcp, c.sctp, c.protocols, c.fragments, c.total);
  }
  if (found) return 0;
  return run.fail(exit_status::bad_data, text("nat {} not found", *number));
}

}  // namespace

int nat(Run& run, const Words& all) {
  Words words(all.begin() + 1, all.end());
  // "nat 1 config" is "nat config 1".
  if (words.size() > 1 && parse_int(words[0])) std::swap(words[0], words[1]);
  const std::string verb = words.empty() ? "" : words[0];
  if (!words.empty()) words.erase(words.begin());
  std::optional<uint32_t> number;
  if (!words.empty())
    if (const auto n = parse_int(words[0]); n && *n > 0 && *n <= INT32_MAX) {
      number = uint32_t(*n);
      words.erase(words.begin());
    }
  if (verb == "show" || verb == "list")
    return show(run, number, !words.empty() && words[0] == "config");
  if (verb != "config" && verb != "delete")
    return run.fail(exit_status::usage, text("bad command `{}'", verb));
  if (!number) return run.fail(exit_status::bad_data, "missing nat id");
  if (verb == "config") return configure(run, *number, words);
  DeleteNat request;
  request.number = *number;
  if (run.options.check_only || run.sys.request(request)) return 0;
  return run.fail(exit_status::unavailable, text("nat {} not available", *number));
}

}  // namespace stackyard::ipfw
