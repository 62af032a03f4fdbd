// userland/net/iperf3_test.h - one test of iperf3: its control connection and its streams.
//
// The control connection carries states of one octet and JSON behind a length of four. A stream of
// TCP is a connection of its own that begins with the control connection's cookie; a stream of UDP
// begins with a greeting and its answer. SCTP is missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stack/sys/sys.h"
#include "userland/net/iperf3_report.h"

namespace stackyard {

enum class IperfState : int8_t {
  test_start = 1,
  test_running = 2,
  test_end = 4,
  param_exchange = 9,
  create_streams = 10,
  server_terminate = 11,
  client_terminate = 12,
  exchange_results = 13,
  display_results = 14,
  iperf_done = 16,
  access_denied = -1,
  server_error = -2
};

constexpr int64_t iperf_streams_most = 128;
constexpr int64_t iperf_block_most = 1 << 20;  // of TCP

// As iperf3 prints it.
std::string iperf_address(const IpAddress& address);

struct IperfSettings {
  int64_t port = 5201, seconds = 10, streams = 1, interval = 1;
  int64_t block = 0;            // -l; 0: as the protocol has it
  int64_t octets = 0;           // -n; 0: as long as `seconds` say
  int64_t mss = 0, window = 0;  // 0: the stack's
  int64_t rate = 0;             // -b: bits a second for each stream; 0: all that goes
  int64_t burst = 0;            // -b .../N: blocks at once
  bool udp = false;
  IperfCounters counters = IperfCounters::narrow;
  bool reverse = false, no_delay = false, one_off = false;
  std::string congestion, host, bind_to;
  Af family = Af::unspecified;

  IperfProtocol protocol() const { return udp ? IperfProtocol::udp : IperfProtocol::tcp; }
};

class IperfTest {
 public:
  enum class Role : uint8_t { client, server };
  IperfTest(Sys& sys, IperfSettings settings, Role role)
      : sys_(sys), settings_(std::move(settings)), client_(role == Role::client) {}
  Task<int> run_client();
  // A caller whose control connection it is; `listener` is where streams of TCP come.
  Task<void> run_server(Accepted caller, Fd listener);

 private:
  using Octets = std::vector<uint8_t>;

  bool sends() const { return client_ != settings_.reverse; }
  // The control connection. Nothing: it is over, or what came is no such thing.
  Task<std::string> read_exactly(Fd fd, size_t size);
  Task<bool> send_state(IperfState state);
  Task<std::optional<IperfState>> take_state();
  Task<bool> send_words(std::string json);
  Task<std::optional<std::string>> take_words();
  std::string parameters() const;
  bool take_parameters(const std::string& json);
  std::string results() const;
  void take_results(const std::string& json);
  Task<bool> agree(Accepted caller);
  Task<void> exchange_results();

  // Streams.
  Task<Result<Fd>> connect(SocketType type);
  Task<void> prepare(Fd fd, SocketType type);
  Task<bool> create_streams();
  Task<bool> accept_streams(Fd listener);
  Task<bool> greet(Fd fd);
  Task<Result<Fd>> datagram_listener();
  Task<bool> accept_datagram_streams(Fd listener);
  Task<void> add_stream(Fd fd);
  Task<void> close_streams();
  Task<void> close_all();

  // Data.
  Task<void> transfer();
  Task<bool> poll_once(std::vector<bool>& over, SimTime wait);
  Task<bool> move(IperfStream& stream, bool readable, bool writable);
  Task<bool> send_block(IperfStream& stream);
  Task<bool> take_block(IperfStream& stream);
  SimTime due(const IperfStream& stream) const;
  Task<void> look(IperfStream& stream);
  bool enough() const;

  Sys& sys_;
  IperfSettings settings_;
  bool client_;
  Fd control_{};
  bool open_ = false;
  std::string cookie_;
  std::vector<IperfStream> streams_;
  SimTime begin_, duration_;
  SimTime peer_duration_;  // as it says
  Octets block_;
  bool ended_ = false;  // the other side has said so, or is gone
};

}  // namespace stackyard
