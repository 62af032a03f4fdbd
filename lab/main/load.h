// lab/main/load.h - reads a lab file for any of the commands, and tells what is wrong with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/spec/lab_spec.h"

namespace stackyard {

// Prints warnings and errors on standard error; nothing when there were errors.
std::optional<LabSpec> load_lab(const std::string& path, const std::vector<std::string>& set);

}  // namespace stackyard
