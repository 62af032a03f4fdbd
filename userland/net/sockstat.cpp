// userland/net/sockstat.cpp - sockstat(1): the sockets of processes.
#include <algorithm>

#include "core/base/text.h"
#include "stack/tcp/api/tcp_requests.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

// What the options choose.
struct Wanted {
  bool inet = true, inet6 = true, local = true;
  bool listening = true, connected = true;
  std::vector<std::string> protocols;              // empty: all
  std::vector<std::pair<int64_t, int64_t>> ports;  // empty: all
  std::optional<int> jail;
};

bool is_local(const SocketInfo& s) { return s.local.family() == Af::local; }

bool wants(const Wanted& want, const SocketInfo& s) {
  const bool both = s.protocol.ends_with("46");
  const bool v4 = s.local.family() == Af::inet || both, v6 = s.local.family() == Af::inet6;
  if (is_local(s) ? !want.local : !((v4 && want.inet) || (v6 && want.inet6))) return false;
  if (want.jail && s.jid != *want.jail) return false;
  const bool connected = is_local(s) ? s.peer != 0 : s.foreign.port != 0;
  if (connected ? !want.connected : !want.listening) return false;
  const auto named = [&](const std::string& p) { return s.protocol.starts_with(p); };
  if (!want.protocols.empty() && !std::any_of(want.protocols.begin(), want.protocols.end(), named))
    return false;
  const auto holds = [&](const auto& range) {
    const auto in = [&](uint16_t p) { return p && p >= range.first && p <= range.second; };
    return in(s.local.port) || in(s.foreign.port);
  };
  return want.ports.empty() || std::any_of(want.ports.begin(), want.ports.end(), holds);
}

std::string inet_name(const SockAddr& a) {
  const std::string zone = a.scope ? text("%{}", a.scope) : "";
  return text("{}:{}", a.address.is_any() ? "*" : to_text(a.address) + zone,
              a.port ? text("{}", a.port) : "*");
}

// A named socket shows its name, one without shows whom it talks to.
std::string local_name(const SocketInfo& s) {
  if (!s.local.path.empty()) return s.local.path.str();
  if (s.peer == 0) return "(not connected)";
  return "-> " + (s.foreign.path.empty() ? "??" : s.foreign.path.str());
}

// "22,60-70" of -p; a text is what is wrong with it.
std::string read_ports(const std::string& list, Wanted& want) {
  for (const std::string& part : split(list, ',')) {
    const size_t dash = part.find('-');
    const auto low = parse_int(part.substr(0, dash));
    const auto high = dash == part.npos ? low : parse_int(part.substr(dash + 1));
    if (!low || !high) return text("{}: invalid port number", part);
    if (*low < 0 || *high > 65535 || *low > *high) return text("invalid port range: {}", part);
    want.ports.emplace_back(*low, *high);
  }
  return "";
}

// Behind those of processes come connections that no process has (any more).
std::vector<SocketInfo> all_sockets(Sys& sys) {
  std::vector<SocketInfo> all = sys.sockets();
  ListTcpConnections list;
  if (!sys.request(list)) return all;
  for (const TcpConnectionInfo& c : list.connections) {
    if (c.has_socket || c.local.port == 0) continue;
    SocketInfo info{};
    info.protocol = c.protocol;
    info.local = c.local;
    info.foreign = c.foreign;
    info.jid = sys.jail_id();
    all.push_back(info);
  }
  return all;
}

Task<int> sockstat(Sys& sys, Args args) {
  const Options options(args, "46cj:LlnP:p:qSsuvw");
  if (!options.error().empty() || !options.rest().empty())
    co_return co_await bad_usage(sys, sockstat_command, options.error(), 1);
  Wanted want;
  if (options.has('j')) {
    want.jail = co_await find_jail_id(sys, options.value('j'));
    if (!want.jail) co_return 1;
  }
  if (options.has('4') || options.has('6') || options.has('u')) {
    want.inet = options.has('4');
    want.inet6 = options.has('6');
    want.local = options.has('u');
  }
  if (options.has('l') || options.has('c')) {
    want.listening = options.has('l');
    want.connected = options.has('c');
  }
  if (options.has('P')) want.protocols = split(options.value('P'), ',');
  std::string wrong;
  if (options.has('p')) wrong = read_ports(options.value('p'), want);
  if (options.has('p')) want.local = false;
  if (!wrong.empty()) {
    co_await sys.complain(wrong);
    co_return 1;
  }
  std::string out;
  if (!options.has('q'))
    out = text("{:<8} {:<10} {:<5} {:<3} {:<6} {:<21} {:<21}\n", "USER", "COMMAND", "PID", "FD",
               "PROTO", "LOCAL ADDRESS", "FOREIGN ADDRESS");
  for (const SocketInfo& s : all_sockets(sys)) {
    if (!wants(want, s)) continue;
    if (s.pid == 0)
      out += text("{:<8} {:<10} {:<5} {:<3} {:<6} ", "?", "?", "?", "?", s.protocol);
    else
      out += text("{:<8} {:<10} {:<5} {:<3} {:<6} ", "root",
                  s.command.substr(s.command.rfind('/') + 1), s.pid, s.fd, s.protocol);
    out += is_local(s) ? local_name(s)
                       : text("{:<21} {:<21}", inet_name(s.local), inet_name(s.foreign));
    out += "\n";
  }
  co_await sys.print(out);
  co_return 0;
}

}  // namespace

const Command sockstat_command{
    .name = "sockstat",
    .synopsis = "sockstat [-46cLlnqSsuvw] [-j jid] [-p ports] [-P protocols]",
    .run = sockstat};

}  // namespace stackyard
