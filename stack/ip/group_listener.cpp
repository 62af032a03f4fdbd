#include "stack/ip/group_listener.h"

#include <algorithm>

namespace stackyard {

namespace {

constexpr unsigned robustness = 2;
constexpr SimTime unsolicited_interval = 1_s;   // RFC 3376 s8.11, RFC 3810 s9.11
constexpr SimTime old_querier_timeout = 260_s;  // s8.12, s9.12: 2 x 125 s + 10 s
constexpr size_t asked_max = 64;                // sources of one query that are remembered

bool has(const std::vector<IpAddress>& all, const IpAddress& one) {
  return std::binary_search(all.begin(), all.end(), one);
}
void insert(std::vector<IpAddress>& all, const IpAddress& one) {
  const auto at = std::lower_bound(all.begin(), all.end(), one);
  if (at == all.end() || *at != one) all.insert(at, one);
}

}  // namespace

GroupListener::Group::Group(GroupListener& o, Ifnet& i, const IpAddress& g)
    : owner(o),
      interface(&i),
      group(g),
      change(i.site().node(), Timer::call<&Group::report>, this),
      answer(i.site().node(), Timer::call<&Group::respond>, this) {}

GroupListener::Link::Link(GroupListener& o, Ifnet& i)
    : owner(o), interface(&i), answer(i.site().node(), Timer::call<&Link::respond>, this) {}

// --- joining and leaving -------------------------------------------------------------------------

GroupListener::Group* GroupListener::find(const Ifnet& interface, const IpAddress& group) const {
  for (const auto& g : groups_)
    if (g->interface == &interface && g->group == group) return g.get();
  return nullptr;
}

Result<GroupListener::Group*> GroupListener::make(Ifnet& interface, const IpAddress& group) {
  if (Group* there = find(interface, group)) return there;
  if (int64_t(groups_.size()) >= reporter_.groups_max()) {
    ++refused_;
    return Errno::enobufs;
  }
  groups_.push_back(std::make_unique<Group>(*this, interface, group));
  return groups_.back().get();
}

bool GroupListener::member(const Ifnet& interface, const IpAddress& group) const {
  const Group* g = find(interface, group);
  return g && listens(g->now);
}

Result<> GroupListener::join(Ifnet& interface, const IpAddress& group) {
  Group* g = TRY(make(interface, group));
  if (++g->uses == 1) update(*g);
  return {};
}

void GroupListener::leave(Ifnet& interface, const IpAddress& group) {
  Group* g = find(interface, group);
  if (!g || g->uses == 0) return;
  if (--g->uses == 0) update(*g);
}

Result<> GroupListener::set_filter(Ifnet& interface, const IpAddress& group, const void* socket,
                                   const SourceFilter* filter) {
  Group* g = filter ? TRY(make(interface, group)) : find(interface, group);
  if (!g) return {};
  std::erase_if(g->filters, [&](const auto& f) { return f.first == socket; });
  if (filter) g->filters.emplace_back(socket, *filter);
  update(*g);
  return {};
}

void GroupListener::forget(const Ifnet& interface) {
  std::erase_if(groups_, [&](const auto& g) { return g->interface == &interface; });
  std::erase_if(links_, [&](const auto& l) { return l->interface == &interface; });
}

// RFC 3376 s3.2: who excludes hears what anybody includes, and what not all of them exclude.
void GroupListener::update(Group& g) {
  SourceFilter merged;
  bool excludes = g.uses > 0;
  bool first = true;
  if (excludes) first = false;  // the stack excludes nobody
  for (const auto& [socket, f] : g.filters) {
    if (f.include) continue;
    excludes = true;
    if (first) merged.sources = f.sources;
    std::erase_if(merged.sources, [&](const IpAddress& s) { return !has(f.sources, s); });
    first = false;
  }
  merged.include = !excludes;
  for (const auto& [socket, f] : g.filters) {
    if (!f.include) continue;
    for (const IpAddress& s : f.sources) {
      if (excludes)
        std::erase(merged.sources, s);
      else
        insert(merged.sources, s);
    }
  }
  const SourceFilter before = std::exchange(g.now, merged);
  if (listens(before) != listens(g.now)) {
    if (RouteWatcher* watcher = net_.route_watcher())
      watcher->group_changed(listens(g.now) ? RouteEvent::added : RouteEvent::removed, *g.interface,
                             g.group);
    g.interface->update_link_groups();
  }
  if (before == g.now || !reporter_.reported(*g.interface, g.group)) return erase_if_done(g);
  // s5.1: a change of mode says everything; else the sources that came and went.
  if (before.include != g.now.include) {
    g.mode_left = robustness;
    g.changed.clear();
  } else {
    std::vector<IpAddress> differ;
    std::set_symmetric_difference(before.sources.begin(), before.sources.end(),
                                  g.now.sources.begin(), g.now.sources.end(),
                                  std::back_inserter(differ));
    for (const IpAddress& s : differ) {
      std::erase_if(g.changed, [&](const auto& c) { return c.first == s; });
      g.changed.emplace_back(s, robustness);
    }
  }
  report_change(g);
}

void GroupListener::erase_if_done(Group& group) {
  if (group.uses > 0 || !group.filters.empty()) return;
  if (group.mode_left > 0 || !group.changed.empty()) return;
  std::erase_if(groups_, [&](const auto& g) { return g.get() == &group; });
}

// --- reports -------------------------------------------------------------------------------------

std::vector<GroupRecord> GroupListener::changes_of(Group& g) {
  if (g.mode_left > 0) {
    --g.mode_left;
    const uint8_t type = g.now.include ? group_record::to_include : group_record::to_exclude;
    return {{type, g.group, g.now.sources}};
  }
  GroupRecord allow{group_record::allow, g.group, {}}, block{group_record::block, g.group, {}};
  for (auto& [source, left] : g.changed) {
    (has(g.now.sources, source) == g.now.include ? allow : block).sources.push_back(source);
    --left;
  }
  std::erase_if(g.changed, [](const auto& c) { return c.second == 0; });
  std::vector<GroupRecord> records;
  for (GroupRecord& r : {std::ref(allow), std::ref(block)}) {
    std::sort(r.sources.begin(), r.sources.end());
    if (!r.sources.empty()) records.push_back(std::move(r));
  }
  return records;
}

void GroupListener::report_change(Group& g) {
  if (!g.interface->up()) {
    g.mode_left = 0;
    g.changed.clear();
    return erase_if_done(g);
  }
  const int version = version_on(*g.interface);
  if (version == reporter_.newest_version()) {
    const std::vector<GroupRecord> records = changes_of(g);
    if (!records.empty()) reporter_.send_records(*g.interface, records);
    g.last_reporter = true;
  } else {
    // An old version knows groups only: joined, or left.
    if (g.mode_left > 0) --g.mode_left;
    g.changed.clear();
    if (listens(g.now)) {
      reporter_.send_old_report(*g.interface, g.group, version);
      g.last_reporter = true;
    } else {
      if (g.last_reporter) reporter_.send_old_leave(*g.interface, g.group, version);
      g.mode_left = 0;
    }
  }
  if (g.mode_left > 0 || !g.changed.empty())
    return g.change.arm(random_delay(unsolicited_interval));
  erase_if_done(g);
}

// --- queries -------------------------------------------------------------------------------------

GroupListener::Link& GroupListener::link(Ifnet& interface) {
  for (const auto& l : links_)
    if (l->interface == &interface) return *l;
  links_.push_back(std::make_unique<Link>(*this, interface));
  return *links_.back();
}

int GroupListener::version_on(const Ifnet& interface) const {
  const int newest = reporter_.newest_version();
  for (const auto& l : links_) {
    if (l->interface != &interface) continue;
    for (int version = 1; version < newest; ++version)
      if (l->old_until[version - 1] > now()) return version;
  }
  return newest;
}

void GroupListener::query(Ifnet& interface, const GroupQuery& query) {
  Link& on = link(interface);
  const int before = version_on(interface);
  if (query.version < reporter_.newest_version())
    on.old_until[query.version - 1] = now() + old_querier_timeout;
  const int version = version_on(interface);
  if (version != before) {  // RFC 3376 s7.2.1: what was to be said in another version
    on.answer.cancel();
    for (const auto& g : groups_)
      if (g->interface == &interface) g->answer.cancel();
  }
  if (version < reporter_.newest_version()) return respond_old(interface, query);
  const SimTime delay = random_delay(query.response_most);
  // s5.2: a general answer that comes sooner says it all.
  if (on.answer.armed() && on.answer.deadline() <= now() + delay) return;
  if (query.group.is_any()) return on.answer.arm(delay);
  Group* g = find(interface, query.group);
  if (!g || !listens(g->now) || !reporter_.reported(interface, query.group)) return;
  const bool waits = g->answer.armed();
  const bool all = query.sources.empty() || (waits && g->asked.empty());
  if (!waits || all) g->asked.clear();
  if (!all)
    for (const IpAddress& s : query.sources)
      if (g->asked.size() < asked_max) insert(g->asked, s);
  if (!waits || g->answer.deadline() > now() + delay) g->answer.arm(delay);
}

// RFC 2236 s3, RFC 2710 s4: each group by itself.
void GroupListener::respond_old(Ifnet& interface, const GroupQuery& query) {
  for (const auto& g : groups_) {
    if (g->interface != &interface || !listens(g->now)) continue;
    if (!reporter_.reported(interface, g->group)) continue;
    if (!query.group.is_any() && g->group != query.group) continue;
    const bool sooner = g->answer.armed() && g->answer.deadline() <= now() + query.response_most;
    if (!sooner) g->answer.arm(random_delay(query.response_most));
  }
}

bool GroupListener::heard_report(const Ifnet& interface, const IpAddress& group) {
  Group* g = find(interface, group);
  if (!g || !listens(g->now)) return false;
  if (version_on(interface) < reporter_.newest_version()) {
    if (g->mode_left == 0) g->answer.cancel();
    g->last_reporter = false;
  }
  return true;
}

void GroupListener::respond(Group& g) {
  if (!g.interface->up() || !listens(g.now)) return;
  const int version = version_on(*g.interface);
  if (version < reporter_.newest_version()) {
    g.last_reporter = true;
    return reporter_.send_old_report(*g.interface, g.group, version);
  }
  const std::vector<IpAddress> asked = std::exchange(g.asked, {});
  if (asked.empty()) {
    const uint8_t type = g.now.include ? group_record::is_include : group_record::is_exclude;
    return reporter_.send_records(*g.interface, {{type, g.group, g.now.sources}});
  }
  // s5.2: of the sources that were asked for, those that are heard.
  GroupRecord record{group_record::is_include, g.group, {}};
  for (const IpAddress& s : asked)
    if (has(g.now.sources, s) == g.now.include) record.sources.push_back(s);
  if (!record.sources.empty()) reporter_.send_records(*g.interface, {record});
}

void GroupListener::respond_all(Ifnet& interface) {
  if (!interface.up()) return;
  std::vector<GroupRecord> records;
  for (const auto& g : groups_) {
    if (g->interface != &interface || !listens(g->now)) continue;
    if (!reporter_.reported(interface, g->group)) continue;
    const uint8_t type = g->now.include ? group_record::is_include : group_record::is_exclude;
    records.push_back({type, g->group, g->now.sources});
  }
  if (!records.empty()) reporter_.send_records(interface, records);
}

}  // namespace stackyard
