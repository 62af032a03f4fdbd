#include "hw/link/link.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/capture/tap.h"
#include "core/wire/link/ethernet.h"

namespace stackyard {

namespace {

constexpr SimTime hold_max = 100_ms;
constexpr Impairments default_impairments;

// Most links of a large lab have the defaults: those are owned by nobody.
std::shared_ptr<const Impairments> shared(const Impairments& impairments) {
  if (impairments == default_impairments) return {std::shared_ptr<void>(), &default_impairments};
  return std::make_shared<const Impairments>(impairments);
}

}  // namespace

LinkEnd::LinkEnd(Site& site, Jack& jack, const std::string& link_name, uint32_t index)
    : site_(site),
      jack_(jack),
      link_name_(link_name),
      index_(index),
      random_(site.simulation().random(index, "link " + link_name_)),
      transmitter_(site.node(), Timer::call<&LinkEnd::transmission_ends>, this) {}

LinkEnd::~LinkEnd() { jack_.plug(nullptr); }

void LinkEnd::drop(Packet& frame, const DropReason& why, uint64_t& counter) {
  ++counter;
  site_.note_drop(frame.id(), why, link_name_);
  frame = Packet();
}

void LinkEnd::transmit(Packet frame) {
  if (!up_) return drop(frame, drops::no_carrier, counters_.no_carrier);
  if (free_at_ <= site_.now() && queue_.empty()) return start(std::move(frame));
  const QueueLimit& limit = impairments_->queue;
  const uint64_t after =
      limit.in_octets ? queue_.octets() + frame.size() : uint64_t(queue_.count()) + 1;
  if (after > limit.amount) return drop(frame, drops::link_queue_full, counters_.queue_full);
  queue_.push(std::move(frame));
  if (!transmitter_.armed()) transmitter_.arm(free_at_ - site_.now());
}

SimTime LinkEnd::transmission_time(size_t octets) {
  if (impairments_->rate == 0) return {};
  const bool back_to_back = free_at_ == site_.now();
  const uint64_t bits = (octets + frame_overhead) * 8;
  const uint64_t work = bits * 1'000'000'000 + (back_to_back ? remainder_ : 0);
  remainder_ = work % impairments_->rate;
  return SimTime(int64_t(work / impairments_->rate));
}

void LinkEnd::start(Packet frame) {
  const SimTime time = transmission_time(frame.size());
  free_at_ = site_.now() + time;
  ++counters_.frames;
  counters_.octets += frame.size();
  if (tap_snaplen_) [[unlikely]]
    note_frame(site_, tap_, frame, true, tap_snaplen_);
  if (dropper_ && dropper_->drops(*this, frame)) [[unlikely]]
    return drop(frame, drops::link_event, counters_.dropped_by_event);
  depart(std::move(frame), time);
}

void LinkEnd::transmission_ends() {
  start(queue_.pop());
  if (queue_.empty()) return;
  // A frame on an unlimited link takes no time; the next leaves with it.
  while (free_at_ <= site_.now() && !queue_.empty()) start(queue_.pop());
  if (!queue_.empty()) transmitter_.arm(free_at_ - site_.now());
}

// In this order: lost, given a wrong bit, doubled, delayed. Nothing is drawn for what is off.
void LinkEnd::depart(Packet frame, SimTime transmission) {
  const Impairments& is = *impairments_;
  if (is.loss && random_.chance(is.loss)) return drop(frame, drops::link_loss, counters_.lost);
  if (is.corrupt && random_.chance(is.corrupt)) corrupt(frame);
  Packet twin;
  if (is.duplicate && random_.chance(is.duplicate)) {
    ++counters_.duplicated;
    twin = frame.clone();
  }
  SimTime delay = is.delay;
  if (is.jitter > SimTime())
    delay += SimTime(int64_t(random_.below(uint64_t(is.jitter.ns()) * 2 + 1))) - is.jitter;
  if (is.reorder && !held_ && random_.chance(is.reorder)) {
    ++counters_.reordered;
    held_ = std::move(frame);
    if (!hold_limit_)
      hold_limit_ = std::make_unique<Timer>(site_.node(), Timer::call<&LinkEnd::flush_held>, this);
    hold_limit_->arm(hold_max);
    return;
  }
  send_to_peers(std::move(frame), transmission + delay);
  if (twin) send_to_peers(std::move(twin), transmission + delay);
  if (held_) {
    hold_limit_->cancel();
    send_to_peers(std::move(held_), transmission + delay);
    held_ = Packet();
  }
}

void LinkEnd::flush_held() {
  send_to_peers(std::move(held_), impairments_->delay);
  held_ = Packet();
}

void LinkEnd::send_to_peers(Packet frame, SimTime delay) {
  const SimTime now = site_.now();
  const SimTime arrival_time = std::max({now + delay, now + 1_ns, last_arrival_});
  last_arrival_ = arrival_time;
  for (size_t i = 0; i < peers_.size(); ++i) {
    Packet copy = i + 1 < peers_.size() ? frame.clone() : std::move(frame);
    const EventLoad load{reinterpret_cast<uint64_t>(copy.release()), epoch_};
    site_.node().send(peers_[i]->site_.node(), arrival_time - now, arrival, peers_[i], load);
  }
}

void LinkEnd::corrupt(Packet& frame) {
  const size_t behind = sizeof(EthernetHeader);
  if (frame.size() <= behind) return;
  finish_checksum(frame);
  const uint64_t bit = random_.below((frame.size() - behind) * 8);
  frame.writable()[behind + bit / 8] ^= uint8_t(1u << bit % 8);
  ++counters_.corrupted;
}

void LinkEnd::arrive(void* object, EventLoad load) {
  LinkEnd& end = *static_cast<LinkEnd*>(object);
  Packet frame = Packet::adopt(reinterpret_cast<PacketRecord*>(load.word));
  if (load.extra != end.epoch_) return end.drop(frame, drops::link_cut, end.counters_.cut);
  end.jack_.receive(std::move(frame));
}

void LinkEnd::fetch(const void* object, EventLoad load) {
  __builtin_prefetch(&static_cast<const LinkEnd*>(object)->jack_);
  Packet::fetch(reinterpret_cast<const PacketRecord*>(load.word));
}

void LinkEnd::cross(void* object, EventLoad load) {
  // The record stays where the event says; its octets and its pool become the receiver's.
  LinkEnd& end = *static_cast<LinkEnd*>(object);
  Packet::rehome_in_place(reinterpret_cast<PacketRecord*>(load.word), end.site_.pool());
}

// --- Link --------------------------------------------------------------------------------------

LinkEnd& Link::add_end(Site& site, Jack& jack) {
  ends_.push_back(std::make_unique<LinkEnd>(site, jack, name_, uint32_t(ends_.size())));
  jack.plug(ends_.back().get());
  return *ends_.back();
}

void Link::connect(const Impairments& each) {
  const auto impairments = shared(each);
  for (auto& end : ends_) {
    for (auto& other : ends_)
      if (other != end) end->peers_.push_back(other.get());
    end->impairments_ = impairments;
    declare_paths(*end);
  }
}

// No impairment undercuts this: the shortest delay, and the time of a minimum frame.
void Link::declare_paths(const LinkEnd& from) {
  const Impairments& is = *from.impairments_;
  const uint64_t bits = (frame_min + frame_overhead) * 8;
  const SimTime frame(is.rate ? int64_t(bits * 1'000'000'000 / is.rate) : 0);
  // A frame that was held back leaves without a transmission of its own.
  const SimTime floor = is.delay - is.jitter + (is.reorder == 0 ? frame : SimTime());
  for (const LinkEnd* peer : from.peers_)
    simulation_.declare_path(from.site_.node(), peer->site_.node(), std::max(floor, 1_ns));
}

void Link::set_impairments(size_t end, const Impairments& impairments) {
  ends_[end]->impairments_ = shared(impairments);
  declare_paths(*ends_[end]);
}

void Link::set_up(bool up) {
  if (up == up_) return;
  up_ = up;
  for (auto& end : ends_) {
    end->up_ = up;
    ++end->epoch_;
    if (!up) {
      while (Packet frame = end->queue_.pop())
        end->drop(frame, drops::link_cut, end->counters_.cut);
      if (end->held_) end->drop(end->held_, drops::link_cut, end->counters_.cut);
      end->transmitter_.cancel();
      if (end->hold_limit_) end->hold_limit_->cancel();
      end->free_at_ = end->site_.now();
    }
  }
  for (auto& end : ends_) end->jack_.carrier_changed(up);
}

void Link::set_tap(uint32_t tap, uint32_t snaplen) {
  for (auto& end : ends_) {
    end->tap_ = tap;
    end->tap_snaplen_ = snaplen;
  }
}

void Link::set_dropper(FrameDropper* dropper) {
  for (auto& end : ends_) end->dropper_ = dropper;
}

}  // namespace stackyard
