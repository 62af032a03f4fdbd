// stack/tcp/urgent.cpp - urgent data (RFC 9293 s3.8.5, RFC 6093): one octet out of band, as BSD's
// sockets have it.
//
// The octet stays in the stream; reading stops before it, and then skips it, unless SO_OOBINLINE
// wants it where it is. The pointer is that of RFC 6093: behind the octet.
#include <algorithm>

#include "stack/tcp/tcp.h"

namespace stackyard {

Result<size_t> TcpConnection::send_urgent(Bytes octets) {
  if (!urgent()) parts().urgent = std::make_unique<TcpUrgent>();
  const TcpUrgent before = *urgent();
  // Known before anything is sent, so that the first segment points there.
  urgent()->sending = true;
  urgent()->snd_up = fin_seq() + uint32_t(octets.size());
  const Result<size_t> taken = send(octets);
  if (!taken || *taken < octets.size()) *urgent() = before;
  return taken;
}

void TcpConnection::point_out_urgent(const Piece& piece, uint8_t& flags, uint16_t& pointer) {
  if (!urgent() || !urgent()->sending) return;
  if (urgent()->snd_up <= snd_una_) {
    urgent()->sending = false;
    return;
  }
  if (urgent()->snd_up <= piece.seq) return;
  flags |= tcp_flag::urg;
  pointer = uint16_t(std::min(uint32_t(urgent()->snd_up - piece.seq), 65535u));
}

void TcpConnection::take_urgent(const TcpSegment& segment) {
  if (!segment.has(tcp_flag::urg) || segment.urgent == 0 || fin_received()) return;
  const Seq up = segment.seq + segment.urgent;
  if (!urgent()) parts().urgent = std::make_unique<TcpUrgent>();
  if (urgent()->announced && up <= urgent()->rcv_up) return;
  if (up <= rcv_nxt_ - uint32_t(received_.octets())) return;  // read long ago
  urgent()->announced = true;
  urgent()->has_octet = false;
  urgent()->rcv_up = up;
  changed();
}

// Where the first octet that was not read is in the sequence.
Seq TcpConnection::unread_seq() const {
  return rcv_nxt_ - (fin_received() ? 1 : 0) - uint32_t(received_.octets());
}

// How much may be read before the urgent octet; takes that out when it is next.
size_t TcpConnection::readable_before_mark(size_t most) {
  if (!urgent() || !urgent()->announced || options.urgent_inline) return most;
  const int32_t before = (urgent()->rcv_up - 1) - unread_seq();
  if (before > 0) return std::min(most, size_t(before));
  if (before == 0 && received_.octets() > 0) {
    received_.consume(1, [&](Bytes part) { urgent()->octet = part[0]; });
    urgent()->has_octet = true;
  }
  urgent()->announced = false;
  return std::min(most, received_.octets());
}

// sockatmark(3): what would be read next lies behind the urgent octet.
bool TcpConnection::at_mark() const {
  if (!urgent()) return false;
  if (urgent()->announced) return urgent()->rcv_up - 1 == unread_seq();
  return urgent()->rcv_up == unread_seq();
}

// MSG_OOB. EINVAL: there is none, or it was read; EAGAIN: it is announced and not yet here.
Result<Received> TcpConnection::receive_urgent(bool peek) {
  if (!urgent() || options.urgent_inline) return Errno::einval;
  Received result;
  result.length = 1;
  result.from = name_of(foreign_, family);
  if (urgent()->has_octet) {
    result.octets.push_back(urgent()->octet);
    urgent()->has_octet = peek;
    return result;
  }
  if (!urgent()->announced) return Errno::einval;
  const int32_t before = (urgent()->rcv_up - 1) - unread_seq();
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
