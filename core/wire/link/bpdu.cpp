#include "core/wire/link/bpdu.h"

#include "core/base/text.h"
#include "core/wire/link/ethernet.h"

namespace stackyard {

namespace {

struct BpduHeader {
  be16 protocol;
  uint8_t version;
  uint8_t type;
};
struct BpduBody {
  uint8_t flags;
  be16 root_priority;
  MacAddress root;
  be32 root_cost;
  be16 bridge_priority;
  MacAddress bridge;
  be16 port;
  be16 message_age, max_age, hello_time, forward_delay;
};
static_assert(sizeof(BpduHeader) == 4 && sizeof(BpduBody) == 31);

constexpr uint8_t type_config = 0, type_rapid = 2, type_topology_change = 0x80;
constexpr uint8_t version_rapid = 2;
constexpr int64_t tick_ns = 1'000'000'000 / 256;
constexpr size_t llc_size = 3, frame_smallest = 60;

// 802.1D s9.3.3.
constexpr std::pair<bool Bpdu::*, uint8_t> flags_always[] = {{&Bpdu::topology_change, 0x01},
                                                             {&Bpdu::topology_change_ack, 0x80}};
constexpr std::pair<bool Bpdu::*, uint8_t> flags_rapid[] = {{&Bpdu::proposal, 0x02},
                                                            {&Bpdu::learning, 0x10},
                                                            {&Bpdu::forwarding, 0x20},
                                                            {&Bpdu::agreement, 0x40}};

SimTime from_ticks(uint16_t ticks) { return SimTime(ticks * tick_ns); }
uint16_t to_ticks(SimTime time) { return uint16_t(time.ns() / tick_ns); }

}  // namespace

Parsed<Bpdu> parse_bpdu(Bytes octets) {
  if (octets.size() < sizeof(BpduHeader)) return drops::truncated;
  const auto header = load<BpduHeader>(octets);
  if (header.protocol != 0) return drops::bad_field;
  Bpdu bpdu;
  if (header.type == type_topology_change) {
    bpdu.kind = BpduKind::topology_change;
    return bpdu;
  }
  const bool rapid = header.type == type_rapid && header.version >= version_rapid;
  if (!rapid && header.type != type_config) return drops::bad_field;
  // A rapid one ends with the length of a version 1 part, which is always 0.
  const size_t size = sizeof(BpduHeader) + sizeof(BpduBody) + (rapid ? 1 : 0);
  if (octets.size() < size) return drops::truncated;
  const auto body = load<BpduBody>(octets.subspan(sizeof(BpduHeader)));
  bpdu.kind = rapid ? BpduKind::rapid : BpduKind::config;
  for (const auto& [member, bit] : flags_always) bpdu.*member = body.flags & bit;
  if (rapid) {
    for (const auto& [member, bit] : flags_rapid) bpdu.*member = body.flags & bit;
    bpdu.role = BpduRole(body.flags >> 2 & 3);
  }
  bpdu.root = {body.root_priority, body.root};
  bpdu.root_cost = body.root_cost;
  bpdu.bridge = {body.bridge_priority, body.bridge};
  bpdu.port = body.port;
  bpdu.message_age = from_ticks(body.message_age);
  bpdu.max_age = from_ticks(body.max_age);
  bpdu.hello_time = from_ticks(body.hello_time);
  bpdu.forward_delay = from_ticks(body.forward_delay);
  // 802.1D s9.3.4: a Configuration BPDU that is too old is none.
  if (!rapid && bpdu.message_age >= bpdu.max_age) return drops::bad_field;
  return bpdu;
}

Parsed<Bpdu> parse_bpdu_frame(Bytes octets) {
  const auto frame = parse_ethernet(octets);
  if (!frame) return frame.why();
  const bool ours = frame->dest == bridge_group && !frame->tagged && frame->llc &&
                    frame->dsap == llc_spanning_tree && frame->ssap == llc_spanning_tree;
  if (!ours) return drops::bad_field;
  return parse_bpdu(frame->payload);
}

std::vector<uint8_t> emit_bpdu(const Bpdu& bpdu) {
  const bool rapid = bpdu.kind == BpduKind::rapid;
  const bool notice = bpdu.kind == BpduKind::topology_change;
  const size_t size = sizeof(BpduHeader) + (notice ? 0 : sizeof(BpduBody) + (rapid ? 1 : 0));
  std::vector<uint8_t> octets(size);
  const uint8_t type = notice ? type_topology_change : rapid ? type_rapid : type_config;
  store(BpduHeader{0, rapid ? version_rapid : uint8_t(0), type}, octets);
  if (notice) return octets;
  uint8_t flags = 0;
  for (const auto& [member, bit] : flags_always)
    if (bpdu.*member) flags |= bit;
  if (rapid) {
    for (const auto& [member, bit] : flags_rapid)
      if (bpdu.*member) flags |= bit;
    flags |= uint8_t(uint8_t(bpdu.role) << 2);
  }
  store(BpduBody{.flags = flags,
                 .root_priority = bpdu.root.priority,
                 .root = bpdu.root.mac,
                 .root_cost = bpdu.root_cost,
                 .bridge_priority = bpdu.bridge.priority,
                 .bridge = bpdu.bridge.mac,
                 .port = bpdu.port,
                 .message_age = to_ticks(bpdu.message_age),
                 .max_age = to_ticks(bpdu.max_age),
                 .hello_time = to_ticks(bpdu.hello_time),
                 .forward_delay = to_ticks(bpdu.forward_delay)},
        MutableBytes(octets).subspan(sizeof(BpduHeader)));
  return octets;
}

std::vector<uint8_t> bpdu_frame(MacAddress from, const Bpdu& bpdu) {
  const std::vector<uint8_t> octets = emit_bpdu(bpdu);
  std::vector<uint8_t> frame(sizeof(EthernetHeader));
  store(EthernetHeader{bridge_group, from, uint16_t(llc_size + octets.size())}, frame);
  frame.insert(frame.end(), {llc_spanning_tree, llc_spanning_tree, 3});
  frame.insert(frame.end(), octets.begin(), octets.end());
  if (frame.size() < frame_smallest) frame.resize(frame_smallest);
  return frame;
}

std::string describe(const Bpdu& bpdu) {
  if (bpdu.kind == BpduKind::topology_change) return "STP 802.1d, Topology Change";
  const bool rapid = bpdu.kind == BpduKind::rapid;
  static constexpr std::pair<bool Bpdu::*, const char*> names[] = {
      {&Bpdu::topology_change, "Topology change"},
      {&Bpdu::proposal, "Proposal"},
      {&Bpdu::learning, "Learn"},
      {&Bpdu::forwarding, "Forward"},
      {&Bpdu::agreement, "Agreement"},
      {&Bpdu::topology_change_ack, "Topology change ACK"}};
  std::string flags;
  for (const auto& [member, name] : names)
    if (bpdu.*member) flags += (flags.empty() ? "" : ", ") + std::string(name);
  return text("STP {}, Flags [{}], bridge-id {:04x}.{}.{:04x}",
              rapid ? "802.1w, Rapid STP" : "802.1d, Config", flags.empty() ? "none" : flags,
              bpdu.bridge.priority, to_text(bpdu.bridge.mac), bpdu.port);
}

}  // namespace stackyard
