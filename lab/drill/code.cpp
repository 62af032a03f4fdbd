#include "lab/drill/code.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/text.h"

namespace stackyard::drill {

namespace {

using Nothing = std::monostate;

std::string show(const CodeValue& v, bool quoted = false) {
  if (const auto* n = std::get_if<int64_t>(&v.is)) return text("{}", *n);
  if (const auto* d = std::get_if<double>(&v.is)) return text("{}", *d);
  if (const auto* s = std::get_if<std::string>(&v.is)) return quoted ? "'" + *s + "'" : *s;
  if (std::holds_alternative<Nothing>(v.is)) return "None";
  std::string all;
  for (const CodeValue& part : std::get<CodeValues>(v.is))
    all += (all.empty() ? "" : ", ") + show(part, true);
  return "[" + all + "]";
}

bool truth(const CodeValue& v) {
  if (const auto* n = std::get_if<int64_t>(&v.is)) return *n != 0;
  if (const auto* d = std::get_if<double>(&v.is)) return *d != 0;
  if (const auto* s = std::get_if<std::string>(&v.is)) return !s->empty();
  if (const auto* l = std::get_if<CodeValues>(&v.is)) return !l->empty();
  return false;
}

bool is_number(const CodeValue& v) {
  return std::holds_alternative<int64_t>(v.is) || std::holds_alternative<double>(v.is);
}
double real(const CodeValue& v) {
  if (const auto* n = std::get_if<int64_t>(&v.is)) return double(*n);
  return std::get<double>(v.is);
}

bool equal(const CodeValue& a, const CodeValue& b) {
  if (is_number(a) && is_number(b)) return real(a) == real(b);
  if (a.is.index() != b.is.index()) return false;
  if (const auto* s = std::get_if<std::string>(&a.is)) return *s == std::get<std::string>(b.is);
  if (const auto* l = std::get_if<CodeValues>(&a.is)) {
    const CodeValues& other = std::get<CodeValues>(b.is);
    return std::equal(l->begin(), l->end(), other.begin(), other.end(), equal);
  }
  return true;
}

CodeValue number(int64_t n) { return {n}; }

// One line's expressions, by the usual descent: or, and, not, comparisons, | ^ & << + * - **.
class Reader {
 public:
  Reader(std::string_view line, std::map<std::string, CodeValue>& names, int at)
      : line_(line), names_(names), at_line_(at) {}

  CodeValue expression();
  bool at_end() {
    skip();
    return at_ >= line_.size();
  }
  bool take(std::string_view sign) {
    skip();
    if (line_.substr(at_, sign.size()) != sign) return false;
    const bool letters = std::isalpha(uint8_t(sign[0]));
    if (letters && at_ + sign.size() < line_.size() && in_name(line_[at_ + sign.size()]))
      return false;
    at_ += sign.size();
    return true;
  }
  std::string name() {
    skip();
    size_t n = at_;
    while (n < line_.size() && in_name(line_[n])) ++n;
    const std::string word(line_.substr(at_, n - at_));
    at_ = n;
    return word;
  }
  size_t place() const { return at_; }
  void back_to(size_t place) { at_ = place; }
  [[noreturn]] void give_up() const {
    throw Skip{at_line_, text("code that is more than assertions: {}", line_)};
  }

 private:
  // Parentheses nest no deeper than people write them.
  struct Depth {
    explicit Depth(Reader& r) : reader(r) {
      if (++reader.depth_ > 100) reader.give_up();
    }
    ~Depth() { --reader.depth_; }
    Reader& reader;
  };
  static bool in_name(char c) { return std::isalnum(uint8_t(c)) || c == '_'; }
  void skip() {
    while (at_ < line_.size() && std::isspace(uint8_t(line_[at_]))) ++at_;
  }
  CodeValue any_of();
  CodeValue all_of();
  CodeValue negation();
  CodeValue comparison();
  CodeValue binary(int level);
  CodeValue unary();
  CodeValue power();
  CodeValue atom();
  CodeValue quoted();
  CodeValue digits();
  CodeValues list(std::string_view end);
  CodeValue call(const std::string& name, const CodeValues& arguments) const;
  CodeValue compute(std::string_view sign, const CodeValue& a, const CodeValue& b) const;
  CodeValue format(const std::string& pattern, const CodeValue& value) const;

  std::string_view line_;
  std::map<std::string, CodeValue>& names_;
  int at_line_;
  size_t at_ = 0;
  int depth_ = 0;
};

CodeValue Reader::expression() {
  const CodeValue value = any_of();
  if (!take("if")) return value;
  const bool holds = truth(any_of());
  if (!take("else")) give_up();
  const CodeValue other = expression();
  return holds ? value : other;
}

CodeValue Reader::any_of() {
  CodeValue left = all_of();
  while (take("or")) {
    const CodeValue right = all_of();
    if (!truth(left)) left = right;
  }
  return left;
}

CodeValue Reader::all_of() {
  CodeValue left = negation();
  while (take("and")) {
    const CodeValue right = negation();
    if (truth(left)) left = right;
  }
  return left;
}

CodeValue Reader::negation() {
  const Depth depth(*this);
  if (take("not")) return number(!truth(negation()));
  return comparison();
}

// Chains as Python has them: 1 <= x < 3.
CodeValue Reader::comparison() {
  CodeValue left = binary(0);
  bool holds = true, any = false;
  for (;;) {
    const bool negative = take("not in");
    static constexpr std::string_view signs[] = {"==", "!=", "<=", ">=", "<", ">", "in", "is"};
    const auto found = negative ? std::end(signs) - 2
                                : std::find_if(std::begin(signs), std::end(signs),
                                               [&](std::string_view s) { return take(s); });
    if (found == std::end(signs)) break;
    any = true;
    const CodeValue right = binary(0);
    if (*found == "in") {
      bool inside = false;
      if (const auto* all = std::get_if<CodeValues>(&right.is))
        inside = std::any_of(all->begin(), all->end(), [&](auto& v) { return equal(v, left); });
      else if (const auto* whole = std::get_if<std::string>(&right.is))
        inside = whole->find(show(left)) != whole->npos;
      holds &= inside != negative;
    } else if (*found == "==" || *found == "is") {
      holds &= equal(left, right);
    } else if (*found == "!=") {
      holds &= !equal(left, right);
    } else {
      const bool texts = !is_number(left) || !is_number(right);
      const int order = texts ? show(left).compare(show(right))
                              : (real(left) > real(right)) - (real(left) < real(right));
      holds &= (*found)[0] == '<' ? order < (found->size() == 2 ? 1 : 0)
                                  : order > (found->size() == 2 ? -1 : 0);
    }
    left = right;
  }
  return any ? number(holds) : left;
}

CodeValue Reader::binary(int level) {
  static constexpr std::array<std::string_view, 4> levels[] = {
      {"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"//", "*", "/", "%"}};
  if (level == 6) return unary();
  CodeValue left = binary(level + 1);
  for (;;) {
    const auto& signs = levels[level];
    const size_t before = at_;
    const auto found = std::find_if(signs.begin(), signs.end(),
                                    [&](std::string_view s) { return !s.empty() && take(s); });
    if (found == signs.end()) return left;
    // "**" is not two stars, and "+=" no sum.
    if (at_ < line_.size() && (line_[at_] == '=' || (*found == "*" && line_[at_] == '*'))) {
      at_ = before;
      return left;
    }
    left = compute(*found, left, binary(level + 1));
  }
}

CodeValue Reader::compute(std::string_view sign, const CodeValue& a, const CodeValue& b) const {
  if (sign == "%" && std::holds_alternative<std::string>(a.is))
    return format(std::get<std::string>(a.is), b);
  if (sign == "+" && std::holds_alternative<std::string>(a.is)) return {show(a) + show(b)};
  if (!is_number(a) || !is_number(b)) give_up();
  const auto *x = std::get_if<int64_t>(&a.is), *y = std::get_if<int64_t>(&b.is);
  const bool divides = sign == "/" || sign == "//" || sign == "%";
  if (divides && real(b) == 0) throw Failure{at_line_, "division by zero"};
  if (sign == "/") return {real(a) / real(b)};
  if (!x || !y) {
    if (sign == "+") return {real(a) + real(b)};
    if (sign == "-") return {real(a) - real(b)};
    if (sign == "*") return {real(a) * real(b)};
    if (sign == "//") return {std::floor(real(a) / real(b))};
    if (sign == "%") return {real(a) - std::floor(real(a) / real(b)) * real(b)};
    give_up();
  }
  const uint64_t u = uint64_t(*x), v = uint64_t(*y);
  const int64_t quotient =
      divides ? int64_t(std::floor(double(*x) / double(*y))) : 0;  // towards minus infinity
  if (sign == "+") return number(int64_t(u + v));
  if (sign == "-") return number(int64_t(u - v));
  if (sign == "*") return number(int64_t(u * v));
  if (sign == "//") return number(quotient);
  if (sign == "%") return number(int64_t(u - uint64_t(quotient) * v));
  if (sign == "|") return number(*x | *y);
  if (sign == "^") return number(*x ^ *y);
  if (sign == "&") return number(*x & *y);
  if (*y < 0 || *y > 62) throw Failure{at_line_, "a shift by too much"};
  return number(sign == "<<" ? int64_t(u << *y) : *x >> *y);
}

// "%d of %s" % (1, 'x').
CodeValue Reader::format(const std::string& pattern, const CodeValue& value) const {
  const auto* several = std::get_if<CodeValues>(&value.is);
  std::string words;
  size_t next = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      words += pattern[i];
      continue;
    }
    while (i + 1 < pattern.size() && !std::isalpha(uint8_t(pattern[i + 1])) &&
           pattern[i + 1] != '%')
      ++i;
    if (i + 1 < pattern.size() && pattern[++i] == '%')
      words += '%';
    else if (!several)
      words += show(value);
    else if (next < several->size())
      words += show((*several)[next++]);
  }
  return {words};
}

CodeValue Reader::unary() {
  const Depth depth(*this);
  if (take("-")) return compute("-", number(0), unary());
  if (take("+")) return unary();
  if (take("~")) return compute("-", number(-1), unary());
  return power();
}

CodeValue Reader::power() {
  const CodeValue base = atom();
  if (!take("**")) return base;
  const CodeValue exponent = unary();
  const auto *b = std::get_if<int64_t>(&base.is), *e = std::get_if<int64_t>(&exponent.is);
  if (!b || !e || *e < 0) return {std::pow(real(base), real(exponent))};
  CodeValue result = number(1);
  for (int64_t i = 0; i < std::min<int64_t>(*e, 64); ++i) result = compute("*", result, base);
  return result;
}

CodeValues Reader::list(std::string_view end) {
  CodeValues all;
  while (!take(end)) {
    all.push_back(expression());
    if (!take(",") && (skip(), line_.substr(at_, 1) != end)) give_up();
  }
  return all;
}

CodeValue Reader::quoted() {
  const char quote = line_[at_++];
  std::string words;
  while (at_ < line_.size() && line_[at_] != quote) {
    if (line_[at_] == '\\' && at_ + 1 < line_.size()) ++at_;
    words += line_[at_++];
  }
  if (at_ == line_.size()) give_up();
  ++at_;
  return {words};
}

CodeValue Reader::digits() {
  size_t n = at_;
  while (n < line_.size() && (in_name(line_[n]) || line_[n] == '.')) ++n;
  std::string word(line_.substr(at_, n - at_));
  at_ = n;
  if (word.find('.') == word.npos || word.starts_with("0x")) {
    const auto value = parse_int(word);
    if (value) return number(*value);
  }
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (*end) give_up();
  return {value};
}

CodeValue Reader::atom() {
  skip();
  if (at_ >= line_.size()) give_up();
  const char c = line_[at_];
  if (c == '\'' || c == '"') return quoted();
  if (std::isdigit(uint8_t(c)) || c == '.') return digits();
  if (take("[")) return {list("]")};
  if (take("(")) {
    const size_t start = at_;
    const CodeValue inside = expression();
    if (take(")")) return inside;
    at_ = start;
    return {list(")")};
  }
  const std::string word = name();
  if (word.empty()) give_up();
  if (take("(")) return call(word, list(")"));
  if (word == "True" || word == "False") return number(word == "True");
  if (word == "None") return {};
  const auto found = names_.find(word);
  if (found == names_.end()) throw Skip{at_line_, text("the code's name \"{}\" is unknown", word)};
  return found->second;
}

CodeValue Reader::call(const std::string& name, const CodeValues& args) const {
  const CodeValues* all = &args;
  if (args.size() == 1)
    if (const auto* inside = std::get_if<CodeValues>(&args[0].is)) all = inside;
  const auto less = [](const CodeValue& a, const CodeValue& b) { return real(a) < real(b); };
  const bool numbers = !all->empty() && std::all_of(all->begin(), all->end(), is_number);
  if (name == "min" && numbers) return *std::min_element(all->begin(), all->end(), less);
  if (name == "max" && numbers) return *std::max_element(all->begin(), all->end(), less);
  if (name == "len" && args.size() == 1) {
    if (const auto* s = std::get_if<std::string>(&args[0].is)) return number(int64_t(s->size()));
    return number(int64_t(all->size()));
  }
  if (args.size() == 1 && (name == "str" || name == "repr")) return {show(args[0])};
  if (args.empty() || !is_number(args[0])) give_up();
  const auto* whole = std::get_if<int64_t>(&args[0].is);
  if (name == "int") return number(whole ? *whole : int64_t(real(args[0])));
  if (name == "float") return {real(args[0])};
  if (name == "round") return whole ? args[0] : number(int64_t(std::llround(real(args[0]))));
  if (name == "bool") return number(truth(args[0]));
  if (name == "abs" && whole) return number(std::abs(*whole));
  if (name == "abs") return {std::fabs(real(args[0]))};
  give_up();
}

size_t indentation(const std::string& line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

// The statements of a block of code, line by line.
class Block {
 public:
  Block(const std::string& code, int line, std::map<std::string, CodeValue>& names,
        std::string& printed)
      : names_(names), printed_(printed) {
    for (const std::string& one : split(code, '\n'))
      lines_.push_back({without_comment(one), line++});
    join_open_lines();
  }
  void run() { block(0, true); }

 private:
  struct Line {
    std::string words;
    int number;
  };
  static std::string without_comment(const std::string& line);
  void join_open_lines();
  void block(size_t indent, bool runs);
  void conditional(size_t indent, bool runs);
  void statements(const std::string& words, int line);
  void statement(const std::string& words, int line);
  void check_assertion(Reader& reader, const std::string& words, int line);
  void assign(const std::string& words, int line);

  std::vector<Line> lines_;
  size_t at_ = 0;
  std::map<std::string, CodeValue>& names_;
  std::string& printed_;
};

std::string Block::without_comment(const std::string& line) {
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quote == 0 && line[i] == '#') return line.substr(0, i);
    if (quote == 0 && (line[i] == '\'' || line[i] == '"'))
      quote = line[i];
    else if (line[i] == quote)
      quote = 0;
  }
  return line;
}

// A parenthesis that is open, or a backslash, goes on in the next line.
void Block::join_open_lines() {
  std::vector<Line> joined;
  int depth = 0;
  bool continues = false;
  for (const Line& line : lines_) {
    std::string words = line.words;
    const bool next = !trim(words).empty() && trim(words).ends_with("\\");
    if (next) words.resize(words.rfind('\\'));
    if (depth > 0 || continues)
      joined.back().words += " " + words;
    else
      joined.push_back({words, line.number});
    for (const char c : words) depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    continues = next;
  }
  lines_ = std::move(joined);
}

void Block::block(size_t indent, bool runs) {
  while (at_ < lines_.size()) {
    const Line& line = lines_[at_];
    if (trim(line.words).empty()) {
      ++at_;
      continue;
    }
    // The first line's white space is taken off by the quotation.
    const size_t own = at_ == 0 ? 0 : indentation(line.words);
    if (own < indent) return;
    if (trim(line.words).starts_with("if ") || trim(line.words).starts_with("if(")) {
      conditional(own, runs);
      continue;
    }
    ++at_;
    if (runs) statements(std::string(trim(line.words)), line.number);
  }
}

void Block::conditional(size_t indent, bool runs) {
  bool decided = !runs;
  for (bool first = true; at_ < lines_.size(); first = false) {
    const std::string words(trim(lines_[at_].words));
    const bool other = words.starts_with("elif") || words.starts_with("else");
    if (!first && (words.empty() || !other)) return;
    const int line = lines_[at_].number;
    const size_t colon = words.rfind(':');
    if (colon == words.npos) throw Skip{line, "code that is more than assertions: " + words};
    bool holds = !decided;
    if (!words.starts_with("else")) {
      const size_t skip = words.starts_with("elif") ? 4 : 2;
      const std::string condition = words.substr(skip, colon - skip);
      holds = holds && truth(Reader(condition, names_, line).expression());
    }
    decided |= holds;
    ++at_;
    const std::string rest(trim(words.substr(colon + 1)));
    if (!rest.empty()) {
      if (holds) statements(rest, line);
    } else {
      block(indent + 1, holds);
    }
  }
}

void Block::statements(const std::string& words, int line) {
  size_t start = 0;
  char quote = 0;
  for (size_t i = 0; i <= words.size(); ++i) {
    const char c = i < words.size() ? words[i] : ';';
    if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    else if (c == quote)
      quote = 0;
    if (c != ';' || (quote != 0 && i < words.size())) continue;
    const std::string one(trim(words.substr(start, i - start)));
    if (!one.empty()) statement(one, line);
    start = i + 1;
  }
}

void Block::check_assertion(Reader& reader, const std::string& words, int line) {
  const size_t start = reader.place();
  CodeValue value = reader.expression();
  const std::string condition(trim(words.substr(start, reader.place() - start)));
  std::string message;
  if (reader.take(",")) message = ": " + show(reader.expression());
  if (!reader.at_end()) reader.give_up();
  if (truth(value)) return;
  // What its names stand for, for whoever reads why.
  std::string values;
  for (const auto& [name, known] : names_) {
    const size_t at = condition.find(name);
    if (at == condition.npos) continue;
    const char before = at > 0 ? condition[at - 1] : ' ';
    const char after = at + name.size() < condition.size() ? condition[at + name.size()] : ' ';
    if (std::isalnum(uint8_t(before)) || before == '_' || std::isalnum(uint8_t(after)) ||
        after == '_')
      continue;
    values += text("{}{} is {}", values.empty() ? " (" : ", ", name, show(known, true));
  }
  throw Failure{line, text("assertion failed: {}{}{}{}", condition, values,
                           values.empty() ? "" : ")", message)};
}

void Block::assign(const std::string& words, int line) {
  Reader reader(words, names_, line);
  const std::string name = reader.name();
  static constexpr std::string_view signs[] = {"+=", "-=", "*=", "//=", "/=", "%=", "|=", "&="};
  for (std::string_view sign : signs) {
    if (!reader.take(sign)) continue;
    const std::string whole = name + " " + std::string(sign.substr(0, sign.size() - 1)) + " (" +
                              words.substr(reader.place()) + ")";
    names_[name] = Reader(whole, names_, line).expression();
    return;
  }
  if (name.empty() || !reader.take("=")) reader.give_up();
  const CodeValue value = reader.expression();
  if (!reader.at_end()) reader.give_up();
  names_[name] = value;
}

void Block::statement(const std::string& words, int line) {
  Reader reader(words, names_, line);
  if (reader.take("pass") || reader.take("import") || reader.take("from")) return;
  if (reader.take("assert")) return check_assertion(reader, words, line);
  if (reader.take("print")) {
    std::string said;
    const bool inside = reader.take("(");
    while (!reader.at_end() && !(inside && reader.take(")"))) {
      said += (said.empty() ? "" : " ") + show(reader.expression());
      if (!reader.take(",") && !inside) break;
    }
    printed_ += said + "\n";
    return;
  }
  assign(words, line);
}

}  // namespace

CodeWorld::CodeWorld() {
  // tcpi_state is FreeBSD's; TCP_CA_* are Linux's names of what it tells in tcpi_ca_state.
  constexpr const char* states[] = {"CLOSED",      "LISTEN",     "SYN_SENT",   "SYN_RECEIVED",
                                    "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1", "CLOSING",
                                    "LAST_ACK",    "FIN_WAIT_2", "TIME_WAIT"};
  for (size_t i = 0; i < std::size(states); ++i) {
    set(text("TCPI_{}", states[i]), int64_t(i));
    set(text("TCPS_{}", states[i]), int64_t(i));
  }
  set("TCPI_OPT_TIMESTAMPS", 1);
  set("TCPI_OPT_SACK", 2);
  set("TCPI_OPT_WSCALE", 4);
  set("TCPI_OPT_ECN", 8);
  set("TCPI_OPT_TOE", 16);
  set("TCPI_OPT_TFO", 32);
  set("TCPI_OPT_ACE", 64);
  set("TCP_CA_Open", 0);
  set("TCP_CA_Disorder", 1);
  set("TCP_CA_CWR", 2);
  set("TCP_CA_Recovery", 3);
  set("TCP_CA_Loss", 4);
}

void CodeWorld::run(const std::string& code, int line) {
  const size_t start = code.find_first_not_of(" \t");
  Block(start == code.npos ? "" : code.substr(start), line, names_, printed_).run();
}

}  // namespace stackyard::drill
