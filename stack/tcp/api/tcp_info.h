// stack/tcp/api/tcp_info.h - what TCP_INFO tells of a connection: FreeBSD's struct tcp_info,
// without its reserved words.
#pragma once

#include <cstdint>

namespace stackyard {

struct TcpInfo {
  static constexpr uint8_t option_timestamps = 0x01, option_sack = 0x02, option_scaling = 0x04,
                           option_ecn = 0x08, option_fast_open = 0x20;
  uint8_t state = 0;  // 0 CLOSED ... 10 TIME_WAIT
  uint8_t options = 0;
  uint8_t send_scale = 0, receive_scale = 0;
  uint32_t timeout_us = 0, rtt_us = 0, rtt_variation_us = 0, rtt_least_us = 0;
  uint32_t send_mss = 0, receive_mss = 0;
  uint32_t ssthresh = 0, cwnd = 0;
  uint32_t receive_space = 0, send_window = 0, send_bandwidth = 0;
  uint32_t next_sequence = 0, next_receive = 0;
  uint32_t retransmitted = 0, out_of_order = 0, zero_windows = 0;
  uint32_t unacknowledged = 0;  // octets
  uint32_t since_received_us = 0;
  uint32_t oldest_unacked = 0, highest_sent = 0, told_edge = 0;  // sequence numbers
  uint32_t sack_blocks = 0, duplicate_acks = 0;
  uint32_t marks_delivered = 0, marks_received = 0;  // by AccECN's counters
  uint32_t tail_probes = 0;
  uint64_t tail_probe_octets = 0;
};

}  // namespace stackyard
