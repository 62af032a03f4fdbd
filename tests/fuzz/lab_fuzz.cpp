// tests/fuzz/lab_fuzz.cpp - the reader of lab files on any text.
#include "core/base/text.h"
#include "lab/spec/lab_spec.h"
#include "lab/spec/problems.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  Problems problems;
  ReadOptions options;
  // Counts that are allowed but large only cost time here.
  const std::string content(reinterpret_cast<const char*>(data), size);
  if (content.find("count") != content.npos) return 0;
  (void)read_lab(content, "fuzz.yaml", options, problems);
  (void)problems.text("fuzz");
  return 0;
}
