// lab/drill/runner.h - a packet script against a machine, in simulated time.
#pragma once

#include "lab/drill/settings.h"

namespace stackyard::drill {

struct Outcome {
  enum class Kind : uint8_t { passed, failed, skipped };
  Kind kind = Kind::passed;
  int line = 0;        // of what failed or cannot be done
  std::string reason;  // with the packets of both sides
  std::string said;    // what its code and, with --verbose, its packets print
};

// `folder`: where files are that the script names.
Outcome run_script(const std::string& script, const std::string& folder, Settings settings);

}  // namespace stackyard::drill
