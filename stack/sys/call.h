// stack/sys/call.h - what a system call returns: something to co_await.
#pragma once

#include <string>
#include <variant>

#include "core/base/result.h"
#include "stack/sys/task.h"

namespace stackyard {

// Thrown by or_err and exit to end a program; the process catches it. Programs never do.
struct ProcessExit {
  int status;
};

// The part of a process that calls need: its trampoline, its account of calls, its last words.
class CallContext {
 public:
  virtual ~CallContext() = default;
  virtual Trampoline& trampoline() = 0;
  // Counts a call; true when the process has made 1,000 of them without blocking and has to pause.
  virtual bool count_call() = 0;
  // Suspends for 1 ms of simulated time.
  virtual void pause(std::coroutine_handle<> resume) = 0;
  // "NAME: WHAT: MESSAGE" on standard error, at once.
  virtual void warn(const std::string& what, Errno error) = 0;
};

// `auto r = co_await sys.f();` gives a Result; `auto v = co_await sys.f().or_err(1, "f");` gives
// the value, or prints err(3)'s words and ends the process; or_warn prints them and goes on.
template <class T>
class [[nodiscard]] Call {
 public:
  Call(CallContext& context, Result<T> ready) : context_(context), state_(std::move(ready)) {}
  Call(CallContext& context, Task<Result<T>> task) : context_(context), state_(std::move(task)) {}

  bool await_ready() { return std::holds_alternative<Result<T>>(state_) && !context_.count_call(); }
  void await_suspend(std::coroutine_handle<> resume) {
    if (auto* task = std::get_if<Task<Result<T>>>(&state_)) {
      context_.count_call();
      task->start(context_.trampoline(), resume);
    } else {
      context_.pause(resume);
    }
  }
  Result<T> await_resume() {
    if (auto* task = std::get_if<Task<Result<T>>>(&state_)) return task->result();
    return std::move(std::get<Result<T>>(state_));
  }

  // No aggregates: GCC 12 destroys aggregate temporaries of a co_await twice.
  struct OrErr {
    OrErr(Call c, int s, std::string w) : call(std::move(c)), status(s), what(std::move(w)) {}
    Call call;
    int status;
    std::string what;
    bool await_ready() { return call.await_ready(); }
    void await_suspend(std::coroutine_handle<> resume) { call.await_suspend(resume); }
    T await_resume() {
      Result<T> result = call.await_resume();
      if (!result) {
        call.context_.warn(what, result.error());
        throw ProcessExit{status};
      }
      if constexpr (!std::is_void_v<T>) return std::move(*result);
    }
  };
  OrErr or_err(int status, std::string what) && {
    return OrErr(std::move(*this), status, std::move(what));
  }

  struct OrWarn {
    OrWarn(Call c, std::string w) : call(std::move(c)), what(std::move(w)) {}
    Call call;
    std::string what;
    bool await_ready() { return call.await_ready(); }
    void await_suspend(std::coroutine_handle<> resume) { call.await_suspend(resume); }
    Result<T> await_resume() {
      Result<T> result = call.await_resume();
      if (!result) call.context_.warn(what, result.error());
      return result;
    }
  };
  OrWarn or_warn(std::string what) && { return OrWarn(std::move(*this), std::move(what)); }

 private:
  CallContext& context_;
  std::variant<Result<T>, Task<Result<T>>> state_;
};

}  // namespace stackyard
