// core/base/time.h - simulated time: 64-bit nanoseconds since the lab's start, also for durations.
#pragma once

#include <compare>
#include <cstdint>

namespace stackyard {

// An instant or a duration of simulated time. 292 years fit; arithmetic is exact.
class SimTime {
 public:
  constexpr SimTime() = default;
  constexpr explicit SimTime(int64_t nanoseconds) : ns_(nanoseconds) {}

  constexpr int64_t ns() const { return ns_; }
  constexpr int64_t us() const { return ns_ / 1'000; }
  constexpr int64_t ms() const { return ns_ / 1'000'000; }
  constexpr int64_t s() const { return ns_ / 1'000'000'000; }

  constexpr auto operator<=>(const SimTime&) const = default;
  constexpr SimTime operator+(SimTime other) const { return SimTime(ns_ + other.ns_); }
  constexpr SimTime operator-(SimTime other) const { return SimTime(ns_ - other.ns_); }
  constexpr SimTime operator*(int64_t factor) const { return SimTime(ns_ * factor); }
  constexpr SimTime operator/(int64_t divisor) const { return SimTime(ns_ / divisor); }
  constexpr int64_t operator/(SimTime other) const { return ns_ / other.ns_; }
  constexpr SimTime operator%(SimTime other) const { return SimTime(ns_ % other.ns_); }
  constexpr SimTime& operator+=(SimTime other) { return *this = *this + other; }
  constexpr SimTime& operator-=(SimTime other) { return *this = *this - other; }

  static constexpr SimTime max() { return SimTime(INT64_MAX); }

 private:
  int64_t ns_ = 0;
};

inline namespace literals {
constexpr SimTime operator""_ns(unsigned long long n) { return SimTime(int64_t(n)); }
constexpr SimTime operator""_us(unsigned long long n) { return SimTime(int64_t(n) * 1'000); }
constexpr SimTime operator""_ms(unsigned long long n) { return SimTime(int64_t(n) * 1'000'000); }
constexpr SimTime operator""_s(unsigned long long n) { return SimTime(int64_t(n) * 1'000'000'000); }
}  // namespace literals

}  // namespace stackyard
