// core/alias/alias.h - address translation: many inside hosts behind one address, redirections
// inwards, load sharing (libalias(3), RFC 3022, RFC 2391, RFC 5508).
//
// Sans-I/O: packets and the time go in, rewritten packets come out. ipfw nat, natd(8) and ng_nat
// are users. Missing: transparent proxying (proxy_rule), PPTP's call ids, Skinny, RTSP.
#pragma once

#include <optional>

#include "core/alias/alias_links.h"
#include "core/packet/packet.h"
#include "core/wire/net/ipv4.h"

namespace stackyard {

struct AliasMode {
  bool deny_incoming = false;      // nothing new from outside
  bool same_ports = false;         // keep the inside's port where nobody else has it
  bool unregistered_only = false;  // translate RFC 1918's sources only
  bool unregistered_cgn = false;   // ... and RFC 6598's
  bool reset_on_address_change = false;
  bool proxy_only = false;            // nothing is translated
  bool reverse = false;               // in is out: we sit at the inside interface
  bool endpoint_independent = false;  // UDP: one mapping for all remote ends (RFC 4787 REQ-1)
  bool operator==(const AliasMode&) const = default;
};

enum class AliasResult : uint8_t {
  ok,
  ignored,              // nothing of ours: no link, and none may be made
  header_fragment,      // ok, and the fragments behind this one can be translated now
  unresolved_fragment,  // its first fragment was not seen
  error                 // malformed, or no port or link is free
};

// A port that is redirected inwards; ports of 0 mean any where they are remote.
struct AliasRedirect {
  uint8_t protocol = 0;
  Ipv4Address local, alias, remote;  // any: the alias address; the remote one: anybody
  uint16_t local_port = 0, alias_port = 0, remote_port = 0;
};

class Alias {
 public:
  // `random`: ports, and the key of hash tables.
  explicit Alias(RandomStream random);

  const AliasMode& mode() const { return mode_; }
  void set_mode(const AliasMode& mode) { mode_ = mode; }
  Ipv4Address address() const { return address_; }
  void set_address(Ipv4Address address);
  // Where unexpected packets go. Any: where they are addressed to; 255.255.255.255: to address().
  void set_target(Ipv4Address target) { target_ = target; }
  // Ports that new links may get. Precondition: 0 < first <= last.
  void set_port_range(uint16_t first, uint16_t last);

  // A packet that leaves, or comes in: `packet` begins with a valid IPv4 header. `create` no: only
  // links that are there.
  enum class Create : bool { no, yes };
  AliasResult out(Packet& packet, SimTime now, Create create = Create::yes);
  AliasResult in(Packet& packet, SimTime now, Create create = Create::yes);

  // Redirections. Their ids count from 1; 0: the table is full.
  uint32_t redirect_port(const AliasRedirect& what, SimTime now);
  uint32_t redirect_protocol(uint8_t protocol, Ipv4Address local, Ipv4Address alias,
                             Ipv4Address remote, SimTime now);
  uint32_t redirect_address(Ipv4Address local, Ipv4Address alias, SimTime now);
  // Servers that share a redirection's load, in turn, instead of its local end.
  void add_server(uint32_t redirection, AliasServer server);
  bool delete_redirect(uint32_t redirection);

  const AliasLinks& links() const { return links_; }

 private:
  AliasResult translate_out(Packet& packet, Create create);
  AliasResult translate_in(Packet& packet, Create create);
  AliasResult icmp_out(Packet& packet, const Ipv4Header& ip, Create create);
  AliasResult icmp_in(Packet& packet, const Ipv4Header& ip, Create create);
  enum class Way : bool { out, in };
  AliasResult translate_error(Packet& packet, const Ipv4Header& ip, Way way);
  AliasResult fragment_out(Packet& packet, const Ipv4Header& ip);
  AliasResult fragment_in(Packet& packet, const Ipv4Header& ip);
  void remember_fragments(const Ipv4Header& before, Ipv4Address local);

  AliasLink* link_out(const LinkEnds& want, Create create);
  AliasLink* link_in(const LinkEnds& want, Create create);
  AliasLink* known_out(const LinkEnds& want);
  AliasLink* known_in(const LinkEnds& want);
  AliasLink* make_full(AliasLink& partial, const LinkEnds& ends);
  AliasLink* full_out(Ipv4Address local, const LinkEnds& want);
  AliasLink* full_in(Ipv4Address alias, const LinkEnds& want);
  Ipv4Address alias_address(const AliasLink& link) const {
    return link.ends.alias.is_any() ? address_ : link.ends.alias;
  }
  Ipv4Address alias_of(Ipv4Address local);
  Ipv4Address original_of(Ipv4Address alias);
  std::optional<uint16_t> free_port(const LinkEnds& ends);
  AliasServer next_server(AliasLink& link);
  uint32_t redirect(LinkEnds ends, SimTime now);

  void help_out(Packet& packet, AliasLink& link);
  void help_in(Packet& packet, const AliasLink& link);
  std::optional<uint16_t> expect(const AliasLink& control, Ipv4Address local, uint16_t port);

  RandomStream random_;
  AliasLinks links_;
  AliasMode mode_;
  Ipv4Address address_, target_;
  uint16_t port_first_ = 0x8000, port_last_ = 0xffff;
  uint32_t redirections_ = 0;
  SimTime now_;
};

}  // namespace stackyard
