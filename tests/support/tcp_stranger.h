// tests/support/tcp_stranger.h - segments, calls and times that mean TCP no good, by any choices.
#pragma once

#include "stack/tcp/tcp.h"
#include "tests/support/tcp_talk.h"

namespace stackyard {

// Sysctls of the machine that is talked to.
inline constexpr const char* stranger_settings[] = {
    "",
    "net.inet.tcp.rfc1323: 0",
    "net.inet.tcp.sack.enable: 0, net.inet.tcp.ecn.enable: 1",
    "net.inet.tcp.syncookies_only: 1, net.inet.tcp.cc.algorithm: dctcp",
    "net.inet.tcp.recvspace: 3000, net.inet.tcp.sendspace: 3000",
    "net.inet.tcp.ecn.enable: 3, net.inet.tcp.do_prr: 0",
    "net.inet.tcp.functions_default: rack",
    "net.inet.tcp.functions_default: rack, net.inet.tcp.rfc1323: 0, net.inet.tcp.ecn.enable: 1",
    "net.inet.tcp.functions_default: bbr",
    "net.inet.tcp.cc.algorithm: bbr, net.inet.tcp.sack.enable: 0, net.inet.tcp.ecn.enable: 1"};

// A peer that is half honest: numbers are mostly near what they should be.
template <class Choices>
class TcpStranger {
 public:
  // Half of the machines are asked, the others ask.
  void open(bool actively) {
    TcpOptions options{.mss = 1000, .window_scale = 3, .sack_permitted = true};
    options.timestamps = TcpTimestamps{1000, 0};
    if (!actively) return t_.opens(options);
    t_.connects();
    t_.says({.flags = "S.", .ack = 1, .options = options});
    t_.connection = std::move(t_.socket);
  }

  TcpStranger(TcpTalk& talk, Choices& choices) : t_(talk), random_(choices) {}

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
  Choices& random_;
  uint32_t next_ = 1, acked_ = 1, stamp_ = 1000;
  size_t got_ = 0;
};

}  // namespace stackyard
