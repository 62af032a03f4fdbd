// userland/net/ip6addrctl.cpp - ip6addrctl(8): the policy table of address selection (RFC 6724).
#include "core/base/text.h"
#include "stack/inet6/api/inet6_requests.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

Task<int> show_policies(Sys& sys) {
  ListPolicies6 list;
  (void)sys.request(list);
  std::string out = text("{:<30} {:>5} {:>5} {:>8}\n", "Prefix", "Prec", "Label", "Use");
  for (const PolicyInfo6& p : list.policies)
    out += text("{:<30} {:>5} {:>5} {:>8}\n", to_text(p.prefix), p.precedence, p.label, p.uses);
  co_await sys.print(out);
  co_return 0;
}

// "PREFIX PRECEDENCE LABEL".
std::optional<PolicyInfo6> policy_of(const std::vector<std::string>& words) {
  if (words.size() != 3) return std::nullopt;
  const auto prefix = parse_ipv6_prefix(words[0]);
  const auto precedence = parse_int(words[1]), label = parse_int(words[2]);
  const auto fits = [](const std::optional<int64_t>& n) { return n && *n >= 0 && *n <= INT32_MAX; };
  if (!prefix || !fits(precedence) || !fits(label)) return std::nullopt;
  PolicyInfo6 policy;
  policy.prefix = *prefix;
  policy.precedence = int(*precedence);
  policy.label = int(*label);
  return policy;
}

Task<int> add_policy(Sys& sys, PolicyInfo6 policy) {
  AddPolicy6 request;
  request.policy = policy;
  const auto done = sys.request(request);
  if (done) co_return 0;
  co_await sys.complain(text("ioctl(SIOCAADDRCTL_POLICY): {}", errno_text(done.error())));
  co_return 1;
}

Task<int> delete_policy(Sys& sys, std::optional<Ipv6Prefix> prefix) {
  DeletePolicy6 request;
  request.prefix = prefix;
  const auto done = sys.request(request);
  if (done) co_return 0;
  co_await sys.complain(text("ioctl(SIOCDADDRCTL_POLICY): {}", errno_text(done.error())));
  co_return 1;
}

// Nothing is changed by a file that is not right in every line.
Task<int> install_policies(Sys& sys, std::string path) {
  const auto content = co_await sys.read_file(path);
  if (!content) {
    co_await sys.complain(text("fopen: {}: {}", path, errno_text(content.error())));
    co_return 1;
  }
  std::vector<PolicyInfo6> policies;
  for (const std::string& line : split(*content, '\n')) {
    const std::vector<std::string> words = split_words(line);
    if (words.empty() || words[0][0] == '#') continue;
    const auto policy = policy_of(words);
    if (!policy) {
      co_await sys.complain(text("invalid policy line: {}", line));
      co_return 1;
    }
    policies.push_back(*policy);
  }
  const int flushed = co_await delete_policy(sys, std::nullopt);
  if (flushed != 0) co_return flushed;
  for (const PolicyInfo6& policy : policies) {
    const int added = co_await add_policy(sys, policy);
    if (added != 0) co_return added;
  }
  co_return 0;
}

Task<int> ip6addrctl(Sys& sys, Args args) {
  const Options options(args, "j:");
  const std::vector<std::string>& words = options.rest();
  if (!options.error().empty())
    co_return co_await bad_usage(sys, ip6addrctl_command, options.error(), 1);
  const std::string jail = options.value('j');
  const std::string what = words.empty() ? "show" : words[0];
  if (!co_await enter_jail(sys, jail)) co_return 1;
  if (what == "show" && words.size() <= 1) co_return co_await show_policies(sys);
  if (what == "flush" && words.size() == 1) co_return co_await delete_policy(sys, std::nullopt);
  if (what == "install" && words.size() == 2) co_return co_await install_policies(sys, words[1]);
  if (what == "add" && words.size() == 4) {
    const auto policy = policy_of({words.begin() + 1, words.end()});
    if (policy) co_return co_await add_policy(sys, *policy);
    co_await sys.complain(text("invalid policy: {} {} {}", words[1], words[2], words[3]));
    co_return 1;
  }
  if (what == "delete" && words.size() == 2) {
    const auto prefix = parse_ipv6_prefix(words[1]);
    if (prefix) co_return co_await delete_policy(sys, *prefix);
    co_await sys.complain(text("bad prefix: {}", words[1]));
    co_return 1;
  }
  co_return co_await bad_usage(sys, ip6addrctl_command, "", 1);
}

}  // namespace

const Command ip6addrctl_command{.name = "ip6addrctl",
                                 .synopsis =
                                     "ip6addrctl [-j jail] [show]\n"
                                     "ip6addrctl [-j jail] add prefix precedence label\n"
                                     "ip6addrctl [-j jail] delete prefix\n"
                                     "ip6addrctl [-j jail] flush\n"
                                     "ip6addrctl [-j jail] install configfile",
                                 .run = ip6addrctl};

}  // namespace stackyard
