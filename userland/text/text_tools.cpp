// userland/text/text_tools.cpp - the small text tools that lab scripts use: cat, grep, sed, ...
#include <algorithm>
#include <regex>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

using Words = std::vector<std::string>;

// All of standard input, or of the files named; complaints go to standard error.
Task<Result<std::string>> gather(Sys& sys, Words files) {
  if (files.empty()) files.push_back("-");
  std::string all;
  for (const std::string& file : files) {
    if (file == "-") {
      for (;;) {
        const Result<std::string> part = co_await sys.read(fd_in, 65536);
        if (!part || part->empty()) break;
        all += *part;
      }
      continue;
    }
    const Result<std::string> content = co_await sys.read_file(file);
    if (!content) {
      co_await sys.complain(text("{}: {}", file, errno_text(content.error())));
      co_return content.error();
    }
    all += *content;
  }
  co_return all;
}

Words lines_of(const std::string& content) {
  Words lines = split(content, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string joined(const Words& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

// Each of the files (standard input when none is named) that can be opened, one after the other.
// What they hold may never end, so that `each(fd, file)` reads it and tells of its errors.
template <class Each>
Task<int> with_files(Sys& sys, Words files, Each each) {
  if (files.empty()) files.push_back("-");
  int status = 0;
  for (const std::string& file : files) {
    const bool standard = file == "-";
    const Result<Fd> fd = standard ? Result<Fd>(fd_in) : co_await sys.open(file, OpenMode::read);
    Result<> done;
    if (fd)
      done = co_await each(*fd, file);
    else
      done = fd.error();
    if (fd && !standard) co_await sys.close(*fd);
    if (done) continue;
    co_await sys.complain(text("{}: {}", file, errno_text(done.error())));
    status = 1;
  }
  co_return status;
}

Task<int> cat(Sys& sys, Args args) {
  const Options options(args, "nu");
  if (!options.error().empty()) co_return co_await bad_usage(sys, cat_command, options.error(), 1);
  co_return co_await with_files(sys, options.rest(),
                                [&](Fd fd, const std::string&) -> Task<Result<>> {
                                  for (;;) {
                                    const Result<std::string> part = co_await sys.read(fd, 65536);
                                    if (!part) co_return part.error();
                                    if (part->empty()) co_return Result<>();
                                    co_await sys.print(*part);
                                  }
                                });
}

Task<int> tee(Sys& sys, Args args) {
  const Options options(args, "a");
  std::vector<Fd> files;
  const OpenMode mode = options.has('a') ? OpenMode::append : OpenMode::write;
  for (const std::string& file : options.rest())
    files.push_back(co_await sys.open(file, mode).or_err(1, file));
  for (;;) {
    const Result<std::string> part = co_await sys.read(fd_in, 65536);
    if (!part || part->empty()) co_return 0;
    for (Fd fd : files) co_await sys.write(fd, *part);
    co_await sys.print(*part);
  }
}

// What of `content` belongs to the first `left` lines or octets, of which so many are left then.
std::string leading(const std::string& content, int64_t& left, bool octets) {
  size_t end = 0;
  if (octets) {
    end = std::min(content.size(), size_t(left));
    left -= int64_t(end);
  } else {
    for (; left > 0 && end < content.size(); --left) {
      const size_t newline = content.find('\n', end);
      if (newline == content.npos) return content;  // its line goes on in the next block
      end = newline + 1;
    }
  }
  return content.substr(0, end);
}

Task<int> head(Sys& sys, Args args) {
  if (args.size() > 1 && args[1].size() > 1 && args[1][0] == '-' && std::isdigit(args[1][1]))
    args[1] = "-n" + args[1].substr(1);
  const Options options(args, "c:n:");
  const bool octets = options.has('c');
  const auto count = parse_int(octets ? options.value('c') : options.value('n', "10"));
  if (!options.error().empty() || !count || *count < 0)
    co_return co_await bad_usage(sys, head_command, options.error(), 1);
  const bool titles = options.rest().size() > 1;
  bool first = true;
  co_return co_await with_files(
      sys, options.rest(), [&](Fd fd, const std::string& file) -> Task<Result<>> {
        if (titles)
          co_await sys.print(text("{}==> {} <==\n", std::exchange(first, false) ? "" : "\n", file));
        // No more is read than is needed.
        for (int64_t left = *count; left > 0;) {
          const Result<std::string> part = co_await sys.read(fd, octets ? 65536 : 4096);
          if (!part) co_return part.error();
          if (part->empty()) break;
          const std::string wanted = leading(*part, left, octets);
          co_await sys.print(wanted);
        }
        co_return Result<>();
      });
}

Task<int> tail(Sys& sys, Args args) {
  if (args.size() > 1 && args[1].size() > 1 && args[1][0] == '-' && std::isdigit(args[1][1]))
    args[1] = "-n" + args[1].substr(1);
  const Options options(args, "c:n:");
  const bool octets = options.has('c');
  const std::string number = octets ? options.value('c') : options.value('n', "10");
  const bool from_start = number.starts_with('+');
  const auto count = parse_int(from_start ? number.substr(1) : number);
  if (!options.error().empty() || !count)
    co_return co_await bad_usage(sys, tail_command, options.error(), 1);
  const auto content = co_await gather(sys, options.rest());
  if (!content) co_return 1;
  if (octets) {
    const auto size = int64_t(content->size());
    const int64_t from = from_start ? *count - 1 : size - *count;
    co_await sys.print(content->substr(size_t(std::clamp<int64_t>(from, 0, size))));
    co_return 0;
  }
  Words lines = lines_of(*content);
  const int64_t size = int64_t(lines.size());
  const int64_t first = from_start ? *count - 1 : size - *count;
  lines.erase(lines.begin(), lines.begin() + std::clamp<int64_t>(first, 0, size));
  co_await sys.print(joined(lines));
  co_return 0;
}

Task<int> wc(Sys& sys, Args args) {
  const Options options(args, "clw");
  if (!options.error().empty()) co_return co_await bad_usage(sys, wc_command, options.error(), 1);
  const auto content = co_await gather(sys, options.rest());
  if (!content) co_return 1;
  const bool all = !options.has('c') && !options.has('l') && !options.has('w');
  std::string out;
  if (all || options.has('l'))
    out += text(" {:7}", std::count(content->begin(), content->end(), '\n'));
  if (all || options.has('w')) out += text(" {:7}", split_words(*content).size());
  if (all || options.has('c')) out += text(" {:7}", content->size());
  if (!options.rest().empty()) out += " " + options.rest()[0];
  co_await sys.print(out + "\n");
  co_return 0;
}

Task<int> sort(Sys& sys, Args args) {
  const Options options(args, "nru");
  if (!options.error().empty()) co_return co_await bad_usage(sys, sort_command, options.error(), 2);
  const auto content = co_await gather(sys, options.rest());
  if (!content) co_return 2;
  Words lines = lines_of(*content);
  const auto leading = [](const std::string& s) {
    const std::string_view rest = trim(s);
    const size_t digits = rest.find_first_not_of("-0123456789");
    return parse_int(rest.substr(0, digits)).value_or(0);
  };
  std::stable_sort(lines.begin(), lines.end(), [&](const std::string& a, const std::string& b) {
    if (options.has('n') && leading(a) != leading(b)) return leading(a) < leading(b);
    return a < b;
  });
  if (options.has('u')) lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  if (options.has('r')) std::reverse(lines.begin(), lines.end());
  co_await sys.print(joined(lines));
  co_return 0;
}

Task<int> uniq(Sys& sys, Args args) {
  const Options options(args, "c");
  const auto content = co_await gather(sys, options.rest());
  if (!content) co_return 1;
  const Words lines = lines_of(*content);
  std::string out;
  for (size_t i = 0; i < lines.size();) {
    size_t end = i;
    while (end < lines.size() && lines[end] == lines[i]) ++end;
    out += options.has('c') ? text("{:4} {}\n", end - i, lines[i]) : lines[i] + "\n";
    i = end;
  }
  co_await sys.print(out);
  co_return 0;
}

std::optional<std::regex> compile(const std::string& pattern, bool extended, bool any_case) {
  auto flags = extended ? std::regex::extended : std::regex::basic;
  if (any_case) flags |= std::regex::icase;
  try {
    return std::regex(pattern, flags);
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

Task<int> grep(Sys& sys, Args args) {
  const Options options(args, "ce:EFilnqvo");
  Words rest = options.rest();
  std::string pattern = options.value('e');
  if (!options.has('e') && !rest.empty()) {
    pattern = rest[0];
    rest.erase(rest.begin());
  } else if (!options.has('e')) {
    co_return co_await bad_usage(sys, grep_command, options.error(), 2);
  }
  if (options.has('F')) {
    std::string escaped;
    for (char c : pattern) {
      if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
    pattern = escaped;
  }
  const auto regex = compile(pattern, options.has('E') || options.has('F'), options.has('i'));
  if (!regex) {
    co_await sys.complain(text("{}: invalid regular expression", pattern));
    co_return 2;
  }
  const auto content = co_await gather(sys, rest);
  if (!content) co_return 2;
  std::string out;
  int64_t matches = 0, line_number = 0;
  for (const std::string& line : lines_of(*content)) {
    ++line_number;
    std::smatch match;
    if (std::regex_search(line, match, *regex) == options.has('v')) continue;
    ++matches;
    if (options.has('n')) out += text("{}:", line_number);
    out += (options.has('o') && !options.has('v') ? match.str() : line) + "\n";
  }
  if (options.has('c')) out = text("{}\n", matches);
  if (!options.has('q')) co_await sys.print(out);
  co_return matches > 0 ? 0 : 1;
}

// A list of fields or characters, from 1: "2", "1,3", "2-", "-4".
bool in_list(const std::string& list, int64_t n) {
  for (const std::string& part : split(list, ',')) {
    const size_t dash = part.find('-');
    if (dash == part.npos) {
      if (parse_int(part) == n) return true;
      continue;
    }
    const int64_t low = parse_int(part.substr(0, dash)).value_or(1);
    const int64_t high = parse_int(part.substr(dash + 1)).value_or(INT64_MAX);
    if (n >= low && n <= high) return true;
  }
  return false;
}

Task<int> cut(Sys& sys, Args args) {
  const Options options(args, "c:d:f:s");
  if (!options.error().empty() || (!options.has('c') && !options.has('f')))
    co_return co_await bad_usage(sys, cut_command, options.error(), 1);
  const auto content = co_await gather(sys, options.rest());
  if (!content) co_return 1;
  const char delimiter = options.value('d', "\t")[0];
  std::string out;
  for (const std::string& line : lines_of(*content)) {
    if (options.has('c')) {
      for (size_t i = 0; i < line.size(); ++i)
        if (in_list(options.value('c'), int64_t(i + 1))) out += line[i];
      out += "\n";
      continue;
    }
    const Words fields = split(line, delimiter);
    Words kept;
    for (size_t i = 0; i < fields.size(); ++i)
      if (fields.size() == 1 || in_list(options.value('f'), int64_t(i + 1)))
        kept.push_back(fields[i]);
    if (fields.size() > 1 || !options.has('s')) out += join(kept, std::string(1, delimiter)) + "\n";
  }
  co_await sys.print(out);
  co_return 0;
}

// "a-z" written out.
std::string characters(const std::string& set) {
  std::string all;
  for (size_t i = 0; i < set.size(); ++i) {
    if (set[i] == '\\' && i + 1 < set.size()) {
      ++i;
      all += set[i] == 'n' ? '\n' : set[i] == 't' ? '\t' : set[i];
    } else if (i + 2 < set.size() && set[i + 1] == '-') {
      for (int c = set[i]; c <= set[i + 2]; ++c) all += char(c);
      i += 2;
    } else {
      all += set[i];
    }
  }
  return all;
}

Task<int> tr(Sys& sys, Args args) {
  const Options options(args, "ds");
  const Words& rest = options.rest();
  if (rest.empty() || (!options.has('d') && !options.has('s') && rest.size() < 2))
    co_return co_await bad_usage(sys, tr_command, options.error(), 1);
  const std::string from = characters(rest[0]);
  const std::string to = rest.size() > 1 ? characters(rest[1]) : from;
  const Words standard_input;
  const auto content = co_await gather(sys, standard_input);
  if (!content) co_return 1;
  std::string out;
  for (char c : *content) {
    const size_t at = from.find(c);
    if (at == from.npos) {
      out += c;
      continue;
    }
    if (options.has('d')) continue;
    const char made = to[std::min(at, to.size() - 1)];
    if (!(options.has('s') && !out.empty() && out.back() == made)) out += made;
  }
  co_await sys.print(out);
  co_return 0;
}

// One command of sed: an address (a number, $, or /re/), then s, d, p or q.
struct SedCommand {
  std::string address;
  std::optional<std::regex> address_regex;
  char name = 0;
  std::optional<std::regex> regex;
  std::string replacement;
  bool global = false, print = false;
};

std::optional<SedCommand> parse_sed(const std::string& script, bool extended) {
  SedCommand command;
  size_t at = 0;
  if (at < script.size() && script[at] == '/') {
    const size_t end = script.find('/', 1);
    if (end == script.npos) return std::nullopt;
    command.address_regex = compile(script.substr(1, end - 1), extended, false);
    if (!command.address_regex) return std::nullopt;
    at = end + 1;
  } else {
    while (at < script.size() && (std::isdigit(script[at]) || script[at] == '$'))
      command.address += script[at++];
  }
  if (at >= script.size()) return std::nullopt;
  command.name = script[at];
  if (command.name != 's') {
    const bool known = std::string_view("dpq").find(command.name) != std::string_view::npos;
    return known && at + 1 == script.size() ? std::optional(command) : std::nullopt;
  }
  if (at + 1 >= script.size()) return std::nullopt;
  const Words parts = split(script.substr(at + 2), script[at + 1]);
  if (parts.size() != 3) return std::nullopt;
  command.regex = compile(parts[0], extended, parts[2].find('I') != std::string::npos);
  if (!command.regex) return std::nullopt;
  // sed's \1 and & are $1 and $& in ECMAScript's replacement language.
  for (size_t i = 0; i < parts[1].size(); ++i) {
    const char c = parts[1][i];
    if (c == '\\' && i + 1 < parts[1].size()) {
      const char next = parts[1][++i];
      command.replacement += std::isdigit(next) ? text("${}", next) : std::string(1, next);
    } else if (c == '&') {
      command.replacement += "$&";
    } else {
      command.replacement += c == '$' ? "$$" : std::string(1, c);
    }
  }
  command.global = parts[2].find('g') != std::string::npos;
  command.print = parts[2].find('p') != std::string::npos;
  return command;
}

Task<int> sed(Sys& sys, Args args) {
  const Options options(args, "e:En");
  Words rest = options.rest();
  Words scripts;
  if (options.has('e'))
    scripts.push_back(options.value('e'));
  else if (!rest.empty()) {
    scripts.push_back(rest[0]);
    rest.erase(rest.begin());
  }
  if (scripts.empty()) co_return co_await bad_usage(sys, sed_command, options.error(), 1);
  std::vector<SedCommand> commands;
  for (const std::string& part : split(scripts[0], ';')) {
    const auto command = parse_sed(std::string(trim(part)), options.has('E'));
    if (!command) {
      co_await sys.complain(text("1: \"{}\": invalid command code", part));
      co_return 1;
    }
    commands.push_back(*command);
  }
  const auto content = co_await gather(sys, rest);
  if (!content) co_return 1;
  const Words lines = lines_of(*content);
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string line = lines[i];
    bool deleted = false, quit = false;
    for (const SedCommand& c : commands) {
      const bool last = c.address == "$" && i + 1 == lines.size();
      const bool here = (c.address.empty() && !c.address_regex) || last ||
                        (!c.address.empty() && parse_int(c.address) == int64_t(i + 1)) ||
                        (c.address_regex && std::regex_search(line, *c.address_regex));
      if (!here) continue;
      if (c.name == 'd') deleted = true;
      if (c.name == 'q') quit = true;
      if (c.name == 'p') out += line + "\n";
      if (c.name != 's' || !std::regex_search(line, *c.regex)) continue;
      const auto flags =
          c.global ? std::regex_constants::format_default : std::regex_constants::format_first_only;
      line = std::regex_replace(line, *c.regex, c.replacement, flags);
      if (c.print) out += line + "\n";
    }
    if (!deleted && !options.has('n')) out += line + "\n";
    if (quit) break;
  }
  co_await sys.print(out);
  co_return 0;
}

}  // namespace

const Command cat_command{.name = "cat", .synopsis = "cat [file ...]", .run = cat};
const Command tee_command{.name = "tee", .synopsis = "tee [-a] [file ...]", .run = tee};
const Command head_command{
    .name = "head", .synopsis = "head [-n count | -c octets] [file ...]", .run = head};
const Command tail_command{
    .name = "tail", .synopsis = "tail [-n number | -c number] [file ...]", .run = tail};
const Command wc_command{.name = "wc", .synopsis = "wc [-clw] [file ...]", .run = wc};
const Command sort_command{.name = "sort", .synopsis = "sort [-nru] [file ...]", .run = sort};
const Command uniq_command{.name = "uniq", .synopsis = "uniq [-c] [file]", .run = uniq};
const Command grep_command{
    .name = "grep", .synopsis = "grep [-cEFinoqv] [-e pattern] [pattern] [file ...]", .run = grep};
const Command cut_command{
    .name = "cut",
    .synopsis = "cut -c list [file ...]\ncut -f list [-s] [-d delim] [file ...]",
    .run = cut};
const Command tr_command{.name = "tr", .synopsis = "tr [-ds] string1 [string2]", .run = tr};
const Command sed_command{
    .name = "sed", .synopsis = "sed [-En] [-e] command [file ...]", .run = sed};

}  // namespace stackyard
