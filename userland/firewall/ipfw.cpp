// userland/firewall/ipfw.cpp - ipfw(8): the firewall's command.

#include "core/base/text.h"
#include "stack/ipfw/api/rule_text.h"
#include "userland/commands.h"
#include "userland/firewall/ipfw_run.h"
#include "userland/lib/options.h"
#include "userland/lib/services.h"

namespace stackyard {

namespace ipfw {

using namespace exit_status;

// --- names ---------------------------------------------------------------------------------------

std::optional<uint16_t> MachineNames::port(const std::string& name, uint8_t protocol) {
  return find_port(services_, name, protocol == 6 ? "tcp" : protocol == 17 ? "udp" : "");
}

std::optional<IpAddress> MachineNames::host(const std::string& name) {
  const std::vector<SockAddr> found = sys_.resolve(name, Af::unspecified);
  return found.empty() ? std::nullopt : std::optional(found[0].address);
}

std::optional<int> MachineNames::jail(const std::string& name) {
  const bool number = parse_int(name).has_value();
  if (name == "0") return 0;
  const JailParams which = {{number ? "jid" : "name", name}};
  const auto found = sys_.jail_get(which);
  if (!found) return number ? std::optional(int(*parse_int(name))) : std::nullopt;
  const std::string* jid = jail_param(*found, "jid");
  return jid ? std::optional(int(parse_int(*jid).value_or(0))) : std::nullopt;
}

uint32_t MachineNames::verbose_limit() {
  const auto value = sys_.sysctl("net.inet.ip.fw.verbose_limit");
  return value ? uint32_t(parse_int(*value).value_or(0)) : 0;
}

int64_t MachineNames::fibs() {
  const auto value = sys_.sysctl("net.fibs");
  return value ? parse_int(*value).value_or(1) : 1;
}

// --- commands ------------------------------------------------------------------------------------

bool matches_word(Run& run, const std::string& word, std::string_view whole) {
  if (word.empty() || !whole.starts_with(word)) return false;
  if (word.size() != whole.size())
    run.warn(text("DEPRECATED: '{}' matched '{}' as a sub-string", word, whole));
  return true;
}

int parse_add(Run& run, const Words& words, Rule& into) {
  RuleParser parser(words, run.names);
  const bool parsed = parser.parse(into);
  for (const std::string& warning : parser.warnings()) run.warn(warning);
  if (!parsed) return run.fail(parser.failure().status, parser.failure().message);
  if (run.options.set) into.set = *run.options.set;
  return 0;
}

int add_rules(Run& run, std::vector<Rule> rules) {
  AddRules wanted;
  wanted.rules = std::move(rules);
  if (!run.options.check_only) {
    const auto done = run.sys.request(wanted);
    if (!done) return run.fail(unavailable, "getsockopt(IP_FW_XADD)", done.error());
  }
  if (run.options.quiet) return 0;
  RuleTextOptions options;
  options.comment_only = run.options.comment_only;
  for (const Rule& rule : wanted.rules)
    run.out += text("{:05} {}{}\n", rule.number,
                    run.options.show_sets ? text("set {} ", rule.set) : "", to_text(rule, options));
  return 0;
}

namespace {

int add(Run& run, const Words& words) {
  Rule rule;
  const int status = parse_add(run, words, rule);
  return status ? status : add_rules(run, {rule});
}

int delete_one(Run& run, const std::string& word, bool set) {
  const size_t dash = word.find('-');
  const auto first = parse_int(word.substr(0, dash));
  const auto last = dash == word.npos ? first : parse_int(word.substr(dash + 1));
  if (!first || !last || *first < 0 || *last < 0)
    return run.fail(bad_data, text("invalid rule number {}", word));
  DeleteRules wanted;
  wanted.states_only = run.options.dynamic_only;
  if (set) {
    wanted.range.set = uint8_t(*first & 31);
  } else {
    wanted.range.first = uint32_t(*first & 0xffff);
    wanted.range.last = uint32_t(*last & 0xffff);
    if (wanted.range.first == 0 && wanted.range.last == 0) wanted.range.last = default_rule;
    wanted.range.set = run.options.set;
  }
  if (run.options.check_only) return 0;
  const auto done = run.sys.request(wanted);
  const uint32_t from = wanted.range.first, to = wanted.range.last;
  if (!done) {
    if (!run.options.quiet)
      run.fail(0, text("rule {}: setsockopt(IP_FW_XDEL)", from), done.error());
    return unavailable;
  }
  if (wanted.found > 0 || set || run.options.dynamic_only) return 0;
  if (!run.options.quiet)
    run.warn(from != to ? text("no rules rules in {}-{} range", from, to)
                        : text("rule {} not found", from));
  return unavailable;
}

int delete_rules(Run& run, Words words) {
  if (words.empty()) return run.fail(usage, "missing rule specification");
  const bool set = words[0] == "set";
  if (set && run.options.set) return run.fail(bad_data, "invalid syntax");
  if (set) words.erase(words.begin());
  int status = 0;
  for (const std::string& word : words) {
    if (word.empty() || word[0] < '0' || word[0] > '9') break;
    if (const int own = delete_one(run, word, set)) status = own;
  }
  return run.options.force ? 0 : status;
}

int zero(Run& run, const Words& words, bool log_only) {
  const char* const which = log_only ? "RESETLOG" : "ZERO";
  ZeroRules wanted;
  wanted.log_only = log_only;
  if (words.empty()) {
    wanted.range.set = run.options.set;
    if (run.options.check_only) return 0;
    const auto done = run.sys.request(wanted);
    if (!done) return run.fail(unavailable, text("setsockopt(IP_FW_X{})", which), done.error());
    if (!run.options.quiet)
      run.out += log_only ? "Logging counts reset.\n" : "Accounting cleared.\n";
    return 0;
  }
  int status = 0;
  for (const std::string& word : words) {
    const auto number = parse_int(word);
    if (!number) return run.fail(usage, text("invalid rule number ``{}''", word));
    if (*number < 0 || *number > 65535)
      return run.fail(bad_data, text("invalid rule number {}", word));
    if (run.options.check_only) continue;
    wanted.range = {uint32_t(*number), uint32_t(*number), run.options.set};
    wanted.found = 0;
    (void)run.sys.request(wanted);
    if (wanted.found == 0) {
      run.out += text("Entry {} not found\n", *number);
      status = unavailable;
    } else if (!run.options.quiet) {
      run.out += text("Entry {} {}.\n", *number, log_only ? "logging count reset" : "cleared");
    }
  }
  return status;
}

int flush(Run& run) {
  if (run.options.check_only) return 0;
  run.asks = !run.options.force && !run.options.quiet;
  return run.asks ? 0 : flush_rules(run);
}

int enable(Run& run, const Words& words, bool on) {
  static constexpr std::pair<std::string_view, std::string_view> keywords[] = {
      {"firewall", "enable"},
      {"one_pass", "one_pass"},
      {"debug", "debug"},
      {"verbose", "verbose"},
      {"dyn_keepalive", "dyn_keepalive"}};
  if (words.empty()) {
    run.warn("missing keyword to enable/disable");
    return 0;
  }
  for (const auto& [keyword, sysctl] : keywords) {
    if (words[0] != keyword) continue;
    if (run.options.check_only) return 0;
    const std::string value = on ? "1" : "0";
    (void)run.sys.set_sysctl(text("net.inet.ip.fw.{}", sysctl), value);
    if (sysctl == "enable") (void)run.sys.set_sysctl("net.inet6.ip6.fw.enable", value);
    return 0;
  }
  run.warn(text("unrecognize enable/disable keyword: {}", words[0]));
  return 0;
}

}  // namespace

int flush_rules(Run& run) {
  DeleteRules wanted;
  wanted.range.set = run.options.set;
  const auto done = run.sys.request(wanted);
  if (!done) return run.fail(unavailable, "setsockopt(IP_FW_XDEL)", done.error());
  if (!run.options.quiet) run.out += "Flushed all rules.\n";
  return 0;
}

int execute(Run& run, Words words) {
  if (words.size() > 1 && words[0] == "set" && !words[1].empty() && words[1][0] >= '0' &&
      words[1][0] <= '9') {
    const auto set = parse_int(words[1]);
    if (!set || *set < 0 || *set > default_set)
      return run.fail(usage, text("invalid set number {}", words[1]));
    run.options.set = uint8_t(*set);
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty()) return run.fail(usage, "bad arguments, for usage summary ``ipfw''");
  for (const Part& part : parts())
    if (words[0] == part.word) return part.execute(run, words);
  const std::string what = words[0];
  words.erase(words.begin());
  if (matches_word(run, what, "add")) return add(run, words);
  if (matches_word(run, what, "delete")) return delete_rules(run, words);
  if (matches_word(run, what, "flush")) return flush(run);
  if (matches_word(run, what, "zero")) return zero(run, words, false);
  if (matches_word(run, what, "resetlog")) return zero(run, words, true);
  if (matches_word(run, what, "print") || matches_word(run, what, "list"))
    return list(run, words, run.options.counters);
  if (matches_word(run, what, "show")) return list(run, words, true);
  if (matches_word(run, what, "enable")) return enable(run, words, true);
  if (matches_word(run, what, "disable")) return enable(run, words, false);
  if (matches_word(run, what, "set")) return set_command(run, words);
  if (matches_word(run, what, "table")) return table_command(run, words);
  return run.fail(usage, text("bad command `{}'", what));
}

// --- the program ---------------------------------------------------------------------------------

namespace {

constexpr const char* summary =
    "ipfw syntax summary (but please do read the ipfw(8) manpage):\n\n"
    "\tipfw [-abcdefhnNqStTv] <command>\n\n"
    "where <command> is one of the following:\n\n"
    "add [num] [set N] [prob x] RULE-BODY\n"
    "{pipe|queue} N config PIPE-BODY\n"
    "[pipe|queue] {zero|delete|show} [N{,N}]\n"
    "nat N config {ip IPADDR|if IFNAME|log|deny_in|same_ports|unreg_only|reset|\n"
    "\t\treverse|proxy_only|redirect_addr linkspec|\n"
    "\t\tredirect_port linkspec|redirect_proto linkspec}\n"
    "set [disable N... enable N...] | move [rule] X to Y | swap X Y | show\n"
    "set N {show|list|zero|resetlog|delete} [N{,N}] | flush\n"
    "table N {add ip[/bits] [value] | delete ip[/bits] | flush | list}\n"
    "table all {flush | list}\n\n";

// Words of a line: at white space, but what follows "," stays with it. "#" begins a comment.
Words words_of(std::string_view line) {
  Words words;
  std::string joined;
  for (const std::string& word : split_words(line.substr(0, line.find('#')))) {
    joined += word;
    if (joined.ends_with(',')) continue;
    words.push_back(std::exchange(joined, ""));
  }
  if (!joined.empty()) words.push_back(joined);
  return words;
}

Task<int> tell(Sys& sys, Run& run, int status) {
  if (!run.out.empty()) co_await sys.print(std::exchange(run.out, ""));
  if (!run.err.empty()) co_await sys.print_error(std::exchange(run.err, ""));
  co_return status;
}

// "Are you sure?", until there is an answer.
Task<int> ask_and_flush(Sys& sys, Run& run) {
  co_await sys.print("Are you sure? [yn] ");
  std::string line;
  for (;;) {
    const std::string octet = (co_await sys.read(fd_in, 1)).value_or("");
    if (octet.empty()) co_return 0;
    if (octet != "\n") {
      line += octet;
      continue;
    }
    const char answer = line.empty() ? ' ' : line[0];
    line.clear();
    if (answer == 'y' || answer == 'Y') break;
    if (answer != 'n' && answer != 'N') continue;
    co_await sys.print("\n");
    co_return 0;
  }
  co_await sys.print("\n");
  const int status = flush_rules(run);
  co_return co_await tell(sys, run, status);
}

}  // namespace

Task<int> read_files(Run& run, Words words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] != "profile") continue;
    const auto content = co_await run.sys.read_file(words[i + 1]);
    if (content) run.files[words[i + 1]] = *content;
  }
  co_return 0;
}

namespace {

struct Line {
  size_t number;
  Words words;
};

// Every line is read before one is carried out, so that a file with a bad line changes nothing.
Task<int> run_file(Sys& sys, RunOptions options, Names& names, std::string path) {
  const auto content = co_await sys.read_file(path);
  if (!content) {
    co_await sys.complain(text("pathname: {}: {}", path, errno_text(content.error())));
    co_return usage;
  }
  std::vector<Line> lines;
  size_t number = 0;
  for (const std::string& each : split(*content, '\n')) {
    Line line{++number, words_of(each)};
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  for (const Line& line : lines) {
    RunOptions checking = options;
    checking.check_only = checking.quiet = true;
    Run run(sys, checking, names, text("Line {}", line.number));
    co_await read_files(run, line.words);
    const int status = execute(run, line.words);
    if (status == 0) continue;
    run.out.clear();
    co_return co_await tell(sys, run, status);
  }
  if (options.check_only) co_return 0;
  for (size_t i = 0; i < lines.size();) {
    Run run(sys, options, names, text("Line {}", lines[i].number));
    // Rules that stand together are added together.
    std::vector<Rule> rules;
    int status = 0;
    for (; i < lines.size() && lines[i].words[0] == "add"; ++i) {
      rules.emplace_back();
      const Words rest(lines[i].words.begin() + 1, lines[i].words.end());
      (void)parse_add(run, rest, rules.back());
    }
    if (!rules.empty()) {
      status = add_rules(run, std::move(rules));
    } else {
      co_await read_files(run, lines[i].words);
      status = execute(run, lines[i++].words);
    }
    if (run.asks) status = co_await ask_and_flush(sys, run);
    (void)co_await tell(sys, run, status);
    if (status != 0) co_return status;
  }
  co_return 0;
}

RunOptions options_of(const Options& given) {
  RunOptions o;
  o.counters = given.has('a');
  o.comment_only = given.has('c');
  o.dynamic = given.has('d') || given.has('D') || given.has('b');
  o.dynamic_only = given.has('D');
  o.expired = given.has('e');
  o.force = given.has('f') || given.has('n');
  o.values_as_ip = given.has('i');
  o.check_only = given.has('n');
  o.resolve = given.has('N');
  o.quiet = given.has('q');
  o.show_sets = given.has('S');
  o.times = given.has('t');
  o.times_as_numbers = given.has('T');
  o.verbose = given.has('v');
  return o;
}

Task<int> ipfw_main(Sys& sys, Args args) {
  if (args.size() < 2) {
    co_await sys.print_error(summary);
    co_return usage;
  }
  const Options given(args, "abcdDefhinNp:qs:STtv");
  if (!given.error().empty() || given.has('h')) {
    if (!given.has('h')) co_await sys.complain(given.error());
    co_await sys.print_error(summary);
    co_return given.has('h') ? 0 : usage;
  }
  if (given.has('p')) {
    co_await sys.complain("-p: no preprocessor runs on this machine; give ipfw its output instead");
    co_return usage;
  }
  const std::string services = (co_await sys.read_file("/etc/services")).value_or("");
  MachineNames names(sys, services);
  RunOptions options = options_of(given);
  const std::vector<std::string>& rest = given.rest();
  if (rest.size() == 1 && rest[0].starts_with('/')) {
    // Files say nothing about what they add, as a rule: that is for those who look on.
    co_return co_await run_file(sys, options, names, rest[0]);
  }
  Run run(sys, options, names, "ipfw");
  const std::string line = join(rest, " ");
  const Words words = words_of(line);
  co_await read_files(run, words);
  const int status = execute(run, words);
  if (run.asks) co_return co_await ask_and_flush(sys, run);
  co_return co_await tell(sys, run, status);
}

}  // namespace
}  // namespace ipfw

const Command ipfw_command{.name = "ipfw",
                           .synopsis =
                               "ipfw [options]\n"
                               "    do \"ipfw -h\" or \"man ipfw\" for details",
                           .run = ipfw::ipfw_main};

}  // namespace stackyard
