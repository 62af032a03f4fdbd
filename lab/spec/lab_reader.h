// lab/spec/lab_reader.h - the reading of a lab file, section by section. Private to lab/spec.
#pragma once

#include "lab/spec/reader.h"

namespace stackyard {

class LabReader {
 public:
  LabReader(const ReadOptions& options, Problems& problems) : options_(options), r_(problems) {}
  LabSpec read(const std::string& content, const std::string& file_name);

 private:
  struct Group {
    std::vector<std::string> members;
    const Yaml* keys;
    bool matched = false;
  };
  struct Counted {  // one node of an entry, after `count`
    std::string name;
    std::vector<std::pair<std::string, std::string>> numbers;  // {"i", "3"}
    const Yaml* value;
    Place place;
  };

  // read_lab.cpp
  void read_top(const Yaml& root, const std::string& file_name);
  void read_vars(const Yaml& root);
  void read_sim(const Yaml* sim);
  void read_addressing(const Yaml* addressing);
  void read_lesson(const Yaml* lesson);
  void read_layout(const Yaml* layout);
  void read_notes(const Yaml* notes);
  using Numbers = std::vector<std::pair<std::string, std::string>>;
  // ${NAME} by variables (and numbers); `final`: unknown names are errors now.
  void substitute(Yaml& value, const Numbers& numbers, bool final, bool lenient = false);
  std::string substitute_text(const std::string& s, Place place, const Numbers& numbers, bool final,
                              bool lenient);
  std::optional<std::string> local_text(const Yaml* value);  // text or {file: local}
  std::optional<std::string> local_path(const Yaml& value);

  // read_nodes.cpp
  void read_nodes(const Yaml& root);
  std::vector<Counted> count_out(const Yaml& nodes);
  void count_entry(const std::string& name, Place place, const Yaml& value,
                   std::vector<Counted>& to);
  Yaml merged(const Counted& node, NodeKind kind);
  std::optional<NodeKind> kind_of(const Yaml& value);
  void read_machine(const Yaml& value, NodeSpec& node);
  void read_interfaces(const Yaml* value, NodeSpec& node);
  void read_interface(const Yaml& value, const std::string& what, InterfaceSpec& interface);
  void read_addresses(const Yaml* value, InterfaceSpec& interface);
  void read_routes(const Yaml* value, NodeSpec& node);
  void read_route(const Yaml& value, NodeSpec& node);
  void read_sysctls(const Yaml* value, NodeSpec& node);
  void read_files(const Yaml* value, NodeSpec& node);
  void read_switch(const Yaml& value, NodeSpec& node);
  void read_switch_port(const Yaml& value, const NodeSpec& node, SwitchPortSpec& port);
  std::vector<std::string> command_lines(const Yaml* value);

  // read_links.cpp
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
  ImpairSpec read_impair_keys(const Yaml& value);
  std::vector<ImpairSpec> read_impair(const Yaml* value, size_t ends);

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
  std::optional<Condition> read_condition(const Yaml& value);
  std::optional<size_t> node_named(const Yaml* value);
  std::vector<size_t> nodes_matching(const Yaml* value);
  std::optional<size_t> link_named(const Yaml* value);
  std::optional<Tap> read_tap(const Yaml& value);
  ValueTest read_test(const Yaml& value);

  const ReadOptions& options_;
  Reader r_;
  LabSpec lab_;
  const Yaml* defaults_ = nullptr;
  std::vector<Group> groups_;
  const Yaml nothing_;
  std::vector<LinkSpec> pending_;  // of the item being read
};

// Shell-like patterns with * and ?.
bool matches_pattern(const std::string& pattern, const std::string& name);
inline bool is_pattern(const std::string& s) { return s.find_first_of("*?") != s.npos; }

}  // namespace stackyard
