// userland/ipsec/setkey.cpp - setkey(8): the keys of TCP's MD5 signatures (RFC 2385). Security
// associations of IPsec's own protocols, and policies, are refused.
#include <cctype>

#include "core/base/text.h"
#include "stack/ip/api/tcp_keys.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

struct Word {
  std::string text;
  int line;
  bool quoted = false;
};

// Statements of words, each ended by ";". "#" begins a comment.
class Statements {
 public:
  explicit Statements(const std::string& script) : script_(script) {}
  // False: there is none any more. An unfinished one is `wrong`.
  bool next(std::vector<Word>& words) {
    words.clear();
    for (Word word; take(word);) {
      if (word.text == ";" && !word.quoted) return true;
      words.push_back(word);
    }
    wrong = !words.empty();
    return false;
  }
  bool wrong = false;
  int line = 1;

 private:
  bool take(Word& word) {
    const auto more = [&] { return at_ < script_.size(); };
    while (more() && (std::isspace(uint8_t(script_[at_])) || script_[at_] == '#')) {
      if (script_[at_] == '#')
        while (more() && script_[at_] != '\n') ++at_;
      if (more() && script_[at_] == '\n') ++line;
      at_ += more();
    }
    if (!more()) return false;
    word = {.text = "", .line = line};
    if (script_[at_] == ';') {
      word.text = script_[at_++];
      return true;
    }
    word.quoted = script_[at_] == '"';
    if (word.quoted) {
      for (++at_; more() && script_[at_] != '"'; ++at_) word.text += script_[at_];
      at_ += more();
      return true;
    }
    while (more() && !std::isspace(uint8_t(script_[at_])) && script_[at_] != ';')
      word.text += script_[at_++];
    return true;
  }

  const std::string& script_;
  size_t at_ = 0;
};

std::optional<std::vector<uint8_t>> key_of(const Word& word) {
  std::vector<uint8_t> key;
  if (word.quoted) {
    key.assign(word.text.begin(), word.text.end());
    return key;
  }
  const std::string& t = word.text;
  if (!t.starts_with("0x") || t.size() % 2 != 0) return std::nullopt;
  for (size_t i = 2; i < t.size(); i += 2) {
    const auto octet = parse_int("0x" + t.substr(i, 2));
    if (!octet) return std::nullopt;
    key.push_back(uint8_t(*octet));
  }
  return key;
}

class Setkey {
 public:
  explicit Setkey(Sys& sys) : sys_(sys) {}

  Task<int> script(std::string text_of_it) {
    Statements statements(text_of_it);
    std::vector<Word> words;
    int status = 0;
    while (statements.next(words)) {
      if (words.empty()) continue;
      wrong_.clear();
      std::string said = obey(words);
      if (!said.empty()) co_await sys_.print(said);
      if (wrong_.empty()) continue;
      co_await sys_.complain(text("line {}: {}", words[0].line, wrong_));
      status = 1;
      break;
    }
    if (statements.wrong) {
      co_await sys_.complain(
          text("line {}: syntax error: a statement ends with ;", statements.line));
      status = 1;
    }
    co_return status;
  }

  // setkey -D.
  std::string dump() {
    ListTcpKeys list;
    (void)request(list);
    if (list.keys.empty()) return "No SAD entries.\n";
    std::string out;
    for (const TcpKey& key : list.keys) {
      std::string digits;
      for (size_t i = 0; i < key.key.size(); ++i)
        digits += text("{}{:02x}", i > 0 && i % 4 == 0 ? " " : "", key.key[i]);
      out += text("{} {}\n\ttcp mode=any spi={}(0x{:08x}) reqid=0(0x00000000)\n\tA: tcp-md5  {}\n",
                  to_text(key.source), to_text(key.dest), key.spi, key.spi, digits);
      out += text("\tseq=0x00000000 replay=0 flags=0x00000040 state=mature\n\tcreated: {}(s)\n",
                  key.created.s());
    }
    return out;
  }
  void flush() {
    FlushTcpKeys all;
    (void)request(all);
  }
  const std::string& wrong() const { return wrong_; }

 private:
  std::string obey(const std::vector<Word>& words) {
    const std::string& verb = words[0].text;
    if (verb == "add") return add(words), "";
    if (verb == "delete" || verb == "deleteall") return remove(words, verb == "deleteall"), "";
    const bool known = verb == "flush" || verb == "dump";
    if (!known) {
      const bool policy = verb.starts_with("spd") || verb == "get" || verb == "update";
      wrong_ =
          policy ? text("{}: this build has no IPsec", verb) : text("syntax error at [{}]", verb);
      return "";
    }
    if (words.size() > 1 && !is_tcp(words[1].text)) return "";
    if (verb == "dump") return dump();
    flush();
    return "";
  }

  bool is_tcp(const std::string& protocol) {
    if (protocol == "tcp") return true;
    const bool other = protocol == "esp" || protocol == "ah" || protocol == "ipcomp" ||
                       protocol == "esp-old" || protocol == "ah-old" || protocol == "esp-udp";
    wrong_ = other ? text("{}: this build has no IPsec, only tcp's signatures", protocol)
                   : text("syntax error at [{}]", protocol);
    return false;
  }

  // Both addresses and the protocol.
  bool ends(const std::vector<Word>& words, IpAddress& source, IpAddress& dest) {
    if (words.size() < 4) return wrong_ = "syntax error: too short", false;
    const auto from = parse_ip(words[1].text), to = parse_ip(words[2].text);
    for (const size_t i : {size_t(1), size_t(2)}) {
      if (i == 1 ? from.has_value() : to.has_value()) continue;
      return wrong_ = text("syntax error at [{}]", words[i].text), false;
    }
    source = *from;
    dest = *to;
    return is_tcp(words[3].text);
  }

  void add(const std::vector<Word>& words) {
    AddTcpKey added;
    if (!ends(words, added.key.source, added.key.dest)) return;
    if (words.size() != 8 || words[5].text != "-A")
      return void(wrong_ = "syntax error: add SRC DST tcp SPI -A tcp-md5 KEY;");
    const auto spi = parse_int(words[4].text);
    if (!spi || *spi < 256 || *spi > UINT32_MAX)
      return void(wrong_ = text("syntax error at [{}]", words[4].text));
    if (words[6].text != "tcp-md5")
      return void(wrong_ = text("unsupported algorithm {}", words[6].text));
    const auto key = key_of(words[7]);
    // RFC 2385 s4.5; FreeBSD takes 1 to 80 octets.
    if (!key || key->empty() || key->size() > 80)
      return void(wrong_ = text("invalid key length {} bits", key ? key->size() * 8 : 0));
    added.key.spi = uint32_t(*spi);
    added.key.key = *key;
    (void)request(added);
  }

  void remove(const std::vector<Word>& words, bool any_spi) {
    DeleteTcpKey removed;
    if (!ends(words, removed.source, removed.dest)) return;
    const auto spi = any_spi             ? std::optional<int64_t>(0)
                     : words.size() == 5 ? parse_int(words[4].text)
                                         : std::nullopt;
    if (!spi) return void(wrong_ = "syntax error: delete SRC DST tcp SPI;");
    removed.spi = uint32_t(*spi);
    removed.any_spi = any_spi;
    (void)request(removed);
  }

  bool request(Request& r) {
    const Result<> done = sys_.request(r);
    if (!done) wrong_ = errno_text(done.error());
    return done.has_value();
  }

  Sys& sys_;
  std::string wrong_;
};

Task<int> setkey(Sys& sys, Args args) {
  const Options options(args, "DFcf:");
  const bool one = options.has('D') + options.has('F') + options.has('c') + options.has('f') == 1;
  if (!options.error().empty() || !options.rest().empty() || !one)
    co_return co_await bad_usage(sys, setkey_command, options.error(), 1);
  Setkey keys(sys);
  if (options.has('D')) {
    const std::string all = keys.dump();
    co_await sys.print(all);
    co_return 0;
  }
  if (options.has('F')) {
    keys.flush();
    if (!keys.wrong().empty()) co_await sys.complain(keys.wrong());
    co_return keys.wrong().empty() ? 0 : 1;
  }
  Fd from = fd_in;
  if (options.has('f')) {
    const std::string file = options.value('f');
    from = co_await sys.open(file, OpenMode::read).or_err(1, file);
  }
  std::string script;
  for (;;) {
    const std::string part = co_await sys.read(from, 65536).or_err(1, "read");
    if (part.empty()) break;
    script += part;
  }
  co_return co_await keys.script(script);
}

}  // namespace

const Command setkey_command{.name = "setkey",
                             .synopsis = "setkey -c\nsetkey -f filename\nsetkey -D\nsetkey -F",
                             .run = setkey};

}  // namespace stackyard
