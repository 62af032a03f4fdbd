#include "stack/tcp/reassembly.h"

#include <algorithm>

namespace stackyard {

TcpReassembly::Added TcpReassembly::add(Seq begin, Packet payload, size_t runs_max) {
  const Seq first = begin;
  Added added{Outcome::duplicate};
  while (payload && payload.size() > 0) {
    // The first run that ends at or behind the piece's beginning: it may hold it, or continue it.
    const auto run = std::lower_bound(runs_.begin(), runs_.end(), begin,
                                      [](const Run& r, Seq at) { return r.end < at; });
    const size_t index = size_t(run - runs_.begin());
    const bool inside = run != runs_.end() && run->begin <= begin && begin < run->end;
    if (inside) {
      const uint32_t there = std::min(uint32_t(run->end - begin), uint32_t(payload.size()));
      if (added.twice == SackBlock{}) added.twice = {begin, begin + there};
      if (there == payload.size()) break;
      payload.trim_front(there);
      begin += there;
      continue;
    }
    // Up to where the next run begins.
    const size_t next = run != runs_.end() && run->end == begin ? index + 1 : index;
    Packet rest;
    if (next < runs_.size() && runs_[next].begin < begin + uint32_t(payload.size())) {
      const uint32_t length = uint32_t(runs_[next].begin - begin);
      rest = payload.clone();
      rest.trim_front(length);
      payload.trim_to(length);
    }
    const bool joins = next != index || (next < runs_.size() &&
                                         runs_[next].begin == begin + uint32_t(payload.size()));
    if (!joins && runs_.size() >= runs_max) return {Outcome::full};
    const uint32_t length = uint32_t(payload.size());
    add_piece(index, begin, std::move(payload));
    added.outcome = Outcome::kept;
    payload = std::move(rest);
    begin += length;
  }
  note_latest(first);
  return added;
}

// `index`: the run that ends where the piece begins, or else the one before which it lies.
void TcpReassembly::add_piece(size_t index, Seq begin, Packet payload) {
  const Seq end = begin + uint32_t(payload.size());
  octets_ += payload.size();
  const bool continues = index < runs_.size() && runs_[index].end == begin;
  if (!continues) runs_.insert(runs_.begin() + long(index), Run{begin, begin, {}});
  Run& run = runs_[index];
  run.packets.push(std::move(payload));
  run.end = end;
  if (index + 1 == runs_.size() || runs_[index + 1].begin != end) return;
  run.packets.append(std::move(runs_[index + 1].packets));
  run.end = runs_[index + 1].end;
  runs_.erase(runs_.begin() + long(index) + 1);
}

Seq TcpReassembly::take_from(Seq next, PacketQueue& to) {
  size_t done = 0;
  for (; done < runs_.size() && runs_[done].begin <= next; ++done) {
    Run& run = runs_[done];
    octets_ -= run.packets.octets();
    if (run.end <= next) continue;
    const uint32_t known = uint32_t(next - run.begin);
    if (known > 0) run.packets.consume(known, [](Bytes) {});
    to.append(std::move(run.packets));
    next = run.end;
  }
  runs_.erase(runs_.begin(), runs_.begin() + long(done));
  return next;
}

const TcpReassembly::Run* TcpReassembly::run_of(Seq inside) const {
  const auto run = std::upper_bound(runs_.begin(), runs_.end(), inside,
                                    [](Seq at, const Run& r) { return at < r.end; });
  return run != runs_.end() && run->begin <= inside ? &*run : nullptr;
}

void TcpReassembly::note_latest(Seq begin) {
  const Run* run = run_of(begin);
  if (!run) return;
  // Blocks that are the same run now are one.
  std::array<Seq, 4> kept{begin};
  uint8_t count = 1;
  for (uint8_t i = 0; i < latest_count_ && count < kept.size(); ++i) {
    const Run* other = run_of(latest_[i]);
    if (other && other != run) kept[count++] = latest_[i];
  }
  latest_ = kept;
  latest_count_ = count;
}

void TcpReassembly::report(TcpOptions& options, Seq next) const {
  uint8_t count = 0;
  if (has_duplicate()) options.sack[count++] = duplicate_;
  for (uint8_t i = 0; i < latest_count_ && count < options.sack.size(); ++i) {
    const Run* run = run_of(latest_[i]);
    if (!run || run->begin <= next) continue;
    const SackBlock block{run->begin, run->end};
    const auto known = options.sack.begin() + count;
    const auto from = options.sack.begin() + has_duplicate();
    if (std::find(from, known, block) == known) options.sack[count++] = block;
  }
  options.sack_count = count;
}

}  // namespace stackyard
