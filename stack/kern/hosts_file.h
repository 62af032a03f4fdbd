// stack/kern/hosts_file.h - hosts(5): an address and its names on each line.
#pragma once

#include <string>
#include <vector>

#include "core/base/text.h"

namespace stackyard {

// The words of its lines, without comments; none are empty.
inline std::vector<std::vector<std::string>> hosts_lines(const std::string& content) {
  std::vector<std::vector<std::string>> lines;
  for (const std::string& line : split(content, '\n')) {
    auto words = split_words(line.substr(0, line.find('#')));
    if (!words.empty()) lines.push_back(std::move(words));
  }
  return lines;
}

}  // namespace stackyard
