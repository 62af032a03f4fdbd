// stack/tcp/urgent.cpp - urgent data (RFC 9293 s3.8.5, RFC 6093): one octet out of band, as BSD's
// sockets have it.
//
// The octet stays in the stream; reading stops before it, and then skips it, unless SO_OOBINLINE
// wants it where it is. The pointer is that of RFC 6093: behind the octet.
#include <algorithm>

#include "stack/tcp/tcp.h"

namespace stackyard {

Result<size_t> TcpConnection::send_urgent(Bytes octets) {
  if (!urgent_) urgent_ = std::make_unique<TcpUrgent>();
  const TcpUrgent before = *urgent_;
  // Known before anything is sent, so that the first segment points there.
  urgent_->sending = true;
  urgent_->snd_up = fin_seq() + uint32_t(octets.size());
  const Result<size_t> taken = send(octets);
  if (!taken || *taken < octets.size()) *urgent_ = before;
  return taken;
}

void TcpConnection::point_out_urgent(const Piece& piece, uint8_t& flags, uint16_t& pointer) {
  if (!urgent_ || !urgent_->sending) return;
  if (urgent_->snd_up <= snd_una_) {
    urgent_->sending = false;
    return;
  }
  if (urgent_->snd_up <= piece.seq) return;
  flags |= tcp_flag::urg;
  pointer = uint16_t(std::min(uint32_t(urgent_->snd_up - piece.seq), 65535u));
}

void TcpConnection::take_urgent(const TcpSegment& segment) {
  if (!segment.has(tcp_flag::urg) || segment.urgent == 0 || fin_received()) return;
  const Seq up = segment.seq + segment.urgent;
  if (!urgent_) urgent_ = std::make_unique<TcpUrgent>();
  if (urgent_->announced && up <= urgent_->rcv_up) return;
  if (up <= rcv_nxt_ - uint32_t(received_.octets())) return;  // read long ago
  urgent_->announced = true;
  urgent_->has_octet = false;
  urgent_->rcv_up = up;
  changed();
}

// Where the first octet that was not read is in the sequence.
Seq TcpConnection::unread_seq() const {
  return rcv_nxt_ - (fin_received() ? 1 : 0) - uint32_t(received_.octets());
}

// How much may be read before the urgent octet; takes that out when it is next.
size_t TcpConnection::readable_before_mark(size_t most) {
  if (!urgent_ || !urgent_->announced || options.urgent_inline) return most;
  const int32_t before = (urgent_->rcv_up - 1) - unread_seq();
  if (before > 0) return std::min(most, size_t(before));
  if (before == 0 && received_.octets() > 0) {
    received_.consume(1, [&](Bytes part) { urgent_->octet = part[0]; });
    urgent_->has_octet = true;
  }
  urgent_->announced = false;
  return std::min(most, received_.octets());
}

// sockatmark(3): what would be read next lies behind the urgent octet.
bool TcpConnection::at_mark() const {
  if (!urgent_) return false;
  if (urgent_->announced) return urgent_->rcv_up - 1 == unread_seq();
  return urgent_->rcv_up == unread_seq();
}

// MSG_OOB. EINVAL: there is none, or it was read; EAGAIN: it is announced and not yet here.
Result<Received> TcpConnection::receive_urgent(bool peek) {
  if (!urgent_ || options.urgent_inline) return Errno::einval;
  Received result;
  result.length = 1;
  result.from = name_of(foreign_, family);
  if (urgent_->has_octet) {
    result.octets.push_back(urgent_->octet);
    urgent_->has_octet = peek;
    return result;
  }
  if (!urgent_->announced) return Errno::einval;
  const int32_t before = (urgent_->rcv_up - 1) - unread_seq();
  if (before < 0) return Errno::einval;
  if (size_t(before) >= received_.octets()) return Errno::eagain;
  size_t at = 0;
  received_.look(size_t(before) + 1, [&](Bytes part) {
    at += part.size();
    if (at == size_t(before) + 1) result.octets.assign(1, part.back());
  });
  return result;
}

}  // namespace stackyard
