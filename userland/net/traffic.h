// userland/net/traffic.h - the parts of the traffic generator: patterns, their sender, the
// receiver.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "stack/sys/sys.h"
#include "userland/net/traffic_random.h"
#include "userland/net/traffic_stats.h"
#include "userland/net/traffic_wire.h"

namespace stackyard {

enum class TrafficPattern : uint8_t { constant, poisson, onoff, request, flows, syn };

struct TrafficSettings {
  TrafficPattern pattern = TrafficPattern::constant;
  std::string host;
  Af family = Af::unspecified;
  int64_t port = 5002;
  bool udp = false;
  int64_t rate = 1'000'000;  // bits a second
  int64_t per_second = 0;    // messages a second, in place of the rate
  Distribution size{.mean = 1000};
  Distribution on, off;        // onoff: nanoseconds
  Distribution answer, think;  // request: octets, nanoseconds
  SimTime duration = 10_s;
  int64_t count = INT64_MAX;  // of messages, requests or flows
  std::optional<int64_t> seed;
  Ipv4Address spoofed;  // syn: sources are of this network
  int spoofed_length = 0;
};

// When the messages of a pattern are due, from 0, and how large they are. The same draws for the
// same random numbers, however the network fares.
class TrafficSchedule {
 public:
  TrafficSchedule(const TrafficSettings& settings, uint64_t seed);
  struct Message {
    SimTime due;
    int64_t size = 0;
  };
  Message next();

 private:
  int64_t gap_after(int64_t size);

  const TrafficSettings& s_;
  RandomStream sizes_, gaps_, periods_;
  __int128 owed_ = 0;  // the sum of what the rate is divided into, of all messages so far
  SimTime talked_;     // the time of talking, without silences
  SimTime silent_;     // their sum
  SimTime talk_end_;   // in time of talking
};

// Sends by a pattern and says what became of it.
class TrafficSender {
 public:
  TrafficSender(Sys& sys, const TrafficSettings& settings);
  Task<int> run();

 private:
  using Octets = std::vector<uint8_t>;
  Task<Fd> connect(SocketType type);
  Task<bool> wait_until(SimTime due);
  Octets message(TrafficKind kind, SimTime due, int64_t size, int64_t wanted) const;
  Task<void> messages();
  Task<void> requests();
  Task<bool> await_answer(Fd fd, TrafficReader& reader);
  Task<void> flows();
  Task<void> begin_flow(Fd queue, TrafficSchedule::Message flow);
  Task<void> go_on(Fd queue, KernelEvent event);
  Task<void> synchronize();
  Task<std::optional<TrafficReport>> fetch_report();
  Task<void> say(std::string words) { (void)co_await sys_.print(words); }
  Task<int> report();

  struct Flow {
    Fd fd{};
    SimTime due;
    Octets head;
    int64_t size = 0, sent = 0;
  };

  Sys& sys_;
  const TrafficSettings& s_;
  SockAddr to_;
  uint64_t seed_, run_;
  SimTime begin_;
  uint64_t number_ = 0;  // of the last message
  uint64_t octets_ = 0, unsent_ = 0, answered_ = 0, answered_octets_ = 0;
  DelayHistogram times_;           // of answers, of flows
  std::map<int64_t, Flow> flows_;  // by descriptor
};

// Takes and answers messages until it is killed.
Task<int> serve_traffic(Sys& sys, TrafficSettings settings);

}  // namespace stackyard
