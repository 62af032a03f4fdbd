// TCP under anything: random segments, calls and times. Nothing crashes, and invariants hold.
#include <catch2/catch.hpp>

#include "stack/tcp/tcp.h"
#include "tests/support/tcp_talk.h"

using namespace stackyard;

namespace {

// A peer that is half honest: numbers are mostly near what they should be.
class Stranger {
 public:
  Stranger(TcpTalk& talk, uint64_t seed) : t_(talk), random_(seed, 0, "stranger") {}

  void step() {
    switch (random_.below(10)) {
      case 0:
        if (t_.connection) t_.writes(random_.below(30'000));
        break;
      case 1:
        if (t_.connection) got_ += t_.reads().size();
        break;
      case 2:
        t_.waits(SimTime(int64_t(1 + random_.below(1u << (5 + random_.below(27))))));
        break;
      case 3:
        if (t_.connection && random_.below(20) == 0)
          t_.does([&] { (void)t_.connection->shutdown(ShutdownHow(random_.below(3))); });
        break;
      default:
        t_.says(segment());
    }
  }

  std::string wrong() {
    std::string words;
    if (const Tcp* tcp = t_.machine().vnet().state_if_there<Tcp>(tcp_module))
      tcp->for_each([&](const TcpConnection& c) { words += c.inconsistency(); });
    return words;
  }

 private:
  uint32_t near(uint32_t where) {
    switch (random_.below(8)) {
      case 0:
        return where + uint32_t(random_.below(3000)) - 1500;
      case 1:
        return where + uint32_t(random_.below(200'000)) - 100'000;
      case 2:
        return uint32_t(random_.next());
      default:
        return where;
    }
  }
  Say segment() {
    constexpr const char* flags[] = {".",  ".", ".",      "P.", "P.", "F.", "S",   "S.", "R",
                                     "R.", "",  "FSRPU.", "U.", "E.", "W.", "SEW", "F"};
    Say say{.flags = flags[random_.below(random_.below(4) ? 5 : std::size(flags))]};
    say.seq = near(next_);
    say.ack = near(acked_);
    say.length = random_.below(3) ? 0 : random_.below(3000);
    if (say.seq == next_ && say.length > 0) next_ += uint32_t(say.length);
    if (say.flags.find('.') != std::string::npos && random_.below(2))
      say.ack = acked_ = acked_ + uint32_t(random_.below(3000));
    say.window = uint16_t(random_.below(3) ? 65535 : random_.below(65536));
    say.urgent = uint16_t(random_.below(20) ? 0 : random_.next());
    say.tos = uint8_t(random_.below(4));
    TcpOptions& o = say.options;
    if (random_.below(2))
      o.timestamps = {uint32_t(stamp_ += uint32_t(random_.below(3))), t_.last_stamp};
    if (random_.below(20) == 0) o.mss = uint16_t(random_.next());
    if (random_.below(20) == 0) o.window_scale = uint8_t(random_.below(20));
    if (random_.below(3) == 0) {
      o.sack_count = uint8_t(1 + random_.below(3));
      for (int i = 0; i < o.sack_count; ++i) {
        const uint32_t begin = t_.iss + near(acked_) + uint32_t(random_.below(20'000));
        o.sack[size_t(i)] = {{begin}, {begin + uint32_t(random_.below(5000))}};
      }
    }
    return say;
  }

  TcpTalk& t_;
  RandomStream random_;
  uint32_t next_ = 1, acked_ = 1, stamp_ = 1000;
  size_t got_ = 0;
};

}  // namespace

TEST_CASE("strange segments, calls and times break no invariant", "[tcp][random]") {
  constexpr const char* settings[] = {
      "", "net.inet.tcp.rfc1323: 0", "net.inet.tcp.sack.enable: 0, net.inet.tcp.ecn.enable: 1",
      "net.inet.tcp.syncookies_only: 1, net.inet.tcp.cc.algorithm: dctcp",
      "net.inet.tcp.recvspace: 3000, net.inet.tcp.sendspace: 3000"};
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    TcpTalk t(settings[seed % std::size(settings)]);
    TcpOptions options{.mss = 1000, .window_scale = 3, .sack_permitted = true};
    options.timestamps = TcpTimestamps{1000, 0};
    if (seed % 3 == 0) {
      t.connects();
      t.says({.flags = "S.", .ack = 1, .options = options});
      t.connection = std::move(t.socket);
    } else {
      t.opens(options);
    }
    Stranger stranger(t, seed);
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
