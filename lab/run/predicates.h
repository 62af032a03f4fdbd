// lab/run/predicates.h - whether something is true in a lab now: for checks and conditions.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/capture/filter.h"
#include "core/trace/observer.h"
#include "lab/build/lab.h"

namespace stackyard {

// "5" equals, ">5", "!=x", "in 10.0.0.0/8", "~ REGEX".
bool passes(const ValueTest& test, const Cell& value);

// Counts the frames that match a filter at a tap since the counter was started.
class PacketCounters final : public Observer {
 public:
  explicit PacketCounters(Lab& lab) : lab_(lab) {}
  // Before the run; gives the number to ask by.
  size_t add(const Predicate& predicate);
  void start(size_t counter) { counters_[counter].count = 0; }
  int64_t count(size_t counter) const { return counters_[counter].count; }
  void frame(const TraceStamp& stamp, const FrameNote& note) override;

 private:
  struct Counter {
    std::vector<uint32_t> taps;
    PacketFilter filter;
    int64_t count = 0;
  };
  Lab& lab_;
  std::vector<Counter> counters_;
};

// Judges a passive predicate; `counter` is that of a packet predicate. `evidence` says why.
bool holds(Lab& lab, const Predicate& predicate, const PacketCounters& counters, size_t counter,
           std::string& evidence);

}  // namespace stackyard
