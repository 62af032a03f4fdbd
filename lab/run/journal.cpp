#include "lab/run/journal.h"

#include <nlohmann/json.hpp>

#include "lab/api/channel.h"
#include "lab/run/worker.h"

namespace stackyard {

Json journal_head(const LabSource& source, uint64_t seed) {
  Json set = Json::object();
  for (const auto& [name, value] : source.options.set) set[name] = value;
  return {{"program", "stackyard " STACKYARD_VERSION},
          {"lab", source.content},
          {"name", source.name},
          {"folder", source.options.folder},
          {"set", set},
          {"seed", seed}};
}

Json journal_input(SimTime when, uint32_t client, Json message) {
  return {{"time", when.ns()}, {"client", client}, {"message", std::move(message)}};
}

Json journal_end(SimTime when) { return {{"time", when.ns()}, {"end", true}}; }

Json frames_message(const LabSpec& spec, const std::vector<DoorFrame>& frames) {
  Json all = Json::array();
  for (const DoorFrame& frame : frames) {
    const std::string_view octets(reinterpret_cast<const char*>(frame.octets.data()),
                                  frame.octets.size());
    all.push_back({{"door", spec.nodes[frame.node].name}, {"octets", to_base64(octets)}});
  }
  return {{"jsonrpc", "2.0"}, {"method", "supervisor.frames"}, {"params", {{"frames", all}}}};
}

bool frames_from(const LabSpec& spec, const Json& params, std::vector<DoorFrame>& frames) {
  for (const Json& told : params.at("frames")) {
    const auto found = spec.node_index.find(told.at("door").get<std::string>());
    const auto octets = from_base64(told.at("octets").get<std::string>());
    if (found == spec.node_index.end() || !octets) return false;
    if (spec.nodes[found->second].kind != NodeKind::door) return false;
    frames.push_back({found->second, {octets->begin(), octets->end()}});
  }
  return true;
}

}  // namespace stackyard
