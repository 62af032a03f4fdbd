// stack/tcp/connections.cpp - which connection a segment or a port belongs to (in_pcb(9)).
#include <algorithm>

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
  leave(connection);
  (connection.previous_ ? connection.previous_->next_ : connections_) = connection.next_;
  if (connection.next_) connection.next_->previous_ = connection.previous_;
  delete &connection;
}

std::unique_ptr<SocketOps> Tcp::create_socket() {
  return std::make_unique<TcpSocket>(*this, make_connection());
}

// --- the table ---------------------------------------------------------------------------------

void Tcp::enter_table(TcpConnection& connection) {
  if (in_table_ >= buckets_.size()) grow_table();
  TcpConnection*& head = buckets_[bucket_of(connection.ends_)];
  connection.next_in_bucket_ = head;
  head = &connection;
  connection.in_table_ = true;
  ++in_table_;
}

void Tcp::leave_table(TcpConnection& connection) {
  if (!connection.in_table_) return;
  TcpConnection** at = &buckets_[bucket_of(connection.ends_)];
  while (*at != &connection) at = &(*at)->next_in_bucket_;
  *at = connection.next_in_bucket_;
  connection.in_table_ = false;
  --in_table_;
}

void Tcp::grow_table() {
  buckets_.assign(std::max<size_t>(buckets_.size() * 2, 8), nullptr);
  for_each([&](TcpConnection& c) {
    if (!c.in_table_) return;
    TcpConnection*& head = buckets_[bucket_of(c.ends_)];
    c.next_in_bucket_ = head;
    head = &c;
  });
}

TcpConnection* Tcp::find(const TcpEnds& ends) const {
  if (buckets_.empty()) return nullptr;
  TcpConnection* at = buckets_[bucket_of(ends)];
  while (at && at->ends_ != ends) at = at->next_in_bucket_;
  return at;
}

TcpConnection* Tcp::find_listener(const TcpEnds& ends) const {
  const auto port = ports_.find(ends.local_port);
  if (port == ports_.end()) return nullptr;
  TcpConnection* any = nullptr;
  for (TcpConnection* c = port->second.unconnected; c; c = c->next_at_port_) {
    if (c->state_ != TcpState::listen) continue;
    if (c->ends_.local == ends.local) return c;  // the more specific address wins
    if (c->ends_.local.is_any() && !any) any = c;
  }
  return any;
}

void Tcp::leave_port(TcpConnection& connection) {
  if (!connection.place_at_port_) return;
  *connection.place_at_port_ = connection.next_at_port_;
  if (connection.next_at_port_)
    connection.next_at_port_->place_at_port_ = connection.place_at_port_;
  connection.place_at_port_ = nullptr;
  connection.next_at_port_ = nullptr;
  const auto port = ports_.find(connection.ends_.local_port);
  if (!port->second.connected && !port->second.unconnected) ports_.erase(port);
}

// The names stay, for getsockname(2); nothing finds it by them any more.
void Tcp::leave(TcpConnection& connection) {
  leave_table(connection);
  leave_port(connection);
}

void Tcp::set_ends(TcpConnection& connection, const TcpEnds& ends) {
  leave(connection);
  connection.ends_ = ends;
  Port& port = ports_[ends.local_port];
  TcpConnection*& head = ends.foreign_port ? port.connected : port.unconnected;
  connection.next_at_port_ = head;
  if (head) head->place_at_port_ = &connection.next_at_port_;
  connection.place_at_port_ = &head;
  head = &connection;
  if (ends.foreign_port) enter_table(connection);
}

// --- ports -------------------------------------------------------------------------------------

// in_pcbbind(9): SO_REUSEADDR looks past connections and wildcards, but two sockets with the very
// same name both need SO_REUSEPORT.
bool Tcp::port_taken(const TcpConnection& by, Ipv4Address address, uint16_t number) const {
  const auto port = ports_.find(number);
  if (port == ports_.end()) return false;
  const bool reuses = by.options.reuse_address || by.options.reuse_port;
  const auto conflicts = [&](const TcpConnection& other) {
    const Ipv4Address theirs = other.ends_.local;
    if (reuses) return theirs == address && !(by.options.reuse_port && other.options.reuse_port);
    return theirs == address || theirs.is_any() || address.is_any();
  };
  for (TcpConnection* c = port->second.unconnected; c; c = c->next_at_port_)
    if (conflicts(*c)) return true;
  if (reuses) return false;
  for (TcpConnection* c = port->second.connected; c; c = c->next_at_port_)
    if (conflicts(*c)) return true;
  return false;
}

// RFC 6056 s3.3.1: random, then the next that is free. To one peer each port can be used once.
Result<uint16_t> Tcp::free_port(const TcpConnection& by, const TcpEnds& ends) {
  const auto& s = inet_.settings();
  const int64_t first = std::min(s.portrange_first, s.portrange_last);
  const int64_t count = std::max(s.portrange_first, s.portrange_last) - first + 1;
  const int64_t start =
      s.portrange_randomized ? int64_t(random_.below(uint64_t(count))) : next_port_++;
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t number = uint16_t(first + (start + i) % count);
    const auto port = ports_.find(number);
    if (port == ports_.end()) return number;
    TcpEnds wanted = ends;
    wanted.local_port = number;
    const bool free = ends.foreign_port ? !port->second.unconnected && !find(wanted)
                                        : !port_taken(by, ends.local, number);
    if (free) return number;
  }
  return Errno::eaddrnotavail;
}

Result<> Tcp::bind(TcpConnection& connection, const SockAddr& address) {
  const Ipv4Address ip = address.address;
  if (ip.is_multicast()) return Errno::eafnosupport;
  if (!ip.is_any() && !inet_.is_local(ip)) return Errno::eaddrnotavail;
  TcpEnds ends{.local = ip, .local_port = address.port};
  if (ends.local_port == 0)
    ends.local_port = TRY(free_port(connection, ends));
  else if (port_taken(connection, ip, ends.local_port))
    return Errno::eaddrinuse;
  set_ends(connection, ends);
  return {};
}

// in_pcbconnect(9).
Result<> Tcp::bind_for(TcpConnection& connection, TcpEnds ends) {
  const IpSend way{.dest = ends.foreign,
                   .fib = connection.options.fib,
                   .dont_route = connection.options.dont_route};
  if (inet_.is_broadcast(ends.foreign)) return Errno::eacces;
  if (ends.local.is_any()) ends.local = TRY(inet_.source_for(way));
  if (ends.local_port == 0)
    ends.local_port = TRY(free_port(connection, ends));
  else if (find(ends))
    return Errno::eaddrinuse;
  set_ends(connection, ends);
  return {};
}

Result<> Tcp::drop_connection(const TcpEnds& ends) {
  TcpConnection* connection = find(ends);
  if (!connection) return Errno::esrch;
  connection->abort(Errno::econnaborted);
  release(*connection);
  return {};
}

}  // namespace stackyard
