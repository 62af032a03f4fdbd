// core/trace/tracer.h - a partition's notebook: small binary records, merged by key afterwards.
#pragma once

#include <vector>

#include "core/trace/observer.h"

namespace stackyard {

// Notes of one partition, in the order of its events. Whoever notes passes the current key.
class Tracer {
 public:
  // One flag test on the packets' path; nothing else happens while nobody looks.
  bool decisions_wanted() const { return decisions_wanted_; }
  void want_decisions(bool wanted) { decisions_wanted_ = wanted; }

  void drop(const EventKey& at, const DropNote& note);
  void decision(const EventKey& at, const DecisionNote& note);
  void log(const EventKey& at, const LogNote& note);
  void frame(const EventKey& at, const FrameNote& note);

  size_t pending() const { return records_.size(); }

  // Hands everything noted by all of these tracers to the observers, in the total order, and
  // forgets it. Call it only when all nodes have run up to a common instant.
  static void drain(const std::vector<Tracer*>& tracers, const std::vector<Observer*>& observers);

 private:
  enum class Kind : uint8_t { drop, decision, log, frame };
  struct Record {
    TraceStamp stamp;
    Kind kind;
    union {
      DropNote drop;
      DecisionNote decision;
      LogNote log;
      FrameNote frame;
    };
    size_t place_at = 0;  // offsets of the note's octets in arena_: views would dangle as it grows
    size_t detail_at = 0;
  };

  Record& add(const EventKey& at, Kind kind);
  size_t keep(std::string_view octets);
  void replay(Record& record, const std::vector<Observer*>& observers) const;

  std::vector<Record> records_;
  std::vector<char> arena_;
  EventKey last_key_;
  uint32_t next_number_ = 0;
  bool decisions_wanted_ = false;
};

}  // namespace stackyard
