#include "stack/inet6/autoconf.h"

#include <algorithm>

#include "stack/inet6/inet6.h"

namespace stackyard {

namespace {

constexpr SimTime two_hours = 7200_s;
constexpr unsigned temporary_tries = 3;  // TEMP_IDGEN_RETRIES

SimTime until(SimTime now, uint32_t seconds) {
  return seconds == lifetime_infinite ? SimTime::max()
                                      : now + SimTime(int64_t(seconds) * 1'000'000'000);
}

Ipv6Address with_identifier(const Ipv6Address& network, uint64_t identifier) {
  Ipv6Address address = network;
  for (size_t i = 16; i-- > 8; identifier >>= 8) address.octets[i] = uint8_t(identifier);
  return address;
}

// RFC 5453: the subnet router's, those of Ethernet's block, and the last 128.
bool reserved(uint64_t identifier) {
  return identifier == 0 || identifier >> 24 == 0x02005efffe ||
         (identifier >= 0xfdffffffffffff80 && identifier <= 0xfdffffffffffffff);
}

}  // namespace

Autoconf::Autoconf(Inet6& inet) : inet_(inet) {
  // RFC 7217 s5: known to nobody else, and the same at every start of the lab.
  RandomStream secret = inet.net().vnet().random("stableaddr");
  secret_.low = secret.next();
  secret_.high = secret.next();
  preferred_changed();
}

// --- identifiers ---------------------------------------------------------------------------------

uint64_t Autoconf::stable_identifier(const Ipv6Address& network, const Ifnet& interface,
                                     unsigned failures) const {
  std::vector<uint8_t> message(network.octets.begin(), network.octets.begin() + 8);
  switch (inet_.settings().autoconf.stable_source) {
    case 0:
      message.insert(message.end(), interface.name().begin(), interface.name().end());
      break;
    case 1:
      for (int shift = 0; shift < 32; shift += 8)
        message.push_back(uint8_t(interface.index() >> shift));
      break;
    default: {
      const MacAddress mac = interface.mac();
      message.insert(message.end(), mac.octets.begin(), mac.octets.end());
    }
  }
  message.push_back(uint8_t(failures));
  return siphash(secret_, message);
}

Ipv6Address Autoconf::address_in(const Ipv6Address& network, Ifnet& interface, unsigned failures) {
  if (!(inet_.link(interface).flags & nd6_flag::stableaddr))
    return with_eui64(network, interface.mac());
  for (;; ++failures) {
    const uint64_t identifier = stable_identifier(network.without_zone(), interface, failures);
    if (!reserved(identifier)) return with_identifier(network, identifier);
  }
}

// --- prefixes ------------------------------------------------------------------------------------

void Autoconf::take(const NdPrefix& option, Ifnet& interface) {
  const Ipv6Prefix prefix{option.prefix, option.prefix_length};
  const SimTime now = inet_.now();
  const SimTime valid = until(now, option.valid_s), preferred = until(now, option.preferred_s);
  const AutoconfSettings& settings = inet_.settings().autoconf;
  bool there = false;
  for (const auto& a : inet_.addresses()) {
    if (a->interface != &interface || !(a->flags & in6_flag::autoconf)) continue;
    if (!prefix.contains(a->address)) continue;
    const bool temporary = a->flags & in6_flag::temporary;
    there = there || !temporary;
    a->preferred_until = preferred;
    // s5.5.3e, the two-hour rule: nobody ends an address by a forged advertisement.
    const SimTime left = a->valid_until == SimTime::max() ? SimTime::max() : a->valid_until - now;
    if (option.valid_s > 7200 || valid > a->valid_until || valid == SimTime::max())
      a->valid_until = valid;
    else if (left > two_hours)
      a->valid_until = now + two_hours;
    if (temporary) {  // RFC 8981 s3.4: never beyond what it had when it was made
      const SimTime most_preferred =
          a->created + SimTime(settings.temporary_preferred_s * 1'000'000'000) - desync_;
      const SimTime most_valid = a->created + SimTime(settings.temporary_valid_s * 1'000'000'000);
      a->preferred_until = std::min(a->preferred_until, most_preferred);
      a->valid_until = std::min(a->valid_until, most_valid);
    }
    if (now < a->preferred_until) a->flags &= ~in6_flag::deprecated;
  }
  inet_.lifetimes_changed();
  // s5.5.3d: with Ethernet's identifiers of 64 bits only prefixes of 64 make an address.
  if (option.valid_s == 0 || option.prefix_length != 64 || !interface.has_link_addresses()) return;
  if (!there) {
    const Ipv6Address address = address_in(prefix.network(), interface);
    if (!inet_.find_on(interface, address))
      (void)inet_.configure(interface, {address, 64}, in6_flag::autoconf, preferred, valid);
  }
  if (settings.use_temporary && !has_live_temporary(interface, prefix))
    make_temporary(interface, prefix, temporary_tries);
}

bool Autoconf::duplicate(Ifnet& interface, const Ipv6Address& address) {
  const Inet6::Address* gone = inet_.find_on(interface, address);
  if (!gone) return false;
  const uint32_t flags = gone->flags;
  const SimTime preferred = gone->preferred_until, valid = gone->valid_until;
  const Ipv6Prefix prefix{address.without_zone(), 64};
  if (flags & in6_flag::temporary) {
    make_temporary(interface, {prefix.network(), 64}, temporary_tries - 1);
    return true;
  }
  const unsigned failures = gone->failures;
  const bool stable = inet_.link(interface).flags & nd6_flag::stableaddr;
  if (!stable || address_in(prefix.network(), interface, failures) != address.without_zone())
    return false;
  // RFC 7217 s6: the next of the row, as often as it is worth it.
  if (int64_t(failures) >= inet_.settings().autoconf.stable_retries) return true;
  const Ipv6Address next = address_in(prefix.network(), interface, failures + 1);
  const auto made =
      inet_.configure(interface, {next, 64}, flags & in6_flag::autoconf, preferred, valid);
  if (made) (*made)->failures = failures + 1;
  return true;
}

// --- temporary addresses -------------------------------------------------------------------------

// As FreeBSD has MAX_DESYNC_FACTOR: a 32nd of the preferred lifetime, and ten minutes.
int64_t Autoconf::desync_most_s() const {
  return inet_.settings().autoconf.temporary_preferred_s / 32 + 600;
}

void Autoconf::preferred_changed() {
  desync_ = SimTime(int64_t(inet_.random().below(uint64_t(desync_most_s()))) * 1'000'000'000);
}

// RFC 8981 s3.8, REGEN_ADVANCE: time enough for DAD to fail three times.
SimTime Autoconf::regenerate_before(Ifnet& interface) const {
  return 2_s + inet_.link(interface).retrans * int64_t(temporary_tries) *
                   std::max<int64_t>(inet_.settings().dad_count, 1);
}

bool Autoconf::has_live_temporary(const Ifnet& interface, const Ipv6Prefix& prefix) const {
  const auto& all = inet_.addresses();
  return std::any_of(all.begin(), all.end(), [&](const auto& a) {
    return a->interface == &interface && (a->flags & in6_flag::temporary) &&
           prefix.contains(a->address) &&
           !(a->flags & (in6_flag::deprecated | in6_flag::duplicated));
  });
}

// RFC 8981 s3.4: no longer than the prefix, and no longer than temporary addresses may be.
void Autoconf::make_temporary(Ifnet& interface, const Ipv6Prefix& prefix, unsigned tries_left) {
  if (tries_left == 0) return;
  const auto& all = inet_.addresses();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& a) {
    return a->interface == &interface && prefix.contains(a->address) &&
           (a->flags & in6_flag::autoconf) && !(a->flags & in6_flag::temporary);
  });
  if (found == all.end()) return;
  const AutoconfSettings& settings = inet_.settings().autoconf;
  const SimTime now = inet_.now();
  const SimTime preferred =
      std::min((*found)->preferred_until,
               now + SimTime(settings.temporary_preferred_s * 1'000'000'000) - desync_);
  const SimTime valid =
      std::min((*found)->valid_until, now + SimTime(settings.temporary_valid_s * 1'000'000'000));
  const SimTime before = regenerate_before(interface);
  if (preferred <= now + before) return;  // it would be replaced at once
  Ipv6Address address;
  do {
    const uint64_t identifier = inet_.random().next();
    if (reserved(identifier)) continue;
    address = with_identifier(prefix.network(), identifier);
  } while (address.is_any() || inet_.find_on(interface, address));
  const auto made = inet_.configure(interface, {address, 64},
                                    in6_flag::autoconf | in6_flag::temporary, preferred, valid);
  if (!made) return;
  (*made)->created = now;
  (*made)->replace_at = preferred - before;
  inet_.lifetimes_changed();
}

void Autoconf::succeed_temporary(Ifnet& interface, const Ipv6Address& old) {
  if (!inet_.settings().autoconf.use_temporary) return;
  make_temporary(interface, Ipv6Prefix{old, 64}.canonical(), temporary_tries);
}

}  // namespace stackyard
