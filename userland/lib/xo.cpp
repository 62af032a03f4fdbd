#include "userland/lib/xo.h"

#include "core/base/text.h"

namespace stackyard {

XoStyle take_xo(Args& args) {
  XoStyle style = XoStyle::text;
  for (size_t i = 1; i < args.size();) {
    std::string words;
    size_t count = 1;
    if (args[i] == "--libxo" && i + 1 < args.size()) {
      words = args[i + 1];
      count = 2;
    } else if (args[i].starts_with("--libxo=") || args[i].starts_with("--libxo:")) {
      words = args[i].substr(8);
    } else {
      ++i;
      continue;
    }
    args.erase(args.begin() + long(i), args.begin() + long(i + count));
    bool pretty = false, json = false, known = true;
    for (const std::string& word : split(words, ',')) {
      if (word == "json" || word == "J")
        json = true;
      else if (word == "JP")
        json = pretty = true;
      else if (word == "pretty" || word == "P")
        pretty = true;
      else if (word != "text" && word != "T" && word != "warn" && word != "no-locale")
        known = false;
    }
    style = !known           ? XoStyle::unknown
            : pretty && json ? XoStyle::pretty
            : json           ? XoStyle::json
                             : XoStyle::text;
  }
  return style;
}

namespace {

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (static_cast<unsigned char>(c) < ' ')
      out += text("\\u{:04x}", int(c));
    else
      out += c;
  }
  return out + "\"";
}

}  // namespace

// What stands before a value: comma, new line, name.
void Xo::begin(const std::string& name, bool spaced) {
  if (!first_) out_ += ",";
  if (!first_ && !pretty_ && spaced) out_ += " ";
  if (pretty_ && !closing_.empty()) out_ += "\n" + std::string(closing_.size() * 2, ' ');
  first_ = false;
  if (!name.empty()) out_ += quoted(name) + (pretty_ || spaced ? ": " : ":");
}

void Xo::open(const std::string& name, char bracket) {
  begin(name, !name.empty());
  out_ += bracket;
  closing_.push_back(bracket == '{' ? '}' : ']');
  first_ = true;
}

void Xo::close() {
  const char bracket = closing_.back();
  closing_.pop_back();
  if (pretty_ && !first_) out_ += "\n" + std::string(closing_.size() * 2, ' ');
  out_ += bracket;
  first_ = false;
}

void Xo::field(const std::string& name, const std::string& value, bool top) {
  begin(name, top);
  out_ += quoted(value);
}

void Xo::field(const std::string& name, int64_t value) {
  begin(name, false);
  out_ += text("{}", value);
}

void Xo::flag(const std::string& name) {
  begin(name, false);
  out_ += "true";
}

void Xo::leaf(const std::string& value) {
  begin("", false);
  out_ += quoted(value);
}

std::string Xo::finish() {
  while (!closing_.empty()) close();
  return std::exchange(out_, "") + "\n";
}

}  // namespace stackyard
