// userland/firewall/natd.cpp - natd(8): address translation by a program, which ipfw(8) diverts
// packets to.
#include "core/alias/nat_redirect.h"
#include "core/base/text.h"
#include "core/packet/packet_pool.h"
#include "stack/inet/api/inet_requests.h"
#include "userland/commands.h"
#include "userland/firewall/ipfw_run.h"
#include "userland/firewall/nat_words.h"
#include "userland/lib/options.h"
#include "userland/lib/pid_file.h"

namespace stackyard {

namespace {

constexpr uint16_t natd_port = 8668;

enum class Takes : uint8_t { nothing, one, redirect };

struct NatdOption {
  const char* name;
  const char* letter;  // its short form; null: none
  Takes takes;
};
constexpr NatdOption natd_options[] = {{"unregistered_only", "u", Takes::nothing},
                                       {"log", "l", Takes::nothing},
                                       {"proxy_only", nullptr, Takes::nothing},
                                       {"reverse", nullptr, Takes::nothing},
                                       {"deny_incoming", "d", Takes::nothing},
                                       {"use_sockets", "s", Takes::nothing},
                                       {"same_ports", "m", Takes::nothing},
                                       {"verbose", "v", Takes::nothing},
                                       {"dynamic", nullptr, Takes::nothing},
                                       {"log_denied", nullptr, Takes::nothing},
                                       {"in_port", "i", Takes::one},
                                       {"out_port", "o", Takes::one},
                                       {"port", "p", Takes::one},
                                       {"alias_address", "a", Takes::one},
                                       {"target_address", "t", Takes::one},
                                       {"interface", "n", Takes::one},
                                       {"config", "f", Takes::one},
                                       {"pid_file", "P", Takes::one},
                                       {"log_facility", nullptr, Takes::one},
                                       {"redirect_port", nullptr, Takes::redirect},
                                       {"redirect_address", nullptr, Takes::redirect},
                                       {"redirect_proto", nullptr, Takes::redirect}};

struct NatdConfig {
  AliasMode mode{.same_ports = true, .reset_on_address_change = true};
  Ipv4Address address, target;
  std::string interface, pid_file = "/var/run/natd.pid";
  uint16_t port = natd_port, in_port = 0, out_port = 0;
  bool verbose = false, dynamic = false, log_denied = false;
  std::vector<NatRedirect> redirects;
};

class NatdParser {
 public:
  NatdParser(NatdConfig& config, ipfw::Names& names) : config_(config), names_(names) {}

  std::optional<std::string> failed;
  std::string file;  // that is still to be read

  void arguments(const std::vector<std::string>& words) {
    for (size_t at = 0; at < words.size() && !failed;) {
      const std::string& word = words[at];
      const NatdOption* option = word.starts_with('-') ? find(word.substr(1)) : nullptr;
      if (!option) return fail(text("unknown option {}", word));
      ++at;
      std::vector<std::string> values;
      if (option->takes == Takes::one && at < words.size()) values = {words[at++]};
      if (option->takes == Takes::redirect) {
        // One word with all of it, or some.
        for (; at < words.size() && !words[at].starts_with('-'); ++at)
          for (const std::string& part : split_words(words[at])) values.push_back(part);
      }
      take(*option, values);
    }
  }

  void lines(const std::string& content) {
    for (const std::string& line : split(content, '\n')) {
      std::vector<std::string> words = split_words(line.substr(0, line.find('#')));
      if (words.empty() || failed) continue;
      const NatdOption* option = find(words[0]);
      if (!option) return fail(text("unknown option {}", words[0]));
      words.erase(words.begin());
      if (option->takes == Takes::nothing && words != std::vector<std::string>{"yes"}) {
        if (words != std::vector<std::string>{"no"})
          return fail(text("{} needs yes/no parameter", option->name));
        continue;
      }
      take(*option, words);
    }
  }

 private:
  static const NatdOption* find(const std::string& name) {
    for (const NatdOption& option : natd_options)
      if (name == option.name || (option.letter && name == option.letter)) return &option;
    return nullptr;
  }
  void fail(std::string words) {
    if (!failed) failed = std::move(words);
  }
  void set_port(uint16_t& to, const std::string& word) {
    const auto number = parse_int(word);
    const auto port = number && *number > 0 && *number < 65536 ? std::optional(uint16_t(*number))
                      : word == "natd"                         ? std::optional(natd_port)
                                                               : std::nullopt;
    if (!port) return fail(text("{} is not a port", word));
    to = *port;
  }
  void set_address(Ipv4Address& to, const std::string& word) {
    const auto address = names_.host(word);
    if (!address || !address->is_v4()) return fail(text("unknown host {}", word));
    to = address->v4();
  }
  void redirect(NatRedirect::What what, const std::vector<std::string>& words) {
    size_t at = 0;
    const auto parsed = ipfw::parse_redirect(what, words, at, names_);
    if (const auto* error = std::get_if<ipfw::ParseFailure>(&parsed)) return fail(error->message);
    if (at != words.size()) return fail(text("unexpected {}", words[at]));
    config_.redirects.push_back(std::get<NatRedirect>(parsed));
  }

  void take(const NatdOption& option, const std::vector<std::string>& words) {
    const std::string_view name = option.name;
    if (option.takes == Takes::one && words.size() != 1)
      return fail(text("{} needs a parameter", name));
    AliasMode& mode = config_.mode;
    if (name == "unregistered_only") mode.unregistered_only = true;
    if (name == "proxy_only") mode.proxy_only = true;
    if (name == "reverse") mode.reverse = true;
    if (name == "deny_incoming") mode.deny_incoming = true;
    if (name == "same_ports") mode.same_ports = true;
    if (name == "verbose") config_.verbose = true;
    if (name == "dynamic") config_.dynamic = true;
    if (name == "log_denied") config_.log_denied = true;
    if (name == "in_port") set_port(config_.in_port, words[0]);
    if (name == "out_port") set_port(config_.out_port, words[0]);
    if (name == "port") set_port(config_.port, words[0]);
    if (name == "alias_address") set_address(config_.address, words[0]);
    if (name == "target_address") set_address(config_.target, words[0]);
    if (name == "interface") config_.interface = words[0];
    if (name == "config") file = words[0];
    if (name == "pid_file") config_.pid_file = words[0];
    if (name == "redirect_port") redirect(NatRedirect::What::port, words);
    if (name == "redirect_address") redirect(NatRedirect::What::address, words);
    if (name == "redirect_proto") redirect(NatRedirect::What::protocol, words);
  }

  NatdConfig& config_;
  ipfw::Names& names_;
};

// "[UDP] 10.0.0.2:5000 -> 198.51.100.9:53"
std::string packet_text(const Packet& packet) {
  const auto ip = load<Ipv4Header>(packet.front());
  const bool ports = (ip.protocol == ip_protocol::tcp || ip.protocol == ip_protocol::udp) &&
                     ip.fragment_offset() == 0 && packet.front().size() >= ip.header_size() + 4;
  const Bytes transport = packet.front().subspan(ip.header_size());
  const auto end = [&](Ipv4Address address, size_t at) {
    return ports ? text("{}:{}", to_text(address), uint16_t(load<be16>(transport.subspan(at))))
                 : to_text(address);
  };
  return text("[{}] {} -> {}", ip_protocol_name(ip.protocol), end(ip.source_address(), 0),
              end(ip.dest_address(), 2));
}

// Nothing: it has none.
std::optional<Ipv4Address> interface_address(Sys& sys, const std::string& interface) {
  ListAddresses list;
  if (!sys.request(list)) return std::nullopt;
  for (const InterfaceAddress& info : list.addresses)
    if (info.interface == interface) return info.address.address;
  return std::nullopt;
}

class Natd {
 public:
  Natd(Sys& sys, const NatdConfig& config)
      : sys_(sys), config_(config), alias_(RandomStream(sys.random(), 0, "natd")) {
    alias_.set_mode(config.mode);
    alias_.set_address(config.address);
    alias_.set_target(config.target);
  }

  Task<int> run() {
    for (const NatRedirect& redirect : config_.redirects)
      (void)add_redirect(alias_, redirect, sys_.now());
    std::vector<uint16_t> ports{config_.port};
    if (config_.in_port != 0 || config_.out_port != 0) ports = {config_.in_port, config_.out_port};
    std::vector<PollItem> items;
    for (const uint16_t port : ports) {
      if (port == 0) continue;
      const Fd fd = co_await sys_.socket(Af::divert, SocketType::raw).or_err(1, "socket");
      SockAddr name;
      name.address = Ipv4Address();
      name.port = port;
      co_await sys_.bind(fd, name).or_err(1, "bind");
      PollItem item;
      item.fd = fd;
      items.push_back(item);
    }
    for (;;) {
      const auto ready = co_await sys_.poll(items, SimTime(-1));
      if (!ready) co_return 0;
      for (size_t i = 0; i < ready->size(); ++i)
        if ((*ready)[i].ready.readable) co_await one((*ready)[i].fd, i);
    }
  }

 private:
  Task<int> one(Fd fd, size_t socket) {
    const auto received = co_await sys_.receive(fd, 65536);
    if (!received || received->octets.size() < sizeof(Ipv4Header)) co_return 0;
    if (config_.dynamic)
      alias_.set_address(interface_address(sys_, config_.interface).value_or(config_.address));
    bool out = received->from.address.is_any();
    if (config_.in_port != 0 && socket == 0) out = false;
    if (config_.out_port != 0 && (socket == 1 || config_.in_port == 0)) out = true;
    Packet packet = pool_.make(1, Bytes(received->octets));
    const auto ip = load<Ipv4Header>(packet.front());
    if (ip.header_size() < sizeof ip || ip.header_size() > packet.size()) co_return 0;
    const std::string before = config_.verbose ? packet_text(packet) : "";
    const AliasResult result = out ? alias_.out(packet, sys_.now()) : alias_.in(packet, sys_.now());
    const bool drops = !out && config_.mode.deny_incoming && result == AliasResult::ignored;
    if (config_.verbose)
      co_await sys_.print(
          text("{} {}{}\n", out ? "Out" : "In ", before,
               drops ? " dropped" : " aliased to\n           " + packet_text(packet)));
    if (drops || result == AliasResult::error || result == AliasResult::unresolved_fragment)
      co_return 0;
    const Bytes octets = packet.octets();
    const std::vector<uint8_t> back(octets.begin(), octets.end());
    SendOptions options;
    options.to = received->from;
    (void)co_await sys_.send(fd, back, options);
    co_return 0;
  }

  Sys& sys_;
  NatdConfig config_;
  PacketPool pool_;
  Alias alias_;
};

Task<int> natd(Sys& sys, Args args) {
  NatdConfig config;
  ipfw::MachineNames names(sys, (co_await sys.read_file("/etc/services")).value_or(""));
  NatdParser parser(config, names);
  parser.arguments({args.begin() + 1, args.end()});
  if (!parser.failed && !parser.file.empty()) {
    const auto content = co_await sys.read_file(parser.file);
    if (content)
      parser.lines(*content);
    else
      parser.failed =
          text("cannot open config file {}: {}", parser.file, errno_text(content.error()));
  }
  if (!parser.failed && config.interface.empty() && config.address.is_any())
    parser.failed = "instance default: aliasing address not given";
  if (!parser.failed && !config.interface.empty() && !config.address.is_any())
    parser.failed = "both alias address and interface name are not allowed";
  if (parser.failed) co_return co_await bad_usage(sys, natd_command, *parser.failed, 1);

  if (!config.interface.empty()) {
    const auto address = interface_address(sys, config.interface);
    if (!address) {
      co_await sys.complain(text("{}: cannot get interface address", config.interface));
      co_return 1;
    }
    config.address = *address;
  }
  if (!config.verbose) co_await sys.daemon().or_err(1, "daemon");
  co_await write_pid_file(sys, config.pid_file);
  Natd run(sys, config);
  co_return co_await run.run();
}

}  // namespace

const Command natd_command{
    .name = "natd",
    .synopsis =
        "natd [-unregistered_only | -u] [-log | -l] [-proxy_only] [-reverse]\n"
        "     [-deny_incoming | -d] [-use_sockets | -s] [-same_ports | -m]\n"
        "     [-verbose | -v] [-dynamic] [-in_port | -i port] [-out_port | -o port]\n"
        "     [-port | -p port] [-alias_address | -a address]\n"
        "     [-target_address | -t address] [-interface | -n interface]\n"
        "     [-redirect_port linkspec] [-redirect_proto linkspec]\n"
        "     [-redirect_address linkspec] [-config | -f configfile]\n"
        "     [-log_denied] [-pid_file | -P pidfile]",
    .run = natd};

}  // namespace stackyard
