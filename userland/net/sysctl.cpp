// userland/net/sysctl.cpp - sysctl(8), hostname(1), setfib(1).
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

bool is_number(const SysctlInfo& info) { return parse_int(info.value).has_value(); }

// "1,234,567" for -h.
std::string with_commas(std::string digits) {
  for (size_t at = digits.size(); at > 3 && digits[at - 4] != '-';) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string value_text(const Options& options, const SysctlInfo& info) {
  if (options.has('d')) return info.summary;
  if (options.has('t')) return is_number(info) ? "integer" : "string";
  if (!is_number(info)) return info.value;
  if (options.has('x')) return text("0x{:x}", uint64_t(*parse_int(info.value)));
  return options.has('h') ? with_commas(info.value) : info.value;
}

std::string line_text(const Options& options, const SysctlInfo& info) {
  if (options.has('N')) return info.name;
  std::string line = options.has('n') ? "" : info.name + (options.has('e') ? "=" : ": ");
  if (options.has('d') && options.has('t'))
    line += std::string(is_number(info) ? "integer" : "string") + ": ";
  return line + value_text(options, info);
}

Task<int> unknown_oid(Sys& sys, const Options& options, std::string name) {
  if (options.has('i')) co_return 0;
  if (!options.has('q')) co_await sys.complain(text("unknown oid '{}'", name));
  co_return 1;
}

Task<int> show_sysctls(Sys& sys, const Options& options, std::string name) {
  const auto found = sys.sysctls(name);
  if (found.empty()) co_return co_await unknown_oid(sys, options, name);
  std::string out;
  for (const SysctlInfo& info : found) {
    if ((options.has('W') || options.has('T')) && !info.writable) continue;
    out += line_text(options, info) + "\n";
  }
  co_await sys.print(out);
  co_return 0;
}

Task<int> set_sysctl(Sys& sys, const Options& options, std::string name, std::string value) {
  const auto all = sys.sysctls(name);
  if (all.empty()) co_return co_await unknown_oid(sys, options, name);
  if (all.size() > 1 || all[0].name != name) {
    co_await sys.complain(text("oid '{}' isn't a leaf node", name));
    co_return 1;
  }
  const SysctlInfo old = all[0];
  if (!old.writable) {
    co_await sys.complain(text("oid '{}' is read only", name));
    co_return 1;
  }
  if (is_number(old) && !parse_int(value)) {
    co_await sys.complain(text("invalid integer '{}'", value));
    co_return 1;
  }
  if (const auto done = sys.set_sysctl(name, value); !done) {
    co_await sys.complain(text("{}={}: {}", name, value, errno_text(done.error())));
    co_return 1;
  }
  const auto now = sys.sysctls(name);
  const std::string shown = now.empty() ? value : value_text(options, now[0]);
  co_await sys.print(text("{} -> {}\n", line_text(options, old), shown));
  co_return 0;
}

Task<int> one_word(Sys& sys, const Options& options, std::string word) {
  const size_t between = word.find('=');
  if (between == word.npos) co_return co_await show_sysctls(sys, options, word);
  std::string value = word.substr(between + 1);
  if (value.size() > 1 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  co_return co_await set_sysctl(sys, options, word.substr(0, between), value);
}

// A file of assignments, as /etc/sysctl.conf.
Task<int> from_file(Sys& sys, const Options& options, std::string path) {
  const Result<std::string> content = co_await sys.read_file(path);
  if (!content) {
    co_await sys.complain(text("{}: {}", path, errno_text(content.error())));
    co_return 1;
  }
  int status = 0;
  for (const std::string& line : split(*content, '\n')) {
    const std::string_view words = trim(std::string_view(line).substr(0, line.find('#')));
    if (words.empty()) continue;
    if (co_await one_word(sys, options, std::string(words)) != 0) status = 1;
  }
  co_return status;
}

Task<int> sysctl(Sys& sys, Args args) {
  const Options options(args, "aAbB:def:hiJj:lNnoqtTvVWwxX");
  const bool all = options.has('a') || options.has('A');
  if (!options.error().empty() || (options.rest().empty() && !all && !options.has('f')))
    co_return co_await bad_usage(sys, sysctl_command, options.error(), 1);
  if (options.has('n') && options.has('N'))
    co_return co_await bad_usage(sys, sysctl_command, "", 1);
  const std::string jail = options.value('j');
  if (!co_await enter_jail(sys, jail)) co_return 1;
  if (all) co_return co_await show_sysctls(sys, options, "");
  int status = 0;
  if (options.has('f')) status = co_await from_file(sys, options, options.value('f'));
  for (const std::string& word : options.rest())
    if (co_await one_word(sys, options, word) != 0) status = 1;
  co_return status;
}

Task<int> hostname(Sys& sys, Args args) {
  const Options options(args, "fs");
  if (!options.error().empty() || options.rest().size() > 1)
    co_return co_await bad_usage(sys, hostname_command, options.error(), 1);
  if (!options.rest().empty()) {
    sys.set_hostname(options.rest()[0]);
    co_return 0;
  }
  std::string name = sys.hostname();
  if (options.has('s')) name = name.substr(0, name.find('.'));
  co_await sys.print(name + "\n");
  co_return 0;
}

Task<int> setfib(Sys& sys, Args args) {
  const Options options(args, "F:");
  std::vector<std::string> rest = options.rest();
  std::string number = options.value('F');
  if (number.empty() && !rest.empty()) {
    number = rest[0];
    rest.erase(rest.begin());
  }
  const auto fib = parse_int(number);
  if (!fib || rest.empty()) co_return co_await bad_usage(sys, setfib_command, options.error(), 1);
  if (!sys.set_fib(int(*fib))) {
    const std::string most = sys.sysctl("net.fibs").value_or("1");
    co_await sys.complain(text("{} not in range (0..{})", number, parse_int(most).value_or(1) - 1));
    co_return 1;
  }
  const int status = co_await exec_anywhere(sys, rest, rest[0], 127);
  co_return status;
}

}  // namespace

const Command sysctl_command{
    .name = "sysctl",
    .synopsis =
        "sysctl [-j jail] [-bdeFhiJlNnoqTtVWx] [ -B <bufsize> ] [-f filename] "
        "name[=value[,value]] ...\n"
        "sysctl [-j jail] [-bdeFhJlNnoqTtVWx] [ -B <bufsize> ] -a",
    .run = sysctl};
const Command hostname_command{
    .name = "hostname", .synopsis = "hostname [-fs] [name-of-host]", .run = hostname};
const Command setfib_command{
    .name = "setfib", .synopsis = "setfib [-F] fib command", .run = setfib};

}  // namespace stackyard
