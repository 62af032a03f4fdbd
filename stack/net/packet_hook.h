// stack/net/packet_hook.h - where firewalls see packets (pfil(9)), and how those that one of them
// took come back.
//
// Each vnet has its hooks, in ordered chains: a head (inet, inet6, ethernet) and a direction. What
// is forwarded passes `in` of the interface that it came by and `out` of the one that it leaves
// by. A hook lets a packet pass, perhaps changed, or takes it: it drops it, answers it, or keeps
// it and gives it back later with a `Resume`. Nobody hooked costs a packet one test.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/wire/link/ethernet.h"
#include "stack/net/ifnet.h"

namespace stackyard {

// Of pfil(9)'s heads. Packets of inet and inet6 begin with their IP header, as on the wire, those
// of ethernet with the frame's.
enum class HookPoint : uint8_t { inet_in, inet_out, inet6_in, inet6_out, ether_in, ether_out };
inline constexpr size_t hook_point_count = 6;

// Whose way a packet was on: who goes on with it.
enum class HookSite : uint8_t { inet, inet6, ethernet, bridge };

// Where a packet left its way, as a value that outlives interfaces. It re-enters behind the hook
// that took it; that hook sees it first, with the cookie that it chose.
struct Resume {
  HookPoint point{};
  HookSite site{};
  uint8_t stage = 0;  // the site's own
  uint8_t flags = 0;  // the site's own
  uint16_t hook = 0;  // who took it; 0: nobody, so the whole chain sees it
  IfRef in, out;      // none: it was made here; it is for this host
  IfRef by;           // of a bridge: itself
  IpAddress next_hop;
  EthernetHeader link{};  // of a bridge: what stood before the IP header
  uint64_t cookie = 0;    // the hook's own
};

// What a hook knows of a packet beside its octets.
struct HookContext {
  HookPoint point{};
  HookSite site{};
  uint8_t stage = 0;
  uint8_t flags = 0;
  uint16_t hook = 0;      // set before a hook is called
  Ifnet* in = nullptr;    // null: made here
  Ifnet* out = nullptr;   // null: not known yet
  Ifnet* by = nullptr;    // of a bridge: itself
  IpAddress next_hop;     // out: the neighbour
  EthernetHeader link{};  // of a bridge
  uint64_t cookie = 0;    // not 0: it comes back to this hook

  bool outbound() const { return uint8_t(point) & 1; }
  bool ethernet() const { return point >= HookPoint::ether_in; }
  bool bridged() const { return site == HookSite::bridge; }
  // For a hook that takes the packet and gives it back later.
  Resume resume(uint64_t cookie) const;
};

// What became of a packet. `error` is what a local sender hears of one that did not pass.
struct HookVerdict {
  bool passed = true;
  Errno error = Errno::ok;
  static HookVerdict pass() { return {}; }
  static HookVerdict took(Errno error = Errno::ok) { return {false, error}; }
};

class PacketHook {
 public:
  explicit PacketHook(std::string name) : hook_name_(std::move(name)) {}
  virtual ~PacketHook() = default;
  PacketHook(const PacketHook&) = delete;
  // A packet that did not pass is the hook's: it has noted a drop, or keeps it. Who changes what a
  // deferred checksum covers finishes that first.
  virtual HookVerdict filter(Packet& packet, HookContext& at) = 0;
  const std::string& hook_name() const { return hook_name_; }  // pfilctl(8)'s: "ipfw:default"
  uint16_t hook_id() const { return hook_id_; }

 private:
  friend class PacketHooks;
  std::string hook_name_;
  uint16_t hook_id_ = 0;  // never used again; 0: it was never linked
};

// Goes on with packets of inet or inet6 that come back; frames are their interfaces' own.
class HookResumer {
 public:
  virtual ~HookResumer() = default;
  // `at` has the interfaces found again.
  virtual void resume_packet(Packet packet, HookContext& at) = 0;
};

class PacketHooks {
 public:
  enum class End : uint8_t { first, last };

  explicit PacketHooks(NetStack& net) : net_(net) {}
  // At this end of the chain; one that is there already moves.
  void link(HookPoint point, PacketHook& hook, End end = End::last);
  void unlink(HookPoint point, PacketHook& hook);
  void unlink(PacketHook& hook);
  const std::vector<PacketHook*>& chain(HookPoint point) const { return chains_[size_t(point)]; }

  // Shows the packet to the chain, behind the hook that it comes back from, if it does.
  HookVerdict run(Packet& packet, HookContext& at);
  // Gives back what was taken. It dies if one of its interfaces has gone.
  void resume(Packet packet, const Resume& resume);

 private:
  NetStack& net_;
  uint16_t ids_ = 0;
  std::vector<PacketHook*> chains_[hook_point_count];
};

// --- where a hook wants a packet to go (ipfw's fwd) ---
struct Forwarding {
  IpAddress to;
  uint16_t port = 0;  // of an address of this host; 0: the packet's own
};
void set_forwarding(Packet& packet, const Forwarding& forwarding);
std::optional<Forwarding> forwarding_of(const Packet& packet);
void clear_forwarding(Packet& packet);

}  // namespace stackyard
