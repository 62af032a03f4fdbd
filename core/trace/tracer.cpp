#include "core/trace/tracer.h"

#include "core/base/text.h"

namespace stackyard {

std::string_view decision_name(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::local: return "local";
    case DecisionKind::route: return "route";
    case DecisionKind::neighbour: return "neighbour";
    case DecisionKind::socket: return "socket";
    case DecisionKind::rule: return "rule";
  }
  return "?";
}

Tracer::Record& Tracer::add(const EventKey& at, Kind kind) {
  if (at != last_key_) {
    last_key_ = at;
    next_number_ = 0;
  }
  Record& record = records_.emplace_back(Record{.stamp = {at, next_number_++}, .kind = kind, .log = {}});
  return record;
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

void Tracer::decision(const EventKey& at, const DecisionNote& note) {
  add(at, Kind::decision).decision = note;
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
  const auto kept = [&](size_t at, size_t size) { return std::string_view(arena_.data() + at, size); };
  switch (record.kind) {
    case Kind::drop:
      record.drop.place = kept(record.place_at, record.drop.place.size());
      record.drop.detail = kept(record.detail_at, record.drop.detail.size());
      for (Observer* o : observers) o->drop(record.stamp, record.drop);
      break;
    case Kind::decision:
      for (Observer* o : observers) o->decision(record.stamp, record.decision);
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

void Tracer::drain(const std::vector<Tracer*>& tracers, const std::vector<Observer*>& observers) {
  std::vector<size_t> at(tracers.size(), 0);
  for (;;) {
    size_t first = tracers.size();
    for (size_t i = 0; i < tracers.size(); ++i) {
      if (at[i] == tracers[i]->records_.size()) continue;
      const bool earlier = first == tracers.size() || tracers[i]->records_[at[i]].stamp <
                                                          tracers[first]->records_[at[first]].stamp;
      if (earlier) first = i;
    }
    if (first == tracers.size()) break;
    tracers[first]->replay(tracers[first]->records_[at[first]++], observers);
  }
  for (Tracer* tracer : tracers) {
    tracer->records_.clear();
    tracer->arena_.clear();
  }
}

}  // namespace stackyard
