// lab/spec/reader.h - typed reading of YAML values, with every mistake noted at its place.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/spec/lab_spec.h"
#include "lab/spec/problems.h"

namespace stackyard {

class Reader {
 public:
  explicit Reader(Problems& problems) : problems(problems) {}

  // A map whose keys are all among `keys`; anything else is an error. `what` is as in "host "a"".
  // `later` are keys that a later build will know, `hints` words of other tools.
  struct Keys {
    std::vector<std::string> known;
    std::vector<std::string> later = {};
    std::vector<std::string> reserved = {};
    std::vector<std::pair<std::string, std::string>> hints = {};
  };
  bool map(const Yaml& value, const std::string& what, const Keys& keys);
  bool is_map(const Yaml& value, const std::string& what);

  // Each gives nothing after an error, and nothing for null.
  std::optional<std::string> word(const Yaml* value, const std::string& what);
  std::optional<bool> boolean(const Yaml* value);
  std::optional<int64_t> integer(const Yaml* value, int64_t least, int64_t most);
  std::optional<SimTime> duration(const Yaml* value);
  std::optional<uint64_t> rate(const Yaml* value);     // bits per second; 0: none
  std::optional<uint64_t> percent(const Yaml* value);  // in units of 2^-32
  std::optional<uint64_t> size(const Yaml* value);
  std::optional<std::pair<uint64_t, bool>> queue(const Yaml* value);
  std::optional<IpAddress> ip(const Yaml& value);
  std::optional<IpPrefix> cidr(const Yaml& value);
  std::optional<MacAddress> mac(const Yaml* value);
  std::optional<std::string> one_of(const Yaml* value, const std::string& what,
                                    const std::vector<std::string>& valid);
  // A list; a single scalar may stand for a list of one.
  std::vector<const Yaml*> list(const Yaml* value, const std::string& what);
  std::vector<std::string> words(const Yaml* value, const std::string& what);
  bool is_name(const std::string& name);
  void not_yet(Place place, const std::string& what);

  Problems& problems;

 private:
  std::optional<SimTime> duration_text(const std::string& s);
  std::optional<IpAddress> ip_text(const std::string& s, Place place);
};

// "5s", "200ms": a duration by itself, as on a command line.
std::optional<SimTime> parse_duration(const std::string& word);

}  // namespace stackyard
