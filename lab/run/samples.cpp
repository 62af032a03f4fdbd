#include "lab/run/samples.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "lab/run/worker.h"
#include "lab/spec/reader.h"

namespace stackyard {

namespace {

constexpr auto fastest = std::chrono::milliseconds(33);
constexpr size_t cells_most = 500'000;  // kept for a client that does not read
constexpr size_t cells_told = 20'000;   // in one message

std::string words_of(const Cell& cell) {
  if (const auto* number = std::get_if<int64_t>(&cell)) return text("{}", *number);
  const auto* words = std::get_if<std::string>(&cell);
  return words ? *words : std::string();
}

Json plain(const Cell& cell) {
  if (const auto* number = std::get_if<int64_t>(&cell)) return *number;
  if (const auto* words = std::get_if<std::string>(&cell)) return *words;
  return nullptr;
}

std::optional<size_t> column_named(const Table& table, const std::string& name) {
  for (size_t i = 0; i < table.columns.size(); ++i)
    if (table.columns[i].name == name) return i;
  return std::nullopt;
}

}  // namespace

void Samples::add(uint64_t number, uint32_t client, const Json& params) {
  Series series{.client = client,
                .node = params.at("node").get<std::string>(),
                .table = params.at("table").get<std::string>(),
                .columns = params.at("columns").get<std::vector<std::string>>(),
                .match = params.value("match", std::map<std::string, std::string>()),
                .step = {},
                .next = {}};
  const Table table = worker_.table_of(series.node, series.table);
  if (table.columns.empty()) throw RequestError{1, text("there is no table \"{}\"", series.table)};
  std::vector<std::string> named = series.columns;
  for (const auto& [column, value] : series.match) named.push_back(column);
  for (const std::string& column : named)
    if (!column_named(table, column))
      throw RequestError{1, text("the table \"{}\" has no column \"{}\"", series.table, column)};
  const auto step = parse_duration(params.value("step", "10ms"));
  if (!step || *step < 100_us) throw RequestError{1, "step is a duration of 100us at least"};
  series.step = *step;
  const SimTime now = worker_.session().lab().simulation().reached();
  series.next = series.step * (now / series.step + 1);
  take(series, now);  // what is there already
  series_.emplace(number, std::move(series));
  arm();
}

bool Samples::remove(uint64_t number, uint32_t client) {
  const auto found = series_.find(number);
  if (found == series_.end() || found->second.client != client) return false;
  series_.erase(found);
  return true;
}

void Samples::drop_client(uint32_t client) {
  std::erase_if(series_, [&](const auto& entry) { return entry.second.client == client; });
}

// One barrier for all of them. It is no reason to go on: with nothing else to come, none is set.
void Samples::arm() {
  Simulation& simulation = worker_.session().lab().simulation();
  if (series_.empty() || armed_ != SimTime::max()) return;
  const SimTime next = simulation.next_time();
  if (next == SimTime::max()) return;
  SimTime when = SimTime::max();
  for (auto& [number, series] : series_) {
    // An empty time was slept through.
    if (series.next < simulation.reached())
      series.next = series.step * (simulation.reached() / series.step + 1);
    when = std::min(when, series.next);
  }
  when = std::max(when, simulation.reached() + 1_ns);
  armed_ = when;
  simulation.at_barrier(when, EventKind::observation, [this] { look(); });
}

void Samples::look() {
  const SimTime now = armed_;
  armed_ = SimTime::max();
  for (auto& [number, series] : series_) {
    if (series.next > now) continue;
    take(series, now);
    series.next = series.step * (now / series.step + 1);
  }
  arm();
}

void Samples::take(Series& series, SimTime now) {
  Table table;
  try {
    table = worker_.table_of(series.node, series.table);
  } catch (const RequestError&) {  // its jail or machine has gone
    return;
  }
  Sample sample{now, {}};
  for (const auto& row : table.rows) {
    const bool fits = std::all_of(series.match.begin(), series.match.end(), [&](const auto& want) {
      const auto column = column_named(table, want.first);
      return column && words_of(row[*column]) == want.second;
    });
    if (!fits) continue;
    std::vector<Cell> cells;
    for (const std::string& column : series.columns)
      cells.push_back(row[*column_named(table, column)]);
    series.cells += cells.size();
    sample.rows.push_back(std::move(cells));
  }
  series.seen.push_back(std::move(sample));
  while (series.cells > cells_most) {
    series.cells -= series.seen.front().rows.size() * series.columns.size();
    series.seen.pop_front();
    ++series.lost;
  }
}

void Samples::publish() {
  const auto now = std::chrono::steady_clock::now();
  for (auto& [number, series] : series_) {
    if (series.seen.empty() || now - series.published < fastest) continue;
    series.published = now;
    tell(number, series);
  }
  arm();
}

void Samples::tell(uint64_t number, Series& series) {
  while (!series.seen.empty()) {
    Json told{{"subscription", number}, {"samples", Json::array()}, {"lost", series.lost}};
    series.lost = 0;
    for (size_t cells = 0; !series.seen.empty() && cells < cells_told;) {
      Sample sample = std::move(series.seen.front());
      series.seen.pop_front();
      Json rows = Json::array();
      for (const auto& row : sample.rows) {
        Json values = Json::array();
        for (const Cell& cell : row) values.push_back(plain(cell));
        rows.push_back(std::move(values));
      }
      cells += 1 + sample.rows.size() * series.columns.size();
      told["samples"].push_back({{"time", sample.time.ns()}, {"rows", std::move(rows)}});
    }
    worker_.notify(series.client, "samples", std::move(told));
  }
  series.cells = 0;
}

}  // namespace stackyard
