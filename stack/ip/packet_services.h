// stack/ip/packet_services.h - what packet filters have done by other modules: shaping, address
// translation, netgraph. A module enters itself when its state is made; null: it has not been.
#pragma once

#include "stack/net/packet_hook.h"

namespace stackyard {

// The ends of a packet's flow, as its filter has parsed them; ports of fragments are 0.
struct FlowEnds {
  IpAddress source, dest;
  uint16_t source_port = 0, dest_port = 0;
  uint8_t protocol = 0;
  uint32_t flow_label = 0;  // IPv6
  uint32_t fib = 0;
};

class ShaperHook {
 public:
  virtual ~ShaperHook() = default;
  struct Order {
    uint32_t number = 0;
    bool queue = false;  // a queue; else a pipe
    FlowEnds flow;
    Resume resume;  // when its time has come
  };
  // Takes the packet: gives it back by PacketHooks::resume, or drops it. The error is the local
  // sender's: ENOBUFS when the queue is full.
  virtual HookVerdict shape(Packet packet, const Order& order) = 0;
};

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
  // Translated: it passes, or goes on with the next rule, as one_pass says.
  enum class Outcome : uint8_t { next_rule, translated, pass, drop, taken };
  virtual bool has_instance(const std::string& name) const = 0;
  virtual Outcome act(Packet& packet, const std::string& instance, const HookContext& at) = 0;
};

struct PacketServices {
  ShaperHook* shaper = nullptr;
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
