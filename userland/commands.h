// userland/commands.h - every command's record. lab/catalog lists them; a test finds those left
// out.
#pragma once

#include "stack/sys/program.h"

namespace stackyard {

extern const Command arp_command, fetch_command, hostname_command, ifconfig_command, nc_command,
    ifmcstat_command, ip6addrctl_command, mtest_command, ndp_command, netstat_command, ping_command,
    ping6_command, route_command, rtsol_command, rtsold_command, setfib_command, sockstat_command,
    sysctl_command, tcpdrop_command, tcpdump_command, telnet_command, traceroute_command,
    traceroute6_command, traffic_command, ttcp_command;

extern const Command jail_command, jexec_command, jls_command;
extern const Command httpd_command, inetd_command, kldload_command, kldstat_command,
    kldunload_command, rtadvctl_command, rtadvd_command, smcroutectl_command, smcrouted_command,
    service_command;
extern const Command dnctl_command, ipfw_command, natd_command;
extern const Command setkey_command;
extern const Command sh_command;
extern const Command basename_command, bracket_command, cat_command, cksum_command, cp_command,
    cut_command, date_command, dirname_command, dmesg_command, echo_command, env_command,
    false_command, grep_command, head_command, id_command, iperf3_command, kill_command,
    killall_command, logger_command, ls_command, md5_command, mkdir_command, mv_command,
    pgrep_command, pkill_command, printf_command, ps_command, rm_command, sed_command, seq_command,
    sha1_command, sha256_command, sha512_command, sleep_command, sort_command, tail_command,
    tee_command, test_command, timeout_command, touch_command, tr_command, true_command,
    uname_command, uniq_command, wc_command, yes_command;

}  // namespace stackyard
