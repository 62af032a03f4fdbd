#include <algorithm>

#include "lab/catalog/catalog.h"
#include "userland/commands.h"

namespace stackyard {

std::vector<const Command*> machine_commands() {
  // A line each, so that changes do not meet.
  // clang-format off
  return {
      &arp_command,
      &basename_command,
      &bracket_command,
      &cat_command,
      &cksum_command,
      &cp_command,
      &cut_command,
      &date_command,
      &dirname_command,
      &dmesg_command,
      &dnctl_command,
      &echo_command,
      &env_command,
      &false_command,
      &fetch_command,
      &grep_command,
      &head_command,
      &hostname_command,
      &httpd_command,
      &id_command,
      &ifconfig_command,
      &ifmcstat_command,
      &inetd_command,
      &ip6addrctl_command,
      &iperf3_command,
      &ipfw_command,
      &jail_command,
      &jexec_command,
      &jls_command,
      &kill_command,
      &killall_command,
      &kldload_command,
      &kldstat_command,
      &kldunload_command,
      &logger_command,
      &ls_command,
      &md5_command,
      &mkdir_command,
      &mtest_command,
      &mv_command,
      &natd_command,
      &nc_command,
      &ndp_command,
      &netstat_command,
      &pgrep_command,
      &ping6_command,
      &ping_command,
      &pkill_command,
      &printf_command,
      &ps_command,
      &rm_command,
      &route_command,
      &rtadvctl_command,
      &rtadvd_command,
      &rtsol_command,
      &rtsold_command,
      &sed_command,
      &seq_command,
      &service_command,
      &setfib_command,
      &setkey_command,
      &sh_command,
      &sha1_command,
      &sha256_command,
      &sha512_command,
      &sleep_command,
      &smcroutectl_command,
      &smcrouted_command,
      &sockstat_command,
      &sort_command,
      &sysctl_command,
      &tail_command,
      &tcpdrop_command,
      &tcpdump_command,
      &tee_command,
      &telnet_command,
      &test_command,
      &timeout_command,
      &touch_command,
      &tr_command,
      &traceroute6_command,
      &traceroute_command,
      &traffic_command,
      &true_command,
      &ttcp_command,
      &uname_command,
      &uniq_command,
      &wc_command,
      &yes_command,
  };
  // clang-format on
}

std::vector<std::string> shim_names() {
  // These are the real machine's own, on its own files.
  constexpr std::string_view real[] = {
      "[",      "basename", "cat",  "cksum", "cp", "cut",  "date", "dirname", "echo",
      "env",    "false",    "grep", "head",  "id", "kill", "ls",   "mkdir",   "mv",
      "printf", "rm",       "sed",  "seq",   "sh", "sort", "tail", "tee",     "test",
      "touch",  "tr",       "true", "uniq",  "wc", "yes"};
  std::vector<std::string> names;
  for (const Command* command : machine_commands())
    if (std::find(std::begin(real), std::end(real), command->name) == std::end(real))
      names.push_back(command->name);
  return names;
}

}  // namespace stackyard
