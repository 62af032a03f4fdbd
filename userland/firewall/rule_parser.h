// userland/firewall/rule_parser.h - a rule of ipfw(8) from words: no system calls, so that it can
// be tested and fuzzed by itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "stack/ipfw/api/names.h"
#include "stack/ipfw/api/rule.h"

namespace stackyard::ipfw {

// sysexits(3).
namespace exit_status {
constexpr int usage = 64, bad_data = 65, no_host = 68, unavailable = 69, os_error = 71;
}

struct ParseFailure {
  int status = 0;
  std::string message;
};

// What words may mean on this machine.
class Names {
 public:
  virtual ~Names() = default;
  virtual std::optional<uint16_t> port(const std::string& /* name */, uint8_t /* protocol */) {
    return std::nullopt;
  }
  virtual std::optional<IpAddress> host(const std::string& /* name */) { return std::nullopt; }
  virtual std::optional<int> jail(const std::string& /* name or number */) { return std::nullopt; }
  virtual uint32_t verbose_limit() { return 0; }
  virtual int64_t fibs() { return 16; }
};

class RuleParser {
 public:
  RuleParser(std::vector<std::string> words, Names& names)
      : words_(std::move(words)), names_(names) {}
  // From what follows "add" on. False: `failure` says why.
  bool parse(Rule& into);
  const ParseFailure& failure() const { return failure_; }
  // Warnings that do not make a rule bad.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  // An instruction with its operands, being made.
  struct Making {
    Insn insn;
    std::vector<Insn> behind;
  };

  bool fail(int status, std::string message);
  bool more() const { return at_ < words_.size(); }
  const std::string& word() const { return words_[at_]; }
  bool is(std::string_view what) const { return more() && words_[at_] == what; }
  bool take(std::string_view what);
  // False, and a failure with that message: no word is left.
  bool need(const char* message);
  uint32_t name(const std::string& name);

  // --- rule_parser.cpp ---
  bool head();
  bool action();
  bool action_of(std::string_view word);
  bool numbered(Op op, const std::string& word);
  bool check_state();
  bool forward();
  bool external(const std::string& action);
  bool tcp_setmss();
  bool setfib();
  bool setdscp();
  bool reject_code(Op op);
  bool modifiers();
  bool log();
  bool tag(bool untag);
  void act(Insn insn) { actions_.push_back(insn); }

  // --- rule_body.cpp ---
  bool body();
  bool protocol();
  bool add_protocol(const std::string& word, bool option);
  bool end(bool source);
  bool address(bool source, const std::string& word, bool option = false);
  bool address4(bool source, const std::string& word);
  bool address6(bool source, const std::string& word);
  bool address_set(bool source, const std::string& base, int length, std::string_view list);
  bool table(Op op, const std::string& word);
  bool ports(Op op, const std::string& word, bool must);
  enum class Ranges : uint8_t { done, none, bad };
  Ranges ranges(const std::string& word, Making& m, uint8_t protocol, bool types = false);
  std::optional<uint32_t> port_number(std::string_view& word, uint8_t protocol, bool types);
  void begin_block();
  bool not_block();
  // True: an alternative follows.
  bool or_block(bool& again);

  // --- rule_options.cpp ---
  bool options();
  bool option(const std::string& word);
  bool option_with_list(const std::string& word, Op op);
  bool option_of_state(const std::string& word);
  bool option_of_packet(const std::string& word);
  bool option_of_end(const std::string& word);
  bool option_of_tcp(const std::string& word);
  bool option_of_socket(const std::string& word);
  bool interface(Op op);
  bool icmp_types();
  bool icmp6_types();
  bool flags(Op op, NamedValues names, const char* missing);
  bool dscp();
  bool mac();
  bool limit(bool set_only);
  bool keep_state(bool set_only);
  bool state_name(Insn& insn);
  bool lookup();
  bool tagged();
  bool comment();
  bool simple(Op op, uint32_t arg = 0);

  void put(Making m);
  void put(Insn insn) { put(Making{insn, {}}); }
  Rule finished();

  std::vector<std::string> words_;
  size_t at_ = 0;
  Names& names_;
  ParseFailure failure_;
  std::vector<std::string> warnings_;
  Rule rule_;
  std::vector<Insn> match_, actions_, modifiers_;
  std::optional<Insn> state_;
  bool state_only_ = false;  // record-state, set-limit
  bool check_state_ = false, skips_action_ = false, has_log_ = false, has_tag_ = false;
  uint32_t probability_ = 0x7fffffff;
  uint8_t protocol_ = 0;
  uint8_t pending_flags_ = 0;       // "not", for the instruction to come
  bool open_ = false;               // a block of alternatives
  std::optional<size_t> previous_;  // the instruction that an "or" would follow
};

// "a,b" and the like.
std::optional<uint64_t> whole_number(std::string_view digits);  // decimal, 0x, 0 for octal

}  // namespace stackyard::ipfw
