#include "stack/local/local_socket.h"

#include <algorithm>

#include "stack/kern/file_system.h"
#include "stack/kern/open_file.h"

namespace stackyard {

LocalSocket::LocalSocket(LocalSockets& all, SocketType type, LocalSpace space)
    : all_(all),
      type_(type),
      serial_(all.add(*this)),
      send_space_(space.send),
      receive_space_(space.receive) {}

LocalSocket::~LocalSocket() {
  if (node_) node_->bound = nullptr;
  // Clients whose connection nobody took, and datagram sockets that sent here, hear of it.
  for (auto& client : pending_) client->disconnect(Errno::econnaborted);
  pending_.clear();
  for (LocalSocket* sender : std::exchange(senders_, {})) sender->lose_peer(Errno::econnreset);
  disconnect(Errno::ok);
  clear_queue();
  all_.remove(*this);
}

void LocalSocket::clear_queue() {
  Files freed = take_files();
  queue_.clear();
  queued_ = 0;
}

// --- connections -------------------------------------------------------------------------------

Result<> LocalSocket::bind_to(std::shared_ptr<FileNode> node, const SockAddr& name) {
  if (node_) return Errno::einval;
  node_ = std::move(node);
  node_->bound = this;
  name_ = name.path;
  return {};
}

Result<> LocalSocket::listen(int backlog) {
  if (datagram()) return Errno::eopnotsupp;
  if (!node_) return peer_ ? Errno::einval : Errno::edestaddrreq;
  if (connected_) return Errno::einval;
  backlog_ = backlog < 0 || backlog > backlog_max ? backlog_max : backlog;
  peer_credentials_ = caller_;  // what LOCAL_PEERCRED shows to those who connect
  return {};
}

Result<> LocalSocket::connect_to(LocalSocketOps& ops) {
  auto& other = static_cast<LocalSocket&>(ops);
  if (other.type_ != type_) return Errno::eprototype;
  if (datagram()) {
    if (peer_) std::erase(peer_->senders_, this);
    peer_ = &other;
    other.senders_.push_back(this);
    connected_ = true;
    return {};
  }
  if (connected_) return Errno::eisconn;
  if (listening()) return Errno::eopnotsupp;
  // As many wait as sonewconn lets in: half as many again as listen(2) asked for.
  const bool full = other.pending_.size() > size_t(3 * other.backlog_ / 2);
  if (!other.listening() || full) return Errno::econnrefused;
  auto embryo = std::make_unique<LocalSocket>(all_, type_,
                                              LocalSpace{other.send_space_, other.receive_space_});
  embryo->embryo_ = true;
  embryo->name_ = other.name_;
  embryo->caller_ = other.peer_credentials_;
  embryo->want_credentials_ = other.want_credentials_;
  embryo->want_credentials_always_ = other.want_credentials_always_;
  TRY(join(*embryo));
  other.pending_.push_back(std::move(embryo));
  other.changed();
  return {};
}

Result<> LocalSocket::join(LocalSocket& other) {
  peer_ = &other;
  other.peer_ = this;
  connected_ = other.connected_ = true;
  peer_credentials_ = other.caller_;
  other.peer_credentials_ = caller_;
  return {};
}

Result<> LocalSocket::pair_with(LocalSocketOps& ops) {
  auto& other = static_cast<LocalSocket&>(ops);
  if (!datagram()) return join(other);
  TRY(connect_to(other));
  return other.connect_to(*this);
}

Result<std::unique_ptr<SocketOps>> LocalSocket::accept() {
  if (!listening()) return Errno::einval;
  if (error_ != Errno::ok) return std::exchange(error_, Errno::ok);
  if (pending_.empty()) return Errno::eagain;
  std::unique_ptr<LocalSocket> first = std::move(pending_.front());
  pending_.pop_front();
  first->embryo_ = false;
  return first;
}

// The other end stays, and learns: it reads what is there, then the end, and can send no more.
void LocalSocket::disconnect(Errno told) {
  LocalSocket* peer = std::exchange(peer_, nullptr);
  if (!peer) return;
  if (datagram())
    std::erase(peer->senders_, this);
  else
    peer->lose_peer(told);
}

void LocalSocket::lose_peer(Errno error) {
  peer_ = nullptr;
  if (datagram())
    connected_ = false;
  else
    cannot_send_ = cannot_receive_ = true;
  if (error != Errno::ok) error_ = error;
  changed();
}

Result<> LocalSocket::shutdown(ShutdownHow how) {
  if (!connected_ && !listening()) return Errno::enotconn;
  if (how != ShutdownHow::write) {
    cannot_receive_ = true;
    clear_queue();
    if (peer_ && !datagram()) peer_->changed();  // who waits for room need not any more
  }
  if (how != ShutdownHow::read) {
    cannot_send_ = true;
    if (peer_ && !datagram()) {
      peer_->cannot_receive_ = true;
      peer_->changed();
    }
  }
  changed();
  return {};
}

SockAddr LocalSocket::peer_name() const {
  return peer_ ? peer_->local_name() : SockAddr::local("");
}

std::string LocalSocket::protocol_name() const {
  return type_ == SocketType::stream ? "stream" : datagram() ? "dgram" : "seqpac";
}

Result<Credentials> LocalSocket::peer_credentials() const {
  if (datagram()) return Errno::einval;
  if (!connected_) return Errno::enotconn;
  return peer_credentials_;
}

// --- sending -----------------------------------------------------------------------------------

Result<size_t> LocalSocket::send(Bytes octets, const SendOptions&) {
  LocalMessage nothing;
  return send_message(nullptr, octets, nothing);
}

Result<size_t> LocalSocket::send_message(LocalSocketOps* to, Bytes octets, LocalMessage& along) {
  if (cannot_send_) return Errno::epipe;
  if (error_ != Errno::ok) return std::exchange(error_, Errno::ok);
  if (datagram()) return send_datagram(static_cast<LocalSocket*>(to), octets, along);
  if (to) return connected_ ? Errno::eisconn : Errno::eopnotsupp;
  return send_on_connection(octets, along);
}

Result<size_t> LocalSocket::send_datagram(LocalSocket* to, Bytes octets, LocalMessage& along) {
  if (to && peer_) return Errno::eisconn;
  if (int64_t(octets.size()) > send_space_) return Errno::emsgsize;
  LocalSocket* dest = to ? to : peer_;
  if (!dest) return Errno::enotconn;
  if (dest->type_ != type_) return Errno::eprototype;
  // Nobody waits for room at another's socket: a datagram that does not fit is refused.
  const bool fits = int64_t(dest->queued_ + cost(octets.size())) <= dest->receive_space_;
  if (!fits || dest->cannot_receive_) return Errno::enobufs;
  dest->enqueue(*this, octets, along);
  return octets.size();
}

Result<size_t> LocalSocket::send_on_connection(Bytes octets, LocalMessage& along) {
  if (!connected_) return Errno::enotconn;
  if (!peer_ || peer_->cannot_receive_) return Errno::epipe;
  const int64_t room = peer_->receive_space_ - int64_t(peer_->queued_);
  size_t count = octets.size();
  if (type_ == SocketType::seqpacket) {
    if (int64_t(count) > send_space_) return Errno::emsgsize;
    // A record that is larger than the whole buffer goes in when the buffer is empty.
    if (int64_t(count) > room && peer_->queued_ > 0) return Errno::eagain;
  } else {
    if (room <= 0) return Errno::eagain;
    count = std::min(count, size_t(room));
  }
  peer_->enqueue(*this, octets.first(count), along);
  return count;
}

void LocalSocket::enqueue(LocalSocket& sender, Bytes octets, LocalMessage& along) {
  if (want_credentials_ || want_credentials_always_) along.credentials = sender.caller_;
  if (!datagram()) want_credentials_ = false;
  all_.note_in_flight(long(along.files.size()));
  const bool append = type_ == SocketType::stream && along.empty() && !queue_.empty();
  queued_ += cost(octets.size());
  if (append) {
    Message& last = queue_.back();
    last.octets.insert(last.octets.end(), octets.begin(), octets.end());
  } else {
    queue_.push_back({.octets = {octets.begin(), octets.end()},
                      .from = sender.local_name(),
                      .along = std::exchange(along, {})});
  }
  changed();
}

// --- receiving ---------------------------------------------------------------------------------

Result<Received> LocalSocket::receive(size_t max, const ReceiveOptions& options) {
  LocalMessage dropped;
  return receive_message(max, options, dropped);
}

Result<Received> LocalSocket::receive_message(size_t max, const ReceiveOptions& options,
                                              LocalMessage& along) {
  if (!queue_.empty()) {
    Received got = type_ == SocketType::stream ? take_stream(max, options.peek, along)
                                               : take_record(max, options.peek, along);
    if (!options.peek) give_room();
    return got;
  }
  if (error_ != Errno::ok) return std::exchange(error_, Errno::ok);
  if (cannot_receive_) return Received();
  if (!datagram() && !connected_) return Errno::enotconn;
  return Errno::eagain;
}

void LocalSocket::take_along(Message& message, bool peek, LocalMessage& along) {
  along.credentials = message.along.credentials;
  if (peek) return;  // descriptors come with the message itself, once
  along.files = std::move(message.along.files);
  all_.note_in_flight(-long(along.files.size()));
  message.along = {};
}

// As much as there is, of several sends, but not beyond one that brings something along.
Received LocalSocket::take_stream(size_t max, bool peek, LocalMessage& along) {
  Received got;
  take_along(queue_.front(), peek, along);
  for (size_t n = 0, at = 0; at < queue_.size() && got.octets.size() < max; ++n) {
    Message& message = queue_[at];
    if (n > 0 && !message.along.empty()) break;
    const size_t count = std::min(max - got.octets.size(), message.octets.size() - message.read);
    const auto begin = message.octets.begin() + long(message.read);
    got.octets.insert(got.octets.end(), begin, begin + long(count));
    if (peek) {
      ++at;
      continue;
    }
    message.read += count;
    queued_ -= count;
    if (message.read < message.octets.size()) break;
    queue_.pop_front();
  }
  got.length = got.octets.size();
  return got;
}

Received LocalSocket::take_record(size_t max, bool peek, LocalMessage& along) {
  Message& message = queue_.front();
  Received got;
  take_along(message, peek, along);
  got.length = message.octets.size();
  got.from = message.from;
  got.octets = peek ? message.octets : std::move(message.octets);
  if (got.octets.size() > max) got.octets.resize(max);
  if (peek) return got;
  queued_ -= cost(got.length);
  queue_.pop_front();
  return got;
}

void LocalSocket::give_room() {
  if (peer_ && !datagram()) peer_->changed();
}

Readiness LocalSocket::readiness() const {
  if (listening()) return {.readable = !pending_.empty() || error_ != Errno::ok};
  const bool broken = error_ != Errno::ok;
  Readiness ready;
  ready.readable = !queue_.empty() || cannot_receive_ || broken;
  ready.hang_up = connected_ && !datagram() && !peer_;
  if (datagram())
    ready.writable = true;
  else if (connected_)
    ready.writable = cannot_send_ || broken || !peer_ || peer_->cannot_receive_ ||
                     int64_t(peer_->queued_) < peer_->receive_space_;
  return ready;
}

// --- descriptors in flight ---------------------------------------------------------------------

void LocalSocket::visit_files(
    const std::function<void(const std::shared_ptr<OpenFile>&)>& visit) const {
  if (embryo_) return;  // what waits for an embryo counts as its listener's
  const auto queue_of = [&](const LocalSocket& socket) {
    for (const Message& message : socket.queue_)
      for (const auto& file : message.along.files) visit(file);
  };
  queue_of(*this);
  for (const auto& client : pending_) queue_of(*client);
}

LocalSocketOps::Files LocalSocket::take_files() {
  Files taken;
  const auto from_queue = [&](LocalSocket& socket) {
    for (Message& message : socket.queue_)
      for (auto& file : std::exchange(message.along.files, {})) taken.push_back(std::move(file));
  };
  from_queue(*this);
  for (const auto& client : pending_) from_queue(*client);
  all_.note_in_flight(-long(taken.size()));
  return taken;
}

// --- options -----------------------------------------------------------------------------------

Result<> LocalSocket::set_option(SocketOption option, const OptionValue& value) {
  const int64_t n = value.number;
  switch (option) {
    case SocketOption::so_rcvbuf:
    case SocketOption::so_sndbuf:
      if (n < 1) return Errno::einval;
      if (n > 2 * 1024 * 1024) return Errno::enobufs;  // kern.ipc.maxsockbuf
      (option == SocketOption::so_rcvbuf ? receive_space_ : send_space_) = n;
      return {};
    case SocketOption::so_rcvtimeo:
      receive_timeout_ = n;
      return {};
    case SocketOption::so_sndtimeo:
      send_timeout_ = n;
      return {};
    case SocketOption::so_nosigpipe:
      no_signal_ = n;
      return {};
    case SocketOption::local_creds:
      want_credentials_ = n;
      return {};
    case SocketOption::local_creds_persistent:
      want_credentials_always_ = n;
      return {};
    case SocketOption::so_reuseaddr:
    case SocketOption::so_reuseport:
    case SocketOption::so_broadcast:
    case SocketOption::so_dontroute:
    case SocketOption::so_setfib:
      return {};  // of the socket layer: any socket takes them
    default:
      return Errno::enoprotoopt;
  }
}

Result<OptionValue> LocalSocket::get_option(SocketOption option) {
  switch (option) {
    case SocketOption::so_rcvbuf:
      return OptionValue(receive_space_);
    case SocketOption::so_sndbuf:
      return OptionValue(send_space_);
    case SocketOption::so_rcvtimeo:
      return OptionValue(receive_timeout_);
    case SocketOption::so_sndtimeo:
      return OptionValue(send_timeout_);
    case SocketOption::so_nosigpipe:
      return OptionValue(no_signal_);
    case SocketOption::so_error:
      return OptionValue(int64_t(std::exchange(error_, Errno::ok)));
    case SocketOption::so_type:
      return OptionValue(int64_t(type_));
    case SocketOption::so_acceptconn:
      return OptionValue(listening());
    case SocketOption::local_creds:
      return OptionValue(want_credentials_);
    case SocketOption::local_creds_persistent:
      return OptionValue(want_credentials_always_);
    default:
      return Errno::enoprotoopt;
  }
}

}  // namespace stackyard
