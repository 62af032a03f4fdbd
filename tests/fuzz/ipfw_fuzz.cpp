// tests/fuzz/ipfw_fuzz.cpp - any words as a rule, and any octets as a packet that it looks at.
//
// Input: a line of words, a zero, a packet. A rule that is accepted is sound, and its text is read
// again as the same text; the packet goes through a firewall that has the rule.
#include "core/base/text.h"
#include "stack/ipfw/api/rule_text.h"
#include "stack/ipfw/detail/packet_view.h"
#include "stack/ipfw/detail/rule_set.h"
#include "userland/firewall/rule_parser.h"

namespace {

using namespace stackyard;

class FuzzNames final : public ipfw::Names {
 public:
  std::optional<uint16_t> port(const std::string& name, uint8_t) override {
    return name == "ssh" ? std::optional<uint16_t>(22) : std::nullopt;
  }
  std::optional<int> jail(const std::string& name) override {
    const auto number = parse_int(name);
    if (!number || *number < 0 || *number > INT32_MAX) return std::nullopt;
    return int(*number);
  }
};

std::optional<std::string> listed(const std::string& words) {
  FuzzNames names;
  ipfw::RuleParser parser(split_words(words), names);
  ipfw::Rule rule;
  if (!parser.parse(rule)) {
    check(parser.failure().status != 0, "a refusal has a status");
    return std::nullopt;
  }
  check(bool(ipfw::check_instructions(rule)), "what is accepted is sound");
  return ipfw::to_text(rule);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes input(data, size);
  size_t zero = 0;
  while (zero < size && data[zero] != 0) ++zero;
  if (const auto once = listed(std::string(text_of(input.first(zero))))) {
    const auto again = listed(*once);
    check(again && *again == *once, "what is listed is read again");
  }
  if (zero + 1 >= size) return 0;
  PacketPool pool;
  for (const bool ethernet : {false, true}) {
    Packet packet = pool.make(1, input.subspan(zero + 1));
    ipfw::PacketView view;
    if (ipfw::look_at(packet, ethernet, {}, view) != ipfw::ViewProblem::none) continue;
    (void)ipfw::tcp_options_of(packet, view);
    (void)ipfw::ip_options_of(packet, view);
    check(view.link_size + view.transport_at <= packet.size() || !view.transport,
          "a transport header is in its packet");
  }
  return 0;
}
