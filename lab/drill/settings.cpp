#include "lab/drill/settings.h"

#include <algorithm>

#include "core/base/text.h"

namespace stackyard::drill {

namespace {

// Options of packetdrill that mean nothing here: there is no real time, network or device.
constexpr std::string_view without_effect[] = {"wire_client",
                                               "wire_server",
                                               "wire_server_ip",
                                               "wire_server_at",
                                               "wire_server_port",
                                               "wire_client_dev",
                                               "wire_server_dev",
                                               "so_filename",
                                               "so_flags",
                                               "speed",
                                               "code_command",
                                               "code_format",
                                               "code_sockopt",
                                               "debug",
                                               "send_omit_free",
                                               "is_anyip",
                                               "persistent_tun_dev",
                                               "tun_dev",
                                               "no_cleanup",
                                               "fm_filename",
                                               "mss",
                                               "udp_encaps",
                                               "test_timeout",
                                               "use_expect"};

template <class Number>
bool read_number(const std::string& value, int64_t least, int64_t most, Number& to) {
  const auto n = parse_int(value);
  if (!n || *n < least || *n > most) return false;
  to = Number(*n);
  return true;
}

bool read_flag(const std::string& value) {
  return value.empty() || value == "1" || value == "true";
}

bool apply_number(Settings& s, const std::string& name, const std::string& value) {
  if (name == "bind_port") return read_number(value, 1, 65535, s.bind_port);
  if (name == "connect_port") return read_number(value, 1, 65535, s.connect_port);
  if (name == "mtu") return read_number(value, 0, 65535, s.mtu);
  if (name == "tcp_ts_tick_usecs") return read_number(value, 0, 1'000'000, s.stamp_tick_us);
  if (name == "tolerance_percent")
    return read_number(value.substr(0, value.find('.')), 0, 1000, s.tolerance_percent);
  int64_t us = 0;
  if (!read_number(value, 1, INT32_MAX, us)) return false;
  s.tolerance = SimTime(us * 1000);
  return true;
}

}  // namespace

std::string apply_setting(Settings& s, const std::string& name, const std::string& value) {
  const std::string bad = text("bad --{}: {}", name, value);
  if (name == "ip_version") {
    constexpr std::string_view versions[] = {"ipv4", "ipv4-mapped-ipv6", "ipv6"};
    const auto found = std::find(std::begin(versions), std::end(versions), value);
    if (found == std::end(versions)) return bad;
    s.version = Settings::Version(found - std::begin(versions));
    return "";
  }
  for (std::string_view number : {"bind_port", "connect_port", "mtu", "tcp_ts_tick_usecs",
                                  "tolerance_percent", "tolerance_usecs"})
    if (name == number) return apply_number(s, name, value) ? "" : bad;
  if (name == "local_ip") {
    s.local = value;
  } else if (name == "remote_ip") {
    s.remote = value;
  } else if (name == "gateway_ip") {
    s.gateway = value;
  } else if (name == "netmask_ip") {
    s.netmask = value;
  } else if (name == "init_scripts") {
    s.init_scripts = split(value, ',');
  } else if (name == "tcp_ts_ecr_scaled") {
    s.stamp_echo_scaled = read_flag(value);
  } else if (name == "strict_segments") {
    s.strict_segments = read_flag(value);
  } else if (name == "dry_run") {
    s.dry_run = read_flag(value);
  } else if (name == "trace") {
    s.trace = read_flag(value);
  } else if (name == "verbose" || name == "v") {
    s.verbose = read_flag(value);
  } else if (name == "non_fatal") {
    s.forgive_packets |= value.find("packet") != value.npos;
    s.forgive_calls |= value.find("syscall") != value.npos;
  } else if (name == "define" || name == "D") {
    define(s.definitions, value);
  } else if (std::find(std::begin(without_effect), std::end(without_effect), name) ==
             std::end(without_effect)) {
    return text("--{} is unknown", name);
  }
  return "";
}

Places places_of(const Settings& s) {
  const auto or_else = [](const std::string& given, const char* otherwise) {
    return given.empty() ? std::string(otherwise) : given;
  };
  const bool v6 = s.wire_is_v6();
  const std::string local = or_else(s.local, v6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1");
  const std::string gateway = or_else(s.gateway, v6 ? "fd3d:fa7b:d17d::2" : "192.168.0.2");
  std::string remote = or_else(s.remote, v6 ? "2001:db8::1/32" : "192.0.2.1/24");
  if (remote.find('/') == remote.npos) remote += v6 ? "/128" : "/32";
  const auto parsed_local = parse_ip(local), parsed_gateway = parse_ip(gateway);
  const auto parsed_remote = parse_ip_prefix(remote);
  const auto mask = parse_ip(or_else(s.netmask, "255.255.0.0"));
  if (!parsed_local || !parsed_gateway || !parsed_remote || !mask || parsed_local->is_v6() != v6 ||
      parsed_remote->address.is_v6() != v6)
    throw Failure{1, text("bad addresses: {}, {} by {}", local, remote, gateway)};
  const uint8_t length = v6 ? 48 : uint8_t(std::popcount(mask->v4().value));
  return {*parsed_local, *parsed_gateway, *parsed_remote, length};
}

}  // namespace stackyard::drill
