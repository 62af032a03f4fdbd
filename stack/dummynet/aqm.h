// stack/dummynet/aqm.h - active queue management: which packets of a queue die, or are marked,
// before it is full.
#pragma once

#include <memory>

#include "core/base/random.h"
#include "stack/dummynet/held.h"

namespace stackyard {

// Who counts and reports what a queue's manager drops.
class ShapedDrops {
 public:
  virtual void drop(HeldPacket* held, const DropReason& why) = 0;

 protected:
  ~ShapedDrops() = default;
};

class Aqm {
 public:
  virtual ~Aqm() = default;
  // Whether a packet may enter the queue. It may be marked instead (RFC 3168).
  virtual bool accepts(const HeldQueue& queue, HeldPacket& held, SimTime now) = 0;
  // The next packet, or null when none is left. What dies on the way goes to `drops`.
  virtual HeldPacket* take(HeldQueue& queue, SimTime now, ShapedDrops& drops) {
    (void)now, (void)drops;
    return queue.pop();
  }
};

// RED and gentle RED. `bandwidth`: how fast an idle queue's average falls; 0: at once.
std::unique_ptr<Aqm> make_red(const FlowsetConfig& config, uint64_t bandwidth, RandomStream random);
std::unique_ptr<Aqm> make_codel(const CodelSettings& settings);
// `limit`: packets that the queue holds, of which a third switches it on when it is `onoff`.
std::unique_ptr<Aqm> make_pie(const PieSettings& settings, size_t limit, RandomStream random);

// Sets "congestion experienced" in the packet's IP header. False: its transport cannot hear it.
bool mark_congestion(HeldPacket& held);

namespace drops {
inline constexpr DropReason dummynet_full{"dummynet_full", "the queue of a pipe was full"};
inline constexpr DropReason dummynet_loss{"dummynet_loss", "a pipe lost it, as its plr says"};
inline constexpr DropReason dummynet_profile{"dummynet_profile",
                                             "a pipe lost it, as its profile says"};
inline constexpr DropReason dummynet_aqm{"dummynet_aqm", "queue management dropped it early"};
inline constexpr DropReason dummynet_no_queue{"dummynet_no_queue",
                                              "a rule names a pipe or queue that is not there"};
inline constexpr DropReason dummynet_gone{"dummynet_gone", "its pipe was deleted"};
}  // namespace drops

}  // namespace stackyard
