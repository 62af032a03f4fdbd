// stack/kern/socket_ops.h - one socket's calls, for processes and for callback sockets alike.
#pragma once

#include <string>

#include "core/packet/packet.h"
#include "stack/sys/types.h"

namespace stackyard {

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

  virtual Result<> bind(const SockAddr& address) = 0;
  virtual Result<> connect(const SockAddr& address) = 0;
  virtual Result<size_t> send(Bytes octets, const SendOptions& options) = 0;
  virtual Result<Received> receive(size_t max) = 0;
  virtual Result<> set_option(SocketOption option, const OptionValue& value) = 0;
  virtual Result<OptionValue> get_option(SocketOption option) = 0;
  virtual Readiness readiness() const = 0;
  virtual SockAddr local_name() const = 0;
  virtual SockAddr peer_name() const = 0;
  virtual std::string protocol_name() const = 0;  // sockstat's: "udp4"
  virtual size_t receive_queue() const { return 0; }
  virtual SocketType type() const = 0;

 protected:
  void changed() {
    if (listener_) listener_->socket_changed();
  }

 private:
  SocketListener* listener_ = nullptr;
};

}  // namespace stackyard
