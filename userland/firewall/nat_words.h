// userland/firewall/nat_words.h - the grammar of "ipfw nat N config", also natd(8)'s redirections,
// and how instances are listed.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "stack/nat/api/nat_requests.h"
#include "stack/sys/sys.h"
#include "userland/firewall/shaper_words.h"

namespace stackyard {

// What services and hosts are called.
class NatNames {
 public:
  virtual ~NatNames() = default;
  virtual std::optional<uint16_t> port(const std::string& name, uint8_t protocol) const = 0;
  virtual std::optional<Ipv4Address> host(const std::string& name) const = 0;
};

// As the machine has them. `services`: the content of /etc/services.
class MachineNames final : public NatNames {
 public:
  MachineNames(Sys& sys, std::string services) : sys_(sys), services_(std::move(services)) {}
  std::optional<uint16_t> port(const std::string& name, uint8_t protocol) const override;
  std::optional<Ipv4Address> host(const std::string& name) const override;

 private:
  Sys& sys_;
  std::string services_;
};

// Words behind "nat N config".
std::variant<NatConfig, CommandError> parse_nat(uint32_t number,
                                                const std::vector<std::string>& words,
                                                const NatNames& names);

// One redirection from `words[at]` on, which moves behind it: "tcp 10.0.0.2:80 8080".
std::variant<NatRedirect, CommandError> parse_redirect(NatRedirect::What what,
                                                       const std::vector<std::string>& words,
                                                       size_t& at, const NatNames& names);

// Words behind "nat": "1 config ...", "show", "show config", "delete 1".
Task<int> run_nat(Sys& sys, std::vector<std::string> words);

// "ipfw nat 1 config if em0 same_ports redirect_port tcp 10.0.0.2:80 8080"
std::string show_nat(const NatConfig& config);

}  // namespace stackyard
