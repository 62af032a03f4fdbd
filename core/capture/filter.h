// core/capture/filter.h - the capture language of pcap-filter(7), compiled by libpcap.
#pragma once

#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/capture/capture_file.h"

struct bpf_program;

namespace stackyard {

class PacketFilter {
 public:
  // A compiled filter, or what is wrong with it. Names of hosts, networks and services are refused,
  // so that the real machine's resolver and files never decide what a lab does.
  struct Compiled;
  static Compiled compile(const std::string& expression, LinkType type = LinkType::ethernet);

  PacketFilter();  // accepts everything
  PacketFilter(PacketFilter&&) noexcept;
  PacketFilter& operator=(PacketFilter&&) noexcept;
  ~PacketFilter();

  bool matches(Bytes packet, uint32_t length_on_wire) const;
  bool matches(Bytes packet) const { return matches(packet, uint32_t(packet.size())); }

 private:
  std::unique_ptr<bpf_program> program_;  // null: everything matches
};

struct PacketFilter::Compiled {
  PacketFilter filter;
  std::string error;  // empty: compiled
  size_t column = 0;  // of the first wrong word, from 0
  std::string word;   // that word
};

}  // namespace stackyard
