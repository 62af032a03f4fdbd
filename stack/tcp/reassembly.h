// stack/tcp/reassembly.h - segments that arrived before their turn, and what SACK says about them
// (RFC 9293 s3.4, RFC 2018 s4, RFC 2883).
#pragma once

#include <vector>

#include "core/packet/packet.h"
#include "core/wire/transport/tcp.h"

namespace stackyard {

// Made by the first segment out of order, gone when all gaps are filled. Keeps runs of adjacent
// segments: a gap costs an entry, however much arrived behind it.
class TcpReassembly {
 public:
  enum class Outcome : uint8_t { kept, duplicate, full };
  struct Added {
    Outcome outcome;
    SackBlock twice{};  // the first stretch of it that was there; empty: none
  };

  // Queues a segment that begins at or after rcv_nxt; what is there already is cut off it.
  Added add(Seq begin, Packet payload, size_t runs_max);
  // Moves everything that continues `next` to the queue and returns where it ends.
  Seq take_from(Seq next, PacketQueue& to);
  bool empty() const { return runs_.empty(); }
  size_t run_count() const { return runs_.size(); }
  size_t octets() const { return octets_; }

  // The blocks to report: the latest first, then those reported before it.
  void report(TcpOptions& options, Seq next) const;
  // RFC 2883: octets that arrived twice stand first in the next acknowledgment, once.
  void note_duplicate(Seq begin, Seq end) { duplicate_ = {begin, end}; }
  bool has_duplicate() const { return duplicate_.begin != duplicate_.end; }
  void duplicate_reported() { duplicate_ = {}; }

 private:
  struct Run {
    Seq begin, end;
    PacketQueue packets;
  };
  void add_piece(size_t before, Seq begin, Packet payload);
  void note_latest(Seq begin);
  const Run* run_of(Seq inside) const;

  std::vector<Run> runs_;  // in order, with a gap between any two
  size_t octets_ = 0;
  std::array<Seq, 4> latest_{};  // an octet in each of the blocks, the last first
  uint8_t latest_count_ = 0;
  SackBlock duplicate_{};
};

}  // namespace stackyard
