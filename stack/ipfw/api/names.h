// stack/ipfw/api/names.h - the words of ipfw(8) that stand for numbers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stack/ipfw/api/rule.h"

namespace stackyard::ipfw {

struct NamedValue {
  std::string_view name;
  uint32_t value;
};
using NamedValues = std::span<const NamedValue>;

// The first that fits; -1: none.
constexpr int64_t value_named(NamedValues values, std::string_view name) {
  for (const NamedValue& v : values)
    if (v.name == name) return v.value;
  return -1;
}
// Empty: none.
constexpr std::string_view name_of(NamedValues values, uint32_t value) {
  for (const NamedValue& v : values)
    if (v.value == value) return v.name;
  return {};
}

inline constexpr NamedValue tcp_flag_names[] = {{"syn", 2}, {"fin", 1}, {"ack", 16},
                                                {"psh", 8}, {"rst", 4}, {"urg", 32}};
inline constexpr NamedValue tcp_option_names[] = {
    {"mss", tcp_option_bit::mss},       {"maxseg", tcp_option_bit::mss},
    {"window", tcp_option_bit::window}, {"sack", tcp_option_bit::sack},
    {"ts", tcp_option_bit::timestamps}, {"timestamp", tcp_option_bit::timestamps},
    {"cc", tcp_option_bit::cc}};
inline constexpr NamedValue ip_option_names[] = {{"ssrr", ip_option_bit::ssrr},
                                                 {"lsrr", ip_option_bit::lsrr},
                                                 {"rr", ip_option_bit::rr},
                                                 {"ts", ip_option_bit::ts}};
inline constexpr NamedValue ip_tos_names[] = {{"lowdelay", 0x10}, {"throughput", 8},
                                              {"reliability", 4}, {"mincost", 2},
                                              {"congestion", 3},  {"ecntransport", 2}};
inline constexpr NamedValue frag_names[] = {{"offset", frag_bit::offset},
                                            {"df", frag_bit::dont},
                                            {"rf", frag_bit::reserved},
                                            {"mf", frag_bit::more}};
// RFC 2474, 2597, 3246.
inline constexpr NamedValue dscp_names[] = {
    {"af11", 10}, {"af12", 12}, {"af13", 14}, {"af21", 18}, {"af22", 20}, {"af23", 22},
    {"af31", 26}, {"af32", 28}, {"af33", 30}, {"af41", 34}, {"af42", 36}, {"af43", 38},
    {"be", 0},    {"ef", 46},   {"cs0", 0},   {"cs1", 8},   {"cs2", 16},  {"cs3", 24},
    {"cs4", 32},  {"cs5", 40},  {"cs6", 48},  {"cs7", 56}};
inline constexpr NamedValue ext6_names[] = {
    {"frag", ext6_bit::fragment},   {"hopopt", ext6_bit::hop_options},
    {"route", ext6_bit::routing},   {"dstopt", ext6_bit::dest_options},
    {"ah", ext6_bit::ah},           {"esp", ext6_bit::esp},
    {"rthdr0", ext6_bit::routing0}, {"rthdr2", ext6_bit::routing2}};
inline constexpr NamedValue limit_names[] = {{"all", 15},
                                             {"src-addr", limit_bit::src_addr},
                                             {"src-port", limit_bit::src_port},
                                             {"dst-addr", limit_bit::dst_addr},
                                             {"dst-port", limit_bit::dst_port}};
inline constexpr NamedValue ether_type_names[] = {
    {"ip", 0x0800},         {"ipv4", 0x0800},     {"ipv6", 0x86dd},     {"arp", 0x0806},
    {"rarp", 0x8035},       {"vlan", 0x8100},     {"loop", 0x9000},     {"trail", 0x1000},
    {"at", 0x809b},         {"atalk", 0x809b},    {"aarp", 0x80f3},     {"pppoe_disc", 0x8863},
    {"pppoe_sess", 0x8864}, {"ipx_8022", 0x00e0}, {"ipx_8023", 0x0000}, {"ipx_ii", 0x8137},
    {"ipx_snap", 0x8137},   {"ipx", 0x8137},      {"ns", 0x0600}};
inline constexpr NamedValue icmp_code_names[] = {
    {"net", 0},      {"host", 1},           {"protocol", 2},         {"port", 3},
    {"needfrag", 4}, {"srcfail", 5},        {"net-unknown", 6},      {"host-unknown", 7},
    {"isolated", 8}, {"net-prohib", 9},     {"host-prohib", 10},     {"tosnet", 11},
    {"toshost", 12}, {"filter-prohib", 13}, {"host-precedence", 14}, {"precedence-cutoff", 15}};
inline constexpr NamedValue icmp6_code_names[] = {
    {"no-route", 0}, {"admin-prohib", 1}, {"address", 3}, {"port", 4}};
inline constexpr NamedValue lookup_names[] = {
    {"dst-ip", uint32_t(LookupKey::dst_ip)},     {"src-ip", uint32_t(LookupKey::src_ip)},
    {"dst-port", uint32_t(LookupKey::dst_port)}, {"src-port", uint32_t(LookupKey::src_port)},
    {"uid", uint32_t(LookupKey::uid)},           {"jail", uint32_t(LookupKey::jail)},
    {"dscp", uint32_t(LookupKey::dscp)},         {"dst-mac", uint32_t(LookupKey::dst_mac)},
    {"src-mac", uint32_t(LookupKey::src_mac)}};
// Actions that other modules do, which may be named without "eaction".
inline constexpr std::string_view external_actions[] = {"nat64clat", "nat64lsn", "nat64stl",
                                                        "nptv6", "tcp-setmss"};
inline constexpr std::string_view default_state_name = "default";

// protocols(5).
inline constexpr NamedValue protocol_names[] = {
    {"ip", 0},         {"icmp", 1},     {"igmp", 2},        {"ggp", 3},
    {"ipencap", 4},    {"st2", 5},      {"tcp", 6},         {"cbt", 7},
    {"egp", 8},        {"igp", 9},      {"nvp", 11},        {"pup", 12},
    {"argus", 13},     {"chaos", 16},   {"udp", 17},        {"mux", 18},
    {"hmp", 20},       {"xns-idp", 22}, {"rdp", 27},        {"irtp", 28},
    {"iso-tp4", 29},   {"dccp", 33},    {"idpr", 35},       {"ddp", 37},
    {"ipv6", 41},      {"sdrp", 42},    {"ipv6-route", 43}, {"ipv6-frag", 44},
    {"idrp", 45},      {"rsvp", 46},    {"gre", 47},        {"esp", 50},
    {"ah", 51},        {"swipe", 53},   {"mobile", 55},     {"skip", 57},
    {"ipv6-icmp", 58}, {"icmp6", 58},   {"ipv6-nonxt", 59}, {"ipv6-opts", 60},
    {"eigrp", 88},     {"ospf", 89},    {"ax.25", 93},      {"ipip", 94},
    {"etherip", 97},   {"encap", 98},   {"pim", 103},       {"ipcomp", 108},
    {"vrrp", 112},     {"carp", 112},   {"l2tp", 115},      {"isis", 124},
    {"crtp", 126},     {"sctp", 132},   {"fc", 133},        {"mobility-header", 135},
    {"udplite", 136},  {"hip", 139},    {"shim6", 140},     {"pfsync", 240},
    {"divert", 258}};

// passwd(5) and group(5) of a fresh system.
inline constexpr NamedValue user_names[] = {
    {"root", 0},     {"daemon", 1},    {"operator", 2},  {"bin", 3},      {"tty", 4},
    {"kmem", 5},     {"games", 7},     {"news", 8},      {"man", 9},      {"sshd", 22},
    {"smmsp", 25},   {"mailnull", 26}, {"bind", 53},     {"unbound", 59}, {"proxy", 62},
    {"_pflogd", 64}, {"_dhcp", 65},    {"uucp", 66},     {"pop", 68},     {"auditdistd", 78},
    {"www", 80},     {"ntpd", 123},    {"nobody", 65534}};
inline constexpr NamedValue group_names[] = {
    {"wheel", 0},     {"daemon", 1}, {"kmem", 2},        {"sys", 3},       {"tty", 4},
    {"operator", 5},  {"mail", 6},   {"bin", 7},         {"news", 8},      {"man", 9},
    {"games", 13},    {"ftp", 14},   {"staff", 20},      {"sshd", 22},     {"smmsp", 25},
    {"mailnull", 26}, {"guest", 31}, {"video", 44},      {"bind", 53},     {"unbound", 59},
    {"proxy", 62},    {"www", 80},   {"nogroup", 65533}, {"nobody", 65534}};

// Of tables, states and external actions: letters, digits and "-_.", 1 to 63 of them.
inline bool is_object_name(std::string_view name) {
  if (name.empty() || name.size() > 63) return false;
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.';
    if (!fits) return false;
  }
  return true;
}
inline bool is_state_name(std::string_view name) { return is_object_name(name) && name != "any"; }
inline bool is_table_name(std::string_view name) { return is_object_name(name) && name != "all"; }

// How many bits are set from the left, if nothing else is; -1: something else is.
template <size_t octets>
constexpr int prefix_length(const std::array<uint8_t, octets>& mask) {
  int length = 0;
  bool ended = false;
  for (const uint8_t octet : mask)
    for (int bit = 7; bit >= 0; --bit) {
      const bool set = octet >> bit & 1;
      if (set && ended) return -1;
      ended = !set;
      length += set;
    }
  return length;
}
constexpr int prefix_length(uint32_t mask) {
  return prefix_length(std::array<uint8_t, 4>{uint8_t(mask >> 24), uint8_t(mask >> 16),
                                              uint8_t(mask >> 8), uint8_t(mask)});
}

}  // namespace stackyard::ipfw
