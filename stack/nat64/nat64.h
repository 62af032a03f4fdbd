// stack/nat64/nat64.h - what ipfw(8) adds to its actions for IPv6 beside IPv4: nat64lsn, nat64stl,
// nat64clat, nptv6. A translated packet begins its way anew, as if it had just come in.
#pragma once

#include <map>

#include "core/alias/family_translation.h"
#include "stack/ip/ip_stack.h"
#include "stack/nat64/api/nat64_requests.h"

namespace stackyard {

extern const ModuleRecord nat64_module;

class Nat64;

// An instance of any kind.
class Nat64Instance {
 public:
  explicit Nat64Instance(const Nat64Config& config) : config(config) {}
  virtual ~Nat64Instance() = default;
  // Null: not this instance's business, or no families are translated.
  virtual FamilyMapper* mapper(const Packet& packet, SimTime now) = 0;
  virtual void reconfigure(const Nat64Config& to) { config = to; }
  virtual void count(Nat64Stats&, SimTime) {}

  Nat64Config config;
  Nat64Stats stats;
};

std::unique_ptr<Nat64Instance> make_stateful(const Nat64Config& config, RandomStream random);
std::unique_ptr<Nat64Instance> make_stateless(const Nat64Config& config, IpStack& ip);
std::unique_ptr<Nat64Instance> make_customer(const Nat64Config& config);

// Whether a packet with this IPv4 address may be translated (RFC 6890, unless allow_private).
bool may_translate(const Nat64Config& config, Ipv4Address address);

class Nat64 final : public ModuleState {
 public:
  explicit Nat64(Vnet& vnet);
  ~Nat64() override;

  Result<> create(const Nat64Config& config);
  Result<> configure(const Nat64Config& config);
  Result<> destroy(Nat64Kind kind, const std::string& name);
  Result<> reset(Nat64Kind kind, const std::string& name);
  void list(ListNat64& request) const;

 private:
  class Action final : public ExternalAction {
   public:
    Action(Nat64& owner, Nat64Kind kind) : owner_(owner), kind_(kind) {}
    bool has_instance(const std::string& name) const override {
      return owner_.find(kind_, name) != nullptr;
    }
    Outcome act(Packet& packet, const std::string& instance, const HookContext& at) override {
      return owner_.act(packet, kind_, instance, at);
    }

   private:
    Nat64& owner_;
    Nat64Kind kind_;
  };
  using Outcome = ExternalAction::Outcome;

  Nat64Instance* find(Nat64Kind kind, const std::string& name) const;
  Outcome act(Packet& packet, Nat64Kind kind, const std::string& name, const HookContext& at);
  Outcome translate(Packet& packet, Nat64Instance& instance, FamilyMapper& mapper,
                    const HookContext& at);
  Outcome translate_prefix(Packet& packet, Nat64Instance& instance);
  std::optional<Ipv6Address> global_address(const std::string& interface) const;
  void send_on(Packet packet, uint16_t ether_type, const HookContext& at);
  SimTime now() const { return net_.site().now(); }

  IpStack& ip_;
  NetStack& net_;
  uint64_t streams_ = 0;
  uint16_t ids_ = 0;  // of IPv4 headers
  Action actions_[4];
  std::map<std::pair<Nat64Kind, std::string>, std::unique_ptr<Nat64Instance>> instances_;
};

}  // namespace stackyard
