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
  octets_ -= found->second->parts.octets();
  found->second->parts.for_each([&](Fragment& part) { drop(part.packet, why); });
  datagrams_.erase(found);
}

void Fragments6::time_out(const Key key) {
  Datagram& datagram = *datagrams_.at(key);
  Packet first;
  if (const Fragment* part = datagram.parts.first()) first = part->packet.clone();
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
  Fragment part{begin, end, last, header_size, std::move(fragment)};
  const FragmentList::Fit fit = datagram.parts.fit(part);
  // RFC 8200 s4.5: an exact duplicate may be dropped alone.
  if (fit == FragmentList::Fit::duplicate) return drop(part.packet, drops6::fragment_bad);
  const size_t size = part.packet.size();
  if (fit == FragmentList::Fit::overlaps ||
      int64_t(datagram.parts.count()) >= inet_.settings().fragments.max_per_packet ||
      octets_ + size > FragmentSettings6::octets_max) {
    const DropReason& why =
        fit == FragmentList::Fit::overlaps ? drops6::fragment_overlap : drops6::fragment_limit;
    discard(key, why);
    return drop(part.packet, why);
  }
  octets_ += size;
  if (begin == 0) datagram.protocol_at = protocol_at;
  if (!datagram.parts.insert(std::move(part))) return {};
  Packet whole = assemble(datagram);
  datagrams_.erase(key);
  return whole;
}

// The first fragment's headers, without the fragment header, and everyone's octets.
Packet Fragments6::assemble(Datagram& datagram) {
  ++inet_.counters.reassembled;
  octets_ -= datagram.parts.octets();
  const size_t header_size = datagram.parts.first()->header_size;
  Packet whole = datagram.parts.join();
  const MutableBytes octets = whole.writable();
  const size_t unfragmentable = header_size - sizeof(Ipv6FragmentHeader);
  octets[datagram.protocol_at] = octets[unfragmentable];  // of the fragment header
  std::memmove(octets.data() + sizeof(Ipv6FragmentHeader), octets.data(), unfragmentable);
  whole.trim_front(sizeof(Ipv6FragmentHeader));
  const MutableBytes front = whole.writable_front();
  auto header = load<Ipv6Header>(front);
  header.payload_length = uint16_t(unfragmentable - sizeof(Ipv6Header) + datagram.parts.length());
  store(header, front);
  return whole;
}

}  // namespace stackyard
