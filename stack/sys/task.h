// stack/sys/task.h - coroutines of simulated programs.
//
// Resumption goes through a trampoline, one for each process: awaiting a task never nests calls, so
// a million awaits that are ready at once do not overflow the real stack, in any build.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "core/base/check.h"

namespace stackyard {

// Which coroutine of a process runs next. Empty: the process waits for an event.
struct Trampoline {
  std::coroutine_handle<> next;
};

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  Trampoline* trampoline = nullptr;
  std::coroutine_handle<> continuation;
  std::exception_ptr error;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> done) noexcept {
      done.promise().trampoline->next = done.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {}
};

}  // namespace detail

// A coroutine that starts when it is awaited and gives its result to whoever awaits it. The task
// owns the frame: destroying it at any suspension point destroys everything below.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const { return bool(handle_); }
  bool done() const { return handle_.done(); }

  // As the root of a process, or from an awaiter: the trampoline runs it next.
  void start(Trampoline& trampoline, std::coroutine_handle<> continuation = {}) {
    handle_.promise().trampoline = &trampoline;
    handle_.promise().continuation = continuation;
    trampoline.next = handle_;
  }
  // After it is done: its value, or what it threw.
  T result() {
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return handle_.promise().take();
  }

  bool await_ready() const { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> parent) {
    start(*parent.promise().trampoline, parent);
  }
  T await_resume() { return result(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace stackyard
