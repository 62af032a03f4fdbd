// stack/net/prefix_trie.h - longest-prefix match: a binary trie with compressed paths.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/check.h"

namespace stackyard {

// Maps prefixes of `Key` (an unsigned integer, most significant bit first) to numbers >= 0. At most
// two nodes a prefix; a lookup visits at most one node for each length on its path.
template <class Key>
class PrefixTrie {
 public:
  static constexpr unsigned bits = sizeof(Key) * 8;
  static constexpr int32_t none = -1;

  // The value of the longest prefix that holds `key`.
  int32_t longest(Key key) const {
    int32_t best = none;
    for (uint32_t at = root_; at != nil;) {
      const Node& node = nodes_[at];
      if (((key ^ node.key) & mask(node.length)) != 0) break;
      if (node.value != none) best = node.value;
      if (node.length == bits) break;
      at = node.child[bit(key, node.length)];
    }
    return best;
  }

  int32_t exact(Key key, unsigned length) const {
    for (uint32_t at = root_; at != nil;) {
      const Node& node = nodes_[at];
      if (node.length > length || ((key ^ node.key) & mask(node.length)) != 0) return none;
      if (node.length == length) return node.value;
      at = node.child[bit(key, node.length)];
    }
    return none;
  }

  // Precondition: the prefix has no value yet.
  void insert(Key key, unsigned length, int32_t value) {
    key &= mask(length);
    uint32_t* link = &root_;
    while (*link != nil) {
      Node& node = nodes_[*link];
      const unsigned common = common_length(key, node.key, length, node.length);
      if (common < node.length) {
        split(link, key, length, common, value);
        return;
      }
      if (node.length == length) {
        check(node.value == none, "a prefix is inserted once");
        node.value = value;
        return;
      }
      link = &node.child[bit(key, node.length)];
    }
    const uint32_t fresh = take(key, length, value);  // may move the nodes, and *link with them
    *relink(key, length) = fresh;
  }

  void erase(Key key, unsigned length) {
    key &= mask(length);
    uint32_t* path[bits + 2];
    size_t depth = 0;
    path[depth] = &root_;
    while (*path[depth] != nil && nodes_[*path[depth]].length < length) {
      Node& node = nodes_[*path[depth]];
      path[++depth] = &node.child[bit(key, node.length)];
    }
    check(*path[depth] != nil && nodes_[*path[depth]].key == key, "a prefix that is there");
    nodes_[*path[depth]].value = none;
    // A node without a value that does not branch has no reason to be.
    for (;; --depth) {
      const uint32_t at = *path[depth];
      Node& node = nodes_[at];
      if (node.value != none || (node.child[0] != nil && node.child[1] != nil)) return;
      *path[depth] = node.child[0] != nil ? node.child[0] : node.child[1];
      node.child[0] = free_;
      free_ = at;
      if (depth == 0) return;
    }
  }

 private:
  static constexpr uint32_t nil = 0xffffffff;
  struct Node {
    Key key;
    uint32_t child[2];
    int32_t value;
    uint8_t length;
  };

  static Key mask(unsigned length) {
    return length == 0 ? Key(0) : Key(~Key(0)) << (bits - length);
  }
  static unsigned bit(Key key, unsigned index) { return unsigned(key >> (bits - 1 - index)) & 1; }
  static unsigned common_length(Key a, Key b, unsigned a_length, unsigned b_length) {
    const unsigned most = a_length < b_length ? a_length : b_length;
    unsigned length = 0;
    while (length < most && bit(a, length) == bit(b, length)) ++length;
    return length;
  }

  uint32_t take(Key key, unsigned length, int32_t value) {
    uint32_t at = free_;
    if (at == nil) {
      at = uint32_t(nodes_.size());
      nodes_.emplace_back();
    } else {
      free_ = nodes_[at].child[0];
    }
    nodes_[at] = {key, {nil, nil}, value, uint8_t(length)};
    return at;
  }
  // The link where a new leaf for this prefix belongs.
  uint32_t* relink(Key key, unsigned length) {
    uint32_t* link = &root_;
    while (*link != nil && nodes_[*link].length < length)
      link = &nodes_[*link].child[bit(key, nodes_[*link].length)];
    return link;
  }
  // Puts a node for the common part above the one at *link, and the new prefix beside or at it.
  void split(uint32_t* link, Key key, unsigned length, unsigned common, int32_t value) {
    const uint32_t old = *link;
    const Key old_key = nodes_[old].key;
    // `link` may be inside nodes_, which can move: remember where it is by its owner.
    const bool at_root = link == &root_;
    const size_t offset =
        at_root ? 0
                : size_t(reinterpret_cast<char*>(link) - reinterpret_cast<char*>(nodes_.data()));
    const bool ends_here = common == length;
    const uint32_t upper = take(key & mask(common), common, ends_here ? value : none);
    const uint32_t leaf = ends_here ? nil : take(key, length, value);
    nodes_[upper].child[bit(old_key, common)] = old;
    if (leaf != nil) nodes_[upper].child[bit(key, common)] = leaf;
    uint32_t* moved =
        at_root ? &root_
                : reinterpret_cast<uint32_t*>(reinterpret_cast<char*>(nodes_.data()) + offset);
    *moved = upper;
  }

  std::vector<Node> nodes_;
  uint32_t root_ = nil;
  uint32_t free_ = nil;
};

}  // namespace stackyard
