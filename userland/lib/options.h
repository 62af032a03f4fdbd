// userland/lib/options.h - getopt(3) for simulated commands, and small parsers that they share.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stack/sys/sys.h"

namespace stackyard {

// `letters` as for getopt: "c:nq" means -c takes an argument. Options end at "--" or at the first
// word that is not one.
class Options {
 public:
  Options(const Args& args, std::string_view letters);

  // Empty, or getopt's words: "illegal option -- x".
  const std::string& error() const { return error_; }
  bool has(char letter) const { return values_.contains(letter); }
  // The last argument given to a letter.
  std::string value(char letter, const std::string& otherwise = "") const;
  // How often a letter was given.
  size_t count(char letter) const;
  const std::vector<std::string>& rest() const { return rest_; }

  // Letters whose argument is a whole number of a range. Reads those that were given; a text is
  // what is wrong with the first bad one.
  struct Number {
    char letter;
    int64_t least, most;
    int64_t& to;
  };
  std::string read_numbers(std::span<const Number> numbers) const;

 private:
  std::map<char, std::vector<std::string>> values_;
  std::vector<std::string> rest_;
  std::string error_;
};

// Seconds with decimals, as sleep(1) and ping(8) take them: "0.5".
std::optional<SimTime> parse_seconds(const std::string& s);

// "1.5M" as 1.5 * unit * unit, in any case: K, M, G, T; unit is 1024 for octets and 1000 for bits a
// second. Nothing: no such number, or it is too large.
std::optional<int64_t> parse_scaled(std::string word, int64_t unit);

// Complains about the error and shows the usage; the status is 64 (EX_USAGE) or as given.
Task<int> bad_usage(Sys& sys, const Command& command, std::string error, int status = 64);

// The name that /etc/hosts gives an address, or the address itself.
std::string host_name(Sys& sys, const std::string& hosts, const IpAddress& address);

// "1.234" milliseconds from nanoseconds, as ping prints them.
std::string milliseconds(SimTime duration);

}  // namespace stackyard
