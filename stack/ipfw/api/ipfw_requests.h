// stack/ipfw/api/ipfw_requests.h - what ipfw(8) asks of a stack's firewall. The first that changes
// something makes the firewall, with its rule 65535.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/time.h"
#include "stack/ipfw/api/rule.h"
#include "stack/sys/request.h"

namespace stackyard::ipfw {

// Which rules: of these numbers, of this set; all but the default rule without either.
struct RuleRange {
  uint32_t first = 0, last = default_rule;
  std::optional<uint8_t> set;
};

// All of them, or none; those without a number get one, which is filled in. EINVAL: a rule is not
// sound; ESRCH: no such interface to an external action; ENOSPC: no number is left.
struct AddRules : RequestOf<AddRules> {
  static constexpr RequestKind kind_of{"ipfw", "add rules"};
  std::vector<Rule> rules;
  bool replace = false;  // in the place of all that there are, in one step
};
struct DeleteRules : RequestOf<DeleteRules> {
  static constexpr RequestKind kind_of{"ipfw", "delete rules"};
  RuleRange range;
  bool states_only = false;
  size_t found = 0;
};
struct ZeroRules : RequestOf<ZeroRules> {
  static constexpr RequestKind kind_of{"ipfw", "zero rules"};
  RuleRange range;
  bool log_only = false;
  size_t found = 0;
};
struct MoveRules : RequestOf<MoveRules> {
  static constexpr RequestKind kind_of{"ipfw", "move rules"};
  RuleRange range;
  uint8_t to = 0;
  bool swap = false;  // the set of `range`, with `to`
  size_t found = 0;
};
struct EnableSets : RequestOf<EnableSets> {
  static constexpr RequestKind kind_of{"ipfw", "enable sets"};
  uint32_t disable = 0, enable = 0;
};

struct RuleInfo {
  Rule rule;
  uint64_t packets = 0, octets = 0;
  SimTime last;
  bool matched = false;  // `last` means something
};
struct StateInfo {
  uint32_t rule = 0;
  uint8_t set = 0;
  enum class Kind : uint8_t { keep, limit, parent } kind = Kind::keep;
  uint8_t protocol = 0;
  IpAddress source, dest;
  uint16_t source_port = 0, dest_port = 0;
  std::string name;
  uint64_t packets = 0, octets = 0;
  int64_t expires_s = 0;
  uint32_t count = 0;  // of a parent
  uint32_t state = 0, ack_forward = 0, ack_reverse = 0;
};
// ENOPROTOOPT: there is no firewall.
struct GetRules : RequestOf<GetRules> {
  static constexpr RequestKind kind_of{"ipfw", "get rules", true};
  bool states = false;
  uint32_t enabled_sets = UINT32_MAX;
  std::vector<RuleInfo> rules;
  std::vector<StateInfo> dynamic;
};

// --- tables ---

enum class TableType : uint8_t { addr = 1, iface, number, flow, mac };
namespace flow_bit {
constexpr uint8_t src_ip = 1, proto = 2, src_port = 4, dst_ip = 8, dst_port = 16;
}
// In the order in which `valtype`'s names stand in a value.
enum class ValueKind : uint8_t {
  skipto,
  pipe,
  fib,
  nat,
  dscp,
  tag,
  divert,
  netgraph,
  limit,
  ipv4,
  ipv6
};
constexpr size_t value_kinds = 11;
constexpr uint32_t value_legacy = UINT32_MAX;
struct TableValue {
  std::array<uint32_t, value_kinds> numbers{};  // by ValueKind; ipv4 too
  Ipv6Address next_hop6;
  bool operator==(const TableValue&) const = default;
  // One number for everything, as tables without `valtype` have it.
  static TableValue legacy(uint32_t number);
};
struct TableKey {
  IpPrefix prefix;      // addr
  std::string iface;    // iface
  uint32_t number = 0;  // number
  MacAddress mac, mac_mask{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
  IpAddress source, dest;  // flow
  uint8_t protocol = 0;
  uint16_t source_port = 0, dest_port = 0;
};
struct TableEntry {
  TableKey key;
  TableValue value;
};
struct TableInfo {
  std::string name;
  uint8_t set = 0;
  TableType type = TableType::addr;
  uint8_t flow = 0;  // flow_bit
  uint32_t values = value_legacy;
  std::string algorithm;
  uint32_t index = 0, references = 0, limit = 0;
  size_t items = 0, octets = 0;
  bool locked = false;
};
// EEXIST; EINVAL: the name or the algorithm; ENOSPC: there are tables_max.
struct CreateTable : RequestOf<CreateTable> {
  static constexpr RequestKind kind_of{"ipfw", "create table"};
  TableInfo info;
};
// ESRCH: there is none; EBUSY: rules refer to it; EACCES: it is locked. As of those below.
struct DestroyTable : RequestOf<DestroyTable> {
  static constexpr RequestKind kind_of{"ipfw", "destroy table"};
  std::string name;
};
struct FlushTable : RequestOf<FlushTable> {
  static constexpr RequestKind kind_of{"ipfw", "flush table"};
  std::string name;
};
struct ModifyTable : RequestOf<ModifyTable> {
  static constexpr RequestKind kind_of{"ipfw", "modify table"};
  std::string name;
  std::optional<uint32_t> limit;
  std::optional<bool> locked;
};
// EINVAL: their types differ; EFBIG: one is beyond the other's limit.
struct SwapTables : RequestOf<SwapTables> {
  static constexpr RequestKind kind_of{"ipfw", "swap tables"};
  std::string name, other;
};
enum class EntryResult : uint8_t {
  ignored,
  added,
  deleted,
  updated,
  limit,
  error,
  not_found,
  exists
};
// EEXIST, ENOENT, EFBIG: of the first that failed. Atomic: then nothing has changed.
struct ChangeTable : RequestOf<ChangeTable> {
  static constexpr RequestKind kind_of{"ipfw", "change table"};
  std::string name;
  bool add = true, update = false, atomic = false;
  std::vector<TableEntry> entries;
  std::vector<EntryResult> results;
};
struct ListTables : RequestOf<ListTables> {
  static constexpr RequestKind kind_of{"ipfw", "list tables", true};
  std::vector<TableInfo> tables;
};
struct GetTable : RequestOf<GetTable> {
  static constexpr RequestKind kind_of{"ipfw", "get table", true};
  std::string name;
  TableInfo info;
  bool entries_wanted = true;
  std::vector<TableEntry> entries;
};
// ENOENT: it is not in the table.
struct LookupTable : RequestOf<LookupTable> {
  static constexpr RequestKind kind_of{"ipfw", "lookup table", true};
  std::string name;
  TableInfo info;
  TableEntry entry;  // the key is given; both are as found
};

}  // namespace stackyard::ipfw
