#include "stack/net/ifnet.h"

#include <algorithm>

#include "core/capture/tap.h"
#include "stack/net/cloner.h"
#include "stack/net/drops.h"
#include "stack/net/net_stack.h"

namespace stackyard {

Ifnet::Ifnet(NetStack& net, std::string name, uint32_t flags, uint32_t mtu)
    : net_(&net),
      site_(net.site()),
      flags_(flags),
      mtu_(mtu),
      home_(&net),
      name_(std::move(name)) {}

Ifnet::~Ifnet() { leave_captures(); }

void Ifnet::resume_packet(Packet packet, HookContext&) {
  site_.note_drop(packet.id(), drops::interface_gone, name());
}

std::vector<std::string> Ifnet::groups() const {
  if (extra_ && extra_->own_groups) return extra_->groups;
  if (!origin_.cloner) return {};
  return {origin_.cloner->name};
}

std::vector<std::string>& Ifnet::own_groups() {
  std::vector<std::string> now = groups();
  extra().groups = std::move(now);
  extra_->own_groups = true;
  return extra_->groups;
}

// --- captures ------------------------------------------------------------------------------------

void Ifnet::watch() { watched_ = extra_ && (!extra_->taps.empty() || extra_->lab_snaplen > 0); }

void Ifnet::add_tap(BpfTap* tap) {
  extra().taps.push_back(tap);
  watch();
}

void Ifnet::remove_tap(BpfTap* tap) {
  std::erase(extra().taps, tap);
  watch();
}

void Ifnet::set_lab_tap(uint32_t tap, uint32_t snaplen) {
  extra().lab_tap = tap;
  extra_->lab_snaplen = snaplen;
  watch();
}

void Ifnet::leave_captures() {
  flags_ &= ~(if_flag::promiscuous | if_flag::always_promiscuous);
  if (!extra_) return;
  for (BpfTap* tap : std::exchange(extra_->taps, {})) tap->interface_gone();
  extra_->promiscuous = 0;
  watch();
}

Result<> Ifnet::set_mtu(uint32_t mtu) {
  if (mtu < 72 || mtu > mtu_max()) return Errno::einval;  // IF_MINMTU
  mtu_ = mtu;
  return {};
}

void Ifnet::set_up(bool up) {
  if (up == this->up()) return;
  const uint32_t both = if_flag::up | if_flag::running;
  flags_ = up ? flags_ | both : flags_ & ~both;
  flags_changed();
  net_->tell([this](InterfaceListener& l) { l.interface_up_changed(*this); });
}

void Ifnet::set_promiscuous(bool on) {
  extra().promiscuous += on ? 1 : -1;
  flags_ = extra_->promiscuous > 0 ? flags_ | if_flag::promiscuous : flags_ & ~if_flag::promiscuous;
  flags_changed();
  if (RouteWatcher* watcher = net_->route_watcher()) watcher->interface_changed(*this);
}

InterfaceInfo Ifnet::info() const {
  InterfaceInfo info{.name = name_,
                     .index = index_,
                     .flags = flags_,
                     .mtu = mtu_,
                     .metric = extra_ ? extra_->metric : 0,
                     .fib = fib_,
                     .options = options_,
                     .capabilities = capabilities_,
                     .pcp = pcp_ == no_pcp ? -1 : pcp_,
                     .driver = extra_ && !extra_->driver.empty() ? extra_->driver : name_,
                     .mac = {},
                     .media = media(),
                     .status = status(),
                     .opened_by = opened_by(),
                     .description = extra_ ? extra_->description : "",
                     .groups = groups(),
                     .counters = counters_};
  if (has_link_addresses()) info.mac = mac();
  return info;
}

Result<> Ifnet::change(const SetInterface& wanted) {
  if (wanted.mtu) {
    TRY(set_mtu(*wanted.mtu));
    if (RouteWatcher* watcher = net_->route_watcher()) watcher->interface_changed(*this);
  }
  if (wanted.fib) {
    if (*wanted.fib < 0 || *wanted.fib >= net_->fib_count()) return Errno::einval;
    fib_ = uint16_t(*wanted.fib);
  }
  if (wanted.mac) {
    if (wanted.mac->is_group()) return Errno::einval;
    TRY(set_mac(*wanted.mac));
    net_->tell([this](InterfaceListener& l) { l.mac_changed(*this); });
  }
  if (wanted.description) extra().description = *wanted.description;
  for (const std::string& group : wanted.add_groups) {
    std::vector<std::string>& groups = own_groups();
    if (std::find(groups.begin(), groups.end(), group) != groups.end()) return Errno::eexist;
    groups.push_back(group);
  }
  for (const std::string& group : wanted.remove_groups)
    if (std::erase(own_groups(), group) == 0) return Errno::enoent;
  if (wanted.metric) extra().metric = *wanted.metric;
  if (wanted.pcp && !is_ethernet()) return Errno::einval;
  if (wanted.pcp) pcp_ = uint8_t(*wanted.pcp);
  if (wanted.arp) flags_ = *wanted.arp ? flags_ & ~if_flag::noarp : flags_ | if_flag::noarp;
  flags_ |= wanted.set_flags & if_flag::plain;
  flags_ &= ~(wanted.clear_flags & if_flag::plain);
  options_ |= wanted.set_options & capabilities_;
  options_ &= ~wanted.clear_options;
  if (wanted.promiscuous && *wanted.promiscuous != has_flag(if_flag::always_promiscuous)) {
    flags_ ^= if_flag::always_promiscuous;
    set_promiscuous(*wanted.promiscuous);
  }
  if (wanted.up) set_up(*wanted.up);
  return {};
}

void Ifnet::show_to_taps(Packet& frame, bool outbound) {
  for (BpfTap* tap : extra_->taps) tap->see(frame, outbound);
  const uint32_t snaplen = extra_->lab_snaplen;
  if (!snaplen) return;
  if (is_ethernet()) return note_frame(site_, extra_->lab_tap, frame, outbound, snaplen);
  // DLT_NULL: the address family as a 32-bit number in the machine's byte order.
  Packet framed = frame.clone();
  finish_checksum(framed);
  const uint32_t family = 2;
  std::memcpy(framed.prepend(sizeof family).data(), &family, sizeof family);
  note_frame(site_, extra_->lab_tap, framed, outbound, snaplen);
}

}  // namespace stackyard
