// userland/jail/jail_config.h - jail.conf(5): jails and their parameters, wildcards, variables.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace stackyard {

// A parameter as written: a boolean one has no values, a list has several. Names keep their "no".
struct JailParameter {
  std::string name;  // "$x": a variable
  std::vector<std::string> values;
  bool has_value = false;
  bool appends = false;  // "+=": to what a wildcard gave before
};

class ConfiguredJail {
 public:
  std::string name;  // empty: from a command line

  // A later one replaces an earlier of the same name ("allow.nomount" is "allow.mount"'s), or is
  // added to its list.
  void set(const JailParameter& parameter);
  void append(const JailParameter& parameter);
  const JailParameter* find(const std::string& name) const;
  // The first value; null: it is not there, or has none.
  const std::string* text(const std::string& name) const;
  std::vector<std::string> list(const std::string& name) const;
  // "persist" is true, "nopersist" and "persist=false" are not.
  bool is_true(const std::string& name) const;
  const std::vector<JailParameter>& parameters() const { return parameters_; }

  // Puts values of variables and parameters in the place of $name and ${name}. What is wrong, or
  // empty.
  std::string expand();

 private:
  std::vector<JailParameter> parameters_;
};

struct JailConfig {
  std::vector<ConfiguredJail> jails;  // in the file's order, wildcards applied
  std::string error;                  // "FILE:LINE: syntax error near \"x\""; empty: none

  ConfiguredJail* find(const std::string& name);
};

JailConfig read_jail_config(const std::string& content, const std::string& file_name);

// "a.*" matches "a.b", "*" everything: a wildcard stands for one or more whole parts of a name.
bool jail_name_matches(const std::string& name, const std::string& pattern);
bool is_jail_wildcard(const std::string& name);

}  // namespace stackyard
