#include <catch2/catch.hpp>
#include <numeric>

#include "core/offload/checksum_offload.h"
#include "core/packet/packet_pool.h"
#include "core/wire/checksum.h"

using namespace stackyard;

namespace {
std::vector<uint8_t> count_up(size_t n) {
  std::vector<uint8_t> octets(n);
  std::iota(octets.begin(), octets.end(), uint8_t(0));
  return octets;
}
std::vector<uint8_t> content(Packet& packet) {
  const Bytes octets = packet.octets();
  return {octets.begin(), octets.end()};
}
}  // namespace

TEST_CASE("prepending and cloning do not copy, writing to shared octets does") {
  PacketPool pool;
  Packet packet = pool.make(1, count_up(100));
  const uint8_t* before = packet.front().data();
  packet.prepend(14);
  CHECK(packet.front().data() == before - 14);
  Packet copy = packet.clone();
  CHECK(copy.front().data() == packet.front().data());
  CHECK(copy.id() == packet.id());
  copy.writable_front()[20] = 0xee;
  CHECK(copy.front().data() != packet.front().data());
  CHECK(packet.front()[20] == 6);
}

TEST_CASE("a shared tail is part of the packet until somebody needs it contiguous") {
  PacketPool pool;
  Packet whole = pool.make(1, count_up(200));
  Packet piece = pool.make(2, size_t(4));
  piece.writable_front()[0] = 9;
  piece.share_tail(whole, 50, 20);
  CHECK(piece.size() == 24);
  CHECK(piece.front().size() == 4);
  CHECK(piece.tail()[0] == 50);
  CHECK(content(piece)[4] == 50);
  CHECK(content(piece).back() == 69);
  CHECK(content(whole).size() == 200);
}

TEST_CASE(
    "a packet that crosses to another pool takes its octets along, or a copy of shared ones") {
  PacketPool here, there;
  Packet packet = here.make(1, count_up(64));
  packet.set_tag(&here, 42);
  Packet kept = packet.clone();
  PacketRecord* record = packet.release();
  Packet::rehome_in_place(record, there);
  Packet moved = Packet::adopt(record);
  CHECK(&moved.pool() == &there);
  CHECK(*moved.tag(&here) == 42);
  CHECK(content(moved) == content(kept));
  CHECK(moved.front().data() != kept.front().data());
  kept = Packet();
  moved = Packet();
  CHECK(here.packets_in_use() == 0);
  CHECK(there.packets_in_use() == 0);
}

TEST_CASE("a deferred checksum survives headers and is computed when it is needed") {
  PacketPool pool;
  auto octets = count_up(41);
  octets[6] = octets[7] = 0;
  Packet packet = pool.make(1, octets);
  packet.defer_checksum(DeferredChecksum::internet, 0, 6);
  packet.prepend(34);
  Packet copy = packet.clone();
  finish_checksum(copy);
  CHECK(internet_checksum(copy.octets().subspan(34)) == 0);
  CHECK(packet.deferred_checksum() != DeferredChecksum::none);
  CHECK(packet.front()[34 + 6] == 0);
}

TEST_CASE("only UDP writes a checksum of zero as ones (RFC 768)") {
  PacketPool pool;
  for (const auto& [kind, field] : {std::pair(DeferredChecksum::internet, 0x0000),
                                    {DeferredChecksum::internet_of_udp, 0xffff}}) {
    const uint8_t all_ones[] = {0xff, 0xff, 0xff, 0xff, 0, 0};
    Packet packet = pool.make(1, Bytes(all_ones));
    packet.defer_checksum(kind, 0, 4);
    finish_checksum(packet);
    CHECK(load<be16>(packet.octets().subspan(4)) == field);
    CHECK(internet_checksum(packet.octets()) == 0);
  }
}

TEST_CASE("the checksum of RFC 1071's example, and its incremental update") {
  const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(checksum_fold(checksum_add(0, example)) == 0xddf2);
  std::vector<uint8_t> header = count_up(20);
  header[10] = header[11] = 0;
  store(be16(internet_checksum(header)), MutableBytes(header).subspan(10));
  const uint16_t field = load<be16>(Bytes(header).subspan(10));
  const uint16_t word = load<be16>(Bytes(header).subspan(8));
  store(be16(uint16_t(word - 0x100)), MutableBytes(header).subspan(8));
  store(be16(checksum_update(field, word, uint16_t(word - 0x100))),
        MutableBytes(header).subspan(10));
  CHECK(internet_checksum(header) == 0);
}
