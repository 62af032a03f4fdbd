// lab/drill/lexer.h - a packet script's words.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lab/drill/script.h"

namespace stackyard::drill {

enum class TokenKind : uint8_t {
  end,
  option,   // --name
  integer,  // also hexadecimal
  hexadecimal,
  fraction,  // 0.5, .5
  word,
  text,     // "..."
  command,  // `...`
  code,     // %{ ... }%
  ipv4,
  ipv6,
  ellipsis,
  sign  // any other character
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  int line = 0;
  bool joined = false;  // no white space before it
};

// What #define and --define say: words, and what stands for them.
using Definitions = std::map<std::string, std::string>;

// The option lines that a script begins with come first, so that what they define counts.
// Throws Failure.
std::vector<Token> read_tokens(const std::string& script, const Definitions& given);
// NAME=VALUE of --define; a lone NAME is 1.
void define(Definitions& definitions, const std::string& said);

}  // namespace stackyard::drill
