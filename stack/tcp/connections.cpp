// stack/tcp/connections.cpp - the connections of a vnet, and which of them a segment belongs to.
#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_socket.h"

namespace stackyard {

TcpConnection& Tcp::make_connection() {
  auto* connection = new TcpConnection(*this);
  connection->next_ = connections_;
  if (connections_) connections_->previous_ = connection;
  connections_ = connection;
  return *connection;
}

void Tcp::release(TcpConnection& connection) {
  if (!connection.done()) return;
  pcbs_.remove(connection);
  (connection.previous_ ? connection.previous_->next_ : connections_) = connection.next_;
  if (connection.next_) connection.next_->previous_ = connection.previous_;
  delete &connection;
}

void Tcp::settle(TcpConnection& connection) {
  if (connection.held_ && connection.filter_lets_in()) {
    TcpListener& listener = *connection.queued_by_;
    listener.let_in(connection);
    return settle(listener.own());
  }
  if (connection.done()) return release(connection);
  if (std::exchange(connection.changed_, false) && connection.socket_)
    connection.socket_->connection_changed();
}

Result<std::unique_ptr<SocketOps>> Tcp::create_socket(IpFamily family) {
  if (!ip_.output(family)) return Errno::eafnosupport;
  TcpConnection& connection = make_connection();
  connection.family = family == IpFamily::v4 ? PcbFamily::v4 : PcbFamily::v6;
  if (family == IpFamily::v6 && !ip_.settings().v6only) connection.family = PcbFamily::both;
  connection.local_.address = IpAddress::any(family);
  return std::unique_ptr<SocketOps>(std::make_unique<TcpSocket>(connection));
}

TcpConnection* Tcp::find(const TcpEnds& ends) const {
  return static_cast<TcpConnection*>(pcbs_.lookup_connected(ends.local, ends.foreign));
}

TcpConnection* Tcp::find_listener(const TcpEnds& ends) const {
  auto* found = static_cast<TcpConnection*>(pcbs_.lookup_bound(ends.local, ends.foreign));
  return found && found->state_ == TcpState::listen ? found : nullptr;
}

// in_pcbconnect(9).
Result<> Tcp::connect(TcpConnection& connection, Endpoint foreign) {
  IpOutput* output = ip_.output(foreign.address.family());
  if (!output) return Errno::enetunreach;
  if (foreign.address.is_multicast()) return Errno::eafnosupport;
  if (output->is_broadcast(foreign.address)) return Errno::eacces;
  if (connection.jail != 0 && foreign.address.is_loopback())
    TRY(ip_.confine(connection.jail, foreign.address));
  IpAddress local = connection.local().address;
  if (local.is_any() || local.family() != foreign.address.family()) {
    const IpSend way{.dest = foreign.address,
                     .fib = connection.options.fib,
                     .dont_route = connection.options.dont_route};
    local = TRY(ip_.source_for(connection.jail, way));
  }
  return pcbs_.connect(connection, local, foreign);
}

Result<> Tcp::drop_connection(const TcpEnds& ends) {
  TcpConnection* connection = find(ends);
  if (!connection) return Errno::esrch;
  connection->abort(Errno::econnaborted);
  settle(*connection);
  return {};
}

}  // namespace stackyard
