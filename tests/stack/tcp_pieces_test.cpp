// The parts of TCP that need no stack: formats, buffers, reassembly, the scoreboard, windows.
#include <catch2/catch.hpp>
#include <numeric>

#include "core/base/random.h"
#include "core/base/siphash.h"
#include "core/dissect/dissect.h"
#include "core/packet/packet_pool.h"
#include "stack/tcp/congestion/congestion.h"
#include "stack/tcp/reassembly.h"
#include "stack/tcp/rtt.h"
#include "stack/tcp/scoreboard.h"
#include "stack/tcp/send_buffer.h"

using namespace stackyard;

namespace {

std::vector<uint8_t> count_up(size_t n, size_t from = 0) {
  std::vector<uint8_t> octets(n);
  for (size_t i = 0; i < n; ++i) octets[i] = uint8_t(from + i);
  return octets;
}

std::string options_text(const TcpOptions& options) {
  std::array<uint8_t, tcp_option::space_max> space;
  return tcp_options_text(Bytes(space).first(emit_tcp_options(options, space)));
}

}  // namespace

TEST_CASE("SipHash-2-4 gives the published value of its appendix") {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  CHECK(siphash(key, count_up(15)) == 0xa129ca6149be45e5);
}

TEST_CASE("a SYN's options lie in FreeBSD's order, with its padding", "[tcp]") {
  TcpOptions syn{.mss = 1460, .window_scale = 6, .sack_permitted = true};
  syn.timestamps = TcpTimestamps{1, 0};
  CHECK(options_text(syn) == "mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 0");
  CHECK(tcp_options_size(syn) == 20);
  TcpOptions data;
  data.timestamps = TcpTimestamps{7, 9};
  CHECK(options_text(data) == "nop,nop,TS val 7 ecr 9");
  data.sack = {{{{1}, {2}}, {{3}, {4}}, {{5}, {6}}, {{7}, {8}}}};
  data.sack_count = 4;  // beside timestamps there is room for three
  CHECK(options_text(data) == "nop,nop,TS val 7 ecr 9,nop,nop,sack 3 {1:2}{3:4}{5:6}");
  CHECK(options_text({.mss = 536, .window_scale = {}, .timestamps = {}}) == "mss 536");
}

TEST_CASE("whatever options are written are read back the same", "[tcp]") {
  RandomStream random(7, 0, "options");
  for (int round = 0; round < 2000; ++round) {
    TcpOptions o;
    if (random.chance(1u << 31)) o.mss = uint16_t(random.next());
    if (random.chance(1u << 31)) o.window_scale = uint8_t(random.below(15));
    o.sack_permitted = random.chance(1u << 31);
    if (random.chance(1u << 31)) o.timestamps = {uint32_t(random.next()), uint32_t(random.next())};
    if (!o.mss && random.chance(1u << 30)) {
      o.has_fast_open = true;
      o.cookie_length = 8;
      o.cookie.fill(0);
      for (size_t i = 0; i < 8; ++i) o.cookie[i] = uint8_t(random.next());
    } else if (random.chance(1u << 31)) {
      o.sack_count = 1;
      o.sack[0] = {{uint32_t(random.next())}, {uint32_t(random.next())}};
    }
    std::array<uint8_t, tcp_option::space_max> space;
    const size_t size = emit_tcp_options(o, space);
    INFO("round " << round);
    CHECK(size % 4 == 0);
    CHECK(parse_tcp_options(Bytes(space).first(size)) == o);
  }
}

TEST_CASE("options that are cut off or lie about their length change nothing", "[tcp]") {
  const uint8_t zero_length[] = {2, 0, 5, 0xb4}, beyond[] = {3, 40, 1, 0}, one[] = {8};
  const uint8_t wrong_size[] = {2, 3, 9, 1, 3, 3, 200, 0};
  CHECK(parse_tcp_options(zero_length) == TcpOptions{});
  CHECK(parse_tcp_options(beyond) == TcpOptions{});
  CHECK(parse_tcp_options(one) == TcpOptions{});
  CHECK(!parse_tcp_options(wrong_size).mss);
  CHECK(*parse_tcp_options(wrong_size).window_scale == 14);  // RFC 7323 s2.3
  std::vector<uint8_t> header(20);
  store(TcpHeader{.offset_flags = 0xf0}, header);
  CHECK(&parse_tcp(header).why() == &drops::bad_length);
  CHECK(&parse_tcp(Bytes(header).first(19)).why() == &drops::truncated);
}

TEST_CASE("sequence numbers are compared across their wrap", "[tcp]") {
  const Seq low{0xfffffff0}, high{16};
  CHECK(low < high);
  CHECK(high - low == 32);
  CHECK(low + 32 == high);
  CHECK(seq_max(low, high) == high);
}

TEST_CASE("a segment refers to the send buffer, and copies only across its chunks", "[tcp]") {
  PacketPool pool;
  TcpSendBuffer buffer;
  const auto octets = count_up(200'000);
  buffer.append(pool, octets);
  CHECK(buffer.size() == 200'000);
  Packet one = pool.make(1, size_t(20));
  buffer.attach(one, 1000, 1448);
  CHECK(one.front().size() == 20);
  CHECK(one.tail().size() == 1448);
  CHECK(one.tail()[0] == octets[1000]);
  Packet across = pool.make(2, size_t(20));
  buffer.attach(across, 66'000, 1448);
  CHECK(across.tail().empty());
  const Bytes copied = across.octets().subspan(20);
  CHECK(std::equal(copied.begin(), copied.end(), octets.begin() + 66'000));
  buffer.drop_front(150'000);
  CHECK(buffer.size() == 50'000);
  CHECK(one.tail()[1447] == octets[2447]);  // what is on its way stays
  Packet last = pool.make(3, size_t(0));
  buffer.attach(last, 49'990, 10);
  CHECK(last.octets()[9] == octets[199'999]);
}

TEST_CASE("segments in any order become the stream again", "[tcp]") {
  RandomStream random(3, 0, "reassembly");
  const auto stream = count_up(5000);
  for (int round = 0; round < 200; ++round) {
    PacketPool pool;
    TcpReassembly reassembly;
    const Seq start{0xfffffc00};  // wraps on its way
    Seq next = start;
    PacketQueue out;
    while (next != start + 5000) {
      const uint32_t from = uint32_t(random.below(5000));
      const uint32_t length = std::min<uint32_t>(uint32_t(1 + random.below(700)), 5000 - from);
      Seq begin = start + from;
      Packet packet = pool.make(1, Bytes(stream).subspan(from, length));
      if (begin + length <= next) continue;
      if (begin < next) {
        packet.trim_front(uint32_t(next - begin));
        begin = next;
      }
      const size_t before = reassembly.octets();
      const auto added = reassembly.add(begin, std::move(packet), SIZE_MAX);
      CHECK((added.outcome == TcpReassembly::Outcome::kept) == (reassembly.octets() > before));
      next = reassembly.take_from(next, out);
    }
    CHECK(reassembly.empty());
    CHECK(reassembly.octets() == 0);
    std::vector<uint8_t> got;
    out.consume(5000, [&](Bytes part) { got.insert(got.end(), part.begin(), part.end()); });
    INFO("round " << round);
    CHECK(got == stream);
  }
}

TEST_CASE("SACK reports the latest block first, duplicates before it", "[tcp]") {
  PacketPool pool;
  TcpReassembly r;
  const auto add = [&](uint32_t begin, uint32_t length) {
    return r.add({begin}, pool.make(1, count_up(length)), 3);
  };
  add(200, 100);
  add(400, 100);
  TcpOptions o;
  r.report(o, {100});
  REQUIRE(o.sack_count == 2);
  CHECK(o.sack[0] == SackBlock{{400}, {500}});
  add(300, 50);  // continues the first
  CHECK(add(600, 10).outcome == TcpReassembly::Outcome::kept);
  CHECK(add(700, 10).outcome == TcpReassembly::Outcome::full);
  const TcpReassembly::Added twice = add(420, 10);
  CHECK(twice.outcome == TcpReassembly::Outcome::duplicate);
  CHECK(twice.twice == SackBlock{{420}, {430}});
  r.note_duplicate(twice.twice.begin, twice.twice.end);
  r.report(o, {100});
  REQUIRE(o.sack_count == 4);
  CHECK(o.sack[0] == SackBlock{{420}, {430}});
  CHECK(o.sack[1] == SackBlock{{400}, {500}});
  CHECK(o.sack[2] == SackBlock{{600}, {610}});
  CHECK(o.sack[3] == SackBlock{{200}, {350}});
}

TEST_CASE("the scoreboard agrees with a map of every octet", "[tcp]") {
  RandomStream random(11, 0, "scoreboard");
  for (int round = 0; round < 300; ++round) {
    constexpr uint32_t mss = 10, window = 400;
    const Seq base{0xffffff80};
    TcpScoreboard board(base);
    std::vector<bool> sacked(window, false);
    uint32_t una = 0;
    for (int step = 0; step < 30; ++step) {
      const TcpScoreboard::Sent sent{base + una, base + window, mss};
      if (una + 2 > window) break;
      if (random.chance(1u << 30) && una < window - 50) {
        una += uint32_t(random.below(40));
        while (una < window && sacked[una]) ++una;
        const TcpScoreboard::Sent now{base + una, base + window, mss};
        board.take_ack(base + una, now);
      } else {
        const uint32_t from = una + 1 + uint32_t(random.below(window - una - 1));
        const uint32_t to = from + uint32_t(1 + random.below(window - from));
        const SackBlock block{base + from, base + to};
        board.take_blocks({&block, 1}, sent, 1000);
        for (uint32_t i = from; i < to; ++i) sacked[i] = true;
      }
      uint32_t expected = 0;
      for (uint32_t i = una; i < window; ++i) expected += sacked[i];
      INFO("round " << round << " step " << step);
      REQUIRE(board.sacked() == expected);
    }
    // Everything else is lost now, and each missing octet is sent exactly once.
    const TcpScoreboard::Sent sent{base + una, base + window, mss};
    board.all_lost(sent);
    CHECK(board.pipe(sent) == 0);
    std::vector<bool> again(window, false);
    for (;;) {
      const SackBlock hole = board.next_hole(mss, true);
      if (hole.begin == hole.end) break;
      for (Seq at = hole.begin; at < hole.end; at += 1) {
        const uint32_t i = uint32_t(at - base);
        REQUIRE((!again[i] && !sacked[i] && i >= una));
        again[i] = true;
      }
      board.sent_again(hole, sent.nxt);
    }
    for (uint32_t i = una; i < window; ++i) REQUIRE(again[i] != sacked[i]);
  }
}

TEST_CASE("three segments SACKed above a hole make it lost (RFC 6675)", "[tcp]") {
  TcpScoreboard board({0});
  const TcpScoreboard::Sent sent{{0}, {10'000}, 1000};
  const auto sack = [&](uint32_t from, uint32_t to) {
    const SackBlock block{{from}, {to}};
    board.take_blocks({&block, 1}, sent, 128);
    return board.mark_lost(1000);
  };
  CHECK(!sack(1000, 2000));
  CHECK(!sack(2000, 3000));
  CHECK(board.pipe(sent) == 8000);
  CHECK(sack(3000, 4000));
  CHECK(board.pipe(sent) == 6000);
  CHECK(board.next_hole(1000, true) == SackBlock{{0}, {1000}});
  board.sent_again({{0}, {1000}}, sent.nxt);
  CHECK(board.pipe(sent) == 7000);
  // Again when three are SACKed that were sent after it.
  const TcpScoreboard::Sent more{{0}, {14'000}, 1000};
  const auto lost_again_at = [&](uint32_t to) {
    const SackBlock block{{1000}, {to}};
    board.take_blocks({&block, 1}, more, 128);
    return board.lose_again(1000);
  };
  CHECK(!lost_again_at(12'000));
  CHECK(lost_again_at(13'000) == Seq{10'000});
  CHECK(board.next_hole(1000, true) == SackBlock{{0}, {1000}});
  CHECK(board.lost_ever() == 2000);
}

TEST_CASE("the timeout follows RFC 6298 with FreeBSD's slop", "[tcp]") {
  const RtoBounds bounds{1_s, 30_ms, 200_ms};
  TcpRtt rtt;
  CHECK(rtt.timeout(bounds, 0) == 1_s);
  CHECK(rtt.timeout(bounds, 1) == 2200_ms);
  rtt.sample(100_ms);
  CHECK(rtt.smoothed() == 100_ms);
  CHECK(rtt.timeout(bounds, 0) == 500_ms);  // 100 + 4 * 50 + 200
  rtt.sample(100_ms);
  CHECK(rtt.timeout(bounds, 0) == 450_ms);
  CHECK(rtt.timeout(bounds, 12) == 64_s);
}

TEST_CASE("CUBIC falls to 0.7, is back at its old window after K, and goes on", "[tcp]") {
  auto cubic = cubic_record.create(1);
  CongestionWindow w{.cwnd = 1'000'000, .ssthresh = UINT32_MAX / 2, .mss = 1000};
  CongestionSample s{.smoothed_rtt = 100_ms, .acked = 1000, .flight = 1'000'000, .limited = true};
  cubic->congested(w, CongestionEvent::loss, s);
  CHECK(w.ssthresh == 700'000);
  w.cwnd = w.ssthresh;
  // K = cbrt(1000 * 0.3 / 0.4) = 9.09 s (RFC 9438 s4.2). A window is acknowledged in each round.
  uint32_t at_k = 0;
  for (SimTime now = 1_ms; now < 20_s; now += 100_ms) {
    for (uint32_t octets = w.cwnd; octets >= 1000; octets -= 1000) {
      s.now = now;
      cubic->acked(w, s);
    }
    if (now < 9_s) at_k = w.cwnd;
  }
  CHECK(at_k > 980'000);
  CHECK(at_k < 1'020'000);
  CHECK(w.cwnd > 1'300'000);
}

TEST_CASE("NewReno halves, and grows by a segment in each round", "[tcp]") {
  auto reno = newreno_record.create(1);
  CongestionWindow w{.cwnd = 20'000, .ssthresh = UINT32_MAX / 2, .mss = 1000};
  CongestionSample s{.acked = 1000, .flight = 20'000, .limited = true};
  for (int i = 0; i < 20; ++i) reno->acked(w, s);
  CHECK(w.cwnd == 40'000);
  s.flight = 40'000;
  reno->congested(w, CongestionEvent::loss, s);
  CHECK(w.ssthresh == 20'000);
  w.cwnd = w.ssthresh;
  for (int i = 0; i < 20; ++i) reno->acked(w, s);
  CHECK(w.cwnd == 21'000);
  s.limited = false;
  for (int i = 0; i < 100; ++i) reno->acked(w, s);
  CHECK(w.cwnd == 21'000);
}

TEST_CASE("HyStart++ ends slow start when the round trip rises, not when it jitters", "[tcp]") {
  const auto rounds = [](std::vector<SimTime> rtts) {
    auto cubic = cubic_record.create(1);
    CongestionWindow w{.cwnd = 10'000, .ssthresh = UINT32_MAX / 2, .mss = 1000};
    CongestionSample s{.smoothed_rtt = 20_ms, .acked = 1000, .limited = true};
    for (SimTime rtt : rtts) {
      const uint32_t window = w.cwnd;
      s.rtt = rtt;
      s.nxt = s.una + window;
      for (uint32_t octets = 0; octets < window; octets += 1000) {
        s.una += 1000;
        s.nxt = s.una + window;
        cubic->acked(w, s);
      }
    }
    return w;
  };
  const CongestionWindow steady = rounds(std::vector<SimTime>(5, 20_ms));
  CHECK(steady.slow_start());
  CHECK(steady.cwnd == 320'000);
  // It rises by more than 4 ms and stays: five rounds of slower growth, then an end.
  std::vector<SimTime> rises(4, 20_ms);
  rises.insert(rises.end(), 8, 30_ms);
  const CongestionWindow risen = rounds(rises);
  CHECK(!risen.slow_start());
  CHECK(risen.cwnd < 600'000);
  // A single slow round is jitter.
  CHECK(rounds({20_ms, 20_ms, 30_ms, 20_ms, 20_ms}).slow_start());
}

TEST_CASE("DCTCP falls by half of what was marked (RFC 8257)", "[tcp]") {
  auto dctcp = dctcp_record.create(1);
  CongestionWindow w{.cwnd = 100'000, .ssthresh = 1000, .mss = 1000};
  CongestionSample s{.acked = 1000, .flight = 100'000, .limited = true};
  // A tenth of the octets is marked, for many windows.
  for (int i = 0; i < 20'000; ++i) {
    s.una += 1000;
    s.nxt = s.una + 100'000;
    s.marked = i % 10 == 0;
    dctcp->heard(s);
  }
  dctcp->congested(w, CongestionEvent::ecn, s);
  CHECK(w.ssthresh > 94'000);
  CHECK(w.ssthresh < 96'000);
  dctcp->congested(w, CongestionEvent::loss, s);
  CHECK(w.ssthresh == 50'000);
}

TEST_CASE("Vegas keeps one to three segments in the queue", "[tcp]") {
  auto vegas = vegas_record.create(1);
  CongestionWindow w{.cwnd = 50'000, .ssthresh = 1000, .mss = 1000};
  CongestionSample s{.acked = 1000, .limited = true};
  // A path of 20 ms that carries 20 segments; what is more waits, a millisecond each.
  for (int round = 0; round < 200; ++round) {
    const uint32_t segments = w.cwnd / 1000;
    s.rtt = segments > 20 ? SimTime(int64_t(segments) * 1'000'000) : 20_ms;
    if (round == 0) s.rtt = 20_ms;
    s.nxt = s.una + w.cwnd;
    for (uint32_t i = 0; i < segments; ++i) {
      s.una += 1000;
      s.nxt = s.una + w.cwnd;
      vegas->acked(w, s);
    }
  }
  CHECK(w.cwnd >= 21'000);
  CHECK(w.cwnd <= 24'000);
}
