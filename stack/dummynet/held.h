// stack/dummynet/held.h - packets that dummynet keeps, with the way back of each.
#pragma once

#include <deque>

#include "stack/dummynet/api/dummynet_requests.h"
#include "stack/net/packet_hook.h"

namespace stackyard {

struct HeldPacket {
  Packet packet;
  Resume resume;
  ShapedFlow flow;  // whole, without a mask
  SimTime arrived;  // when it was queued
  SimTime due;      // in the delay line: when it leaves
  bool lost = false;
  HeldPacket* next = nullptr;

  // Where the IP header begins.
  size_t ip_offset() const {
    const bool frame = resume.point == HookPoint::ether_in || resume.point == HookPoint::ether_out;
    return frame ? sizeof(EthernetHeader) : 0;
  }
};

// First in, first out.
class HeldQueue {
 public:
  HeldQueue() = default;
  HeldQueue(const HeldQueue&) = delete;

  void push(HeldPacket* held) {
    held->next = nullptr;
    (head_ ? last_->next : head_) = held;
    last_ = held;
    ++count_;
    octets_ += held->packet.size();
  }
  HeldPacket* pop() {
    HeldPacket* held = head_;
    if (!held) return nullptr;
    head_ = held->next;
    --count_;
    octets_ -= held->packet.size();
    return held;
  }
  HeldPacket* front() const { return head_; }
  size_t count() const { return count_; }
  size_t octets() const { return octets_; }

 private:
  HeldPacket *head_ = nullptr, *last_ = nullptr;
  size_t count_ = 0, octets_ = 0;
};

// Places for held packets; kept for the next ones.
class HeldPool {
 public:
  HeldPacket* make() {
    if (!free_) return &slab_.emplace_back();
    return std::exchange(free_, free_->next);
  }
  void give_back(HeldPacket* held) {
    held->packet = Packet();
    held->lost = false;
    held->next = std::exchange(free_, held);
  }

 private:
  HeldPacket* free_ = nullptr;
  std::deque<HeldPacket> slab_;
};

}  // namespace stackyard
