// lab/run/journal.h - the lines of a journal: the lab, then everything from outside with the
// instant at which it entered. See docs/control-protocol.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/base/time.h"
#include "lab/run/doors.h"

namespace stackyard {

struct LabSource;
using Json = nlohmann::json;

Json journal_head(const LabSource& source, uint64_t seed);
// A message of a client, or of the supervisor: client 0.
Json journal_input(SimTime when, uint32_t client, Json message);
Json journal_end(SimTime when);

// Frames that came in by doors, as a message and back. Throws Json::exception, and gives false for
// a door that does not exist.
Json frames_message(const LabSpec& spec, const std::vector<DoorFrame>& frames);
bool frames_from(const LabSpec& spec, const Json& params, std::vector<DoorFrame>& frames);

}  // namespace stackyard
