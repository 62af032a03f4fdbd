// userland/net/arp.cpp - arp(8).
#include "core/base/text.h"
#include "stack/inet/api/inet_requests.h"
#include "userland/commands.h"
#include "userland/lib/exec.h"
#include "userland/lib/options.h"
#include "userland/lib/xo.h"

namespace stackyard {

namespace {

std::string line_of(const ArpInfo& e, const std::string& name) {
  const std::string at = e.mac ? to_text(*e.mac) : "(incomplete)";
  std::string line = text("{} ({}) at {} on {}", name, to_text(e.address), at, e.interface);
  if (e.permanent)
    line += " permanent";
  else if (e.expires_s > 0)
    line += text(" expires in {} seconds", e.expires_s);
  else
    line += " expired";
  if (e.published) line += " published";
  return line + " [ethernet]\n";
}

void show_in_json(Xo& xo, const ArpInfo& e, const std::string& name) {
  xo.open_instance();
  xo.field("hostname", name);
  xo.field("ip-address", to_text(e.address));
  if (e.mac)
    xo.field("mac-address", to_text(*e.mac));
  else
    xo.flag("incomplete");
  xo.field("interface", e.interface);
  if (e.permanent)
    xo.flag("permanent");
  else if (e.expires_s > 0)
    xo.field("expires", e.expires_s);
  else
    xo.flag("expired");
  if (e.published) xo.flag("published");
  xo.field("type", "ethernet");
  xo.close();
}

struct ShowArp {
  std::optional<Ipv4Address> only;
  std::string interface;
  bool numeric = false;
  XoStyle style = XoStyle::text;
};

Task<int> show(Sys& sys, ShowArp want) {
  ListArp list;
  if (const auto got = sys.request(list); !got) co_return 1;
  const std::string hosts = (co_await sys.read_file("/etc/hosts")).value_or("");
  bool found = false;
  std::optional<Xo> xo;
  if (want.style != XoStyle::text) {
    xo.emplace(want.style, "1");
    xo->open_container("arp");
    xo->open_list("arp-cache");
  }
  for (const ArpInfo& e : list.entries) {
    if (want.only && e.address != *want.only) continue;
    if (!want.interface.empty() && e.interface != want.interface) continue;
    found = true;
    std::string known = want.numeric ? "?" : host_name(sys, hosts, e.address);
    if (known == to_text(e.address)) known = "?";
    if (xo)
      show_in_json(*xo, e, known);
    else
      co_await sys.print(line_of(e, known));
  }
  if (xo) co_await sys.print(xo->finish());
  if (want.only && !found && !xo)
    co_await sys.print(text("{} ({}) -- no entry\n", to_text(*want.only), to_text(*want.only)));
  if (want.only && !found) co_return 1;
  co_return 0;
}

Task<int> remove_one(Sys& sys, Ipv4Address address) {
  DeleteArp request;
  request.address = address;
  if (const auto done = sys.request(request); !done) {
    co_await sys.complain(text(
        "delete {}: {}", to_text(address),
        done.error() == Errno::enoent ? "No such file or directory" : errno_text(done.error())));
    co_return 1;
  }
  co_await sys.print(text("{} ({}) deleted\n", to_text(address), to_text(address)));
  co_return 0;
}

Task<int> remove_all(Sys& sys) {
  ListArp list;
  if (!sys.request(list)) co_return 1;
  for (const ArpInfo& e : list.entries) {
    DeleteArp request;
    request.address = e.address;
    if (sys.request(request))
      co_await sys.print(text("{} ({}) deleted\n", to_text(e.address), to_text(e.address)));
  }
  co_return 0;
}

Task<int> set(Sys& sys, std::vector<std::string> words) {
  SetArp request;
  const auto address = words.empty() ? std::nullopt : sys.resolve_ipv4(words[0]);
  const auto mac = words.size() < 2 ? std::nullopt : parse_mac(words[1]);
  if (!address || !mac) co_return co_await bad_usage(sys, arp_command, "", 1);
  request.address = *address;
  request.mac = *mac;
  for (size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "temp")
      request.temporary = true;
    else if (words[i] == "pub")
      request.published = true;
    else if (words[i] != "only")
      co_return co_await bad_usage(sys, arp_command, "", 1);
  }
  if (const auto done = sys.request(request); !done) {
    co_await sys.complain(
        text("set: cannot intuit interface index and type for {}", to_text(*address)));
    co_return 1;
  }
  co_return 0;
}

Task<int> arp(Sys& sys, Args args) {
  const XoStyle style = take_xo(args);
  if (style == XoStyle::unknown) {
    co_await sys.complain("only text and JSON are in this build");
    co_return 1;
  }
  const Options options(args, "adfi:j:nsS");
  const auto& rest = options.rest();
  if (!options.error().empty()) co_return co_await bad_usage(sys, arp_command, options.error(), 1);
  const std::string jail = options.value('j');
  if (!co_await enter_jail(sys, jail)) co_return 1;
  if (options.has('d') && options.has('a')) co_return co_await remove_all(sys);
  ShowArp want{.interface = options.value('i'), .numeric = options.has('n'), .style = style};
  if (options.has('a')) co_return co_await show(sys, want);
  if (rest.empty()) co_return co_await bad_usage(sys, arp_command, "", 1);
  const auto address = sys.resolve_ipv4(rest[0]);
  if (!address) {
    co_await sys.complain(text("{}: Unknown host", rest[0]));
    co_return 1;
  }
  if (options.has('d')) co_return co_await remove_one(sys, *address);
  if (options.has('S')) {
    DeleteArp old;
    old.address = *address;
    (void)sys.request(old);
  }
  if (options.has('s') || options.has('S')) co_return co_await set(sys, rest);
  want.only = address;
  co_return co_await show(sys, want);
}

}  // namespace

const Command arp_command{.name = "arp",
                          .synopsis =
                              "arp [-n] [-i interface] hostname\n"
                              "arp [-n] [-i interface] -a\n"
                              "arp -d hostname\n"
                              "arp -d -a\n"
                              "arp -s hostname ether_addr [temp] [pub [only]]\n"
                              "arp -S hostname ether_addr [temp] [pub [only]]",
                          .run = arp};

}  // namespace stackyard
