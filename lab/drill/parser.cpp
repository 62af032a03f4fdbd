#include "lab/drill/parser.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard::drill {

const Expression* Expression::find(std::string_view name) const {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return &parts[i];
  return nullptr;
}

std::string to_text(const Expression& e) {
  using Kind = Expression::Kind;
  const auto all = [&](const char* between) {
    std::string words;
    for (size_t i = 0; i < e.parts.size(); ++i) {
      if (i > 0) words += between;
      if (e.kind == Kind::record && !e.names[i].empty()) words += e.names[i] + "=";
      words += to_text(e.parts[i]);
    }
    return words;
  };
  switch (e.kind) {
    case Kind::any:
      return "...";
    case Kind::number:
      return text("{}", e.number);
    case Kind::word:
      return e.text;
    case Kind::text:
      return text("\"{}\"{}", e.text, e.more ? "..." : "");
    case Kind::list:
      return "[" + all(", ") + "]";
    case Kind::record:
      return "{" + all(", ") + "}";
    case Kind::call:
      return e.text + "(" + all(", ") + ")";
    case Kind::either:
      return all(" | ");
  }
  return "";
}

// --- words -------------------------------------------------------------------------------------

void Parser::fail(const std::string& what) const {
  const std::string seen = now().kind == TokenKind::end ? "the end" : "\"" + now().text + "\"";
  throw Failure{now().line, text("{}, not {}", what, seen)};
}

bool Parser::take_sign(char c) {
  if (!is_sign(c)) return false;
  take();
  return true;
}
bool Parser::take_word(std::string_view w) {
  if (!is_word(w)) return false;
  take();
  return true;
}
void Parser::need_sign(char c) {
  if (!take_sign(c)) fail(text("'{}' belongs here", c));
}
void Parser::need_word(std::string_view w) {
  if (!take_word(w)) fail(text("\"{}\" belongs here", w));
}

int64_t Parser::integer(int64_t least, int64_t most, const char* what) {
  const bool number = now().kind == TokenKind::integer || now().kind == TokenKind::hexadecimal;
  const auto value = number ? parse_int(now().text) : std::nullopt;
  if (!value) fail(text("{} is a number", what));
  if (*value < least || *value > most)
    throw Failure{now().line, text("{} is out of range: {}", what, now().text)};
  take();
  return *value;
}

// --- the script --------------------------------------------------------------------------------

// --name, --name=value, --name=WORD=value.
void Parser::option(Script& script) {
  ScriptOption option{.name = now().text.substr(2), .value = {}, .line = now().line};
  const int line = take().line;
  if (take_sign('=')) {
    // A value is what joins on: ipv4-mapped-ipv6, 192.0.2.1/24, ./init.sh,other.sh.
    do {
      const Token word = take();
      const bool quoted = word.kind == TokenKind::text && option.value.ends_with("=");
      option.value += quoted ? "\"" + word.text + "\"" : word.text;
    } while (now().joined && now().line == line && now().kind != TokenKind::end);
  }
  script.options.push_back(std::move(option));
}

bool Parser::at_time() const {
  const TokenKind kind = now().kind;
  return kind == TokenKind::integer || kind == TokenKind::fraction || is_sign('+') || is_sign('*');
}

SimTime Parser::time() {
  const bool number = now().kind == TokenKind::integer || now().kind == TokenKind::fraction;
  std::string digits = number ? now().text : "";
  if (digits.starts_with("-")) throw Failure{now().line, "negative time"};
  if (digits.starts_with(".")) digits.insert(0, "0");
  if (const size_t dot = digits.find('.'); dot != digits.npos)
    digits.resize(std::min(digits.size(), dot + 10));
  const auto nano = parse_decimal_nano(digits);
  if (!nano) fail("a time belongs here");
  take();
  return SimTime(*nano);
}

Moment Parser::moment() {
  using Kind = Moment::Kind;
  if (take_sign('*')) return {.kind = Kind::any, .at = {}, .end = {}};
  const bool relative = take_sign('+');
  Moment moment{.kind = relative ? Kind::relative : Kind::absolute, .at = time(), .end = {}};
  if (!take_sign('~')) return moment;
  moment.kind = relative ? Kind::relative_range : Kind::absolute_range;
  if (take_sign('+') != relative) fail("both ends of a range have a \"+\", or none");
  moment.end = time();
  if (moment.end < moment.at) throw Failure{now().line, "time range is backwards"};
  return moment;
}

Event Parser::event() {
  Event event{.line = now().line, .time = {}, .action = CommandSpec()};
  event.time = moment();
  const bool plain =
      event.time.kind == Moment::Kind::absolute || event.time.kind == Moment::Kind::relative;
  if (is_sign('<') || is_sign('>'))
    event.action = packet();
  else if (now().kind == TokenKind::command)
    event.action = CommandSpec{take().text};
  else if (now().kind == TokenKind::code)
    event.action = CodeSpec{take().text};
  else
    event.action = call();
  const PacketSpec* packet = std::get_if<PacketSpec>(&event.action);
  if (!plain && !(packet && packet->outbound))
    throw Failure{event.line, "only outbound packets have a time range or \"*\""};
  return event;
}

Script Parser::script() {
  Script script;
  while (now().kind == TokenKind::option || (is_sign('-') && ahead(1).text.starts_with("D"))) {
    if (now().kind == TokenKind::option) {
      option(script);
      continue;
    }
    for (const int line = now().line; now().line == line && now().kind != TokenKind::end;) take();
  }
  if (now().kind == TokenKind::command) script.init = CommandSpec{take().text};
  while (at_time()) script.events.push_back(event());
  if (now().kind == TokenKind::command) script.cleanup = CommandSpec{take().text};
  if (now().kind != TokenKind::end) fail("a time belongs here");
  if (script.events.empty()) throw Failure{now().line, "nothing happens in the script"};
  const Moment& first = script.events.front().time;
  if (first.kind == Moment::Kind::absolute && first.at != SimTime())
    throw Failure{script.events.front().line, "first event should be at time 0"};
  return script;
}

// --- calls -------------------------------------------------------------------------------------

CallSpec Parser::call() {
  CallSpec call;
  if (now().kind == TokenKind::ellipsis) {
    take();
    take_sign('+');
    call.end = time();
  }
  if (now().kind != TokenKind::word) fail("a packet, a call, `command` or %{ code }% belongs here");
  call.name = take().text;
  need_sign('(');
  call.arguments = list(')');
  need_sign('=');
  call.result = expression();
  if (now().kind == TokenKind::word) call.error = take().text;
  // A note for readers: (Connection refused).
  while (take_sign('('))
    for (int depth = 1; depth > 0;) {
      if (now().kind == TokenKind::end) fail("')' belongs here");
      depth += is_sign('(') ? 1 : is_sign(')') ? -1 : 0;
      take();
    }
  return call;
}

std::vector<Expression> Parser::list(char end) {
  std::vector<Expression> all;
  if (take_sign(end)) return all;
  ++depth_;
  do {
    all.push_back(expression());
  } while (take_sign(','));
  --depth_;
  need_sign(end);
  return all;
}

Expression Parser::expression() {
  Expression left = primary();
  while (is_sign('|')) {
    take();
    Expression both{.kind = Expression::Kind::either};
    both.parts.push_back(std::move(left));
    both.parts.push_back(primary());
    left = std::move(both);
  }
  return left;
}

// {name = value, name(count) = value, value}.
Expression Parser::record() {
  Expression record{.kind = Expression::Kind::record};
  need_sign('{');
  if (take_sign('}')) return record;
  ++depth_;
  do {
    std::string name;
    size_t behind = 1;  // the word, and a count in parentheses
    if (ahead(1).kind == TokenKind::sign && ahead(1).text == "(")
      while (behind < 8 && ahead(behind++).text != ")") {
      }
    const bool named = now().kind == TokenKind::word && ahead(behind).kind == TokenKind::sign &&
                       ahead(behind).text == "=";
    if (named) {
      name = now().text;
      for (size_t i = 0; i <= behind; ++i) take();
    }
    record.names.push_back(name);
    record.parts.push_back(expression());
  } while (take_sign(','));
  --depth_;
  need_sign('}');
  return record;
}

Expression Parser::primary() {
  using Kind = Expression::Kind;
  constexpr int depth_max = 50;
  if (depth_ > depth_max) fail("values nest too deeply");
  if (is_sign('{')) return record();
  Expression e;
  if (take_sign('[')) {
    e.kind = Kind::list;
    e.parts = list(']');
    return e;
  }
  const Token word = take();
  e.text = word.text;
  switch (word.kind) {
    case TokenKind::ellipsis:
      return e;
    case TokenKind::integer:
    case TokenKind::hexadecimal: {
      e.kind = Kind::number;
      const auto value = parse_int(word.text);
      if (!value) throw Failure{word.line, "number out of range: " + word.text};
      e.number = *value;
      return e;
    }
    case TokenKind::text:
      e.kind = Kind::text;
      while (now().kind == TokenKind::text) e.text += take().text;
      if (now().kind == TokenKind::ellipsis) {
        e.more = true;
        take();
      }
      return e;
    case TokenKind::word:
      e.kind = Kind::word;
      if (is_sign('(') && now().joined) {
        take();
        e.kind = Kind::call;
        e.parts = list(')');
      }
      return e;
    default:
      --at_;
      fail("a value belongs here");
  }
}

Script parse_script(const std::string& script, const Definitions& definitions) {
  return Parser(read_tokens(script, definitions)).script();
}

}  // namespace stackyard::drill
