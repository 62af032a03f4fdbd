// core/base/text.h - formatting and small helpers on text.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/time.h"

namespace stackyard {

// fmt's language: text("{} of {:04x}", a, b). Checked when compiled.
template <class... Args>
std::string text(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::format(format, std::forward<Args>(args)...);
}

std::vector<std::string> split(std::string_view line, char separator);
std::vector<std::string> split_words(std::string_view line);  // at white space, no empty words
std::string_view trim(std::string_view line);
std::string join(const std::vector<std::string>& parts, std::string_view between);

// The whole of `digits` as a decimal (or 0x hexadecimal) number, or nothing.
std::optional<int64_t> parse_int(std::string_view digits);
// "1.5" as a count of billionths: 1500000000. Up to 9 decimals; no sign, no exponent.
std::optional<int64_t> parse_decimal_nano(std::string_view digits);

// "1.250000s": exact, trailing zeros cut: "5ms", "10us", "1.5s", "0s".
std::string short_text(SimTime duration);
// "0.001500000": seconds with nine decimals.
std::string seconds_text(SimTime instant);

inline Bytes bytes_of(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline std::string_view text_of(Bytes b) {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

// The distance of Damerau and Levenshtein, where a swap of neighbours is one edit.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace stackyard
