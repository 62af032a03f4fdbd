// stack/tcp/send_buffer.h - what a program wrote and the peer has not yet acknowledged.
#pragma once

#include <memory>
#include <vector>

#include "core/packet/packet_pool.h"

namespace stackyard {

// Octets lie in chunks that segments refer to; only a segment across two chunks copies. Empty, it
// owns nothing.
class TcpSendBuffer {
 public:
  size_t size() const { return queue_ ? queue_->size() : 0; }
  void append(PacketPool& pool, Bytes octets);
  // The peer has acknowledged them.
  void drop_front(size_t count);
  // Puts octets [offset, offset + length) behind the packet's front, by reference where it can.
  void attach(Packet& packet, size_t offset, size_t length) const;
  void clear() { queue_.reset(); }

 private:
  struct Chunk {
    uint64_t begin;  // position in the stream of the chunk's first octet that is left
    SharedOctets octets;
  };
  struct Queue {
    std::vector<Chunk> chunks;
    uint64_t begin = 0, end = 0;  // positions in the stream since it was empty
    size_t size() const { return size_t(end - begin); }
    size_t chunk_at(uint64_t position) const;
  };

  std::unique_ptr<Queue> queue_;
};

}  // namespace stackyard
