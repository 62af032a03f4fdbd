// lab/drill/settings.h - how scripts are run: what the command line and a script's first lines say.
#pragma once

#include "core/base/ip_address.h"
#include "lab/drill/lexer.h"

namespace stackyard::drill {

struct Settings {
  enum class Version : uint8_t { ipv4, mapped, ipv6 };
  Version version = Version::ipv4;
  uint16_t bind_port = 8080, connect_port = 8080;
  std::string local, remote, gateway, netmask;  // "": packetdrill's, by the version
  uint32_t mtu = 1500;
  SimTime tolerance = 4_ms;
  uint32_t tolerance_percent = 0;
  uint32_t stamp_tick_us = 0;  // of timestamps that are compared; 0: they are not
  bool stamp_echo_scaled = false, strict_segments = false, dry_run = false, verbose = false;
  bool trace = false;  // print how connections stand, as CSV
  bool forgive_packets = false, forgive_calls = false;
  std::vector<std::string> init_scripts;
  Definitions definitions;

  bool wire_is_v6() const { return version == Version::ipv6; }
};

// Where packets go from and to.
struct Places {
  IpAddress local, gateway;
  IpPrefix remote;  // with the peer's address
  uint8_t local_length = 0;
};

// --NAME=VALUE; what is wrong with it, or "".
std::string apply_setting(Settings& settings, const std::string& name, const std::string& value);
// Throws Failure: no such addresses.
Places places_of(const Settings& settings);

}  // namespace stackyard::drill
