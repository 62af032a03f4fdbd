// gui/model/lab_file.h - a lab file as the front end reads it: its values, or what is wrong.
#pragma once

#include <QString>
#include <optional>

#include "lab/spec/lab_spec.h"

namespace stackyard::gui {

struct LabFile {
  QString path, text;
  std::optional<LabSpec> spec;
  QString problems;  // located, a line each; warnings too

  static LabFile read(const QString& path);
};

}  // namespace stackyard::gui
