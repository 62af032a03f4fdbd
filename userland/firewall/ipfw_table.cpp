// userland/firewall/ipfw_table.cpp - "ipfw table NAME ...".
#include <algorithm>

#include "core/base/text.h"
#include "stack/ipfw/api/rule_text.h"
#include "userland/firewall/ipfw_run.h"

namespace stackyard::ipfw {

using namespace exit_status;

namespace {

constexpr NamedValue type_names[] = {{"addr", uint32_t(TableType::addr)},
                                     {"iface", uint32_t(TableType::iface)},
                                     {"number", uint32_t(TableType::number)},
                                     {"flow", uint32_t(TableType::flow)},
                                     {"mac", uint32_t(TableType::mac)}};
constexpr NamedValue value_names[] = {
    {"skipto", uint32_t(ValueKind::skipto)}, {"pipe", uint32_t(ValueKind::pipe)},
    {"fib", uint32_t(ValueKind::fib)},       {"nat", uint32_t(ValueKind::nat)},
    {"dscp", uint32_t(ValueKind::dscp)},     {"tag", uint32_t(ValueKind::tag)},
    {"divert", uint32_t(ValueKind::divert)}, {"netgraph", uint32_t(ValueKind::netgraph)},
    {"limit", uint32_t(ValueKind::limit)},   {"ipv4", uint32_t(ValueKind::ipv4)},
    {"ipv6", uint32_t(ValueKind::ipv6)}};
constexpr NamedValue flow_names[] = {{"src-ip", flow_bit::src_ip},
                                     {"proto", flow_bit::proto},
                                     {"src-port", flow_bit::src_port},
                                     {"dst-ip", flow_bit::dst_ip},
                                     {"dst-port", flow_bit::dst_port}};

std::string names_of(NamedValues values) {
  std::string all;
  for (const NamedValue& v : values) all += (all.empty() ? "" : ", ") + std::string(v.name);
  return all;
}

class TableRun {
 public:
  TableRun(Run& run, std::string name) : run_(run), name_(std::move(name)) {}

  int create(const Words& words);
  int modify(const Words& words);
  int change(const Words& words, bool add, bool atomic);
  int destroy();
  int flush();
  int swap(const Words& words);
  int lock(bool locked);
  int info(bool detail);
  int entries(bool header);
  int lookup(const Words& words);

 private:
  bool all() const { return name_ == "all"; }
  template <class Each>
  int for_each(Each each, const char* failure);
  int type_of(const std::string& word, TableInfo& info);
  int value_types(const std::string& word, TableInfo& info);
  int find_or_guess(const Words& words, bool add, TableInfo& info, bool& there);
  bool guess(const std::string& key, TableInfo& info);
  int key(const TableInfo& info, std::string word, TableKey& into);
  int flow_key(const TableInfo& info, const std::string& word, TableKey& into);
  int value(const TableInfo& info, const std::string& word, TableValue& into);
  int value_part(ValueKind kind, const std::string& word, TableValue& into);
  std::string key_text(const TableInfo& info, const TableKey& key) const;
  std::string value_text(const TableInfo& info, const TableValue& value) const;
  void show(const TableInfo& info, const TableEntry& entry);

  Run& run_;
  std::string name_;
};

// --- tables --------------------------------------------------------------------------------------

template <class Each>
int TableRun::for_each(Each each, const char* failure) {
  ListTables list;
  const auto done = run_.sys.request(list);
  if (!done) return run_.fail(os_error, failure, done.error());
  std::sort(list.tables.begin(), list.tables.end(), [](const TableInfo& a, const TableInfo& b) {
    // Numbers by value: the shorter first.
    return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
  });
  for (const TableInfo& info : list.tables) {
    name_ = info.name;
    if (const int status = each()) return status;
  }
  return 0;
}

int TableRun::type_of(const std::string& word, TableInfo& info) {
  const size_t colon = word.find(':');
  const int64_t type = value_named(type_names, word.substr(0, colon));
  if (type < 0)
    return run_.fail(usage, text("Unknown tabletype: {}. Supported: {}", word.substr(0, colon),
                                 names_of(type_names)));
  info.type = TableType(type);
  if (colon == word.npos) return 0;
  if (info.type != TableType::flow)
    return run_.fail(usage, text("Unsupported suboptions: {}", word.substr(colon + 1)));
  for (const std::string& part : split(word.substr(colon + 1), ',')) {
    const int64_t bit = value_named(flow_names, part);
    if (bit < 0) return run_.fail(usage, text("unable to parse flow option {}", part));
    info.flow |= uint8_t(bit);
  }
  return 0;
}

int TableRun::value_types(const std::string& word, TableInfo& info) {
  info.values = 0;
  for (const std::string& part : split(word, ',')) {
    const int64_t kind = value_named(value_names, part);
    if (part == "legacy") {
      info.values = value_legacy;
      continue;
    }
    if (kind < 0)
      return run_.fail(usage,
                       text("Unknown value type: {}. Supported: {}", part, names_of(value_names)));
    info.values |= 1u << kind;
  }
  return 0;
}

int TableRun::create(const Words& words) {
  CreateTable wanted;
  wanted.info.name = name_;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& w = words[i];
    const bool more = i + 1 < words.size();
    if (w == "locked") {
      wanted.info.locked = true;
    } else if (w == "type") {
      if (!more) return run_.fail(usage, "table type required");
      if (const int status = type_of(words[++i], wanted.info)) return status;
    } else if (w == "valtype") {
      if (!more) return run_.fail(usage, "table value type required");
      if (const int status = value_types(words[++i], wanted.info)) return status;
    } else if (w == "algo") {
      if (!more) return run_.fail(usage, "table algorithm name required");
      wanted.info.algorithm = words[++i];
    } else if (w == "limit") {
      if (!more) return run_.fail(usage, "limit value required");
      wanted.info.limit = uint32_t(parse_int(words[++i]).value_or(0));
    } else if (w == "missing" || w == "or-flush") {
      continue;  // below
    } else {
      return run_.fail(usage, text("invalid option {}", w));
    }
  }
  if (run_.options.check_only) return 0;
  const auto done = run_.sys.request(wanted);
  if (done) return 0;
  const auto has = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (done.error() == Errno::eexist && has("or-flush")) return flush();
  if (done.error() == Errno::eexist && has("missing")) return 0;
  return run_.fail(os_error, "Table creation failed", done.error());
}

int TableRun::modify(const Words& words) {
  ModifyTable wanted;
  wanted.name = name_;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "limit") return run_.fail(usage, "cmd is not supported for modification");
    if (i + 1 == words.size()) return run_.fail(usage, "limit value required");
    wanted.limit = uint32_t(parse_int(words[++i]).value_or(0));
  }
  if (run_.options.check_only) return 0;
  const auto done = run_.sys.request(wanted);
  return done ? 0 : run_.fail(os_error, "Table modification failed", done.error());
}

int TableRun::lock(bool locked) {
  ModifyTable wanted;
  wanted.name = name_;
  wanted.locked = locked;
  if (run_.options.check_only) return 0;
  const auto done = run_.sys.request(wanted);
  return done ? 0
              : run_.fail(os_error, locked ? "Table lock failed" : "Table unlock failed",
                          done.error());
}

int TableRun::destroy() {
  if (run_.options.check_only) return 0;
  if (all()) return for_each([&] { return destroy(); }, "failed to destroy tables list");
  DestroyTable wanted;
  wanted.name = name_;
  const auto done = run_.sys.request(wanted);
  if (done) return 0;
  const std::string what = text("failed to destroy table {}", name_);
  if (done.error() != Errno::esrch) return run_.fail(os_error, what, done.error());
  if (!run_.options.quiet) (void)run_.fail(0, what, done.error());
  return 0;
}

int TableRun::flush() {
  if (run_.options.check_only) return 0;
  if (all()) return for_each([&] { return flush(); }, "failed to flush tables list");
  FlushTable wanted;
  wanted.name = name_;
  const auto done = run_.sys.request(wanted);
  if (done) return 0;
  const std::string what = text("failed to flush table {} info", name_);
  if (done.error() != Errno::esrch) return run_.fail(os_error, what, done.error());
  if (!run_.options.quiet) (void)run_.fail(0, what, done.error());
  return 0;
}

int TableRun::swap(const Words& words) {
  if (words.empty()) return run_.fail(usage, "second table name required");
  if (!is_table_name(words[0])) return run_.fail(usage, text("table name {} is invalid", words[0]));
  SwapTables wanted;
  wanted.name = name_;
  wanted.other = words[0];
  if (run_.options.check_only) return 0;
  const auto done = run_.sys.request(wanted);
  if (done) return 0;
  if (done.error() == Errno::einval) return run_.fail(usage, "Unable to swap table: check types");
  if (done.error() == Errno::efbig) return run_.fail(usage, "Unable to swap table: check limits");
  return 0;
}

// --- what is in them -----------------------------------------------------------------------------

bool TableRun::guess(const std::string& word, TableInfo& info) {
  const std::string base = word.substr(0, word.find('/'));
  if (parse_ip(base)) {
    info.type = TableType::addr;
    return true;
  }
  if (parse_int(word)) {
    info.type = TableType::number;
    return true;
  }
  if (word.find('.') == word.npos) {
    info.type = TableType::iface;
    return true;
  }
  info.type = TableType::addr;
  return run_.names.host(base).has_value();
}

int TableRun::find_or_guess(const Words& words, bool add, TableInfo& info, bool& there) {
  GetTable get;
  get.name = name_;
  get.entries_wanted = false;
  there = bool(run_.sys.request(get));
  if (there) {
    info = get.info;
    return 0;
  }
  if (run_.options.check_only) {  // an earlier line may make it
    if (!guess(words[0], info))
      return run_.fail(usage, text("Cannot guess key '{}' type", words[0]));
    return 0;
  }
  if (!add) return run_.fail(bad_data, text("Table {} does not exist", name_));
  if (!guess(words[0], info))
    return run_.fail(usage,
                     text("Table {} does not exist, cannot guess key '{}' type", name_, words[0]));
  if (!run_.options.quiet)
    run_.warn(text("DEPRECATED: inserting data into non-existent table {}. (auto-created)", name_));
  CreateTable create;
  create.info = info;
  create.info.name = name_;
  const auto made = run_.sys.request(create);
  if (!made) return run_.fail(os_error, "Table creation failed", made.error());
  info = create.info;
  return 0;
}

int TableRun::key(const TableInfo& info, std::string word, TableKey& into) {
  switch (info.type) {
    case TableType::addr: {
      const size_t slash = word.find('/');
      const std::string base = word.substr(0, slash);
      auto a = parse_ip(base);
      if (!a) a = run_.names.host(base);
      if (!a) return run_.fail(no_host, text("hostname ``{}'' unknown", base));
      int64_t length = a->bits();
      if (slash != word.npos) {
        const auto given = parse_int(word.substr(slash + 1));
        if (!given || *given < 0 || *given > length)
          return run_.fail(bad_data, text("bad {} mask width: {}", a->is_v4() ? "IPv4" : "IPv6",
                                          word.substr(slash + 1)));
        length = *given;
      }
      into.prefix.address = *a;
      into.prefix.length = uint8_t(length);
      into.prefix = into.prefix.canonical();
      return 0;
    }
    case TableType::iface:
      into.iface = word.substr(0, interface_name - 1);
      return 0;
    case TableType::number: {
      const auto number = parse_int(word);
      if (!number || *number < INT32_MIN || *number > UINT32_MAX)
        return run_.fail(bad_data, text("Invalid number: {}", word));
      into.number = uint32_t(*number);
      return 0;
    }
    case TableType::flow:
      return flow_key(info, word, into);
    case TableType::mac: {
      Rule rule;
      RuleParser parser({"count", "mac", word, "any"}, run_.names);
      if (!parser.parse(rule)) return run_.fail(parser.failure().status, parser.failure().message);
      const auto pattern = operand<MacPattern>(rule.match[0].behind(), 0);
      into.mac.octets = pattern.dest;
      into.mac_mask.octets = pattern.dest_mask;
      return 0;
    }
  }
  return 0;
}

// "[src-ip][,proto][,src-port][,dst-ip][,dst-port]": those that the table has.
int TableRun::flow_key(const TableInfo& info, const std::string& word, TableKey& into) {
  const std::vector<std::string> parts = split(word, ',');
  size_t at = 0;
  const auto next = [&](const char* missing, std::string& part) {
    if (at >= parts.size()) return run_.fail(bad_data, text("invalid key: {} missing", missing));
    part = parts[at++];
    return 0;
  };
  const auto address = [&](const char* missing, IpAddress& to) {
    std::string part;
    if (const int status = next(missing, part)) return status;
    const auto a = parse_ip(part);
    if (!a) return run_.fail(bad_data, text("bad address ``{}''", part));
    to = *a;
    return 0;
  };
  const auto port = [&](const char* missing, uint16_t& to) {
    std::string part;
    if (const int status = next(missing, part)) return status;
    const auto number = parse_int(part);
    const auto named = number ? std::optional<uint16_t>() : run_.names.port(part, 0);
    if (!named && (!number || *number < 0 || *number > 65535))
      return run_.fail(bad_data, text("Unknown service: {}", part));
    to = named ? *named : uint16_t(*number);
    return 0;
  };
  const auto protocol = [&] {
    std::string part;
    if (const int status = next("proto", part)) return status;
    const auto number = parse_int(part);
    const int64_t found = number ? *number : value_named(protocol_names, part);
    if (found < 0) return run_.fail(bad_data, text("Unknown proto: {}", part));
    if (found > 255) return run_.fail(bad_data, text("Bad protocol number: {}", found));
    into.protocol = uint8_t(found);
    return 0;
  };
  int status = 0;
  if (info.flow & flow_bit::src_ip && !status) status = address("src ip", into.source);
  if (info.flow & flow_bit::proto && !status) status = protocol();
  if (info.flow & flow_bit::src_port && !status) status = port("src port", into.source_port);
  if (info.flow & flow_bit::dst_ip && !status) status = address("dst ip", into.dest);
  if (info.flow & flow_bit::dst_port && !status) status = port("dst port", into.dest_port);
  if (status) return status;
  const bool both = (info.flow & flow_bit::src_ip) && (info.flow & flow_bit::dst_ip);
  if (both && into.source.family() != into.dest.family())
    return run_.fail(bad_data, "Inconsistent address family");
  // The side that is not compared is of the other's family.
  if (!(info.flow & flow_bit::src_ip)) into.source = IpAddress::any(into.dest.family());
  if (!(info.flow & flow_bit::dst_ip)) into.dest = IpAddress::any(into.source.family());
  return 0;
}

int TableRun::value_part(ValueKind kind, const std::string& word, TableValue& into) {
  const auto number = parse_int(word);
  const auto address = parse_ip(word);
  const std::string_view kind_name = name_of(value_names, uint32_t(kind));
  uint32_t& to = into.numbers[size_t(kind)];
  const auto bad = [&](std::string_view as) {
    return run_.fail(usage, text("Unable to parse {} as {}", word, as));
  };
  if (kind == ValueKind::ipv4) {
    const auto host = address ? address : run_.names.host(word);
    if (!host || host->is_v6()) return bad(kind_name);
    to = host->v4().value;
  } else if (kind == ValueKind::ipv6) {
    if (!address || address->is_v4()) return bad(kind_name);
    into.next_hop6 = address->v6();
  } else if (kind == ValueKind::dscp) {
    const int64_t code = number ? *number : value_named(dscp_names, word);
    if (code < 0 || code > 63) return bad(number ? "DSCP value" : "DSCP code");
    to = uint32_t(code);
  } else {
    if (!number || *number < 0 || *number > UINT32_MAX) return bad(kind_name);
    to = uint32_t(*number);
  }
  return 0;
}

int TableRun::value(const TableInfo& info, const std::string& word, TableValue& into) {
  if (info.values == value_legacy) {
    const auto number = whole_number(word);
    const auto address = parse_ip(word);
    if (number && *number <= UINT32_MAX) {
      into = TableValue::legacy(uint32_t(*number));
      return 0;
    }
    const auto host = address ? address : run_.names.host(word);
    if (!host || host->is_v6()) return run_.fail(os_error, text("Unable to parse value {}", word));
    into = TableValue::legacy(host->v4().value);
    return 0;
  }
  const std::vector<std::string> parts = split(word, ',');
  size_t at = 0;
  for (size_t kind = 0; kind < value_kinds; ++kind) {
    if (!(info.values >> kind & 1)) continue;
    // One value alone is for all kinds.
    const std::string& part = parts.size() == 1 ? parts[0] : at < parts.size() ? parts[at] : "";
    ++at;
    if (const int status = value_part(ValueKind(kind), part, into)) return status;
  }
  if (parts.size() > 1 && parts.size() != at)
    return run_.fail(usage, text("Not enough fields inside value"));
  return 0;
}

int TableRun::change(const Words& words, bool add, bool atomic) {
  if (words.empty()) return run_.fail(usage, "address required");
  TableInfo info;
  bool there = false;
  if (const int status = find_or_guess(words, add, info, there)) return status;
  ChangeTable wanted;
  wanted.name = name_;
  wanted.add = add;
  wanted.atomic = atomic;
  wanted.update = run_.options.quiet;
  // Of a table that is not there yet nobody knows what its keys and values are.
  const bool unknown = run_.options.check_only && !there;
  for (size_t i = 0; i < words.size(); ++i) {
    TableEntry entry;
    if (!unknown)
      if (const int status = key(info, words[i], entry.key)) return status;
    if (add && i + 1 < words.size()) {
      ++i;
      if (!unknown)
        if (const int status = value(info, words[i], entry.value)) return status;
    }
    wanted.entries.push_back(std::move(entry));
  }
  if (run_.options.check_only) return 0;
  const auto done = run_.sys.request(wanted);
  const Errno error = done ? Errno::ok : done.error();
  const bool harmless =
      error == Errno::ok || (error == Errno::eexist && add) || (error == Errno::enoent && !add);
  if (harmless && run_.options.quiet) return 0;
  static constexpr const char* results[] = {"ignored", "added", "deleted",  "updated",
                                            "limit",   "error", "notfound", "exists"};
  for (size_t i = 0; i < wanted.results.size(); ++i) {
    const EntryResult result = wanted.results[i];
    const bool changed = result == EntryResult::added || result == EntryResult::deleted ||
                         result == EntryResult::updated;
    run_.out += results[size_t(result)];
    run_.out += error != Errno::ok && atomic && changed ? "(reverted): " : ": ";
    show(info, wanted.entries[i]);
  }
  if (error == Errno::ok) return 0;
  const std::string why = error == Errno::eexist   ? "record already exists"
                          : error == Errno::efbig  ? "limit hit"
                          : error == Errno::esrch  ? "table not found"
                          : error == Errno::enoent ? "record not found"
                          : error == Errno::eacces ? "table is locked"
                                                   : std::string(errno_text(error));
  return run_.fail(os_error, text("{} record failed: {}", add ? "Adding" : "Deleting", why));
}

// --- shown ---------------------------------------------------------------------------------------

std::string TableRun::key_text(const TableInfo& info, const TableKey& key) const {
  switch (info.type) {
    case TableType::addr:
      return to_text(key.prefix);
    case TableType::iface:
      return key.iface;
    case TableType::number:
      return text("{}", key.number);
    case TableType::mac: {
      const int length = prefix_length(key.mac_mask.octets);
      return to_text(key.mac) + (length == 48 ? "" : text("/{}", length));
    }
    case TableType::flow:
      break;
  }
  std::string all;
  const auto add = [&](uint8_t bit, const std::string& part) {
    if (info.flow & bit) all += (all.empty() ? "" : ",") + part;
  };
  add(flow_bit::src_ip, to_text(key.source));
  add(flow_bit::proto, text("{}", key.protocol));
  add(flow_bit::src_port, text("{}", key.source_port));
  add(flow_bit::dst_ip, to_text(key.dest));
  add(flow_bit::dst_port, text("{}", key.dest_port));
  return all;
}

std::string TableRun::value_text(const TableInfo& info, const TableValue& value) const {
  const auto legacy = [&](uint32_t number) {
    return run_.options.values_as_ip ? to_text(Ipv4Address{number}) : text("{}", number);
  };
  if (info.values == value_legacy) return legacy(value.numbers[size_t(ValueKind::skipto)]);
  std::string all;
  for (size_t kind = 0; kind < value_kinds; ++kind) {
    if (!(info.values >> kind & 1)) continue;
    if (!all.empty()) all += ",";
    all += ValueKind(kind) == ValueKind::ipv4   ? to_text(Ipv4Address{value.numbers[kind]})
           : ValueKind(kind) == ValueKind::ipv6 ? to_text(value.next_hop6)
                                                : text("{}", value.numbers[kind]);
  }
  return all;
}

void TableRun::show(const TableInfo& info, const TableEntry& entry) {
  run_.out += key_text(info, entry.key) + " " + value_text(info, entry.value) + "\n";
}

int TableRun::info(bool detail) {
  if (run_.options.check_only) return 0;
  if (all()) return for_each([&] { return info(detail); }, "failed to request tables list");
  GetTable get;
  get.name = name_;
  get.entries_wanted = false;
  const auto done = run_.sys.request(get);
  if (!done) return run_.fail(os_error, "failed to request table info", done.error());
  const TableInfo& i = get.info;
  std::string type(name_of(type_names, uint32_t(i.type)));
  if (i.type == TableType::flow) {
    std::string bits;
    for (const NamedValue& v : flow_names)
      if (i.flow & v.value) bits += (bits.empty() ? "" : ",") + std::string(v.name);
    type += ":" + bits;
  }
  std::string values = i.values == value_legacy ? "legacy" : "";
  for (const NamedValue& v : value_names)
    if (i.values != value_legacy && i.values >> v.value & 1)
      values += (values.empty() ? "" : ",") + std::string(v.name);
  run_.out += text("--- table({}), set({}) ---\n", i.name, i.set);
  run_.out += text(" kindex: {}, type: {}{}\n", i.index, type, i.locked ? ", locked" : "");
  run_.out += text(" references: {}, valtype: {}\n", i.references, values);
  run_.out += text(" algorithm: {}\n", i.algorithm);
  run_.out += text(" items: {}, size: {}\n", i.items, i.octets);
  if (i.limit > 0) run_.out += text(" limit: {}\n", i.limit);
  return 0;
}

int TableRun::entries(bool header) {
  if (run_.options.check_only) return 0;
  if (all()) return for_each([&] { return entries(true); }, "failed to request tables list");
  GetTable get;
  get.name = name_;
  const auto done = run_.sys.request(get);
  if (!done) return run_.fail(os_error, "failed to request table info", done.error());
  if (header) run_.out += text("--- table({}), set({}) ---\n", get.info.name, get.info.set);
  for (const TableEntry& entry : get.entries) show(get.info, entry);
  return 0;
}

int TableRun::lookup(const Words& words) {
  if (words.empty()) return run_.fail(usage, "address required");
  if (run_.options.check_only) return 0;
  GetTable get;
  get.name = name_;
  get.entries_wanted = false;
  if (!run_.sys.request(get)) return run_.fail(unavailable, text("Table {} not found", name_));
  LookupTable wanted;
  wanted.name = name_;
  if (const int status = key(get.info, words[0], wanted.entry.key)) return status;
  if (!run_.sys.request(wanted))
    return run_.fail(unavailable, text("Entry {} not found", words[0]));
  show(get.info, wanted.entry);
  return 0;
}

}  // namespace

int table_command(Run& run, const Words& words) {
  if (words.empty()) return run.fail(usage, "table needs name");
  const std::string& name = words[0];
  if (name != "all" && !is_table_name(name))
    return run.fail(usage, text("table name {} is invalid", name));
  if (words.size() < 2) return run.fail(usage, "table needs command");
  static constexpr std::string_view commands[] = {"add",    "delete", "create", "destroy", "flush",
                                                  "modify", "swap",   "info",   "detail",  "list",
                                                  "lookup", "atomic", "lock",   "unlock"};
  // A beginning that is one command's only will do.
  std::string what = words[1];
  size_t fitting = 0;
  for (const std::string_view each : commands)
    if (each.starts_with(words[1])) {
      what = each;
      ++fitting;
    }
  if (std::find(std::begin(commands), std::end(commands), words[1]) != std::end(commands))
    what = words[1];
  else if (fitting != 1)
    return run.fail(usage,
                    text("{} table command {}", fitting ? "ambiguous" : "invalid", words[1]));
  Words rest(words.begin() + 2, words.end());
  bool atomic = false;
  if (what == "atomic") {
    if (rest.empty()) return run.fail(usage, "atomic needs command");
    if (rest[0] != "add") return run.fail(usage, text("atomic is not compatible with {}", rest[0]));
    atomic = true;
    what = "add";
    rest.erase(rest.begin());
  }
  const bool for_all =
      what == "list" || what == "info" || what == "detail" || what == "flush" || what == "destroy";
  if (name == "all" && !for_all) return run.fail(usage, "table name required");
  TableRun t(run, name);
  if (what == "add") return t.change(rest, true, atomic);
  if (what == "delete") return t.change(rest, false, false);
  if (what == "create") return t.create(rest);
  if (what == "modify") return t.modify(rest);
  if (what == "destroy") return t.destroy();
  if (what == "flush") return t.flush();
  if (what == "swap") return t.swap(rest);
  if (what == "lock" || what == "unlock") return t.lock(what == "lock");
  if (what == "lookup") return t.lookup(rest);
  if (what == "list") return t.entries(false);
  return t.info(what == "detail");
}

}  // namespace stackyard::ipfw
