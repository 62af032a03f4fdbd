// lab/spec/lab_spec.h - a lab file as values: read, checked, merged, counted out and addressed.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/time.h"
#include "lab/spec/yaml.h"

namespace stackyard {

enum class NodeKind : uint8_t { host, router, switch_, hub, door };
std::string node_kind_name(NodeKind kind);

struct AddressItem {
  // IPv4: fixed and automatic; IPv6: fixed6, automatic6 (beside an automatic one, where the network
  // has an IPv6 subnet), slaac and link_local.
  enum class Kind : uint8_t { fixed, automatic, none, fixed6, automatic6, slaac, link_local };
  Kind kind = Kind::fixed;
  IpPrefix prefix;  // of an automatic one: filled in by addressing
  Place place;
  bool is_v4() const { return kind == Kind::fixed || kind == Kind::automatic; }
  bool has_v6() const { return kind == Kind::fixed6 || kind == Kind::automatic6; }
  bool wants_v6() const { return has_v6() || kind == Kind::slaac || kind == Kind::link_local; }
};

enum class InterfaceType : uint8_t { nic, lo, epair, bridge, vlan, tap, tun };
std::string interface_type_name(InterfaceType type);
// What an interface is by its name: cloner and number, PARENT.TAG, else a nic.
InterfaceType interface_type_by_name(const std::string& name);

// A word with its place: what another section has to look up.
struct Named {
  std::string name = {};
  Place place = {};
  bool operator==(const Named&) const = default;
};

// The spanning tree's protocol of a switch or bridge.
enum class StpSpec : uint8_t { off, stp, rstp };

// What few interfaces have. Interfaces that are alike share one.
struct InterfaceMore {
  std::optional<MacAddress> mac = {};
  std::string description = {};
  std::vector<std::string> groups = {};
  std::vector<std::string> ifconfig = {};
  std::vector<Named> members = {};  // of a bridge
  StpSpec stp = StpSpec::off;       // on all of them
  Named parent = {};                // of a vlan
  uint16_t vlan = 0;
  bool provider_tag = false;  // proto: 802.1ad
  std::optional<uint8_t> pcp = {};
  bool operator==(const InterfaceMore&) const = default;
};

struct InterfaceSpec {
  std::string name;
  Place place;
  std::vector<AddressItem> addresses;
  InterfaceType type = InterfaceType::nic;
  bool addresses_given = false;
  bool listed = false;  // in the node's `interfaces`, not only at a link or in a bridge
  bool up = true;
  bool below = false;  // a bridge's member or a vlan's parent
  uint16_t fib = 0;
  uint32_t mtu = 0;   // 0: not given
  uint32_t more = 0;  // index in LabSpec::interface_more
  int link = -1;      // index in LabSpec::links; -1: none
  int network = -1;   // the same number: a broadcast of one reaches the other
  bool loopback() const { return type == InterfaceType::lo; }
};

struct RouteSpec {
  IpPrefix to;
  bool to_default = false;
  bool blackhole = false, reject = false;
  int fib = 0;
  uint32_t mtu = 0;
  uint32_t weight = 0;  // beside other routes to the same; 0: not given
  std::string via;      // an address, a node's name, "auto" or empty
  std::string dev;
  Place place, via_place;
  std::optional<IpAddress> gateway;  // what `via` means; none for an "auto" without router
};

struct FileSpec {
  std::string path, content;
  uint32_t mode = 0644;
  bool operator==(const FileSpec&) const = default;
};

struct ServiceSpec {
  std::string name;
  Place place;
  std::string flags;
  std::vector<std::pair<std::string, std::string>> options;  // all but the flags
  bool operator==(const ServiceSpec&) const = default;
};

// A name with its value: a sysctl, a tunable, a jail's parameter.
struct SettingSpec {
  std::string name, value;
  Place place;
  bool operator==(const SettingSpec&) const = default;
};

struct SwitchPortSpec {
  std::optional<uint16_t> access;
  bool trunk_all = false;
  std::vector<uint16_t> trunk;
  std::optional<uint16_t> native = 1;
  // Of the spanning tree.
  bool edge = false;
  std::optional<uint32_t> cost = {};  // none: by the link's rate
  uint8_t priority = 128;
  bool operator==(const SwitchPortSpec&) const = default;
};

// What a door's other side is: a TAP device, or a UDP tunnel between two HOST:PORTs.
struct DoorSpec {
  std::string tap = {}, udp_local = {}, udp_remote = {};
  bool operator==(const DoorSpec&) const = default;
};

// What a node says about itself beside interfaces and routes. Nodes that are alike share one.
struct NodeSettings {
  std::string hostname;  // empty: the node's name
  int fibs = 4;
  std::vector<SettingSpec> tunables, sysctls;
  std::vector<FileSpec> files;
  std::vector<ServiceSpec> services;
  std::vector<std::string> exec;
  std::vector<SettingSpec> params;  // of a jail
  // Of a switch.
  std::map<uint16_t, std::string> vlans;
  std::map<std::string, SwitchPortSpec> port_specs;
  SimTime ageing = 300_s;
  enum class Snooping : uint8_t { off, on, querier } snooping = Snooping::off;  // of a switch
  StpSpec stp = StpSpec::off;
  uint16_t priority = 32768;  // of a switch's spanning tree
  DoorSpec door;              // of a door
  bool operator==(const NodeSettings&) const = default;
};

// An entry of `nodes` or, behind the machine that it is on, a jail.
struct NodeSpec {
  std::string name;  // of a jail its path: "srv/web"
  Place place;
  NodeKind kind = NodeKind::host;
  bool routes_given = false;
  bool vnet = true;                       // false: a jail in its parent's network stack
  int parent = -1;                        // of a jail: the machine or jail around it
  uint32_t machine = 0;                   // of a jail: the machine; else the node itself
  uint32_t settings = 0;                  // index in LabSpec::node_settings
  std::vector<InterfaceSpec> interfaces;  // listed ones, then linked and implied ones
  std::vector<RouteSpec> routes;
  std::vector<std::string> ports;  // of a switch or hub, in link order
  bool is_jail() const { return parent >= 0; }
  bool runs_programs() const { return kind == NodeKind::host || kind == NodeKind::router; }
  bool is_machine() const { return runs_programs() && !is_jail(); }
  std::string leaf() const { return name.substr(name.rfind('/') + 1); }
  // As /etc/hosts has it: "web.srv".
  std::string host_name() const;
};

// A pair of interfaces: epairNa and epairNb of one machine.
struct EpairSpec {
  uint32_t number = 0;
  size_t home = 0;                   // the nearest node with a vnet around both
  std::array<size_t, 2> nodes = {};  // where a and b are
};

struct LinkEndSpec {
  uint32_t node = 0;
  Place place;
  std::string port;  // interface or port
};

// Shares are in units of 2^-32; see hw/link/impairments.h, which this becomes.
struct ImpairSpec {
  std::optional<SimTime> delay, jitter;
  std::optional<uint64_t> loss, corrupt, duplicate, reorder;
  std::optional<uint64_t> rate;                    // 0: none
  std::optional<std::pair<uint64_t, bool>> queue;  // amount, in octets?
  // What `other` sets wins.
  void merge(const ImpairSpec& other);
  bool operator==(const ImpairSpec&) const = default;
};

struct LinkSpec {
  std::string name;
  Place place;
  std::vector<LinkEndSpec> ends;
  std::string pool;  // empty: by rule
  std::optional<Ipv4Prefix> prefix;
  std::optional<Ipv6Prefix> prefix6;
  uint32_t mtu = 0;  // 0: not given
  bool up = true;
  uint32_t impair = 0;  // index in LabSpec::impairs
};

// A test of a value: "x", ">5", "in 10.0.0.0/8", "~ REGEX".
struct ValueTest {
  std::string text = "";
  Place place;
};

struct Tap {
  enum class Kind { link, interface, port, node };
  Kind kind = Kind::link;
  size_t index = 0;  // of the link or node
  std::string port;
  std::string text;  // as written
};

struct CaptureSpec {
  std::vector<Tap> taps;
  std::string file = {}, filter = {};
  SimTime from;
  std::optional<SimTime> to;
  uint32_t snaplen = 0;
  std::optional<uint64_t> packets, size;
  Place place, file_place, filter_place;
};

struct Predicate {
  enum class Kind { run, reachable, unreachable, table, packet, link };
  Kind kind = Kind::run;
  size_t node = 0;   // run, table; the `from` of reachable
  std::string line;  // run
  IpAddress target;  // reachable
  std::string target_name;
  int tcp = 0;
  ValueTest exit{"0", {}};
  std::vector<std::string> contains, not_contains, matches;
  std::string table;
  std::map<std::string, ValueTest> columns;
  std::optional<ValueTest> rows;
  std::string filter;  // packet
  Place filter_place;
  Tap on;
  ValueTest count{">=1", {}};
  size_t link = 0;
  bool up = true;
  bool active() const {
    return kind == Kind::run || kind == Kind::reachable || kind == Kind::unreachable;
  }
};

// What makes something begin: an event, a check, or a passive predicate.
struct Condition {
  enum class Kind { event, check, predicate };
  Kind kind = Kind::predicate;
  std::string name;
  Predicate predicate;
};

struct EventSpec {
  std::string name;
  Place place;
  std::optional<SimTime> at, every, from, until;
  std::optional<Condition> when;
  SimTime wait;
  enum class Action { exec, reboot, link_state, impair, drop, pause };
  Action action = Action::exec;
  std::vector<size_t> nodes;
  std::vector<std::string> exec;
  std::optional<SimTime> duration;  // `for`
  size_t link = 0;
  bool up = true;
  std::vector<ImpairSpec> impair;  // for each end
  std::vector<uint64_t> nth{1};
  std::string filter;
  Place filter_place;
  int direction = 0;  // 0 both, 1 forward, 2 reverse
};

struct CheckSpec {
  std::string name;
  Place place;
  enum class Time { at, end, window, eventually, always, never };
  Time time = Time::at;
  SimTime at;
  std::optional<SimTime> within;
  std::optional<SimTime> after;
  std::optional<Condition> after_condition;
  Predicate predicate;
  int64_t points = 1;
  bool warning = false;
  std::string pass, fail;
  std::vector<std::string> hints;
};

struct LabSpec {
  std::string name;
  uint64_t seed = 1;
  std::optional<SimTime> stop;
  std::string pace = "fast";
  bool has_doors() const;
  bool settled = false;
  bool hosts = true;
  std::map<std::string, std::string> vars;
  struct Pool {
    std::optional<Ipv4Prefix> ipv4;
    int prefix = 24;
    std::optional<Ipv6Prefix> ipv6;
    int prefix6 = 64;
  };
  std::map<std::string, Pool> pools;
  std::vector<NodeSpec> nodes;
  std::map<std::string, size_t> node_index;
  std::vector<LinkSpec> links;
  std::map<std::string, size_t> link_index;
  std::vector<EpairSpec> epairs;
  // Shared by all that are alike; the first is what a file does not mention.
  std::vector<InterfaceMore> interface_more{1};
  std::vector<NodeSettings> node_settings{1};
  std::vector<std::vector<ImpairSpec>> impairs{1};  // one for each end, or none
  std::vector<EventSpec> events;
  std::vector<CaptureSpec> captures;
  std::vector<CheckSpec> checks;
  struct Lesson {
    std::string title, text;
    std::vector<std::string> locks;
    std::string expect_hash;
  };
  std::optional<Lesson> lesson;
  std::map<std::string, std::pair<double, double>> layout;
  struct Note {
    std::string text;
    double x = 0, y = 0;
  };
  std::vector<Note> notes;

  const NodeSettings& settings(const NodeSpec& node) const { return node_settings[node.settings]; }
  const InterfaceMore& more(const InterfaceSpec& i) const { return interface_more[i.more]; }
  ImpairSpec impair(const LinkSpec& link, size_t end) const;
  std::string hostname(const NodeSpec& node) const;
  // The node whose network stack a node uses: itself but for jails with `vnet: inherit`.
  size_t vnet_of(size_t node) const;
  // Behind the last jail of a node: its descendants are [node + 1, behind(node)).
  size_t behind(size_t node) const;
  // When the run ends: `stop`, or 60 s, or 10 s after the last time in events and checks.
  SimTime end_time() const;
  // A node's first address in the file, as /etc/hosts has it.
  std::optional<Ipv4Address> first_address(size_t node) const;
  std::optional<Ipv6Address> first_address6(size_t node) const;
};

class Problems;
struct ReadOptions {
  std::map<std::string, std::string> set;  // --set NAME=VALUE
  std::string folder = ".";                // of the lab file: what `from` and `file` are below
  // YAML with `nodes` and `links` that come behind the file's, each: what a session has added.
  std::vector<std::string> additions;
};

// Reads a whole lab. Usable only when `problems` has no errors.
LabSpec read_lab(const std::string& content, const std::string& file_name,
                 const ReadOptions& options, Problems& problems);

// A condition of its own, in the words of an event's `when`: "{table: {node: a, table: arp}}".
std::optional<Condition> read_condition(const LabSpec& lab, const std::string& yaml,
                                        Problems& problems);

// A place to watch, in the words of a capture's `tap`: "pc1:em0", a link's name, a node's.
std::optional<Tap> read_tap(const LabSpec& lab, const std::string& place, Problems& problems);

// What a link's `impair` says, for each of its ends: "{delay: 5ms, forward: {loss: 1%}}".
std::optional<std::vector<ImpairSpec>> read_impairments(const std::string& yaml, size_t ends,
                                                        Problems& problems);

// Networks, subnets, automatic addresses, default routes and `via` names (lab format, section 5).
void assign_addresses(LabSpec& lab, Problems& problems);
// The table that `validate --addresses` prints.
std::string addresses_text(const LabSpec& lab);

}  // namespace stackyard
