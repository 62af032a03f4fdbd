// bench/lpm.cpp - longest-prefix match with tables as large as the Internet's.
//
// usage: lpm v4|v6. Prefixes are synthetic: random, but as many of each length as the global table
// has. Prints "lookups_m N" (millions a second), "octets N" (a prefix) and "updates_k N".
#include <chrono>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "stack/net/route_table.h"

using namespace stackyard;

namespace {

struct Share {
  unsigned length, of_million;
};
// Of potaroo.net's and RIPE RIS's reports of 2024, rounded.
constexpr Share shares4[] = {{8, 16},       {9, 13},      {10, 40},     {11, 100},    {12, 300},
                             {13, 600},     {14, 1200},   {15, 2100},   {16, 14'000}, {17, 8500},
                             {18, 14'000},  {19, 25'000}, {20, 45'000}, {21, 52'000}, {22, 112'000},
                             {23, 103'000}, {24, 622'131}};
constexpr Share shares6[] = {{20, 50},      {24, 500},     {28, 3000},    {29, 25'000},
                             {30, 4000},    {32, 130'000}, {33, 15'000},  {34, 14'000},
                             {36, 50'000},  {38, 14'000},  {40, 105'000}, {42, 20'000},
                             {44, 110'000}, {46, 37'000},  {47, 12'450},  {48, 460'000}};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Ipv4Address random_address(RandomStream& random, const std::vector<Ipv4Prefix>&, unsigned) {
  return {(1u << 24) + uint32_t(random.below((224u - 1) << 24))};
}
// What is longer than an allocation is inside of one that is there.
Ipv6Address random_address(RandomStream& random, const std::vector<Ipv6Prefix>& there,
                           unsigned length) {
  constexpr uint16_t registries[] = {0x2001, 0x2400, 0x2401, 0x2402, 0x2404, 0x2600, 0x2602,
                                     0x2604, 0x2605, 0x2800, 0x2803, 0x2a00, 0x2a02, 0x2a03,
                                     0x2a05, 0x2a06, 0x2a09, 0x2a0c, 0x2a10, 0x2c0f};
  Ipv6Address address = address_of(uint128(random.next()) << 64 | random.next());
  address.set_group(0, registries[random.below(std::size(registries))]);
  if (length > 32 && random.below(4) > 0) {
    const Ipv6Address above = there[random.below(there.size())].address;
    address.set_group(0, above.group(0));
    address.set_group(1, above.group(1));
  }
  return address;
}

template <class Prefix, size_t N>
std::vector<Prefix> synthetic(const Share (&shares)[N], size_t count, RandomStream& random) {
  std::set<Prefix> all;
  std::vector<Prefix> list;
  for (const Share& share : shares) {
    const size_t wanted = size_t(uint64_t(share.of_million) * count / 1'000'000);
    for (size_t have = 0; have < wanted;) {
      Prefix prefix;
      prefix.address = random_address(random, list, share.length);
      prefix.length = uint8_t(share.length);
      prefix = prefix.canonical();
      if (!all.insert(prefix).second) continue;
      list.push_back(prefix);
      ++have;
    }
  }
  for (size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random.below(i)]);
  return list;
}

template <class Prefix>
int run(const std::vector<Prefix>& prefixes, RandomStream& random) {
  RouteTableOf<Prefix> table;
  RouteOf<Prefix> way;
  way.flags |= route_flag::gateway;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    way.weight = uint32_t(1 + i % 16);  // sixteen neighbours
    check(bool(table.add(prefixes[i], way)), "a new prefix");
  }
  std::vector<decltype(Prefix::address)> probes;
  for (int i = 0; i < 1 << 20; ++i) {
    const Prefix& p = prefixes[random.below(prefixes.size())];
    const auto number = number_of(p.address);
    probes.push_back(address_of(decltype(number)(number | (random.next() & 0xff))));
  }
  double best = 0;
  uint64_t sum = 0;
  for (int round = 0; round < 5; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& probe : probes) sum += table.lookup(probe)->weight;
    best = std::max(best, double(probes.size()) / seconds_since(begin));
  }
  const auto begin = std::chrono::steady_clock::now();
  constexpr int updates = 200'000;
  for (int i = 0; i < updates; i += 2) {
    const Prefix& p = prefixes[random.below(prefixes.size())];
    check(bool(table.remove(p)) && table.add(p, way), "a route that goes and comes");
  }
  const double updates_per_s = updates / seconds_since(begin);
  std::printf("prefixes %zu\nlookups_m %.2f\noctets %.2f\nupdates_k %.0f\nsum %lu\n", table.size(),
              best / 1e6, double(table.octets()) / double(table.size()), updates_per_s / 1e3,
              static_cast<unsigned long>(sum));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  RandomStream random(1, 0, "lpm");
  if (argc > 1 && std::string(argv[1]) == "v6")
    return run(synthetic<Ipv6Prefix>(shares6, 200'000, random), random);
  return run(synthetic<Ipv4Prefix>(shares4, 1'000'000, random), random);
}
