#include "lab/drill/lexer.h"

#include <algorithm>
#include <cctype>

#include "core/base/text.h"

namespace stackyard::drill {

namespace {

bool word_character(char c) { return std::isalnum(uint8_t(c)) || c == '_'; }

// The systems that #ifdef knows, in small letters; this one passes for FreeBSD.
bool is_system(const std::string& name) {
  constexpr std::string_view systems[] = {"linux",  "freebsd", "netbsd", "openbsd",
                                          "darwin", "apple",   "omnet"};
  return std::find(std::begin(systems), std::end(systems), name) != std::end(systems);
}

std::string small_letters(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](char c) { return std::tolower(c); });
  return word;
}

class Lexer {
 public:
  Lexer(const std::string& script, const Definitions& given) : text_(script), definitions_(given) {}
  std::vector<Token> run();

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : 0; }
  bool looking_at(std::string_view words) const {
    return text_.compare(at_, words.size(), words) == 0;
  }
  void advance(size_t count) {
    for (; count > 0 && !at_end(); --count, ++at_) line_ += text_[at_] == '\n';
  }
  [[noreturn]] void fail(const std::string& what) const { throw Failure{line_, what}; }

  bool skip_blank();
  void skip_comment();
  bool directive();
  std::string directive_word();
  std::string rest_of_line();
  bool condition(const std::string& words) const;
  bool defined(const std::string& name) const;
  void skip_branch();
  void quoted(char quote, TokenKind kind);
  void code();
  bool number();
  bool address();
  void word();
  void add(TokenKind kind, size_t length);
  void learn_options();

  const std::string& text_;
  Definitions definitions_;
  size_t at_ = 0;
  int line_ = 1;
  int depth_ = 0;  // of #if that holds
  bool joined_ = false;
  std::vector<Token> tokens_;
};

void Lexer::add(TokenKind kind, size_t length) {
  tokens_.push_back({kind, text_.substr(at_, length), line_, joined_});
  advance(length);
  joined_ = true;
}

// --- white space, comments, directives ---------------------------------------------------------

void Lexer::skip_comment() {
  if (looking_at("//")) {
    advance(std::min(text_.find('\n', at_), text_.size()) - at_);
    return;
  }
  const size_t end = text_.find("*/", at_ + 2);
  if (end == text_.npos) fail("the comment has no end");
  advance(end + 2 - at_);
}

bool Lexer::skip_blank() {
  if (std::isspace(uint8_t(peek()))) {
    advance(1);
  } else if (looking_at("//") || looking_at("/*")) {
    skip_comment();
  } else if (at_ == 0 && looking_at("#!")) {
    advance(std::min(text_.find('\n'), text_.size()));  // "#!/usr/bin/env packetdrill"
  } else if (peek() == '#' && directive()) {
  } else {
    return false;
  }
  joined_ = false;
  return true;
}

std::string Lexer::directive_word() {
  while (peek() == ' ' || peek() == '\t') advance(1);
  size_t length = 0;
  while (word_character(peek(length))) ++length;
  const std::string word = text_.substr(at_, length);
  advance(length);
  return word;
}

std::string Lexer::rest_of_line() {
  std::string rest;
  while (!at_end() && peek() != '\n' && !looking_at("//")) {
    rest += peek();
    advance(1);
  }
  return std::string(trim(rest));
}

bool Lexer::defined(const std::string& name) const {
  return definitions_.contains(name) || small_letters(name) == "freebsd";
}

// #if: numbers, names, defined(NAME), "!", "&&" and "||" from left to right.
bool Lexer::condition(const std::string& words) const {
  for (const size_t at : {words.find("||"), words.find("&&")}) {
    if (at == words.npos) continue;
    const bool first = condition(words.substr(0, at)), second = condition(words.substr(at + 2));
    return words[at] == '|' ? first || second : first && second;
  }
  std::string one(trim(words));
  if (one.starts_with("!")) return !condition(one.substr(1));
  if (one.starts_with("defined")) {
    std::string name;
    for (char c : one.substr(7))
      if (word_character(c)) name += c;
    return defined(name);
  }
  for (int hops = 0; definitions_.contains(one) && hops < 8; ++hops) one = definitions_.at(one);
  if (const auto n = parse_int(one)) return *n != 0;
  return is_system(small_letters(one)) && defined(one);
}

// To the #else, #elif or #endif that belongs to a condition that does not hold.
void Lexer::skip_branch() {
  const int began = line_;
  for (int depth = 0; !at_end();) {
    if (peek() != '#') {
      advance(1);
      continue;
    }
    advance(1);
    const std::string word = directive_word();
    if (word == "if" || word == "ifdef" || word == "ifndef") ++depth;
    if (word == "endif" && depth-- == 0) return;
    const bool other = word == "else" || (word == "elif" && condition(rest_of_line()));
    if (depth == 0 && other) {
      ++depth_;
      return;
    }
  }
  throw Failure{began, "this #if has no #endif"};
}

// False: the sign is no directive's.
bool Lexer::directive() {
  const size_t start = at_;
  const int line = line_;
  advance(1);
  const std::string word = directive_word();
  if (word == "ifdef" || word == "ifndef") {
    const bool holds = defined(directive_word()) == (word == "ifdef");
    holds ? void(++depth_) : skip_branch();
  } else if (word == "if") {
    condition(rest_of_line()) ? void(++depth_) : skip_branch();
  } else if (word == "else" || word == "elif") {
    if (depth_-- == 0) fail("#" + word + " without #if");
    // The rest belongs to conditions that are decided.
    for (const int now = depth_; depth_ == now;) {
      skip_branch();
      if (depth_ == now) break;
      depth_ = now;
    }
  } else if (word == "endif") {
    if (depth_-- == 0) fail("#endif without #if");
  } else if (word == "define") {
    const std::string name = directive_word();
    definitions_[name] = rest_of_line();
  } else if (word == "undef") {
    definitions_.erase(directive_word());
  } else {
    at_ = start;
    line_ = line;
    return false;
  }
  return true;
}

// --- words -------------------------------------------------------------------------------------

void Lexer::quoted(char quote, TokenKind kind) {
  const int began = line_;
  const bool joined = joined_;
  std::string words;
  for (advance(1); peek() != quote; advance(1)) {
    if (at_end()) throw Failure{began, "the quotation has no end"};
    if (peek() == '\\' && at_ + 1 < text_.size()) {
      words += peek();
      advance(1);
    }
    words += peek();
  }
  advance(1);
  tokens_.push_back({kind, words, began, joined});
  joined_ = true;
}

void Lexer::code() {
  const size_t end = text_.find("}%", at_);
  if (end == text_.npos) fail("%{ has no }%");
  tokens_.push_back({TokenKind::code, text_.substr(at_ + 2, end - at_ - 2), line_, joined_});
  advance(end + 2 - at_);
}

// The longest run that is an IPv6 address: sequence numbers such as 1:1001 are none.
bool Lexer::address() {
  size_t length = 0;
  while (std::isxdigit(uint8_t(peek(length))) || peek(length) == ':' || peek(length) == '.')
    ++length;
  for (; length >= 2; --length) {
    const std::string_view run = std::string_view(text_).substr(at_, length);
    const bool long_enough =
        run.find("::") != run.npos || std::count(run.begin(), run.end(), ':') == 7;
    if (!long_enough) break;
    const auto parsed = parse_ip(run);
    if (!parsed || !parsed->is_v6() || word_character(peek(length))) continue;
    add(TokenKind::ipv6, length);
    return true;
  }
  return false;
}

bool Lexer::number() {
  const auto digits = [&](size_t from) {
    size_t n = from;
    while (std::isdigit(uint8_t(peek(n)))) ++n;
    return n;
  };
  size_t dots = 0, length = digits(0);
  while (dots < 3 && length > 0 && peek(length) == '.' && std::isdigit(uint8_t(peek(length + 1)))) {
    length = digits(length + 1);
    ++dots;
  }
  if (dots == 3) {
    add(TokenKind::ipv4, length);
    return true;
  }
  const size_t sign = peek() == '-' ? 1 : 0;
  const size_t whole = digits(sign);
  if (peek(whole) == '.' && std::isdigit(uint8_t(peek(whole + 1)))) {
    add(TokenKind::fraction, digits(whole + 1));
    return true;
  }
  if (whole == sign || (sign == 0 && word_character(peek(whole)))) return false;
  add(TokenKind::integer, whole);
  return true;
}

void Lexer::word() {
  size_t length = 0;
  while (word_character(peek(length))) ++length;
  const std::string name = text_.substr(at_, length);
  if (length > 2 && name.starts_with("0x") &&
      std::all_of(name.begin() + 2, name.end(), [](char c) { return std::isxdigit(uint8_t(c)); }))
    return add(TokenKind::hexadecimal, length);
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return add(TokenKind::word, length);
  // Its words stand here; its own name is not looked up again.
  const int line = line_;
  const std::string value = found->second;
  Definitions others = definitions_;
  others.erase(name);
  Lexer inside(value, others);
  for (Token token : inside.run()) {
    if (token.kind == TokenKind::end) break;
    token.line = line;
    token.joined &= !tokens_.empty();
    tokens_.push_back(std::move(token));
  }
  advance(length);
  joined_ = true;
}

std::vector<Token> Lexer::run() {
  learn_options();
  while (!at_end()) {
    if (skip_blank()) continue;
    const char c = peek();
    if (c == '"')
      quoted('"', TokenKind::text);
    else if (c == '`')
      quoted('`', TokenKind::command);
    else if (looking_at("%{"))
      code();
    else if (looking_at("..."))
      add(TokenKind::ellipsis, 3);
    else if (looking_at("--") && word_character(peek(2))) {
      size_t length = 2;
      while (word_character(peek(length))) ++length;
      add(TokenKind::option, length);
    } else if (address() || number()) {
    } else if (word_character(c))
      word();
    else
      add(TokenKind::sign, 1);
  }
  if (depth_ > 0) fail("an #if has no #endif");
  tokens_.push_back({TokenKind::end, "", line_, false});
  return std::move(tokens_);
}

// --define lines count for what is behind them.
void Lexer::learn_options() {
  for (const std::string& line : split(text_, '\n')) {
    const std::string_view words = trim(line);
    for (std::string_view option : {"--define=", "-D"})
      if (words.starts_with(option))
        define(definitions_, std::string(trim(words.substr(option.size()))));
  }
}

}  // namespace

void define(Definitions& definitions, const std::string& said) {
  const size_t equals = said.find('=');
  if (equals == said.npos)
    definitions[said] = "1";
  else
    definitions[said.substr(0, equals)] = said.substr(equals + 1);
}

std::vector<Token> read_tokens(const std::string& script, const Definitions& given) {
  return Lexer(script, given).run();
}

}  // namespace stackyard::drill
