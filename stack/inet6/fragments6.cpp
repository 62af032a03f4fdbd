#include "stack/inet6/fragments6.h"

#include <algorithm>

#include "stack/inet6/drops.h"
#include "stack/inet6/inet6.h"

namespace stackyard {

Fragments6::Datagram::Datagram(Fragments6& owner, const Key& k)
    : fragments(owner),
      key(k),
      timer(owner.inet_.site().node(), Timer::call<&Datagram::timed_out>, this) {}

Packet Fragments6::drop(const Packet& fragment, const DropReason& why) {
  ++(&why == &drops6::reassembly_timeout ? inet_.counters.fragments_timed_out
     : &why == &drops6::fragment_limit   ? inet_.counters.fragment_overflow
                                         : inet_.counters.fragments_dropped);
  inet_.site().note_drop(fragment.id(), why, "ip6");
  return {};
}

void Fragments6::discard(const Key& key, const DropReason& why) {
  const auto found = datagrams_.find(key);
  for (Part& part : found->second->parts) {
    octets_ -= part.packet.size();
    drop(part.packet, why);
  }
  datagrams_.erase(found);
}

void Fragments6::time_out(const Key key) {
  Datagram& datagram = *datagrams_.at(key);
  Packet first;
  if (!datagram.parts.empty() && datagram.parts[0].begin == 0)
    first = datagram.parts[0].packet.clone();
  discard(key, drops6::reassembly_timeout);
  // RFC 8200 s4.5: only when the first fragment is there to be quoted.
  if (first)
    inet_.icmp().send_error(std::move(first), icmpv6_type::time_exceeded,
                            icmpv6_code::hop_limit_reassembly);
}

Packet Fragments6::add(Packet fragment, const Key& key, size_t at, size_t protocol_at) {
  const Bytes octets = fragment.octets();
  const auto header = load<Ipv6FragmentHeader>(octets.subspan(at));
  const size_t header_size = at + sizeof header;
  const uint32_t begin = header.offset();
  const uint32_t end = begin + uint32_t(octets.size() - header_size);
  const bool last = !header.more();
  // RFC 8200 s4.5: multiples of 8 octets but the last, and 65,535 at most; both are answered.
  if (!last && (end - begin) % 8 != 0) {
    const Packet dead = fragment.clone();
    inet_.icmp().send_error(std::move(fragment), icmpv6_type::parameter_problem,
                            icmpv6_code::bad_field, 4);
    return drop(dead, drops6::fragment_bad);
  }
  if (end + at - sizeof(Ipv6Header) > 65535) {
    const Packet dead = fragment.clone();
    inet_.icmp().send_error(std::move(fragment), icmpv6_type::parameter_problem,
                            icmpv6_code::bad_field, uint32_t(at + 2));
    return drop(dead, drops6::fragment_bad);
  }
  if (begin == end) return drop(fragment, drops6::fragment_bad);

  auto found = datagrams_.find(key);
  if (found == datagrams_.end()) {
    if (int64_t(datagrams_.size()) >= inet_.settings().fragments.max_packets ||
        octets_ + fragment.size() > FragmentSettings6::octets_max)
      return drop(fragment, drops6::fragment_limit);
    found = datagrams_.emplace(key, std::make_unique<Datagram>(*this, key)).first;
    found->second->timer.arm(SimTime(inet_.settings().fragments.ttl_ms * 1'000'000));
  }
  Datagram& datagram = *found->second;
  auto& parts = datagram.parts;
  const auto after = std::find_if(parts.begin(), parts.end(),
                                  [&](const Part& part) { return part.begin >= begin; });
  // RFC 8200 s4.5: an exact duplicate may be dropped alone.
  if (after != parts.end() && after->begin == begin && after->end == end)
    return drop(fragment, drops6::fragment_bad);
  const bool overlaps = (after != parts.end() && after->begin < end) ||
                        (after != parts.begin() && (after - 1)->end > begin);
  const uint32_t length = last ? end : datagram.length;
  const bool contradicts =
      (datagram.length != 0 && last && datagram.length != end) ||
      (length != 0 && (end > length || (!parts.empty() && parts.back().end > length)));
  if (overlaps || contradicts ||
      int64_t(parts.size()) >= inet_.settings().fragments.max_per_packet ||
      octets_ + fragment.size() > FragmentSettings6::octets_max) {
    const DropReason& why =
        overlaps || contradicts ? drops6::fragment_overlap : drops6::fragment_limit;
    discard(key, why);
    return drop(fragment, why);
  }
  octets_ += fragment.size();
  datagram.length = length;
  if (begin == 0) datagram.protocol_at = protocol_at;
  parts.insert(after, Part{begin, end, std::move(fragment), header_size});

  uint32_t reached = 0;
  for (const Part& part : parts) {
    if (part.begin != reached) return {};
    reached = part.end;
  }
  if (datagram.length == 0 || reached != datagram.length) return {};
  Packet whole = assemble(datagram);
  datagrams_.erase(key);
  return whole;
}

// The first fragment's headers, without the fragment header, and everyone's octets.
Packet Fragments6::assemble(Datagram& datagram) {
  ++inet_.counters.reassembled;
  for (const Part& part : datagram.parts) octets_ -= part.packet.size();
  Packet whole = std::move(datagram.parts[0].packet);
  const size_t header_size = datagram.parts[0].header_size;
  std::vector<uint8_t> rest;
  rest.reserve(datagram.length);
  for (size_t i = 1; i < datagram.parts.size(); ++i) {
    const Bytes octets = datagram.parts[i].packet.octets().subspan(datagram.parts[i].header_size);
    rest.insert(rest.end(), octets.begin(), octets.end());
  }
  whole.append(rest);
  const MutableBytes octets = whole.writable();
  const size_t unfragmentable = header_size - sizeof(Ipv6FragmentHeader);
  octets[datagram.protocol_at] = octets[unfragmentable];  // of the fragment header
  std::memmove(octets.data() + sizeof(Ipv6FragmentHeader), octets.data(), unfragmentable);
  whole.trim_front(sizeof(Ipv6FragmentHeader));
  const MutableBytes front = whole.writable_front();
  auto header = load<Ipv6Header>(front);
  header.payload_length = uint16_t(unfragmentable - sizeof(Ipv6Header) + datagram.length);
  store(header, front);
  return whole;
}

}  // namespace stackyard
