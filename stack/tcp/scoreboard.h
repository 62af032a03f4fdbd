// stack/tcp/scoreboard.h - what the peer lacks: holes between what it has acknowledged (RFC 6675).
//
// Kept as intervals, so that nothing ever walks the window. It exists from the first sign of loss
// until everything sent before it is acknowledged; without SACK, duplicate acknowledgments count as
// a full segment each (RFC 6937 s3.1), and only the first segment can be known to be lost.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/wire/transport/tcp.h"

namespace stackyard {

class TcpScoreboard {
 public:
  struct Sent {  // the sender's variables
    Seq una, nxt;
    uint32_t mss;
  };

  explicit TcpScoreboard(Seq una) : una_(una), fack_(una) {}

  // Takes in blocks that lie within [una, nxt]; returns how many octets are newly acknowledged.
  // `news`: where to put what they newly acknowledge, if somebody wants to know.
  uint32_t take_blocks(std::span<const SackBlock> blocks, const Sent& sent, size_t holes_max,
                       std::vector<SackBlock>* news = nullptr);
  // Without SACK: a duplicate acknowledgment says that some segment arrived.
  uint32_t take_duplicate_ack(const Sent& sent);
  void take_ack(Seq una, const Sent& sent);

  // RFC 6675 s4, IsLost: marks the holes that have DupThresh segments' worth of SACKed octets above
  // them. True: there are lost octets that are not yet sent again.
  bool mark_lost(uint32_t mss);
  // The first segment, whatever SACK says (three duplicate ACKs, a partial ACK without SACK).
  void first_is_lost(const Sent& sent);
  // After a timeout everything that is not SACKed is lost (RFC 6675 s5.1).
  void all_lost(const Sent& sent);

  // RFC 8985: so much is lost, perhaps the second time. Returns how many octets of it are now to be
  // sent again and were not before.
  uint32_t range_is_lost(SackBlock part, size_t holes_max);

  // What was sent again is lost again when enough of what was sent after it is SACKed. Returns the
  // highest number that had been sent before the latest of those was; nothing: none.
  std::optional<Seq> lose_again(uint32_t mss);

  // The next octets to send again, at most `mss`; empty: none. `lost_only`: no others either.
  SackBlock next_hole(uint32_t mss, bool lost_only) const;
  // `nxt`: SND.NXT.
  void sent_again(SackBlock part, Seq nxt);

  // Octets that are thought to be on their way (RFC 6675 s4, SetPipe).
  uint32_t pipe(const Sent& sent) const {
    return uint32_t(sent.nxt - sent.una) - sacked_ - lost_waiting_;
  }
  uint32_t sacked() const { return sacked_; }
  uint32_t lost_waiting() const { return lost_waiting_; }
  // Octets that were found to be lost, since it exists.
  uint64_t lost_ever() const { return lost_ever_; }
  Seq fack() const { return fack_; }
  size_t hole_count() const { return holes_.size(); }
  // Nothing that was lost or SACKed is left.
  bool clean() const { return holes_.empty() && sacked_ == 0; }

 private:
  struct Hole {
    Seq begin, end;
    Seq resent;  // [begin, resent) was sent again
    bool lost;
    Seq resent_at{};  // what SND.NXT was when the last of it was sent again
    uint32_t waiting() const { return lost ? uint32_t(end - resent) : 0; }
  };
  void extend_to(Seq end, bool lost, size_t holes_max);
  void fill(SackBlock block, size_t holes_max, std::vector<SackBlock>* news);
  size_t split_at(size_t index, Seq at);
  void sum_up();

  std::vector<Hole> holes_;  // in order; below fack_ everything else is SACKed
  Seq una_, fack_;
  uint32_t sacked_ = 0;
  uint32_t guessed_ = 0;  // of sacked_: by duplicate ACKs without SACK
  uint32_t lost_waiting_ = 0;
  uint64_t lost_ever_ = 0;
};

}  // namespace stackyard
