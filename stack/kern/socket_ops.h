// stack/kern/socket_ops.h - one socket's calls, for processes and for callback sockets alike.
#pragma once

#include <string>

#include <memory>

#include "core/packet/packet.h"
#include "stack/sys/types.h"

namespace stackyard {

class LocalSocketOps;

// Hears that a socket's readiness may have changed. A process's descriptor is one, a tunnel
// another.
class SocketListener {
 public:
  virtual ~SocketListener() = default;
  virtual void socket_changed() = 0;
};

// None of these blocks: EAGAIN says that a process would have to wait.
class SocketOps {
 public:
  virtual ~SocketOps() = default;
  void listen_to(SocketListener* listener) { listener_ = listener; }

  // It was made in a jail that shares its stack, and has that jail's addresses only.
  virtual void set_jail(int /* jid */) {}
  // Who made it: messages of routing sockets tell.
  virtual void set_owner(Pid) {}
  virtual Result<> bind(const SockAddr& address) = 0;
  // EINPROGRESS: `connect_result` tells when it is done.
  virtual Result<> connect(const SockAddr& address) = 0;
  virtual Result<> connect_result() { return {}; }  // EAGAIN: still under way
  virtual Result<> listen(int) { return Errno::eopnotsupp; }
  virtual Result<std::unique_ptr<SocketOps>> accept() { return Errno::einval; }
  // How long close(2) waits until the peer has everything (SO_LINGER); 0: not at all.
  virtual SimTime linger() const { return {}; }
  // Begins it; EAGAIN: the peer has not everything yet.
  virtual Result<> disconnect() { return {}; }
  virtual Result<> shutdown(ShutdownHow) { return Errno::enotconn; }
  virtual Result<size_t> send(Bytes octets, const SendOptions& options) = 0;
  virtual Result<Received> receive(size_t max, const ReceiveOptions& options) = 0;
  virtual Result<> set_option(SocketOption option, const OptionValue& value) = 0;
  virtual Result<OptionValue> get_option(SocketOption option) = 0;
  virtual Readiness readiness() const = 0;
  virtual SockAddr local_name() const = 0;
  virtual SockAddr peer_name() const = 0;
  virtual std::string protocol_name() const = 0;  // sockstat's: "udp4"
  virtual size_t receive_queue() const { return 0; }
  // Without what is not data: senders' addresses; of a listening socket, connections to accept.
  virtual size_t octets_to_read() const { return receive_queue(); }
  virtual size_t send_queue() const { return 0; }
  virtual std::string state_name() const { return ""; }  // of a connection: "ESTABLISHED"
  virtual SocketType type() const = 0;
  virtual LocalSocketOps* local() { return nullptr; }  // of a unix-domain socket: itself

 protected:
  void changed() {
    if (listener_) listener_->socket_changed();
  }

 private:
  SocketListener* listener_ = nullptr;
};

}  // namespace stackyard
