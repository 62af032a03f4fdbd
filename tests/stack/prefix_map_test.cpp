#include <catch2/catch.hpp>
#include <map>

#include "core/base/random.h"
#include "stack/net/prefix_map.h"
#include "stack/net/route_table.h"

using namespace stackyard;

namespace {

template <class Key>
Key mask(unsigned length) {
  return length == 0 ? Key(0) : Key(~Key(0)) << (sizeof(Key) * 8 - length);
}

// A map and a plain model of it, which are to agree on everything.
template <class Key>
struct Pair {
  static constexpr unsigned bits = sizeof(Key) * 8;
  PrefixMap<Key> map;
  std::map<std::pair<Key, unsigned>, uint32_t> model;

  void toggle(Key key, unsigned length, uint32_t value) {
    key &= mask<Key>(length);
    const auto found = model.find({key, length});
    if (found == model.end()) {
      CHECK(map.exact(key, length) == map.none);
      map.insert(key, length, value);
      model[{key, length}] = value;
    } else if (value % 4 == 0) {
      map.assign(key, length, value);
      found->second = value;
    } else {
      CHECK(map.exact(key, length) == found->second);
      map.erase(key, length);
      model.erase(found);
    }
  }
  uint32_t longest(Key key) const {
    for (int length = bits; length >= 0; --length) {
      const auto found = model.find({Key(key & mask<Key>(unsigned(length))), unsigned(length)});
      if (found != model.end()) return found->second;
    }
    return map.none;
  }
  void compare_all() const {
    REQUIRE(map.size() == model.size());
    auto expected = model.begin();
    map.for_each([&](Key key, unsigned length, uint32_t value) {
      REQUIRE(expected != model.end());
      CHECK((expected->first.first == key && expected->first.second == length &&
             expected->second == value));
      ++expected;
    });
  }
};

template <class Key>
void churn(uint64_t seed, int steps, unsigned high_bits, unsigned low_bits) {
  Pair<Key> pair;
  RandomStream random(seed, 0, "prefixes");
  // Few bits, so that prefixes nest.
  const auto key = [&] {
    const Key high = Key(random.below(uint64_t(1) << high_bits));
    const Key middle = Key(random.below(256)) << (Pair<Key>::bits / 2);
    return Key(high << (Pair<Key>::bits - high_bits) | middle |
               Key(random.below(uint64_t(1) << low_bits)));
  };
  for (int step = 0; step < steps; ++step) {
    const Key at = key();
    pair.toggle(at, unsigned(random.below(Pair<Key>::bits + 1)), uint32_t(random.next() >> 40));
    const Key probe = random.below(2) ? at : key();
    CHECK(pair.map.longest(probe) == pair.longest(probe));
    if (step % 5000 == 0) pair.compare_all();
  }
  pair.compare_all();
  while (!pair.model.empty()) {
    const auto first = pair.model.begin()->first;
    pair.map.erase(first.first, first.second);
    pair.model.erase(first);
    if (pair.model.size() % 500 < 20) {
      const Key probe = key();
      CHECK(pair.map.longest(probe) == pair.longest(probe));
    }
  }
  CHECK(pair.map.size() == 0);
}

}  // namespace

TEST_CASE("longest match equals a scan of all prefixes, through inserts and removals", "[lpm]") {
  churn<uint32_t>(1, 3000, 3, 2);     // around the size where a list becomes a trie
  churn<uint32_t>(2, 60'000, 10, 4);  // with the table in front
  churn<uint128>(3, 30'000, 10, 4);
  churn<uint128>(4, 3000, 3, 2);
}

TEST_CASE("a list and the trie that it grows into say the same at every size", "[lpm]") {
  for (unsigned count = 0; count < 40; ++count) {
    Pair<uint32_t> pair;
    for (unsigned i = 0; i < count; ++i) pair.toggle(i * 0x01234567u, 8 + i % 25, i * 4 + 1);
    pair.compare_all();
    for (unsigned i = 0; i < 50; ++i)
      CHECK(pair.map.longest(i * 0x01234567u) == pair.longest(i * 0x01234567u));
  }
}

TEST_CASE("prefixes that go the same way share their next hop, and give it back", "[lpm]") {
  RouteTable table;
  Route way;
  way.gateway = {0x0a000001};
  way.flags |= route_flag::gateway;
  for (uint32_t i = 0; i < 1000; ++i) REQUIRE(table.add({{i << 8}, 24}, way));
  way.gateway = {0x0a000002};
  REQUIRE(table.add({{0x7f000000}, 8}, way));
  int hops = 0;
  table.for_each_path([&](const Route& r) { hops += r.prefixes > 0; });
  CHECK(hops == 2);
  for (uint32_t i = 0; i < 1000; ++i) REQUIRE(table.remove({{i << 8}, 24}));
  hops = 0;
  table.for_each_path([&](const Route&) { ++hops; });
  CHECK(hops == 1);
  CHECK(table.add({{0x7f000000}, 8}, way).error() == Errno::eexist);
  CHECK(table.remove({{0x7f000000}, 9}).error() == Errno::esrch);
}

TEST_CASE("many next hops are found again by their content", "[lpm]") {
  RouteTable table;
  for (uint32_t i = 0; i < 500; ++i) {
    Route way;
    way.flags |= route_flag::gateway;
    way.gateway = {0x0a000000 + i};
    REQUIRE(table.add({{i << 16}, 16}, way));
    REQUIRE(table.add({{i << 16 | 0x100}, 24}, way));
  }
  int hops = 0;
  table.for_each_path([&](const Route& r) { hops += r.prefixes == 2; });
  CHECK(hops == 500);
  table.remove_if([](const Ipv4Prefix& p, const Route&) { return p.length == 16; },
                  [](const Ipv4Prefix&, const Route&) {});
  CHECK(table.size() == 500);
  CHECK(table.lookup({0x00050101})->gateway == Ipv4Address{0x0a000005});
  CHECK(table.lookup({0x00050201}) == nullptr);
}

TEST_CASE("a group's paths have slots by weight, and leave one by one", "[lpm][multipath]") {
  RouteTable table;
  Route way;
  way.flags |= route_flag::gateway;
  const Ipv4Prefix dest{{}, 0};
  for (uint32_t weight : {1u, 3u}) {
    way.gateway = {0x0a000000 + weight};
    way.weight = weight;
    REQUIRE(table.append(dest, way));
  }
  CHECK(table.append(dest, way).error() == Errno::eexist);
  std::map<uint32_t, int> shares;
  for (uint32_t flow = 0; flow < 4000; ++flow)
    ++shares[table.lookup({0x01010101}, [&] { return flow; })->gateway.value];
  CHECK(shares[0x0a000001] == 1000);
  CHECK(shares[0x0a000003] == 3000);
  // Another prefix with the same paths is in the same group.
  way.gateway = {0x0a000001};
  way.weight = 1;
  REQUIRE(table.append({{0x0b000000}, 8}, way));
  way.gateway = {0x0a000003};
  way.weight = 3;
  REQUIRE(table.append({{0x0b000000}, 8}, way));
  CHECK(table.group(dest) == table.group({{0x0b000000}, 8}));
  CHECK(table.group(dest)->prefixes == 2);
  REQUIRE(table.remove_path(dest, *table.paths(dest)[1]));
  CHECK(table.group(dest) == nullptr);
  CHECK(table.lookup({0x01010101}, [] { return 3u; })->gateway.value == 0x0a000001);
  REQUIRE(table.remove(dest));
  REQUIRE(table.remove({{0x0b000000}, 8}));
  int hops = 0;
  table.for_each_path([&](const Route&) { ++hops; });
  CHECK(hops == 0);
}
