// stack/kern/process_client.h - the real program that a process acts for: a client of a served lab.
//
// Some of what such a process asks for exists only where its client runs: files of the real machine
// and commands that are not the machine's. Answers take real time, so they come later, as an
// Answer, or as a file that is not opened yet.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "stack/kern/open_file.h"
#include "stack/sys/program.h"

namespace stackyard {

// A result that is waited for like a file: EAGAIN until somebody gives it.
class Answer final : public OpenFile {
 public:
  Result<int> value() const { return value_; }
  void give(Result<int> value) {
    value_ = value;
    wake_waiters();
  }
  Result<std::string> read(size_t) override { return Errno::ebadf; }
  Result<size_t> write(Bytes) override { return Errno::ebadf; }
  Readiness readiness() const override { return {.readable = value_.has_value()}; }

 private:
  Result<int> value_ = Errno::eagain;
};

// What a command that runs outside is told of where it belongs.
struct OutsideContext {
  std::string jail;  // "tenant.inner", as the machine's base system calls it; "": the base system
  int fib = 0;
  std::map<std::string, std::string> environment = {};  // instead of the client's; empty: that
};

class ProcessClient {
 public:
  virtual ~ProcessClient() = default;
  // Whether a path, absolute now, is one of the client's files rather than the machine's.
  virtual bool owns(const std::string& path) const = 0;
  virtual std::shared_ptr<OpenFile> open(const std::string& path, OpenMode mode) = 0;
  virtual void remove(const std::string& path) = 0;
  // Whether a command is a program of the real machine.
  virtual bool runs(const std::string& command) const = 0;
  // Starts it there; the answer is its exit status.
  virtual std::shared_ptr<Answer> run(const Args& args, const OutsideContext& context) = 0;
  // daemon(3): the client goes into the background; the answer is its new pid.
  virtual std::shared_ptr<Answer> detach() = 0;
};

}  // namespace stackyard
