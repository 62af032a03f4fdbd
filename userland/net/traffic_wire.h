// userland/net/traffic_wire.h - traffic's own protocol: messages with a head, as datagrams or one
// after the other on a connection.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/bytes.h"

namespace stackyard {

enum class TrafficKind : uint8_t {
  data,     // counted, not answered
  request,  // answered by as many octets as it says
  answer,
  ask,    // for the report on a run; forgets the run
  report  // its text follows the head
};

struct TrafficHead {  // Exactly the octets on the wire.
  static constexpr uint32_t right_mark = 0x74726166;
  be32 mark = right_mark;
  uint8_t kind = 0;  // TrafficKind
  uint8_t zero[3] = {};
  be64 run;      // who counts together; drawn at random
  be64 number;   // of the message in its run, from 1
  be64 time_ns;  // when it was due
  be64 size;     // of the whole message
  be64 wanted;   // of a request: the size of its answer
  TrafficKind which() const { return TrafficKind(kind); }
};
static_assert(sizeof(TrafficHead) == 48 && alignof(TrafficHead) == 1);

constexpr int64_t traffic_least = sizeof(TrafficHead);
constexpr int64_t traffic_datagram_most = 65507;
constexpr int64_t traffic_report_most = 4096;

// Cuts a connection's octets into messages, and forgets what follows their heads but of reports.
class TrafficReader {
 public:
  // Calls `complete(head, body)` for each message that ends here. False: this is no such protocol.
  template <class Complete>
  bool take(Bytes octets, Complete complete) {
    while (!octets.empty()) {
      if (head_.size() < sizeof(TrafficHead)) {
        const size_t part = std::min(octets.size(), sizeof(TrafficHead) - head_.size());
        head_.insert(head_.end(), octets.begin(), octets.begin() + long(part));
        octets = octets.subspan(part);
        if (head_.size() < sizeof(TrafficHead)) return true;
        const auto head = load<TrafficHead>(head_);
        if (head.mark != TrafficHead::right_mark || head.size < sizeof(TrafficHead)) return false;
        left_ = head.size - sizeof(TrafficHead);
      }
      const auto part = size_t(std::min<uint64_t>(octets.size(), left_));
      const auto head = load<TrafficHead>(head_);
      if (head.which() == TrafficKind::report && body_.size() + part <= traffic_report_most)
        body_.insert(body_.end(), octets.begin(), octets.begin() + long(part));
      octets = octets.subspan(part);
      left_ -= part;
      if (left_ > 0) continue;
      complete(head, Bytes(body_));
      head_.clear();
      body_.clear();
    }
    return true;
  }

 private:
  std::vector<uint8_t> head_, body_;
  uint64_t left_ = 0;
};

}  // namespace stackyard
