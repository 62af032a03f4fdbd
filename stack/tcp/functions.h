// stack/tcp/functions.h - the "stacks" that a connection can run (tcp(4), TCP_FUNCTION_BLK): how
// losses are found, and for "bbr" what follows. Everything else is one TCP.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace stackyard {

struct CongestionRecord;

struct TcpFunctionBlock {
  const char* name;
  // By time (RFC 8985) and not by duplicate acknowledgments: rack.h.
  bool by_time;
  // Its own, whatever TCP_CONGESTION says; null: none.
  const CongestionRecord* congestion;
};

// The first is the default.
std::span<const TcpFunctionBlock> tcp_function_blocks();
std::optional<uint8_t> find_tcp_functions(std::string_view name);

}  // namespace stackyard
