#include "core/base/text.h"

#include <algorithm>
#include <charconv>

namespace stackyard {

std::vector<std::string> split(std::string_view line, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (;;) {
    const size_t end = line.find(separator, begin);
    parts.emplace_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  size_t at = 0;
  while (at < line.size()) {
    const size_t begin = line.find_first_not_of(" \t\n\r", at);
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(line.find_first_of(" \t\n\r", begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    at = end;
  }
  return words;
}

std::string_view trim(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\n\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\n\r") - begin + 1);
}

std::string join(const std::vector<std::string>& parts, std::string_view between) {
  std::string whole;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i) whole += between;
    whole += parts[i];
  }
  return whole;
}

std::optional<int64_t> parse_int(std::string_view digits) {
  const bool negative = !digits.empty() && digits[0] == '-';
  std::string_view rest = digits.substr(negative ? 1 : 0);
  int base = 10;
  if (rest.starts_with("0x") || rest.starts_with("0X")) {
    base = 16;
    rest.remove_prefix(2);
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (rest.empty() || rest[0] == '-' || error != std::errc() || end != rest.data() + rest.size())
    return std::nullopt;
  return negative ? -value : value;
}

std::optional<int64_t> parse_decimal_nano(std::string_view digits) {
  constexpr int64_t unit = 1'000'000'000;
  const size_t dot = digits.find('.');
  const std::string_view whole_part = digits.substr(0, dot);
  std::string_view fraction = dot == std::string_view::npos ? "" : digits.substr(dot + 1);
  if (whole_part.empty() && fraction.empty()) return std::nullopt;
  if (fraction.size() > 9 || (dot != std::string_view::npos && fraction.empty()))
    return std::nullopt;
  int64_t value = 0;
  for (char c : whole_part) {
    if (c < '0' || c > '9' || value > INT64_MAX / 10 / unit - 1) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  value *= unit;
  int64_t scale = unit;
  for (char c : fraction) {
    if (c < '0' || c > '9') return std::nullopt;
    scale /= 10;
    value += (c - '0') * scale;
  }
  return value;
}

std::string short_text(SimTime duration) {
  struct Unit {
    int64_t ns;
    const char* name;
  };
  constexpr Unit units[] = {{1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}, {1, "ns"}};
  const int64_t ns = duration.ns();
  if (ns == 0) return "0s";
  for (const Unit& unit : units) {
    if (ns < unit.ns && unit.ns > 1) continue;
    const int64_t rest = ns % unit.ns;
    if (rest == 0) return text("{}{}", ns / unit.ns, unit.name);
    std::string fraction = text("{:09}", rest * (1'000'000'000 / unit.ns));
    while (fraction.back() == '0') fraction.pop_back();
    return text("{}.{}{}", ns / unit.ns, fraction, unit.name);
  }
  return text("{}ns", ns);
}

std::string seconds_text(SimTime instant) {
  return text("{}.{:09}", instant.s(), instant.ns() % 1'000'000'000);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, change});
      const bool swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swap) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace stackyard
