#include "core/packet/packet.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "core/packet/packet_pool.h"

namespace stackyard {

// --- PacketPool --------------------------------------------------------------------------------

PacketPool::~PacketPool() {
  for (Octets* list : free_octets_) {
    while (list) std::free(std::exchange(list, list->next_free));
  }
  for (void* block : blocks_) std::free(block);
}

PacketRecord* PacketPool::take_record() {
  if (!free_records_) {
    constexpr size_t count = 64;
    auto* block = static_cast<PacketRecord*>(std::malloc(count * sizeof(PacketRecord)));
    check(block != nullptr, "memory for packets");
    blocks_.push_back(block);
    for (size_t i = count; i > 0; --i) {
      auto* record = new (&block[i - 1]) PacketRecord;
      record->next = free_records_;
      free_records_ = record;
    }
  }
  PacketRecord* record = free_records_;
  free_records_ = record->next;
  *record = PacketRecord{};
  record->pool = this;
  ++records_in_use_;
  return record;
}

void PacketPool::give_back(PacketRecord* record) {
  record->next = free_records_;
  free_records_ = record;
  --records_in_use_;
}

Octets* PacketPool::take_octets(size_t capacity) {
  uint32_t size_class = 0;
  while (class_sizes[size_class] != 0 && class_sizes[size_class] < capacity) ++size_class;
  Octets*& list = free_octets_[size_class];
  Octets* octets = list;
  if (octets && class_sizes[size_class] != 0) {
    list = octets->next_free;
  } else {
    const size_t size = class_sizes[size_class] ? class_sizes[size_class] : capacity;
    octets = static_cast<Octets*>(std::malloc(sizeof(Octets) + size));
    check(octets != nullptr, "memory for octets");
    octets->capacity = uint32_t(size);
    octets->size_class = size_class;
  }
  octets->pool = this;
  octets->references = 1;
  return octets;
}

void PacketPool::release(Octets* octets) {
  if (--octets->references > 0) return;
  PacketPool& pool = *octets->pool;
  if (class_sizes[octets->size_class] == 0) {
    std::free(octets);
    return;
  }
  octets->next_free = pool.free_octets_[octets->size_class];
  pool.free_octets_[octets->size_class] = octets;
}

PacketTag* PacketPool::take_tag() {
  if (!free_tags_) {
    constexpr size_t count = 64;
    auto* block = static_cast<PacketTag*>(std::malloc(count * sizeof(PacketTag)));
    check(block != nullptr, "memory for tags");
    blocks_.push_back(block);
    for (size_t i = 0; i < count; ++i) give_back(new (&block[i]) PacketTag{});
  }
  PacketTag* tag = free_tags_;
  free_tags_ = tag->next;
  return tag;
}

void PacketPool::give_back(PacketTag* tag) {
  tag->next = free_tags_;
  free_tags_ = tag;
}

Packet PacketPool::make(PacketId id, size_t length, size_t room) {
  PacketRecord* record = take_record();
  record->octets = take_octets(room + length);
  record->begin = uint32_t(room);
  record->length = uint32_t(length);
  record->id = id;
  return Packet(record);
}

Packet PacketPool::make(PacketId id, Bytes octets) {
  Packet packet = make(id, octets.size());
  if (!octets.empty()) std::memcpy(packet.writable_front().data(), octets.data(), octets.size());
  return packet;
}

// --- Packet ------------------------------------------------------------------------------------

void Packet::free_record(PacketRecord* record) {
  PacketPool::release(record->octets);
  if (record->tail) PacketPool::release(record->tail);
  while (PacketTag* tag = record->tags) {
    record->tags = tag->next;
    record->pool->give_back(tag);
  }
  record->pool->give_back(record);
}

// Moves the front (and the tail, if wanted) to fresh octets of our own. Absolute positions, such
// as that of a deferred checksum, move with the front.
void Packet::replace_front(size_t headroom, size_t length, bool with_tail) {
  PacketRecord& r = *record_;
  Octets* fresh = r.pool->take_octets(headroom + length);
  std::memcpy(fresh->data() + headroom, r.octets->data() + r.begin, r.length);
  if (with_tail) {
    std::memcpy(fresh->data() + headroom + r.length, r.tail->data() + r.tail_begin, r.tail_length);
    r.length += r.tail_length;
    PacketPool::release(r.tail);
    r.tail = nullptr;
    r.tail_length = 0;
  }
  PacketPool::release(r.octets);
  r.octets = fresh;
  r.checksum_start = uint32_t(r.checksum_start - r.begin + headroom);
  r.begin = uint32_t(headroom);
}

void Packet::flatten() { replace_front(PacketPool::headroom, size(), true); }

void Packet::unshare() { replace_front(record_->begin, record_->length, false); }

void Packet::make_headroom(size_t count) {
  replace_front(PacketPool::headroom + count, record_->length, false);
}

void Packet::trim_front(size_t count) {
  PacketRecord& r = *record_;
  check(count <= size(), "no more is cut off than there is");
  const size_t of_front = std::min<size_t>(count, r.length);
  r.begin += uint32_t(of_front);
  r.length -= uint32_t(of_front);
  if (count == of_front) return;
  r.tail_begin += uint32_t(count - of_front);
  r.tail_length -= uint32_t(count - of_front);
}

void Packet::trim_to(size_t size) {
  PacketRecord& r = *record_;
  check(size <= this->size(), "trimming does not lengthen");
  if (size >= r.length) {
    r.tail_length = uint32_t(size - r.length);
  } else {
    r.length = uint32_t(size);
    r.tail_length = 0;
  }
  if (r.tail && r.tail_length == 0) {
    PacketPool::release(r.tail);
    r.tail = nullptr;
  }
}

void Packet::append(Bytes more) {
  if (record_->tail) flatten();
  PacketRecord& r = *record_;
  if (r.octets->references > 1 || r.begin + r.length + more.size() > r.octets->capacity)
    replace_front(r.begin, r.length + more.size(), false);
  if (!more.empty()) std::memcpy(r.octets->data() + r.begin + r.length, more.data(), more.size());
  r.length += uint32_t(more.size());
}

Packet Packet::clone() const {
  PacketRecord* copy = record_->pool->take_record();
  *copy = *record_;
  copy->next = nullptr;
  copy->tags = nullptr;
  ++copy->octets->references;
  if (copy->tail) ++copy->tail->references;
  Packet packet(copy);
  for (const PacketTag* tag = record_->tags; tag; tag = tag->next)
    packet.set_tag(tag->type, tag->value);
  return packet;
}

void Packet::share_tail(Packet& source, size_t from, size_t length) {
  check(record_->tail == nullptr, "one tail");
  source.octets();
  PacketRecord& s = *source.record_;
  check(from + length <= s.length, "a slice of what is there");
  ++s.octets->references;
  record_->tail = s.octets;
  record_->tail_begin = uint32_t(s.begin + from);
  record_->tail_length = uint32_t(length);
}

void Packet::share_tail(const SharedOctets& source, size_t from, size_t length) {
  check(record_->tail == nullptr, "one tail");
  check(from + length <= source.size(), "a slice of what is there");
  ++source.octets_->references;
  record_->tail = source.octets_;
  record_->tail_begin = uint32_t(source.begin_ + from);
  record_->tail_length = uint32_t(length);
}

void Packet::rehome_in_place(PacketRecord* record, PacketPool& pool) {
  PacketRecord& r = *record;
  if (&pool == r.pool) return;
  if (r.tail) {
    Packet packet(record);
    packet.flatten();
    packet.release();
  }
  if (r.octets->references > 1) {
    Octets* copy = pool.take_octets(r.octets->capacity);
    std::memcpy(copy->data() + r.begin, r.octets->data() + r.begin, r.length);
    PacketPool::release(r.octets);
    r.octets = copy;
  } else {
    r.octets->pool = &pool;
  }
  PacketTag* tags = std::exchange(r.tags, nullptr);
  --r.pool->records_in_use_;
  ++pool.records_in_use_;
  PacketPool& old_pool = *r.pool;
  r.pool = &pool;
  Packet packet(record);
  while (tags) {
    packet.set_tag(tags->type, tags->value);
    old_pool.give_back(std::exchange(tags, tags->next));
  }
  packet.release();
}

void Packet::defer_checksum(DeferredChecksum kind, size_t start, size_t offset) {
  record_->deferred = kind;
  record_->checksum_start = uint32_t(record_->begin + start);
  record_->checksum_offset = uint16_t(offset);
}

void Packet::set_tag(const void* type, uint64_t value) {
  for (PacketTag* tag = record_->tags; tag; tag = tag->next) {
    if (tag->type == type) {
      tag->value = value;
      return;
    }
  }
  PacketTag* tag = record_->pool->take_tag();
  *tag = {type, value, record_->tags};
  record_->tags = tag;
}

const uint64_t* Packet::tag(const void* type) const {
  for (const PacketTag* tag = record_->tags; tag; tag = tag->next)
    if (tag->type == type) return &tag->value;
  return nullptr;
}

void Packet::clear_tag(const void* type) {
  for (PacketTag** at = &record_->tags; *at; at = &(*at)->next) {
    if ((*at)->type != type) continue;
    record_->pool->give_back(std::exchange(*at, (*at)->next));
    return;
  }
}

void Packet::free_tags() {
  while (PacketTag* tag = record_->tags) {
    record_->tags = tag->next;
    record_->pool->give_back(tag);
  }
}

// --- SharedOctets ------------------------------------------------------------------------------

SharedOctets SharedOctets::make(PacketPool& pool, size_t capacity) {
  return SharedOctets(pool.take_octets(capacity));
}

void SharedOctets::append(Bytes more) {
  check(more.size() <= room(), "octets fit where they are appended");
  if (!more.empty()) std::memcpy(octets_->data() + end_, more.data(), more.size());
  end_ += uint32_t(more.size());
}

void SharedOctets::release() {
  if (octets_) PacketPool::release(octets_);
}

// --- PacketQueue -------------------------------------------------------------------------------

void PacketQueue::push(Packet packet) {
  ++count_;
  octets_ += packet.size();
  PacketRecord* record = packet.release();
  record->next = nullptr;
  (last_ ? last_->next : head_) = record;
  last_ = record;
}

void PacketQueue::append(PacketQueue&& other) {
  if (!other.head_) return;
  (last_ ? last_->next : head_) = std::exchange(other.head_, nullptr);
  last_ = std::exchange(other.last_, nullptr);
  count_ += std::exchange(other.count_, 0);
  octets_ += std::exchange(other.octets_, 0);
}

Packet PacketQueue::pop() {
  if (!head_) return {};
  PacketRecord* record = head_;
  head_ = record->next;
  if (!head_) last_ = nullptr;
  Packet packet = Packet::adopt(record);
  --count_;
  octets_ -= packet.size();
  return packet;
}

}  // namespace stackyard
