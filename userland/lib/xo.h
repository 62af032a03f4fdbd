// userland/lib/xo.h - libxo's JSON (libxo(3)): nested containers and lists of fields.
#pragma once

#include <string>
#include <vector>

#include "stack/sys/sys.h"

namespace stackyard {

enum class XoStyle : uint8_t { text, json, pretty, unknown };
// Takes "--libxo json,pretty", "--libxo=json" and the like out of the arguments.
XoStyle take_xo(Args& args);

class Xo {
 public:
  Xo(XoStyle style, const char* version) : pretty_(style == XoStyle::pretty) {
    open("", '{');
    field("__version", std::string(version), true);
  }
  void open_container(const std::string& name) { open(name, '{'); }
  void open_list(const std::string& name) { open(name, '['); }
  void open_instance() { open("", '{'); }
  void close();
  void field(const std::string& name, const std::string& value) { field(name, value, false); }
  void field(const std::string& name, int64_t value);
  void flag(const std::string& name);   // true
  void leaf(const std::string& value);  // of a list
  // Closes all that is open; the whole text, with a newline.
  std::string finish();

 private:
  void open(const std::string& name, char bracket);
  void field(const std::string& name, const std::string& value, bool top);
  void begin(const std::string& name, bool spaced);

  bool pretty_;
  std::string out_;
  std::vector<char> closing_;
  bool first_ = true;
};

}  // namespace stackyard
