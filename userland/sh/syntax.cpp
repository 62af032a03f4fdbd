#include "userland/sh/syntax.h"

#include <algorithm>
#include <cctype>

#include "core/base/text.h"

namespace stackyard {

namespace {

struct Token {
  enum class Kind { word, op, newline, end };
  Kind kind = Kind::end;
  std::string text;
  int fd = -1;  // of a redirection with a digit right before it: "2>"
};

struct SyntaxError {
  std::string what;
  bool incomplete;
};

class Lexer {
 public:
  explicit Lexer(const std::string& script) : script_(&script) {}

  Token next() {
    skip_blanks();
    if (at_ >= script_->size()) return {};
    const char c = (*script_)[at_];
    if (std::isdigit(static_cast<unsigned char>(c)) && at_ + 1 < script_->size() &&
        ((*script_)[at_ + 1] == '<' || (*script_)[at_ + 1] == '>')) {
      ++at_;
      Token op = next();
      op.fd = c - '0';
      return op;
    }
    if (c == '\n') {
      ++at_;
      read_documents();
      return {Token::Kind::newline, "\n", -1};
    }
    for (const char* op : {"&&", "||", ";;", "<<", ">>", ">&", "<&"})
      if (script_->compare(at_, 2, op) == 0) return take(2);
    if (std::string_view(";&|<>()").find(c) != std::string_view::npos) return take(1);
    return {Token::Kind::word, word(), -1};
  }
  // A document's text is filled in when its lines have been read.
  void expect_document(std::string* to, std::string mark) {
    documents_.push_back({to, std::move(mark)});
  }
  void finish() {
    if (!documents_.empty()) throw SyntaxError{"here-document is not ended", true};
  }

 private:
  struct Document {
    std::string* to;
    std::string mark;
  };

  Token take(size_t size) {
    at_ += size;
    return {Token::Kind::op, script_->substr(at_ - size, size), -1};
  }
  void skip_blanks() {
    for (;;) {
      at_ = std::min(script_->find_first_not_of(" \t\r\v\f", at_), script_->size());
      if (script_->compare(at_, 2, "\\\n") == 0)
        at_ += 2;
      else
        break;
    }
    if (at_ < script_->size() && (*script_)[at_] == '#')
      while (at_ < script_->size() && (*script_)[at_] != '\n') ++at_;
  }
  // A raw word: quotes and substitutions stay in it, whole.
  std::string word() {
    const size_t begin = at_;
    while (at_ < script_->size()) {
      const char c = (*script_)[at_];
      if (std::isspace(static_cast<unsigned char>(c)) ||
          std::string_view(";&|<>()").find(c) != std::string_view::npos)
        break;
      skip_one();
    }
    return script_->substr(begin, at_ - begin);
  }
  void skip_one() {
    const char c = (*script_)[at_];
    if (c == '\\') {
      at_ += 2;
    } else if (c == '\'') {
      at_ = need(script_->find('\'', at_ + 1), "'") + 1;
    } else if (c == '"') {
      ++at_;
      while (at_ < script_->size() && (*script_)[at_] != '"') skip_one();
      need(at_ < script_->size() ? at_ : script_->npos, "\"");
      ++at_;
    } else if (c == '`') {
      at_ = need(script_->find('`', at_ + 1), "`") + 1;
    } else if (script_->compare(at_, 2, "$(") == 0) {
      at_ += 2;
      int depth = 1;
      while (at_ < script_->size() && depth > 0) {
        if ((*script_)[at_] == '(')
          ++depth, ++at_;
        else if ((*script_)[at_] == ')')
          --depth, ++at_;
        else
          skip_one();
      }
      if (depth > 0) throw SyntaxError{"unterminated $(", true};
    } else if (script_->compare(at_, 2, "${") == 0) {
      at_ = need(script_->find('}', at_), "}") + 1;
    } else {
      ++at_;
    }
  }
  size_t need(size_t found, const char* what) {
    if (found == script_->npos) throw SyntaxError{text("unterminated {}", what), true};
    return found;
  }
  void read_documents() {
    for (const Document& d : documents_) {
      for (;;) {
        if (at_ >= script_->size()) throw SyntaxError{"here-document is not ended", true};
        const size_t end = std::min(script_->find('\n', at_), script_->size());
        const std::string line = script_->substr(at_, end - at_);
        at_ = std::min(end + 1, script_->size());
        if (line == d.mark) break;
        *d.to += line + "\n";
      }
    }
    documents_.clear();
  }

  const std::string* script_;
  size_t at_ = 0;
  std::vector<Document> documents_;
};

class Parser {
 public:
  explicit Parser(const std::string& script) : lexer_(script) { advance(); }

  ShellTree whole() {
    ShellTree tree = list({});
    if (token_.kind != Token::Kind::end) unexpected();
    lexer_.finish();
    return tree;
  }

 private:
  using Node = std::shared_ptr<ShellNode>;
  using Kind = ShellNode::Kind;

  void advance() { token_ = lexer_.next(); }
  [[noreturn]] void unexpected() {
    if (token_.kind == Token::Kind::end) throw SyntaxError{"unexpected end of file", true};
    const std::string shown = token_.kind == Token::Kind::newline ? "newline" : token_.text;
    throw SyntaxError{text("syntax error: \"{}\" unexpected", shown), false};
  }
  bool is_op(const char* op) const { return token_.kind == Token::Kind::op && token_.text == op; }
  bool is_word(const char* w) const { return token_.kind == Token::Kind::word && token_.text == w; }
  bool take_word(const char* w) {
    if (!is_word(w)) return false;
    advance();
    return true;
  }
  void expect_word(const char* w) {
    if (!take_word(w)) unexpected();
  }
  void skip_newlines() {
    while (token_.kind == Token::Kind::newline) advance();
  }
  static Node make(Kind kind) {
    auto node = std::make_shared<ShellNode>();
    node->kind = kind;
    return node;
  }

  // Commands up to one of the words that end the surrounding construct (or ")" or the end).
  ShellTree list(std::vector<const char*> ends) {
    Node sequence = make(Kind::sequence);
    for (;;) {
      while (token_.kind == Token::Kind::newline || is_op(";")) advance();
      const bool ended = std::any_of(ends.begin(), ends.end(), [&](auto w) { return is_word(w); });
      if (ended || token_.kind == Token::Kind::end || is_op(")")) return sequence;
      ShellTree command = and_or();
      if (is_op("&")) {
        advance();
        Node background = make(Kind::background);
        background->children.push_back(command);
        command = background;
      } else if (!is_op(";") && token_.kind != Token::Kind::newline &&
                 token_.kind != Token::Kind::end && !is_op(")")) {
        unexpected();
      }
      sequence->children.push_back(command);
    }
  }

  ShellTree and_or() {
    ShellTree left = pipeline();
    while (is_op("&&") || is_op("||")) {
      Node node = make(is_op("&&") ? Kind::both : Kind::either);
      advance();
      skip_newlines();
      node->children = {left, pipeline()};
      left = node;
    }
    return left;
  }

  ShellTree pipeline() {
    if (take_word("!")) {
      Node node = make(Kind::negate);
      node->children.push_back(pipeline());
      return node;
    }
    ShellTree first = command();
    if (!is_op("|")) return first;
    Node node = make(Kind::pipeline);
    node->children.push_back(first);
    while (is_op("|")) {
      advance();
      skip_newlines();
      node->children.push_back(command());
    }
    return node;
  }

  ShellTree command() {
    Node node;
    if (take_word("if"))
      node = if_clause();
    else if (take_word("for"))
      node = for_clause();
    else if (is_word("while") || is_word("until"))
      node = loop();
    else if (take_word("{")) {
      node = make(Kind::group);
      node->children.push_back(list({"}"}));
      expect_word("}");
    } else if (is_op("(")) {
      advance();
      node = make(Kind::subshell);
      node->children.push_back(list({}));
      if (!is_op(")")) unexpected();
      advance();
    } else {
      return simple();
    }
    while (redirect(*node)) {
    }
    return node;
  }

  Node if_clause() {
    Node node = make(Kind::if_);
    for (;;) {
      node->children.push_back(list({"then"}));
      expect_word("then");
      node->children.push_back(list({"elif", "else", "fi"}));
      if (take_word("elif")) continue;
      if (take_word("else")) {
        node->has_else = true;
        node->children.push_back(list({"fi"}));
      }
      expect_word("fi");
      return node;
    }
  }

  Node for_clause() {
    Node node = make(Kind::for_);
    if (token_.kind != Token::Kind::word) unexpected();
    node->words.push_back(token_.text);
    advance();
    skip_newlines();
    if (take_word("in")) {
      while (token_.kind == Token::Kind::word) {
        node->words.push_back(token_.text);
        advance();
      }
    } else {
      node->words.push_back("\"$@\"");
    }
    if (is_op(";")) advance();
    skip_newlines();
    body(*node);
    return node;
  }

  Node loop() {
    Node node = make(is_word("while") ? Kind::while_ : Kind::until);
    advance();
    node->children.push_back(list({"do"}));
    body(*node);
    return node;
  }

  void body(ShellNode& node) {
    expect_word("do");
    node.children.push_back(list({"done"}));
    expect_word("done");
  }

  ShellTree simple() {
    Node node = make(Kind::simple);
    for (;;) {
      if (redirect(*node)) continue;
      if (token_.kind != Token::Kind::word) break;
      node->words.push_back(token_.text);
      advance();
    }
    if (node->words.empty() && node->redirects.empty()) unexpected();
    // Documents are read with the end of the line; their places must not move until then.
    return node;
  }

  bool redirect(ShellNode& node) {
    const bool op =
        is_op("<") || is_op(">") || is_op(">>") || is_op("<<") || is_op(">&") || is_op("<&");
    if (!op) return false;
    int fd = token_.fd;
    const std::string kind = token_.text;
    advance();
    if (token_.kind != Token::Kind::word) unexpected();
    if (fd < 0) fd = kind[0] == '<' ? 0 : 1;
    Redirect r{Redirect::Kind::read, fd, token_.text};
    if (kind == ">") r.kind = Redirect::Kind::write;
    if (kind == ">>") r.kind = Redirect::Kind::append;
    if (kind == ">&" || kind == "<&") r.kind = Redirect::Kind::duplicate;
    node.redirects.reserve(16);  // documents keep pointers to their redirect
    if (kind == "<<") {
      r.kind = Redirect::Kind::here;
      std::string mark = r.target;
      r.literal = mark.find_first_of("'\"\\") != mark.npos;
      std::erase_if(mark, [](char c) { return c == '\'' || c == '"' || c == '\\'; });
      r.target.clear();
      if (node.redirects.size() >= 16) throw SyntaxError{"too many redirections", false};
      node.redirects.push_back(r);
      lexer_.expect_document(&node.redirects.back().target, mark);
    } else {
      node.redirects.push_back(r);
    }
    advance();
    return true;
  }

  Lexer lexer_;
  Token token_;
};

}  // namespace

ShellParse parse_shell(const std::string& script) {
  try {
    return {Parser(script).whole(), "", false};
  } catch (const SyntaxError& error) {
    return {nullptr, error.what, error.incomplete};
  }
}

}  // namespace stackyard
