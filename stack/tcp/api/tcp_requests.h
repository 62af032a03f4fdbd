// stack/tcp/api/tcp_requests.h - what netstat, sockstat and tcpdrop ask about TCP.
#pragma once

#include <string>
#include <vector>

#include "core/base/time.h"
#include "stack/sys/request.h"
#include "stack/sys/types.h"

namespace stackyard {

// What is left until each goes off; 0: not set. And how long nothing has come.
struct TcpTimers {
  SimTime rexmt, persist, keep, two_msl, delack, since_received;
};

struct TcpConnectionInfo {
  std::string protocol;  // "tcp4"
  SockAddr local, foreign;
  std::string state;  // "ESTABLISHED", as netstat has it
  size_t receive_queue = 0, send_queue = 0;
  SocketBuffers buffers;
  TcpTimers timers;
  bool has_socket = false;  // false: the program is gone, or has not accepted it yet
  // A listening socket's: complete, incomplete, and how many it may hold (netstat -L).
  size_t queued = 0, embryonic = 0, backlog = 0;
  uint32_t cwnd = 0, ssthresh = 0, flight = 0;
  SimTime rtt, rto;
  uint64_t pace = 0;  // octets per second; 0: not paced
};

// All of them: the latest first, as netstat lists them.
struct ListTcpConnections : RequestOf<ListTcpConnections> {
  static constexpr RequestKind kind_of{"tcp", "list connections", true};
  std::vector<TcpConnectionInfo> connections;
};

// tcpdrop(8). ESRCH: there is no such connection.
struct DropTcpConnection : RequestOf<DropTcpConnection> {
  static constexpr RequestKind kind_of{"tcp", "drop connection"};
  SockAddr local, foreign;
};

}  // namespace stackyard
