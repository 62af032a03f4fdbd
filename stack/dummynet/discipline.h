// stack/dummynet/discipline.h - in which order the queues of one link are served.
#pragma once

#include "stack/dummynet/aqm.h"

namespace stackyard {

// One queue of a flowset: what a discipline serves.
struct ShapedQueue {
  ShapedFlow flow;
  HeldQueue packets;
  std::unique_ptr<Aqm> aqm;
  uint32_t flowset = 0;
  // Of the flowset, as its scheduler bounds them.
  uint32_t weight = 1, lmax = 1500, priority = 0;
  uint32_t order = 0;  // decides between equals: who was made first
  uint64_t packets_seen = 0, octets_seen = 0, drops = 0;
  SimTime used;

  // The discipline's own.
  bool backlogged = false;
  uint64_t start = 0, finish = 0;  // virtual times
  int64_t deficit = 0;             // octets that it may still send in its turn
  ShapedQueue* next = nullptr;     // of its list
  uint32_t group = 0;

  HeldPacket* take(SimTime now, ShapedDrops& drops) {
    return aqm ? aqm->take(packets, now, drops) : packets.pop();
  }
};

class Discipline {
 public:
  virtual ~Discipline() = default;
  // The queue has a packet now, and had none.
  virtual void backlogged(ShapedQueue& queue, SimTime now) = 0;
  // The next packet for the link; null: nothing is left.
  virtual HeldPacket* dequeue(SimTime now, ShapedDrops& drops) = 0;
  // The queue goes away: forget it.
  virtual void forget(ShapedQueue& queue) = 0;
};

// A discipline that has queues of its own and sees every packet (fq_codel, fq_pie).
class PacketDiscipline : public Discipline {
 public:
  // What does not fit goes to `drops`.
  virtual void enqueue(HeldPacket* held, SimTime now, ShapedDrops& drops) = 0;
};

// fifo, prio, rr, wf2q+, qfq; null: there is no such type.
std::unique_ptr<Discipline> make_discipline(std::string_view type);
std::unique_ptr<PacketDiscipline> make_fair_queueing(const SchedulerConfig& config, bool pie,
                                                     RandomStream random);
// "fifo" to "FIFO": as it is shown. Empty: there is no such type.
std::string discipline_name(std::string_view type);

std::unique_ptr<Discipline> make_wf2q();
std::unique_ptr<Discipline> make_qfq();

}  // namespace stackyard
