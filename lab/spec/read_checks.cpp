// lab/spec/read_checks.cpp - events, captures and checks.
#include <algorithm>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

std::vector<std::string> predicate_keys() {
  return {"node",   "run", "reachable", "unreachable", "table", "expect",
          "packet", "on",  "count",     "link",        "state", "rows"};
}
std::vector<std::string> check_keys() {
  return {"at",     "within", "after", "eventually", "always", "never",
          "points", "level",  "pass",  "fail",       "hint"};
}
std::vector<std::string> tables() {
  return {"interfaces", "addresses",   "routes",      "neighbours", "sockets",
          "fdb",        "ipfw_rules",  "pipes",       "queues",     "translations",
          "nat64",      "ipfw_states", "ipfw_tables", "jails",      "processes",
          "sysctls",    "counters",    "groups",      "stp"};
}

std::vector<std::string> node_names(const LabSpec& lab) {
  std::vector<std::string> names;
  for (const NodeSpec& node : lab.nodes) names.push_back(node.name);
  return names;
}
std::vector<std::string> link_names(const LabSpec& lab) {
  std::vector<std::string> names;
  for (const LinkSpec& link : lab.links) names.push_back(link.name);
  return names;
}

}  // namespace

std::optional<size_t> LabReader::node_named(const Yaml* value) {
  const auto name = r_.word(value, "a node");
  if (!name) return std::nullopt;
  const auto found = lab_.node_index.find(*name);
  if (found != lab_.node_index.end()) return found->second;
  r_.problems.error(value->place, text("unknown node \"{}\"", *name),
                    suggest(*name, node_names(lab_), "nodes"));
  return std::nullopt;
}

std::vector<size_t> LabReader::nodes_matching(const Yaml* value) {
  const auto name = r_.word(value, "a node");
  if (!name) return {};
  if (!is_pattern(*name)) {
    const auto one = node_named(value);
    return one ? std::vector<size_t>{*one} : std::vector<size_t>{};
  }
  return matching({*name, "", value->place});
}

std::optional<size_t> LabReader::link_named(const Yaml* value) {
  const auto name = r_.word(value, "a link");
  if (!name) return std::nullopt;
  const auto found = lab_.link_index.find(*name);
  if (found != lab_.link_index.end()) return found->second;
  r_.problems.error(value->place, text("unknown link \"{}\"", *name),
                    suggest(*name, link_names(lab_), "links"));
  return std::nullopt;
}

std::optional<Tap> LabReader::read_tap(const Yaml& value) {
  const auto s = r_.word(&value, "a tap");
  if (!s) return std::nullopt;
  Tap tap;
  tap.text = *s;
  const size_t colon = s->find(':');
  if (colon == s->npos) {
    if (const auto link = lab_.link_index.find(*s); link != lab_.link_index.end()) {
      tap.index = link->second;
      return tap;
    }
    if (const auto node = lab_.node_index.find(*s); node != lab_.node_index.end()) {
      tap.kind = Tap::Kind::node;
      tap.index = node->second;
      return tap;
    }
    std::vector<std::string> names = link_names(lab_);
    for (const std::string& name : node_names(lab_)) names.push_back(name);
    r_.problems.error(value.place, text("unknown link or node \"{}\"", *s),
                      suggest(*s, names, "known"));
    return std::nullopt;
  }
  const std::string name = s->substr(0, colon);
  tap.port = s->substr(colon + 1);
  const auto node = lab_.node_index.find(name);
  if (node == lab_.node_index.end()) {
    r_.problems.error(value.text_place(), text("unknown node \"{}\"", name),
                      suggest(name, node_names(lab_), "nodes"));
    return std::nullopt;
  }
  tap.index = node->second;
  const NodeSpec& spec = lab_.nodes[tap.index];
  tap.kind = spec.runs_programs() ? Tap::Kind::interface : Tap::Kind::port;
  std::vector<std::string> ports = spec.ports;
  for (const InterfaceSpec& i : spec.interfaces) ports.push_back(i.name);
  if (spec.runs_programs()) ports.push_back("lo0");
  if (std::find(ports.begin(), ports.end(), tap.port) == ports.end()) {
    r_.problems.error(value.text_place().right(colon + 1),
                      text("{} has no interface \"{}\"", name, tap.port),
                      suggest(tap.port, ports, "interfaces"));
    return std::nullopt;
  }
  if (spec.kind == NodeKind::hub || spec.kind == NodeKind::door) {
    r_.problems.error(value.place, text("a {} has no ports to tap", node_kind_name(spec.kind)),
                      "tap its links");
    return std::nullopt;
  }
  return tap;
}

// --- events ------------------------------------------------------------------------------------

void LabReader::read_events(const Yaml* events) {
  for (const Yaml* item : r_.list(events, "events")) read_event(*item);
}

void LabReader::read_event(const Yaml& value) {
  if (!r_.map(value, "an event",
              {.known = {"name", "at", "every", "from", "until", "when", "wait", "node", "exec",
                         "action", "for", "link", "state", "impair", "drop"},
               .reserved = {"after", "corrupt", "hold", "move", "set"}}))
    return;
  EventSpec event;
  event.place = value.place;
  event.name = r_.word(value.find("name"), "the name").value_or("");
  const Yaml::Entry* trigger = nullptr;
  for (const Yaml::Entry& entry : value.entries) {
    if (entry.key != "at" && entry.key != "every" && entry.key != "when") continue;
    if (trigger)
      r_.problems.error(
          entry.place,
          text("\"{}\" beside \"{}\" ({})", entry.key, trigger->key, to_text(trigger->place)),
          "give an event one trigger");
    else
      trigger = &entry;
  }
  if (!trigger) r_.problems.error(value.place, "the event has no trigger", "add at, every or when");
  event.at = r_.duration(value.find("at"));
  event.every = r_.duration(value.find("every"));
  event.from = r_.duration(value.find("from"));
  event.until = r_.duration(value.find("until"));
  event.wait = r_.duration(value.find("wait")).value_or(SimTime());
  if (event.every && *event.every <= SimTime())
    r_.problems.error(value.find("every")->place, "the period must be longer than nothing");
  if (const Yaml* when = value.find("when")) event.when = read_condition(*when);
  event.duration = r_.duration(value.find("for"));
  read_event_action(value, event);
  lab_.events.push_back(std::move(event));
}

void LabReader::read_event_action(const Yaml& value, EventSpec& event) {
  using Action = EventSpec::Action;
  event.nodes = nodes_matching(value.find("node"));
  const Yaml* link = value.find("link");
  if (link) event.link = link_named(link).value_or(0);
  if (const Yaml* exec = value.find("exec")) {
    event.action = Action::exec;
    event.exec = r_.words(exec, "exec");
    if (!value.find("node")) r_.problems.error(exec->place, "exec needs a node", "add node: NAME");
  } else if (const Yaml* action = value.find("action")) {
    const auto name = r_.one_of(action, "action", {"reboot", "pause"});
    event.action = name == "pause" ? Action::pause : Action::reboot;
    if (name == "reboot" && !value.find("node"))
      r_.problems.error(action->place, "reboot needs a node", "add node: NAME");
  } else if (const Yaml* state = value.find("state")) {
    event.action = Action::link_state;
    event.up = r_.one_of(state, "state", {"up", "down"}) == "up";
    if (!link) r_.problems.error(state->place, "state needs a link", "add link: NAME");
  } else if (const Yaml* impair = value.find("impair")) {
    event.action = Action::impair;
    if (!link) return r_.problems.error(impair->place, "impair needs a link", "add link: NAME");
    const size_t ends = event.link < lab_.links.size() ? lab_.links[event.link].ends.size() : 2;
    event.impair = read_impair(impair, ends);
  } else if (const Yaml* drop = value.find("drop")) {
    event.action = Action::drop;
    if (!link) r_.problems.error(drop->place, "drop needs a link", "add link: NAME");
    if (!drop->is_null() && !r_.map(*drop, "drop", {.known = {"nth", "filter", "direction"}}))
      return;
    if (const Yaml* nth = drop->find("nth")) {
      event.nth.clear();
      for (const Yaml* n : r_.list(nth, "nth"))
        if (const auto number = r_.integer(n, 1, INT32_MAX)) event.nth.push_back(uint64_t(*number));
    }
    if (const Yaml* filter = drop->find("filter")) {
      event.filter = r_.word(filter, "a filter").value_or("");
      event.filter_place = filter->text_place();
    }
    const auto direction =
        r_.one_of(drop->find("direction"), "direction", {"both", "forward", "reverse"});
    event.direction = direction == "forward" ? 1 : direction == "reverse" ? 2 : 0;
  } else {
    r_.problems.error(value.place, "the event has no action",
                      "add exec, action, state, impair or drop");
  }
  for (size_t node : event.nodes)
    if (lab_.nodes[node].is_jail() && event.action == Action::reboot)
      r_.problems.error(value.find("node")->place,
                        text("{} is a jail, it does not boot", lab_.nodes[node].name),
                        "reboot its machine");
    else if (!lab_.nodes[node].runs_programs())
      r_.problems.error(value.find("node")->place,
                        text("{} is not a machine", lab_.nodes[node].name));
}

std::optional<Condition> LabReader::read_condition(const Yaml& value) {
  if (!r_.is_map(value, "a condition")) return std::nullopt;
  Condition condition;
  const Yaml* event = value.find("event");
  const Yaml* check = value.find("check");
  if (event || check) {
    r_.map(value, "a condition", {.known = {"event", "check"}});
    condition.kind = event ? Condition::Kind::event : Condition::Kind::check;
    condition.name = r_.word(event ? event : check, "a name").value_or("");
    return condition;
  }
  const auto predicate = read_predicate(value, value.place, "a condition");
  if (!predicate) return std::nullopt;
  if (predicate->active()) {
    r_.problems.error(value.place, "a condition must not send anything",
                      "use table, packet, link, event or check");
    return std::nullopt;
  }
  condition.predicate = *predicate;
  return condition;
}

// --- captures ----------------------------------------------------------------------------------

void LabReader::read_captures(const Yaml* captures) {
  for (const Yaml* item : r_.list(captures, "captures")) {
    if (!r_.map(*item, "a capture",
                {.known = {"tap", "file", "filter", "from", "to", "snaplen", "packets", "size"}}))
      continue;
    CaptureSpec capture;
    capture.place = item->place;
    for (const Yaml* tap : r_.list(item->find("tap"), "tap"))
      if (const auto read = read_tap(*tap)) capture.taps.push_back(*read);
    if (!item->find("tap"))
      r_.problems.error(item->place, "a capture needs a tap", "add tap: LINK");
    const Yaml* file = item->find("file");
    capture.file_place = file ? file->place : item->place;
    if (const auto name = r_.word(file, "the file")) {
      capture.file = *name;
      if (name->starts_with('/') || name->find("..") != name->npos)
        r_.problems.error(file->place, text("\"{}\" leaves the output folder", *name),
                          "write a name below it");
      if (!name->ends_with(".pcap") && !name->ends_with(".pcapng"))
        r_.problems.error(file->place, text("\"{}\" is not a capture's name", *name),
                          "end it in .pcapng or .pcap");
    } else if (!capture.taps.empty()) {
      capture.file = capture.taps[0].text + ".pcapng";
      std::replace(capture.file.begin(), capture.file.end(), ':', '-');
      std::replace(capture.file.begin(), capture.file.end(), '/', '-');
    }
    if (capture.file.ends_with(".pcap") &&
        (capture.taps.size() > 1 ||
         (!capture.taps.empty() && capture.taps[0].kind == Tap::Kind::node)))
      r_.problems.error(capture.file_place, "a .pcap file holds one tap", "end it in .pcapng");
    if (const Yaml* filter = item->find("filter")) {
      capture.filter = r_.word(filter, "a filter").value_or("");
      capture.filter_place = filter->text_place();
    }
    capture.from = r_.duration(item->find("from")).value_or(SimTime());
    capture.to = r_.duration(item->find("to"));
    capture.snaplen = uint32_t(r_.integer(item->find("snaplen"), 0, 262144).value_or(0));
    if (const auto n = r_.integer(item->find("packets"), 1, INT64_MAX))
      capture.packets = uint64_t(*n);
    capture.size = r_.size(item->find("size"));
    lab_.captures.push_back(std::move(capture));
  }
}

// --- checks ------------------------------------------------------------------------------------

void LabReader::read_checks(const Yaml* checks) {
  if (!checks || !r_.is_map(*checks, "checks")) return;
  for (const Yaml::Entry& entry : checks->entries) read_check(entry);
  // Names of checks and events in conditions are known only now.
  const auto known = [&](const Condition& c) {
    if (c.kind == Condition::Kind::check)
      return std::any_of(lab_.checks.begin(), lab_.checks.end(),
                         [&](const CheckSpec& check) { return check.name == c.name; });
    if (c.kind == Condition::Kind::event)
      return std::any_of(lab_.events.begin(), lab_.events.end(),
                         [&](const EventSpec& event) { return event.name == c.name; });
    return true;
  };
  for (const EventSpec& e : lab_.events)
    if (e.when && !known(*e.when))
      r_.problems.error(e.place, text("unknown event or check \"{}\"", e.when->name));
  for (const CheckSpec& c : lab_.checks)
    if (c.after_condition && !known(*c.after_condition))
      r_.problems.error(c.place, text("unknown event or check \"{}\"", c.after_condition->name));
}

void LabReader::read_check(const Yaml::Entry& entry) {
  std::vector<std::string> keys = predicate_keys();
  for (std::string& key : check_keys()) keys.push_back(std::move(key));
  const Yaml& value = entry.value;
  if (!r_.map(value, text("check \"{}\"", entry.key),
              {.known = keys, .reserved = {"before", "not", "every", "when", "timeout"}}))
    return;
  CheckSpec check;
  check.name = entry.key;
  check.place = entry.place;
  check.points = r_.integer(value.find("points"), 0, 1'000'000).value_or(1);
  check.warning = r_.one_of(value.find("level"), "level", {"error", "warning"}) == "warning";
  if (check.warning) check.points = 0;
  check.pass = r_.word(value.find("pass"), "a text").value_or("");
  check.fail = r_.word(value.find("fail"), "a text").value_or("");
  check.hints = r_.words(value.find("hint"), "hint");
  if (!read_check_time(value, entry.place, check)) return;
  const char* nested = check.time == CheckSpec::Time::eventually ? "eventually"
                       : check.time == CheckSpec::Time::always   ? "always"
                       : check.time == CheckSpec::Time::never    ? "never"
                                                                 : nullptr;
  const auto predicate = nested ? read_predicate(*value.find(nested), entry.place, nested)
                                : read_predicate(value, entry.place, "the check");
  if (!predicate) return;
  check.predicate = *predicate;
  const bool packet = predicate->kind == Predicate::Kind::packet;
  if ((check.time == CheckSpec::Time::end && (predicate->active() || packet)) ||
      (check.time == CheckSpec::Time::always && packet) ||
      (check.time == CheckSpec::Time::at && packet))
    r_.problems.error(entry.place, text("check \"{}\" cannot be judged at that time", check.name),
                      "use within, eventually or never");
  lab_.checks.push_back(std::move(check));
}

bool LabReader::read_check_time(const Yaml& value, Place place, CheckSpec& check) {
  using Time = CheckSpec::Time;
  check.within = r_.duration(value.find("within"));
  if (const Yaml* after = value.find("after")) {
    if (after->is_map())
      check.after_condition = read_condition(*after);
    else
      check.after = r_.duration(after);
  }
  if (const Yaml* at = value.find("at")) {
    if (at->is_scalar() && at->text == "end") {
      check.time = Time::end;
      return true;
    }
    check.time = Time::at;
    const auto when = r_.duration(at);
    check.at = when.value_or(SimTime());
    return when.has_value();
  }
  if (value.find("eventually"))
    check.time = Time::eventually;
  else if (value.find("always"))
    check.time = Time::always;
  else if (value.find("never"))
    check.time = Time::never;
  else if (check.within || check.after || check.after_condition)
    check.time = Time::window;
  else {
    r_.problems.error(place, text("check \"{}\" has no time", check.name),
                      "add at, within, after, eventually, always or never");
    return false;
  }
  return true;
}

ValueTest LabReader::read_test(const Yaml& value) {
  return {r_.word(&value, "a test").value_or(""), value.place};
}

void LabReader::read_expect(const Yaml* expect, Predicate& predicate) {
  if (!expect || !r_.is_map(*expect, "expect")) return;
  if (predicate.kind == Predicate::Kind::run) {
    r_.map(*expect, "expect", {.known = {"exit", "contains", "not_contains", "matches"}});
    if (const Yaml* exit = expect->find("exit")) predicate.exit = read_test(*exit);
    predicate.contains = r_.words(expect->find("contains"), "contains");
    predicate.not_contains = r_.words(expect->find("not_contains"), "not_contains");
    predicate.matches = r_.words(expect->find("matches"), "matches");
    return;
  }
  for (const Yaml::Entry& entry : expect->entries) {
    if (entry.key == "rows")
      predicate.rows = read_test(entry.value);
    else
      predicate.columns[entry.key] = read_test(entry.value);
  }
}

std::optional<Predicate> LabReader::read_predicate(const Yaml& value, Place place,
                                                   const char* what) {
  if (!r_.is_map(value, what)) return std::nullopt;
  if (std::string(what) != "the check") r_.map(value, what, {.known = predicate_keys()});
  Predicate p;
  if (const Yaml* run = value.find("run")) {
    const auto node = node_named(value.find("node"));
    if (!value.find("node")) r_.problems.error(place, "run needs a node", "add node: NAME");
    if (!node) return std::nullopt;
    p.node = *node;
    p.line = r_.word(run, "a command").value_or("");
    read_expect(value.find("expect"), p);
    return p;
  }
  const Yaml* reach = value.find("reachable");
  if (!reach) reach = value.find("unreachable");
  if (reach) {
    p.kind = value.find("reachable") ? Predicate::Kind::reachable : Predicate::Kind::unreachable;
    if (!r_.map(*reach, "reachable", {.known = {"from", "to", "tcp"}})) return std::nullopt;
    if (const Yaml* tcp = reach->find("tcp")) r_.not_yet(tcp->place, "tcp");
    const auto from = node_named(reach->find("from"));
    const Yaml* to = reach->find("to");
    if (!from || !to) {
      if (!to) r_.problems.error(reach->place, "reachable needs \"from\" and \"to\"");
      return std::nullopt;
    }
    p.node = *from;
    p.target_name = r_.word(to, "a target").value_or("");
    if (const auto address = parse_ip(p.target_name))
      p.target = *address;
    else if (!node_named(to))
      return std::nullopt;
    return p;
  }
  if (const Yaml* table = value.find("table")) {
    p.kind = Predicate::Kind::table;
    const auto node = node_named(value.find("node"));
    const auto name = r_.word(table, "a table");
    for (const char* later : {"firewall", "states"})
      if (name && *name == later) {
        r_.not_yet(table->place, *name);
        return std::nullopt;
      }
    const auto known = r_.one_of(table, "table", tables());
    if (!node || !known) return std::nullopt;
    p.node = *node;
    p.table = *known;
    if (const Yaml* rows = value.find("rows")) p.rows = read_test(*rows);
    read_expect(value.find("expect"), p);
    return p;
  }
  if (const Yaml* packet = value.find("packet")) {
    p.kind = Predicate::Kind::packet;
    p.filter = r_.word(packet, "a filter").value_or("");
    p.filter_place = packet->text_place();
    const Yaml* on = value.find("on");
    if (!on) {
      r_.problems.error(place, "packet needs \"on\"", "add on: LINK or on: \"node:if\"");
      return std::nullopt;
    }
    const auto tap = read_tap(*on);
    if (!tap) return std::nullopt;
    p.on = *tap;
    if (const Yaml* count = value.find("count")) p.count = read_test(*count);
    return p;
  }
  if (const Yaml* link = value.find("link")) {
    p.kind = Predicate::Kind::link;
    const auto index = link_named(link);
    const auto state = r_.one_of(value.find("state"), "state", {"up", "down"});
    if (!index || !state) return std::nullopt;
    p.link = *index;
    p.up = *state == "up";
    return p;
  }
  r_.problems.error(place, text("{} asks for nothing", what),
                    "add run, reachable, unreachable, table, packet or link");
  return std::nullopt;
}

std::optional<Condition> read_condition(const LabSpec& lab, const std::string& yaml,
                                        Problems& problems) {
  const ReadOptions options;
  const Yaml value = read_yaml(yaml, problems);
  if (problems.any_errors()) return std::nullopt;
  auto condition = LabReader(lab, options, problems).read_condition(value);
  return problems.any_errors() ? std::nullopt : condition;
}

std::optional<Tap> read_tap(const LabSpec& lab, const std::string& place, Problems& problems) {
  const ReadOptions options;
  const Yaml value{
      .kind = Yaml::Kind::scalar, .place = {}, .text = place, .items = {}, .entries = {}};
  return LabReader(lab, options, problems).read_tap(value);
}

}  // namespace stackyard
