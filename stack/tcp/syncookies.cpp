// stack/tcp/syncookies.cpp - a handshake that needs no memory (RFC 4987 s3.6; syncookies(4)).
//
// The initial sequence number is a keyed hash of both ends, the peer's number and the time; its
// last octet hides what the SYN said, in FreeBSD's few steps: 3 bits of MSS, 3 of window scale,
// SACK, and which of two epochs made it. An ACK that brings it back may be trusted, for 15 to 30
// seconds.
#include <algorithm>

#include "core/base/siphash.h"
#include "stack/tcp/syncache.h"
#include "stack/tcp/tcp.h"

namespace stackyard {

namespace {

constexpr SimTime lifetime = 15_s;
constexpr uint16_t segment_sizes[8] = {216, 536, 1200, 1360, 1400, 1440, 1452, 1460};
constexpr int no_scale = -1;
constexpr int scales[8] = {no_scale, 0, 1, 2, 4, 6, 7, 8};

// The greatest that is not above what was offered.
template <class Table, class Value>
uint8_t step_of(const Table& table, Value value) {
  uint8_t step = 0;
  for (uint8_t i = 0; i < 8; ++i)
    if (int(table[i]) <= int(value)) step = i;
  return step;
}

}  // namespace

uint32_t TcpSyncache::cookie_hash(const TcpEnds& ends, Seq irs, uint8_t bits, int64_t epoch) const {
  return uint32_t(tcp_.keyed_hash(ends, uint64_t(irs.value) << 8 | bits, uint64_t(epoch)));
}

void TcpSyncache::bake_cookie(TcpHalfOpen& half) const {
  const int64_t epoch = tcp_.site().now() / lifetime;
  const uint16_t offered =
      half.mss ? half.mss : uint16_t(tcp_.segment_size_unsaid(half.ends.foreign.address));
  const uint8_t mss = step_of(segment_sizes, offered);
  const uint8_t scale = half.scaling ? step_of(scales, half.snd_scale) : 0;
  const uint8_t bits = uint8_t(mss << 5 | scale << 2 | (half.sack ? 2 : 0) | (epoch & 1));
  const uint32_t hash = cookie_hash(half.ends, half.irs, 0, epoch);
  const uint32_t proof = cookie_hash(half.ends, half.irs, bits, epoch);
  half.iss = {(proof & ~0xffu) | (bits ^ (hash >> 24))};
}

std::optional<TcpHalfOpen> TcpSyncache::taste_cookie(TcpConnection& listener,
                                                     const TcpSegment& segment) const {
  const auto& s = tcp_.settings();
  const SimTime now = tcp_.site().now();
  // Only when the cache has lost something lately.
  const bool overflowed = last_overflow_ >= SimTime() && now - last_overflow_ <= lifetime * 2;
  if (!s.syncookies || !(overflowed || s.syncookies_only)) return std::nullopt;
  TcpHalfOpen half{.ends = segment.ends, .listener = &listener};
  half.iss = segment.ack - 1;
  half.irs = segment.seq - 1;
  for (const int64_t epoch : {now / lifetime, now / lifetime - 1}) {
    const uint32_t hash = cookie_hash(half.ends, half.irs, 0, epoch);
    const uint8_t bits = uint8_t(half.iss.value ^ hash >> 24);
    if (int64_t(bits & 1) != (epoch & 1)) continue;
    if ((cookie_hash(half.ends, half.irs, bits, epoch) ^ half.iss.value) & ~0xffu) continue;
    half.mss = segment_sizes[bits >> 5];
    const int scale = scales[bits >> 2 & 7];
    half.scaling = tcp_.offers_scaling() && scale != no_scale;
    half.snd_scale = half.scaling ? uint8_t(scale) : uint8_t(0);
    half.rcv_scale = half.scaling ? tcp_.window_scale_offer() : uint8_t(0);
    half.sack = bits & 2;
    half.timestamps = tcp_.offers_timestamps() && segment.options.timestamps.has_value();
    if (half.timestamps) half.ts_recent = segment.options.timestamps->value;
    half.ts_offset = tcp_.timestamp_offset(half.ends);
    half.receive_window = uint32_t(std::min<size_t>(listener.receive_space(), 65535));
    return half;
  }
  return std::nullopt;
}

}  // namespace stackyard
