// core/wire/transport/tcp.h - TCP's header and options (RFC 9293 s3.1; options: RFC 7323, 2018,
// 2385, 7413; flags: RFC 3168, 9768).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/wire/drops.h"
#include "core/wire/transport/sequence.h"

namespace stackyard {

struct TcpHeader {  // Exactly the octets on the wire.
  be16 source_port;
  be16 dest_port;
  be32 sequence;
  be32 acknowledgment;
  uint8_t offset_flags = 0x50;  // header's size in 32-bit words, three reserved bits, AE
  uint8_t flags = 0;            // tcp_flag
  be16 window;
  be16 checksum;
  be16 urgent;
  size_t header_size() const { return size_t(offset_flags >> 4) * 4; }
};
static_assert(sizeof(TcpHeader) == 20 && alignof(TcpHeader) == 1);

namespace tcp_flag {
constexpr uint8_t fin = 0x01, syn = 0x02, rst = 0x04, push = 0x08, ack = 0x10, urg = 0x20,
                  ece = 0x40, cwr = 0x80;
}

namespace tcp_option {
constexpr uint8_t end = 0, nop = 1, mss = 2, window_scale = 3, sack_permitted = 4, sack = 5,
                  timestamps = 8, signature = 19, fast_open = 34;
constexpr size_t space_max = 40;
constexpr size_t timestamps_size = 12, signature_size = 20;  // with the padding before them
}  // namespace tcp_option

struct SackBlock {
  Seq begin, end;
  bool operator==(const SackBlock&) const = default;
};

struct TcpTimestamps {
  uint32_t value = 0, echo = 0;
  bool operator==(const TcpTimestamps&) const = default;
};

struct TcpOptions {
  std::optional<uint16_t> mss;
  std::optional<uint8_t> window_scale;
  bool sack_permitted = false;
  std::optional<TcpTimestamps> timestamps;
  bool has_signature = false;
  std::array<uint8_t, 16> signature{};  // RFC 2385
  std::array<SackBlock, 4> sack{};
  uint8_t sack_count = 0;
  bool has_fast_open = false;  // RFC 7413: with an empty cookie it is a request for one
  uint8_t cookie_length = 0;
  std::array<uint8_t, 16> cookie{};
  bool operator==(const TcpOptions&) const = default;
};

struct TcpParsed {
  TcpHeader header;
  TcpOptions options;
};

// The header and its options; the checksum is the caller's. Options that are unknown, or whose
// length is not theirs, are skipped; one that leaves the header ends the list, as in FreeBSD.
Parsed<TcpParsed> parse_tcp(Bytes octets);
TcpOptions parse_tcp_options(Bytes octets);

// Octets that emit_tcp_options would write: a multiple of 4.
size_t tcp_options_size(const TcpOptions& options);
// In FreeBSD's order and with its padding: mss, nop, wscale, sackOK, TS. SACK blocks that do not
// fit are left out. Returns how many octets were written. Precondition: space_max octets of room.
size_t emit_tcp_options(const TcpOptions& options, MutableBytes to);

// "[S.]" as tcpdump writes the flags.
std::string tcp_flags_text(uint8_t flags);
// "mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 0", as they lie in the header.
std::string tcp_options_text(Bytes octets);

}  // namespace stackyard
