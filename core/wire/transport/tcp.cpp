#include "core/wire/transport/tcp.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

namespace {

struct RawOption {
  uint8_t kind;
  Bytes value;
};

// Calls `visit` for each option but padding; false: the list is malformed from there on.
template <class Visit>
bool for_each_tcp_option(Bytes octets, Visit visit) {
  for (size_t at = 0; at < octets.size();) {
    const uint8_t kind = octets[at];
    if (kind == tcp_option::end) {
      visit(RawOption{kind, {}});
      return true;
    }
    if (kind == tcp_option::nop) {
      visit(RawOption{kind, {}});
      ++at;
      continue;
    }
    if (at + 1 >= octets.size()) return false;
    const size_t length = octets[at + 1];
    if (length < 2 || at + length > octets.size()) return false;
    visit(RawOption{kind, octets.subspan(at + 2, length - 2)});
    at += length;
  }
  return true;
}

uint32_t number_at(Bytes octets, size_t at) { return load<be32>(octets.subspan(at)); }

void read_option(const RawOption& option, TcpOptions& options) {
  const Bytes value = option.value;
  switch (option.kind) {
    case tcp_option::mss:
      if (value.size() == 2) options.mss = uint16_t(load<be16>(value));
      break;
    case tcp_option::window_scale:
      // RFC 7323 s2.3: larger shifts count as 14.
      if (value.size() == 1) options.window_scale = std::min<uint8_t>(value[0], 14);
      break;
    case tcp_option::sack_permitted:
      if (value.empty()) options.sack_permitted = true;
      break;
    case tcp_option::timestamps:
      if (value.size() == 8) options.timestamps = {number_at(value, 0), number_at(value, 4)};
      break;
    case tcp_option::sack:
      if (value.empty() || value.size() % 8 != 0) break;
      options.sack_count = uint8_t(std::min<size_t>(value.size() / 8, options.sack.size()));
      for (size_t i = 0; i < options.sack_count; ++i)
        options.sack[i] = {{number_at(value, i * 8)}, {number_at(value, i * 8 + 4)}};
      break;
    case tcp_option::signature:
      if (value.size() != options.signature.size()) break;
      options.has_signature = true;
      std::copy(value.begin(), value.end(), options.signature.begin());
      break;
    case tcp_option::fast_open:
      // RFC 7413 s4.1.1: none, or 4 to 16 octets and an even count.
      if (value.size() > options.cookie.size() || value.size() % 2 != 0 || value.size() == 2) break;
      options.has_fast_open = true;
      options.cookie_length = uint8_t(value.size());
      std::copy(value.begin(), value.end(), options.cookie.begin());
      break;
    default:
      break;
  }
}

// Writes, or only counts when there is no room given.
class OptionWriter {
 public:
  explicit OptionWriter(MutableBytes to) : to_(to) {}
  size_t size() const { return at_; }
  void octet(uint8_t value) {
    if (at_ < to_.size()) to_[at_] = value;
    ++at_;
  }
  // FreeBSD's alignment: no-operations until the option begins `rest` octets after a word.
  void pad_to(size_t word, size_t rest) {
    while (at_ == 0 ? rest != 0 : at_ % word != rest) octet(tcp_option::nop);
  }
  void begin(uint8_t kind, size_t length) {
    octet(kind);
    octet(uint8_t(length));
  }
  void number(uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) octet(uint8_t(value >> shift));
  }

 private:
  MutableBytes to_;
  size_t at_ = 0;
};

void write_options(const TcpOptions& o, OptionWriter& out) {
  if (o.mss) {
    out.begin(tcp_option::mss, 4);
    out.octet(uint8_t(*o.mss >> 8));
    out.octet(uint8_t(*o.mss));
  }
  if (o.window_scale) {
    out.pad_to(2, 1);
    out.begin(tcp_option::window_scale, 3);
    out.octet(*o.window_scale);
  }
  if (o.sack_permitted) {
    out.pad_to(2, 0);
    out.begin(tcp_option::sack_permitted, 2);
  }
  if (o.timestamps) {
    out.pad_to(4, 2);
    out.begin(tcp_option::timestamps, 10);
    out.number(o.timestamps->value);
    out.number(o.timestamps->echo);
  }
  if (o.has_signature) {
    out.pad_to(4, 2);
    out.begin(tcp_option::signature, 18);
    for (uint8_t octet : o.signature) out.octet(octet);
  }
  if (o.sack_count > 0) {
    const size_t start = (out.size() + 3) / 4 * 4 + 4;
    const size_t fit = start < tcp_option::space_max ? (tcp_option::space_max - start) / 8 : 0;
    const size_t count = std::min<size_t>(o.sack_count, fit);
    if (count > 0) {
      out.pad_to(4, 2);
      out.begin(tcp_option::sack, 2 + count * 8);
      for (size_t i = 0; i < count; ++i) {
        out.number(o.sack[i].begin.value);
        out.number(o.sack[i].end.value);
      }
    }
  }
  if (o.has_fast_open && out.size() + 2 + o.cookie_length <= tcp_option::space_max) {
    out.begin(tcp_option::fast_open, 2 + size_t(o.cookie_length));
    for (size_t i = 0; i < o.cookie_length; ++i) out.octet(o.cookie[i]);
  }
  while (out.size() % 4 != 0) out.octet(tcp_option::end);
}

}  // namespace

TcpOptions parse_tcp_options(Bytes octets) {
  TcpOptions options;
  // What almost every segment carries (RFC 7323 appendix A).
  if (octets.size() == tcp_option::timestamps_size && number_at(octets, 0) == 0x0101080a)
      [[likely]] {
    options.timestamps = {number_at(octets, 4), number_at(octets, 8)};
    return options;
  }
  for_each_tcp_option(octets, [&](const RawOption& option) { read_option(option, options); });
  return options;
}

Parsed<TcpParsed> parse_tcp(Bytes octets) {
  if (octets.size() < sizeof(TcpHeader)) return drops::truncated;
  TcpParsed parsed{load<TcpHeader>(octets), {}};
  const size_t size = parsed.header.header_size();
  if (size < sizeof(TcpHeader) || size > octets.size()) return drops::bad_length;
  if (size > sizeof(TcpHeader))
    parsed.options = parse_tcp_options(octets.subspan(sizeof(TcpHeader), size - sizeof(TcpHeader)));
  return parsed;
}

size_t tcp_options_size(const TcpOptions& options) {
  OptionWriter out({});
  write_options(options, out);
  return out.size();
}

size_t emit_tcp_options(const TcpOptions& options, MutableBytes to) {
  OptionWriter out(to);
  write_options(options, out);
  return out.size();
}

std::string tcp_flags_text(uint8_t flags) {
  std::string words = "[";
  constexpr struct {
    uint8_t flag;
    char letter;
  } letters[] = {{tcp_flag::fin, 'F'},  {tcp_flag::syn, 'S'}, {tcp_flag::rst, 'R'},
                 {tcp_flag::push, 'P'}, {tcp_flag::ack, '.'}, {tcp_flag::urg, 'U'},
                 {tcp_flag::ece, 'E'},  {tcp_flag::cwr, 'W'}};
  for (const auto& l : letters)
    if (flags & l.flag) words += l.letter;
  return (words.size() == 1 ? words + "none" : words) + "]";
}

namespace {

std::string option_text(const RawOption& option) {
  TcpOptions one;
  read_option(option, one);
  if (option.kind == tcp_option::end) return "eol";
  if (option.kind == tcp_option::nop) return "nop";
  if (one.mss) return text("mss {}", *one.mss);
  if (one.window_scale) return text("wscale {}", option.value[0]);
  if (one.sack_permitted) return "sackOK";
  if (one.timestamps) return text("TS val {} ecr {}", one.timestamps->value, one.timestamps->echo);
  if (one.has_signature) return "md5 valid";
  if (one.sack_count > 0) {
    std::string words = text("sack {} ", one.sack_count);
    for (size_t i = 0; i < one.sack_count; ++i)
      words += text("{{{}:{}}}", one.sack[i].begin.value, one.sack[i].end.value);
    return words;
  }
  if (one.has_fast_open) {
    std::string words = one.cookie_length ? "tfo  cookie " : "tfo  cookiereq";
    for (size_t i = 0; i < one.cookie_length; ++i) words += text("{:02x}", one.cookie[i]);
    return words;
  }
  return text("unknown-{}", option.kind);
}

}  // namespace

std::string tcp_options_text(Bytes octets) {
  std::string words;
  const bool whole = for_each_tcp_option(octets, [&](const RawOption& option) {
    if (!words.empty()) words += ",";
    words += option_text(option);
  });
  if (!whole) words += words.empty() ? "[bad opt]" : ",[bad opt]";
  return words;
}

}  // namespace stackyard
