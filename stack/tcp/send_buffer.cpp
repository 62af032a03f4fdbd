#include "stack/tcp/send_buffer.h"

#include <algorithm>

namespace stackyard {

namespace {
constexpr size_t chunk_small = 2048, chunk_large = 66048;  // as the pool has them
}

void TcpSendBuffer::append(PacketPool& pool, Bytes octets) {
  if (octets.empty()) return;
  if (!queue_) queue_ = std::make_unique<Queue>();
  Queue& q = *queue_;
  while (!octets.empty()) {
    if (q.chunks.empty() || q.chunks.back().octets.room() == 0) {
      const bool bulk = q.size() + octets.size() > chunk_small;
      q.chunks.push_back({q.end, SharedOctets::make(pool, bulk ? chunk_large : chunk_small)});
    }
    SharedOctets& last = q.chunks.back().octets;
    const Bytes part = octets.first(std::min(octets.size(), last.room()));
    last.append(part);
    q.end += part.size();
    octets = octets.subspan(part.size());
  }
}

void TcpSendBuffer::drop_front(size_t count) {
  check(count <= size(), "only what was queued is acknowledged");
  if (count == size()) return clear();
  Queue& q = *queue_;
  q.begin += count;
  size_t gone = 0;
  while (q.chunks[gone].begin + q.chunks[gone].octets.size() <= q.begin) ++gone;
  if (gone > 0) q.chunks.erase(q.chunks.begin(), q.chunks.begin() + long(gone));
  Chunk& first = q.chunks.front();
  first.octets.trim_front(size_t(q.begin - first.begin));
  first.begin = q.begin;
}

size_t TcpSendBuffer::Queue::chunk_at(uint64_t position) const {
  const auto after = std::upper_bound(chunks.begin(), chunks.end(), position,
                                      [](uint64_t p, const Chunk& c) { return p < c.begin; });
  return size_t(after - chunks.begin()) - 1;
}

void TcpSendBuffer::attach(Packet& packet, size_t offset, size_t length) const {
  check(offset + length <= size(), "only what was queued is sent");
  if (length == 0) return;
  const Queue& q = *queue_;
  const uint64_t position = q.begin + offset;
  size_t index = q.chunk_at(position);
  size_t from = size_t(position - q.chunks[index].begin);
  const SharedOctets& first = q.chunks[index].octets;
  if (from + length <= first.size()) return packet.share_tail(first, from, length);
  for (size_t left = length; left > 0; ++index, from = 0) {
    const Bytes octets = q.chunks[index].octets.octets().subspan(from);
    const Bytes part = octets.first(std::min(left, octets.size()));
    packet.append(part);
    left -= part.size();
  }
}

}  // namespace stackyard
