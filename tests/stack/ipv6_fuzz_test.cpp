#include <catch2/catch.hpp>

#include "core/base/random.h"
#include "tests/support/ipv6_fuzz_case.h"

using namespace stackyard;

TEST_CASE("nearly sound packets of IPv6, ND, MLD and IGMP do no harm") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    Ipv6Host h;
    h.lab.run("a",
              "sysctl net.inet6.ip6.use_tempaddr=1; "
              "printf 'j ff15::1 em0\\nj 239.1.1.1 em0\\ns 900\\n' | mtest > /dev/null &");
    RandomStream random(seed, 0, "ipv6 fuzz");
    for (int round = 0; round < 200; ++round) {
      std::vector<uint8_t> data(40);
      for (uint8_t& octet : data) octet = uint8_t(random.next());
      ipv6_fuzz_case(h, data);
      h.lab.pass(SimTime(int64_t(random.below(500'000'000)) + 1));
    }
    h.lab.pass(200_s);
    // It is still there: its own addresses work, and nothing has grown beyond its limits.
    CHECK(h.lab.run("a", "ping6 -c 1 ::1").exit == 0);
    CHECK(h.inet().neighbours().entries().size() < 4200);
    CHECK(h.inet().addresses().size() < 100);
  }
}

TEST_CASE("every octet of every skeleton, set to the values that break parsers") {
  Ipv6Host h;
  h.lab.run("a", "printf 'j ff15::1 em0\\nj 239.1.1.1 em0\\ns 9000\\n' | mtest > /dev/null &");
  const size_t count = ipv6_skeletons().size() + igmp_skeletons().size();
  for (size_t which = 0; which < count; ++which) {
    const size_t size = which < ipv6_skeletons().size()
                            ? ipv6_skeletons()[which].size()
                            : igmp_skeletons()[which - ipv6_skeletons().size()].size();
    for (size_t at = 0; at < std::min<size_t>(size, 256); ++at)
      for (const uint8_t value : {0, 1, 127, 128, 255}) {
        const std::vector<uint8_t> data{uint8_t(which), 1, uint8_t(at), value};
        ipv6_fuzz_case(h, data);
      }
    h.lab.pass(1_s);
  }
  CHECK(h.lab.run("a", "ping6 -c 1 ::1").exit == 0);
}
