#include "gui/model/live_lab.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/text.h"
#include "lab/spec/lab_text.h"
#include "lab/spec/problems.h"

namespace stackyard::gui {

namespace {

std::vector<std::string> endsOf(const LabSpec& spec, const LinkSpec& link, bool ports) {
  std::vector<std::string> ends;
  for (const LinkEndSpec& end : link.ends)
    ends.push_back(spec.nodes[end.node].name + (ports ? ":" + end.port : ""));
  return ends;
}

// Which of the old links each new one is; -1: it is new. With the same ports, else between the
// same.
std::vector<int> matched(const LabSpec& old, const LabSpec& now) {
  std::vector<int> match(now.links.size(), -1);
  std::vector<bool> used(old.links.size());
  for (const bool ports : {true, false}) {
    std::multimap<std::vector<std::string>, size_t> free;
    for (size_t i = 0; i < old.links.size(); ++i)
      if (!used[i]) free.emplace(endsOf(old, old.links[i], ports), i);
    for (size_t i = 0; i < now.links.size(); ++i) {
      if (match[i] >= 0) continue;
      const auto found = free.find(endsOf(now, now.links[i], ports));
      if (found == free.end()) continue;
      match[i] = int(found->second);
      used[found->second] = true;
      free.erase(found);
    }
  }
  return match;
}

// All of an end's impairments in a lab file's words: what is not said is the default again.
std::string wordsOf(const ImpairSpec& is) {
  const auto share = [](const std::optional<uint64_t>& part) {
    return text("{}%", double(part.value_or(0)) * 100 / 4294967296.0);
  };
  const auto time = [](const std::optional<SimTime>& t, SimTime otherwise) {
    return text("{}ns", t.value_or(otherwise).ns());
  };
  const uint64_t rate = is.rate.value_or(1'000'000'000);
  const auto queue = is.queue.value_or(std::pair<uint64_t, bool>{1000, false});
  return text(
      "{{delay: {}, jitter: {}, loss: {}, corrupt: {}, duplicate: {}, reorder: {}, rate: {}, "
      "queue: {}{}}}",
      time(is.delay, 1_us), time(is.jitter, SimTime()), share(is.loss), share(is.corrupt),
      share(is.duplicate), share(is.reorder), rate ? text("{}bit", rate) : "none", queue.first,
      queue.second ? "B" : "p");
}

std::map<std::string, std::string> entriesOf(const Yaml& root, const char* section) {
  std::map<std::string, std::string> all;
  const Yaml* entries = root.find(section);
  if (!entries) return all;
  for (const Yaml::Entry& entry : entries->entries) all[entry.key] = yaml_flow(entry.value);
  for (const Yaml& item : entries->items) all[item.text] = "~";
  return all;
}

std::string addressesOf(const NodeSpec& node) {
  std::string all;
  for (const InterfaceSpec& interface : node.interfaces) {
    all += interface.name + ":";
    for (const AddressItem& item : interface.addresses)
      if (item.is_v4() || item.has_v6()) all += to_text(item.prefix) + ",";
  }
  return all;
}

}  // namespace

struct LiveLab::Plan {
  std::vector<std::string> nodes, links;  // "name: {...}", and items
};

LiveLab::LiveLab(LabClient& client, QObject* parent) : QObject(parent), client_(client) {}

void LiveLab::begin(const QString& text, const LabSpec& spec) {
  Problems problems;
  root_ = read_yaml(text.toStdString(), problems);
  spec_ = spec;
  live_.clear();
  for (const LinkSpec& link : spec.links) live_.push_back(link.name);
  behind_parts_.clear();
  behind_.clear();
  emit behindChanged(behind_);
  emit linksNamed({});
}

void LiveLab::fallBehind(const QString& what) {
  if (behind_parts_.contains(what)) return;
  behind_parts_.append(what);
  behind_ = behind_parts_.mid(0, 4).join(QLatin1String("; "));
  emit behindChanged(behind_);
}

void LiveLab::call(const std::string& method, const Json& params) {
  client_.call(method, params, {}, [this](const QString& why) { fallBehind(why); });
}

void LiveLab::follow(const QString& words, const LabSpec& spec) {
  if (!client_.isOpen()) return;
  Problems problems;
  Yaml root = read_yaml(words.toStdString(), problems);
  const std::vector<int> match = matched(spec_, spec);
  std::set<std::string> gone;
  for (const NodeSpec& node : spec_.nodes)
    if (!node.is_jail() && !spec.node_index.contains(node.name)) gone.insert(node.name);
  // Cables first, unless they go with their node.
  for (size_t i = 0; i < spec_.links.size(); ++i) {
    if (std::find(match.begin(), match.end(), int(i)) != match.end()) continue;
    const auto ends = endsOf(spec_, spec_.links[i], false);
    const bool with_node = std::any_of(ends.begin(), ends.end(), [&](const std::string& end) {
      return gone.contains(end.substr(0, end.find('/')));
    });
    if (!with_node && !live_[i].empty()) call("edit.disconnect", {{"link", live_[i]}});
  }
  for (const std::string& node : gone) call("edit.remove", {{"node", node}});
  setLinks(spec, match);
  compare(root_, root, spec);
  Plan plan;
  addTo(plan, root, spec);
  std::vector<std::string> names(spec.links.size());
  for (size_t i = 0; i < match.size(); ++i)
    if (match[i] >= 0) names[i] = live_[size_t(match[i])];
  live_ = std::move(names);
  spec_ = spec;
  root_ = std::move(root);
  if (!plan.nodes.empty() || !plan.links.empty()) {
    std::string yaml;
    if (!plan.nodes.empty()) yaml += "nodes: {" + join(plan.nodes, ", ") + "}\n";
    if (!plan.links.empty()) yaml += "links: [" + join(plan.links, ", ") + "]\n";
    call("edit.add", {{"yaml", yaml}});
    learnNames();
  }
  tellNames();
}

// Entries and items that are wholly new. One that has grown cannot be added again.
void LiveLab::addTo(Plan& plan, const Yaml& root, const LabSpec& spec) const {
  const auto old_nodes = entriesOf(root_, "nodes");
  for (const auto& [name, value] : entriesOf(root, "nodes"))
    if (!old_nodes.contains(name))
      plan.nodes.push_back(yaml_scalar(name) + ": " + (value == "~" ? "{}" : value));
  const Yaml* items = root.find("links");
  if (!items || !items->is_list()) return;
  const std::vector<int> match = matched(spec_, spec);
  for (const Yaml& item : items->items) {
    bool all_new = true, any = false;
    for (size_t i = 0; i < spec.links.size(); ++i) {
      if (spec.links[i].place != item.place) continue;
      any = true;
      all_new &= match[i] < 0;
    }
    if (any && all_new) plan.links.push_back(yaml_flow(item));
  }
}

void LiveLab::setLinks(const LabSpec& spec, const std::vector<int>& match) {
  for (size_t i = 0; i < spec.links.size(); ++i) {
    if (match[i] < 0 || live_[size_t(match[i])].empty()) continue;
    const LinkSpec &now = spec.links[i], &old = spec_.links[size_t(match[i])];
    const std::string& name = live_[size_t(match[i])];
    if (now.up != old.up) call("edit.link", {{"link", name}, {"up", now.up}});
    bool same = true;
    for (size_t e = 0; e < now.ends.size(); ++e)
      same &= spec.impair(now, e) == spec_.impair(old, e);
    if (same) continue;
    std::string words = wordsOf(spec.impair(now, 0));
    if (now.ends.size() == 2)
      words = "{forward: " + words + ", reverse: " + wordsOf(spec.impair(now, 1)) + "}";
    call("edit.link", {{"link", name}, {"impair", words}});
  }
}

// What a running lab does not take.
void LiveLab::compare(const Yaml& old, const Yaml& now, const LabSpec& spec) {
  const auto was = entriesOf(old, "nodes");
  const auto is = entriesOf(now, "nodes");
  for (const auto& [name, value] : is) {
    const auto found = was.find(name);
    const bool same = found == was.end() || found->second == value ||
                      (found->second == "~" && value == "{}") ||
                      (found->second == "{}" && value == "~");
    if (!same) fallBehind(QString::fromStdString(name));
  }
  for (const NodeSpec& node : spec_.nodes) {
    const auto found = spec.node_index.find(node.name);
    if (found == spec.node_index.end()) continue;
    const std::string before = addressesOf(node), after = addressesOf(spec.nodes[found->second]);
    if (!before.empty() && !after.starts_with(before))
      fallBehind(tr("addresses of %1").arg(QString::fromStdString(node.name)));
  }
  std::set<std::string> sections;
  for (const Yaml* root : {&old, &now})
    for (const Yaml::Entry& entry : root->entries) sections.insert(entry.key);
  for (const char* drawn : {"nodes", "links", "layout", "notes", "lesson", "name"})
    sections.erase(drawn);
  for (const std::string& section : sections) {
    const Yaml *a = old.find(section), *b = now.find(section);
    if ((a ? yaml_flow(*a) : "") != (b ? yaml_flow(*b) : ""))
      fallBehind(QString::fromStdString(section));
  }
}

// The running lab has named what was added: it is found by its ends.
void LiveLab::learnNames() {
  client_.call("lab.links", Json::object(), [this](const Json& result) {
    std::set<std::string> known(live_.begin(), live_.end());
    for (const Json& link : result.at("links")) {
      const std::string name = link.at("name").get<std::string>();
      if (known.contains(name)) continue;
      std::vector<std::string> ends;
      for (const Json& end : link.at("ends")) {
        const std::string words = end.get<std::string>();
        ends.push_back(words.substr(0, words.rfind(':')));
      }
      for (size_t i = 0; i < live_.size(); ++i)
        if (live_[i].empty() && endsOf(spec_, spec_.links[i], false) == ends) {
          live_[i] = name;
          break;
        }
    }
    tellNames();
  });
}

void LiveLab::tellNames() {
  QHash<QString, QString> names;
  for (size_t i = 0; i < live_.size(); ++i)
    if (!live_[i].empty() && live_[i] != spec_.links[i].name)
      names.insert(QString::fromStdString(live_[i]), QString::fromStdString(spec_.links[i].name));
  emit linksNamed(names);
}

}  // namespace stackyard::gui
