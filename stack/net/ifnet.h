// stack/net/ifnet.h - a network interface as a stack sees it (ifnet(9)).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/jack/site.h"
#include "stack/net/api/interface_requests.h"

namespace stackyard {

class NetStack;
class BpfTap;
struct ClonerRecord;
struct HookContext;

// A handle that outlives its interface: index and generation. Packets carry it as a number.
struct IfRef {
  uint64_t value = 0;  // 0: none
  uint32_t index() const { return uint32_t(value); }
  bool operator==(const IfRef&) const = default;
};

// Which cloner made an interface, and as which unit of whose (if_clone(9)).
struct CloneOrigin {
  static constexpr uint32_t no_unit = UINT32_MAX;  // of a name that is not NAME + number
  const ClonerRecord* cloner = nullptr;            // null: hardware, or part of the stack
  uint32_t unit = no_unit;
};

class alignas(64) Ifnet {
 public:
  Ifnet(NetStack& net, std::string name, uint32_t flags, uint32_t mtu);
  virtual ~Ifnet();
  Ifnet(const Ifnet&) = delete;

  // Sends a network-layer packet to a station (ignored where the link has none). Takes the packet,
  // whatever happens; an error is the local one: ENETDOWN, ENOBUFS.
  virtual Result<> output(Packet packet, uint16_t ether_type, MacAddress dest) = 0;
  // The same for a packet that has its link header already.
  virtual Result<> output_frame(Packet frame) = 0;
  virtual bool has_link_addresses() const { return false; }
  virtual MacAddress mac() const { return {}; }
  virtual Result<> set_mac(MacAddress) { return Errno::eopnotsupp; }
  virtual bool link_up() const { return true; }
  virtual std::string media() const { return ""; }
  virtual std::string status() const { return ""; }
  // The process that has its device open (tap, tun); 0: none.
  virtual int opened_by() const { return 0; }
  // What frames pass between without this stack: equal for the members of one bridge.
  virtual const void* segment() const { return this; }
  // The frames' link type, for captures: false means bare IP packets.
  virtual bool is_ethernet() const { return false; }
  // Asks its stack, and the vlans above, for the link-layer groups that they want to hear.
  virtual void update_link_groups() {}

  // A frame that a hook took from this interface's way comes back (packet_hook.h).
  virtual void resume_packet(Packet packet, HookContext& at);

  const std::string& name() const { return name_; }
  uint32_t index() const { return index_; }
  IfRef ref() const { return {uint64_t(generation_) << 32 | index_}; }
  // The stack that it is in now, and the one that gets it back when that one ends.
  NetStack& net() const { return *net_; }
  NetStack& home() const { return *home_; }
  bool is_home() const { return net_ == home_; }
  const CloneOrigin& origin() const { return origin_; }
  Site& site() const { return site_; }
  uint32_t flags() const { return flags_; }
  bool has_flag(uint32_t flag) const { return flags_ & flag; }
  bool up() const { return flags_ & if_flag::up; }
  std::vector<std::string> groups() const;
  uint32_t mtu() const { return mtu_; }
  virtual Result<> set_mtu(uint32_t mtu);
  void set_up(bool up);
  void set_promiscuous(bool on);                                     // counted: as often off as on
  bool enabled(uint32_t option) const { return options_ & option; }  // of if_option
  // Bits per second; 0: unknown.
  virtual uint64_t rate() const { return 0; }
  int fib() const { return fib_; }
  // The priority of tags that it adds to frames (ifconfig's pcp), or none.
  static constexpr uint8_t no_pcp = 0xff;
  uint8_t pcp() const { return pcp_; }
  const InterfaceCounters& counters() const { return counters_; }
  InterfaceInfo info() const;
  Result<> change(const SetInterface& wanted);

  // Captures: bpf(4) descriptors, and a tap of the lab. Seen by every frame, in and out.
  void add_tap(BpfTap* tap);
  void remove_tap(BpfTap* tap);
  void set_lab_tap(uint32_t tap, uint32_t snaplen);

 protected:
  void tap(Packet& frame, bool outbound) {
    if (watched_) [[unlikely]]
      show_to_taps(frame, outbound);
  }
  // What changes in the hardware when flags do.
  virtual void flags_changed() {}
  // It is in another stack now, unconfigured.
  virtual void moved() {}
  virtual uint32_t mtu_max() const { return 65535; }
  // What it can do, and does from the start.
  void set_capabilities(uint32_t options) { capabilities_ = options_ = options; }

  // What every frame meets stands together, in two lines of the cache with what follows `private`.
  NetStack* net_;
  Site& site_;
  uint32_t flags_;

 private:
  uint32_t mtu_;
  uint32_t index_ = 0;
  uint32_t generation_ = 0;
  uint32_t options_ = 0;
  uint16_t fib_ = 0;
  uint8_t pcp_ = no_pcp;
  bool watched_ = false;  // by a capture

 protected:
  InterfaceCounters counters_;

 private:
  friend class NetStack;
  // What few interfaces have.
  struct Extra {
    std::string driver;  // its first name, once it has another
    std::string description;
    bool own_groups = false;  // not just its cloner's
    std::vector<std::string> groups;
    std::vector<BpfTap*> taps;
    uint32_t lab_tap = 0;
    uint32_t lab_snaplen = 0;
    int metric = 0;
    int promiscuous = 0;
  };
  Extra& extra() {
    if (!extra_) extra_ = std::make_unique<Extra>();
    return *extra_;
  }
  std::vector<std::string>& own_groups();
  void watch();
  void show_to_taps(Packet& frame, bool outbound);
  // bpf(4) descriptors do not follow an interface into another stack.
  void leave_captures();

  NetStack* home_;
  CloneOrigin origin_;
  std::string name_;
  std::unique_ptr<Extra> extra_;
  uint32_t lent_at_ = 0;  // in its home's list, while it is elsewhere
  uint32_t capabilities_ = 0;
};

// Sees the frames of an interface that it was added to.
class BpfTap {
 public:
  virtual ~BpfTap() = default;
  virtual void see(Packet& frame, bool outbound) = 0;
  virtual void interface_gone() = 0;
};

}  // namespace stackyard
