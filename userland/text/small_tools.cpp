// userland/text/small_tools.cpp - echo, test, sleep, ls and the other one-screen commands.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

using Words = std::vector<std::string>;

Task<int> echo(Sys& sys, Args args) {
  const bool newline = args.size() < 2 || args[1] != "-n";
  const Words words(args.begin() + (newline ? 1 : 2), args.end());
  const char* end = newline ? "\n" : "";
  co_await sys.print(join(words, " ") + end);
  co_return 0;
}

// What follows a backslash at `at`, which moves to its last character: \n and its like, or an octet
// as one to three octal digits.
char escaped(const std::string& format, size_t& at) {
  const auto octal = [&](size_t i) {
    return i < format.size() && format[i] >= '0' && format[i] <= '7';
  };
  if (octal(at)) {
    int octet = format[at] - '0';
    for (int digits = 1; digits < 3 && octal(at + 1); ++digits)
      octet = octet * 8 + format[++at] - '0';
    return char(octet);
  }
  constexpr std::string_view letters = "abfnrtv", meant = "\a\b\f\n\r\t\v";
  const size_t known = letters.find(format[at]);
  return known == letters.npos ? format[at] : meant[known];
}

// Replaces \n and its like, and the next %s, %d, %x, %c by an argument.
std::string format_once(const std::string& format, const Words& args, size_t& next) {
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c == '\\' && i + 1 < format.size()) {
      out += escaped(format, ++i);
    } else if (c == '%' && i + 1 < format.size()) {
      size_t end = format.find_first_of("sdxuc%", i + 1);
      if (end == format.npos) return out + format.substr(i);
      const std::string width = format.substr(i + 1, end - i - 1);
      const std::string value = next < args.size() && format[end] != '%' ? args[next++] : "";
      std::string shown = value;
      if (format[end] == '%') shown = "%";
      if (format[end] == 'd' || format[end] == 'u')
        shown = text("{}", parse_int(value).value_or(0));
      if (format[end] == 'x') shown = text("{:x}", parse_int(value).value_or(0));
      if (format[end] == 'c') shown = value.substr(0, 1);
      const bool left = width.starts_with('-');
      const auto size =
          size_t(std::max<int64_t>(parse_int(left ? width.substr(1) : width).value_or(0), 0));
      const char fill = !left && width.starts_with('0') ? '0' : ' ';
      if (shown.size() < size && left) shown.append(size - shown.size(), ' ');
      if (shown.size() < size) shown.insert(0, size - shown.size(), fill);
      out += shown;
      i = end;
    } else {
      out += c;
    }
  }
  return out;
}

Task<int> printf_(Sys& sys, Args args) {
  if (args.size() < 2) co_return co_await sys.usage(printf_command, 1);
  const Words values(args.begin() + 2, args.end());
  size_t next = 0;
  std::string out;
  do {
    const size_t before = next;
    out += format_once(args[1], values, next);
    if (next == before) break;
  } while (next < values.size());
  co_await sys.print(out);
  co_return 0;
}

Task<int> true_(Sys&, Args) { co_return 0; }
Task<int> false_(Sys&, Args) { co_return 1; }

// test(1): primaries, !, -a and -o from left to right.
bool primary(Sys& sys, const Words& w, size_t& at, bool& wrong) {
  const auto left = [&] { return at < w.size() ? w[at] : std::string(); };
  if (left() == "!") {
    ++at;
    return !primary(sys, w, at, wrong);
  }
  if (at + 2 < w.size()) {
    const std::string &a = w[at], &op = w[at + 1], &b = w[at + 2];
    const auto x = parse_int(a), y = parse_int(b);
    const bool numeric =
        op == "-eq" || op == "-ne" || op == "-lt" || op == "-le" || op == "-gt" || op == "-ge";
    if (op == "=" || op == "==" || op == "!=" || numeric) {
      at += 3;
      if (op == "=" || op == "==") return a == b;
      if (op == "!=") return a != b;
      if (!x || !y) {
        wrong = true;
        return false;
      }
      if (op == "-eq") return *x == *y;
      if (op == "-ne") return *x != *y;
      if (op == "-lt") return *x < *y;
      if (op == "-le") return *x <= *y;
      if (op == "-gt") return *x > *y;
      return *x >= *y;
    }
  }
  const std::string op = left();
  if (op.size() == 2 && op[0] == '-' && at + 1 < w.size()) {
    const std::string operand = w[at + 1];
    at += 2;
    const auto stat = sys.stat(operand);
    switch (op[1]) {
      case 'n':
        return !operand.empty();
      case 'z':
        return operand.empty();
      case 'e':
        return stat.has_value();
      case 'f':
        return stat && !stat->is_folder && !stat->is_device && !stat->is_socket;
      case 'S':
        return stat && stat->is_socket;
      case 'c':
        return stat && stat->is_device;
      case 'd':
        return stat && stat->is_folder;
      case 's':
        return stat && stat->size > 0;
      case 'r':
      case 'w':
      case 'x':
        return stat.has_value();
      default:
        wrong = true;
        return false;
    }
  }
  ++at;
  return !op.empty();
}

Task<int> test(Sys& sys, Args args) {
  Words words(args.begin() + 1, args.end());
  if (args[0].ends_with('[')) {
    if (words.empty() || words.back() != "]") {
      co_await sys.complain("missing ]");
      co_return 2;
    }
    words.pop_back();
  }
  if (words.empty()) co_return 1;
  size_t at = 0;
  bool wrong = false;
  bool value = primary(sys, words, at, wrong);
  while (at < words.size() && !wrong) {
    const std::string op = words[at++];
    if (op != "-a" && op != "-o") wrong = true;
    const bool right = primary(sys, words, at, wrong);
    value = op == "-a" ? value && right : value || right;
  }
  if (wrong) {
    co_await sys.complain(text("{}: bad expression", join(words, " ")));
    co_return 2;
  }
  co_return value ? 0 : 1;
}

Task<int> seq(Sys& sys, Args args) {
  std::vector<int64_t> n;
  for (size_t i = 1; i < args.size(); ++i) n.push_back(parse_int(args[i]).value_or(0));
  if (n.empty() || n.size() > 3) co_return co_await sys.usage(seq_command, 1);
  const int64_t first = n.size() > 1 ? n[0] : 1;
  const int64_t step = n.size() > 2 ? n[1] : 1;
  const int64_t last = n.back();
  if (step == 0) co_return co_await sys.usage(seq_command, 1);
  std::string out;
  for (int64_t i = first; step > 0 ? i <= last : i >= last; i += step) out += text("{}\n", i);
  co_await sys.print(out);
  co_return 0;
}

Task<int> yes(Sys& sys, Args args) {
  const std::string line = (args.size() > 1 ? args[1] : "y") + "\n";
  for (;;) co_await sys.print(line);
}

char type_letter(const FileStat& stat) {
  return stat.is_folder ? 'd' : stat.is_device ? 'c' : stat.is_socket ? 's' : '-';
}

// "rw-r--r--" of the lower nine bits of a mode.
std::string mode_letters(uint32_t mode) {
  std::string letters = "rwxrwxrwx";
  for (size_t i = 0; i < 9; ++i)
    if (!(mode & (0400u >> i))) letters[i] = '-';
  return letters;
}

std::string long_line(const FileStat& stat, const std::string& name) {
  return text("{}{}  1 root  wheel  {:>6} Jan  1 00:00 {}\n", type_letter(stat),
              mode_letters(stat.mode), stat.size, name);
}

Task<int> ls(Sys& sys, Args args) {
  const Options options(args, "1adFl");
  if (!options.error().empty()) co_return co_await bad_usage(sys, ls_command, options.error(), 1);
  Words paths = options.rest();
  if (paths.empty()) paths.push_back(".");
  int status = 0;
  for (const std::string& path : paths) {
    const auto stat = sys.stat(path);
    if (!stat) {
      co_await sys.complain(text("{}: {}", path, errno_text(stat.error())));
      status = 1;
      continue;
    }
    const bool folder = stat->is_folder && !options.has('d');
    Words names{path};
    if (folder) names = sys.list(path).value_or(Words());
    if (options.has('a') && folder) names.insert(names.begin(), {".", ".."});
    for (const std::string& name : names) {
      if (folder && name.starts_with('.') && !options.has('a')) continue;
      const auto entry = sys.stat(folder ? path + "/" + name : name);
      std::string line = name;
      if (options.has('F') && entry) line += entry->is_folder ? "/" : entry->is_socket ? "=" : "";
      line = options.has('l') && entry ? long_line(*entry, line) : line + "\n";
      co_await sys.print(line);
    }
  }
  co_return status;
}

Task<int> rm(Sys& sys, Args args) {
  const Options options(args, "fr");
  int status = 0;
  for (const std::string& path : options.rest()) {
    if (options.has('r')) {
      const auto names = sys.list(path);
      Args inner{"rm", "-rf"};
      if (names)
        for (const std::string& name : *names) inner.push_back(path + "/" + name);
      if (inner.size() > 2) co_await rm_command.run(sys, inner);
    }
    const Result<> done = sys.remove(path);
    if (done || options.has('f')) continue;
    co_await sys.complain(text("{}: {}", path, errno_text(done.error())));
    status = 1;
  }
  co_return status;
}

Task<int> mkdir(Sys& sys, Args args) {
  const Options options(args, "p");
  int status = 0;
  for (const std::string& path : options.rest()) {
    if (options.has('p'))
      for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1))
        (void)sys.make_folder(path.substr(0, slash));
    const Result<> done = sys.make_folder(path);
    if (done || (options.has('p') && done.error() == Errno::eexist)) continue;
    co_await sys.complain(text("{}: {}", path, errno_text(done.error())));
    status = 1;
  }
  co_return status;
}

// A folder as destination means a name in it.
std::string into(Sys& sys, const std::string& from, const std::string& to) {
  const auto stat = sys.stat(to);
  return stat && stat->is_folder ? to + "/" + from.substr(from.rfind('/') + 1) : to;
}

Task<int> mv(Sys& sys, Args args) {
  if (args.size() != 3) co_return co_await sys.usage(mv_command, 64);
  const Result<> done = sys.rename(args[1], into(sys, args[1], args[2]));
  if (done) co_return 0;
  co_await sys.complain(text("rename {} to {}: {}", args[1], args[2], errno_text(done.error())));
  co_return 1;
}

Task<int> cp(Sys& sys, Args args) {
  if (args.size() != 3) co_return co_await sys.usage(cp_command, 64);
  const Result<std::string> content = co_await sys.read_file(args[1]);
  if (!content) {
    co_await sys.complain(text("{}: {}", args[1], errno_text(content.error())));
    co_return 1;
  }
  const std::string to = into(sys, args[1], args[2]);
  const Fd out = co_await sys.open(to, OpenMode::write).or_err(1, to);
  co_await sys.write(out, *content).or_err(1, to);
  co_return 0;
}

Task<int> touch(Sys& sys, Args args) {
  for (size_t i = 1; i < args.size(); ++i)
    co_await sys.open(args[i], OpenMode::append).or_err(1, args[i]);
  co_return 0;
}

Task<int> env(Sys& sys, Args) {
  std::string out;
  for (const auto& [name, value] : sys.environment()) out += name + "=" + value + "\n";
  co_await sys.print(out);
  co_return 0;
}

// Simulated time: the lab begins at the epoch.
Task<int> date(Sys& sys, Args args) {
  const int64_t s = sys.now().s();
  if (args.size() > 1 && args[1] == "+%s") {
    co_await sys.print(text("{}\n", s));
    co_return 0;
  }
  co_await sys.print(text("Thu Jan  {} {:02}:{:02}:{:02} UTC 1970\n", 1 + s / 86400, s / 3600 % 24,
                          s / 60 % 60, s % 60));
  co_return 0;
}

Task<int> basename_(Sys& sys, Args args) {
  if (args.size() < 2) co_return co_await sys.usage(basename_command, 1);
  std::string name = args[1];
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  if (name != "/") name = name.substr(name.rfind('/') + 1);
  if (args.size() > 2 && name.size() > args[2].size() && name.ends_with(args[2]))
    name.resize(name.size() - args[2].size());
  co_await sys.print(name + "\n");
  co_return 0;
}

Task<int> dirname_(Sys& sys, Args args) {
  if (args.size() < 2) co_return co_await sys.usage(dirname_command, 1);
  for (size_t i = 1; i < args.size(); ++i) {
    std::string path = args[i];
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    const size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    co_await sys.print(folder + "\n");
  }
  co_return 0;
}

// Everybody on a machine is root.
Task<int> id(Sys& sys, Args args) {
  const Options options(args, "Ggnpru");
  std::string out = "uid=0(root) gid=0(wheel) groups=0(wheel),5(operator)";
  if (options.has('u')) out = options.has('n') ? "root" : "0";
  if (options.has('g')) out = options.has('n') ? "wheel" : "0";
  if (options.has('G')) out = options.has('n') ? "wheel operator" : "0 5";
  co_await sys.print(out + "\n");
  co_return 0;
}

Task<int> dmesg(Sys& sys, Args) {
  co_await sys.print(sys.log_text());
  co_return 0;
}

Task<int> logger(Sys& sys, Args args) {
  const Fd log = co_await sys.open("/var/log/messages", OpenMode::append).or_err(1, "log");
  const Words words(args.begin() + 1, args.end());
  co_await sys.write(log, text("[{}.{:06}] root: {}\n", sys.now().s(), sys.now().us() % 1'000'000,
                               join(words, " ")));
  co_return 0;
}

Task<int> uname(Sys& sys, Args args) {
  const Options options(args, "amnrs");
  if (options.has('a'))
    co_await sys.print(text("FreeBSD {} 14.0-STACKYARD\n", sys.hostname()));
  else if (options.has('n'))
    co_await sys.print(sys.hostname() + "\n");
  else if (options.has('r'))
    co_await sys.print("14.0-STACKYARD\n");
  else
    co_await sys.print("FreeBSD\n");
  co_return 0;
}

}  // namespace

const Command echo_command{.name = "echo", .synopsis = "echo [-n] [string ...]", .run = echo};
const Command printf_command{
    .name = "printf", .synopsis = "printf format [argument ...]", .run = printf_};
const Command true_command{.name = "true", .synopsis = "true", .run = true_};
const Command false_command{.name = "false", .synopsis = "false", .run = false_};
const Command test_command{.name = "test", .synopsis = "test expression", .run = test};
const Command bracket_command{.name = "[", .synopsis = "[ expression ]", .run = test};
const Command seq_command{.name = "seq", .synopsis = "seq [first [incr]] last", .run = seq};
const Command yes_command{.name = "yes", .synopsis = "yes [expletive]", .run = yes};
const Command ls_command{.name = "ls", .synopsis = "ls [-1adFl] [file ...]", .run = ls};
const Command rm_command{.name = "rm", .synopsis = "rm [-fr] file ...", .run = rm};
const Command mkdir_command{.name = "mkdir", .synopsis = "mkdir [-p] directory ...", .run = mkdir};
const Command mv_command{.name = "mv", .synopsis = "mv source target", .run = mv};
const Command cp_command{.name = "cp", .synopsis = "cp source target", .run = cp};
const Command touch_command{.name = "touch", .synopsis = "touch file ...", .run = touch};
const Command env_command{.name = "env", .synopsis = "env", .run = env};
const Command date_command{.name = "date", .synopsis = "date [+%s]", .run = date};
const Command basename_command{
    .name = "basename", .synopsis = "basename string [suffix]", .run = basename_};
const Command dirname_command{
    .name = "dirname", .synopsis = "dirname string [...]", .run = dirname_};
const Command id_command{.name = "id", .synopsis = "id [-Ggnpru]", .run = id};
const Command dmesg_command{.name = "dmesg", .synopsis = "dmesg", .run = dmesg};
const Command logger_command{.name = "logger", .synopsis = "logger message ...", .run = logger};
const Command uname_command{.name = "uname", .synopsis = "uname [-amnrs]", .run = uname};
}  // namespace stackyard
