// core/jack/site.h - what everything on a node needs from the place where the node runs.
#pragma once

#include <string_view>

#include "core/event/simulation.h"
#include "core/packet/packet_pool.h"
#include "core/trace/tracer.h"

namespace stackyard {

// What the nodes of one partition share.
struct Locale {
  PacketPool packets;
  Tracer tracer;
};

// A node, with its partition's pools and notebook. One for each node.
class Site {
 public:
  Site(Simulation& simulation, Node& node, Locale& locale)
      : simulation_(simulation), node_(node), locale_(locale) {}
  Site(const Site&) = delete;

  Node& node() const { return node_; }
  NodeId id() const { return node_.id(); }
  SimTime now() const { return node_.now(); }
  Locale& locale() const { return locale_; }
  PacketPool& pool() const { return locale_.packets; }
  Simulation& simulation() const { return simulation_; }
  RandomStream random(std::string_view purpose) const {
    return simulation_.random(node_.id(), purpose);
  }

  PacketId next_packet_id() { return make_packet_id(node_.id(), ++packets_made_); }
  Packet make_packet(size_t length) { return pool().make(next_packet_id(), length); }

  const EventKey& current_key() const { return node_.partition().current(); }
  void note_drop(PacketId packet, const DropReason& reason, std::string_view place,
                 std::string_view detail = {}) {
    locale_.tracer.drop(current_key(), {id(), packet, &reason, place, detail});
  }
  bool decisions_wanted() const { return locale_.tracer.decisions_wanted(); }
  void note_decision(DecisionNote note) {
    note.node = id();
    locale_.tracer.decision(current_key(), note);
  }
  bool connections_wanted() const { return locale_.tracer.connections_wanted(); }
  void note_connection(ConnectionNote note) {
    note.node = id();
    locale_.tracer.connection(current_key(), note);
  }
  void log(std::string_view line) { locale_.tracer.log(current_key(), {id(), line}); }

 private:
  Simulation& simulation_;
  Node& node_;
  Locale& locale_;
  uint64_t packets_made_ = 0;
};

}  // namespace stackyard
