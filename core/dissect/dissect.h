// core/dissect/dissect.h - octets to one line of text, in tcpdump's words, and to a layer tree.
#pragma once

#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace stackyard {

struct DissectOptions {
  bool link_header = false;  // tcpdump -e
  bool verbose = false;      // tcpdump -v: the IP header too
};

// "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, length 64". Never fails: what is
// malformed is said so.
std::string one_line(Bytes frame, DissectOptions options = {});
// The same for a packet without a link header (lo0).
std::string one_line_ip(Bytes packet, DissectOptions options = {});

// A field of a layer: where its octets are, and what they mean.
struct DissectedField {
  std::string name, value;
  size_t offset = 0, length = 0;
};
struct DissectedLayer {
  std::string name;
  size_t offset = 0, length = 0;
  std::vector<DissectedField> fields;
};
std::vector<DissectedLayer> layers(Bytes frame);

// "\t0x0000:  4500 0054 ...  E..T" lines, as tcpdump -x and -X print them.
std::string hex_dump(Bytes octets, bool with_text);

}  // namespace stackyard
