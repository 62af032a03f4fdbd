// lab/spec/lab_spec.h - a lab file as values: read, checked, merged, counted out and addressed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"
#include "lab/spec/yaml.h"

namespace stackyard {

enum class NodeKind { host, router, switch_, hub };
std::string node_kind_name(NodeKind kind);

struct AddressItem {
  enum class Kind { fixed, automatic, none };
  Kind kind = Kind::fixed;
  Ipv4Prefix prefix;  // of an automatic one: filled in by addressing
  Place place;
};

struct InterfaceSpec {
  std::string name;
  Place place;
  std::vector<AddressItem> addresses;
  bool addresses_given = false;
  bool listed = false;  // in the node's `interfaces`, not only at a link
  bool loopback = false;
  std::optional<uint32_t> mtu;
  std::optional<MacAddress> mac;
  bool up = true;
  int fib = 0;
  std::string description;
  std::vector<std::string> groups;
  std::vector<std::string> ifconfig;
  int link = -1;  // index in LabSpec::links; -1: none
};

struct RouteSpec {
  Ipv4Prefix to;
  bool to_default = false;
  std::string via;  // an address, a node's name, "auto" or empty
  std::string dev;
  bool blackhole = false, reject = false;
  int fib = 0;
  uint32_t mtu = 0;
  Place place, via_place;
  std::optional<Ipv4Address> gateway;  // what `via` means; none for an "auto" without router
};

struct FileSpec {
  std::string path, content;
  uint32_t mode = 0644;
};

struct SwitchPortSpec {
  std::optional<uint16_t> access;
  bool trunk_all = false;
  std::vector<uint16_t> trunk;
  std::optional<uint16_t> native = 1;
};

struct NodeSpec {
  std::string name;
  Place place;
  NodeKind kind = NodeKind::host;
  std::string hostname;
  int fibs = 4;
  std::vector<InterfaceSpec> interfaces;  // of hosts and routers: listed ones, then linked ones
  std::vector<RouteSpec> routes;
  bool routes_given = false;
  std::vector<std::pair<std::string, std::string>> sysctls;  // tunables first
  std::vector<Place> sysctl_places;
  std::vector<FileSpec> files;
  std::vector<std::string> exec;
  // Of a switch.
  std::map<uint16_t, std::string> vlans;
  std::map<std::string, SwitchPortSpec> port_specs;
  SimTime ageing = 300_s;
  std::vector<std::string> ports;  // of a switch or hub, in link order
  bool is_machine() const { return kind == NodeKind::host || kind == NodeKind::router; }
};

struct LinkEndSpec {
  size_t node = 0;
  std::string port;  // interface or port
  Place place;
};

// Shares are in units of 2^-32; see hw/link/impairments.h, which this becomes.
struct ImpairSpec {
  std::optional<SimTime> delay, jitter;
  std::optional<uint64_t> loss, corrupt, duplicate, reorder;
  std::optional<uint64_t> rate;                    // 0: none
  std::optional<std::pair<uint64_t, bool>> queue;  // amount, in octets?
  // What `other` sets wins.
  void merge(const ImpairSpec& other);
};

struct LinkSpec {
  std::string name;
  Place place;
  std::vector<LinkEndSpec> ends;
  std::string pool;  // empty: by rule
  std::optional<Ipv4Prefix> prefix;
  std::optional<uint32_t> mtu;
  bool up = true;
  std::vector<ImpairSpec> impair;  // one for each end
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
  size_t node = 0;     // run, table; the `from` of reachable
  std::string line;    // run
  Ipv4Address target;  // reachable
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
  bool settled = false;
  bool hosts = true;
  std::map<std::string, std::string> vars;
  struct Pool {
    std::optional<Ipv4Prefix> ipv4;
    int prefix = 24;
  };
  std::map<std::string, Pool> pools;
  std::vector<NodeSpec> nodes;
  std::map<std::string, size_t> node_index;
  std::vector<LinkSpec> links;
  std::map<std::string, size_t> link_index;
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

  // When the run ends: `stop`, or 60 s, or 10 s after the last time in events and checks.
  SimTime end_time() const;
  // A node's first address in the file, as /etc/hosts has it.
  std::optional<Ipv4Address> first_address(size_t node) const;
};

class Problems;
struct ReadOptions {
  std::map<std::string, std::string> set;  // --set NAME=VALUE
  std::string folder = ".";                // of the lab file: what `from` and `file` are below
};

// Reads a whole lab. Usable only when `problems` has no errors.
LabSpec read_lab(const std::string& content, const std::string& file_name,
                 const ReadOptions& options, Problems& problems);

// Networks, subnets, automatic addresses, default routes and `via` names (lab format, section 5).
void assign_addresses(LabSpec& lab, Problems& problems);
// The table that `validate --addresses` prints.
std::string addresses_text(const LabSpec& lab);

}  // namespace stackyard
