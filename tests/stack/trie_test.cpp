#include <catch2/catch.hpp>
#include <map>

#include "core/base/random.h"
#include "stack/net/prefix_trie.h"

using namespace stackyard;

TEST_CASE("longest match equals a scan of all prefixes, through inserts and removals") {
  PrefixTrie<uint32_t> trie;
  std::map<std::pair<uint32_t, unsigned>, int32_t> model;
  RandomStream random(5, 0, "trie");
  const auto mask = [](unsigned length) { return length == 0 ? 0u : ~0u << (32 - length); };
  for (int step = 0; step < 20'000; ++step) {
    const unsigned length = unsigned(random.below(33));
    // Few high bits, so that prefixes nest.
    const uint32_t key = uint32_t(random.below(64) << 26 | random.below(16)) & mask(length);
    const auto found = model.find({key, length});
    if (found == model.end()) {
      trie.insert(key, length, step);
      model[{key, length}] = step;
    } else {
      CHECK(trie.exact(key, length) == found->second);
      trie.erase(key, length);
      model.erase(found);
    }
    if (step % 20 != 0) continue;
    const uint32_t probe = uint32_t(random.below(64) << 26 | random.below(16));
    int32_t best = -1;
    int best_length = -1;
    for (const auto& [prefix, value] : model)
      if ((probe & mask(prefix.second)) == prefix.first && int(prefix.second) > best_length) {
        best = value;
        best_length = int(prefix.second);
      }
    CHECK(trie.longest(probe) == best);
  }
}
