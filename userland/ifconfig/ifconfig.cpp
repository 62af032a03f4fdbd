// userland/ifconfig/ifconfig.cpp - ifconfig(8): the command line; what keywords do is said by kind.
#include "userland/ifconfig/ifconfig.h"

#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// In the order of the lines that they print.
constexpr const IfconfigKind* kinds[] = {&generic_kind, &options_kind, &link_kind,   &inet_kind,
                                         &inet6_kind,   &bridge_kind,  &groups_kind, &vlan_kind,
                                         &media_kind,   &nd_kind};

const Keyword* find_keyword(const std::string& name, bool creates) {
  for (const IfconfigKind* kind : kinds)
    for (const Keyword& k : kind->keywords)
      if (k.creates == creates && name == k.name) return &k;
  return nullptr;
}

bool is_family(const std::string& word) {
  return word == "inet" || word == "inet6" || word == "link" || word == "ether" || word == "lladdr";
}

Complaint create(IfconfigRun& run) {
  run.creating = false;
  if (Complaint wrong = check_vlan_name(run); !wrong.empty()) return wrong;
  CreateInterface request;
  request.name = run.name;
  request.params = run.clone;
  if (const auto done = run.sys.request(request); !done) {
    if (done.error() == Errno::eexist) return text("interface {} already exists", run.name);
    return complaint("SIOCIFCREATE2", done.error());
  }
  run.announce = request.name != run.name;
  run.name = request.name;
  run.clone = {};
  return "";
}

Complaint apply_word(IfconfigRun& run, const Words& words, size_t& at) {
  const std::string& word = words[at];
  const Keyword* keyword = find_keyword(word, run.creating);
  if (!keyword && run.creating) return create(run);  // and the same word again
  ++at;
  if (!keyword && is_family(word)) {
    run.family = word == "inet" || word == "inet6" ? word : "link";
    return "";
  }
  if (!keyword) return apply_address(run, word);
  const size_t count = size_t(keyword->arguments);
  if (at + count > words.size())
    return count == 1 ? text("'{}' requires argument", word)
                      : text("'{}' requires {} arguments", word, count);
  at += count;
  return keyword->apply(run, Words(words.begin() + long(at - count - 1), words.begin() + long(at)));
}

Complaint apply_words(IfconfigRun& run, const Words& words) {
  for (size_t at = 0; at < words.size();)
    if (Complaint wrong = apply_word(run, words, at); !wrong.empty()) return wrong;
  if (run.creating)
    if (Complaint wrong = create(run); !wrong.empty()) return wrong;
  for (const auto step : run.at_end)
    if (Complaint wrong = step(run); !wrong.empty()) return wrong;
  return finish_inet(run);
}

Task<int> configure(Sys& sys, std::string name, Words words, bool creating) {
  IfconfigRun run{.sys = sys, .name = name, .creating = creating, .family = "inet"};
  const Complaint wrong = apply_words(run, words);
  if (run.announce) run.output += run.name + "\n";
  if (!run.output.empty()) co_await sys.print(run.output);
  if (wrong.empty()) co_return 0;
  co_await sys.complain(wrong);
  co_return 1;
}

// --- showing -----------------------------------------------------------------------------------

struct Choice {  // which interfaces, and which lines
  std::string name, group, no_group, family;
  bool only_up = false, only_down = false;
  ShowOptions show;
};

bool has_group(const InterfaceInfo& i, const std::string& group) {
  return group == "all" || std::find(i.groups.begin(), i.groups.end(), group) != i.groups.end();
}

bool chosen(const Choice& choice, const InterfaceInfo& i) {
  const bool up = i.flags & if_flag::up;
  if (!choice.name.empty() && i.name != choice.name) return false;
  if ((choice.only_up && !up) || (choice.only_down && up)) return false;
  if (!choice.group.empty() && !has_group(i, choice.group)) return false;
  return choice.no_group.empty() || !has_group(i, choice.no_group);
}

// -l's family: only interfaces that have an address of it.
bool has_family(Sys& sys, const InterfaceInfo& i, const std::string& family) {
  if (family.empty() || family == "link") return true;
  if (family == "ether" || family == "lladdr") return i.mac.has_value();
  const IfconfigKind& kind = family == "inet6" ? inet6_kind : inet_kind;
  return !kind.status(sys, i, {}).empty();
}

std::string status(Sys& sys, const Choice& choice, const InterfaceInfo& i) {
  std::string lines;
  for (const IfconfigKind* kind : kinds) {
    const bool of_family = kind == &inet_kind                        ? choice.family == "inet"
                           : kind == &inet6_kind || kind == &nd_kind ? choice.family == "inet6"
                           : kind == &link_kind
                               ? choice.family != "inet" && choice.family != "inet6"
                               : kind == &generic_kind || kind == &options_kind;
    if (kind->status && (choice.family.empty() || of_family))
      lines += kind->status(sys, i, choice.show);
  }
  return lines;
}

Task<int> list_names(Sys& sys, Choice choice) {
  ListInterfaces list;
  (void)sys.request(list);
  Words names;
  for (const InterfaceInfo& i : list.interfaces)
    if (chosen(choice, i) && has_family(sys, i, choice.family)) names.push_back(i.name);
  co_await sys.print(join(names, " ") + "\n");
  co_return 0;
}

Task<int> show(Sys& sys, Choice choice) {
  ListInterfaces list;
  (void)sys.request(list);
  for (const InterfaceInfo& i : list.interfaces)
    if (chosen(choice, i)) co_await sys.print(status(sys, choice, i));
  co_return 0;
}

Task<int> list_cloners(Sys& sys) {
  ListCloners list;
  (void)sys.request(list);
  co_await sys.print(join(list.names, " ") + "\n");
  co_return 0;
}

Task<int> list_group(Sys& sys, std::string group) {
  ListInterfaces list;
  (void)sys.request(list);
  for (const InterfaceInfo& i : list.interfaces)
    if (has_group(i, group)) co_await sys.print(i.name + "\n");
  co_return 0;
}

// "inet:cidr,ether:dash" of -f or IFCONFIG_FORMAT.
void read_format(ShowOptions& show, const std::string& format) {
  for (const std::string& part : split(format, ',')) {
    if (part.starts_with("inet:")) show.inet_format = part.substr(5);
    if (part.starts_with("inet6:")) show.inet6_format = part.substr(6);
    if (part.starts_with("ether:")) show.ether_format = part.substr(6);
  }
}

bool exists(Sys& sys, const std::string& name) {
  ListInterfaces list;
  (void)sys.request(list);
  return std::any_of(list.interfaces.begin(), list.interfaces.end(),
                     [&](const InterfaceInfo& i) { return i.name == name; });
}

Task<int> one_interface(Sys& sys, Choice choice, Words words) {
  const std::string verb = words.empty() ? "" : words[0];
  const bool creates = verb == "create" || verb == "plumb";
  const std::string name = choice.name;
  if (!exists(sys, name)) {
    std::string wrong = text("interface {} does not exist", name);
    if (creates && name.size() > 15) wrong = text("{}: cloning name too long", name);
    if (creates && name.size() <= 15) co_return co_await configure(sys, name, words, true);
    if (verb == "-vnet") co_return co_await configure(sys, name, words, false);
    co_await sys.complain(wrong);
    co_return 1;
  }
  if (creates && words.size() == 1) {
    co_await sys.complain(text("interface {} already exists", name));
    co_return 1;
  }
  if (creates) words.erase(words.begin());
  if (words.size() == 1 && is_family(words[0])) {
    choice.family = words[0];
    words.clear();
  }
  if (words.empty()) co_return co_await show(sys, choice);
  co_return co_await configure(sys, name, words, false);
}

Task<int> ifconfig(Sys& sys, Args args) {
  const Options options(args, "aCDdf:G:g:j:klLmnuv");
  const auto& rest = options.rest();
  const bool names = options.has('l');
  const bool all = options.has('a') || (rest.empty() && !names);
  const bool odd = (names && (options.has('a') || options.has('m'))) ||
                   (options.has('u') && options.has('d')) || ((all || names) && rest.size() > 1);
  if (!options.error().empty() || odd)
    co_return co_await bad_usage(sys, ifconfig_command, options.error(), 1);
  const std::string jail = options.value('j');
  if (!co_await enter_jail(sys, jail)) co_return 1;
  if (options.has('C')) co_return co_await list_cloners(sys);
  if (options.has('g') && !options.has('a') && !names)
    co_return co_await list_group(sys, options.value('g'));

  Choice choice{.name = "",
                .group = options.value('g'),
                .no_group = options.value('G'),
                .family = "",
                .only_up = options.has('u'),
                .only_down = options.has('d'),
                .show = {}};
  choice.show.media = options.has('m');
  choice.show.driver = options.has('D');
  choice.show.verbose = options.has('v');
  choice.show.lifetimes = options.has('L');
  const auto& environment = sys.environment();
  if (const auto found = environment.find("IFCONFIG_FORMAT"); found != environment.end())
    read_format(choice.show, found->second);
  read_format(choice.show, options.value('f'));
  if (all || names) {
    if (!rest.empty()) choice.family = rest[0];
    if (!rest.empty() && !is_family(rest[0])) {
      co_await sys.complain(text("Address family '{}' unknown.", rest[0]));
      co_return co_await sys.usage(ifconfig_command, 1);
    }
    if (names) co_return co_await list_names(sys, choice);
    co_return co_await show(sys, choice);
  }
  choice.name = rest[0];
  const Words words(rest.begin() + 1, rest.end());
  co_return co_await one_interface(sys, choice, words);
}

}  // namespace

Complaint complaint(const std::string& what, Errno error) {
  return text("{}: {}", what, errno_text(error));
}

Complaint short_complaint(const std::string& what, Errno error) {
  if (error == Errno::enxio) return what + ": no such interface";
  if (error == Errno::eperm) return what + ": permission denied";
  return complaint(what, error);
}

const Command ifconfig_command{
    .name = "ifconfig",
    .synopsis =
        "ifconfig [-j jail] [-DkLmnv] [-f type:format] interface [create]\n"
        "[address_family [address [dest_address]]] [parameters]\n"
        "ifconfig [-j jail] interface destroy\n"
        "ifconfig [-j jail] -a [-dDkLmuv] [-G groupname] [-g groupname] [address_family]\n"
        "ifconfig -C\n"
        "ifconfig [-j jail] -g groupname\n"
        "ifconfig [-j jail] -l [-du] [-g groupname] [address_family]",
    .run = ifconfig};

}  // namespace stackyard
