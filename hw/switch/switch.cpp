#include "hw/switch/switch.h"

#include <algorithm>
#include <cstring>

#include "core/base/text.h"
#include "core/capture/tap.h"
#include "core/offload/vlan_tag.h"
#include "core/wire/link/ethernet.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason reserved_group{"reserved_group", "bridges do not forward 01:80:c2:00:00:0x"};
constexpr DropReason not_in_vlan{"not_in_vlan", "the port does not belong to the frame's VLAN"};
constexpr DropReason port_discarding{
    "port_discarding", "spanning tree lets nothing pass the port, which would close a loop"};
}  // namespace
}  // namespace drops

namespace {

// 802.1Q s8.6.3: 01:80:c2:00:00:00 to 0f are for the neighbour only.
bool reserved(MacAddress dest) {
  static constexpr uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0, 0};
  return std::memcmp(dest.octets.data(), prefix, 5) == 0 && dest.octets[5] < 0x10;
}

}  // namespace

Switch::Switch(Site& site, SimTime ageing, Snooping snooping)
    : site_(site), fdb_(ageing), asking_(site.node(), Timer::call<&Switch::ask>, this) {
  if (snooping == Snooping::off) return;
  snooper_ = std::make_unique<Snooper>();
  snooper_->querier = snooping == Snooping::querier;
  if (snooper_->querier) asking_.arm(1_s);
}

Jack& Switch::add_port(std::string name, SwitchPortConfig config) {
  ports_.push_back(
      std::make_unique<Port>(*this, uint32_t(ports_.size()), std::move(name), std::move(config)));
  if (tree_) tree_->refresh_timer.arm_soft(SimTime());
  return *ports_.back();
}

void Switch::set_tap(const std::string& name, uint32_t tap, uint32_t snaplen) {
  for (auto& port : ports_) {
    if (port->name != name) continue;
    port->tap = tap;
    port->tap_snaplen = snaplen;
  }
}

void Switch::receive(Port& from, Packet frame) {
  if (!frame.pull_up(sizeof(EthernetHeader) + sizeof(VlanTag))) {
    ++counters_.bad;
    return site_.note_drop(frame.id(), drops::truncated, from.name);
  }
  if (from.tap_snaplen) note_frame(site_, from.tap, frame, false, from.tap_snaplen);
  ++from.frames_in;
  const auto header = load<EthernetHeader>(frame.front());
  if (tree_ && header.dest == bridge_group) return hear_bpdu(from, std::move(frame));
  if (reserved(header.dest) || header.source.is_group()) {
    ++counters_.filtered;
    return site_.note_drop(frame.id(), drops::reserved_group, from.name);
  }
  // Inside the switch a frame has no tag, and its VLAN beside it. VID 0 is a priority tag only.
  uint16_t vlan = from.config.untagged.value_or(0);
  if (header.type == ether_type::vlan) {
    const auto tag = load<VlanTag>(frame.front().subspan(sizeof(EthernetHeader)));
    const uint16_t vid = tag.control & 0xfff;
    if (vid != 0) vlan = vid;
    remove_vlan_tag(frame);
  }
  if (vlan == 0 || vlan == 4095 || !member(from, vlan)) {
    ++counters_.not_in_vlan;
    return site_.note_drop(frame.id(), drops::not_in_vlan, from.name);
  }
  bridge(from, header.source, header.dest, vlan, std::move(frame));
}

void Switch::bridge(Port& from, MacAddress source, MacAddress dest, uint16_t vlan, Packet frame) {
  const bool learns = !tree_ || tree_->tree.learns(from.index);
  if (learns) fdb_.learn(source, vlan, from.index, site_.now());
  if (!forwards(from)) {
    ++counters_.filtered;
    return site_.note_drop(frame.id(), drops::port_discarding, from.name);
  }
  if (!dest.is_group()) {
    const int64_t known = fdb_.find(dest, vlan, site_.now());
    if (known == int64_t(from.index)) {
      ++counters_.filtered;  // the receiver is on the same side and has it already
      return;
    }
    if (known >= 0) {
      ++counters_.forwarded;
      return send(*ports_[size_t(known)], vlan, std::move(frame));
    }
  }
  ++counters_.flooded;
  flood(&from, vlan, frame);
}

void Switch::flood(const Port* from, uint16_t vlan, const Packet& frame) {
  Snooper::Frame what;
  const SimTime now = site_.now();
  if (snooper_ && from) [[unlikely]] {
    Packet whole = frame.clone();
    (void)whole.pull_up(whole.size());
    what = snooper_->look(whole.front(), vlan, from->index, now);
    const SimTime next = snooper_->querier ? snooper_->next_due() : SimTime::max();
    if (next < SimTime::max() && asking_.deadline() > next) asking_.arm(std::max(next - now, 1_ns));
  }
  for (auto& port : ports_) {
    if (port.get() == from || !port->carrier() || !member(*port, vlan) || !forwards(*port))
      continue;
    if (snooper_ && !snooper_->forward_to(what, vlan, port->index, now)) {
      ++snooper_->pruned;
      continue;
    }
    send(*port, vlan, frame.clone());
  }
}

void Switch::forget_port(uint32_t index) {
  fdb_.forget_port(index);
  if (snooper_) snooper_->forget_port(index);
}

// --- the snooping querier ------------------------------------------------------------------------

// Of its own, made of the node's number: no port of a switch has an address.
MacAddress Switch::mac() const {
  const uint32_t node = uint32_t(site_.id());
  return MacAddress{{0x02, 0x53, 0x57, uint8_t(node >> 16), uint8_t(node >> 8), uint8_t(node)}};
}

std::vector<uint16_t> Switch::vlans() const {
  std::vector<uint16_t> all;
  for (uint16_t vlan = 1; vlan < 4095; ++vlan)
    if (std::any_of(ports_.begin(), ports_.end(),
                    [&](const auto& p) { return p->config.untagged == vlan; }))
      all.push_back(vlan);
  return all;
}

void Switch::send_query(uint16_t vlan, const IpAddress& group,
                        const std::vector<IpAddress>& sources) {
  const auto octets = Snooper::query_frame(mac(), snooper_->timing(), group, sources);
  flood(nullptr, vlan, site_.pool().make(site_.next_packet_id(), octets));
}

// RFC 3376 s8.6, s8.7: general queries, sooner in the beginning; none where a router asks.
void Switch::ask() {
  const SimTime now = site_.now();
  for (const auto& [vlan, query] : snooper_->due(now))
    if (!snooper_->router_known(vlan, now)) send_query(vlan, query.group, query.sources);
  if (general_at_ <= now) {
    const SimTime interval = snooper_->timing().query_interval;
    general_at_ = now + (startup_left_ > 0 ? interval / 4 : interval);
    startup_left_ -= startup_left_ > 0;
    for (const uint16_t vlan : vlans()) {
      if (snooper_->router_known(vlan, now)) continue;
      snooper_->asked(vlan, now);
      send_query(vlan, Ipv4Address{}, {});
      send_query(vlan, Ipv6Address{}, {});
    }
  }
  asking_.arm(std::max(std::min(general_at_, snooper_->next_due()) - now, 1_ns));
}

Table Switch::groups_table() const {
  Table table{{{"vlan", "VLAN", ColumnType::number},
               {"port", "Port"},
               {"group", "Group"},
               {"sources", "Sources"},
               {"expires", "Expires", ColumnType::duration}},
              {}};
  if (!snooper_) return table;
  for (const Snooper::Info& e : snooper_->entries(site_.now())) {
    std::string sources = !e.group ? "" : e.group->include ? "" : "not";
    if (e.group)
      for (const IpAddress& s : e.group->sources)
        sources += (sources.empty() ? "" : " ") + to_text(s);
    if (sources == "not") sources = "any";
    table.rows.push_back({int64_t(e.vlan), ports_[e.port]->name,
                          e.group ? to_text(e.group->group) : std::string("router"), sources,
                          (e.until - site_.now()).ns()});
  }
  return table;
}

void Switch::send(Port& to, uint16_t vlan, Packet frame) {
  if (to.config.untagged != vlan) insert_vlan_tag(frame, vlan);
  send_untagged(to, std::move(frame));
}

void Switch::send_untagged(Port& to, Packet frame) {
  if (!to.carrier()) return;
  ++to.frames_out;
  if (to.tap_snaplen) note_frame(site_, to.tap, frame, true, to.tap_snaplen);
  to.wire()->transmit(std::move(frame));
}

Table Switch::table(std::string_view name) const {
  if (name == "fdb") {
    Table table{{{"vlan", "VLAN", ColumnType::number},
                 {"address", "Address"},
                 {"port", "Port"},
                 {"expires", "Expires", ColumnType::duration}},
                {}};
    for (const FdbEntry& e : fdb_.entries(site_.now()))
      table.rows.push_back({int64_t(e.vlan), to_text(e.address), ports_[e.port]->name,
                            (e.seen + fdb_.ageing() - site_.now()).ns()});
    return table;
  }
  if (name == "groups") return groups_table();
  if (name == "stp") return tree_table();
  if (name == "interfaces") {
    Table table{{{"name", "Name"},
                 {"status", "Status"},
                 {"ipackets", "Ipkts", ColumnType::number},
                 {"opackets", "Opkts", ColumnType::number}},
                {}};
    for (const auto& port : ports_)
      table.rows.push_back({port->name, std::string(port->carrier() ? "active" : "no carrier"),
                            int64_t(port->frames_in), int64_t(port->frames_out)});
    return table;
  }
  return {};
}

}  // namespace stackyard
