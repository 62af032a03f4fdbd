// core/base/drop.h - why a packet died.
#pragma once

#include "core/base/bytes.h"

namespace stackyard {

// A constant declared by the folder that drops: `constexpr DropReason ttl_exceeded{"ttl_exceeded",
// "the time to live ran out"}`. Compared by address, shown by name.
struct DropReason {
  const char* name;
  const char* sentence;
};

// A parsed value, or the reason why the octets are not one.
template <class T>
class [[nodiscard]] Parsed {
 public:
  Parsed(T value) : value_(value) {}
  Parsed(const DropReason& why) : why_(&why) {}
  explicit operator bool() const { return why_ == nullptr; }
  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  const DropReason& why() const { return *why_; }

 private:
  T value_{};
  const DropReason* why_ = nullptr;
};

}  // namespace stackyard
