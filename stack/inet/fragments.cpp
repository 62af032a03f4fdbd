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
  for (Part& part : found->second->parts) {
    octets_ -= part.packet.size();
    drop(part.packet, why);
  }
  datagrams_.erase(found);
}

void Fragments::time_out(const Key key) {
  Datagram& datagram = *datagrams_.at(key);
  Packet first;
  if (!datagram.parts.empty() && datagram.parts[0].begin == 0)
    first = datagram.parts[0].packet.clone();
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
  auto& parts = datagram.parts;
  const auto after = std::find_if(parts.begin(), parts.end(),
                                  [&](const Part& part) { return part.begin >= begin; });
  if (after != parts.end() && after->begin == begin && after->end == end)
    return drop(fragment, drops::fragment_duplicate);
  const bool overlaps = (after != parts.end() && after->begin < end) ||
                        (after != parts.begin() && (after - 1)->end > begin);
  const uint32_t length = last ? end : datagram.length;
  const bool contradicts =
      (datagram.length != 0 && last && datagram.length != end) ||
      (length != 0 && (end > length || (!parts.empty() && parts.back().end > length)));
  if (overlaps || contradicts || int64_t(parts.size()) >= settings().max_per_packet ||
      octets_ + fragment.size() > FragmentSettings::octets_max) {
    const DropReason& why =
        overlaps || contradicts ? drops::fragment_overlap : drops::fragment_limit;
    discard(key, why);
    return drop(fragment, why);
  }
  octets_ += fragment.size();
  datagram.length = length;
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

Packet Fragments::assemble(Datagram& datagram) {
  ++inet_.counters.reassembled;
  for (const Part& part : datagram.parts) octets_ -= part.packet.size();
  // The datagram is the first fragment, with its header, tags and identity, and the others' octets.
  Packet whole = std::move(datagram.parts[0].packet);
  const size_t header_size = datagram.parts[0].header_size;
  std::vector<uint8_t> rest;
  rest.reserve(datagram.length);
  for (size_t i = 1; i < datagram.parts.size(); ++i) {
    const Bytes octets = datagram.parts[i].packet.octets().subspan(datagram.parts[i].header_size);
    rest.insert(rest.end(), octets.begin(), octets.end());
  }
  whole.append(rest);
  const MutableBytes front = whole.writable_front();
  auto header = load<Ipv4Header>(front);
  header.fragment = 0;
  header.total_length = uint16_t(header_size + datagram.length);
  store(header, front);
  finish_ipv4_header(front);
  return whole;
}

}  // namespace stackyard
