// tests/fuzz/shell_fuzz.cpp - the shell's grammar, its arithmetic, and filters.
#include "core/capture/filter.h"
#include "userland/sh/shell.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  const std::string script(reinterpret_cast<const char*>(data), size);
  (void)parse_shell(script);
  if (size < 200) {
    (void)arithmetic(script, [](const std::string&) { return std::string("1"); });
    if (script.find('\0') == script.npos) (void)PacketFilter::compile(script);
  }
  return 0;
}
