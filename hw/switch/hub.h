// hw/switch/hub.h - a repeater: what comes in by one port leaves by all others.
#pragma once

#include <memory>
#include <vector>

#include "core/jack/jack.h"

namespace stackyard {

class Hub {
 public:
  explicit Hub(Site& site) : site_(site) {}
  Hub(const Hub&) = delete;

  Site& site() const { return site_; }
  Jack& add_port() {
    ports_.push_back(std::make_unique<Port>(*this));
    return *ports_.back();
  }

 private:
  struct Port final : Jack {
    explicit Port(Hub& owner) : hub(owner) {}
    void receive(Packet frame) override { hub.repeat(*this, std::move(frame)); }
    void carrier_changed(bool) override {}
    Hub& hub;
  };
  void repeat(const Port& from, Packet frame) {
    for (auto& port : ports_)
      if (port.get() != &from && port->carrier()) port->wire()->transmit(frame.clone());
  }

  Site& site_;
  std::vector<std::unique_ptr<Port>> ports_;
};

}  // namespace stackyard
