// TCP segment by segment: one rule of an RFC for each case.
#include <catch2/catch.hpp>

#include "stack/tcp/api/tcp_info.h"
#include "tests/support/tcp_talk.h"

using namespace stackyard;

namespace {
// A peer as the rules below like it: timestamps and scaling off, so that windows are plain.
const char* const plain = "net.inet.tcp.rfc1323: 0";
}  // namespace

TEST_CASE("our SYN has FreeBSD's options, and is repeated after 1, 2.2 and 4.2 s", "[tcp][rules]") {
  TcpTalk t;
  t.connects();
  CHECK(t.heard() == "[S] 0 0 len 0 win 65535 <mss 1460,nop,wscale 6,sackOK,TS>");
  t.waits(999_ms);
  CHECK(t.heard() == "");
  t.waits(1_ms);
  CHECK(t.heard() == "[S] 0 0 len 0 win 65535 <mss 1460,nop,wscale 6,sackOK,TS>");
  t.waits(2200_ms);
  CHECK(t.heard() != "");
  t.waits(4199_ms);
  CHECK(t.heard() == "");
  t.waits(1_ms);
  CHECK(t.heard() != "");
}

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

TEST_CASE("a SYN-ACK is repeated three times, then forgotten", "[tcp][rules]") {
  TcpTalk t(plain);
  t.listens();
  t.says({.flags = "S", .options = {.mss = 1460}});
  t.waits(60_s);
  const std::string one = "[S.] 0 1 len 0 win 65535 <mss 1460>";
  CHECK(t.heard() == one + "\n" + one + "\n" + one + "\n" + one);
  CHECK(t.counter("tcps_sc_stale") == 1);
  // Its ACK comes too late (RFC 9293 s3.10.7.2): a reset.
  t.says({.flags = ".", .seq = 1, .ack = 1});
  CHECK(t.heard() == "[R] 1 0 len 0 win 0");
}

TEST_CASE("a segment for nobody is answered by a reset that fits it (RFC 9293 s3.10.7.1)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.says({.flags = "S"});
  CHECK(t.heard().starts_with("[R.] "));
  CHECK(t.last_flags == (tcp_flag::rst | tcp_flag::ack));
  t.says({.flags = ".", .seq = 7, .ack = 99, .length = 10});
  CHECK(t.heard() == "[R] 99 0 len 0 win 0");
  t.says({.flags = "R", .seq = 7});
  CHECK(t.heard() == "");
}

TEST_CASE("both ends open at once (RFC 9293 figure 7)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.connects();
  (void)t.heard();
  t.says({.flags = "S", .options = {.mss = 1460}});
  CHECK(t.heard() == "[S.] 0 1 len 0 win 65535 <mss 1460>");
  t.says({.flags = "S.", .ack = 1, .options = {.mss = 1460}});
  t.does([&] { CHECK(t.socket->connect_result().has_value()); });
  t.does([&] { (void)t.socket->send(std::vector<uint8_t>{'a'}, {}); });
  CHECK(t.heard().find("[P.] 1 1 len 1") != std::string::npos);
}

TEST_CASE("a refused connection says so, and only the right reset refuses", "[tcp][rules]") {
  TcpTalk t(plain);
  t.connects();
  (void)t.heard();
  t.says({.flags = "R", .seq = 0});
  t.says({.flags = "R.", .seq = 0, .ack = 5});
  t.does([&] { CHECK(t.socket->connect_result().error() == Errno::eagain); });
  t.says({.flags = "R.", .seq = 0, .ack = 1});
  t.does([&] { CHECK(t.socket->connect_result().error() == Errno::econnrefused); });
}

TEST_CASE("data are acknowledged at the second segment or after 40 ms", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.says({.flags = "P.", .seq = 1, .ack = 1, .length = 100});
  CHECK(t.heard() == "");
  t.waits(39_ms);
  CHECK(t.heard() == "");
  t.waits(1_ms);
  CHECK(t.heard() == "[.] 1 101 len 0 win 65436");
  t.says({.flags = ".", .seq = 101, .ack = 1, .length = 1460});
  t.says({.flags = ".", .seq = 1561, .ack = 1, .length = 1460});
  CHECK(t.heard() == "[.] 1 3021 len 0 win 62516");
}

TEST_CASE("what comes out of order is kept, reported, and delivered in order", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens({.mss = 1460, .window_scale = {}, .sack_permitted = true, .timestamps = {}});
  t.says({.flags = ".", .seq = 101, .ack = 1, .length = 100});
  CHECK(t.heard() == "[.] 1 1 len 0 win 65535 <nop,nop,sack 101:201>");
  t.says({.flags = ".", .seq = 301, .ack = 1, .length = 100});
  CHECK(t.heard() == "[.] 1 1 len 0 win 65535 <nop,nop,sack 301:401 101:201>");
  t.says({.flags = ".", .seq = 1, .ack = 1, .length = 100});
  CHECK(t.heard() == "[.] 1 201 len 0 win 65336 <nop,nop,sack 301:401>");
  t.says({.flags = ".", .seq = 1, .ack = 1, .length = 100});  // RFC 2883: it was there
  CHECK(t.heard() == "[.] 1 201 len 0 win 65336 <nop,nop,sack 1:101 301:401>");
  t.says({.flags = "F.", .seq = 401, .ack = 1});
  CHECK(t.heard() == "[.] 1 201 len 0 win 65336 <nop,nop,sack 301:401>");
  t.says({.flags = ".", .seq = 201, .ack = 1, .length = 100});
  CHECK(t.heard() == "[.] 1 402 len 0 win 65136");
  CHECK(t.reads().size() == 400);
  CHECK(t.reads() == "");  // the end
}

TEST_CASE("a reset counts only at the exact number (RFC 5961 s3)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.says({.flags = "R", .seq = 100'000});
  CHECK(t.heard() == "");
  t.says({.flags = "R", .seq = 5});
  CHECK(t.heard() == "[.] 1 1 len 0 win 65535");
  t.says({.flags = "R", .seq = 1});
  CHECK(t.heard() == "");
  CHECK(t.reads() == "Connection reset by peer");
  CHECK(t.counter("tcps_badrst") == 2);
}

TEST_CASE("a SYN in a connection is challenged, five times a second at most (RFC 5961 s4, s7)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  std::string expected;
  for (int i = 0; i < 8; ++i) t.says({.flags = "S", .seq = 1});
  for (int i = 0; i < 5; ++i) expected += (i ? "\n" : "") + std::string("[.] 1 1 len 0 win 65535");
  CHECK(t.heard() == expected);
  t.waits(1_s);
  t.says({.flags = "S", .seq = 1});
  CHECK(t.heard() == "[.] 1 1 len 0 win 65535");
}

TEST_CASE("acknowledgments of the future and of the far past are not taken (RFC 5961 s5)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.writes(1000);
  CHECK(t.heard() == "[P.] 1 1 len 1000 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = 5000});
  CHECK(t.heard() == "[.] 1001 1 len 0 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = uint32_t(-100'000)});
  CHECK(t.heard() == "[.] 1001 1 len 0 win 65535");
  CHECK(t.counter("tcps_rcvacktoomuch") == 1);
}

TEST_CASE("an old timestamp is refused and answered (PAWS, RFC 7323 s5)", "[tcp][rules]") {
  TcpTalk t;
  TcpOptions options{.mss = 1460};
  options.timestamps = TcpTimestamps{1000, 0};
  t.opens(options);
  TcpOptions stamp;
  stamp.timestamps = TcpTimestamps{999, t.last_stamp};
  t.says({.flags = "P.", .seq = 1, .ack = 1, .length = 10, .options = stamp});
  CHECK(t.heard() == "[.] 1 1 len 0 win 65535 <nop,nop,TS>");
  CHECK(t.counter("tcps_pawsdrop") == 1);
  t.says({.flags = "P.", .seq = 1, .ack = 1, .length = 10});  // none at all
  CHECK(t.heard() == "");
  CHECK(t.fixture.dropped("no_timestamp") == 1);
  stamp.timestamps = TcpTimestamps{1001, t.last_stamp};
  t.says({.flags = "P.", .seq = 1, .ack = 1, .length = 10, .options = stamp});
  CHECK(t.reads() == "dddddddddd");
}

TEST_CASE("a lone loss is repaired by the third duplicate ACK (RFC 5681 s3.2)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.writes(14'600);
  (void)t.heard();
  t.says({.flags = ".", .seq = 1, .ack = 1});
  t.says({.flags = ".", .seq = 1, .ack = 1});
  CHECK(t.heard() == "");
  t.says({.flags = ".", .seq = 1, .ack = 1});
  CHECK(t.heard() == "[.] 1 1 len 1460 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = 14'601});
  CHECK(t.counter("tcps_rexmttimeo") == 0);
}

TEST_CASE("SACK tells exactly what is missing (RFC 6675)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens({.mss = 1000, .window_scale = {}, .sack_permitted = true, .timestamps = {}});
  t.writes(10'000);
  (void)t.heard();
  // 1 and 4001 are lost; the rest arrives.
  const auto acks = [&](std::vector<std::pair<uint32_t, uint32_t>> blocks) {
    Say ack{.flags = ".", .seq = 1, .ack = 1};
    for (auto [begin, end] : blocks)
      ack.options.sack[ack.options.sack_count++] = {{t.iss + begin}, {t.iss + end}};
    t.says(ack);
  };
  acks({{1001, 2001}});
  acks({{1001, 3001}});
  CHECK(t.heard() == "");
  acks({{1001, 4001}});
  CHECK(t.heard() == "[.] 1 1 len 1000 win 65535");
  acks({{5001, 6001}, {1001, 4001}});
  acks({{5001, 7001}, {1001, 4001}});
  acks({{5001, 8001}, {1001, 4001}});
  acks({{5001, 9001}, {1001, 4001}});
  acks({{5001, 10'001}, {1001, 4001}});
  CHECK(t.heard() == "[.] 4001 1 len 1000 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = 10'001});
  CHECK(t.counter("tcps_sndrexmitpack") == 2);
}

TEST_CASE("without an answer the first segment is repeated, later and later (RFC 6298)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens({.mss = 1460}, 65535, 100_ms);  // so the timeout is 100 + 4 * 50 + 200 ms
  t.writes(100);
  CHECK(t.heard() == "[P.] 1 1 len 100 win 65535");
  t.waits(499_ms);
  CHECK(t.heard() == "");
  t.waits(1_ms);
  CHECK(t.heard() == "[P.] 1 1 len 100 win 65535");
  t.waits(799_ms);
  CHECK(t.heard() == "");
  t.waits(1_ms);
  CHECK(t.heard() == "[P.] 1 1 len 100 win 65535");
  t.waits(300_s);
  CHECK(t.counter("tcps_timeoutdrop") == 0);
  t.waits(200_s);
  CHECK(t.counter("tcps_timeoutdrop") == 1);
  CHECK(t.reads() == "Operation timed out");
}

TEST_CASE("Nagle holds back small segments while something is unacknowledged (RFC 896)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.writes(10);
  t.writes(10);
  t.writes(10);
  CHECK(t.heard() == "[P.] 1 1 len 10 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = 11});
  CHECK(t.heard() == "[P.] 11 1 len 20 win 65535");
  t.does([&] { (void)t.connection->set_option(SocketOption::tcp_nodelay, 1); });
  t.writes(5);
  CHECK(t.heard() == "[P.] 31 1 len 5 win 65535");
}

TEST_CASE("a closed window is probed, and nothing else is sent (RFC 9293 s3.8.6.1)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens({.mss = 1460}, 0);
  t.writes(100);
  CHECK(t.heard() == "");
  t.waits(5_s);
  CHECK(t.heard() == "[.] 1 1 len 1 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = 1, .window = 0});
  t.waits(5_s);
  CHECK(t.heard() == "[.] 1 1 len 1 win 65535");
  t.says({.flags = ".", .seq = 1, .ack = 1, .window = 1000});
  CHECK(t.heard() == "[P.] 1 1 len 100 win 65535");
}

TEST_CASE("we close, the peer closes: FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  const auto state = [&] { return t.connection->state_name(); };
  t.does([&] { (void)t.connection->shutdown(ShutdownHow::write); });
  CHECK(t.heard() == "[F.] 1 1 len 0 win 65535");
  CHECK(state() == "FIN_WAIT_1");
  t.says({.flags = ".", .seq = 1, .ack = 2});
  CHECK(state() == "FIN_WAIT_2");
  t.says({.flags = "F.", .seq = 1, .ack = 2});
  CHECK(state() == "TIME_WAIT");
  CHECK(t.heard() == "[.] 2 2 len 0 win 65535");
  t.waits(30_s);
  t.says({.flags = "F.", .seq = 1, .ack = 2});  // our ACK was lost: again, and the wait anew
  CHECK(t.heard() == "[.] 2 2 len 0 win 65535");
  t.says({.flags = "R", .seq = 2});  // RFC 1337
  t.waits(59_s);
  CHECK(state() == "TIME_WAIT");
  t.waits(2_s);
  CHECK(state() == "CLOSED");
}

TEST_CASE("both close at once: CLOSING (RFC 9293 figure 13)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.does([&] { (void)t.connection->shutdown(ShutdownHow::write); });
  (void)t.heard();
  t.says({.flags = "F.", .seq = 1, .ack = 1});
  CHECK(t.heard() == "[.] 2 2 len 0 win 65535");
  CHECK(t.connection->state_name() == "CLOSING");
  t.says({.flags = ".", .seq = 2, .ack = 2});
  CHECK(t.connection->state_name() == "TIME_WAIT");
}

TEST_CASE("data for a socket that was closed are refused (RFC 1122 s4.2.2.13)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.does([&] { t.connection.reset(); });
  CHECK(t.heard() == "[F.] 1 1 len 0 win 65535");
  t.says({.flags = "P.", .seq = 1, .ack = 2, .length = 10});
  CHECK(t.heard().starts_with("[R] 2 0"));
  CHECK(t.counter("tcps_rcvafterclose") == 1);
}

TEST_CASE("SO_LINGER with zero seconds resets", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.does([&] {
    (void)t.connection->set_option(SocketOption::so_linger, 0);
    t.connection.reset();
  });
  CHECK(t.heard() == "[R.] 1 1 len 0 win 0");
}

TEST_CASE("a newer SYN takes the place of what is in TIME_WAIT (RFC 6191)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.does([&] { t.connection.reset(); });
  t.says({.flags = "F.", .seq = 1, .ack = 2});
  (void)t.heard();
  t.says({.flags = "S", .seq = 1});  // not newer
  CHECK(t.heard().find("[S.]") == std::string::npos);
  t.says({.flags = "S", .seq = 100'000, .options = {.mss = 1460}});
  CHECK(t.heard() == "[S.] 0 100001 len 0 win 65535 <mss 1460>");
}

TEST_CASE("a full queue of a listener refuses the next connection", "[tcp][rules]") {
  TcpTalk t(plain);
  t.listens(0);
  t.says({.flags = "S", .options = {.mss = 1460}});
  t.says({.flags = ".", .seq = 1, .ack = 1});
  (void)t.heard();
  CHECK(t.counter("tcps_accepts") == 1);
}

TEST_CASE("a segment in the window of nobody's interest: land, groups, nonsense", "[tcp][rules]") {
  TcpTalk t(plain);
  t.listens();
  t.says({.flags = "FS", .options = {.mss = 1460}});
  CHECK(t.heard().starts_with("[S.]"));
  t.says({.flags = ""});
  t.says({.flags = "FPU"});
  CHECK(t.heard() == "");
  t.says({.flags = "S.", .seq = 9, .ack = 9});
  CHECK(t.heard() == "[R] 9 0 len 0 win 0");
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
        "[.] 1 1 len 1388 win 1024 <nop,nop,TS>\n[.] 1389 1 len 1388 win 1024 <nop,nop,TS>");
}

TEST_CASE("a cookie is good for 30 seconds at most, and only after an overflow", "[tcp][rules]") {
  TcpTalk t("net.inet.tcp.syncookies_only: 1, net.inet.tcp.rfc1323: 0");
  t.listens();
  t.says({.flags = "S", .options = {.mss = 1460}});
  CHECK(t.heard() == "[S.] 0 1 len 0 win 65535 <mss 1460>");
  CHECK(t.counter("tcps_sc_added") == 0);
  t.waits(31_s);
  t.says({.flags = ".", .seq = 1, .ack = 1});
  CHECK(t.heard() == "[R] 1 0 len 0 win 0");
  t.says({.flags = "S", .options = {.mss = 1460}});
  (void)t.heard();
  t.waits(14_s);
  t.says({.flags = ".", .seq = 1, .ack = 1});
  CHECK(t.heard() == "");
  CHECK(t.counter("tcps_accepts") == 1);
}

TEST_CASE("ECN: agreed on when asked, marks are echoed until CWR (RFC 3168)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.listens();
  t.says({.flags = "SEW", .options = {.mss = 1000}});
  CHECK(t.heard() == "[S.E] 0 1 len 0 win 65535 <mss 1460>");
  t.says({.flags = ".", .seq = 1, .ack = 1});
  t.does([&] { t.connection = std::move(*t.socket->accept()); });
  t.writes(1000);
  CHECK(t.heard() == "[P.] 1 1 len 1000 win 65535 tos 2");
  t.says({.flags = ".", .seq = 1, .ack = 1001, .length = 100, .tos = 3});  // CE
  CHECK(t.heard() == "[.E] 1001 101 len 0 win 65436");
  t.says({.flags = "W.", .seq = 101, .ack = 1001, .length = 100, .tos = 2});
  t.waits(40_ms);
  CHECK(t.heard() == "[.] 1001 201 len 0 win 65336");
}

TEST_CASE("ECN: an echo reduces the window once, and CWR says so", "[tcp][rules]") {
  TcpTalk t("net.inet.tcp.rfc1323: 0, net.inet.tcp.cc.algorithm: newreno");
  t.listens();
  t.says({.flags = "SEW", .options = {.mss = 1000}});
  t.says({.flags = ".", .seq = 1, .ack = 1});
  t.does([&] { t.connection = std::move(*t.socket->accept()); });
  t.writes(20'000);  // ten segments go out
  t.waits(1_ms);
  (void)t.heard();
  t.says({.flags = "E.", .seq = 1, .ack = 1001});
  t.says({.flags = "E.", .seq = 1, .ack = 2001});
  CHECK(t.counter("tcps_ecn_rcwnd") == 1);
  CHECK(t.heard() == "");
  for (uint32_t ack = 3001; ack <= 7001; ack += 1000) t.says({.flags = ".", .seq = 1, .ack = ack});
  t.waits(1_ms);
  CHECK(t.heard().starts_with("[.W] 10001 1 len 1000 win 65535 tos 2"));
}

TEST_CASE("urgent data: one octet comes out of band, the rest in order (RFC 6093)",
          "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  const auto out_of_band = [&] {
    std::string got;
    t.does([&] {
      const auto r = t.connection->receive(1, {.out_of_band = true});
      got =
          r ? std::string(r->octets.begin(), r->octets.end()) : std::string(errno_text(r.error()));
    });
    return got;
  };
  CHECK(out_of_band() == "Invalid argument");
  t.says({.flags = "U.", .seq = 1, .ack = 1, .length = 3, .urgent = 5});
  CHECK(out_of_band() == "Resource temporarily unavailable");
  t.says({.flags = "U.", .seq = 4, .ack = 1, .length = 4, .urgent = 2});
  CHECK(out_of_band() == "d");
  CHECK(t.reads() == "dddd");  // up to the mark
  CHECK(t.reads() == "dd");
  (void)t.heard();
  t.does([&] {
    (void)t.connection->send(std::vector<uint8_t>{'a', 'b', '!'}, {.out_of_band = true});
  });
  CHECK(t.heard().find("[P.U] 1 8 len 3") != std::string::npos);
}

TEST_CASE("an urgent pointer that lies changes nothing (URGENT/11)", "[tcp][rules]") {
  TcpTalk t(plain);
  t.opens();
  t.says({.flags = "U.", .seq = 1, .ack = 1, .length = 10, .urgent = 0});
  t.says({.flags = "U.", .seq = 11, .ack = 1, .length = 10, .urgent = 65535});
  t.says({.flags = "U.", .seq = 5, .ack = 1, .length = 10, .urgent = 2});
  CHECK(t.reads() == std::string(20, 'd'));
}

TEST_CASE("TCP_INFO tells what is known of a connection", "[tcp][rules]") {
  TcpTalk t;
  TcpOptions options{.mss = 1000, .window_scale = 3, .sack_permitted = true};
  options.timestamps = TcpTimestamps{1, 0};
  t.opens(options, 5000);
  t.writes(3000);
  const auto octets = t.connection->get_option(SocketOption::tcp_info)->octets;
  REQUIRE(octets.size() == sizeof(TcpInfo));
  const auto info = load<TcpInfo>(octets);
  CHECK(info.state == 4);
  CHECK(info.options == 7);
  CHECK(info.send_scale == 3);
  CHECK(info.receive_scale == 6);
  CHECK(info.send_mss == 988);
  CHECK(info.cwnd == 9880);
  CHECK(info.send_window == 40'000);
  CHECK(info.unacknowledged == 2964);  // Nagle keeps the rest
}

TEST_CASE("a path that swallows large segments is suspected after two timeouts (RFC 2923)",
          "[tcp][rules]") {
  TcpTalk t("net.inet.tcp.pmtud_blackhole_detection: 1, net.inet.tcp.rfc1323: 0");
  t.opens({.mss = 1460}, 65535, 100_ms);
  t.writes(1460);
  CHECK(t.heard() == "[P.] 1 1 len 1460 win 65535");
  t.waits(500_ms);
  CHECK(t.heard() == "[P.] 1 1 len 1460 win 65535");
  t.waits(800_ms);
  CHECK(t.heard() == "[.] 1 1 len 1200 win 65535");
  CHECK(t.counter("tcps_pmtud_blackhole_activated") == 1);
  t.says({.flags = ".", .seq = 1, .ack = 1201});
  CHECK(t.heard() == "[P.] 1201 1 len 260 win 65535");
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
