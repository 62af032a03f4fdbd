// TCP under anything: random segments, calls and times. Nothing crashes, and invariants hold.
#include <catch2/catch.hpp>

#include "tests/support/tcp_stranger.h"

using namespace stackyard;

// A million steps.
TEST_CASE("strange segments, calls and times break no invariant", "[tcp][random]") {
  for (uint64_t seed = 1; seed <= 5000; ++seed) {
    TcpTalk t(stranger_settings[seed % std::size(stranger_settings)]);
    RandomStream random(seed, 0, "stranger");
    TcpStranger stranger(t, random);
    stranger.open(seed % 5 == 0);
    for (int step = 0; step < 200; ++step) {
      stranger.step();
      INFO("seed " << seed << " step " << step);
      REQUIRE(stranger.wrong() == "");
    }
    (void)t.heard();
    t.does([&] { t.connection.reset(); });
    t.waits(1000_s);
    INFO("seed " << seed);
    CHECK(stranger.wrong() == "");
  }
}
