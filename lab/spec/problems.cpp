#include "lab/spec/problems.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

void Problems::error(Place place, const std::string& message, const std::string& suggestion) {
  const bool fresh =
      problems_.insert({place, message + (suggestion.empty() ? "" : " - " + suggestion)}).second;
  if (fresh) ++errors_;
}

void Problems::warning(Place place, const std::string& message) {
  problems_.insert({place, "warning: " + message});
}

std::string Problems::text(const std::string& file) const {
  std::string all;
  size_t shown = 0;
  for (const Problem& p : problems_) {
    if (shown++ == shown_max) break;
    all += stackyard::text("{}:{}:{}: {}\n", file, p.place.line, p.place.column, p.message);
  }
  return all;
}

std::string suggest(const std::string& word, std::vector<std::string> valid,
                    const std::string& what) {
  std::sort(valid.begin(), valid.end());
  size_t best = word.size() < 5 ? 1 : 2;
  std::vector<std::string> nearest;
  for (const std::string& candidate : valid) {
    const size_t longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) > best) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance > best) continue;
    if (distance < best) nearest.clear();
    best = distance;
    nearest.push_back("\"" + candidate + "\"");
  }
  if (!nearest.empty()) {
    if (nearest.size() > 5) nearest.resize(5);
    const std::string last = nearest.back();
    nearest.pop_back();
    return "did you mean " + (nearest.empty() ? last : join(nearest, ", ") + " or " + last) + "?";
  }
  if (valid.empty()) return "";
  const bool more = valid.size() > 5;
  if (more) valid.resize(5);
  return what + ": " + join(valid, ", ") + (more ? ", ..." : "");
}

}  // namespace stackyard
