// hw/switch/switch_tree.cpp - spanning tree on a switch's ports.
#include "core/wire/link/ethernet.h"
#include "hw/switch/switch.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason bad_bpdu{"bad_bpdu", "the switch cannot read the BPDU"};
}  // namespace
}  // namespace drops

Switch::Tree::Tree(Switch& owner, const StpBridgeConfig& config)
    : parent(owner),
      tree(*this, config),
      timer(owner.site_.node(), tree),
      refresh_timer(owner.site_.node(), Timer::call<&Tree::refresh>, this) {}

void Switch::start_spanning_tree(StpBridgeConfig config) {
  config.mac = mac();
  tree_ = std::make_unique<Tree>(*this, config);
  tree_->refresh_timer.arm_soft(SimTime());
}

// New ports, and carriers that came or went.
void Switch::Tree::refresh() {
  const SimTime now = parent.site_.now();
  for (const auto& port : parent.ports_) {
    StpPortConfig config = port->config.stp;
    config.number = uint16_t(port->index + 1);
    tree.set_port(port->index, config, now);
    tree.set_up(port->index, port->carrier(), now);
  }
  timer.rearm();
}

void Switch::Tree::send_bpdu(uint32_t port, const Bpdu& bpdu) {
  Site& site = parent.site_;
  parent.send_untagged(*parent.ports_[port],
                       site.pool().make(site.next_packet_id(), bpdu_frame(parent.mac(), bpdu)));
}

void Switch::Tree::forget_addresses(uint32_t port) { parent.fdb_.forget_port(port, true); }

void Switch::hear_bpdu(Port& from, Packet frame) {
  (void)frame.pull_up(frame.size());
  const auto bpdu = parse_bpdu_frame(frame.front());
  if (!bpdu) {
    ++counters_.bad;
    return site_.note_drop(frame.id(), drops::bad_bpdu, from.name);
  }
  tree_->tree.receive(from.index, *bpdu, site_.now());
  tree_->timer.rearm();
}

Table Switch::tree_table() const {
  Table table = spanning_tree_table();
  for (const auto& port : ports_)
    if (tree_ && tree_->tree.speaks(port->index))
      add_row(table, tree_->tree, port->index, "", port->name);
  return table;
}

}  // namespace stackyard
