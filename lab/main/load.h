// lab/main/load.h - reads a lab file for any of the commands, and tells what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/run/worker.h"
#include "lab/spec/lab_spec.h"

namespace stackyard {

struct LoadedLab {
  LabSpec spec;
  LabSource source;  // to read it again with additions
};

// Prints warnings and errors on standard error; nothing when there were errors.
std::optional<LoadedLab> load_lab(const std::string& path, const std::vector<std::string>& set);
std::optional<LoadedLab> load_lab(LabSource source);

// Says on standard error what is wrong, if it is.
bool write_file(const std::string& path, const std::string& content);

}  // namespace stackyard
