// userland/jail/jail.cpp - jail(8): the command line.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/jail/jail_operations.h"

namespace stackyard {

namespace {

void add_word(ConfiguredJail& jail, const std::string& word) {
  const size_t equals = word.find('=');
  JailParameter parameter{.name = word.substr(0, equals)};
  if (equals != word.npos) {
    parameter.has_value = true;
    const std::string value = word.substr(equals + 1);
    const bool list = parameter.name == "ip4.addr" || parameter.name == "ip6.addr" ||
                      parameter.name == "vnet.interface" || parameter.name == "depend";
    if (list)
      parameter.values = split(value, ',');
    else
      parameter.values = {value};
  }
  const bool lists = parameter.name == "vnet.interface" || parameter.name.starts_with("exec.");
  lists&& jail.find(parameter.name) ? jail.append(parameter) : jail.set(parameter);
}

// "param=value ... [command=command ...]"
ConfiguredJail read_words(const std::vector<std::string>& words) {
  ConfiguredJail jail;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "command" && !words[i].starts_with("command=")) {
      add_word(jail, words[i]);
      continue;
    }
    JailParameter command{.name = "command", .has_value = true};
    if (words[i].size() > 8) command.values.push_back(words[i].substr(8));
    command.values.insert(command.values.end(), words.begin() + long(i) + 1, words.end());
    jail.set(command);
    break;
  }
  return jail;
}

Task<std::optional<JailConfig>> load_config(Sys& sys, std::string file) {
  std::string content;
  if (file == "-") {
    for (;;) {
      const Result<std::string> part = co_await sys.read(fd_in, 65536);
      if (!part || part->empty()) break;
      content += *part;
    }
  } else {
    const Result<std::string> read = co_await sys.read_file(file);
    if (!read) {
      co_await sys.complain(text("open {}: {}", file, errno_text(read.error())));
      co_return std::nullopt;
    }
    content = *read;
  }
  JailConfig config = read_jail_config(content, file);
  if (!config.error.empty()) {
    co_await sys.complain(config.error);
    co_return std::nullopt;
  }
  co_return config;
}

Task<int> jail(Sys& sys, Args args) {
  const Options options(args, "cdf:hiJ:lmn:p:qrRs:u:U:v");
  if (!options.error().empty()) co_return co_await bad_usage(sys, jail_command, options.error(), 1);
  const std::vector<std::string>& rest = options.rest();
  Operations op{.start = options.has('c'),
                .set = options.has('m'),
                .stop = options.has('r') || options.has('R')};
  JailOperations command(sys, options);
  const bool none = !op.start && !op.set && !op.stop;
  ConfiguredJail jail;
  if (none) {
    // The old style: path hostname ip[,...] command ...
    if (rest.size() < 4 || rest[0][0] != '/') co_return co_await sys.usage(jail_command, 1);
    op.start = true;
    jail.set({.name = "path", .values = {rest[0]}, .has_value = true});
    jail.set({.name = "host.hostname", .values = {rest[1]}, .has_value = true});
    if (!rest[2].empty()) add_word(jail, "ip4.addr=" + rest[2]);
    const JailParameter words{
        .name = "command", .values = {rest.begin() + 3, rest.end()}, .has_value = true};
    jail.set(words);
  } else if (op.stop && !op.start && !op.set) {
    if (rest.empty()) co_return co_await sys.usage(jail_command, 1);
    for (const std::string& word : rest)
      if (word.find('=') != word.npos) co_return co_await sys.usage(jail_command, 1);
    const std::string file = options.value('f', "/etc/jail.conf");
    JailConfig config;
    if (!options.has('R') && (file == "-" || options.has('f') || sys.stat(file))) {
      const std::optional<JailConfig> loaded = co_await load_config(sys, file);
      if (!loaded) co_return 1;
      config = *loaded;
    }
    co_return co_await command.from_config(config, rest, op);
  } else if (rest.size() > 1 || (rest.size() == 1 && rest[0].find('=') != rest[0].npos)) {
    if (options.has('R')) co_return co_await sys.usage(jail_command, 1);
    jail = read_words(rest);
  } else {
    if (options.has('R') || options.has('n')) co_return co_await sys.usage(jail_command, 1);
    const std::string file = options.value('f', "/etc/jail.conf");
    const std::optional<JailConfig> config = co_await load_config(sys, file);
    if (!config) co_return 1;
    co_return co_await command.from_config(*config, rest, op);
  }
  if (options.has('n'))
    jail.set({.name = "name", .values = {options.value('n')}, .has_value = true});
  if (options.has('s'))
    jail.set({.name = "securelevel", .values = {options.value('s')}, .has_value = true});
  if (options.has('l')) jail.set({.name = "exec.clean", .values = {}});
  co_return co_await command.from_words(jail, op);
}

}  // namespace

const Command jail_command{.name = "jail",
                           .synopsis =
                               "jail [-dhilqv] [-J jid_file] [-u username] [-U username]\n"
                               "     -[cmr] param=value ... [command=command ...]\n"
                               "jail [-dqv] [-f file] -[cmr] [jail]\n"
                               "jail [-qv] [-f file] -[rR] ['*' | jail ...]\n"
                               "jail [-dhilqv] [-J jid_file] [-u username] [-U username]\n"
                               "     [-n jailname] [-s securelevel]\n"
                               "     path hostname [ip[,...]] command ...",
                           .run = jail};

}  // namespace stackyard
