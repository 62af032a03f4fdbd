// lab/drill/script.h - a packet script as values: options, and events in their order.
//
// The language is packetdrill's, in Google's and in the FreeBSD project's dialect. docs/drill.md
// tells it; lexer.cpp, parser.cpp and parse_packet.cpp read it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/time.h"

namespace stackyard::drill {

// The script is wrong, or does not hold.
struct Failure {
  int line;
  std::string what;
};
// The script asks for something that this build has not.
struct Skip {
  int line;
  std::string why;
};

// An argument or a result of a call.
struct Expression {
  enum class Kind : uint8_t { any, number, word, text, list, record, call, either };
  Kind kind = Kind::any;
  bool more = false;  // a text with "..." behind it
  int64_t number = 0;
  std::string text;                // of a word, a text; the name of a call
  std::vector<Expression> parts;   // of a list, a record, a call; the sides of "|"
  std::vector<std::string> names;  // of a record's parts; "": none

  bool is_any() const { return kind == Kind::any; }
  // A record's part; null: it has none of that name.
  const Expression* find(std::string_view name) const;
};
std::string to_text(const Expression& e);

struct Moment {
  enum class Kind : uint8_t { absolute, relative, any, absolute_range, relative_range };
  Kind kind = Kind::absolute;
  SimTime at, end;  // end: of a range
};

// --- packets -----------------------------------------------------------------------------------

struct OptionSpec {
  uint8_t kind = 0;
  std::vector<uint8_t> value;  // behind kind and length
  bool any_stamp = false;      // TS val ...
  bool absolute_echo = false;  // ecr N!: not to be translated
};

struct IpSpec {
  enum class Check : uint8_t { none, ecn, ect0_or_ect1, tos };
  Check check = Check::none;
  uint8_t tos = 0;
  uint8_t ttl = 0;  // 0: not said
  uint32_t flow_label = 0;
};

struct TcpSpec {
  uint16_t flags = 0;  // the header's, and AE
  bool ace = false;    // a digit said AE, CWR and ECE (AccECN's counter)
  bool absolute = false, any_sequence = false;
  uint32_t sequence = 0, length = 0, ack = 0;
  std::optional<uint16_t> window;
  uint16_t urgent = 0;
  std::optional<std::vector<OptionSpec>> options;  // none: any
  static constexpr uint16_t ae = 0x100;
};

// What an ICMP error quotes, and how much of it.
struct QuoteSpec {
  uint8_t protocol = 6;  // 0: none
  uint32_t sequence = 0, length = 0;
};

struct IcmpSpec {
  std::string type, code;
  std::optional<uint32_t> mtu;
  uint16_t id = 0;
  QuoteSpec quote;
  std::optional<uint32_t> raw;  // so many octets in all
};

struct PacketSpec {
  enum class Protocol : uint8_t { tcp, udp, icmp };
  bool outbound = false;
  Protocol protocol = Protocol::tcp;
  IpSpec ip;
  uint16_t source_port = 0, dest_port = 0;  // 0: the connection's
  TcpSpec tcp;
  IcmpSpec icmp;
  uint32_t length = 0;  // UDP
  // Of the UDP datagram that a segment is in: "/udp(9899 > 9899)".
  bool in_udp = false;
  uint16_t udp_source = 0, udp_dest = 0;
};

// --- events ------------------------------------------------------------------------------------

struct CallSpec {
  std::string name;
  std::vector<Expression> arguments;
  std::optional<SimTime> end;  // of a call that blocks
  Expression result;
  std::string error;  // "EINPROGRESS", or ""
};

struct CommandSpec {
  std::string line;
};
struct CodeSpec {
  std::string text;
};

struct Event {
  int line = 0;
  Moment time;
  std::variant<PacketSpec, CallSpec, CommandSpec, CodeSpec> action;
};

struct ScriptOption {
  std::string name, value;
  int line = 0;
};

struct Script {
  std::vector<ScriptOption> options;
  std::optional<CommandSpec> init, cleanup;
  std::vector<Event> events;
};

}  // namespace stackyard::drill
