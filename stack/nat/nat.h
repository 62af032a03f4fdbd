// stack/nat/nat.h - the address translations that packet filters of one vnet use ("ipfw nat").
#pragma once

#include <map>

#include "core/alias/alias.h"
#include "stack/inet/inet.h"
#include "stack/nat/api/nat_requests.h"

namespace stackyard {

extern const ModuleRecord nat_module;

// core/alias's Alias with what a configuration says of it.
struct NatInstance {
  NatInstance(RandomStream random) : alias(random) {}
  NatConfig config;
  Alias alias;
  IfRef interface;  // whose address it has
};

class Nat final : public ModuleState, public TranslatorHook, public InterfaceListener {
 public:
  explicit Nat(Vnet& vnet);
  ~Nat() override;

  Outcome translate(Packet& packet, uint32_t number, bool global, const HookContext& at) override;

  Result<> configure(const NatConfig& config);
  Result<> remove(uint32_t number);
  void list(ListNat& request) const;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [number, instance] : instances_) visit(*instance);
  }
  SimTime now() const { return net_.site().now(); }

  void interface_arrived(Ifnet&) override { find_interfaces(); }
  void interface_renamed(Ifnet&) override { find_interfaces(); }

 private:
  void find_interfaces();
  AliasResult translate_by(NatInstance& instance, Packet& packet, const HookContext& at,
                           Alias::Create create);

  IpStack& ip_;
  NetStack& net_;
  Inet& inet_;
  uint64_t streams_ = 0;
  std::map<uint32_t, std::unique_ptr<NatInstance>> instances_;
};

}  // namespace stackyard
