// stack/tcp/tcp_socket.h - one TCP socket: calls and options; the connection outlives it.
#pragma once

#include <optional>

#include "stack/kern/socket_ops.h"
#include "stack/tcp/connection.h"

namespace stackyard {

// sockstat(1)'s: "tcp4", "tcp6" or "tcp46".
std::string tcp_protocol_name(PcbFamily family);

class TcpSocket final : public SocketOps {
 public:
  explicit TcpSocket(TcpConnection& connection);
  ~TcpSocket() override;

  Result<> bind(const SockAddr& address) override;
  Result<> connect(const SockAddr& address) override;
  Result<> connect_result() override { return connection_.connect_result(); }
  Result<> listen(int backlog) override;
  Result<std::unique_ptr<SocketOps>> accept() override;
  SimTime linger() const override;
  Result<> disconnect() override;
  Result<> shutdown(ShutdownHow how) override;
  Result<size_t> send(Bytes octets, const SendOptions& options) override;
  Result<Received> receive(size_t max, const ReceiveOptions& options) override {
    if (options.out_of_band) return connection_.receive_urgent(options.peek);
    return connection_.receive(max, options.peek);
  }
  Result<> set_option(SocketOption option, const OptionValue& value) override;
  Result<OptionValue> get_option(SocketOption option) override;
  Readiness readiness() const override;
  SockAddr local_name() const override;
  SockAddr peer_name() const override;
  std::string protocol_name() const override;
  void set_jail(int jid) override { connection_.jail = jid; }
  size_t receive_queue() const override { return connection_.received_octets(); }
  size_t send_queue() const override { return connection_.unsent_octets(); }
  std::string state_name() const override { return tcp_state_name(connection_.state()); }
  SocketType type() const override { return SocketType::stream; }

  void connection_changed() { changed(); }

 private:
  Result<> set_fast_open(const OptionValue& value);
  Result<> set_number(SocketOption option, int64_t n);
  Result<> set_tcp_number(SocketOption option, int64_t n);
  std::optional<int64_t> socket_number(SocketOption option);
  std::optional<int64_t> level_number(SocketOption option) const;

  Tcp& tcp() const { return connection_.tcp_; }

  TcpConnection& connection_;
};

}  // namespace stackyard
