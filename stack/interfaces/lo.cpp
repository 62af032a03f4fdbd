#include "stack/interfaces/lo.h"

#include "core/wire/link/ethernet.h"
#include "stack/net/drops.h"
#include "stack/net/net_stack.h"

namespace stackyard {

namespace {

class Loopback final : public Ifnet {
 public:
  Loopback(NetStack& net, std::string name)
      : Ifnet(net, std::move(name), if_flag::loopback | if_flag::multicast, 16384) {
    set_capabilities(if_option::checksums | if_option::link_state);
  }

  Result<> output(Packet packet, uint16_t ether_type, MacAddress) override {
    if (!up()) {
      ++counters_.errors_out;
      site_.note_drop(packet.id(), drops::interface_down, name());
      return Errno::enetdown;
    }
    // As FreeBSD's looutput: both counters move at once.
    ++counters_.packets_out;
    ++counters_.packets_in;
    counters_.octets_out += packet.size();
    counters_.octets_in += packet.size();
    tap(packet, true);
    packet.set_link_cast(false, false);
    return net_->loop(std::move(packet), ether_type, *this);
  }
  Result<> output_frame(Packet packet) override {
    return output(std::move(packet), ether_type::ipv4, {});
  }
};

extern const ClonerRecord cloners[1];

Result<std::string> create(const CloneRequest& request) {
  request.net.attach_clone(std::make_unique<Loopback>(request.net, request.name), cloners[0],
                           request.unit);
  return request.name;
}

const ClonerRecord cloners[1] = {
    {.name = "lo", .summary = "software loopback", .create = create, .permanent_unit = 0}};

}  // namespace

const ModuleRecord lo_module{.name = "lo",
                             .summary = "loopback interfaces",
                             .needs = {"net"},
                             .create = [](Vnet&) { return std::make_unique<ModuleState>(); },
                             .cloners = cloners};

}  // namespace stackyard
