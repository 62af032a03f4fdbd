// core/packet/packet.h - a packet: a movable handle on shared octets, with headroom and identity.
//
// Prepending a header and cloning do not copy; writing to octets that somebody else holds does. A
// packet is a contiguous front (headers, and small payloads) and perhaps a tail: a slice of octets
// that it shares with a socket buffer or with another packet. Counts are not atomic: octets belong
// to one partition's pool.
#pragma once

#include <utility>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/ids.h"

namespace stackyard {

class PacketPool;

// Reference-counted octets. The data follow this header in memory.
struct Octets {
  PacketPool* pool;
  uint32_t references;
  uint32_t capacity;
  uint32_t size_class;
  Octets* next_free;
  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
};

// A handle on octets without a packet around them: a piece of a socket buffer, whose parts packets
// carry as their tails. One handle appends; what packets refer to never changes.
class SharedOctets {
 public:
  // Room for `capacity` octets at least; holds none yet.
  static SharedOctets make(PacketPool& pool, size_t capacity);
  SharedOctets(SharedOctets&& other) noexcept
      : octets_(std::exchange(other.octets_, nullptr)), begin_(other.begin_), end_(other.end_) {}
  SharedOctets& operator=(SharedOctets&& other) noexcept {
    std::swap(octets_, other.octets_);
    begin_ = other.begin_;
    end_ = other.end_;
    return *this;
  }
  ~SharedOctets() { release(); }

  size_t size() const { return end_ - begin_; }
  size_t room() const { return octets_->capacity - end_; }
  Bytes octets() const { return {octets_->data() + begin_, size()}; }
  // Precondition: they fit into the room.
  void append(Bytes more);
  void trim_front(size_t count) { begin_ += uint32_t(count); }

 private:
  friend class Packet;
  explicit SharedOctets(Octets* octets) : octets_(octets) {}
  void release();

  Octets* octets_;
  uint32_t begin_ = 0, end_ = 0;
};

// A checksum that is still to be computed: by the NIC's offload, or sooner when somebody looks.
enum class DeferredChecksum : uint8_t { none, internet, internet_of_udp, crc32c };

// Typed notes that modules hang on a packet (divert cookie, nesting depth, ...). Clones copy them.
struct PacketTag {
  const void* type;  // address of a constant that names the type
  uint64_t value;
  PacketTag* next;
};

// What a handle points to. Pooled; only Packet and PacketPool touch it.
struct PacketRecord {
  PacketPool* pool = nullptr;
  Octets* octets = nullptr;
  uint32_t begin = 0;   // of the front, in octets->data()
  uint32_t length = 0;  // of the front
  Octets* tail = nullptr;
  uint32_t tail_begin = 0;
  uint32_t tail_length = 0;
  PacketId id = 0;
  PacketId cause = 0;
  uint64_t interface = 0;  // IfRef of the interface that it came in by; 0: made here
  PacketTag* tags = nullptr;
  uint32_t checksum_start = 0;  // absolute in octets->data(): survives prepending
  uint16_t checksum_offset = 0;
  uint16_t fib = 0;
  DeferredChecksum deferred = DeferredChecksum::none;
  bool link_broadcast = false;  // the frame's destination was the broadcast address
  bool link_multicast = false;  // ... or another group address
  uint8_t reserved = 0;
  PacketRecord* next = nullptr;  // of a queue or of the pool's free list
};

class Packet {
 public:
  Packet() = default;
  Packet(Packet&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    std::swap(record_, other.record_);
    return *this;
  }
  ~Packet() {
    if (record_) free_record(record_);
  }

  explicit operator bool() const { return record_ != nullptr; }
  size_t size() const { return record_->length + record_->tail_length; }

  // All octets, contiguous. Copies once when there is a tail.
  Bytes octets() {
    if (record_->tail) flatten();
    return {record_->octets->data() + record_->begin, record_->length};
  }
  // The contiguous front: headers are always in it.
  Bytes front() const { return {record_->octets->data() + record_->begin, record_->length}; }
  Bytes tail() const {
    if (!record_->tail) return {};
    return {record_->tail->data() + record_->tail_begin, record_->tail_length};
  }
  // Makes sure that the first `count` octets are in the front. False: the packet is shorter.
  bool pull_up(size_t count) {
    if (count <= record_->length) return true;
    if (count > size()) return false;
    flatten();
    return true;
  }
  // The front, for writing: copied first when it is shared.
  MutableBytes writable_front() {
    if (record_->octets->references > 1) unshare();
    return {record_->octets->data() + record_->begin, record_->length};
  }
  // All octets, for writing.
  MutableBytes writable() {
    if (record_->tail) flatten();
    return writable_front();
  }

  // Adds `count` octets before the front and returns them, uninitialised.
  MutableBytes prepend(size_t count) {
    if (record_->begin < count || record_->octets->references > 1) make_headroom(count);
    record_->begin -= uint32_t(count);
    record_->length += uint32_t(count);
    return {record_->octets->data() + record_->begin, count};
  }
  template <class Header>
  void prepend_header(const Header& header) {
    store(header, prepend(sizeof header));
  }
  // Cuts octets off the front or the end. Precondition: count <= size().
  void trim_front(size_t count);
  void trim_to(size_t size);
  // Adds zeroes or octets at the end.
  void append(Bytes octets);

  // Another handle on the same octets, with the same id, cause and tags.
  Packet clone() const;
  // Shares `length` octets from `from` on (of the flat packet) as this packet's tail.
  void share_tail(Packet& source, size_t from, size_t length);
  void share_tail(const SharedOctets& source, size_t from, size_t length);
  // Before crossing to another partition: copies what is shared, moves what is not. The record
  // keeps its address and becomes the other pool's.
  static void rehome_in_place(PacketRecord* record, PacketPool& pool);

  PacketId id() const { return record_->id; }
  PacketId cause() const { return record_->cause; }
  void set_cause(PacketId cause) { record_->cause = cause; }

  uint64_t interface() const { return record_->interface; }
  void set_interface(uint64_t interface) { record_->interface = interface; }
  uint16_t fib() const { return record_->fib; }
  void set_fib(uint16_t fib) { record_->fib = fib; }
  bool link_broadcast() const { return record_->link_broadcast; }
  bool link_multicast() const { return record_->link_multicast; }
  bool link_group() const { return record_->link_broadcast || record_->link_multicast; }
  void set_link_cast(bool broadcast, bool multicast) {
    record_->link_broadcast = broadcast;
    record_->link_multicast = multicast;
  }

  DeferredChecksum deferred_checksum() const { return record_->deferred; }
  // The checksum of everything from `start` on (an offset into the packet) is to be stored at
  // `start` + `offset`, where the pseudo header's sum is now.
  void defer_checksum(DeferredChecksum kind, size_t start, size_t offset);
  void clear_deferred() { record_->deferred = DeferredChecksum::none; }
  size_t checksum_start() const { return record_->checksum_start - record_->begin; }
  size_t checksum_offset() const { return record_->checksum_offset; }

  void set_tag(const void* type, uint64_t value);
  bool has_tags() const { return record_->tags != nullptr; }
  const uint64_t* tag(const void* type) const;
  void clear_tag(const void* type);
  // At a vnet boundary.
  void drop_tags() {
    if (record_->tags) [[unlikely]]
      free_tags();
  }

  PacketPool& pool() const { return *record_->pool; }

  // For events and intrusive queues: gives up the handle, and takes it back.
  PacketRecord* release() { return std::exchange(record_, nullptr); }
  static Packet adopt(PacketRecord* record) { return Packet(record); }
  // Asks the memory for what a packet's receiver touches first.
  static void fetch(const PacketRecord* record) {
    __builtin_prefetch(record->octets);
    __builtin_prefetch(record->octets->data() + record->begin);
  }

 private:
  friend class PacketPool;
  explicit Packet(PacketRecord* record) : record_(record) {}
  static void free_record(PacketRecord* record);
  void free_tags();
  void flatten();
  void unshare();
  void make_headroom(size_t count);
  void replace_front(size_t headroom, size_t length, bool with_tail);

  PacketRecord* record_ = nullptr;
};

// First in, first out, without allocation: the records are linked.
class PacketQueue {
 public:
  PacketQueue() = default;
  PacketQueue(PacketQueue&& other) noexcept { *this = std::move(other); }
  PacketQueue& operator=(PacketQueue&& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(last_, other.last_);
    std::swap(count_, other.count_);
    std::swap(octets_, other.octets_);
    return *this;
  }
  ~PacketQueue() { clear(); }
  void push(Packet packet);
  // All of the other queue, behind what is here.
  void append(PacketQueue&& other);
  Packet pop();  // an empty handle when there is none
  // Cuts octets off the front: whole packets, and a part of the next. Calls take(Bytes) for each
  // stretch first. Precondition: there are that many.
  template <class Take>
  void consume(size_t count, Take take);
  // Calls visit(Bytes) for the stretches of the first `count` octets.
  template <class Visit>
  void look(size_t count, Visit visit) const;
  bool empty() const { return head_ == nullptr; }
  size_t count() const { return count_; }
  size_t octets() const { return octets_; }
  void clear() {
    while (pop()) {
    }
  }

 private:
  PacketRecord* head_ = nullptr;
  PacketRecord* last_ = nullptr;
  size_t count_ = 0;
  size_t octets_ = 0;
};

template <class Visit>
void PacketQueue::look(size_t count, Visit visit) const {
  for (PacketRecord* at = head_; at && count > 0; at = at->next) {
    Packet packet = Packet::adopt(at);
    for (const Bytes part : {packet.front(), packet.tail()}) {
      const Bytes wanted = part.first(part.size() < count ? part.size() : count);
      if (!wanted.empty()) visit(wanted);
      count -= wanted.size();
    }
    packet.release();
  }
}

template <class Take>
void PacketQueue::consume(size_t count, Take take) {
  look(count, take);
  while (count > 0) {
    Packet packet = Packet::adopt(head_);
    const size_t size = packet.size();
    if (size > count) {
      packet.trim_front(count);
      octets_ -= count;
      packet.release();
      return;
    }
    packet.release();
    count -= size;
    pop();
  }
}

}  // namespace stackyard
