// stack/kern/open_file.h - what a descriptor refers to: files, pipes, sockets, captures, streams.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "stack/kern/file_system.h"
#include "stack/kern/socket_ops.h"
#include "stack/sys/sys.h"

namespace stackyard {

class Process;
class Vnet;

// Hears of changes of a file's readiness: a process that waits, or a kqueue's event.
class FileWaiter {
 public:
  virtual ~FileWaiter() = default;
  virtual void file_changed() = 0;
  virtual void file_gone() {}
};

// Shared by all descriptors that came from one open (dup, fork): hence the shared_ptr.
class OpenFile {
 public:
  virtual ~OpenFile() {
    for (FileWaiter* waiter : waiters_) waiter->file_gone();
  }
  // Up to `max` octets; empty at the end; EAGAIN when a process would have to wait.
  virtual Result<std::string> read(size_t max) = 0;
  // How many were taken; EAGAIN when none can be now.
  virtual Result<size_t> write(Bytes octets) = 0;
  virtual Readiness readiness() const = 0;
  // As kqueue(2)'s read filter counts them.
  virtual int64_t octets_to_read() const { return readiness().readable ? 1 : 0; }
  virtual SocketOps* socket() { return nullptr; }
  // EAGAIN: not yet; a real file of a client takes its time.
  virtual Result<> opened() const { return {}; }
  Blocking blocking() const { return blocking_; }
  void set_blocking(Blocking blocking) { blocking_ = blocking; }

  void add_waiter(FileWaiter& waiter) {
    waiters_.push_back(&waiter);
    waited_for();
  }
  void remove_waiter(FileWaiter& waiter) { waiters_.remove(&waiter); }

 protected:
  void wake_waiters();
  // A process is about to wait for it.
  virtual void waited_for() {}

 private:
  std::list<FileWaiter*> waiters_;
  Blocking blocking_ = Blocking::yes;
};

class RegularFile final : public OpenFile {
 public:
  RegularFile(FileSystem& files, std::shared_ptr<FileNode> node, bool append)
      : files_(files), node_(std::move(node)), append_(append) {}
  Result<std::string> read(size_t max) override;
  Result<size_t> write(Bytes octets) override;
  Readiness readiness() const override { return {.readable = true, .writable = true}; }
  int64_t octets_to_read() const override {
    return int64_t(node_->content.size()) - int64_t(offset_);
  }

 private:
  FileSystem& files_;
  std::shared_ptr<FileNode> node_;
  size_t offset_ = 0;
  bool append_;
};

// Octets between processes, at most 64 KiB. The ends are separate files.
class Pipe {
 public:
  static constexpr size_t capacity = 65536;
  static std::pair<std::shared_ptr<OpenFile>, std::shared_ptr<OpenFile>> create();
};

// A stream that leads out of the machine: a command's output to whoever ran it.
class SinkFile final : public OpenFile {
 public:
  using Sink = std::function<void(Bytes)>;
  explicit SinkFile(Sink sink) : sink_(std::move(sink)) {}
  // Null when there is nothing to call.
  static std::shared_ptr<OpenFile> to(Sink sink) {
    return sink ? std::make_shared<SinkFile>(std::move(sink)) : nullptr;
  }
  Result<std::string> read(size_t) override { return std::string(); }
  Result<size_t> write(Bytes octets) override {
    sink_(octets);
    return octets.size();
  }
  Readiness readiness() const override { return {.readable = true, .writable = true}; }

 private:
  Sink sink_;
};

// Input from outside: what was fed and not yet read.
class SourceFile final : public OpenFile {
 public:
  void feed(std::string octets) {
    pending_ += octets;
    wake_waiters();
  }
  void end() {
    ended_ = true;
    wake_waiters();
  }
  Result<std::string> read(size_t max) override;
  Result<size_t> write(Bytes) override { return Errno::ebadf; }
  Readiness readiness() const override {
    return {.readable = ended_ || !pending_.empty(), .writable = false};
  }

 private:
  std::string pending_;
  bool ended_ = false;
};

// A socket of a vnet; when that is destroyed, the descriptor stays and fails with ENETDOWN.
class SocketFile final : public OpenFile, public SocketListener {
 public:
  SocketFile(std::unique_ptr<SocketOps> ops, Vnet* vnet);
  ~SocketFile() override;
  Result<std::string> read(size_t max) override;
  Result<size_t> write(Bytes octets) override { return ops_->send(octets, {}); }
  Readiness readiness() const override { return ops_->readiness(); }
  int64_t octets_to_read() const override { return int64_t(ops_->octets_to_read()); }
  SocketOps* socket() override { return ops_.get(); }
  void socket_changed() override { wake_waiters(); }

 private:
  friend class Vnet;
  void vnet_gone();

  std::unique_ptr<SocketOps> ops_;
  Vnet* vnet_;  // null: of none, or of one that is gone
  SocketFile* next_ = nullptr;
  SocketFile** previous_ = nullptr;
};

}  // namespace stackyard
