#include "lab/run/completion.h"

#include <algorithm>
#include <array>
#include <set>

#include "stack/kern/hosts_file.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

// What a word may be.
namespace kind {
constexpr unsigned command = 1, file = 2, interface = 4, host = 8, jail = 16, sysctl = 32,
                   any = file | interface | host | jail;
}

// What a command's arguments are, where they are not of any kind.
struct Arguments {
  std::string_view command;
  unsigned kinds;
};
constexpr std::array<Arguments, 25> arguments{{{"ifconfig", kind::interface | kind::jail},
                                               {"tcpdump", kind::host | kind::interface},
                                               {"sysctl", kind::sysctl},
                                               {"jail", kind::jail},
                                               {"jexec", kind::jail},
                                               {"jls", kind::jail},
                                               {"ping", kind::host},
                                               {"ping6", kind::host},
                                               {"traceroute", kind::host},
                                               {"traceroute6", kind::host},
                                               {"nc", kind::host},
                                               {"telnet", kind::host},
                                               {"iperf3", kind::host},
                                               {"route", kind::host | kind::interface},
                                               {"arp", kind::host | kind::interface},
                                               {"ndp", kind::host | kind::interface},
                                               {"rtsol", kind::interface},
                                               {"rtadvd", kind::interface},
                                               {"cat", kind::file},
                                               {"ls", kind::file},
                                               {"cp", kind::file},
                                               {"mv", kind::file},
                                               {"rm", kind::file},
                                               {"head", kind::file},
                                               {"tail", kind::file}}};

struct Word {
  std::string text;  // without its quotes
  size_t begin = 0;  // in the line
};

// The words of the command that the cursor is in; the last one, perhaps empty, is the one before
// the cursor. `redirected`: that one is a redirection's file.
struct Typed {
  std::vector<Word> words;
  bool redirected = false;
};

Typed words_before(std::string_view line) {
  Typed typed;
  bool in_word = false;
  char quote = 0;
  const auto begin = [&](size_t at) {
    if (!std::exchange(in_word, true)) typed.words.push_back({"", at});
  };
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote) {
      if (c == quote)
        quote = 0;
      else
        typed.words.back().text += c;
    } else if (c == '\'' || c == '"') {
      begin(i);
      quote = c;
    } else if (c == '\\' && i + 1 < line.size()) {
      begin(i);
      typed.words.back().text += line[++i];
    } else if (c == '<' || c == '>') {
      in_word = false;
      typed.redirected = true;
    } else if (std::string_view(";|&(\n`").find(c) != std::string_view::npos) {
      typed = {};
      in_word = false;
    } else if (c == ' ' || c == '\t') {
      if (std::exchange(in_word, false)) typed.redirected = false;
    } else {
      begin(i);
      typed.words.back().text += c;
    }
  }
  begin(line.size());
  return typed;
}

// As a shell takes it for one word.
std::string quoted(const std::string& word) {
  std::string shown;
  for (const char c : word) {
    if (std::string_view(" \t'\"\\$&|;<>()*?[]#`").find(c) != std::string_view::npos) shown += '\\';
    shown += c;
  }
  return shown;
}

class Completer {
 public:
  Completer(Machine& machine, Jail& jail) : machine_(machine), jail_(&jail) {}

  // Those that begin as the last word does.
  std::set<std::string> fitting(const Typed& typed) {
    const std::string& word = typed.words.back().text;
    const unsigned kinds = kinds_of(typed);
    found_.clear();
    begins_ = word;
    if (word.find('/') != word.npos) {
      add_files();
      return std::move(found_);
    }
    if (kinds & kind::command)
      for (const Command* command : machine_.commands()) add(std::string(command->name));
    if (kinds & kind::file) add_files();
    if (kinds & kind::interface)
      jail_->vnet().state<NetStack>(net_module).for_each([&](Ifnet& i) { add(i.name()); });
    if (kinds & kind::host) add_hosts();
    if (kinds & kind::jail)
      jail_->for_each_below([&](const Jail& each) { add(each.name_seen_by(*jail_)); });
    if (kinds & kind::sysctl)
      for (const SysctlInfo& info : machine_.sysctls("", *jail_)) add(info.name);
    return std::move(found_);
  }

 private:
  // What the last word may be; goes into the jail of a jexec before it.
  unsigned kinds_of(const Typed& typed) {
    const size_t last = typed.words.size() - 1;
    if (typed.redirected) return kind::file;
    size_t first = 0;
    // Words before a command that is run by another one.
    while (first < last) {
      const std::string& name = typed.words[first].text;
      if (name != "jexec" && name != "setfib" && name != "timeout") break;
      if (first + 2 > last) break;
      if (name == "jexec") {
        Jail* inner = machine_.find_jail(typed.words[first + 1].text, *jail_);
        if (!inner) return 0;
        jail_ = inner;
      }
      first += 2;
    }
    if (first == last) return kind::command;
    const std::string& before = typed.words[last - 1].text;
    if (before == "vnet" || before == "-vnet" || before == "-j" || before == "-J")
      return kind::jail;
    if (before == "-i" || before == "-I") return kind::interface;
    const auto known = std::find_if(arguments.begin(), arguments.end(), [&](const Arguments& each) {
      return each.command == typed.words[first].text;
    });
    return known == arguments.end() ? kind::any : known->kinds;
  }

  void add(std::string name) {
    if (name.starts_with(begins_)) found_.insert(std::move(name));
  }

  void add_files() {
    const size_t slash = begins_.rfind('/');
    const std::string above = slash == begins_.npos ? "" : begins_.substr(0, slash + 1);
    const auto folder =
        machine_.files().find(jail_->settings().root + FileSystem::resolve("/root", above + "."));
    if (!folder || !(*folder)->is_folder) return;
    for (const auto& [name, node] : (*folder)->entries)
      add(above + name + (node->is_folder ? "/" : ""));
  }

  void add_hosts() {
    const auto hosts = machine_.files().find(jail_->settings().root + "/etc/hosts");
    if (!hosts) return;
    for (const auto& words : hosts_lines((*hosts)->content.str()))
      for (size_t i = 1; i < words.size(); ++i) add(words[i]);
  }

  Machine& machine_;
  Jail* jail_;
  std::string begins_;
  std::set<std::string> found_;
};

std::string common_beginning(const std::set<std::string>& words) {
  // Of sorted ones, what the first and the last have in common.
  const std::string &first = *words.begin(), &last = *words.rbegin();
  return {first.begin(), std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first};
}

}  // namespace

Completion complete_line(Machine& machine, Jail& jail, const std::string& line, size_t cursor) {
  cursor = std::min(cursor, line.size());
  Completion completion{line, cursor, {}};
  const Typed typed = words_before(std::string_view(line).substr(0, cursor));
  const std::set<std::string> fitting = Completer(machine, jail).fitting(typed);
  if (fitting.empty()) return completion;
  const std::string certain = common_beginning(fitting);
  std::string word = quoted(certain);
  if (fitting.size() > 1)
    completion.choices.assign(fitting.begin(), fitting.end());
  else if (!certain.ends_with('/'))
    word += ' ';
  completion.line = line.substr(0, typed.words.back().begin) + word + line.substr(cursor);
  completion.cursor = typed.words.back().begin + word.size();
  return completion;
}

}  // namespace stackyard
