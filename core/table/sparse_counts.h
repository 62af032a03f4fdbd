// core/table/sparse_counts.h - a histogram that has room only for what was counted.
#pragma once

#include <cstdint>
#include <vector>

namespace stackyard {

class SparseCounts {
 public:
  void add(uint8_t which) {
    for (Entry& entry : entries_)
      if (entry.which == which) return void(++entry.count);
    entries_.push_back({which, 1});
  }
  uint64_t operator[](uint8_t which) const {
    for (const Entry& entry : entries_)
      if (entry.which == which) return entry.count;
    return 0;
  }

 private:
  struct Entry {
    uint8_t which;
    uint64_t count;
  };
  std::vector<Entry> entries_;
};

}  // namespace stackyard
