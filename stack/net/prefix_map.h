// stack/net/prefix_map.h - longest-prefix match: a short list, which grows into a trie.
//
// The trie's nodes look at six bits each and are two bitmaps (the tree bitmap of Eatherton,
// Varghese and Dittia, 2004): of the prefixes that end in the node, and of its children. Children
// and values of a node stand beside one another in pools, so a prefix costs some 20 octets. A large
// trie has a table of the first 16 bits in front.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/check.h"

namespace stackyard {

namespace detail {

// Not std::popcount: without the instruction it is a call.
constexpr unsigned ones(uint64_t x) {
  x -= x >> 1 & 0x5555555555555555;
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return unsigned(x * 0x0101010101010101 >> 56);
}
constexpr uint64_t bit(unsigned index) { return uint64_t(1) << index; }
// Of `map`, those before `index`.
constexpr unsigned rank(uint64_t map, unsigned index) { return ones(map & (bit(index) - 1)); }

// Runs of up to 64 items in one vector; freed ones are kept by size.
template <class Item>
class RunPool {
 public:
  static constexpr uint32_t nil = UINT32_MAX;
  RunPool() { free_.fill(nil); }
  Item& operator[](size_t at) { return items_[at]; }
  const Item& operator[](size_t at) const { return items_[at]; }
  const Item* data() const { return items_.data(); }
  uint32_t take(unsigned count) {
    const uint32_t found = free_[count];
    if (found != nil) {
      free_[count] = link(found);
      idle_ -= count;
      return found;
    }
    const size_t at = items_.size();
    // By an eighth, not by two: a full table is most of its process's memory.
    if (at + count > items_.capacity()) items_.reserve(at + at / 8 + 64);
    items_.resize(at + count);
    return uint32_t(at);
  }
  void give(uint32_t at, unsigned count) {
    if (count == 0) return;
    link(at) = free_[count];
    free_[count] = at;
    idle_ += count;
  }
  // A new item at `index` of a run of `count`: gives where the run is now.
  uint32_t widen(uint32_t run, unsigned count, unsigned index, const Item& item) {
    const uint32_t wider = take(count + 1);
    for (unsigned i = 0; i <= count; ++i)
      items_[wider + i] = i < index ? items_[run + i] : i == index ? item : items_[run + i - 1];
    give(run, count);
    return wider;
  }
  // The last place of the run is free then.
  void narrow(uint32_t run, unsigned count, unsigned index) {
    for (unsigned i = index; i + 1 < count; ++i) items_[run + i] = items_[run + i + 1];
    give(run + count - 1, 1);
  }
  bool wasteful() const { return idle_ > 1024 && idle_ > items_.size() / 5; }
  size_t octets() const { return items_.capacity() * sizeof(Item); }

 private:
  uint32_t& link(uint32_t at) {
    if constexpr (requires { items_[at].first_child; })
      return items_[at].first_child;
    else
      return items_[at];
  }
  std::vector<Item> items_;
  std::array<uint32_t, 65> free_;
  size_t idle_ = 0;
};

template <class Key>
class BitmapTrie {
 public:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr unsigned bits = sizeof(Key) * 8;

  BitmapTrie() { (void)nodes_.take(1); }

  uint32_t longest(Key key) const {
    if (!fronts_.empty()) {
      const Front& front = fronts_[size_t(key >> (bits - 16))];
      return front.node == none ? front.value : descend(key, front.node, front_level, front.value);
    }
    Recent& recent = recent_[place(key)];
    if (recent.key != key || recent.value == unknown) recent = {key, descend(key, 0, 0, none)};
    return recent.value;
  }

  // Of the longest prefix that holds `key`; -1: none does.
  int longest_length(Key key) const {
    int length = -1;
    uint32_t at = 0;
    for (unsigned level = 0;; ++level) {
      const Node& node = nodes_[at];
      const unsigned c = chunk(key, level);
      // A bit's place in the heap tells how many bits of the node it has seen.
      const uint64_t hits = node.prefixes & above[c];
      if (hits) length = int(level * 6 + unsigned(std::bit_width(last(hits))) - 1) - 2;
      if (!(node.children >> c & 1)) return length;
      at = node.first_child + rank(node.children, c);
    }
  }

  uint32_t* find(Key key, unsigned length) {
    const Place place(key, length);
    uint32_t at = 0;
    for (unsigned level = 0; level < place.level; ++level) {
      const unsigned c = chunk(key, level);
      if (!(nodes_[at].children >> c & 1)) return nullptr;
      at = nodes_[at].first_child + rank(nodes_[at].children, c);
    }
    Node& node = nodes_[at];
    if (!(node.prefixes >> place.index & 1)) return nullptr;
    if (has_one(node)) return &node.first_value;
    return &values_[node.first_value + rank(node.prefixes, place.index)];
  }

  void insert(Key key, unsigned length, uint32_t value) {
    const Place place(key, length);
    uint32_t at = 0;
    bool front_moved = false;
    for (unsigned level = 0; level < place.level; ++level) {
      const unsigned c = chunk(key, level);
      const uint64_t children = nodes_[at].children;
      if (!(children >> c & 1)) {
        const uint32_t moved =
            nodes_.widen(nodes_[at].first_child, ones(children), rank(children, c), Node());
        nodes_[at].first_child = moved;
        nodes_[at].children |= bit(c);
        front_moved |= level < front_level;
      }
      at = nodes_[at].first_child + rank(nodes_[at].children, c);
    }
    add_value(nodes_[at], place.index, value);
    ++size_;
    settle(key, length, front_moved);
  }

  void assign(Key key, unsigned length, uint32_t value) {
    uint32_t* found = find(key, length);
    check(found, "a prefix that is there");
    *found = value;
    settle(key, length, false);
  }

  void erase(Key key, unsigned length) {
    const Place place(key, length);
    uint32_t path[bits / 6 + 2];
    path[0] = 0;
    for (unsigned level = 0; level < place.level; ++level) {
      const Node& node = nodes_[path[level]];
      path[level + 1] = node.first_child + rank(node.children, chunk(key, level));
    }
    remove_value(nodes_[path[place.level]], place.index);
    bool front_moved = false;
    for (unsigned level = place.level; level > 0; --level) {
      const Node& empty = nodes_[path[level]];
      if (empty.prefixes || empty.children) break;
      Node& parent = nodes_[path[level - 1]];
      const unsigned c = chunk(key, level - 1);
      nodes_.narrow(parent.first_child, ones(parent.children), rank(parent.children, c));
      parent.children &= ~bit(c);
      front_moved |= level <= front_level;
    }
    --size_;
    settle(key, length, front_moved);
  }

  // By key, then length.
  template <class Visit>
  void for_each(Visit visit) const {
    visit_node(0, 0, Key(0), visit);
  }
  size_t size() const { return size_; }
  size_t octets() const {
    return sizeof *this + nodes_.octets() + values_.octets() + fronts_.capacity() * sizeof(Front);
  }

 private:
  struct Node {
    uint64_t prefixes = 0;  // bit 1: the shortest that ends here, 2 and 3 the next, ... (a heap)
    uint64_t children = 0;
    uint32_t first_child = 0;
    uint32_t first_value = 0;  // of a single prefix: its value itself
  };
  static_assert(sizeof(Node) == 24);
  // What the first 16 bits lead to: a node of the fourth level, and the best value before it.
  struct Front {
    uint32_t node = none, value = none;
  };
  static constexpr unsigned front_level = 3;
  // What was found for a key: a smaller trie than that is walked from its root, whose nodes are as
  // many misses of the cache, and most of its packets go to a few destinations.
  static constexpr uint32_t unknown = none - 1;
  struct Recent {
    Key key = 0;
    uint32_t value = unknown;
  };
  static constexpr unsigned recent_bits = 6;
  static size_t place(Key key) {
    uint64_t folded = uint64_t(key);
    if constexpr (sizeof key > 8) folded ^= uint64_t(key >> 64);
    return size_t(folded * 0x9e3779b97f4a7c15 >> (64 - recent_bits));
  }
  static constexpr size_t front_worthwhile = 4096;  // prefixes

  // The first node sees four bits only, so that the fourth begins at bit 16 and the common lengths
  // of the global tables (24; 32 and 48) end well inside a node.
  static constexpr unsigned chunk(Key key, unsigned level) {
    const int shift = int(bits) - 4 - 6 * int(level);
    return unsigned(shift >= 0 ? key >> shift : key << -shift) & 63;
  }
  struct Place {  // of a prefix
    Place(Key key, unsigned length)
        : level((length + 2) / 6),
          index((1u << (length + 2) % 6) | chunk(key, level) >> (6 - (length + 2) % 6)) {}
    unsigned level, index;
  };
  // Of a chunk, the bits of all prefixes that hold it.
  static constexpr std::array<uint64_t, 64> above = [] {
    std::array<uint64_t, 64> all{};
    for (unsigned c = 0; c < 64; ++c)
      for (unsigned l = 0; l < 6; ++l) all[c] |= bit((1u << l) | c >> (6 - l));
    return all;
  }();
  static unsigned last(uint64_t map) { return 63 - unsigned(std::countl_zero(map)); }

  // The value of the longest prefix from this node on; `best` if there is none.
  uint32_t descend(Key key, uint32_t from, unsigned level, uint32_t best) const {
    const Node* node = nodes_.data() + from;
    const Node* owner = nullptr;
    uint64_t hits = 0;
    for (;; ++level) {
      const unsigned c = chunk(key, level);
      const uint64_t here = node->prefixes & above[c];
      if (here) {
        owner = node;
        hits = here;
      }
      if (!(node->children >> c & 1)) break;
      node = nodes_.data() + node->first_child + rank(node->children, c);
    }
    return owner ? value_at(*owner, last(hits)) : best;
  }

  static bool has_one(const Node& node) { return (node.prefixes & (node.prefixes - 1)) == 0; }
  uint32_t value_at(const Node& node, unsigned index) const {
    if (has_one(node)) return node.first_value;
    return values_[node.first_value + rank(node.prefixes, index)];
  }
  void add_value(Node& node, unsigned index, uint32_t value) {
    const unsigned count = ones(node.prefixes), at = rank(node.prefixes, index);
    if (count == 0) {
      node.first_value = value;
    } else if (count == 1) {
      const uint32_t run = values_.take(2);
      values_[run + at] = value;
      values_[run + 1 - at] = node.first_value;
      node.first_value = run;
    } else {
      node.first_value = values_.widen(node.first_value, count, at, value);
    }
    node.prefixes |= bit(index);
  }
  void remove_value(Node& node, unsigned index) {
    const unsigned count = ones(node.prefixes), at = rank(node.prefixes, index);
    if (count == 2) {
      const uint32_t run = node.first_value;
      node.first_value = values_[run + 1 - at];
      values_.give(run, 2);
    } else if (count > 2) {
      values_.narrow(node.first_value, count, at);
    }
    node.prefixes &= ~bit(index);
  }

  void settle(Key key, unsigned length, bool front_moved) {
    if (fronts_.empty()) recent_.fill({});  // else nobody has looked there
    if (nodes_.wasteful() || values_.wasteful()) {
      compact();
      return build_front();
    }
    if (fronts_.empty()) {
      if (size_ >= front_worthwhile) build_front();
      return;
    }
    const size_t first = size_t(key >> (bits - 16));
    if (length < 16) refresh_front(first, size_t(1) << (16 - length));
    // All below one parent may have moved with it: its first ten bits are theirs, and a new
    // parent's kin may have, too: four bits.
    if (front_moved) refresh_front(first & ~size_t(0xfff), 0x1000);
  }
  void build_front() {
    fronts_.clear();
    if (size_ < front_worthwhile / 2) {
      fronts_.shrink_to_fit();
      return recent_.fill({});
    }
    fronts_.resize(65536);
    refresh_front(0, 65536);
  }
  void refresh_front(size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      const Key key = Key(i) << (bits - 16);
      Front front;
      uint32_t at = 0;
      for (unsigned level = 0; level < front_level; ++level) {
        const Node& node = nodes_[at];
        const unsigned c = chunk(key, level);
        const uint64_t hits = node.prefixes & above[c];
        if (hits) front.value = value_at(node, last(hits));
        if (!(node.children >> c & 1)) break;
        at = node.first_child + rank(node.children, c);
        if (level + 1 == front_level) front.node = at;
      }
      fronts_[i] = front;
    }
  }

  // Anew and without gaps, a node's children near it.
  void compact() {
    RunPool<Node> nodes;
    RunPool<uint32_t> values;
    (void)nodes.take(1);
    copy_node(nodes, values, 0, 0);
    nodes_ = std::move(nodes);
    values_ = std::move(values);
  }
  void copy_node(RunPool<Node>& nodes, RunPool<uint32_t>& values, uint32_t from,
                 uint32_t to) const {
    Node node = nodes_[from];
    const unsigned children = ones(node.children), own = ones(node.prefixes);
    const uint32_t first_child = node.first_child, first_value = node.first_value;
    if (own > 1) {
      node.first_value = values.take(own);
      for (unsigned i = 0; i < own; ++i) values[node.first_value + i] = values_[first_value + i];
    }
    if (children) node.first_child = nodes.take(children);
    nodes[to] = node;
    for (unsigned i = 0; i < children; ++i)
      copy_node(nodes, values, first_child + i, node.first_child + i);
  }

  template <class Visit>
  void visit_node(uint32_t at, unsigned level, Key key, Visit& visit) const {
    const Node node = nodes_[at];
    for (unsigned c = 0; c < 64; ++c) {
      const int shift = int(bits) - 4 - 6 * int(level);
      if (shift < 0 && c & ((1u << -shift) - 1)) continue;
      const Key here = key | (shift >= 0 ? Key(c) << shift : Key(c >> -shift));
      for (unsigned l = 0; l < 6; ++l) {
        const unsigned index = (1u << l) | c >> (6 - l);
        if (c & ((1u << (6 - l)) - 1) || !(node.prefixes >> index & 1)) continue;
        visit(here, level * 6 + l - 2, value_at(node, index));
      }
      if (node.children >> c & 1)
        visit_node(node.first_child + rank(node.children, c), level + 1, here, visit);
      if (level == 0 && c == 15) return;
    }
  }

  RunPool<Node> nodes_;
  RunPool<uint32_t> values_;
  std::vector<Front> fronts_;  // by the first 16 bits; empty: not worthwhile
  mutable std::array<Recent, size_t(1) << recent_bits> recent_{};  // unless there are fronts
  size_t size_ = 0;
};

}  // namespace detail

// Maps prefixes of `Key` (an unsigned integer, most significant bit first) to numbers. Keys have no
// bits beyond their length.
template <class Key>
class PrefixMap {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  // The value of the longest prefix that holds `key`.
  uint32_t longest(Key key) const {
    if (trie_) return trie_->longest(key);
    for (const Entry& e : list_)
      if (((key ^ e.key) & mask(e.length)) == 0) return e.value;
    return none;
  }
  // Of that prefix; -1: there is none.
  int longest_length(Key key) const {
    if (trie_) return trie_->longest_length(key);
    for (const Entry& e : list_)
      if (((key ^ e.key) & mask(e.length)) == 0) return e.length;
    return -1;
  }
  uint32_t exact(Key key, unsigned length) const {
    const uint32_t* found = const_cast<PrefixMap*>(this)->find(key, length);
    return found ? *found : none;
  }
  // Precondition: the prefix is not there.
  void insert(Key key, unsigned length, uint32_t value) {
    if (trie_) return trie_->insert(key, length, value);
    const Entry entry{key, value, uint8_t(length)};
    list_.insert(std::upper_bound(list_.begin(), list_.end(), entry, before), entry);
    if (list_.size() <= list_max) return;
    trie_ = std::make_unique<detail::BitmapTrie<Key>>();
    for (const Entry& e : list_) trie_->insert(e.key, e.length, e.value);
    list_ = {};
  }
  // Precondition: it is there, as in the next.
  void assign(Key key, unsigned length, uint32_t value) {
    if (trie_) return trie_->assign(key, length, value);
    uint32_t* found = find(key, length);
    check(found, "a prefix that is there");
    *found = value;
  }
  void erase(Key key, unsigned length) {
    check(find(key, length), "a prefix that is there");
    if (!trie_) {
      std::erase_if(list_, [&](const Entry& e) { return e.key == key && e.length == length; });
      return;
    }
    trie_->erase(key, length);
    if (trie_->size() > list_max / 2) return;
    for_each([this](Key k, unsigned l, uint32_t v) { list_.push_back({k, v, uint8_t(l)}); });
    std::sort(list_.begin(), list_.end(), before);
    trie_.reset();
  }
  // By key, then length. The map is left alone meanwhile.
  template <class Visit>
  void for_each(Visit visit) const {
    if (trie_) return trie_->for_each(visit);
    std::vector<Entry> sorted(list_);
    std::sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) {
      return a.key != b.key ? a.key < b.key : a.length < b.length;
    });
    for (const Entry& e : sorted) visit(e.key, unsigned(e.length), e.value);
  }
  size_t size() const { return trie_ ? trie_->size() : list_.size(); }
  size_t octets() const {
    return trie_ ? trie_->octets() : sizeof *this + list_.capacity() * sizeof(Entry);
  }

 private:
  static constexpr size_t list_max = 16;
  struct Entry {
    Key key;
    uint32_t value;
    uint8_t length;
  };
  // The longest first.
  static bool before(const Entry& a, const Entry& b) {
    return a.length != b.length ? a.length > b.length : a.key < b.key;
  }
  static Key mask(unsigned length) {
    return length == 0 ? Key(0) : Key(~Key(0)) << (sizeof(Key) * 8 - length);
  }
  uint32_t* find(Key key, unsigned length) {
    if (trie_) return trie_->find(key, length);
    for (Entry& e : list_)
      if (e.key == key && e.length == length) return &e.value;
    return nullptr;
  }

  std::vector<Entry> list_;
  std::unique_ptr<detail::BitmapTrie<Key>> trie_;  // once the list is too long
};

}  // namespace stackyard
