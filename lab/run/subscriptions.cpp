#include "lab/run/subscriptions.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/text.h"
#include "core/dissect/dissect.h"
#include "lab/run/worker.h"
#include "lab/spec/problems.h"
#include "lab/spec/reader.h"

namespace stackyard {

Json to_json(const Table& table) {
  Json result{{"columns", Json::array()}, {"rows", Json::array()}};
  constexpr const char* types[] = {"text", "number", "duration"};
  for (const Column& column : table.columns)
    result["columns"].push_back(
        {{"name", column.name}, {"title", column.title}, {"type", types[size_t(column.type)]}});
  for (const auto& row : table.rows) {
    Json plain = Json::object();
    for (size_t i = 0; i < row.size(); ++i) {
      Json& cell = plain[table.columns[i].name];
      if (const auto* number = std::get_if<int64_t>(&row[i])) cell = *number;
      if (const auto* words = std::get_if<std::string>(&row[i])) cell = *words;
    }
    result["rows"].push_back(std::move(plain));
  }
  return result;
}

namespace {

// In the protocol's own words: a table's row, packets by their filter, or a command.
Json shown_by(const CheckResult& result, const LabSpec& lab) {
  const Predicate& p = result.spec->predicate;
  const Evidence& evidence = result.evidence;
  switch (p.kind) {
    case Predicate::Kind::table:
      return {{"what", "table"},
              {"node", lab.nodes[p.node].name},
              {"table", p.table},
              {"row", evidence.row}};
    case Predicate::Kind::link:
      return {{"what", "table"},
              {"node", ""},
              {"table", "links"},
              {"row", {{"link", lab.links[p.link].name}}}};
    case Predicate::Kind::packet: {
      Json shown{{"what", "packets"}, {"on", p.on.text}, {"filter", p.filter}};
      if (evidence.frame) shown["id"] = *evidence.frame;
      if (evidence.frame) shown["time"] = evidence.frame_time.ns();
      return shown;
    }
    default:
      return {{"what", "command"},
              {"at", lab.nodes[p.node].name},
              {"line", evidence.line},
              {"output", evidence.output}};
  }
}

}  // namespace

Json to_json(const CheckResult& result, const LabSpec& lab) {
  Json told{{"name", result.spec->name},
            {"points", result.spec->points},
            {"verdict", verdict_name(result.verdict)},
            {"time", result.time.ns()},
            {"evidence", result.evidence.words}};
  if (result.verdict != Verdict::pending) told["shown_by"] = shown_by(result, lab);
  return told;
}

namespace {
constexpr int64_t fastest = 33'000'000;  // ns between two messages of a table
constexpr int64_t burst = 4 << 20;       // octets of messages that a lossy client begins with
constexpr int64_t a_second = 256 << 10;  // and gets
constexpr int64_t room = 64 << 10;       // with so many, noting is worth the while again
constexpr size_t envelope = 220;         // octets of a message beside a packet's own
}  // namespace

bool Subscriptions::Share::take(size_t octets) {
  if (!budget) return true;
  if (!budget->open) {
    ++missed;
    return false;
  }
  budget->left -= int64_t(octets);
  budget->open = budget->left > 0;
  return true;
}

void Subscriptions::Budget::refill(std::chrono::nanoseconds passed) {
  left = std::min(burst, left + a_second * passed.count() / 1'000'000'000);
  open |= left > room;
}

uint64_t Subscriptions::add(uint32_t client, const Json& params) {
  const std::string what = params.at("what").get<std::string>();
  Share share;
  if (params.value("lossy", false))
    share.budget = &budgets_.try_emplace(client, Budget{.left = burst}).first->second;
  if (what == "table") {
    const std::string node = params.at("node").get<std::string>();
    const std::string name = params.at("table").get<std::string>();
    if (worker_.table_of(node, name).columns.empty())
      throw RequestError{1, text("there is no table \"{}\"", name)};
    const auto every = parse_duration(params.value("every", "0ms"));
    if (!every) throw RequestError{1, "every is a duration of real time"};
    tables_[++last_number_] = {.client = client,
                               .node = node,
                               .name = name,
                               .every = std::chrono::nanoseconds(std::max(every->ns(), fastest))};
  } else if (what == "packets") {
    auto compiled = PacketFilter::compile(params.value("filter", ""));
    if (!compiled.error.empty()) throw RequestError{1, compiled.error};
    const std::string on = params.at("on").get<std::string>();
    const bool everywhere = on == "*" && share.budget;
    packets_[++last_number_] = {.client = client,
                                .taps = taps_of(on, everywhere),
                                .filter = std::move(compiled.filter),
                                .snaplen = params.value("snaplen", 262144u),
                                .left = params.value("packets", UINT64_MAX),
                                .share = share,
                                .everywhere = everywhere};
  } else if (what == "connections") {
    const auto every = parse_duration(params.value("every", "0ms"));
    if (!every) throw RequestError{1, "every is a duration of real time"};
    connections_[++last_number_] = {
        .client = client,
        .node = params.value("node", ""),
        .every = std::chrono::nanoseconds(std::max(every->ns(), fastest))};
  } else if (what == "samples") {
    samples_.add(++last_number_, client, params);
  } else if (what == "log" || what == "drops" || what == "decisions" || what == "output" ||
             what == "checks" || what == "time") {
    events_[++last_number_] = {client, what, share};
  } else {
    throw RequestError{1, text("\"{}\" is none of table, samples, packets, connections, log, "
                               "drops, decisions, output, checks, "
                               "time",
                               what)};
  }
  watch_what_is_wanted();
  return last_number_;
}

// Of a link, an interface or a node; of all links: "*". What passes there is noted all the time,
// or `at_times`.
std::map<uint32_t, std::string> Subscriptions::taps_of(const std::string& on, bool at_times) {
  Lab& lab = worker_.session().lab();
  std::map<uint32_t, std::string> taps;
  for (size_t i = 0; on == "*" && i < lab.spec().links.size(); ++i)
    if (lab.has_link(i))
      taps.emplace(at_times ? lab.tap_link_at_times(i) : lab.tap_link(i), lab.spec().links[i].name);
  if (on == "*") return taps;
  Problems problems;
  const auto tap = read_tap(lab.spec(), on, problems);
  if (!tap || problems.any_errors()) throw RequestError{1, std::string(trim(problems.text("on")))};
  for (const uint32_t number : lab.taps(*tap))
    taps.emplace(number, tap->kind == Tap::Kind::link ? lab.spec().links[tap->index].name : "");
  return taps;
}

void Subscriptions::remove(uint32_t client, uint64_t number) {
  const auto erase = [&](auto& all) {
    const auto found = all.find(number);
    return found != all.end() && found->second.client == client && all.erase(number) > 0;
  };
  if (!erase(tables_) && !erase(packets_) && !erase(events_) && !erase(connections_) &&
      !samples_.remove(number, client))
    throw RequestError{1, "there is no such subscription"};
  watch_what_is_wanted();
}

void Subscriptions::drop_client(uint32_t client) {
  const auto theirs = [&](const auto& entry) { return entry.second.client == client; };
  std::erase_if(tables_, theirs);
  std::erase_if(packets_, theirs);
  std::erase_if(events_, theirs);
  std::erase_if(connections_, theirs);
  samples_.drop_client(client);
  budgets_.erase(client);
  watch_what_is_wanted();
}

void Subscriptions::watch_what_is_wanted() {
  note_what_is_read();
  worker_.session().lab().want_connections(!connections_.empty());
}

// None, once the jail or machine is gone.
Table Subscriptions::rows_of(const TableSubscription& subscription) {
  try {
    return worker_.table_of(subscription.node, subscription.name);
  } catch (const RequestError&) {
    return {};
  }
}

namespace {

// Who it is about; what a change of state and a sample have in common.
Json about(SimTime time, const std::string& node, const ConnectionNote& n) {
  const auto end = [](const IpAddress& address, uint16_t port) {
    return text("{}.{}", to_text(address), port);
  };
  return {{"time", time.ns()},
          {"node", node},
          {"stack", n.stack},
          {"local", end(n.local, n.local_port)},
          {"foreign", end(n.foreign, n.foreign_port)},
          {"state", n.state}};
}

}  // namespace

void Subscriptions::connection(const TraceStamp& stamp, const ConnectionNote& note) {
  constexpr size_t samples_max = 1024;
  const std::string node = worker_.session().lab().simulation().node_name(note.node);
  for (auto& [number, subscription] : connections_) {
    subscription.missed += note.missed;
    if (!subscription.node.empty() && subscription.node != node) continue;
    if (note.before) {
      Json told = about(stamp.key.time, node, note);
      told["before"] = note.before;
      told["why"] = note.why;
      told["subscription"] = number;
      worker_.notify(subscription.client, "connection", std::move(told));
    }
    if (subscription.samples.size() == samples_max) {
      subscription.samples.pop_front();
      ++subscription.missed;
    }
    subscription.samples.emplace_back(stamp.key.time, note);
  }
}

void Subscriptions::publish_connections() {
  const auto now = std::chrono::steady_clock::now();
  for (auto& [number, subscription] : connections_) {
    if (subscription.samples.empty() || now - subscription.published < subscription.every) continue;
    subscription.published = now;
    Json samples = Json::array();
    for (const auto& [time, n] : subscription.samples) {
      Json sample = about(time, worker_.session().lab().simulation().node_name(n.node), n);
      sample["cwnd"] = n.cwnd;
      if (n.ssthresh < UINT32_MAX / 2) sample["ssthresh"] = n.ssthresh;
      sample["flight"] = n.flight;
      sample["send_window"] = n.send_window;
      sample["receive_window"] = n.receive_window;
      sample["send_queue"] = n.send_queue;
      sample["retransmitted"] = n.retransmitted;
      sample["rtt"] = n.smoothed_rtt.ns();
      sample["rtt_variation"] = n.rtt_variation.ns();
      sample["timeout"] = n.timeout.ns();
      samples.push_back(std::move(sample));
    }
    subscription.samples.clear();
    worker_.notify(subscription.client, "connections",
                   {{"subscription", number},
                    {"missed", std::exchange(subscription.missed, 0)},
                    {"samples", std::move(samples)}});
  }
}

// Not at every turn: a small time would be rounded away.
void Subscriptions::refill() {
  const auto now = std::chrono::steady_clock::now();
  if (now - refilled_ < std::chrono::milliseconds(1)) return;
  for (auto& [client, budget] : budgets_) budget.refill(now - refilled_);
  refilled_ = now;
  note_what_is_read();
}

void Subscriptions::note_what_is_read() {
  want_decisions();
  want_frames();
}

uint64_t Subscriptions::frames_passed() const {
  const Lab& lab = worker_.session().lab();
  uint64_t frames = 0;
  for (size_t i = 0; i < lab.spec().links.size(); ++i) frames += lab.frames_passed(i);
  return frames;
}

void Subscriptions::want_frames() {
  const size_t links = worker_.session().lab().spec().links.size();
  const bool more_links = std::exchange(links_known_, links) != links;
  bool wanted = false, any = false;
  for (auto& [number, subscription] : packets_) {
    if (!subscription.everywhere) continue;
    any = true;
    if (more_links) subscription.taps = taps_of("*", true);
    wanted |= subscription.share.open();
  }
  if (wanted != frames_wanted_ || (any && more_links)) rest_or_watch(wanted);
}

// What passes while links rest counts as missed: whether it would have fitted a filter is not known
// of what nobody has looked at.
void Subscriptions::rest_or_watch(bool wanted) {
  Lab& lab = worker_.session().lab();
  frames_wanted_ = wanted;
  for (size_t i = 0; i < lab.spec().links.size(); ++i)
    if (lab.has_link(i)) lab.watch_link(i, wanted);
  const uint64_t frames = frames_passed();
  for (auto& [number, subscription] : packets_) {
    if (!subscription.everywhere) continue;
    if (subscription.resting) subscription.share.missed += frames - frames_before_rest_;
    subscription.resting = !wanted;
  }
  frames_before_rest_ = frames;
}

// Stacks note what they decide only while somebody has room for it: that costs them more than a
// frame that nobody looks at.
void Subscriptions::want_decisions() {
  const bool wanted = std::any_of(events_.begin(), events_.end(), [](const auto& entry) {
    return entry.second.what == "decisions" && entry.second.share.open();
  });
  if (wanted == decisions_wanted_) return;
  decisions_wanted_ = wanted;
  worker_.session().lab().want_decisions(wanted);
}

bool Subscriptions::room_for(const std::string& what) {
  const bool any = std::any_of(events_.begin(), events_.end(), [&](const auto& entry) {
    return entry.second.what == what && entry.second.share.open();
  });
  for (auto& [number, subscription] : events_)
    if (!any && subscription.what == what) ++subscription.share.missed;
  return any;
}

void Subscriptions::publish() {
  refill();
  publish_connections();
  samples_.publish();
  const auto now = std::chrono::steady_clock::now();
  for (auto& [number, subscription] : tables_)
    if (now >= subscription.next) publish_table(number, subscription);
}

void Subscriptions::publish_table(uint64_t number, TableSubscription& subscription) {
  using namespace std::chrono;
  const auto begin = steady_clock::now();
  Table table = rows_of(subscription);
  const bool same = subscription.told && table.rows == subscription.last.rows &&
                    table.columns.size() == subscription.last.columns.size();
  if (!same) {
    Json told = to_json(table);
    told["subscription"] = number;
    told["time"] = worker_.session().lab().simulation().reached().ns();
    worker_.notify(subscription.client, "table", std::move(told));
    subscription.last = std::move(table);
    subscription.told = true;
  }
  // A large table takes no more than a fiftieth of the lab's time.
  const auto took = steady_clock::now() - begin;
  subscription.next = begin + std::max(subscription.every, std::min<nanoseconds>(50 * took, 1s));
}

void Subscriptions::tell(const std::string& what, const char* method, const Json& params,
                         size_t octets) {
  for (auto& [number, subscription] : events_) {
    if (subscription.what != what || !subscription.share.take(octets)) continue;
    Json told = params;
    told["subscription"] = number;
    if (subscription.share.missed > 0) told["missed"] = std::exchange(subscription.share.missed, 0);
    worker_.notify(subscription.client, method, std::move(told));
  }
  // At once: what is noted beyond is for nobody.
  if (octets > 0) note_what_is_read();
}

void Subscriptions::output(const OutputLine& line) {
  if (events_.empty()) return;
  tell("output", "output",
       {{"time", line.time.ns()},
        {"node", worker_.session().lab().spec().nodes[line.node].name},
        {"text", line.text}});
}

void Subscriptions::verdict(const CheckResult& result) {
  tell("checks", "check", to_json(result, worker_.session().lab().spec()));
}

void Subscriptions::time_changed(const Json& state) { tell("time", "time", state); }

void Subscriptions::frame(const TraceStamp& stamp, const FrameNote& note) {
  for (auto& [number, subscription] : packets_) {
    const auto tap = subscription.taps.find(note.tap);
    if (subscription.left == 0 || tap == subscription.taps.end() ||
        !subscription.filter.matches(note.octets, note.length))
      continue;
    const Bytes kept =
        note.octets.first(std::min<size_t>(subscription.snaplen, note.octets.size()));
    if (!subscription.share.take(envelope + kept.size() * 4 / 3)) continue;
    --subscription.left;
    Json told{{"subscription", number},
              {"time", stamp.key.time.ns()},
              {"node", worker_.session().lab().simulation().node_name(note.node)},
              {"link", tap->second},
              {"id", note.packet},
              {"outbound", note.outbound},
              {"length", note.length},
              {"text", one_line(note.octets)},
              {"data", to_base64(text_of(kept))}};
    if (subscription.share.missed > 0) told["missed"] = std::exchange(subscription.share.missed, 0);
    worker_.notify(subscription.client, "packet", std::move(told));
  }
  if (frames_wanted_) note_what_is_read();
}

void Subscriptions::drop(const TraceStamp& stamp, const DropNote& note) {
  if (events_.empty() || !room_for("drops")) return;
  tell("drops", "drop",
       {{"time", stamp.key.time.ns()},
        {"node", worker_.session().lab().simulation().node_name(note.node)},
        {"id", note.packet},
        {"place", note.place},
        {"reason", note.reason->name},
        {"sentence", note.reason->sentence},
        {"detail", note.detail}},
       envelope);
}

namespace {

// What was decided, and by what.
std::string sentence(const DecisionNote& note) {
  switch (note.kind) {
    case DecisionKind::local:
      return text("for this machine: {} is its own", to_text(note.address));
    case DecisionKind::route:
      return text("to {} by the route {}/{}, out of link#{}", to_text(note.address),
                  to_text(note.network), note.by_length, note.interface);
    case DecisionKind::neighbour:
      return text("next hop {} on link#{}", to_text(note.address), note.interface);
    case DecisionKind::socket:
      return text("to the socket of port {}, from {} port {}", note.by_length,
                  to_text(note.address), note.by);
    case DecisionKind::rule:
      return text("by rule {}", note.by);
  }
  return "";
}

}  // namespace

void Subscriptions::decision(const TraceStamp& stamp, const DecisionNote& note) {
  if (events_.empty() || !room_for("decisions")) return;
  tell("decisions", "decision",
       {{"time", stamp.key.time.ns()},
        {"node", worker_.session().lab().simulation().node_name(note.node)},
        {"id", note.packet},
        {"kind", decision_name(note.kind)},
        {"sentence", sentence(note)}},
       envelope);
}

void Subscriptions::log(const TraceStamp& stamp, const LogNote& note) {
  if (events_.empty()) return;
  tell("log", "log",
       {{"time", stamp.key.time.ns()},
        {"node", worker_.session().lab().simulation().node_name(note.node)},
        {"line", note.line}});
}

}  // namespace stackyard
