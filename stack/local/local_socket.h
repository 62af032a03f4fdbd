// stack/local/local_socket.h - one unix-domain socket: stream, datagram or seqpacket.
#pragma once

#include <deque>
#include <vector>

#include "stack/kern/local_sockets.h"

namespace stackyard {

// Octets that a send may carry at once, and that may wait to be read.
struct LocalSpace {
  int64_t send, receive;
};

class LocalSocket final : public LocalSocketOps {
 public:
  static constexpr int backlog_max = 128;  // kern.ipc.soacceptqueue

  LocalSocket(LocalSockets& all, SocketType type, LocalSpace space);
  ~LocalSocket() override;

  // --- SocketOps: addresses come through bind_to and connect_to instead ---
  Result<> bind(const SockAddr&) override { return Errno::eafnosupport; }
  Result<> connect(const SockAddr&) override { return Errno::eafnosupport; }
  Result<> listen(int backlog) override;
  Result<std::unique_ptr<SocketOps>> accept() override;
  Result<> shutdown(ShutdownHow how) override;
  Result<size_t> send(Bytes octets, const SendOptions& options) override;
  Result<Received> receive(size_t max, const ReceiveOptions& options) override;
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override;
  Readiness readiness() const override;
  SockAddr local_name() const override { return SockAddr::local(name_.str()); }
  SockAddr peer_name() const override;
  std::string protocol_name() const override;
  size_t receive_queue() const override { return queued_; }
  size_t octets_to_read() const override { return pending_.empty() ? queued_ : pending_.size(); }
  SocketType type() const override { return type_; }

  // --- LocalSocketOps ---
  void act_as(const Credentials& caller) override { caller_ = caller; }
  Result<> bind_to(std::shared_ptr<FileNode> node, const SockAddr& name) override;
  Result<> connect_to(LocalSocketOps& other) override;
  Result<> pair_with(LocalSocketOps& other) override;
  Result<size_t> send_message(LocalSocketOps* to, Bytes octets, LocalMessage& along) override;
  Result<Received> receive_message(size_t max, const ReceiveOptions& options,
                                   LocalMessage& along) override;
  Result<Credentials> peer_credentials() const override;
  uint64_t serial() const override { return serial_; }
  uint64_t peer_serial() const override { return peer_ ? peer_->serial_ : 0; }
  void visit_files(
      const std::function<void(const std::shared_ptr<OpenFile>&)>& visit) const override;
  Files take_files() override;
  bool listening() const { return backlog_ >= 0; }
  size_t pending() const override { return pending_.size(); }
  size_t backlog() const override { return listening() ? size_t(backlog_) : 0; }

 private:
  struct Message {
    std::vector<uint8_t> octets;
    size_t read = 0;  // octets of a stream that are gone already
    SockAddr from;
    LocalMessage along;
  };

  // What a message counts in the buffer: records have an overhead, so that empty ones end too.
  size_t cost(size_t octets) const { return type_ == SocketType::stream ? octets : octets + 16; }
  bool datagram() const { return type_ == SocketType::datagram; }
  Result<> join(LocalSocket& other);
  void disconnect(Errno told);
  void lose_peer(Errno error);
  Result<size_t> send_datagram(LocalSocket* to, Bytes octets, LocalMessage& along);
  Result<size_t> send_on_connection(Bytes octets, LocalMessage& along);
  // Puts a message of `sender` into this socket's queue.
  void enqueue(LocalSocket& sender, Bytes octets, LocalMessage& along);
  Received take_stream(size_t max, bool peek, LocalMessage& along);
  Received take_record(size_t max, bool peek, LocalMessage& along);
  void take_along(Message& message, bool peek, LocalMessage& along);
  void give_room();
  void clear_queue();

  LocalSockets& all_;
  SocketType type_;
  uint64_t serial_;
  int64_t send_space_, receive_space_;
  int64_t receive_timeout_ = 0, send_timeout_ = 0;
  Credentials caller_, peer_credentials_;
  PathName name_;  // none: not bound
  std::shared_ptr<FileNode> node_;
  LocalSocket* peer_ = nullptr;        // of a datagram socket: where it sends to
  std::vector<LocalSocket*> senders_;  // datagram sockets that are connected to this one
  std::deque<Message> queue_;
  size_t queued_ = 0;
  int backlog_ = -1;  // not negative: it listens
  std::deque<std::unique_ptr<LocalSocket>> pending_;
  Errno error_ = Errno::ok;
  bool embryo_ = false;     // in a listening socket's queue
  bool connected_ = false;  // is or was
  bool cannot_send_ = false, cannot_receive_ = false;
  bool want_credentials_ = false, want_credentials_always_ = false;
  bool no_signal_ = false;
};

}  // namespace stackyard
