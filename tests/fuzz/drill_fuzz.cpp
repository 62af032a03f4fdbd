// tests/fuzz/drill_fuzz.cpp - the reader of packet scripts, and the code in them, on any text.
#include "lab/drill/code.h"
#include "lab/drill/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  const std::string script(reinterpret_cast<const char*>(data), size);
  try {
    (void)drill::parse_script(script, {});
  } catch (const drill::Failure&) {
  } catch (const drill::Skip&) {
  }
  try {
    drill::CodeWorld().run(script, 1);
  } catch (const drill::Failure&) {
  } catch (const drill::Skip&) {
  }
  return 0;
}
