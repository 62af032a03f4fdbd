// stack/ipfw/detail/states.h - dynamic rules (ipfw(8), "STATEFUL FIREWALL"): conversations that
// rules with keep-state and limit have let begin.
//
// A state is found by hash, from either side. Expiry is looked at in whole seconds, as FreeBSD's:
// a wheel has each state in the slot of the second when it must be looked at next, so that a
// packet only writes the new time, and nothing is scanned.
#pragma once

#include <memory>
#include <vector>

#include "core/event/timer.h"
#include "core/jack/site.h"
#include "stack/ipfw/api/ipfw_requests.h"
#include "stack/ipfw/detail/packet_view.h"

namespace stackyard::ipfw {

struct StoredRule;

struct StateSettings {
  int64_t max = 16384, parent_max = 4096, buckets = 256;
  int64_t ack_lifetime = 300, syn_lifetime = 20, fin_lifetime = 1, rst_lifetime = 1;
  int64_t udp_lifetime = 10, short_lifetime = 5, keepalive = 1, keep_states = 0;
};

struct State {
  static constexpr uint32_t none = UINT32_MAX;
  // As the packet that made it had them; IPv4 addresses in the last four octets.
  Ipv6Address source, dest;
  uint16_t source_port = 0, dest_port = 0;
  uint8_t protocol = 0;
  uint8_t version = 0;  // 0: free
  uint16_t name = 0;
  StoredRule* rule = nullptr;
  uint64_t packets = 0, octets = 0;
  uint32_t expires_s = 0;
  uint32_t flags = 0;  // TCP's, of the forward direction and, eight bits higher, of the other
  uint32_t ack_forward = 0, ack_reverse = 0;
  uint32_t parent = none;
  uint32_t count = 0;  // of a parent: its children
  uint32_t serial = 0;
  uint32_t chain = none;  // of its bucket, or of the free ones
  uint32_t wheel_next = none, wheel_previous = none;
  uint16_t wheel_slot = 0;
  StateInfo::Kind kind = StateInfo::Kind::keep;
  bool seen_forward = false, seen_reverse = false;  // an acknowledgment, of TCP
};

// Sends what makes both ends of a quiet connection speak.
class KeepaliveSender {
 public:
  virtual ~KeepaliveSender() = default;
  virtual void send_keepalive(const State& state) = 0;
};

enum class Install : uint8_t { done, full, limit_reached };

class States {
 public:
  States(Site& site, KeepaliveSender& sender, uint64_t secret)
      : site_(site),
        sender_(sender),
        secret_(secret),
        timer_(site.node(), Timer::call<&States::tick>, this) {}

  struct Hit {
    State* state = nullptr;
    bool forward = false;
  };
  // `name` 0: whatever it is called.
  Hit find(const PacketView& view, uint16_t name);
  // Notes a packet of a conversation: counters, and until when the state lives.
  void note(const Hit& hit, const PacketView& view, const StateSettings& settings);

  struct Limit {
    uint8_t mask = 0;  // limit_bit; 0: keep-state
    uint32_t most = 0;
  };
  // A state for the packet's conversation, if there is none.
  Install install(const PacketView& view, StoredRule& rule, uint16_t name, Limit limit,
                  const StateSettings& settings);

  // Those of a rule are removed, or become another rule's.
  void forget(const StoredRule& rule, StoredRule* instead);
  size_t remove_of(const StoredRule& rule);
  void clear();
  size_t count() const { return count_; }
  size_t parents() const { return parents_; }
  size_t buckets() const { return buckets_.size(); }
  // As long as this is 0, no packet is looked up.
  bool empty() const { return count_ == 0; }
  // In the order in which they were made.
  std::vector<const State*> sorted() const;
  int64_t seconds() const { return site_.now().s(); }
  void settings_changed(const StateSettings& settings) { keepalive_ = settings.keepalive != 0; }

 private:
  static constexpr uint32_t wheel_slots = 1024;
  static constexpr uint32_t keepalive_before_s = 20, keepalive_every_s = 5;
  uint64_t hash(const Ipv6Address& a, uint16_t a_port, const Ipv6Address& b, uint16_t b_port,
                uint8_t protocol) const;
  uint32_t& bucket(const State& s);
  uint32_t make(const State& state);
  void destroy(uint32_t at);
  void unlink(uint32_t at);
  void grow();
  uint32_t find_parent(const State& key);
  uint32_t parent_for(const State& child, Limit limit, const StateSettings& settings);
  void set_wheel(uint32_t at, uint32_t second);
  void leave_wheel(uint32_t at);
  uint32_t next_look(const State& s) const;
  void look(uint32_t at);
  void arm();
  void tick();

  Site& site_;
  KeepaliveSender& sender_;
  uint64_t secret_;
  bool keepalive_ = true;
  std::vector<State> states_;
  std::vector<uint32_t> buckets_;  // a power of two, or nothing yet
  std::unique_ptr<uint32_t[]> wheel_;
  uint32_t free_ = State::none;
  uint32_t serial_ = 0;
  size_t count_ = 0, parents_ = 0;
  uint32_t ticked_s_ = 0;  // the wheel's slots up to this second have been looked at
  Timer timer_;
};

}  // namespace stackyard::ipfw
