#include "core/trace/tracer.h"

#include <utility>

#include "core/base/text.h"

namespace stackyard {

std::string_view decision_name(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::local:
      return "local";
    case DecisionKind::route:
      return "route";
    case DecisionKind::neighbour:
      return "neighbour";
    case DecisionKind::socket:
      return "socket";
    case DecisionKind::rule:
      return "rule";
  }
  return "?";
}

Tracer::Record& Tracer::add(const EventKey& at, Kind kind) {
  return records_.emplace_back(Record{.stamp = stamp(at), .kind = kind, .log = {}});
}

size_t Tracer::keep(std::string_view octets) {
  const size_t at = arena_.size();
  arena_.insert(arena_.end(), octets.begin(), octets.end());
  return at;
}

void Tracer::drop(const EventKey& at, const DropNote& note) {
  Record& record = add(at, Kind::drop);
  record.drop = note;
  record.place_at = keep(note.place);
  record.detail_at = keep(note.detail);
}

void Tracer::log(const EventKey& at, const LogNote& note) {
  Record& record = add(at, Kind::log);
  record.log = note;
  record.place_at = keep(note.line);
}

void Tracer::frame(const EventKey& at, const FrameNote& note) {
  Record& record = add(at, Kind::frame);
  record.frame = note;
  record.place_at = keep(text_of(note.octets));
}

void Tracer::replay(Record& record, const std::vector<Observer*>& observers) const {
  const auto kept = [&](size_t at, size_t size) {
    return std::string_view(arena_.data() + at, size);
  };
  switch (record.kind) {
    case Kind::drop:
      record.drop.place = kept(record.place_at, record.drop.place.size());
      record.drop.detail = kept(record.detail_at, record.drop.detail.size());
      for (Observer* o : observers) o->drop(record.stamp, record.drop);
      break;
    case Kind::log:
      record.log.line = kept(record.place_at, record.log.line.size());
      for (Observer* o : observers) o->log(record.stamp, record.log);
      break;
    case Kind::frame:
      record.frame.octets = bytes_of(kept(record.place_at, record.frame.octets.size()));
      for (Observer* o : observers) o->frame(record.stamp, record.frame);
      break;
  }
}

// The earliest of what is left: records from index `record` on, and the rings.
const TraceStamp* Tracer::first_stamp(size_t record) const {
  const TraceStamp* first = record < records_.size() ? &records_[record].stamp : nullptr;
  for (const TraceStamp* other : {decisions_.first(), connections_.first()})
    if (other && (!first || *other < *first)) first = other;
  return first;
}

void Tracer::replay_first(size_t& record, const std::vector<Observer*>& observers) {
  const TraceStamp* first = first_stamp(record);
  if (record < records_.size() && first == &records_[record].stamp)
    return replay(records_[record++], observers);
  if (first == decisions_.first()) {
    const auto& decided = decisions_.take();
    for (Observer* o : observers) o->decision(decided.stamp, decided.note);
    return;
  }
  auto& noted = connections_.take();
  noted.note.missed = std::exchange(connections_.lost, 0);
  for (Observer* o : observers) o->connection(noted.stamp, noted.note);
}

void Tracer::drain(const std::vector<Tracer*>& tracers, const std::vector<Observer*>& observers) {
  std::vector<size_t> at(tracers.size(), 0);
  for (;;) {
    size_t earliest = tracers.size();
    const TraceStamp* first = nullptr;
    for (size_t i = 0; i < tracers.size(); ++i) {
      const TraceStamp* stamp = tracers[i]->first_stamp(at[i]);
      if (!stamp || (first && *first < *stamp)) continue;
      first = stamp;
      earliest = i;
    }
    if (!first) break;
    tracers[earliest]->replay_first(at[earliest], observers);
  }
  for (Tracer* tracer : tracers) {
    tracer->records_.clear();
    tracer->arena_.clear();
  }
}

}  // namespace stackyard
