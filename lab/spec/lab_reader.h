// lab/spec/lab_reader.h - the reading of a lab file, section by section. Private to lab/spec.
#pragma once

#include "lab/spec/reader.h"

namespace stackyard {

class LabReader {
 public:
  LabReader(const ReadOptions& options, Problems& problems) : options_(options), r_(problems) {}
  // Goes on from a lab that has been read.
  LabReader(LabSpec lab, const ReadOptions& options, Problems& problems)
      : options_(options), r_(problems), lab_(std::move(lab)) {}
  LabSpec read(const std::string& content, const std::string& file_name);
  std::optional<Condition> read_condition(const Yaml& value);
  std::optional<Tap> read_tap(const Yaml& value);
  std::vector<ImpairSpec> read_impair(const Yaml* value, size_t ends);

 private:
  using Numbers = std::vector<std::pair<std::string, std::string>>;  // {"i", "3"}
  struct Group {
    std::vector<std::string> members;
    const Yaml* keys;
    bool matched = false;
  };
  struct Counted {  // one node of an entry, after `count`
    std::string name;
    Numbers numbers;
    const Yaml& value;
    Place place;
    NodeKind kind;
    int parent;
  };
  // The nodes of an entry that differ in their names only, by the groups that they are in.
  using Alike = std::map<std::vector<size_t>, NodeSpec>;

  // read_lab.cpp
  void add_to(Yaml& root, const std::string& addition);
  void read_top(const Yaml& root, const std::string& file_name);
  void read_vars(const Yaml& root);
  void read_sim(const Yaml* sim);
  void read_addressing(const Yaml* addressing);
  void read_lesson(const Yaml* lesson);
  void read_layout(const Yaml* layout);
  void read_notes(const Yaml* notes);
  // ${NAME} by variables (and numbers); `final`: unknown names are errors now.
  void substitute(Yaml& value, const Numbers& numbers, bool final, bool lenient = false);
  std::string substitute_text(const std::string& s, Place place, const Numbers& numbers, bool final,
                              bool lenient);
  std::optional<std::string> local_text(const Yaml* value);  // text or {file: local}
  std::optional<std::string> local_path(const Yaml& value);

  // read_nodes.cpp
  void read_nodes(const Yaml& root);
  void read_groups(const Yaml* groups);
  void read_entry(const std::string& name, Place place, const Yaml& value, int parent,
                  const Numbers& outer);
  void read_node(const Counted& counted, Alike& alike);
  void add_node(NodeSpec node, const Counted& counted);
  std::vector<size_t> groups_of(const std::string& name);
  Yaml merged(const Counted& node, const std::vector<size_t>& groups);
  std::optional<NodeKind> kind_of(const Yaml& value, bool jail);
  void read_keys(const Yaml& value, NodeSpec& node);
  std::vector<std::string> command_lines(const Yaml* value);

  // read_machines.cpp
  void read_machine(const Yaml& value, NodeSpec& node, NodeSettings& settings);
  void read_vnet(const Yaml& value, NodeSpec& node);
  void read_routes(const Yaml* value, NodeSpec& node, int fibs);
  void read_route(const Yaml& value, NodeSpec& node, int fibs);
  std::vector<SettingSpec> read_settings(const Yaml* value, const char* what);
  std::vector<SettingSpec> read_params(const Yaml* value);
  std::vector<ServiceSpec> read_services(const Yaml* value);
  std::vector<FileSpec> read_files(const Yaml* value);
  std::optional<int64_t> read_stp_priority(const Yaml* value, int64_t step);
  void read_switch(const Yaml& value, NodeSettings& node);
  void read_door(const Yaml& value, Place place, DoorSpec& door);
  void read_switch_port(const Yaml& value, const NodeSettings& node, SwitchPortSpec& port);

  // read_interfaces.cpp
  void read_interfaces(const Yaml* value, NodeSpec& node);
  std::optional<InterfaceType> type_of(const Yaml::Entry& entry);
  void read_interface(const Yaml& value, InterfaceSpec& interface);
  StpSpec read_stp(const Yaml& value);
  void read_bridge(const Yaml& value, InterfaceMore& more);
  void read_vlan(const Yaml& value, const InterfaceSpec& interface, InterfaceMore& more);
  void read_addresses(const Yaml* value, InterfaceSpec& interface);
  InterfaceSpec unlisted_nic(const std::string& name, Place place);

  // wiring.cpp
  void read_wiring();
  void pair_up(size_t machine);
  void check_lower(size_t node);

  // read_links.cpp
  void read_prefixes(const Yaml& value, LinkSpec& link);
  void read_links(const Yaml* links);
  void read_link(const Yaml& item, size_t place, const Yaml* defaults);
  struct Written {  // an end as written: "pc*:em0"
    std::string node, port;
    Place place;
  };
  std::optional<std::pair<Written, Written>> two_ends(const std::string& s, Place place);
  Written one_end(const std::string& s, Place place);
  std::vector<size_t> matching(const Written& end);
  void add_link(LinkSpec link, const std::vector<std::pair<size_t, Written>>& ends);
  void name_ports();
  void link_interface(NodeSpec& node, const LinkEndSpec& end, size_t link);
  ImpairSpec read_impair_keys(const Yaml& value);

  // read_checks.cpp
  void read_events(const Yaml* events);
  void read_event(const Yaml& value);
  void read_event_action(const Yaml& value, EventSpec& event);
  void read_captures(const Yaml* captures);
  void read_checks(const Yaml* checks);
  void read_check(const Yaml::Entry& entry);
  bool read_check_time(const Yaml& value, Place place, CheckSpec& check);
  std::optional<Predicate> read_predicate(const Yaml& value, Place place, const char* what);
  void read_expect(const Yaml* expect, Predicate& predicate);
  std::optional<size_t> node_named(const Yaml* value);
  std::vector<size_t> nodes_matching(const Yaml* value);
  std::optional<size_t> link_named(const Yaml* value);
  ValueTest read_test(const Yaml& value);

  const ReadOptions& options_;
  Reader r_;
  LabSpec lab_;
  std::optional<InterfaceSpec> unlisted_;  // by defaults alone
  const Yaml* defaults_ = nullptr;
  std::vector<Group> groups_;
  const Yaml nothing_;
  std::vector<LinkSpec> pending_;  // of the item being read
};

// Shell-like patterns with * and ?.
bool matches_pattern(const std::string& pattern, const std::string& name);
// Later keys win; maps merge key by key, lists and scalars replace, null drops.
void merge_into(Yaml& base, const Yaml& over);
// The number of "epair7b", and whether it is the second end.
std::optional<std::pair<uint32_t, bool>> epair_end(const std::string& name);

// The place of a value in a list of what is alike; it looks at the first and the last few.
template <class T>
uint32_t share(std::vector<T>& all, T value) {
  if (value == all[0]) return 0;
  for (size_t i = all.size(); i-- > 1 && all.size() - i <= 4;)
    if (all[i] == value) return uint32_t(i);
  all.push_back(std::move(value));
  return uint32_t(all.size() - 1);
}

inline bool is_pattern(const std::string& s) { return s.find_first_of("*?") != s.npos; }

}  // namespace stackyard
