// userland/firewall/nat_command.cpp - "ipfw nat": instances of address translation.
#include "core/base/text.h"
#include "userland/firewall/nat_words.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace {

constexpr int ex_usage = 64, ex_dataerr = 65, ex_unavailable = 69;

Task<int> fail(Sys& sys, CommandError error) {
  co_await sys.complain(error.words);
  co_return error.status;
}

Task<int> configure(Sys& sys, uint32_t number, std::vector<std::string> words) {
  const MachineNames names(sys, (co_await sys.read_file("/etc/services")).value_or(""));
  const auto parsed = parse_nat(number, words, names);
  if (const auto* error = std::get_if<CommandError>(&parsed)) {
    CommandError why = *error;
    co_return co_await fail(sys, why);
  }
  ConfigureNat request;
  request.config = std::get<NatConfig>(parsed);
  const auto done = sys.request(request);
  if (!done) {
    CommandError why{1, text("setsockopt(IP_FW_NAT44_XCONFIG): {}", errno_text(done.error()))};
    co_return co_await fail(sys, why);
  }
  co_await sys.print(show_nat(request.config) + "\n");
  co_return 0;
}

Task<int> remove(Sys& sys, uint32_t number) {
  DeleteNat request;
  request.number = number;
  if (sys.request(request)) co_return 0;
  CommandError why{ex_unavailable, text("nat {} not available", number)};
  co_return co_await fail(sys, why);
}

Task<int> show(Sys& sys, std::optional<uint32_t> number, bool configuration) {
  ListNat list;
  (void)sys.request(list);
  std::string out;
  bool found = !number;
  for (const NatInfo& info : list.instances) {
    if (number && info.config.number != *number) continue;
    found = true;
    if (configuration) {
      out += show_nat(info.config) + "\n";
      continue;
    }
    const NatCounts& c = info.counts;
    out += text(
        "nat {}: icmp={}, udp={}, tcp={}, sctp={}, pptp=0, proto={}, frag_id={} frag_ptr=0 / "
        "tot={}\n",
        info.config.number, c.icmp, c.udp, c.tcp, c.sctp, c.protocols, c.fragments, c.total);
  }
  co_await sys.print(out);
  if (found) co_return 0;
  CommandError why{ex_dataerr, text("nat {} not found", *number)};
  co_return co_await fail(sys, why);
}

}  // namespace

std::optional<uint16_t> MachineNames::port(const std::string& name, uint8_t protocol) const {
  return find_port(services_, name, protocol == 17 ? "udp" : "tcp");
}

std::optional<Ipv4Address> MachineNames::host(const std::string& name) const {
  return sys_.resolve_ipv4(name);
}

Task<int> run_nat(Sys& sys, std::vector<std::string> words) {
  // "nat 1 config" is "nat config 1".
  if (words.size() > 1 && parse_int(words[0])) std::swap(words[0], words[1]);
  const std::string verb = words.empty() ? "" : words[0];
  std::optional<uint32_t> number;
  size_t at = 1;
  if (words.size() > 1)
    if (const auto n = parse_int(words[1]); n && *n > 0 && *n <= INT32_MAX) {
      number = uint32_t(*n);
      at = 2;
    }
  const std::vector<std::string> rest(words.begin() + std::min(at, words.size()), words.end());
  if (verb == "show" || verb == "list")
    co_return co_await show(sys, number, !rest.empty() && rest[0] == "config");
  if (verb != "config" && verb != "delete") {
    CommandError why{ex_usage, text("bad command `{}'", verb)};
    co_return co_await fail(sys, why);
  }
  if (!number) {
    CommandError why{ex_dataerr, "missing nat id"};
    co_return co_await fail(sys, why);
  }
  if (verb == "config") co_return co_await configure(sys, *number, rest);
  co_return co_await remove(sys, *number);
}

}  // namespace stackyard
