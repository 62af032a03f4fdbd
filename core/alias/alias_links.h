// core/alias/alias_links.h - the links of an address translation: which inside end talks to which
// outside end, and as whom it is seen (libalias(3), "CONCEPTUAL BACKGROUND").
//
// A link whose remote address or port is unknown is partially specified: the first packet that
// fits makes a full link of it. Redirections are partial links that stay.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "core/base/address.h"
#include "core/base/random.h"
#include "core/base/time.h"

namespace stackyard {

// What a link translates: an IP protocol's number, or one of these.
namespace alias_kind {
constexpr uint16_t address = 256,  // static translation of a whole address
    fragment = 257;  // where the fragments behind a first one go; the port is their id
}  // namespace alias_kind
// The port of what has none.
constexpr uint16_t alias_no_port = 1;

// How long a link lives after its last packet.
enum class LinkLife : uint8_t {
  fragment,     // 10 s
  dead,         // 10 s: a TCP connection that both sides have ended
  datagrams,    // 60 s: UDP and other protocols
  queries,      // 60 s: ICMP
  half_dead,    // 90 s: ... that one side has ended
  opening,      // 5 min: ... that is not established
  established,  // 24 h
  permanent     // until somebody deletes it
};
constexpr size_t link_lives = size_t(LinkLife::permanent);
using LinkTimes = std::array<SimTime, link_lives>;
constexpr LinkTimes alias_times{10_s, 10_s, 60_s, 60_s, 90_s, 300_s, 86'400_s};
// A new link's.
LinkLife first_life(uint16_t kind);

enum class LinkTcp : uint8_t { not_connected, connected, disconnected };

struct LinkEnds {
  Ipv4Address local, remote, alias;  // remote any: not known yet
  uint16_t local_port = 0, remote_port = 0, alias_port = 0;
  uint16_t kind = 0;
  bool operator==(const LinkEnds&) const = default;
  bool is_partial() const { return remote.is_any() || remote_port == 0; }
};

// Where a stream's octets moved because a helper changed a message's length: from `from` on, by
// `total`. The last few are kept, as retransmissions go back behind the newest.
struct StreamShift {
  uint32_t from;  // the sender's own sequence number behind the message
  int32_t before, total;
};

struct AliasServer {  // RFC 2391: one of those that share the load
  Ipv4Address address;
  uint16_t port;
};

struct AliasLink {
  LinkEnds ends;
  LinkLife life = LinkLife::datagrams;
  LinkTcp inbound = LinkTcp::not_connected, outbound = LinkTcp::not_connected;
  SimTime used;
  uint32_t id = 0;                                   // of a redirection; 0: none
  std::unique_ptr<std::vector<StreamShift>> shifts;  // null: nothing was moved
  std::unique_ptr<std::vector<AliasServer>> servers;
  size_t next_server = 0;

 private:
  friend class AliasLinks;
  static constexpr uint32_t none = UINT32_MAX;
  uint32_t slot = none, out_next = none, in_next = none;  // chains of the hash tables
  uint32_t older = none, newer = none;                    // of the same life, by last use
};

class AliasLinks {
 public:
  static constexpr size_t links_most = 1'000'000;

  explicit AliasLinks(uint64_t hash_key, const LinkTimes& times = alias_times)
      : hash_key_(hash_key), times_(times) {}

  // Null: the table is full.
  AliasLink* add(const LinkEnds& ends, LinkLife life, SimTime now);
  void remove(AliasLink& link);
  void clear_dynamic();  // all but permanent ones
  // Removes what has outlived its time. Constant time when nothing has.
  void expire(SimTime now);
  void touch(AliasLink& link, SimTime now);
  void set_life(AliasLink& link, LinkLife life, SimTime now);
  // What the flags of a segment make of a TCP connection's link.
  enum class Way : bool { out, in };
  void watch_tcp(AliasLink& link, Way way, uint8_t flags, SimTime now);
  // How long the link still lives; max: it stays.
  SimTime left(const AliasLink& link, SimTime now) const;
  void set_times(const LinkTimes& times) { times_ = times; }

  // Exactly these ends; what is not known is zero. Of redirections that overlap, the newest.
  AliasLink* find_out(Ipv4Address local, uint16_t local_port, Ipv4Address remote,
                      uint16_t remote_port, uint16_t kind);
  AliasLink* find_in(Ipv4Address alias, uint16_t alias_port, Ipv4Address remote,
                     uint16_t remote_port, uint16_t kind);

  size_t size() const { return size_; }
  size_t partial() const { return partial_; }
  // In the order of their slots.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const AliasLink& link : slab_)
      if (link.slot != AliasLink::none) visit(link);
  }
  AliasLink* find_id(uint32_t id);

 private:
  struct Ages {
    uint32_t oldest = AliasLink::none, newest = AliasLink::none;
  };
  uint64_t hash_out(const LinkEnds& ends) const;
  uint64_t hash_in(const LinkEnds& ends) const;
  void grow();
  void chain(AliasLink& link);
  void unchain(AliasLink& link);
  void push_newest(AliasLink& link);
  void leave_ages(AliasLink& link);

  uint64_t hash_key_;
  LinkTimes times_;
  std::deque<AliasLink> slab_;  // addresses stay
  std::vector<uint32_t> free_;
  std::vector<uint32_t> out_, in_;  // heads of chains; a power of two
  Ages ages_[link_lives + 1];
  size_t size_ = 0, partial_ = 0;
};

}  // namespace stackyard
