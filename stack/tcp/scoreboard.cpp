#include "stack/tcp/scoreboard.h"

#include <algorithm>

namespace stackyard {

namespace {
constexpr uint32_t dup_thresh = 3;
}

// All sums are over the holes: few, and only when they changed.
void TcpScoreboard::sum_up() {
  uint32_t missing = 0;
  lost_waiting_ = 0;
  for (const Hole& h : holes_) {
    missing += uint32_t(h.end - h.begin);
    lost_waiting_ += h.waiting();
  }
  sacked_ = uint32_t(fack_ - una_) - missing + guessed_;
}

// Octets between fack and `end` become a hole.
void TcpScoreboard::extend_to(Seq end, bool lost, size_t holes_max) {
  if (end <= fack_) return;
  if (!holes_.empty() && holes_.back().end == fack_ && holes_.back().lost == lost &&
      holes_.back().resent <= fack_) {
    // Sent again up to where it was: that stays.
    holes_.back().end = end;
  } else if (holes_.size() < holes_max) {
    holes_.push_back({fack_, end, fack_, lost});
  } else {
    return;
  }
  fack_ = end;
}

// Cuts a SACKed block out of the holes.
void TcpScoreboard::fill(SackBlock block, size_t holes_max, std::vector<SackBlock>* news) {
  if (block.begin == block.end) return;
  auto hole = std::lower_bound(holes_.begin(), holes_.end(), block.begin,
                               [](const Hole& h, Seq at) { return h.end <= at; });
  while (hole != holes_.end() && hole->begin < block.end) {
    const bool begins_in = block.begin > hole->begin, ends_in = block.end < hole->end;
    if (begins_in && ends_in) {
      if (holes_.size() >= holes_max) return;
      if (news) news->push_back(block);
      Hole behind = *hole;
      behind.begin = block.end;
      behind.resent = seq_max(behind.resent, behind.begin);
      hole->end = block.begin;
      hole->resent = seq_min(hole->resent, hole->end);
      holes_.insert(hole + 1, behind);
      return;
    }
    if (news) news->push_back({seq_max(hole->begin, block.begin), seq_min(hole->end, block.end)});
    if (begins_in) {
      hole->end = block.begin;
      hole->resent = seq_min(hole->resent, hole->end);
      ++hole;
    } else if (ends_in) {
      hole->begin = block.end;
      hole->resent = seq_max(hole->resent, hole->begin);
      return;
    } else {
      hole = holes_.erase(hole);
    }
  }
}

uint32_t TcpScoreboard::take_blocks(std::span<const SackBlock> blocks, const Sent& sent,
                                    size_t holes_max, std::vector<SackBlock>* news) {
  std::array<SackBlock, 4> sorted;
  size_t count = 0;
  for (const SackBlock& b : blocks) {
    // What is not within the window is a duplicate's report, or nonsense.
    const bool sane = b.begin < b.end && b.begin >= sent.una && b.end <= sent.nxt;
    if (sane && count < sorted.size()) sorted[count++] = b;
  }
  if (count == 0) return 0;
  std::sort(sorted.begin(), sorted.begin() + long(count),
            [](const SackBlock& a, const SackBlock& b) { return a.begin < b.begin; });
  const uint32_t before = sacked_;
  guessed_ = 0;
  for (size_t i = 0; i < count; ++i) {
    const SackBlock& block = sorted[i];
    fill({block.begin, seq_min(block.end, seq_max(fack_, block.begin))}, holes_max, news);
    if (block.end <= fack_) continue;
    if (block.begin > fack_) extend_to(block.begin, false, holes_max);
    if (block.begin > fack_) continue;
    if (news) news->push_back({fack_, block.end});
    fack_ = block.end;
  }
  sum_up();
  return sacked_ > before ? sacked_ - before : 0;
}

uint32_t TcpScoreboard::take_duplicate_ack(const Sent& sent) {
  const uint32_t flight = uint32_t(sent.nxt - sent.una);
  const uint32_t most = flight > sent.mss ? flight - sent.mss : 0;
  if (sacked_ + lost_waiting_ >= most) return 0;
  const uint32_t more = std::min(sent.mss, most - sacked_ - lost_waiting_);
  guessed_ += more;
  sacked_ += more;
  return more;
}

void TcpScoreboard::take_ack(Seq una, const Sent& sent) {
  // Of the octets that duplicate ACKs stood for, those are acknowledged now that are not the
  // segment whose loss they told of.
  const uint32_t acked = uint32_t(una - una_);
  const uint32_t known = acked > sent.mss ? acked - sent.mss : 0;
  guessed_ -= std::min(guessed_, known);
  // The next segment may be lost, too: what is guessed leaves room for it.
  const uint32_t flight = uint32_t(sent.nxt - una);
  guessed_ = std::min(guessed_, flight > sent.mss ? flight - sent.mss : 0);
  una_ = una;
  fack_ = seq_max(fack_, una);
  size_t gone = 0;
  while (gone < holes_.size() && holes_[gone].end <= una) ++gone;
  if (gone > 0) holes_.erase(holes_.begin(), holes_.begin() + long(gone));
  if (!holes_.empty() && holes_[0].begin < una) {
    holes_[0].begin = una;
    holes_[0].resent = seq_max(holes_[0].resent, una);
  }
  sum_up();
}

bool TcpScoreboard::mark_lost(uint32_t mss) {
  uint32_t above = 0, stretches = 0;
  Seq end = fack_;
  for (size_t i = holes_.size(); i-- > 0;) {
    Hole& hole = holes_[i];
    if (end > hole.end) ++stretches;
    above += uint32_t(end - hole.end);
    end = hole.begin;
    const bool lost = above > (dup_thresh - 1) * mss || stretches >= dup_thresh;
    if (hole.lost || !lost) continue;
    hole.lost = true;
    lost_waiting_ += hole.waiting();
    lost_ever_ += hole.waiting();
  }
  return lost_waiting_ > 0;
}

// Cuts a hole in two at `at`, unless that is its edge. Returns the index of what begins there.
size_t TcpScoreboard::split_at(size_t index, Seq at) {
  Hole& hole = holes_[index];
  if (at <= hole.begin) return index;
  Hole behind = hole;
  behind.begin = at;
  behind.resent = seq_max(behind.resent, at);
  hole.end = at;
  hole.resent = seq_min(hole.resent, at);
  holes_.insert(holes_.begin() + long(index) + 1, behind);
  return index + 1;
}

uint32_t TcpScoreboard::range_is_lost(SackBlock part, size_t holes_max) {
  if (part.end > fack_) {
    // Nothing behind it arrived, but something that was sent later.
    if (part.begin > fack_) extend_to(part.begin, false, holes_max);
    if (part.begin <= fack_) extend_to(part.end, false, holes_max);
    part.end = seq_min(part.end, fack_);
  }
  uint32_t more = 0;
  size_t i = size_t(std::lower_bound(holes_.begin(), holes_.end(), part.begin,
                                     [](const Hole& h, Seq at) { return h.end <= at; }) -
                    holes_.begin());
  for (; i < holes_.size() && holes_[i].begin < part.end; ++i) {
    const bool waits = holes_[i].lost && holes_[i].resent <= seq_max(holes_[i].begin, part.begin);
    if (waits) continue;  // for the whole of it, or up to the end of the hole
    if (holes_.size() + 2 <= holes_max) {
      i = split_at(i, part.begin);
      if (holes_[i].end > part.end) split_at(i, part.end);
    }
    Hole& hole = holes_[i];
    const uint32_t before = hole.waiting();
    hole.lost = true;
    hole.resent = hole.begin;
    more += hole.waiting() - before;
    // Behind something else that waits it is the same hole.
    if (i == 0 || !holes_[i - 1].lost || holes_[i - 1].end != hole.begin) continue;
    holes_[i - 1].end = hole.end;
    holes_.erase(holes_.begin() + long(i));
    --i;
  }
  lost_waiting_ += more;
  lost_ever_ += more;
  return more;
}

void TcpScoreboard::first_is_lost(const Sent& sent) {
  const uint32_t before = lost_waiting_;
  const Seq end = seq_min(sent.una + sent.mss, sent.nxt);
  if (holes_.empty() || holes_[0].begin != una_) {
    if (fack_ > una_) return;  // SACKed: it is there
    holes_.insert(holes_.begin(), {una_, end, una_, true});
    fack_ = seq_max(fack_, end);
  } else if (!holes_[0].lost) {
    if (holes_[0].end > end) {
      Hole rest = holes_[0];
      rest.begin = end;
      rest.resent = seq_max(rest.resent, end);
      holes_[0].end = end;
      holes_[0].resent = seq_min(holes_[0].resent, end);
      holes_.insert(holes_.begin() + 1, rest);
    }
    holes_[0].lost = true;
  }
  sum_up();
  lost_ever_ += lost_waiting_ - std::min(before, lost_waiting_);
}

void TcpScoreboard::all_lost(const Sent& sent) {
  guessed_ = 0;
  for (Hole& h : holes_) {
    h.lost = true;
    h.resent = h.begin;
  }
  if (sent.nxt > fack_) {
    if (!holes_.empty() && holes_.back().end == fack_)
      holes_.back().end = sent.nxt;
    else
      holes_.push_back({fack_, sent.nxt, fack_, true});
    fack_ = sent.nxt;
  }
  sum_up();
}

SackBlock TcpScoreboard::next_hole(uint32_t mss, bool lost_only) const {
  for (const Hole& h : holes_) {
    if (h.resent == h.end || (lost_only && !h.lost)) continue;
    return {h.resent, seq_min(h.end, h.resent + mss)};
  }
  return {};
}

std::optional<Seq> TcpScoreboard::lose_again(uint32_t mss) {
  std::optional<Seq> latest;
  for (Hole& h : holes_) {
    if (!h.lost || h.resent == h.begin) continue;
    if (fack_ <= h.resent_at + (dup_thresh - 1) * mss) continue;
    const uint32_t more = uint32_t(h.resent - h.begin);
    h.resent = h.begin;
    lost_waiting_ += more;
    lost_ever_ += more;
    latest = latest ? seq_max(*latest, h.resent_at) : h.resent_at;
  }
  return latest;
}

void TcpScoreboard::sent_again(SackBlock part, Seq nxt) {
  for (Hole& h : holes_) {
    if (h.begin > part.begin || h.end < part.end) continue;
    h.resent = seq_max(h.resent, part.end);
    h.resent_at = nxt;
    break;
  }
  lost_waiting_ = 0;
  for (const Hole& h : holes_) lost_waiting_ += h.waiting();
}

}  // namespace stackyard
