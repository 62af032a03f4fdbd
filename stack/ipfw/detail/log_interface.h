// stack/ipfw/detail/log_interface.h - ipfw0: bpf(4) sees there what rules log.
#pragma once

#include "stack/ipfw/detail/packet_view.h"
#include "stack/net/cloner.h"
#include "stack/net/net_stack.h"

namespace stackyard::ipfw {

class LogInterface final : public Ifnet {
 public:
  LogInterface(NetStack& net, std::string name)
      : Ifnet(net, std::move(name), if_flag::simplex | if_flag::up, 65535) {}
  bool is_ethernet() const override { return true; }
  Result<> output(Packet packet, uint16_t, MacAddress) override {
    return output_frame(std::move(packet));
  }
  Result<> output_frame(Packet packet) override;
  void show(const Packet& packet, const PacketView& view, bool ethernet);
};

extern const ClonerRecord log_cloners[1];

}  // namespace stackyard::ipfw
