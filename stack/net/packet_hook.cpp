#include "stack/net/packet_hook.h"

#include <algorithm>

#include "stack/net/drops.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {
// An IPv6 address takes two tags, an IPv4 one the first alone.
constexpr char forward_port = 0, forward_high = 0, forward_low = 0;

uint64_t half(const Ipv6Address& a, size_t from) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | a.octets[from + i];
  return value;
}
}  // namespace

Resume HookContext::resume(uint64_t new_cookie) const {
  Resume resume;
  resume.point = point;
  resume.site = site;
  resume.stage = stage;
  resume.flags = flags;
  resume.hook = hook;
  if (in) resume.in = in->ref();
  if (out) resume.out = out->ref();
  if (by) resume.by = by->ref();
  resume.next_hop = next_hop;
  resume.link = link;
  resume.cookie = new_cookie;
  return resume;
}

void PacketHooks::link(HookPoint point, PacketHook& hook, End end) {
  auto& chain = chains_[size_t(point)];
  std::erase(chain, &hook);
  if (hook.hook_id_ == 0) hook.hook_id_ = ++ids_;
  chain.insert(end == End::first ? chain.begin() : chain.end(), &hook);
  net_.set_hooked(point, true);
}

void PacketHooks::unlink(HookPoint point, PacketHook& hook) {
  auto& chain = chains_[size_t(point)];
  std::erase(chain, &hook);
  net_.set_hooked(point, !chain.empty());
}

void PacketHooks::unlink(PacketHook& hook) {
  for (size_t i = 0; i < hook_point_count; ++i) unlink(HookPoint(i), hook);
}

HookVerdict PacketHooks::run(Packet& packet, HookContext& at) {
  const auto& chain = chains_[size_t(at.point)];
  size_t i = 0;
  if (at.hook != 0) {
    while (i < chain.size() && chain[i]->hook_id_ != at.hook) ++i;  // gone: all have seen it
  }
  for (; i < chain.size(); ++i) {
    at.hook = chain[i]->hook_id_;
    const HookVerdict verdict = chain[i]->filter(packet, at);
    if (!verdict.passed) return verdict;
    at.cookie = 0;
  }
  at.hook = 0;
  return HookVerdict::pass();
}

void PacketHooks::resume(Packet packet, const Resume& resume) {
  HookContext at;
  at.point = resume.point;
  at.site = resume.site;
  at.stage = resume.stage;
  at.flags = resume.flags;
  at.hook = resume.hook;
  at.next_hop = resume.next_hop;
  at.link = resume.link;
  at.cookie = resume.cookie;
  const auto find = [&](IfRef ref, Ifnet*& found) {
    return ref.value == 0 || (found = net_.resolve(ref)) != nullptr;
  };
  if (!find(resume.in, at.in) || !find(resume.out, at.out) || !find(resume.by, at.by))
    return net_.site().note_drop(packet.id(), drops::interface_gone, "hook");
  // Frames are the interface's own: a bridge's, or the one that they pass by.
  if (at.site == HookSite::bridge) return at.by->resume_packet(std::move(packet), at);
  if (at.site == HookSite::ethernet)
    return (at.outbound() ? at.out : at.in)->resume_packet(std::move(packet), at);
  net_.hook_resumer(at.site)->resume_packet(std::move(packet), at);
}

void set_forwarding(Packet& packet, const Forwarding& forwarding) {
  const bool v6 = forwarding.to.is_v6();
  packet.set_tag(&forward_port, uint64_t(v6) << 16 | forwarding.port);
  packet.set_tag(&forward_high, v6 ? half(forwarding.to.v6(), 0) : forwarding.to.v4().value);
  if (v6) packet.set_tag(&forward_low, half(forwarding.to.v6(), 8));
}

void clear_forwarding(Packet& packet) {
  packet.clear_tag(&forward_port);
  packet.clear_tag(&forward_high);
  packet.clear_tag(&forward_low);
}

std::optional<Forwarding> forwarding_of(const Packet& packet) {
  const uint64_t* port = packet.tag(&forward_port);
  if (!port) return std::nullopt;
  const uint64_t high = *packet.tag(&forward_high);
  if (!(*port >> 16)) return Forwarding{IpAddress(Ipv4Address{uint32_t(high)}), uint16_t(*port)};
  const uint64_t low = *packet.tag(&forward_low);
  Ipv6Address address;
  for (size_t i = 0; i < 8; ++i) {
    address.octets[i] = uint8_t(high >> (56 - 8 * i));
    address.octets[8 + i] = uint8_t(low >> (56 - 8 * i));
  }
  return Forwarding{IpAddress(address), uint16_t(*port)};
}

}  // namespace stackyard
