#include "lab/run/predicates.h"

#include <algorithm>
#include <regex>

#include "core/base/text.h"

namespace stackyard {

namespace {

// A number, or a duration in nanoseconds: "5", "10ms".
std::optional<int64_t> number_of(const std::string& s) {
  if (const auto n = parse_int(s)) return n;
  const size_t end = std::min(s.find_first_not_of("0123456789."), s.size());
  const auto nano = parse_decimal_nano(s.substr(0, end));
  const std::string unit = s.substr(end);
  if (!nano) return std::nullopt;
  for (const auto& [name, factor] : {std::pair{"ns", int64_t(1)},
                                     {"us", int64_t(1'000)},
                                     {"ms", int64_t(1'000'000)},
                                     {"s", int64_t(1'000'000'000)}})
    if (unit == name)
      return *nano / 1'000'000'000 * factor + *nano % 1'000'000'000 * factor / 1'000'000'000;
  return std::nullopt;
}

bool compare(const std::string& op, int64_t a, int64_t b) {
  if (op == ">=") return a >= b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  return a < b;
}

}  // namespace

bool passes(const ValueTest& test, const Cell& value) {
  const std::string& t = test.text;
  const std::string shown = to_text(value);
  if (t.starts_with("~")) {
    try {
      return std::regex_search(shown, std::regex(std::string(trim(t.substr(1)))));
    } catch (const std::regex_error&) {
      return false;
    }
  }
  if (t.starts_with("in ")) {
    const auto prefix = parse_ip_prefix(trim(t.substr(3)));
    const auto address = parse_ip(shown.substr(0, shown.find('/')));
    return prefix && address && prefix->contains(*address);
  }
  if (t.starts_with("!=")) return shown != trim(t.substr(2));
  const size_t size = t.starts_with(">=") || t.starts_with("<=") ? 2
                      : t.starts_with(">") || t.starts_with("<") ? 1
                                                                 : 0;
  if (size == 0) return shown == t;
  const auto a = number_of(shown), b = number_of(std::string(trim(t.substr(size))));
  return a && b && compare(t.substr(0, size), *a, *b);
}

size_t PacketCounters::add(const Predicate& predicate) {
  Counter counter;
  counter.filter = PacketFilter::compile(predicate.filter).filter;
  counter.taps = lab_.taps(predicate.on);
  counters_.push_back(std::move(counter));
  return counters_.size() - 1;
}

void PacketCounters::frame(const TraceStamp& stamp, const FrameNote& note) {
  for (Counter& counter : counters_) {
    const bool here =
        std::find(counter.taps.begin(), counter.taps.end(), note.tap) != counter.taps.end();
    if (!here || !counter.filter.matches(note.octets, note.length)) continue;
    ++counter.count;
    counter.last = {stamp.key.time, note.packet};
  }
}

bool holds(Lab& lab, const Predicate& p, const PacketCounters& counters, size_t counter,
           Evidence& evidence) {
  switch (p.kind) {
    case Predicate::Kind::packet: {
      const int64_t n = counters.count(counter);
      evidence.words = text("{} matching frame{}", n, n == 1 ? "" : "s");
      if (const auto& last = counters.last(counter)) {
        evidence.frame_time = last->first;
        evidence.frame = last->second;
      }
      return passes(p.count, n);
    }
    case Predicate::Kind::link: {
      const bool up = lab.link(p.link).up();
      evidence.words = text("the link is {}", up ? "up" : "down");
      return up == p.up;
    }
    case Predicate::Kind::table: {
      const TableSource* source = lab.tables(p.node);
      const Table table = source ? source->table(p.table) : Table{};
      int64_t rows = 0;
      for (const auto& row : table.rows) {
        const bool all = std::all_of(p.columns.begin(), p.columns.end(), [&](const auto& c) {
          const int at = table.column(c.first);
          return at >= 0 && passes(c.second, row[size_t(at)]);
        });
        rows += all;
        if (!all || rows > 1) continue;
        for (size_t i = 0; i < row.size(); ++i)
          if (std::holds_alternative<std::string>(row[i]) ||
              p.columns.contains(table.columns[i].name))
            evidence.row[table.columns[i].name] = to_text(row[i]);
      }
      evidence.words = text("{} row{} of {}", rows, rows == 1 ? "" : "s", p.table);
      return p.rows ? passes(*p.rows, rows) : rows > 0;
    }
    default:
      check(false, "a passive predicate");
      return false;
  }
}

}  // namespace stackyard
