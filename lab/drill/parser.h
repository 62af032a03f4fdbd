// lab/drill/parser.h - words to a script.
#pragma once

#include <algorithm>

#include "lab/drill/lexer.h"

namespace stackyard::drill {

// Throws Failure; Skip for protocols that this build has not.
Script parse_script(const std::string& script, const Definitions& definitions);

// Reads words in their order; parse_packet.cpp has the packets.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Script script();

 private:
  const Token& now() const { return tokens_[at_]; }
  const Token& ahead(size_t n) const { return tokens_[std::min(at_ + n, tokens_.size() - 1)]; }
  Token take() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_[at_]; }
  bool is_sign(char c) const { return now().kind == TokenKind::sign && now().text[0] == c; }
  bool is_word(std::string_view w) const {
    return now().kind == TokenKind::word && now().text == w;
  }
  bool take_sign(char c);
  bool take_word(std::string_view w);
  void need_sign(char c);
  void need_word(std::string_view w);
  [[noreturn]] void fail(const std::string& what) const;
  int64_t integer(int64_t least, int64_t most, const char* what);
  uint32_t number32(const char* what) { return uint32_t(integer(0, UINT32_MAX, what)); }
  uint16_t number16(const char* what) { return uint16_t(integer(0, UINT16_MAX, what)); }

  void option(Script& script);
  bool at_time() const;
  SimTime time();
  Moment moment();
  Event event();
  CallSpec call();
  bool ends_an_argument() const;
  Expression expression();
  Expression primary();
  Expression record();
  std::vector<Expression> list(char end);

  // --- parse_packet.cpp ---
  PacketSpec packet();
  void layer();
  void ip_spec(IpSpec& ip);
  void ports(PacketSpec& packet);
  void tcp(PacketSpec& packet);
  void tcp_flags(TcpSpec& tcp);
  void sequence(TcpSpec& tcp);
  std::vector<OptionSpec> tcp_options();
  void in_udp(PacketSpec& packet);
  OptionSpec tcp_option();
  std::vector<uint8_t> octets();
  void icmp(PacketSpec& packet);
  void quote(IcmpSpec& icmp);

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;  // of lists and records
};

}  // namespace stackyard::drill
