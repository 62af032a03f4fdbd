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
  // What is noted at a barrier may be about nodes of several partitions: one count orders it.
  void count_world_notes_in(uint32_t* count) { world_notes_ = count; }

  void drop(const EventKey& at, const DropNote& note);
  void decision(const EventKey& at, const DecisionNote& note) { decisions_.push(stamp(at), note); }
  bool connections_wanted() const { return connections_wanted_; }
  void want_connections(bool wanted) { connections_wanted_ = wanted; }
  void connection(const EventKey& at, const ConnectionNote& note) {
    connections_.push(stamp(at), note);
  }
  void log(const EventKey& at, const LogNote& note);
  void frame(const EventKey& at, const FrameNote& note);

  // Hands everything noted by all of these tracers to the observers, in the total order, and
  // forgets it. Call it only when all nodes have run up to a common instant.
  static void drain(const std::vector<Tracer*>& tracers, const std::vector<Observer*>& observers);

 private:
  enum class Kind : uint8_t { drop, log, frame };
  struct Record {
    TraceStamp stamp;
    Kind kind;
    union {
      DropNote drop;
      LogNote log;
      FrameNote frame;
    };
    size_t place_at = 0;  // offsets of the note's octets in arena_: views would dangle as it grows
    size_t detail_at = 0;
  };

  // What is noted often has a ring of its own, which forgets the oldest when nobody drains it.
  template <class Note>
  struct Ring {
    struct Entry {
      TraceStamp stamp;
      Note note;
    };
    static constexpr size_t size = 4096;  // a power of two; stays in the second-level cache
    void push(const TraceStamp& stamp, const Note& note) {
      if (entries.empty()) entries.resize(size);
      if (written - read == size) {
        ++read;
        ++lost;
      }
      entries[written++ % size] = {stamp, note};
    }
    const TraceStamp* first() const {
      return read == written ? nullptr : &entries[read % size].stamp;
    }
    Entry& take() { return entries[read++ % size]; }
    std::vector<Entry> entries;
    uint64_t read = 0, written = 0;
    uint64_t lost = 0;  // since somebody was told
  };

  TraceStamp stamp(const EventKey& at) {
    if (at.target == world_node && world_notes_) [[unlikely]]
      return {at, ++*world_notes_};
    if (at != last_key_) {
      last_key_ = at;
      next_number_ = 0;
    }
    return {at, next_number_++};
  }
  Record& add(const EventKey& at, Kind kind);
  size_t keep(std::string_view octets);
  void replay(Record& record, const std::vector<Observer*>& observers) const;
  const TraceStamp* first_stamp(size_t record) const;
  void replay_first(size_t& record, const std::vector<Observer*>& observers);

  std::vector<Record> records_;
  std::vector<char> arena_;
  Ring<DecisionNote> decisions_;
  Ring<ConnectionNote> connections_;
  EventKey last_key_;
  uint32_t next_number_ = 0;
  uint32_t* world_notes_ = nullptr;
  bool decisions_wanted_ = false, connections_wanted_ = false;
};

}  // namespace stackyard
