#include "stack/ip/fragment_list.h"

#include <algorithm>
#include <numeric>

namespace stackyard {

namespace {

auto place_of(const Fragment& fragment) {
  return [&fragment](const Fragment& part) { return part.begin >= fragment.begin; };
}

}  // namespace

FragmentList::Fit FragmentList::fit(const Fragment& f) const {
  const auto after = std::find_if(parts_.begin(), parts_.end(), place_of(f));
  if (after != parts_.end() && after->begin == f.begin && after->end == f.end)
    return Fit::duplicate;
  const bool overlaps = (after != parts_.end() && after->begin < f.end) ||
                        (after != parts_.begin() && (after - 1)->end > f.begin);
  const uint32_t length = f.last ? f.end : length_;
  const bool contradicts =
      (length_ != 0 && f.last && length_ != f.end) ||
      (length != 0 && (f.end > length || (!parts_.empty() && parts_.back().end > length)));
  return overlaps || contradicts ? Fit::overlaps : Fit::fits;
}

bool FragmentList::insert(Fragment fragment) {
  if (fragment.last) length_ = fragment.end;
  const auto after = std::find_if(parts_.begin(), parts_.end(), place_of(fragment));
  parts_.insert(after, std::move(fragment));
  uint32_t reached = 0;
  for (const Fragment& part : parts_) {
    if (part.begin != reached) return false;
    reached = part.end;
  }
  return length_ != 0 && reached == length_;
}

Packet FragmentList::join() {
  Packet whole = std::move(parts_[0].packet);
  std::vector<uint8_t> rest;
  rest.reserve(length_);
  for (size_t i = 1; i < parts_.size(); ++i) {
    const Bytes octets = parts_[i].packet.octets().subspan(parts_[i].header_size);
    rest.insert(rest.end(), octets.begin(), octets.end());
  }
  whole.append(rest);
  return whole;
}

size_t FragmentList::octets() const {
  return std::accumulate(parts_.begin(), parts_.end(), size_t(0),
                         [](size_t sum, const Fragment& part) { return sum + part.packet.size(); });
}

}  // namespace stackyard
