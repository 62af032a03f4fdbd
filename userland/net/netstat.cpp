// userland/net/netstat.cpp - netstat(1): interfaces, sockets, statistics; text or JSON.
#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "stack/inet/api/inet_requests.h"
#include "stack/inet6/api/inet6_requests.h"
#include "stack/net/api/interface_requests.h"
#include "stack/tcp/api/tcp_requests.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"
#include "userland/net/netstat_fields.h"
#include "userland/net/netstat_report.h"

namespace stackyard {

namespace {

// --- interfaces --------------------------------------------------------------------------------

// A line of netstat -i: of the interface itself, or of one of its addresses.
struct InterfaceLine {
  const InterfaceInfo& interface;
  std::string network, address;
  bool is_link;
};

std::string interface_text(const InterfaceLine& line, const Options& options) {
  const InterfaceInfo& i = line.interface;
  const InterfaceCounters& c = i.counters;
  const auto number = [&](uint64_t n) { return line.is_link ? text("{}", n) : std::string("-"); };
  const std::string name = i.flags & if_flag::up ? i.name : i.name + "*";
  std::string out =
      text("{:<7} {:>5} {:<13} {:<17} {:>9} {:>5} {:>5}", name, number(i.mtu), line.network,
           line.address, c.packets_in, number(c.errors_in), number(c.drops_in));
  if (options.has('b')) out += text(" {:>10}", c.octets_in);
  out += text(" {:>9} {:>5}", c.packets_out, number(c.errors_out));
  if (options.has('b')) out += text(" {:>10}", c.octets_out);
  out += text(" {:>5}", number(0));
  if (options.has('d')) out += text(" {:>5}", number(c.drops_out));
  return out + "\n";
}

void interface_in_json(Xo& xo, const InterfaceLine& line, const Options& options) {
  const InterfaceInfo& i = line.interface;
  const InterfaceCounters& c = i.counters;
  xo.open_instance();
  xo.field("name", i.name);
  xo.field("flags", text("0x{:x}", i.flags));
  if (line.is_link) xo.field("mtu", int64_t(i.mtu));
  xo.field("network", line.network);
  xo.field("address", line.address);
  xo.field("received-packets", int64_t(c.packets_in));
  if (line.is_link) xo.field("received-errors", int64_t(c.errors_in));
  if (line.is_link) xo.field("dropped-packets", int64_t(c.drops_in));
  if (options.has('b')) xo.field("received-bytes", int64_t(c.octets_in));
  xo.field("sent-packets", int64_t(c.packets_out));
  if (line.is_link) xo.field("send-errors", int64_t(c.errors_out));
  if (options.has('b')) xo.field("sent-bytes", int64_t(c.octets_out));
  if (line.is_link) xo.field("collisions", int64_t(0));
  if (line.is_link && options.has('d')) xo.field("dropped-packets", int64_t(c.drops_out));
  xo.close();
}

Task<int> interfaces(Sys& sys, const Options& options, Report report) {
  ListInterfaces list;
  ListAddresses addresses;
  ListAddresses6 addresses6;
  if (!sys.request(list) || !sys.request(addresses)) co_return 1;
  (void)sys.request(addresses6);
  std::string& out = report.words;
  out = text("{:<7} {:>5} {:<13} {:<17} {:>9} {:>5} {:>5}", "Name", "Mtu", "Network", "Address",
             "Ipkts", "Ierrs", "Idrop");
  if (options.has('b')) out += text(" {:>10}", "Ibytes");
  out += text(" {:>9} {:>5}", "Opkts", "Oerrs");
  if (options.has('b')) out += text(" {:>10}", "Obytes");
  out += text(" {:>5}", "Coll");
  if (options.has('d')) out += text(" {:>5}", "Drop");
  out += "\n";
  if (report.xo) report.xo->open_list("interface");
  const auto show = [&](const InterfaceLine& line) {
    if (report.xo) interface_in_json(*report.xo, line, options);
    out += interface_text(line, options);
  };
  for (const InterfaceInfo& i : list.interfaces) {
    if (options.has('I') && i.name != options.value('I')) continue;
    if (!options.has('f') || options.value('f') == "link")
      show({i, text("<Link#{}>", i.index), i.mac ? to_text(*i.mac) : i.name, true});
    const std::string family = options.value('f');
    for (const InterfaceAddress& a : addresses.addresses)
      if (a.interface == i.name && (family.empty() || family == "inet"))
        show({i, to_text(a.address.canonical()), to_text(a.address.address), false});
    for (const InterfaceAddress6& a : addresses6.addresses) {
      if (a.interface != i.name || !(family.empty() || family == "inet6")) continue;
      const std::string zone = a.address.address.has_zone() ? "%" + i.name : "";
      show({i, to_text(a.address.network()) + zone + text("/{}", a.address.length),
            to_text(a.address.address) + zone, false});
    }
  }
  co_await sys.print(report.finish());
  co_return 0;
}

// --- statistics --------------------------------------------------------------------------------

// "\techo: {}"; other indented lines belong to the one before them, and are no histogram.
bool is_histogram(const CounterLine& line) {
  return line.text[0] == '\t' && std::string_view(line.text).find(": {}") != std::string_view::npos;
}

// "\tOutput echo reply: {}" is {"name": "echo reply", "count": N} of output-histogram.
void histogram_in_json(Xo& xo, const CounterLine& line) {
  const std::string words = std::string(trim(line.text));
  const size_t space = words.find(' ');
  xo.open_instance();
  xo.field("name", words.substr(space + 1, words.find(':') - space - 1));
  xo.field("count", int64_t(line.value));
  xo.close();
}

void statistics_in_json(Xo& xo, const std::vector<CounterLine>& lines) {
  std::string group, histogram;
  for (const CounterLine& line : lines) {
    const std::string now = !is_histogram(line)                     ? ""
                            : trim(line.text).starts_with("Output") ? "output"
                                                                    : "input";
    if (!histogram.empty() && (now != histogram || group != line.group)) xo.close();
    if (group != line.group) {
      if (!group.empty()) xo.close();
      xo.open_container(line.group);
      histogram.clear();
    }
    group = line.group;
    if (!now.empty() && now != histogram) xo.open_list(now + "-histogram");
    histogram = now;
    if (now.empty())
      xo.field(netstat_field(line), int64_t(line.value));
    else
      histogram_in_json(xo, line);
  }
}

Task<int> statistics(Sys& sys, const Options& options, Report report) {
  const std::string only = options.value('p');
  std::vector<CounterLine> lines;
  bool known = only.empty();
  for (const CounterLine& line : sys.counters()) {
    if (!only.empty() && only != line.group) continue;
    known = true;
    if (options.count('s') > 1 && line.value == 0) continue;  // -ss: what is not zero
    // Histogram lines stand only for types that were seen, as FreeBSD prints them.
    if (is_histogram(line) && line.value == 0) continue;
    lines.push_back(line);
  }
  if (!known) {
    co_await sys.complain(text("{}: unknown or uninstrumented protocol", only));
    co_return 1;
  }
  std::string group;
  for (const CounterLine& line : lines) {
    if (group != line.group) report.words += std::string(line.group) + ":\n";
    group = line.group;
    report.words += "\t" + to_text(line) + "\n";
  }
  if (report.xo) statistics_in_json(*report.xo, lines);
  co_await sys.print(report.finish());
  co_return 0;
}

// --- sockets -----------------------------------------------------------------------------------

bool is_local(const SocketInfo& s) { return s.local.family() == Af::local; }
std::string address_text(const SockAddr& a) {
  if (a.address.is_any()) return "*";
  return a.scope ? text("{}%{}", to_text(a.address), a.scope) : to_text(a.address);
}
std::string port_text(const SockAddr& a) { return a.port ? text("{}", a.port) : "*"; }

struct InetSocket : SocketInfo {
  TcpTimers timers;
};

// Those that no program has any more, too (TIME_WAIT).
std::vector<InetSocket> tcp_connections(Sys& sys) {
  std::vector<InetSocket> all;
  ListTcpConnections list;
  if (!sys.request(list)) return all;
  for (const TcpConnectionInfo& c : list.connections) {
    InetSocket info{};
    info.protocol = c.protocol;
    info.local = c.local;
    info.foreign = c.foreign;
    info.receive_queue = c.receive_queue;
    info.send_queue = c.send_queue;
    info.buffers = c.buffers;
    info.timers = c.timers;
    info.state = c.state;
    if (c.local.port != 0) all.push_back(info);
  }
  return all;
}

// netstat -x: a socket's buffers, then TCP's timers, each by its name in words and in JSON.
struct BufferField {
  const char *title, *name;
  int64_t (*octets)(const SocketInfo&, int64_t most);
};
// sbreserve(9): mbufs may take eight times what they hold, up to kern.ipc.maxsockbuf.
int64_t mbuf_octets_max(int64_t limit, int64_t most) { return std::min(limit * 8, most); }
constexpr BufferField buffer_fields[] = {
    {"R-HIWA", "receive-high-water", [](auto& s, int64_t) { return s.buffers.receive_limit; }},
    {"S-HIWA", "send-high-water", [](auto& s, int64_t) { return s.buffers.send_limit; }},
    {"R-LOWA", "receive-low-water", [](auto& s, int64_t) { return s.buffers.receive_low; }},
    {"S-LOWA", "send-low-water", [](auto& s, int64_t) { return s.buffers.send_low; }},
    {"R-BCNT", "receive-mbuf-bytes", [](auto& s, int64_t) { return int64_t(s.receive_queue); }},
    {"S-BCNT", "send-mbuf-bytes", [](auto& s, int64_t) { return int64_t(s.send_queue); }},
    {"R-BMAX", "receive-mbuf-bytes-max",
     [](auto& s, int64_t most) { return mbuf_octets_max(s.buffers.receive_limit, most); }},
    {"S-BMAX", "send-mbuf-bytes-max",
     [](auto& s, int64_t most) { return mbuf_octets_max(s.buffers.send_limit, most); }},
};
struct TimerField {
  const char *title, *name;
  SimTime TcpTimers::*time;
};
constexpr TimerField timer_fields[] = {
    {"rexmt", "retransmit-timer", &TcpTimers::rexmt},
    {"persist", "persist-timer", &TcpTimers::persist},
    {"keep", "keepalive-timer", &TcpTimers::keep},
    {"2msl", "msl2-timer", &TcpTimers::two_msl},
    {"delack", "delay-ack-timer", &TcpTimers::delack},
    {"rcvtime", "inactivity-timer", &TcpTimers::since_received},
};

std::string buffer_titles() {
  std::string titles;
  for (const BufferField& field : buffer_fields) titles += text("{:>6} ", field.title);
  for (const TimerField& field : timer_fields) titles += text("{:>8}", field.title);
  return titles;
}

std::string buffer_words(const InetSocket& s, int64_t most) {
  std::string words;
  for (const BufferField& field : buffer_fields) words += text("{:>6} ", field.octets(s, most));
  for (const TimerField& field : timer_fields) {
    const int64_t hundredths = (s.timers.*field.time).ms() / 10;
    words += text("{:>5}.{:02}", hundredths / 100, hundredths % 100);
  }
  return words;
}

// `most`: kern.ipc.maxsockbuf, when buffers are wanted.
void inet_socket_in_json(Xo& xo, const InetSocket& s, std::optional<int64_t> most) {
  xo.open_instance();
  xo.field("protocol", s.protocol);
  xo.field("receive-bytes-waiting", int64_t(s.receive_queue));
  xo.field("send-bytes-waiting", int64_t(s.send_queue));
  for (const auto& [name, end] : {std::pair("local", &s.local), {"remote", &s.foreign}}) {
    xo.open_container(name);
    xo.field("address", address_text(*end));
    xo.field("port", port_text(*end));
    xo.close();
  }
  if (most) {
    for (const BufferField& field : buffer_fields) xo.field(field.name, field.octets(s, *most));
    for (const TimerField& field : timer_fields)
      xo.field(field.name, text("{:.2f}", double((s.timers.*field.time).ms()) / 1000));
  } else if (!s.state.empty()) {
    xo.field("tcp-state", s.state);
  }
  xo.close();
}

void inet_sockets(Sys& sys, const std::vector<InetSocket>& sockets, const Options& options,
                  Report& report) {
  std::optional<int64_t> most;
  if (options.has('x'))
    most = parse_int(sys.sysctl("kern.ipc.maxsockbuf").value_or("")).value_or(INT64_MAX);
  report.words += text("Active Internet connections{}\n{:<5} {:>6} {:>6}  {:<22} {:<22} {}\n",
                       options.has('a') ? " (including servers)" : "", "Proto", "Recv-Q", "Send-Q",
                       "Local Address", "Foreign Address", most ? buffer_titles() : "(state)    ");
  for (const InetSocket& s : sockets) {
    report.words += text("{:<5} {:>6} {:>6}  {:<22} {:<22} {}\n", s.protocol, s.receive_queue,
                         s.send_queue, address_text(s.local) + "." + port_text(s.local),
                         address_text(s.foreign) + "." + port_text(s.foreign),
                         most ? buffer_words(s, *most) : s.state);
    if (report.xo) inet_socket_in_json(*report.xo, s, most);
  }
}

// Addresses of control blocks: made up, but different for each socket, and the same in every run.
std::string block_address(uint64_t serial) {
  return serial ? text("{:016x}", 0xfffff80003000000 + serial * 0x100) : "0";
}

void local_sockets(const std::vector<SocketInfo>& sockets, Report& report) {
  report.words += text(
      "Active UNIX domain sockets\n{:<16} {:<6} {:>6} {:>6} {:>16} {:>16} {:>16} "
      "{:>16} {}\n",
      "Address", "Type", "Recv-Q", "Send-Q", "Inode", "Conn", "Refs", "Nextref", "Addr");
  for (const SocketInfo& s : sockets) {
    const std::string path = s.local.path.str();
    const std::string inode =
        path.empty() ? "0" : text("{:016x}", 0xfffff80004000000 + s.serial * 0x100);
    report.words += text("{:<16} {:<6} {:>6} {:>6} {:>16} {:>16} {:>16} {:>16}{}\n",
                         block_address(s.serial), s.protocol, s.receive_queue, s.send_queue, inode,
                         block_address(s.peer), 0, 0, path.empty() ? "" : " " + path);
    if (!report.xo) continue;
    Xo& xo = *report.xo;
    xo.open_instance();
    xo.field("address", block_address(s.serial));
    xo.field("type", s.protocol);
    xo.field("receive-bytes-waiting", int64_t(s.receive_queue));
    xo.field("send-bytes-waiting", int64_t(s.send_queue));
    xo.field("vnode", inode);
    xo.field("connection", block_address(s.peer));
    xo.field("first-reference", "0");
    xo.field("next-reference", "0");
    if (!path.empty()) xo.field("path", path);
    xo.close();
  }
}

// netstat -L (listen(2)): how many connections wait, and how many may.
Task<int> listen_queues(Sys& sys) {
  ListTcpConnections list;
  std::string out = "Current listen queue sizes (qlen/incqlen/maxqlen)\n";
  out += text("{:<5} {:<32} {:<22}\n", "Proto", "Listen", "Local Address");
  if (sys.request(list))
    for (const TcpConnectionInfo& c : list.connections)
      if (c.state == "LISTEN")
        out += text("{:<5} {:<32} {:<22}\n", c.protocol,
                    text("{}/{}/{}", c.queued, c.embryonic, c.backlog),
                    address_text(c.local) + "." + port_text(c.local));
  co_await sys.print(out);
  co_return 0;
}

Task<int> sockets(Sys& sys, const Options& options, Report report) {
  const std::string family = options.value('f'), protocol = options.value('p');
  const bool only4 = family == "inet" || (options.has('4') && !options.has('6'));
  const bool only6 = family == "inet6" || (options.has('6') && !options.has('4'));
  // A socket for both families belongs to either.
  const auto of_family = [&](const SocketInfo& s) {
    const bool both = s.protocol.ends_with("46");
    const bool v6 = s.local.family() == Af::inet6;
    return !((v6 && only4 && !both) || (!v6 && only6));
  };
  std::vector<InetSocket> inet;
  std::vector<SocketInfo> local;
  for (const InetSocket& s : tcp_connections(sys))
    if (of_family(s) && (options.has('a') || s.foreign.port != 0)) inet.push_back(s);
  for (const SocketInfo& s : sys.sockets()) {
    if (s.protocol.starts_with("tcp")) continue;
    if (is_local(s)) {
      // Duplicates of a descriptor are one socket.
      const bool seen = s.serial && std::any_of(local.begin(), local.end(), [&](const auto& other) {
                          return other.serial == s.serial;
                        });
      if (!seen) local.push_back(s);
    } else if (of_family(s) && (options.has('a') || s.foreign.port != 0)) {
      inet.push_back({s, {}});
    }
  }
  if (!protocol.empty())
    std::erase_if(inet, [&](const SocketInfo& s) { return !s.protocol.starts_with(protocol); });
  if (report.xo) report.xo->open_list("socket");
  const bool internet = family.empty() || family == "inet" || family == "inet6";
  if (internet && (!inet.empty() || !family.empty() || local.empty()))
    inet_sockets(sys, inet, options, report);
  if (!protocol.empty()) local.clear();
  const bool unix_ones = family == "unix" || family == "local";
  if (unix_ones || (family.empty() && !options.has('4') && !options.has('6') && !local.empty()))
    local_sockets(local, report);
  co_await sys.print(report.finish());
  co_return 0;
}

Task<int> netstat(Sys& sys, Args args) {
  const XoStyle style = take_xo(args);
  const Options options(args, "46aAbdF:f:ghI:ij:LnoOp:rsSWw:xz");
  if (!options.error().empty() || !options.rest().empty())
    co_return co_await bad_usage(sys, netstat_command, options.error(), 1);
  if (style == XoStyle::unknown) {
    co_await sys.complain("only text and JSON are in this build");
    co_return 1;
  }
  const std::string family = options.value('f', "inet");
  constexpr std::array<std::string_view, 5> families{"inet", "inet6", "unix", "local", "link"};
  if (std::find(families.begin(), families.end(), family) == families.end()) {
    co_await sys.complain(text("{}: unknown address family", family));
    co_return 1;
  }
  if (options.has('z')) {
    co_await sys.complain("-z: counters cannot be zeroed in this build");
    co_return 1;
  }
  const std::string jail = options.value('j');
  if (!co_await enter_jail(sys, jail)) co_return 1;
  Report report(style);
  if (options.has('r')) co_return co_await netstat_routes(sys, options, std::move(report));
  if (options.has('o')) co_return co_await netstat_nexthops(sys, options);
  if (options.has('O')) co_return co_await netstat_nexthop_groups(sys, options);
  if (options.has('s') || (options.has('p') && !options.has('a') && !options.has('n')))
    co_return co_await statistics(sys, options, std::move(report));
  if (options.has('L')) co_return co_await listen_queues(sys);
  if (options.has('g')) {
    const bool given = options.has('f') || options.has('4') != options.has('6');
    const bool only6 = family == "inet6" || options.has('6');
    co_return co_await show_multicast_routes(sys, !given || !only6, !given || only6);
  }
  if (options.has('i') || options.has('I'))
    co_return co_await interfaces(sys, options, std::move(report));
  co_return co_await sockets(sys, options, std::move(report));
}

}  // namespace

const Command netstat_command{.name = "netstat",
                              .synopsis =
                                  "netstat [-j jail] [-46AaLnSWx] [-f protocol_family]\n"
                                  "netstat -i | -I interface [-j jail] [-4bdhnW] "
                                  "[-f address_family]\n"
                                  "netstat -g [-j jail] [-46] [-f address_family]\n"
                                  "netstat -s [-j jail] [-s] [-p protocol]\n"
                                  "netstat -r | -o | -O [-j jail] [-46nW] [-F fibnum]",
                              .run = netstat};

}  // namespace stackyard
