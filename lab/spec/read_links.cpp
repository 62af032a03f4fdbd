// lab/spec/read_links.cpp - links: which ends they join, and what they do to frames.
#include <algorithm>

#include "core/base/text.h"
#include "lab/spec/lab_reader.h"

namespace stackyard {

namespace {

std::vector<std::string> impair_keys() {
  return {"delay", "jitter", "loss", "corrupt", "duplicate", "reorder", "rate", "queue"};
}

}  // namespace

void LabReader::read_links(const Yaml* links) {
  const Yaml* defaults = defaults_ ? defaults_->find("link") : nullptr;
  size_t number = 0;
  for (const Yaml* item : r_.list(links, "links")) read_link(*item, ++number, defaults);
  name_ports();
}

LabReader::Written LabReader::one_end(const std::string& s, Place place) {
  const std::string_view trimmed = trim(s);
  const size_t skipped = trimmed.empty() ? 0 : size_t(trimmed.data() - s.data());
  const size_t colon = trimmed.find(':');
  Written end{std::string(trimmed.substr(0, colon)), "", place.right(skipped)};
  if (colon != trimmed.npos) end.port = std::string(trimmed.substr(colon + 1));
  return end;
}

std::optional<std::pair<LabReader::Written, LabReader::Written>> LabReader::two_ends(
    const std::string& s, Place place) {
  const size_t middle = s.find(" -- ");
  if (middle == s.npos) {
    const size_t dashes = std::min(s.find("--"), s.find(" - "));
    std::string advice = "write A -- B";
    if (dashes != s.npos) {
      const size_t behind = std::min(s.find_first_not_of("- ", dashes), s.size());
      advice = text("write \"{} -- {}\", with spaces", trim(s.substr(0, dashes)), s.substr(behind));
    }
    r_.problems.error(place, text("\"{}\" is not a link", s), advice);
    return std::nullopt;
  }
  if (const size_t more = s.find(" -- ", middle + 4); more != s.npos) {
    r_.problems.error(place.right(more + 1), "a chain of links is reserved for a later version",
                      "write one link for each pair");
    return std::nullopt;
  }
  return std::pair{one_end(s.substr(0, middle), place),
                   one_end(s.substr(middle + 4), place.right(middle + 4))};
}

std::vector<size_t> LabReader::matching(const Written& end) {
  std::vector<size_t> found;
  if (!is_pattern(end.node)) {
    const auto known = lab_.node_index.find(end.node);
    if (known != lab_.node_index.end()) return {known->second};
    std::vector<std::string> names;
    for (const NodeSpec& node : lab_.nodes) names.push_back(node.name);
    r_.problems.error(end.place, text("unknown node \"{}\"", end.node),
                      suggest(end.node, names, "nodes"));
    return {};
  }
  // Only names that begin like the pattern can match, and they are neighbours in the index.
  const std::string start = end.node.substr(0, end.node.find_first_of("*?"));
  for (auto at = lab_.node_index.lower_bound(start);
       at != lab_.node_index.end() && at->first.starts_with(start); ++at)
    if (matches_pattern(end.node, at->first)) found.push_back(at->second);
  std::sort(found.begin(), found.end());
  if (found.empty()) r_.problems.error(end.place, text("\"{}\" matches no node", end.node));
  return found;
}

void LabReader::add_link(LinkSpec link, const std::vector<std::pair<size_t, Written>>& ends) {
  link.ends.reserve(ends.size());
  for (const auto& [node, written] : ends) {
    if (!lab_.nodes[node].vnet)
      r_.problems.error(written.place,
                        text("{} has no network stack of its own", lab_.nodes[node].name),
                        "write vnet: new in it, or link its machine");
    link.ends.push_back({uint32_t(node), written.place, written.port});
  }
  pending_.push_back(std::move(link));
}

// One subnet of each family.
void LabReader::read_prefixes(const Yaml& value, LinkSpec& link) {
  for (const Yaml* prefix : r_.list(value.find("prefix"), "prefix")) {
    const auto p = r_.cidr(*prefix);
    if (p && p->address.is_v4()) link.prefix = p->v4().canonical();
    if (p && p->address.is_v6()) link.prefix6 = p->v6().canonical();
  }
}

void LabReader::read_link(const Yaml& item, size_t number, const Yaml* defaults) {
  Yaml value{.kind = Yaml::Kind::map, .place = item.place, .text = {}, .items = {}, .entries = {}};
  if (item.is_scalar())
    value.entries.push_back({"endpoints", item.place, item});
  else if (item.is_map())
    value = item;
  else
    return r_.problems.error(item.place, "a link must be \"A -- B\" or a map");
  if (defaults && defaults->is_map())
    for (const Yaml::Entry& entry : defaults->entries)
      if (!value.find(entry.key)) value.entries.push_back(entry);
  r_.map(value, "a link",
         {.known = {"endpoints", "name", "count", "pool", "prefix", "mtu", "state", "impair"},
          .hints = {{"delay", "write impair: {delay: ...}"},
                    {"latency", "write impair: {delay: ...}"},
                    {"loss", "write impair: {loss: ...}"},
                    {"bandwidth", "write impair: {rate: ...}"},
                    {"rate", "write impair: {rate: ...}"},
                    {"bw", "write impair: {rate: ...}"}}});
  const auto count = r_.integer(value.find("count"), 0, 2'000'000);
  const std::string base = r_.word(value.find("name"), "the name").value_or(text("link{}", number));
  if (!r_.is_name(base))
    r_.problems.error(value.find("name")->place, text("\"{}\" is not a name", base));
  LinkSpec common;
  common.place = item.place;
  if (const Yaml* pool = value.find("pool")) {
    common.pool = r_.word(pool, "the pool").value_or("");
    if (common.pool != "none" && !lab_.pools.contains(common.pool)) {
      std::vector<std::string> names{"none"};
      for (const auto& [name, unused] : lab_.pools) names.push_back(name);
      r_.problems.error(pool->place, text("unknown pool \"{}\"", common.pool),
                        suggest(common.pool, names, "pools"));
    }
  }
  read_prefixes(value, common);
  if (const auto mtu = r_.integer(value.find("mtu"), 72, 65535)) common.mtu = uint32_t(*mtu);
  if (const auto state = r_.one_of(value.find("state"), "state", {"up", "down"}))
    common.up = *state == "up";

  const Yaml* endpoints = value.find("endpoints");
  if (!endpoints)
    return r_.problems.error(item.place, "a link needs endpoints", "write endpoints: A -- B");
  pending_.clear();
  for (int64_t i = 1; i <= count.value_or(1); ++i) {
    Yaml ends = *endpoints;
    Numbers numbers;
    if (count) numbers.emplace_back("i", text("{}", i));
    substitute(ends, numbers, true);
    if (ends.is_list()) {
      std::vector<std::pair<size_t, Written>> all;
      for (const Yaml& end : ends.items) {
        if (!end.is_scalar()) continue;
        const Written written = one_end(end.text, end.text_place());
        for (size_t node : matching(written)) all.emplace_back(node, written);
      }
      if (all.size() < 2)
        r_.problems.error(ends.place, "a link needs two ends at least");
      else
        add_link(common, all);
    } else if (ends.is_scalar()) {
      const auto pair = two_ends(ends.text, ends.text_place());
      if (!pair) return;
      const auto left = matching(pair->first), right = matching(pair->second);
      if (is_pattern(pair->first.node) && is_pattern(pair->second.node)) {
        r_.problems.error(ends.place, "a pattern may stand on one side only", "use a list of ends");
        return;
      }
      for (size_t a : left)
        for (size_t b : right) add_link(common, {{a, pair->first}, {b, pair->second}});
    }
  }
  const bool several = pending_.size() > 1;
  std::map<size_t, uint32_t> impairs;  // by number of ends
  const Yaml* impair = value.find("impair");
  for (size_t i = 0; i < pending_.size(); ++i) {
    LinkSpec& link = pending_[i];
    link.name = several ? text("{}-{}", base, i + 1) : base;
    const auto [known, fresh] = impairs.emplace(link.ends.size(), 0);
    if (fresh && impair) known->second = share(lab_.impairs, read_impair(impair, link.ends.size()));
    link.impair = known->second;
    if (lab_.node_index.contains(link.name) || lab_.link_index.contains(link.name))
      r_.problems.error(item.place, text("the name \"{}\" is taken", link.name), "rename one");
    lab_.link_index[link.name] = lab_.links.size();
    lab_.links.push_back(std::move(link));
  }
}

// Gives every end its interface or port: those that are written first, the rest in link order.
void LabReader::name_ports() {
  std::map<std::pair<size_t, std::string>, size_t> written;  // and the link that has it
  for (size_t l = 0; l < lab_.links.size(); ++l) {
    for (const LinkEndSpec& end : lab_.links[l].ends) {
      if (end.port.empty()) continue;
      const auto [found, fresh] = written.emplace(std::pair{end.node, end.port}, l);
      if (fresh) continue;
      const LinkSpec& other = lab_.links[found->second];
      const auto first = std::find_if(
          other.ends.begin(), other.ends.end(),
          [&](const LinkEndSpec& e) { return e.node == end.node && e.port == end.port; });
      const bool machine = lab_.nodes[end.node].runs_programs();
      r_.problems.error(end.place,
                        text("{}:{} is already in {} ({})", lab_.nodes[end.node].name, end.port,
                             other.name, to_text(first->place)),
                        machine ? "use another interface" : "use another port");
    }
  }
  std::vector<int> next(lab_.nodes.size());  // numbers below are not free
  for (size_t l = 0; l < lab_.links.size(); ++l) {
    for (LinkEndSpec& end : lab_.links[l].ends) {
      NodeSpec& node = lab_.nodes[end.node];
      const bool machine = node.runs_programs();
      if (end.port.empty() && machine) {
        for (const InterfaceSpec& i : node.interfaces)
          if (end.port.empty() && i.type == InterfaceType::nic && i.link < 0 &&
              !written.contains({end.node, i.name}))
            end.port = i.name;
      }
      for (int& n = next[end.node]; end.port.empty(); ++n) {
        const std::string name = text("{}{}", machine ? "em" : "p", machine ? n : n + 1);
        const bool listed = machine && std::any_of(node.interfaces.begin(), node.interfaces.end(),
                                                   [&](const auto& i) { return i.name == name; });
        if (!listed && !written.contains({end.node, name})) end.port = name;
      }
      if (machine)
        link_interface(node, end, l);
      else
        node.ports.push_back(end.port);
      if (node.kind == NodeKind::door && node.ports.size() > 1)
        r_.problems.error(end.place, text("door {} has one port", node.name),
                          "put a switch before it");
    }
  }
}

void LabReader::link_interface(NodeSpec& node, const LinkEndSpec& end, size_t link) {
  auto found = std::find_if(node.interfaces.begin(), node.interfaces.end(),
                            [&](const InterfaceSpec& i) { return i.name == end.port; });
  if (found == node.interfaces.end()) {
    InterfaceSpec nic = unlisted_nic(end.port, end.place);
    nic.type = interface_type_by_name(end.port);
    node.interfaces.push_back(std::move(nic));
    found = node.interfaces.end() - 1;
  }
  if (found->type != InterfaceType::nic)
    r_.problems.error(end.place, text("{} is not a nic", end.port), "use another interface");
  found->link = int(link);
}

ImpairSpec LabReader::read_impair_keys(const Yaml& value) {
  ImpairSpec is;
  is.delay = r_.duration(value.find("delay"));
  is.jitter = r_.duration(value.find("jitter"));
  is.loss = r_.percent(value.find("loss"));
  is.corrupt = r_.percent(value.find("corrupt"));
  is.duplicate = r_.percent(value.find("duplicate"));
  is.reorder = r_.percent(value.find("reorder"));
  is.rate = r_.rate(value.find("rate"));
  is.queue = r_.queue(value.find("queue"));
  if (is.jitter && *is.jitter > is.delay.value_or(is.jitter == SimTime() ? SimTime() : 1_us))
    r_.problems.error(value.find("jitter")->place, "jitter exceeds the delay",
                      "make the delay longer");
  return is;
}

std::vector<ImpairSpec> LabReader::read_impair(const Yaml* value, size_t ends) {
  std::vector<ImpairSpec> all(ends);
  if (!value || value->is_null()) return all;
  std::vector<std::string> keys = impair_keys();
  keys.insert(keys.end(), {"forward", "reverse"});
  if (!r_.map(*value, "impair",
              {.known = keys,
               .reserved = {"correlation", "distribution", "slot", "ecn"},
               .hints = {{"bandwidth", "write rate"}, {"latency", "write delay"}}}))
    return all;
  const ImpairSpec common = read_impair_keys(*value);
  for (ImpairSpec& is : all) is = common;
  const char* directions[] = {"forward", "reverse"};
  for (size_t d = 0; d < 2; ++d) {
    const Yaml* own = value->find(directions[d]);
    if (!own) continue;
    if (ends != 2) {
      r_.problems.error(own->place, text("\"{}\" needs a link with two ends", directions[d]));
      continue;
    }
    r_.map(*own, directions[d], {.known = impair_keys()});
    all[d].merge(read_impair_keys(*own));
  }
  return all;
}

std::optional<std::vector<ImpairSpec>> read_impairments(const std::string& yaml, size_t ends,
                                                        Problems& problems) {
  const ReadOptions options;
  const Yaml value = read_yaml(yaml, problems);
  if (problems.any_errors()) return std::nullopt;
  auto impairs = LabReader(options, problems).read_impair(&value, ends);
  if (problems.any_errors()) return std::nullopt;
  return impairs;
}

}  // namespace stackyard
