#include "core/capture/filter.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/text.h"

namespace stackyard {

namespace {

// The words of pcap-filter(7). Any other word would be looked up as a name.
constexpr auto words = std::to_array<std::string_view>({"aarp",
                                                        "addr1",
                                                        "addr2",
                                                        "addr3",
                                                        "addr4",
                                                        "ah",
                                                        "aid",
                                                        "amt",
                                                        "and",
                                                        "arp",
                                                        "atalk",
                                                        "broadcast",
                                                        "byte",
                                                        "carp",
                                                        "clnp",
                                                        "decnet",
                                                        "dir",
                                                        "dst",
                                                        "esis",
                                                        "esp",
                                                        "ether",
                                                        "ether",
                                                        "gateway",
                                                        "geneve",
                                                        "greater",
                                                        "host",
                                                        "icmp",
                                                        "icmp6",
                                                        "icmp-echo",
                                                        "icmp-echoreply",
                                                        "icmp-ireq",
                                                        "icmp-ireqreply",
                                                        "icmp-maskreply",
                                                        "icmp-maskreq",
                                                        "icmp-paramprob",
                                                        "icmp-redirect",
                                                        "icmp-routeradvert",
                                                        "icmp-routersolicit",
                                                        "icmp-sourcequench",
                                                        "icmp-timxceed",
                                                        "icmp-tstamp",
                                                        "icmp-tstampreply",
                                                        "icmp-unreach",
                                                        "icmpcode",
                                                        "icmptype",
                                                        "icmp6code",
                                                        "icmp6type",
                                                        "icmp6-echo",
                                                        "icmp6-echoreply",
                                                        "icmp6-neighboradvert",
                                                        "icmp6-neighborsolicit",
                                                        "icmp6-routeradvert",
                                                        "icmp6-routersolicit",
                                                        "ifname",
                                                        "igmp",
                                                        "igrp",
                                                        "inbound",
                                                        "ip",
                                                        "ip6",
                                                        "ipx",
                                                        "isis",
                                                        "iso",
                                                        "lat",
                                                        "len",
                                                        "less",
                                                        "link",
                                                        "lsap",
                                                        "mask",
                                                        "mopdl",
                                                        "moprc",
                                                        "mpls",
                                                        "multicast",
                                                        "net",
                                                        "netbeui",
                                                        "not",
                                                        "on",
                                                        "or",
                                                        "outbound",
                                                        "pim",
                                                        "port",
                                                        "portrange",
                                                        "pppoed",
                                                        "pppoes",
                                                        "proto",
                                                        "protochain",
                                                        "radio",
                                                        "rarp",
                                                        "sctp",
                                                        "src",
                                                        "stp",
                                                        "tcp",
                                                        "tcp-ack",
                                                        "tcp-cwr",
                                                        "tcp-ece",
                                                        "tcp-fin",
                                                        "tcp-push",
                                                        "tcp-rst",
                                                        "tcp-syn",
                                                        "tcp-urg",
                                                        "tcpflags",
                                                        "type",
                                                        "udp",
                                                        "vlan",
                                                        "vrrp",
                                                        "vxlan"});

bool word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' ||
         c == ':';
}

// A word that is neither of the language nor a number or an address.
bool is_name(std::string_view word) {
  if (std::find(words.begin(), words.end(), word) != words.end()) return false;
  if (std::isdigit(static_cast<unsigned char>(word[0])) && word.find('-') == word.npos &&
      word.find_first_of("ghijklmnopqrstuvwyzGHIJKLMNOPQRSTUVWYZ") == word.npos)
    return false;  // 10.0.0.1, 0x800, 02:00:..
  if (std::all_of(word.begin(), word.end(),
                  [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '-'; }))
    return false;  // a port range
  return word.find(':') == word.npos ||
         word.find_first_not_of("0123456789abcdefABCDEF:.") != word.npos;
}

}  // namespace

PacketFilter::PacketFilter() = default;
PacketFilter::PacketFilter(PacketFilter&&) noexcept = default;
PacketFilter& PacketFilter::operator=(PacketFilter&& other) noexcept {
  std::swap(program_, other.program_);
  return *this;
}
PacketFilter::~PacketFilter() {
  if (program_) pcap_freecode(program_.get());
}

PacketFilter::Compiled PacketFilter::compile(const std::string& expression, LinkType type) {
  Compiled result;
  for (size_t at = 0; at < expression.size();) {
    if (!word_character(expression[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < expression.size() && word_character(expression[at])) ++at;
    const std::string_view word = std::string_view(expression).substr(begin, at - begin);
    if (is_name(word)) {
      result.column = begin;
      result.word = word;
      result.error = text("unknown word \"{}\" in a filter", word);
      return result;
    }
  }
  if (trim(expression).empty()) return result;
  const int link = type == LinkType::ethernet ? DLT_EN10MB : DLT_NULL;
  pcap_t* handle = pcap_open_dead(link, 262144);
  auto program = std::make_unique<bpf_program>();
  if (pcap_compile(handle, program.get(), expression.c_str(), 1, 0xffffff00) == 0) {
    result.filter.program_ = std::move(program);
  } else {
    result.error = pcap_geterr(handle);
  }
  pcap_close(handle);
  return result;
}

bool PacketFilter::matches(Bytes packet, uint32_t length_on_wire) const {
  if (!program_) return true;
  const pcap_pkthdr header{.ts = {}, .caplen = bpf_u_int32(packet.size()), .len = length_on_wire};
  return pcap_offline_filter(program_.get(), &header, packet.data()) != 0;
}

}  // namespace stackyard
