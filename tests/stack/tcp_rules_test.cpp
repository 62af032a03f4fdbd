// TCP segment by segment: rules that need several peers, or what a packet script cannot say. The
// others are tests/drill/tcp.
#include <catch2/catch.hpp>

#include "tests/support/tcp_talk.h"

using namespace stackyard;

namespace {
// A peer as the rules below like it: timestamps and scaling off, so that windows are plain.
const char* const plain = "net.inet.tcp.rfc1323: 0";
}  // namespace

TEST_CASE("a SYN-ACK agrees only to what the SYN offered", "[tcp][rules]") {
  TcpTalk t;
  t.listens();
  t.says({.flags = "S", .options = {.mss = 1000}});
  CHECK(t.heard() == "[S.] 0 1 len 0 win 65535 <mss 1460>");
  t.says({.flags = "R", .seq = 1});
  TcpOptions all{.mss = 1460, .window_scale = 2, .sack_permitted = true};
  all.timestamps = TcpTimestamps{100, 0};
  t.says({.flags = "S", .options = all});
  CHECK(t.heard() == "[S.] 0 1 len 0 win 65535 <mss 1460,nop,wscale 6,sackOK,TS>");
  CHECK(t.counter("tcps_sc_reset") == 1);
}

TEST_CASE("a full queue of a listener refuses the next connection", "[tcp][rules]") {
  TcpTalk t(plain);
  t.listens(0);
  t.says({.flags = "S", .options = {.mss = 1460}});
  t.says({.flags = ".", .seq = 1, .ack = 1});
  (void)t.heard();
  CHECK(t.counter("tcps_accepts") == 1);
}

TEST_CASE("a flood of SYNs pushes nobody out: cookies let in who answers (RFC 4987)",
          "[tcp][rules]") {
  TcpTalk t("net.inet.tcp.syncache.cachelimit: 1");
  t.listens();
  TcpOptions options{.mss = 1400, .window_scale = 4, .sack_permitted = true};
  options.timestamps = TcpTimestamps{7, 0};
  t.says({.flags = "S", .options = options});
  (void)t.heard();
  const uint32_t iss = t.iss, stamp = t.last_stamp;
  t.says({.flags = "S", .port = 4444, .options = {.mss = 1460}});  // takes the only place
  (void)t.heard();
  CHECK(t.counter("tcps_sc_cacheoverflow") == 1);
  t.iss = iss;
  Say ack{.flags = ".", .seq = 1, .ack = 1, .window = 1000};
  ack.options.timestamps = TcpTimestamps{8, stamp};
  Say forged = ack;
  forged.ack = 2;
  t.says(forged);
  CHECK(t.heard() == "[R] 2 0 len 0 win 0");
  t.says(ack);
  t.does([&] { t.connection = std::move(*t.socket->accept()); });
  CHECK(t.counter("tcps_sc_recvcookie") == 1);
  t.writes(3000);
  CHECK(t.heard() ==
        "[.] 1 1 len 1388 win 1024 <nop,nop,TS>\n[.] 1389 1 len 1388 win 1024 <nop,nop,TS>\n"
        "[P.] 2777 1 len 224 win 1024 <nop,nop,TS>");
}

TEST_CASE("an accept filter keeps connections back until there is a request", "[tcp][rules]") {
  TcpTalk t(plain);
  t.listens();
  OptionValue http;
  http.octets.assign({'h', 't', 't', 'p', 'r', 'e', 'a', 'd', 'y'});
  t.does([&] { CHECK(t.socket->set_option(SocketOption::so_acceptfilter, http).has_value()); });
  const auto accepted = [&] {
    bool there = false;
    t.does([&] { there = t.socket->accept().has_value(); });
    return there;
  };
  t.says({.flags = "S", .options = {.mss = 1460}});
  t.says({.flags = ".", .seq = 1, .ack = 1});
  CHECK(!accepted());
  t.says({.flags = "P.", .seq = 1, .ack = 1, .text = "GET / HTTP/1.1\r\n"});
  CHECK(!accepted());
  t.says({.flags = "P.", .seq = 17, .ack = 1, .text = "\r\n"});
  CHECK(accepted());
}
