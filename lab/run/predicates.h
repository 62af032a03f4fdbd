// lab/run/predicates.h - whether something is true in a lab now: for checks and conditions.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/capture/filter.h"
#include "core/trace/observer.h"
#include "lab/build/lab.h"

namespace stackyard {

// "5" equals, ">5", "!=x", "in 10.0.0.0/8", "~ REGEX".
bool passes(const ValueTest& test, const Cell& value);

// What decided a predicate: in words, and what a client needs to show it.
struct Evidence {
  std::string words;
  std::map<std::string, std::string> row;  // of a table: the first that fits, its words
  SimTime frame_time;
  std::optional<PacketId> frame;  // the last one that matched
  std::string line, output;       // the command that has run, and the beginning of what it printed
};

// Counts the frames that match a filter at a tap since the counter was started.
class PacketCounters final : public Observer {
 public:
  explicit PacketCounters(Lab& lab) : lab_(lab) {}
  // Before the run; gives the number to ask by.
  size_t add(const Predicate& predicate);
  void start(size_t counter) {
    counters_[counter].count = 0;
    counters_[counter].last.reset();
  }
  int64_t count(size_t counter) const { return counters_[counter].count; }
  // When and which the last one was; none: no frame has matched.
  const std::optional<std::pair<SimTime, PacketId>>& last(size_t counter) const {
    return counters_[counter].last;
  }
  void frame(const TraceStamp& stamp, const FrameNote& note) override;

 private:
  struct Counter {
    std::vector<uint32_t> taps;
    PacketFilter filter;
    int64_t count = 0;
    std::optional<std::pair<SimTime, PacketId>> last = {};
  };
  Lab& lab_;
  std::vector<Counter> counters_;
};

// Judges a passive predicate; `counter` is that of a packet predicate. `evidence` says why.
bool holds(Lab& lab, const Predicate& predicate, const PacketCounters& counters, size_t counter,
           Evidence& evidence);

}  // namespace stackyard
