// stack/tcp/seldom.h - what few objects have different from everybody else: a pointer until then.
#pragma once

#include <memory>

namespace stackyard {

template <class T>
class Seldom {
 public:
  Seldom() = default;
  Seldom(const Seldom& other) : own_(other.own_ ? std::make_unique<T>(*other.own_) : nullptr) {}
  Seldom& operator=(const Seldom& other) {
    if (this != &other) own_ = other.own_ ? std::make_unique<T>(*other.own_) : nullptr;
    return *this;
  }
  const T* operator->() const { return own_ ? own_.get() : &usual; }
  T& change() {
    if (!own_) own_ = std::make_unique<T>();
    return *own_;
  }

 private:
  static constexpr T usual{};
  std::unique_ptr<T> own_;
};

}  // namespace stackyard
