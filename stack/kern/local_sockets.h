// stack/kern/local_sockets.h - what the kernel knows of unix-domain sockets (unix(4)).
//
// They belong to a machine's file system, not to a vnet: two jails that share a folder meet there.
// stack/local implements them; a process resolves their names, since only it knows its root.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "stack/kern/socket_ops.h"

namespace stackyard {

class OpenFile;
struct FileNode;

// What travels beside a message's octets.
struct LocalMessage {
  std::vector<std::shared_ptr<OpenFile>> files;
  std::optional<Credentials> credentials;
  bool empty() const { return files.empty() && !credentials; }
};

class LocalSocketOps : public SocketOps {
 public:
  LocalSocketOps* local() override { return this; }
  // Whose call it is; before bind_to, connect_to, listen, pair_with and send_message.
  virtual void act_as(const Credentials& caller) = 0;
  virtual Result<> bind_to(std::shared_ptr<FileNode> node, const SockAddr& name) = 0;
  virtual Result<> connect_to(LocalSocketOps& other) = 0;
  virtual Result<> pair_with(LocalSocketOps& other) = 0;
  // To `to`, or to the peer when it is null. Takes what is in `along` only when it succeeds.
  virtual Result<size_t> send_message(LocalSocketOps* to, Bytes octets, LocalMessage& along) = 0;
  virtual Result<Received> receive_message(size_t max, const ReceiveOptions& options,
                                           LocalMessage& along) = 0;
  virtual Result<Credentials> peer_credentials() const = 0;
  virtual uint64_t serial() const = 0;
  virtual uint64_t peer_serial() const = 0;  // 0: none
  virtual size_t pending() const = 0;        // connections that wait for accept
  virtual size_t backlog() const = 0;        // 0: it does not listen

  // For the search of descriptors that only each other's queues hold.
  using Files = std::vector<std::shared_ptr<OpenFile>>;
  virtual void visit_files(const std::function<void(const std::shared_ptr<OpenFile>&)>&) const = 0;
  virtual Files take_files() = 0;
};

// All unix-domain sockets of a machine, oldest first.
class LocalSockets {
 public:
  uint64_t add(LocalSocketOps& socket) {
    sockets_.push_back(&socket);
    return ++serial_;
  }
  void remove(LocalSocketOps& socket) { std::erase(sockets_, &socket); }
  void note_in_flight(long more) { in_flight_ += more; }
  long in_flight() const { return in_flight_; }
  size_t count() const { return sockets_.size(); }
  // Frees descriptors in flight that nobody can ever receive: sockets in each other's queues.
  void collect();
  // Power off: frees all that is in flight.
  void clear();

 private:
  std::vector<LocalSocketOps*> sockets_;
  uint64_t serial_ = 0;
  long in_flight_ = 0;
};

}  // namespace stackyard
