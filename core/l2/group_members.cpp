#include "core/l2/group_members.h"

#include <algorithm>

namespace stackyard {

namespace {

constexpr uint8_t is_include = 1, is_exclude = 2, to_include = 3, to_exclude = 4, allow = 5,
                  block = 6;

template <class All>
auto place(All& all, const IpAddress& address) {
  return std::lower_bound(all.begin(), all.end(), address,
                          [](const auto& s, const IpAddress& a) { return s.address < a; });
}

bool has(const std::vector<IpAddress>& all, const IpAddress& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

const GroupMembers::Group* GroupMembers::find(const IpAddress& group) const {
  const auto at = std::lower_bound(groups_.begin(), groups_.end(), group,
                                   [](const Group& g, const IpAddress& a) { return g.group < a; });
  return at != groups_.end() && at->group == group ? &*at : nullptr;
}
GroupMembers::Group* GroupMembers::find(const IpAddress& group) {
  return const_cast<Group*>(static_cast<const GroupMembers*>(this)->find(group));
}

// RFC 3376 s6.5: a group whose time is over is for its living sources only.
void GroupMembers::settle(Group& g, SimTime now) {
  if (!g.include && g.until <= now) {
    g.include = true;
    g.until = {};
  }
  if (g.include) std::erase_if(g.sources, [&](const Source& s) { return s.until <= now; });
}

void GroupMembers::sweep(SimTime now) {
  for (Group& g : groups_) settle(g, now);
  std::erase_if(groups_, [](const Group& g) { return g.include && g.sources.empty(); });
}

// A source's time; false: there are too many.
bool GroupMembers::run(Group& g, const IpAddress& source, SimTime until) {
  const auto at = place(g.sources, source);
  if (at != g.sources.end() && at->address == source) {
    at->until = until;
    return true;
  }
  if (g.sources.size() >= sources_max) {
    ++refused_;
    return false;
  }
  g.sources.insert(at, {source, until});
  return true;
}

// IS_EX and TO_EX of both modes: those excluded stay so, others get time; who is not named goes.
void GroupMembers::exclude(Group& g, const std::vector<IpAddress>& sources, bool change,
                           SimTime now) {
  const SimTime life = now + timing_.membership();
  const SimTime fresh = g.include ? SimTime() : change ? g.until : life;
  std::vector<IpAddress> to_ask;
  std::erase_if(g.sources, [&](const Source& s) { return !has(sources, s.address); });
  for (const IpAddress& s : sources) {
    const auto at = place(g.sources, s);
    const bool known = at != g.sources.end() && at->address == s;
    if (!known) run(g, s, fresh);
    const bool running = known ? at->until > now : fresh > now;
    if (change && running) to_ask.push_back(s);
  }
  g.include = false;
  g.until = life;
  if (!to_ask.empty()) ask(g, to_ask, now);
}

void GroupMembers::record(uint8_t type, const IpAddress& group, std::vector<IpAddress> sources,
                          SimTime now) {
  if (sources.size() > sources_max) {
    sources.resize(sources_max);
    ++refused_;
  }
  Group* g = find(group);
  if (g) settle(*g, now);
  if (!g) {
    const bool nothing = sources.empty() && type != is_exclude && type != to_exclude;
    if (nothing || type == block) return;
    if (groups_.size() >= groups_max) sweep(now);
    if (groups_.size() >= groups_max) {
      ++refused_;
      return;
    }
    const auto at =
        std::lower_bound(groups_.begin(), groups_.end(), group,
                         [](const Group& other, const IpAddress& a) { return other.group < a; });
    g = &*groups_.insert(at, Group{group, true, {}, {}});
  }
  const SimTime life = now + timing_.membership();
  std::vector<IpAddress> to_ask;
  switch (type) {  // RFC 3376 s6.4.1, s6.4.2
    case is_include:
    case allow:
      for (const IpAddress& s : sources) run(*g, s, life);
      break;
    case to_include: {
      for (const Source& s : g->sources)
        if (s.until > now && !has(sources, s.address)) to_ask.push_back(s.address);
      for (const IpAddress& s : sources) run(*g, s, life);
      if (!to_ask.empty()) ask(*g, to_ask, now);
      if (!g->include) ask(*g, {}, now);
      break;
    }
    case block:
      for (const IpAddress& s : sources) {
        const auto at = place(g->sources, s);
        const bool known = at != g->sources.end() && at->address == s;
        const bool excluded = known && at->until <= now;
        if (g->include ? !known : excluded) continue;
        if (!known && !run(*g, s, g->until)) continue;
        to_ask.push_back(s);
      }
      if (!to_ask.empty()) ask(*g, to_ask, now);
      break;
    case is_exclude:
    case to_exclude:
      exclude(*g, sources, type == to_exclude, now);
      break;
    default:
      break;
  }
  if (g->include && g->sources.empty()) sweep(now);
}

// RFC 3376 s6.6.3: whose answer is waited for lives a little while only.
void GroupMembers::ask(const Group& group, std::vector<IpAddress> sources, SimTime now) {
  const IpAddress address = group.group;
  queries_.push_back({address, sources, timing_.robustness, now});
  asked(address, sources, now);
}

void GroupMembers::asked(const IpAddress& group, const std::vector<IpAddress>& sources,
                         SimTime now) {
  Group* g = find(group);
  if (!g) return;
  const SimTime soon = now + timing_.last_member_time();
  if (sources.empty()) g->until = std::min(g->until, soon);
  for (Source& s : g->sources)
    if (has(sources, s.address) && s.until > now) s.until = std::min(s.until, soon);
}

std::vector<GroupMembers::Query> GroupMembers::due(SimTime now) {
  std::vector<Query> ready;
  for (Query& q : queries_) {
    if (q.at > now) continue;
    --q.left;
    ready.push_back(q);
    q.at = now + timing_.last_member;
  }
  std::erase_if(queries_, [](const Query& q) { return q.left == 0; });
  return ready;
}

SimTime GroupMembers::next_due() const {
  SimTime next = SimTime::max();
  for (const Query& q : queries_) next = std::min(next, q.at);
  return next;
}

bool GroupMembers::wants(const IpAddress& group, const IpAddress& source, SimTime now) const {
  const Group* g = find(group);
  if (!g) return false;
  const auto at = place(g->sources, source);
  const bool known = at != g->sources.end() && at->address == source;
  const bool running = known && at->until > now;
  if (g->include || g->until <= now) return running;
  return !known || running;
}

bool GroupMembers::has_group(const IpAddress& group, SimTime now) const {
  const Group* g = find(group);
  if (!g) return false;
  if (!g->include && g->until > now) return true;
  return std::any_of(g->sources.begin(), g->sources.end(),
                     [&](const Source& s) { return s.until > now; });
}

std::vector<GroupMembers::Info> GroupMembers::groups(SimTime now) const {
  std::vector<Info> all;
  for (const Group& g : groups_) {
    if (!has_group(g.group, now)) continue;
    Info info{g.group, g.include || g.until <= now, g.until, {}};
    for (const Source& s : g.sources) {
      if ((s.until > now) != info.include) continue;
      info.sources.push_back(s.address);
      if (info.include) info.until = std::max(info.until, s.until);
    }
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace stackyard
