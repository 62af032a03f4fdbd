// core/l2/spanning_tree_timer.h - a spanning tree's time, by a timer of the node that it is on.
#pragma once

#include <algorithm>

#include "core/event/timer.h"
#include "core/l2/spanning_tree.h"

namespace stackyard {

class SpanningTreeTimer {
 public:
  SpanningTreeTimer(Node& node, SpanningTree& tree)
      : node_(node), tree_(tree), timer_(node, Timer::call<&SpanningTreeTimer::pass>, this) {}
  // To be called after whatever the tree was told.
  void rearm() {
    const SimTime next = tree_.next_due();
    if (next == SimTime::max()) return timer_.cancel();
    if (!timer_.armed() || timer_.deadline() != next)
      timer_.arm(std::max(next - node_.now(), 1_ns));
  }

 private:
  void pass() {
    tree_.pass(node_.now());
    rearm();
  }
  Node& node_;
  SpanningTree& tree_;
  Timer timer_;
};

}  // namespace stackyard
