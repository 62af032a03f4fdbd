// core/packet/packet_pool.h - where a partition's packets and octets come from and go back to.
#pragma once

#include <array>
#include <vector>

#include "core/packet/packet.h"

namespace stackyard {

class PacketPool {
 public:
  // Room before a new packet's first octet: link, tunnel and network headers of usual depth.
  static constexpr size_t headroom = 128;

  PacketPool() = default;
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;

  // A packet of `length` uninitialised octets.
  Packet make(PacketId id, size_t length, size_t room = headroom);
  Packet make(PacketId id, Bytes octets);

  // For the checkers: what is out at this moment.
  size_t packets_in_use() const { return records_in_use_; }

 private:
  friend class Packet;
  friend class SharedOctets;
  static constexpr std::array<uint32_t, 5> class_sizes{256, 2048, 10240, 66048, 0};

  PacketRecord* take_record();
  void give_back(PacketRecord* record);
  Octets* take_octets(size_t capacity);
  static void release(Octets* octets);
  PacketTag* take_tag();
  void give_back(PacketTag* tag);

  PacketRecord* free_records_ = nullptr;
  PacketTag* free_tags_ = nullptr;
  std::array<Octets*, class_sizes.size()> free_octets_{};
  size_t records_in_use_ = 0;
  std::vector<void*> blocks_;
};

}  // namespace stackyard
