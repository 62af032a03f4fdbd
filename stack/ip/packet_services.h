// stack/ip/packet_services.h - what packet filters have done by other modules: address translation,
// netgraph, external actions (shaping: stack/net/shaper.h). A module enters itself when its state
// is made; null: it has not been.
#pragma once

#include "stack/net/packet_hook.h"

namespace stackyard {

class TranslatorHook {
 public:
  virtual ~TranslatorHook() = default;
  enum class Outcome : uint8_t { translated, unchanged, refused };
  // `number` of an instance; `global`: by whichever has the state. Refused: the packet is to be
  // dropped (deny_in).
  virtual Outcome translate(Packet& packet, uint32_t number, bool global,
                            const HookContext& at) = 0;
};

class NetgraphHook {
 public:
  virtual ~NetgraphHook() = default;
  // To the hook of that number of the firewall's node. False: nobody has connected it.
  virtual bool send(Packet packet, uint32_t number, const Resume& resume) = 0;
  virtual bool connected(uint32_t number) const = 0;
};

// An action that a module adds to the firewall ("nat64lsn NAME").
class ExternalAction {
 public:
  virtual ~ExternalAction() = default;
  enum class Outcome : uint8_t { next_rule, pass, drop, taken };
  virtual bool has_instance(const std::string& name) const = 0;
  virtual Outcome act(Packet& packet, const std::string& instance, const HookContext& at) = 0;
};

struct PacketServices {
  TranslatorHook* translator = nullptr;
  NetgraphHook* netgraph = nullptr;
  std::vector<std::pair<std::string, ExternalAction*>> external;  // by the action's name

  ExternalAction* action(const std::string& name) const {
    for (const auto& [own, action] : external)
      if (own == name) return action;
    return nullptr;
  }
};

}  // namespace stackyard
