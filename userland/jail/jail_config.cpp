#include "userland/jail/jail_config.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard {

namespace {

// "allow.nomount" without its "no".
std::string positive(const std::string& name) {
  const size_t dot = name.rfind('.');
  const size_t at = dot == name.npos ? 0 : dot + 1;
  if (name.compare(at, 2, "no") != 0 || name == "notify") return name;
  return name.substr(0, at) + name.substr(at + 2);
}
bool same_parameter(const std::string& a, const std::string& b) {
  return a == b || positive(a) == b || a == positive(b);
}

struct Token {
  enum class Kind { word, punctuation, end };
  Kind kind = Kind::end;
  std::string text;  // of a word: variables are marked by \x01NAME\x02
  size_t line = 1;
};

constexpr char variable_begin = '\x01', variable_end = '\x02';

class Lexer {
 public:
  explicit Lexer(const std::string& content) : content_(content) {}

  Token next() {
    skip_blanks();
    Token token;
    token.line = line_;
    if (at_ >= content_.size()) return token;
    const char c = content_[at_];
    if (is_punctuation(c) || at_append()) {
      token.kind = Token::Kind::punctuation;
      token.text = content_.substr(at_, at_append() ? 2 : 1);
      at_ += token.text.size();
      return token;
    }
    token.kind = Token::Kind::word;
    read_word(token.text);
    return token;
  }

 private:
  static bool is_punctuation(char c) {
    return c == '{' || c == '}' || c == ';' || c == ',' || c == '=';
  }
  bool at_append() const { return content_.compare(at_, 2, "+=") == 0; }
  bool at_comment() const {
    return content_[at_] == '#' || content_.compare(at_, 2, "//") == 0 ||
           content_.compare(at_, 2, "/*") == 0;
  }

  void skip_blanks() {
    while (at_ < content_.size()) {
      const char c = content_[at_];
      if (c == '\n') ++line_;
      if (isspace(static_cast<unsigned char>(c))) {
        ++at_;
      } else if (content_.compare(at_, 2, "/*") == 0) {
        const size_t end = std::min(content_.find("*/", at_ + 2), content_.size());
        line_ +=
            size_t(std::count(content_.begin() + long(at_), content_.begin() + long(end), '\n'));
        at_ = std::min(end + 2, content_.size());
      } else if (at_comment()) {
        at_ = std::min(content_.find('\n', at_), content_.size());
      } else {
        return;
      }
    }
  }

  void read_word(std::string& word) {
    while (at_ < content_.size()) {
      const char c = content_[at_];
      if (isspace(static_cast<unsigned char>(c)) || is_punctuation(c) || at_append() ||
          (c == '#' || content_.compare(at_, 2, "/*") == 0))
        return;
      if (c == '"' || c == '\'') {
        read_quoted(word, c);
      } else if (c == '$') {
        read_variable(word);
      } else if (c == '\\' && at_ + 1 < content_.size()) {
        word += content_[at_ + 1];
        at_ += 2;
      } else {
        word += c;
        ++at_;
      }
    }
  }

  void read_quoted(std::string& word, char quote) {
    for (++at_; at_ < content_.size() && content_[at_] != quote;) {
      const char c = content_[at_];
      if (c == '\n') ++line_;
      if (c == '$' && quote == '"') {
        read_variable(word);
      } else if (c == '\\' && quote == '"' && at_ + 1 < content_.size()) {
        read_escape(word);
      } else {
        word += c;
        ++at_;
      }
    }
    ++at_;
  }

  void read_escape(std::string& word) {
    const char c = content_[at_ + 1];
    at_ += 2;
    switch (c) {
      case 'n':
        word += '\n';
        break;
      case 't':
        word += '\t';
        break;
      case '\n':
        ++line_;
        break;
      default:
        word += c;
    }
  }

  void read_variable(std::string& word) {
    const bool braces = at_ + 1 < content_.size() && content_[at_ + 1] == '{';
    const size_t begin = at_ + (braces ? 2 : 1);
    size_t end = begin;
    while (end < content_.size() &&
           (isalnum(static_cast<unsigned char>(content_[end])) || content_[end] == '_' ||
            (braces && (content_[end] == '.' || content_[end] == '-'))))
      ++end;
    if (end == begin) {
      word += '$';
      ++at_;
      return;
    }
    word += variable_begin + content_.substr(begin, end - begin) + variable_end;
    at_ = braces ? end + 1 : end;
  }

  const std::string& content_;
  size_t at_ = 0;
  size_t line_ = 1;
};

class Parser {
 public:
  Parser(const std::string& content, std::string file_name)
      : lexer_(content), file_name_(std::move(file_name)) {
    advance();
  }

  // Blocks in order; parameters outside of any are those of "*".
  std::vector<ConfiguredJail> blocks;
  std::string error;

  void parse() {
    while (error.empty() && token_.kind != Token::Kind::end) {
      if (is(";")) {
        advance();
        continue;
      }
      if (token_.kind != Token::Kind::word) return syntax_error();
      const std::string name = token_.text;
      advance();
      if (is("{"))
        parse_block(name);
      else
        parse_parameter(block("*"), name);
    }
  }

 private:
  void advance() { token_ = lexer_.next(); }
  bool is(const char* text) const {
    return token_.kind == Token::Kind::punctuation && token_.text == text;
  }
  void syntax_error() {
    if (!error.empty()) return;
    const std::string near = token_.kind == Token::Kind::end ? std::string("at end of file")
                                                             : text("near \"{}\"", token_.text);
    error = text("{}:{}: syntax error {}", file_name_, token_.line, near);
  }
  ConfiguredJail& block(const std::string& name) {
    if (blocks.empty() || blocks.back().name != name) blocks.emplace_back().name = name;
    return blocks.back();
  }

  void parse_block(const std::string& name) {
    advance();
    ConfiguredJail& jail = block(name);
    while (error.empty() && !is("}")) {
      if (is(";")) {
        advance();
      } else if (token_.kind != Token::Kind::word) {
        return syntax_error();
      } else {
        const std::string parameter = token_.text;
        advance();
        parse_parameter(jail, parameter);
      }
    }
    advance();
  }

  void parse_parameter(ConfiguredJail& jail, std::string name) {
    if (name.front() == variable_begin) name = "$" + name.substr(1, name.size() - 2);
    JailParameter parameter{.name = name};
    const bool append = is("+=");
    parameter.appends = append;
    if (append || is("=")) {
      parameter.has_value = true;
      do {
        advance();
        if (token_.kind != Token::Kind::word) return syntax_error();
        parameter.values.push_back(token_.text);
        advance();
      } while (is(","));
    }
    if (!is(";") && !is("}")) return syntax_error();
    if (is(";")) advance();
    append ? jail.append(parameter) : jail.set(parameter);
  }

  Lexer lexer_;
  std::string file_name_;
  Token token_;
};

}  // namespace

bool is_jail_wildcard(const std::string& name) {
  for (const std::string& part : split(name, '.'))
    if (part == "*") return true;
  return false;
}

bool jail_name_matches(const std::string& name, const std::string& pattern) {
  const auto names = split(name, '.');
  const auto patterns = split(pattern, '.');
  const auto matches = [&](auto& self, size_t n, size_t p) -> bool {
    if (p == patterns.size()) return n == names.size();
    if (n == names.size()) return false;
    if (patterns[p] != "*") return patterns[p] == names[n] && self(self, n + 1, p + 1);
    return self(self, n + 1, p + 1) || self(self, n + 1, p);
  };
  return matches(matches, 0, 0);
}

void ConfiguredJail::set(const JailParameter& parameter) {
  for (JailParameter& old : parameters_)
    if (same_parameter(old.name, parameter.name)) {
      old = parameter;
      return;
    }
  parameters_.push_back(parameter);
}

void ConfiguredJail::append(const JailParameter& parameter) {
  for (JailParameter& old : parameters_)
    if (old.name == parameter.name) {
      old.values.insert(old.values.end(), parameter.values.begin(), parameter.values.end());
      old.has_value = true;
      return;
    }
  parameters_.push_back(parameter);
}

const JailParameter* ConfiguredJail::find(const std::string& wanted) const {
  for (const JailParameter& parameter : parameters_)
    if (parameter.name == wanted) return &parameter;
  return nullptr;
}

const std::string* ConfiguredJail::text(const std::string& wanted) const {
  const JailParameter* found = find(wanted);
  return found && !found->values.empty() ? &found->values.front() : nullptr;
}

std::vector<std::string> ConfiguredJail::list(const std::string& wanted) const {
  const JailParameter* found = find(wanted);
  return found ? found->values : std::vector<std::string>();
}

bool ConfiguredJail::is_true(const std::string& wanted) const {
  const JailParameter* found = find(wanted);
  if (!found) return false;
  return !found->has_value || found->values.empty() || found->values[0] == "true" ||
         found->values[0] == "1";
}

// A variable with several values makes several strings of the one it stands in.
std::string ConfiguredJail::expand() {
  constexpr int depth_max = 16;
  for (int depth = 0; depth < depth_max; ++depth) {
    bool any = false;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      std::vector<std::string> expanded;
      for (const std::string& value : parameters_[i].values) {
        const size_t begin = value.find(variable_begin);
        if (begin == value.npos) {
          expanded.push_back(value);
          continue;
        }
        any = true;
        const size_t end = value.find(variable_end, begin);
        const std::string variable = value.substr(begin + 1, end - begin - 1);
        const JailParameter* found = find("$" + variable);
        if (!found) found = find(variable);
        if (!found)
          return stackyard::text("{}: variable \"{}\" not found", parameters_[i].name, variable);
        if (found == &parameters_[i])
          return stackyard::text("{}: variable loop", parameters_[i].name);
        for (const std::string& by : found->values)
          expanded.push_back(value.substr(0, begin) + by + value.substr(end + 1));
      }
      parameters_[i].values = std::move(expanded);
    }
    if (!any) return "";
  }
  return "variable loop";
}

ConfiguredJail* JailConfig::find(const std::string& name) {
  for (ConfiguredJail& jail : jails)
    if (jail.name == name) return &jail;
  return nullptr;
}

JailConfig read_jail_config(const std::string& content, const std::string& file_name) {
  JailConfig config;
  Parser parser(content, file_name);
  parser.parse();
  config.error = parser.error;
  if (!config.error.empty()) return config;
  for (const ConfiguredJail& block : parser.blocks)
    if (!is_jail_wildcard(block.name) && !config.find(block.name))
      config.jails.emplace_back().name = block.name;
  // What the wildcards say comes first, so that a jail's own words win.
  for (ConfiguredJail& jail : config.jails) {
    JailParameter name{.name = "name", .values = {jail.name}, .has_value = true};
    if (parse_int(jail.name)) name.name = "jid";
    jail.set(name);
    for (const bool wild : {true, false})
      for (const ConfiguredJail& block : parser.blocks) {
        const bool applies =
            wild ? is_jail_wildcard(block.name) && jail_name_matches(jail.name, block.name)
                 : block.name == jail.name;
        if (!applies) continue;
        for (const JailParameter& parameter : block.parameters()) {
          parameter.appends ? jail.append(parameter) : jail.set(parameter);
        }
      }
  }
  return config;
}

}  // namespace stackyard
