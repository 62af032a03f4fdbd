// lab/run/report.h - a run's results: for people, as JSON, as JUnit.
#pragma once

#include <string>
#include <vector>

#include "lab/run/session.h"

namespace stackyard {

std::string report_text(const Session& session, const LabSpec& spec);
std::string report_json(Session& session, const std::vector<OutputLine>& output);
std::string report_junit(Session& session);

}  // namespace stackyard
