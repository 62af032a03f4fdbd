// stack/inet6/dad.cpp - duplicate address detection (RFC 4862 s5.4, with RFC 7527's nonces).
#include <algorithm>

#include "core/base/text.h"
#include "stack/inet6/dad.h"
#include "stack/kern/machine.h"

namespace stackyard {

void Inet6::start_dad(Address& address, SimTime delay) {
  stop_dad(address);
  trying_.push_back(std::make_unique<Dad>(*this, address));
  Dad& dad = *trying_.back();
  dad.left = settings().dad_count;
  if (delay > SimTime())
    dad.timer.arm(delay);
  else
    dad_step(dad);
}

void Inet6::stop_dad(const Address& address) {
  std::erase_if(trying_, [&](const auto& d) { return &d->address == &address; });
}

void Inet6::send_dad_solicit(Dad& dad) {
  const Address& a = dad.address;
  std::vector<uint8_t> message(sizeof(NeighbourSolicit));
  NeighbourSolicit solicit;
  solicit.target = a.address.without_zone();
  store(solicit, message);
  if (settings().dad_enhanced) {
    std::array<uint8_t, 6> nonce;
    const uint64_t bits = random_.next();
    for (size_t i = 0; i < nonce.size(); ++i) nonce[i] = uint8_t(bits >> (8 * i));
    add_nonce_option(message, nonce);
    dad.nonces.push_back(nonce);
  }
  ++dad.sent;
  ++neighbours_.counters.solicits_sent;
  icmp_.send(std::move(message), {}, a.address.solicited_node(), a.interface, 255);
}

void Inet6::dad_step(Dad& dad) {
  Address& address = dad.address;
  if (!address.interface->up()) return stop_dad(address);  // until it is up again
  if (dad.left > 0) {
    --dad.left;
    send_dad_solicit(dad);
    return dad.timer.arm(link(*address.interface).retrans);
  }
  if (dad.heard_ns > 0 || dad.heard_na > 0) return dad_found(address, "");
  stop_dad(address);
  address_usable(address);
}

bool Inet6::dad_heard(const Ifnet& from, const Ipv6Address& target, const NdOptions& options,
                      bool solicit) {
  for (const auto& dad : trying_) {
    if (dad->address.interface != &from || dad->address.address != target) continue;
    if (solicit && options.nonce &&
        std::find(dad->nonces.begin(), dad->nonces.end(), *options.nonce) != dad->nonces.end()) {
      // RFC 7527 s4.3: our own, looped back; try again, a few times.
      ++dad->looped;
      if (dad->left == 0 && dad->extra < 3) {
        ++dad->extra;
        ++dad->left;
      }
      return true;
    }
    ++(solicit ? dad->heard_ns : dad->heard_na);
    dad_found(dad->address, solicit ? "NS" : "NA");
    return true;
  }
  Address* own = find_on(from, target);
  return own && !own->usable();
}

// RFC 4862 s5.4.5: the address may not be used; when it was made from the MAC address, neither may
// the interface.
void Inet6::dad_found(Address& address, std::string_view) {
  const auto found = std::find_if(trying_.begin(), trying_.end(),
                                  [&](const auto& d) { return &d->address == &address; });
  const std::string& name = address.interface->name();
  const std::string words = to_text(address.address);
  ++neighbours_.counters.duplicates;
  if (found != trying_.end()) {
    const Dad& dad = **found;
    machine().log(
        text("{}: DAD detected duplicate IPv6 address {}: NS in/out/loopback={}/{}/{}, "
             "NA in={}",
             name, words, dad.heard_ns, dad.sent, dad.looped, dad.heard_na));
  }
  stop_dad(address);
  address.flags = (address.flags & ~in6_flag::tentative) | in6_flag::duplicated;
  Ifnet& interface = *address.interface;
  const Ipv6Address taken = address.address;
  machine().log(text("{}: DAD complete for {} - duplicate found", name, words));
  if (autoconf_.duplicate(interface, taken)) return;
  machine().log(text("{}: manual intervention required", name));
  const Ipv6Address own = with_eui64({}, interface.mac());
  const bool from_mac = taken.is_link_local() && own.low() == taken.low();
  if (!from_mac) return;
  machine().log(text("{}: possible hardware address duplication detected, disable IPv6", name));
  link(interface).flags |= nd6_flag::disabled;
}

}  // namespace stackyard
