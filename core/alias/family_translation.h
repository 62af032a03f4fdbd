// core/alias/family_translation.h - IPv4 packets to IPv6 and back (RFC 7915), addresses within
// addresses (RFC 6052), and prefixes for prefixes (RFC 6296).
//
// Sans-I/O: what the ends are in the other family is the mapper's business, stateless or not.
// Checksums must not be deferred.
#pragma once

#include <optional>

#include "core/packet/packet.h"
#include "core/wire/net/icmpv6.h"
#include "core/wire/net/ipv4.h"
#include "core/wire/net/ipv6.h"

namespace stackyard {

// RFC 6052 s2.2: an IPv4 address in a prefix of 32, 40, 48, 56, 64 or 96 bits.
bool is_embedding_prefix(const Ipv6Prefix& prefix);
Ipv6Address embed(const Ipv6Prefix& prefix, Ipv4Address address);
Ipv4Address extract(const Ipv6Prefix& prefix, const Ipv6Address& address);

// A packet's flow. Of ICMP queries, both ports are the identifier; of other messages, 0.
template <class Address>
struct FamilyFlow {
  Address source, dest;
  uint16_t source_port = 0, dest_port = 0;
  uint8_t protocol = 0;  // ICMP is 1 in both families
};
using Flow4 = FamilyFlow<Ipv4Address>;
using Flow6 = FamilyFlow<Ipv6Address>;

class FamilyMapper {
 public:
  virtual ~FamilyMapper() = default;
  // `quoted`: the flow is of a packet that an ICMP error quotes, which went the other way: nothing
  // new comes of it. Nothing: it is not to be translated.
  virtual std::optional<Flow6> to_6(const Flow4& flow, bool quoted) = 0;
  virtual std::optional<Flow4> to_4(const Flow6& flow, bool quoted) = 0;
  // Who sent an ICMP error, as the other family sees it.
  virtual Ipv6Address author_6(Ipv4Address author) = 0;
  virtual Ipv4Address author_4(const Ipv6Address& author, Ipv4Address otherwise) = 0;
};

namespace drops {
inline constexpr DropReason not_translatable{"not_translatable",
                                             "it has no meaning in the other family"};
inline constexpr DropReason not_mapped{"not_mapped", "no translation is known for its ends"};
}  // namespace drops

// In place. Null: done; else why not, and the packet may be in pieces. `id`: the IPv4 header's, if
// it may be fragmented.
const DropReason* translate_to_6(Packet& packet, FamilyMapper& mapper);
const DropReason* translate_to_4(Packet& packet, FamilyMapper& mapper, uint16_t id);

// RFC 6296: another prefix of the same length, at most 64 bits, that changes no checksum.
class PrefixTranslation {
 public:
  PrefixTranslation() = default;
  PrefixTranslation(const Ipv6Prefix& internal, const Ipv6Prefix& external);
  const Ipv6Prefix& internal() const { return internal_; }
  const Ipv6Prefix& external() const { return external_; }
  // The packet's source on the way out, its dest on the way in; what an ICMP error quotes, too.
  // False: it is not of the prefix, or has no address that would do.
  bool out(Packet& packet) const;
  bool in(Packet& packet) const;

 private:
  bool rewrite(Packet& packet, bool out) const;
  bool replace(Ipv6Address& address, const Ipv6Prefix& to, uint16_t adjustment) const;

  Ipv6Prefix internal_, external_;
  uint16_t adjustment_ = 0;  // to be added on the way out
};

}  // namespace stackyard
