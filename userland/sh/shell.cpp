#include "userland/sh/shell.h"

#include <algorithm>
#include <cctype>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"

namespace stackyard {

namespace {

bool name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The position of "=" in "name=value", or npos.
size_t assignment(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == word.npos || equals == 0 || std::isdigit(static_cast<unsigned char>(word[0])))
    return word.npos;
  return std::all_of(word.begin(), word.begin() + long(equals), name_character) ? equals
                                                                                : word.npos;
}

}  // namespace

// --- expansion ---------------------------------------------------------------------------------

std::string Shell::variable(const std::string& name) const {
  if (name == "?") return text("{}", last_status_);
  if (name == "$") return text("{}", sys_.pid());
  if (name == "!") return text("{}", last_background_);
  if (name == "#") return text("{}", parameters_.empty() ? 0 : parameters_.size() - 1);
  if (name == "*" || name == "@")
    return parameters_.size() < 2 ? "" : join({parameters_.begin() + 1, parameters_.end()}, " ");
  if (const auto index = parse_int(name); index && *index >= 0)
    return size_t(*index) < parameters_.size() ? parameters_[size_t(*index)] : "";
  const auto& environment = sys_.environment();
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

Task<std::string> Shell::substitute(std::string script) {
  const auto pipe = co_await sys_.pipe().or_err(2, "pipe");
  const Words parameters = parameters_;
  const Program program = [script, parameters](Sys& sys, Args) -> Task<int> {
    Shell shell(sys, parameters);
    co_return co_await shell.run_script(script);
  };
  // GCC 12 cannot keep a list of initialisers across a co_await: the request has a name.
  SpawnRequest request{.args = {"sh"}, .program = program, .descriptors = {}};
  request.descriptors.emplace_back(fd_out, pipe.second);
  const Pid child = co_await sys_.spawn(request).or_err(2, "fork");
  co_await sys_.close(pipe.second);
  std::string output;
  for (;;) {
    const Result<std::string> part = co_await sys_.read(pipe.first, 65536);
    if (!part || part->empty()) break;
    output += *part;
  }
  co_await sys_.close(pipe.first);
  last_status_ = co_await wait_for(child);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  co_return output;
}

// What stands at `$`; `at` is moved behind it.
Task<std::string> Shell::expand_dollar(const std::string& raw, size_t& at) {
  const auto closing = [&](size_t from) {
    int depth = 1;
    while (from < raw.size() && depth > 0) {
      depth += raw[from] == '(' ? 1 : raw[from] == ')' ? -1 : 0;
      ++from;
    }
    return from;  // behind the closing parenthesis
  };
  if (raw.compare(at, 3, "$((") == 0) {
    const size_t end = closing(at + 2);
    const std::string inner = raw.substr(at + 3, end - at - 5);
    at = end;
    const std::string expanded = co_await expand_one("\"" + inner + "\"");
    const auto value =
        arithmetic(expanded, [this](const std::string& name) { return variable(name); });
    if (!value) {
      co_await sys_.complain(text("arithmetic expression: bad syntax: \"{}\"", inner));
      throw Exit{2};
    }
    co_return text("{}", *value);
  }
  if (raw.compare(at, 2, "$(") == 0) {
    const size_t end = closing(at + 2);
    const std::string script = raw.substr(at + 2, end - at - 3);
    at = end;
    co_return co_await substitute(script);
  }
  if (raw.compare(at, 2, "${") == 0) {
    const size_t end = raw.find('}', at);
    std::string name = raw.substr(at + 2, end - at - 2);
    at = end + 1;
    if (name.size() > 1 && name[0] == '#') co_return text("{}", variable(name.substr(1)).size());
    const size_t minus = name.find(":-");
    if (minus == name.npos) co_return variable(name);
    const std::string value = variable(name.substr(0, minus));
    if (!value.empty()) co_return value;
    co_return co_await expand_one(name.substr(minus + 2));
  }
  const size_t begin = ++at;
  if (at < raw.size() && std::string_view("?$!#*@").find(raw[at]) != std::string_view::npos)
    ++at;
  else if (at < raw.size() && std::isdigit(static_cast<unsigned char>(raw[at])))
    ++at;
  else
    while (at < raw.size() && name_character(raw[at])) ++at;
  if (at == begin) co_return "$";
  co_return variable(raw.substr(begin, at - begin));
}

// One raw word to fields: quotes go, substitutions are made and, outside quotes, split.
Task<void> Shell::expand_into(std::string raw, bool split, Words& to) {
  std::string field;
  bool any = false, quoted = false;
  for (size_t at = 0; at < raw.size();) {
    const char c = raw[at];
    if (c == '\'' && !quoted) {
      const size_t end = raw.find('\'', at + 1);
      field += raw.substr(at + 1, end - at - 1);
      any = true;
      at = end + 1;
    } else if (c == '"') {
      quoted = !quoted;
      any = true;
      ++at;
    } else if (c == '\\' && at + 1 < raw.size()) {
      const bool special = std::string_view("$`\"\\\n").find(raw[at + 1]) != std::string_view::npos;
      if (quoted && !special) field += '\\';
      if (raw[at + 1] != '\n') field += raw[at + 1];
      any = true;
      at += 2;
    } else if (quoted && raw.compare(at, 2, "$@") == 0) {
      at += 2;
      for (size_t i = 1; i < parameters_.size(); ++i) {
        if (i > 1) {
          to.push_back(field);
          field.clear();
        }
        field += parameters_[i];
      }
      if (parameters_.size() < 2) any = false;
    } else if (c == '$' || c == '`') {
      std::string value;
      if (c == '`') {
        const size_t end = raw.find('`', at + 1);
        const std::string script = raw.substr(at + 1, end - at - 1);
        at = end + 1;
        value = co_await substitute(script);
      } else {
        value = co_await expand_dollar(raw, at);
      }
      if (quoted || !split) {
        field += value;
        any |= !value.empty();
        continue;
      }
      for (char v : value) {
        if (!std::isspace(static_cast<unsigned char>(v))) {
          field += v;
          any = true;
        } else if (any) {
          to.push_back(field);
          field.clear();
          any = false;
        }
      }
    } else {
      field += c;
      any = true;
      ++at;
    }
  }
  if (any || !split) to.push_back(field);
}

Task<Shell::Words> Shell::expand(std::vector<std::string> raw) {
  Words fields;
  for (const std::string& word : raw) co_await expand_into(word, true, fields);
  co_return fields;
}

Task<std::string> Shell::expand_one(std::string raw) {
  Words fields;
  co_await expand_into(raw, false, fields);
  co_return join(fields, " ");
}

// --- redirections ------------------------------------------------------------------------------

Task<std::optional<std::vector<std::pair<Fd, Fd>>>> Shell::open_redirects(const ShellNode& node) {
  std::vector<std::pair<Fd, Fd>> opened;
  for (const Redirect& r : node.redirects) {
    if (r.kind == Redirect::Kind::here) {
      const auto pipe = co_await sys_.pipe().or_err(2, "pipe");
      std::string document = r.target;
      if (!r.literal) {
        std::string quoted;
        for (char c : document) quoted += c == '"' ? "\\\"" : std::string(1, c);
        document = co_await expand_one("\"" + quoted + "\"");
      }
      co_await sys_.write(pipe.second, document);
      co_await sys_.close(pipe.second);
      opened.emplace_back(Fd(r.fd), pipe.first);
      continue;
    }
    const std::string target = co_await expand_one(r.target);
    if (r.kind == Redirect::Kind::duplicate) {
      Fd source = Fd(int(parse_int(target).value_or(-1)));
      for (const auto& [child, mine] : opened)
        if (child == source) source = mine;
      opened.emplace_back(Fd(r.fd), source);
      continue;
    }
    const OpenMode mode = r.kind == Redirect::Kind::read    ? OpenMode::read
                          : r.kind == Redirect::Kind::write ? OpenMode::write
                                                            : OpenMode::append;
    const Result<Fd> fd = co_await sys_.open(target, mode);
    if (!fd) {
      const char* verb = mode == OpenMode::read ? "open" : "create";
      co_await sys_.print_error(
          text("sh: cannot {} {}: {}\n", verb, target, errno_text(fd.error())));
      co_await close_all(opened);
      co_return std::nullopt;
    }
    opened.emplace_back(Fd(r.fd), *fd);
  }
  co_return opened;
}

Task<void> Shell::close_all(std::vector<std::pair<Fd, Fd>> descriptors) {
  for (const auto& [child, mine] : descriptors)
    if (number(mine) > 2) co_await sys_.close(mine);
}

// Runs anything that stays in this process with its redirections in place, then puts them back.
Task<int> Shell::run_redirected(ShellTree tree) {
  const auto opened = co_await open_redirects(*tree);
  if (!opened) co_return 2;
  constexpr int saved_base = 100;
  for (const auto& [child, mine] : *opened) {
    co_await sys_.dup_to(child, Fd(saved_base + number(child)));
    co_await sys_.dup_to(mine, child);
  }
  auto plain = std::make_shared<ShellNode>(*tree);
  plain->redirects.clear();
  const int status = co_await run(plain);
  for (const auto& [child, mine] : *opened) {
    co_await sys_.dup_to(Fd(saved_base + number(child)), child);
    co_await sys_.close(Fd(saved_base + number(child)));
  }
  co_await close_all(*opened);
  co_return status;
}

// --- execution ---------------------------------------------------------------------------------

// Signals that come meanwhile are answered when the command has ended. So is ^C, which the command
// gets, too: the shell ends behind it.
Task<int> Shell::wait_for(Pid pid) {
  const bool standard = sys_.signal_action(Signal::interrupt) == SignalAction::standard;
  if (standard) sys_.set_signal(Signal::interrupt, SignalAction::catch_it);
  int status = 127;
  for (;;) {
    const auto ended = co_await sys_.wait(pid);
    if (ended) status = ended->second;
    if (ended || ended.error() != Errno::eintr) break;
    while (const auto signal = sys_.take_signal()) caught_.push_back(*signal);
  }
  if (!standard) co_return status;
  sys_.set_signal(Signal::interrupt, SignalAction::standard);
  if (std::erase(caught_, Signal::interrupt)) throw Exit{signal_status(Signal::interrupt)};
  co_return status;
}

Task<Result<Pid>> Shell::start(ShellTree tree, std::vector<std::pair<Fd, Fd>> descriptors) {
  const Words parameters = parameters_;
  const Program program = [tree, parameters](Sys& sys, Args) -> Task<int> {
    Shell shell(sys, parameters);
    try {
      co_return co_await shell.run_last(tree);
    } catch (const Exit& exit) {
      co_return exit.status;
    }
  };
  SpawnRequest request{.args = {"sh"}, .program = program, .descriptors = descriptors};
  co_return co_await sys_.spawn(request);
}

Task<int> Shell::run_last(ShellTree tree) {
  const bool simple = tree->kind == ShellNode::Kind::simple && !tree->words.empty() &&
                      assignment(tree->words[0]) == std::string::npos;
  if (!simple) co_return co_await run(tree);
  const Words words = co_await expand(tree->words);
  const Command* command = words.empty() ? nullptr : sys_.find_command(words[0]);
  if (!command) co_return co_await run(tree);
  const auto opened = co_await open_redirects(*tree);
  if (!opened) co_return 2;
  for (const auto& [child, mine] : *opened) co_await sys_.dup_to(mine, child);
  co_await close_all(*opened);
  sys_.become(words);
  co_return co_await command->run(sys_, words);
}

Task<int> Shell::run(ShellTree tree) {
  using Kind = ShellNode::Kind;
  if (!tree->redirects.empty() && tree->kind != Kind::simple)
    co_return co_await run_redirected(tree);
  switch (tree->kind) {
    case Kind::simple:
      last_status_ = co_await run_simple(tree);
      break;
    case Kind::pipeline:
      last_status_ = co_await run_pipeline(tree);
      break;
    case Kind::if_:
      last_status_ = co_await run_if(tree);
      break;
    case Kind::for_:
      last_status_ = co_await run_for(tree);
      break;
    case Kind::while_:
    case Kind::until:
      last_status_ = co_await run_loop(tree);
      break;
    case Kind::negate:
      last_status_ = (co_await run(tree->children[0])) == 0;
      break;
    case Kind::both:
      if (co_await run(tree->children[0]) == 0) co_await run(tree->children[1]);
      break;
    case Kind::either:
      if (co_await run(tree->children[0]) != 0) co_await run(tree->children[1]);
      break;
    case Kind::sequence:
    case Kind::group:
      for (const ShellTree& child : tree->children) co_await run(child);
      break;
    case Kind::background: {
      const std::vector<std::pair<Fd, Fd>> inherited;
      const Result<Pid> pid = co_await start(tree->children[0], inherited);
      last_background_ = pid.value_or(0);
      if (pid) add_job(*pid, *tree->children[0]);
      last_status_ = 0;
      break;
    }
    case Kind::subshell: {
      const std::vector<std::pair<Fd, Fd>> inherited;
      const Result<Pid> pid = co_await start(tree->children[0], inherited);
      last_status_ = pid ? co_await wait_for(*pid) : 2;
      break;
    }
  }
  if (sys_.interrupted() || !caught_.empty()) co_await run_traps();
  co_return last_status_;
}

Task<int> Shell::run_simple(ShellTree tree) {
  size_t first = 0;
  while (first < tree->words.size() && assignment(tree->words[first]) != std::string::npos) ++first;
  std::vector<std::pair<std::string, std::string>> assignments;
  for (size_t i = 0; i < first; ++i) {
    const size_t equals = assignment(tree->words[i]);
    assignments.emplace_back(tree->words[i].substr(0, equals),
                             co_await expand_one(tree->words[i].substr(equals + 1)));
  }
  // Nothing with braces stands in a co_await: GCC 12 destroys such temporaries twice.
  const Words raw(tree->words.begin() + long(first), tree->words.end());
  Words words = co_await expand(raw);
  for (size_t i = 1; i < words.size() && words[0] == "kill"; ++i)
    if (words[i].starts_with('%'))
      if (const Job* job = find_job(words[i])) words[i] = text("{}", job->pid);
  auto& environment = sys_.environment();
  if (words.empty()) {
    for (const auto& [name, value] : assignments) environment[name] = value;
    const auto opened = co_await open_redirects(*tree);
    if (opened) co_await close_all(*opened);
    co_return opened ? 0 : 2;
  }
  const auto before = environment;
  for (const auto& [name, value] : assignments) environment[name] = value;
  if (!sys_.find_command(words[0])) {
    if (!tree->redirects.empty()) co_return co_await run_redirected(tree);
    if (const auto status = co_await builtin(words)) co_return *status;
    co_await sys_.print_error(text("sh: {}: not found\n", words[0]));
    environment = before;
    co_return 127;
  }
  const auto opened = co_await open_redirects(*tree);
  if (!opened) co_return 2;
  const SpawnRequest request{.args = words, .program = {}, .descriptors = *opened};
  const Result<Pid> pid = co_await sys_.spawn(request);
  co_await close_all(*opened);
  if (!assignments.empty()) environment = before;
  co_return pid ? co_await wait_for(*pid) : 126;
}

Task<int> Shell::run_pipeline(ShellTree tree) {
  std::vector<Pid> children;
  std::optional<Fd> input;
  for (size_t i = 0; i < tree->children.size(); ++i) {
    std::vector<std::pair<Fd, Fd>> descriptors;
    if (input) descriptors.emplace_back(fd_in, *input);
    std::optional<std::pair<Fd, Fd>> pipe;
    if (i + 1 < tree->children.size()) {
      pipe = co_await sys_.pipe().or_err(2, "pipe");
      descriptors.emplace_back(fd_out, pipe->second);
    }
    const Result<Pid> pid = co_await start(tree->children[i], descriptors);
    if (pid) children.push_back(*pid);
    if (input) co_await sys_.close(*input);
    if (pipe) co_await sys_.close(pipe->second);
    input = pipe ? std::optional(pipe->first) : std::nullopt;
  }
  int status = 0;
  for (Pid pid : children) status = co_await wait_for(pid);
  co_return status;
}

Task<int> Shell::run_if(ShellTree tree) {
  for (size_t i = 0; i + 1 < tree->children.size(); i += 2)
    if (co_await run(tree->children[i]) == 0) co_return co_await run(tree->children[i + 1]);
  if (tree->has_else) co_return co_await run(tree->children.back());
  co_return 0;
}

Task<int> Shell::run_for(ShellTree tree) {
  const Words raw(tree->words.begin() + 1, tree->words.end());
  const Words values = co_await expand(raw);
  int status = 0;
  for (const std::string& value : values) {
    sys_.environment()[tree->words[0]] = value;
    status = co_await run(tree->children[0]);
  }
  co_return status;
}

Task<int> Shell::run_loop(ShellTree tree) {
  const bool until = tree->kind == ShellNode::Kind::until;
  int status = 0;
  while (((co_await run(tree->children[0])) == 0) != until)
    status = co_await run(tree->children[1]);
  co_return status;
}

Task<bool> Shell::read_builtin(Words words) {
  std::string line;
  for (;;) {
    const Result<std::string> c = co_await sys_.read(fd_in, 1);
    if (!c || c->empty()) {
      if (line.empty()) co_return false;
      break;
    }
    if (*c == "\n") break;
    line += *c;
  }
  std::erase(words, "-r");
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string_view rest = trim(line);
    const size_t end =
        i + 1 == words.size() ? rest.size() : std::min(rest.find_first_of(" \t"), rest.size());
    sys_.environment()[words[i]] = std::string(rest.substr(0, end));
    line = std::string(rest.substr(end));
  }
  co_return true;
}

// Nothing: it is no builtin.
Task<std::optional<int>> Shell::builtin(Words words) {
  const std::string& name = words[0];
  if (name == ":") co_return 0;
  if (name == "exit")
    throw Exit{words.size() > 1 ? int(parse_int(words[1]).value_or(2)) : last_status_};
  if (name == "cd") {
    const std::string to = words.size() > 1 ? words[1] : variable("HOME");
    const Result<> done = sys_.change_folder(to);
    if (!done) co_await sys_.print_error(text("cd: {}: {}\n", to, errno_text(done.error())));
    co_return done ? 0 : 2;
  }
  if (name == "pwd") {
    co_await sys_.print(sys_.folder() + "\n");
    co_return 0;
  }
  if (name == "export") {
    for (size_t i = 1; i < words.size(); ++i)
      if (const size_t equals = assignment(words[i]); equals != std::string::npos)
        sys_.environment()[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    co_return 0;
  }
  if (name == "unset") {
    for (size_t i = 1; i < words.size(); ++i) sys_.environment().erase(words[i]);
    co_return 0;
  }
  if (name == "shift") {
    if (parameters_.size() > 1) parameters_.erase(parameters_.begin() + 1);
    co_return 0;
  }
  if (name == "read") co_return (co_await read_builtin(words)) ? 0 : 1;
  if (name == "exec") {
    const Words rest(words.begin() + 1, words.end());
    if (rest.empty()) co_return 0;
    throw Exit{co_await exec_words(sys_, rest, "exec: " + rest[0])};
  }
  co_return co_await job_builtin(words);
}

Task<int> Shell::run_script(std::string script) {
  co_return co_await exit_trap(co_await run_text(script));
}

Task<int> Shell::run_input(bool interactive) {
  co_return co_await exit_trap(co_await run_lines(interactive));
}

Task<int> Shell::run_text(std::string script) {
  const ShellParse parsed = parse_shell(script);
  if (!parsed.tree) {
    co_await sys_.print_error(text("sh: {}\n", parsed.error));
    co_return 2;
  }
  try {
    co_return co_await run(parsed.tree);
  } catch (const Exit& exit) {
    co_return exit.status;
  }
}

Task<int> Shell::run_lines(bool interactive) {
  std::string pending;
  const auto prompt = [&]() -> std::string {
    if (!interactive) return "";
    return pending.empty() ? text("root@{}:{} # ", sys_.hostname(), sys_.folder()) : "> ";
  };
  for (;;) {
    if (interactive) co_await sys_.print_error(prompt());
    std::string line;
    for (;;) {
      const Result<std::string> c = co_await sys_.read(fd_in, 1);
      if (!c || c->empty()) {
        if (line.empty() && pending.empty()) co_return last_status_;
        interactive = false;
        break;
      }
      line += *c;
      if (*c == "\n") break;
    }
    const bool ended = line.empty() || line.back() != '\n';
    pending += line;
    const ShellParse parsed = parse_shell(pending);
    if (parsed.incomplete && !ended) continue;
    pending.clear();
    if (!parsed.tree) {
      co_await sys_.print_error(text("sh: {}\n", parsed.error));
      last_status_ = 2;
      if (ended) co_return 2;
      continue;
    }
    try {
      co_await run(parsed.tree);
    } catch (const Exit& exit) {
      co_return exit.status;
    }
    if (ended) co_return last_status_;
  }
}

namespace {

Task<int> sh(Sys& sys, Args args) {
  bool interactive = false;
  size_t at = 1;
  if (at < args.size() && args[at] == "-i") {
    interactive = true;
    ++at;
  }
  if (at < args.size() && args[at] == "-c") {
    if (at + 1 >= args.size()) co_return co_await sys.usage(sh_command, 2);
    std::vector<std::string> parameters{"sh"};
    if (at + 2 < args.size()) parameters.assign(args.begin() + long(at) + 2, args.end());
    Shell shell(sys, parameters);
    co_return co_await shell.run_script(args[at + 1]);
  }
  if (at < args.size()) {
    const Result<std::string> script = co_await sys.read_file(args[at]);
    if (!script) {
      co_await sys.complain(text("cannot open {}: {}", args[at], errno_text(script.error())));
      co_return 127;
    }
    Shell shell(sys, {args.begin() + long(at), args.end()});
    co_return co_await shell.run_script(*script);
  }
  Shell shell(sys, {"sh"});
  co_return co_await shell.run_input(interactive);
}

}  // namespace

const Command sh_command{
    .name = "sh",
    .synopsis = "sh [-i]\nsh -c string [name [argument ...]]\nsh file [argument ...]",
    .run = sh};

}  // namespace stackyard
