#include "stack/tcp/send_buffer.h"

#include <algorithm>

namespace stackyard {

namespace {
constexpr size_t chunk_small = 2048, chunk_large = 66048;  // as the pool has them
}

void TcpSendBuffer::append(PacketPool& pool, Bytes octets) {
  while (!octets.empty()) {
    if (chunks_.empty() || chunks_.back().octets.room() == 0) {
      const bool bulk = size() + octets.size() > chunk_small;
      chunks_.push_back({end_, SharedOctets::make(pool, bulk ? chunk_large : chunk_small)});
    }
    SharedOctets& last = chunks_.back().octets;
    const Bytes part = octets.first(std::min(octets.size(), last.room()));
    last.append(part);
    end_ += part.size();
    octets = octets.subspan(part.size());
  }
}

void TcpSendBuffer::drop_front(size_t count) {
  check(count <= size(), "only what was queued is acknowledged");
  begin_ += count;
  size_t gone = 0;
  while (gone < chunks_.size() && chunks_[gone].begin + chunks_[gone].octets.size() <= begin_)
    ++gone;
  if (gone > 0) chunks_.erase(chunks_.begin(), chunks_.begin() + long(gone));
  if (chunks_.empty()) return;
  Chunk& first = chunks_.front();
  first.octets.trim_front(size_t(begin_ - first.begin));
  first.begin = begin_;
}

size_t TcpSendBuffer::chunk_at(uint64_t position) const {
  const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), position,
                                      [](uint64_t p, const Chunk& c) { return p < c.begin; });
  return size_t(after - chunks_.begin()) - 1;
}

void TcpSendBuffer::attach(Packet& packet, size_t offset, size_t length) const {
  check(offset + length <= size(), "only what was queued is sent");
  if (length == 0) return;
  const uint64_t position = begin_ + offset;
  size_t index = chunk_at(position);
  size_t from = size_t(position - chunks_[index].begin);
  const SharedOctets& first = chunks_[index].octets;
  if (from + length <= first.size()) return packet.share_tail(first, from, length);
  for (size_t left = length; left > 0; ++index, from = 0) {
    const Bytes octets = chunks_[index].octets.octets().subspan(from);
    const Bytes part = octets.first(std::min(left, octets.size()));
    packet.append(part);
    left -= part.size();
  }
}

}  // namespace stackyard
