#include "stack/inet/fragments.h"

#include <algorithm>

#include "core/wire/net/icmp.h"
#include "stack/inet/drops.h"
#include "stack/inet/inet.h"

namespace stackyard {

const FragmentSettings& Fragments::settings() const { return inet_.settings().fragments; }

Fragments::Datagram::Datagram(Fragments& owner, const Key& k)
    : fragments(owner),
      key(k),
      timer(owner.inet_.site().node(), Timer::call<&Datagram::timed_out>, this) {}

Packet Fragments::drop(Packet& fragment, const DropReason& why) {
  ++(&why == &drops::reassembly_timeout ? inet_.counters.fragments_timed_out
                                        : inet_.counters.fragments_dropped);
  inet_.site().note_drop(fragment.id(), why, "ip");
  return {};
}

void Fragments::discard(const Key& key, const DropReason& why) {
  const auto found = datagrams_.find(key);
  octets_ -= found->second->parts.octets();
  found->second->parts.for_each([&](Fragment& part) { drop(part.packet, why); });
  datagrams_.erase(found);
}

void Fragments::time_out(const Key key) {
  Datagram& datagram = *datagrams_.at(key);
  Packet first;
  if (const Fragment* part = datagram.parts.first()) first = part->packet.clone();
  discard(key, drops::reassembly_timeout);
  // RFC 1122 s3.3.2: only when fragment 0 is there to be quoted.
  if (first)
    inet_.icmp().send_error(std::move(first), icmp_type::time_exceeded,
                            icmp_code::ttl_in_reassembly);
}

Packet Fragments::add(Packet fragment, const Ipv4Header& header) {
  const size_t header_size = header.header_size();
  const uint32_t begin = header.fragment_offset();
  const uint32_t end = begin + uint32_t(header.total_length - header_size);
  const bool last = !header.more_fragments();
  // Every fragment but the last carries a multiple of 8 octets, and none leads beyond 65535.
  if (begin == end || (!last && (end - begin) % 8 != 0) || end + header_size > 65535)
    return drop(fragment, drops::fragment_bad);

  const Key key{header.source_address(), header.dest_address(), header.id, header.protocol};
  auto found = datagrams_.find(key);
  if (found == datagrams_.end()) {
    if (int64_t(datagrams_.size()) >= settings().max_packets ||
        octets_ + fragment.size() > FragmentSettings::octets_max)
      return drop(fragment, drops::fragment_limit);
    found = datagrams_.emplace(key, std::make_unique<Datagram>(*this, key)).first;
    found->second->timer.arm(SimTime(settings().ttl * 1'000'000'000));
  }
  Datagram& datagram = *found->second;
  Fragment part{begin, end, last, header_size, std::move(fragment)};
  const FragmentList::Fit fit = datagram.parts.fit(part);
  if (fit == FragmentList::Fit::duplicate) return drop(part.packet, drops::fragment_duplicate);
  const size_t size = part.packet.size();
  if (fit == FragmentList::Fit::overlaps ||
      int64_t(datagram.parts.count()) >= settings().max_per_packet ||
      octets_ + size > FragmentSettings::octets_max) {
    const DropReason& why =
        fit == FragmentList::Fit::overlaps ? drops::fragment_overlap : drops::fragment_limit;
    discard(key, why);
    return drop(part.packet, why);
  }
  octets_ += size;
  if (!datagram.parts.insert(std::move(part))) return {};
  Packet whole = assemble(datagram);
  datagrams_.erase(key);
  return whole;
}

Packet Fragments::assemble(Datagram& datagram) {
  ++inet_.counters.reassembled;
  octets_ -= datagram.parts.octets();
  const size_t header_size = datagram.parts.first()->header_size;
  Packet whole = datagram.parts.join();
  const MutableBytes front = whole.writable_front();
  auto header = load<Ipv4Header>(front);
  header.fragment = 0;
  header.total_length = uint16_t(header_size + datagram.parts.length());
  store(header, front);
  finish_ipv4_header(front);
  return whole;
}

}  // namespace stackyard
