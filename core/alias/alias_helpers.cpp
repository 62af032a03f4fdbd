// core/alias/alias_helpers.cpp - protocols that carry addresses in their messages: FTP (RFC 959,
// RFC 2428) and IRC's DCC.
//
// The end that a message announces gets a link that waits for its connection; the message gets the
// alias's address and port. When that changes its length, the stream's later octets move.
#include <charconv>

#include <fmt/format.h>

#include "core/alias/alias.h"
#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/tcp.h"

namespace stackyard {

namespace {

constexpr uint16_t ftp_port = 21;
constexpr uint16_t irc_ports[] = {6667, 6668};
constexpr size_t shifts_most = 3;

enum class Style : uint8_t { commas, eprt, port_only, dcc };

// An announced end, and where its text lies in the payload.
struct Announced {
  Style style;
  size_t begin, size;
  Ipv4Address address;
  uint16_t port;
};

// Reads numbers out of a text, one after the other.
class Reader {
 public:
  Reader(std::string_view text, size_t at) : text_(text), at_(at) {}
  size_t at() const { return at_; }
  bool skip(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::optional<uint32_t> number(uint32_t most) {
    uint32_t value = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc() || value > most) return std::nullopt;
    at_ = size_t(stop - text_.data());
    return value;
  }

 private:
  std::string_view text_;
  size_t at_;
};

// "10,0,0,1,4,1" from `begin` on.
std::optional<Announced> read_commas(std::string_view text, size_t begin) {
  Reader reader(text, begin);
  uint32_t parts[6];
  for (size_t i = 0; i < 6; ++i) {
    if (i > 0 && !reader.skip(',')) return std::nullopt;
    const auto part = reader.number(255);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  const Ipv4Address address{parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]};
  return Announced{Style::commas, begin, reader.at() - begin, address,
                   uint16_t(parts[4] << 8 | parts[5])};
}

// "|1|10.0.0.1|1025|", or "|||1025|" with the address of whoever says it.
std::optional<Announced> read_bars(std::string_view text, size_t begin, Ipv4Address speaker) {
  Reader start(text, begin);
  if (!start.skip('|')) return std::nullopt;
  if (start.skip('|')) {
    const bool third = start.skip('|');
    const auto port = third ? start.number(65535) : std::nullopt;
    if (!port || !start.skip('|')) return std::nullopt;
    return Announced{Style::port_only, begin, start.at() - begin, speaker, uint16_t(*port)};
  }
  if (start.number(1) != 1u || !start.skip('|')) return std::nullopt;
  const size_t end = text.find('|', start.at());
  if (end == text.npos) return std::nullopt;
  const auto address = parse_ipv4(text.substr(start.at(), end - start.at()));
  Reader rest(text, end + 1);
  const auto port = address ? rest.number(65535) : std::nullopt;
  if (!port || !rest.skip('|')) return std::nullopt;
  return Announced{Style::eprt, begin, rest.at() - begin, *address, uint16_t(*port)};
}

std::optional<Announced> read_ftp(std::string_view text, Ipv4Address speaker) {
  if (text.starts_with("PORT ")) return read_commas(text, 5);
  if (text.starts_with("EPRT ")) return read_bars(text, 5, speaker);
  const size_t open = text.find('(');
  if (open == text.npos) return std::nullopt;
  if (text.starts_with("227 ")) return read_commas(text, open + 1);
  if (text.starts_with("229 ")) return read_bars(text, open + 1, speaker);
  return std::nullopt;
}

// "\001DCC SEND file 167772161 1025": the address is one decimal number.
std::optional<Announced> read_dcc(std::string_view text) {
  const size_t start = text.find("\001DCC ");
  if (start == text.npos) return std::nullopt;
  size_t at = start + 5;
  for (int word = 0; word < 2; ++word) {  // SEND or CHAT, and a name
    at = text.find(' ', at);
    if (at == text.npos) return std::nullopt;
    ++at;
  }
  Reader reader(text, at);
  const auto address = reader.number(UINT32_MAX);
  const bool gap = address && reader.skip(' ');
  const auto port = gap ? reader.number(65535) : std::nullopt;
  if (!port) return std::nullopt;
  return Announced{Style::dcc, at, reader.at() - at, {*address}, uint16_t(*port)};
}

std::string write(Style style, Ipv4Address address, uint16_t port) {
  const uint32_t a = address.value;
  switch (style) {
    case Style::commas:
      return fmt::format("{},{},{},{},{},{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255,
                         port >> 8, port & 255);
    case Style::eprt:
      return fmt::format("|1|{}|{}|", to_text(address), port);
    case Style::port_only:
      return fmt::format("|||{}|", port);
    case Style::dcc:
      return fmt::format("{} {}", a, port);
  }
  return {};
}

int32_t shift_at(const std::vector<StreamShift>& shifts, Seq sequence) {
  for (size_t i = shifts.size(); i-- > 0;)
    if (sequence >= Seq{shifts[i].from}) return shifts[i].total;
  return shifts.empty() ? 0 : shifts.front().before;
}

void finish_tcp(MutableBytes octets) {
  const auto ip = load<Ipv4Header>(octets);
  const MutableBytes segment = octets.subspan(ip.header_size());
  store(be16(0), segment.subspan(16));
  const uint64_t pseudo =
      ipv4_pseudo_sum(ip.source_address(), ip.dest_address(), ip_protocol::tcp, segment.size());
  store(be16(internet_checksum(segment, pseudo)), segment.subspan(16));
}

void replace_payload(Packet& packet, const Ipv4Header& ip, size_t headers, std::string_view text) {
  packet.trim_to(headers);
  packet.append({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  const MutableBytes octets = packet.writable();
  store(be16(uint16_t(octets.size())), octets.subspan(2));
  finish_ipv4_header(octets.first(ip.header_size()));
}

}  // namespace

std::optional<uint16_t> Alias::expect(const AliasLink& control, Ipv4Address local, uint16_t port) {
  const LinkEnds& c = control.ends;
  if (const AliasLink* link = links_.find_out(local, port, c.remote, 0, ip_protocol::tcp))
    return link->ends.alias_port;  // the message is sent again
  LinkEnds ends{local, c.remote, alias_address(control), port, 0, 0, ip_protocol::tcp};
  const auto free = free_port(ends);
  if (!free) return std::nullopt;
  ends.alias_port = *free;
  if (!links_.add(ends, LinkLife::opening, now_)) return std::nullopt;
  return free;
}

void Alias::help_out(Packet& packet, AliasLink& link) {
  const uint16_t remote = link.ends.remote_port, local = link.ends.local_port;
  const bool ftp = remote == ftp_port || local == ftp_port;
  const bool irc = remote == irc_ports[0] || remote == irc_ports[1];
  if (!ftp && !irc && !link.shifts) return;

  const Bytes octets = packet.octets();
  const auto ip = load<Ipv4Header>(octets);
  auto tcp = load<TcpHeader>(octets.subspan(ip.header_size()));
  const size_t headers = ip.header_size() + tcp.header_size();
  if (headers > octets.size() || ip.total_length != octets.size() || ip.is_fragment()) return;
  const Bytes payload = octets.subspan(headers);
  std::string text(payload.begin(), payload.end());
  const Seq sequence{tcp.sequence};
  const int32_t moved = link.shifts ? shift_at(*link.shifts, sequence) : 0;

  const auto found = !ftp && !irc ? std::nullopt
                     : ftp        ? read_ftp(text, link.ends.local)
                                  : read_dcc(text);
  // Only for itself does an end open a way in: no bouncing (RFC 2577).
  if (found && found->address == link.ends.local && found->port != 0) {
    if (const auto port = expect(link, found->address, found->port)) {
      const std::string now = write(found->style, alias_address(link), *port);
      const int32_t change = int32_t(now.size()) - int32_t(found->size);
      const Seq behind = sequence + uint32_t(text.size());
      text.replace(found->begin, found->size, now);
      replace_payload(packet, ip, headers, text);
      const bool again =
          link.shifts && !link.shifts->empty() && behind <= Seq{link.shifts->back().from};
      if (change != 0 && !again) {
        if (!link.shifts) link.shifts = std::make_unique<std::vector<StreamShift>>();
        if (link.shifts->size() == shifts_most) link.shifts->erase(link.shifts->begin());
        link.shifts->push_back({behind.value, moved, moved + change});
      }
    }
  }
  const MutableBytes all = packet.writable();
  tcp.sequence = tcp.sequence + uint32_t(moved);
  tcp.source_port = load<be16>(all.subspan(ip.header_size()));
  store(tcp, all.subspan(ip.header_size()));
  packet.clear_deferred();
  finish_tcp(all);
}

void Alias::help_in(Packet& packet, const AliasLink& link) {
  const MutableBytes all = packet.writable();
  const auto ip = load<Ipv4Header>(all);
  auto tcp = load<TcpHeader>(all.subspan(ip.header_size()));
  int32_t moved = link.shifts->empty() ? 0 : link.shifts->front().before;
  for (const StreamShift& shift : *link.shifts)
    if (Seq{tcp.acknowledgment} - uint32_t(shift.total) >= Seq{shift.from}) moved = shift.total;
  if (moved == 0 || ip.is_fragment()) return;
  tcp.acknowledgment = tcp.acknowledgment - uint32_t(moved);
  store(tcp, all.subspan(ip.header_size()));
  packet.clear_deferred();
  finish_tcp(all);
}

}  // namespace stackyard
