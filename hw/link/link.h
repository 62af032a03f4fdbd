// hw/link/link.h - a cable between two jacks, or a segment that several share.
//
// A link is made of ends. Each end belongs to the node of its jack and owns all that happens on the
// way out: queue, rate, impairments, random stream. Nodes meet only in arrival events.
// A frame takes the time that Ethernet takes: preamble, FCS and gap count (24 octets), and frames
// below 60 octets are padded by NICs before they come here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/drop.h"
#include "core/event/timer.h"
#include "core/jack/jack.h"
#include "hw/link/impairments.h"

namespace stackyard {

namespace drops {
inline constexpr DropReason no_carrier{"no_carrier", "the link is down or nothing is plugged in"};
inline constexpr DropReason link_queue_full{"link_queue_full", "the sender's queue was full"};
inline constexpr DropReason link_loss{"link_loss", "the link lost it, as its loss says"};
inline constexpr DropReason link_cut{"link_cut", "the link went down while it was on its way"};
inline constexpr DropReason link_event{"link_event", "an event of the lab dropped it"};
}  // namespace drops

struct LinkCounters {
  uint64_t frames = 0, octets = 0;
  uint64_t queue_full = 0, lost = 0, corrupted = 0, duplicated = 0, reordered = 0, cut = 0;
  uint64_t no_carrier = 0, dropped_by_event = 0;
};

class LinkEnd;

// Decides about frames as they leave their sender: the lab's `drop:` events.
class FrameDropper {
 public:
  virtual ~FrameDropper() = default;
  virtual bool drops(const LinkEnd& end, Packet& frame) = 0;
};

// One end, as its jack's device sees it.
class alignas(64) LinkEnd final : public Wire {
 public:
  // The name is the link's, which outlives it.
  LinkEnd(Site& site, Jack& jack, const std::string& link_name, uint32_t index);
  ~LinkEnd() override;

  void transmit(Packet frame) override;
  bool carrier() const override { return up_; }

  Site& site() const { return site_; }
  Jack& jack() const { return jack_; }
  uint32_t index() const { return index_; }
  const Impairments& impairments() const { return *impairments_; }
  const LinkCounters& counters() const { return counters_; }
  size_t queued() const { return queue_.count(); }  // frames behind the one that is being sent

 private:
  friend class Link;
  static void arrive(void* object, EventLoad load);
  static void cross(void* object, EventLoad load);
  static void discard(EventLoad load) { Packet::adopt(reinterpret_cast<PacketRecord*>(load.word)); }
  static void fetch(const void* object, EventLoad load);
  static constexpr EventClass arrival{
      .run = arrive, .discard = discard, .cross = cross, .fetch = fetch};

  void start(Packet frame);
  void transmission_ends();
  void flush_held();
  void depart(Packet frame, SimTime transmission);
  void send_to_peers(Packet frame, SimTime delay);
  void corrupt(Packet& frame);
  SimTime transmission_time(size_t octets);
  void drop(Packet& frame, const DropReason& why, uint64_t& counter);

  // What every frame meets comes first, in three lines of the cache.
  Site& site_;
  Jack& jack_;
  std::vector<LinkEnd*> peers_;
  std::shared_ptr<const Impairments> impairments_;  // the same for all ends, or its own
  SimTime free_at_;                                 // when the transmitter ends its frame
  uint64_t remainder_ = 0;                          // of the last division by the rate: 1/rate ns
  SimTime last_arrival_;  // nothing arrives before what was sent before it
  PacketQueue queue_;
  uint64_t epoch_ = 0;
  FrameDropper* dropper_ = nullptr;
  Packet held_;  // reordering: waits for the next frame to pass
  uint32_t tap_ = 0;
  uint32_t tap_snaplen_ = 0;  // 0: no tap
  bool up_ = true;
  LinkCounters counters_;
  const std::string& link_name_;
  uint32_t index_;
  RandomStream random_;
  Timer transmitter_;
  std::unique_ptr<Timer> hold_limit_;  // null: nothing was ever held
};

// The whole link. Only called while the lab is built, or at a barrier.
class Link {
 public:
  Link(Simulation& simulation, std::string name)
      : simulation_(simulation), name_(std::move(name)) {}
  Link(const Link&) = delete;

  const std::string& name() const { return name_; }
  LinkEnd& add_end(Site& site, Jack& jack);
  // After the last end and before the first frame.
  void connect(const Impairments& each);
  LinkEnd& end(size_t index) const { return *ends_[index]; }

  void set_impairments(size_t end, const Impairments& impairments);
  // Down: what is queued or on its way is lost, and the jacks lose their carrier.
  void set_up(bool up);
  bool up() const { return up_; }
  void set_tap(uint32_t tap, uint32_t snaplen);
  void set_dropper(FrameDropper* dropper);

 private:
  void declare_paths(const LinkEnd& from);
  Simulation& simulation_;
  std::string name_;
  std::vector<std::unique_ptr<LinkEnd>> ends_;
  bool up_ = true;
};

}  // namespace stackyard
