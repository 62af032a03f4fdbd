// core/table/table.h - tables that describe themselves, and counters in netstat's words.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace stackyard {

// Nothing, a number or a text. Durations are numbers of nanoseconds in a column that says so.
using Cell = std::variant<std::monostate, int64_t, std::string>;
std::string to_text(const Cell& cell);

enum class ColumnType : uint8_t { text, number, duration };
struct Column {
  const char* name;   // "netif": stable, used in lab files and by programs
  const char* title;  // "Netif": for people
  ColumnType type = ColumnType::text;
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  // The index of a column, or -1.
  int column(std::string_view name) const;
};

// Aligned columns under their titles, as a terminal shows them. Durations have units.
std::string to_text(const Table& table);

// Whoever can show its state as tables: a stack, a machine, a switch.
class TableSource {
 public:
  virtual ~TableSource() = default;
  virtual std::vector<std::string> table_names() const = 0;
  // An empty table (no columns) when there is none of that name. Reading never creates state.
  virtual Table table(std::string_view name) const = 0;
};

// One line of netstat -s: `text` has {} for the number, and {s}, {ies}, {es} for its plural; behind
// {2}, for a second number that belongs to it, plurals are those of the second.
struct CounterLine {
  const char* group;  // "ip"
  const char* name;   // "ips_forward": FreeBSD's name of the field
  const char* text;   // "{} packet{s} forwarded"
  uint64_t value;
  uint64_t second = 0;
};
std::string to_text(const CounterLine& line);

}  // namespace stackyard
