// userland/jail/jls.cpp - jls(8).
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// jls(8)'s order of "all": names without a dot first, then by name.
void sort_params(JailParams& params) {
  std::stable_sort(params.begin(), params.end(), [](const auto& a, const auto& b) {
    const bool a_dot = a.first.find('.') != a.first.npos;
    const bool b_dot = b.first.find('.') != b.first.npos;
    return a_dot != b_dot ? b_dot : a.first < b.first;
  });
}

std::string quoted(const std::string& value) {
  if (value.empty()) return "\"\"";
  if (value.find('\'') != value.npos) return "\"" + value + "\"";
  if (value.find('"') != value.npos) return "'" + value + "'";
  if (value.find_first_of(" \t") != value.npos) return "\"" + value + "\"";
  return value;
}

bool is_boolean(const std::string& value) { return value == "true" || value == "false"; }

// "allow.nomount" for allow.mount.
std::string negated(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == name.npos) return "no" + name;
  return name.substr(0, dot + 1) + "no" + name.substr(dot + 1);
}

constexpr const char* read_only[] = {"children.cur", "cpuset.id", "dying",
                                     "jid",          "osreldate", "parent"};
// What -s leaves out: nobody can set it, or its subsystem is not the jail's own.
bool skipped(const std::string& name, const JailParams& params) {
  if (name != "jid" &&
      std::find(std::begin(read_only), std::end(read_only), name) != std::end(read_only))
    return true;
  const size_t dot = name.find('.');
  if (dot == name.npos) return false;
  const std::string* system = jail_param(params, name.substr(0, dot));
  return system && (*system == "inherit" || *system == "disable");
}

struct Style {
  bool names = false, quotes = false, skip = false;
};

// One line of chosen parameters.
std::string line_of(const JailParams& params, const std::vector<std::string>& chosen,
                    const Style& style) {
  std::string line;
  for (const std::string& name : chosen) {
    if (style.skip && skipped(name, params)) continue;
    const std::string& value = *jail_param(params, name);
    if (!line.empty()) line += ' ';
    if (style.names && is_boolean(value)) {
      line += value == "true" ? name : negated(name);
      continue;
    }
    if (style.names) line += name + "=";
    const bool address_list = name == "ip4.addr" || name == "ip6.addr";
    if (value.empty() && address_list && !style.quotes)
      line += style.names ? "" : "-";
    else
      line += style.quotes ? quoted(value) : value.empty() ? "\"\"" : value;
  }
  return line + "\n";
}

std::string default_line(const JailParams& params, bool by_name) {
  const auto get = [&](const char* name) { return *jail_param(params, name); };
  const std::string address = get("ip4.addr").substr(0, get("ip4.addr").find(','));
  const std::string rest =
      text("{:<15.15} {:<29.29} {:.74}\n", address, get("host.hostname"), get("path"));
  if (by_name) return text(" {:<15} {}", get("name"), rest);
  return text("{:>6}  {}", get("jid"), rest);
}

std::string verbose_lines(const JailParams& params) {
  const auto get = [&](const char* name) { return *jail_param(params, name); };
  std::string lines =
      text("{:>6}  {:<29.29} {:.74}\n        {:<29.29} {}\n        {}\n", get("jid"),
           get("host.hostname"), get("path"), get("name"), "ACTIVE", get("cpuset.id"));
  for (const char* list : {"ip4.addr", "ip6.addr"})
    for (const std::string& address : split(get(list), ','))
      if (!address.empty()) lines += text("        {}\n", address);
  return lines;
}

Task<int> unknown_parameter(Sys& sys, std::string name) {
  co_await sys.complain("unknown parameter: " + name);
  co_return 1;
}

Task<int> jls(Sys& sys, Args args) {
  const Options options(args, "acdhj:Nnqsv");
  if (!options.error().empty()) co_return co_await bad_usage(sys, jls_command, options.error(), 1);
  const bool verbose = options.has('v') && !options.has('n') && !options.has('s');
  const Style style{.names = options.has('n') || options.has('s'),
                    .quotes = options.has('q') || options.has('s'),
                    .skip = options.has('s')};
  std::vector<JailParams> jails;
  if (options.has('j')) {
    const std::string jail = options.value('j');
    const bool number = parse_int(jail).has_value();
    const JailParams which{{number ? "jid" : "name", jail}};
    const Result<JailParams> found = sys.jail_get(which);
    if (!found) {
      if (options.has('c')) co_return 1;
      const std::string shown = number ? jail : text("\"{}\"", jail);
      co_await sys.complain(text("jail {} not found", shown));
      co_return 1;
    }
    if (options.has('c')) co_return 0;
    jails.push_back(*found);
  } else {
    std::string last = "0";
    for (;;) {
      const JailParams which{{"lastjid", last}};
      const Result<JailParams> next = sys.jail_get(which);
      if (!next) break;
      last = *jail_param(*next, "jid");
      jails.push_back(*next);
    }
  }

  // Every jail has all of the parameters: those of the machine itself tell their names.
  const JailParams self{{"jid", "0"}};
  std::vector<std::string> chosen;
  JailParams all = sys.jail_get(self).value_or(JailParams());
  if (!jails.empty()) all = jails.front();
  sort_params(all);
  for (const std::string& name : options.rest()) {
    if (name == "all")
      for (const auto& [each, value] : all) chosen.push_back(each);
    else if (!all.empty() && !jail_param(all, name))
      co_return co_await unknown_parameter(sys, name);
    else
      chosen.push_back(name);
  }
  const bool table = chosen.empty() && !style.names && !options.has('h');
  if (chosen.empty() && !table)
    for (const auto& [each, value] : all) chosen.push_back(each);

  std::string out;
  if (verbose && options.rest().empty())
    out =
        "   JID  Hostname                      Path\n"
        "        Name                          State\n"
        "        CPUSetID\n"
        "        IP Address(es)\n";
  else if (table && options.has('N'))
    out = " JID             IP Address      Hostname                      Path\n";
  else if (table)
    out = "   JID  IP Address      Hostname                      Path\n";
  else if (options.has('h'))
    out = join(chosen, " ") + "\n";
  for (const JailParams& params : jails) {
    if (verbose && options.rest().empty())
      out += verbose_lines(params);
    else if (table)
      out += default_line(params, options.has('N'));
    else
      out += line_of(params, chosen, style);
  }
  co_await sys.print(out);
  co_return 0;
}

}  // namespace

const Command jls_command{
    .name = "jls", .synopsis = "jls [-dhNnqsv] [-j jail] [param ...]", .run = jls};

}  // namespace stackyard
