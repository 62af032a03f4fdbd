#include "core/table/table.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

std::string to_text(const Cell& cell) {
  if (const auto* number = std::get_if<int64_t>(&cell)) return text("{}", *number);
  if (const auto* words = std::get_if<std::string>(&cell)) return *words;
  return "";
}

int Table::column(std::string_view name) const {
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == name) return int(i);
  return -1;
}

std::string to_text(const Table& table) {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : table.columns) lines[0].push_back(column.title);
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      const auto* number = std::get_if<int64_t>(&row[i]);
      const bool duration = number && table.columns[i].type == ColumnType::duration;
      line.push_back(duration ? short_text(SimTime(*number)) : to_text(row[i]));
    }
  }
  std::vector<size_t> widths(table.columns.size(), 0);
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string out;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) out += text("{:<{}}  ", line[i], widths[i]);
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  return out;
}

std::string to_text(const CounterLine& line) {
  std::string out;
  const std::string_view form = line.text;
  uint64_t value = line.value;
  for (size_t at = 0; at < form.size(); ++at) {
    const size_t end = form[at] == '{' ? form.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += form[at];
      continue;
    }
    const std::string_view slot = form.substr(at + 1, end - at - 1);
    if (slot == "2") value = line.second;
    const bool one = value == 1;
    if (slot.empty() || slot == "2")
      out += text("{}", value);
    else if (slot == "ies")
      out += one ? "y" : "ies";
    else
      out += one ? "" : slot;
    at = end;
  }
  return out;
}

}  // namespace stackyard
