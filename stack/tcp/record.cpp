// stack/tcp/record.cpp - the module's record: settings, counters, tables, requests, sockets.
#include "core/base/text.h"
#include "core/wire/net/ipv4.h"
#include "stack/tcp/api/tcp_info.h"
#include "stack/tcp/api/tcp_requests.h"
#include "stack/tcp/functions.h"
#include "stack/tcp/listener.h"
#include "stack/tcp/tcp.h"
#include "stack/tcp/tcp_socket.h"

namespace stackyard {

namespace {

Tcp& self(ModuleState& state) { return static_cast<Tcp&>(state); }
const Tcp& self(const ModuleState& state) { return static_cast<const Tcp&>(state); }

constexpr TcpSettings defaults;

#define NUMBER(sysctl, words, member, low, high) \
  SETTING("net.inet.tcp." sysctl, words, member, low, high)
#define SETTING(sysctl, words, member, low, high)        \
  {                                                      \
    .name = sysctl, .summary = words,                    \
    .number = [](const void* s) -> const int64_t& {      \
      return static_cast<const TcpSettings*>(s)->member; \
    },                                                   \
    .least = low, .most = high                           \
  }

std::string congestion_name(const ModuleState* state) {
  return congestion_controls()[state ? size_t(self(*state).settings().cc) : 0]->name;
}

std::string congestion_names(const ModuleState*) {
  std::string names;
  for (const CongestionRecord* record : congestion_controls())
    names += (names.empty() ? "" : " ") + std::string(record->name);
  return names;
}

std::string functions_default(const ModuleState* state) {
  return tcp_function_blocks()[state ? size_t(self(*state).settings().functions) : 0].name;
}

Result<> set_functions_default(ModuleState& state, const std::string& name) {
  const auto found = find_tcp_functions(name);
  if (!found) return Errno::enoent;
  self(state).set_functions_default(*found);
  return {};
}

std::string functions_available(const ModuleState* state) {
  std::string lines = text("\n{:<32} {:<1} {:<32} {}", "Stack", "D", "Alias", "PCB count");
  const auto blocks = tcp_function_blocks();
  for (uint8_t i = 0; i < blocks.size(); ++i) {
    const bool is_default = i == (state ? self(*state).settings().functions : 0);
    lines += text("\n{:<32} {:<1} {:<32} {}", blocks[i].name, is_default ? "*" : " ",
                  blocks[i].name, state ? self(*state).count_functions(i) : size_t(0));
  }
  return lines;
}

#define FAST_OPEN_SHOW(sysctl, words, what)                                                \
  {                                                                                        \
    .name = "net.inet.tcp.fastopen." sysctl, .summary = words, .writable = false,          \
    .show = []([[maybe_unused]] const ModuleState* m) { return text("{}", size_t(what)); } \
  }

std::string fast_open_list(const ModuleState* state) {
  if (!state) return "";
  return self(*state).fast_open().list(self(*state).site().now());
}

std::string host_cache_list(const ModuleState* state) {
  if (!state) return TcpHostCache().list(SimTime());
  return self(*state).host_cache().list(self(*state).site().now());
}

Result<> set_congestion(ModuleState& state, const std::string& name) {
  const auto all = congestion_controls();
  for (size_t i = 0; i < all.size(); ++i) {
    if (name != all[i]->name) continue;
    self(state).set_congestion_default(i);
    return {};
  }
  return Errno::esrch;
}

const TcpSettings& of(const ModuleState* state) {
  return state ? self(*state).settings() : defaults;
}

// cc_vegas(4): neither may pass the other.
Result<> set_vegas(ModuleState& state, int64_t CongestionSettings::*which,
                   const std::string& value) {
  const std::optional<int64_t> number = parse_int(value);
  CongestionSettings wanted = self(state).settings().congestion;
  if (!number) return Errno::einval;
  wanted.*which = *number;
  if (wanted.vegas_alpha < 1 || wanted.vegas_alpha >= wanted.vegas_beta) return Errno::einval;
  self(state).set_congestion_settings(wanted);
  return {};
}

constexpr int64_t year_ms = 365ll * 86400 * 1000;

constexpr SysctlRecord sysctls[] = {
    NUMBER("rfc1323", "RFC 7323: 0 off, 1 both extensions, 2 window scale, 3 timestamps", rfc1323,
           0, 3),
    NUMBER("rfc3042", "Enable RFC 3042 (Limited Transmit)", rfc3042, 0, 1),
    NUMBER("mssdflt", "Default TCP Maximum Segment Size", mssdflt, 48, 65495),
    NUMBER("v6mssdflt", "Default TCP Maximum Segment Size for IPv6", v6mssdflt, 48, 65475),
    NUMBER("minmss", "Minimum TCP Maximum Segment Size", minmss, 48, 65495),
    NUMBER("initcwnd_segments", "Initial congestion window in number of segments",
           initcwnd_segments, 0, 100),
    NUMBER("sack.enable", "Enable/Disable TCP SACK support", sack, 0, 1),
    NUMBER("sack.lrd", "Perform Lost Retransmission Detection", sack_lrd, 0, 1),
    NUMBER("sack.maxholes", "Maximum number of TCP SACK holes allowed per connection",
           sack_maxholes, 2, 65535),
    NUMBER("do_prr", "Enable Proportional Rate Reduction per RFC 6937", do_prr, 0, 1),
    NUMBER("do_prr_conservative", "Do conservative Proportional Rate Reduction",
           do_prr_conservative, 0, 1),
    NUMBER("rfc3465", "Enable RFC 3465 (Appropriate Byte Counting)", rfc3465, 0, 1),
    NUMBER("abc_l_var", "Cap the max cwnd increment during slow-start to this number of segments",
           abc_l_var, 1, 255),
    {.name = "net.inet.tcp.functions_default",
     .summary = "Set/get the default TCP functions",
     .show = functions_default,
     .set_text = set_functions_default},
    {.name = "net.inet.tcp.functions_available",
     .summary = "List of available TCP Function sets",
     .writable = false,
     .show = functions_available},
    NUMBER("functions_inherit_listen_socket_stack", "Inherit listen socket's stack",
           functions_inherit, 0, 1),
    {.name = "net.inet.tcp.udp_tunneling_port",
     .summary = "Tunneling port for tcp over udp",
     .number = [](const void* v) -> const int64_t& {
       return static_cast<const TcpSettings*>(v)->udp_port;
     },
     .most = 65535,
     .changed =
         [](ModuleState& m) {
           self(m).udp_tunnel().listen_at(uint16_t(self(m).settings().udp_port));
         }},
    NUMBER("udp_tunneling_overhead", "MSS reduction when using tcp over udp", udp_overhead, 8,
           1024),
    NUMBER("fastopen.acceptany", "Accept any non-empty cookie", fastopen_acceptany, 0, 1),
    NUMBER("fastopen.autokey",
           "Number of seconds between auto-generation of a new key; zero disables",
           fastopen_autokey, 0, INT32_MAX / 1000),
    NUMBER("fastopen.ccache_bucket_limit", "Max entries per bucket in client cookie cache",
           fastopen_ccache_limit, 0, 1024),
    NUMBER("fastopen.ccache_buckets", "Client cookie cache number of buckets",
           fastopen_ccache_buckets, 1, 65536),
    {.name = "net.inet.tcp.fastopen.ccache_list",
     .summary = "List of all client cookie cache entries",
     .writable = false,
     .show = fast_open_list},
    NUMBER("fastopen.client_enable", "Enable/disable TCP Fast Open client functionality",
           fastopen_client, 0, 1),
    FAST_OPEN_SHOW("keylen", "Key length in bytes", fast_open_key_size),
    FAST_OPEN_SHOW("maxkeys", "Maximum number of keys supported", fast_open_keys_max),
    FAST_OPEN_SHOW("maxpsks", "Maximum number of pre-shared keys supported", fast_open_keys_max),
    FAST_OPEN_SHOW("numkeys", "Number of keys installed",
                   m ? self(*m).fast_open().key_count() : size_t(0)),
    FAST_OPEN_SHOW("numpsks", "Number of pre-shared keys installed",
                   m ? self(*m).fast_open().secret_count() : size_t(0)),
    NUMBER("fastopen.path_disable_time",
           "Seconds a TFO failure disables a {client_ip, server_ip, "
           "server_port} path",
           fastopen_path_disable_time, 0, INT32_MAX),
    NUMBER("fastopen.psk_enable", "Enable/disable TCP Fast Open server pre-shared key mode",
           fastopen_psk_enable, 0, 1),
    {.name = "net.inet.tcp.fastopen.server_enable",
     .summary = "Enable/disable TCP Fast Open server functionality",
     .number = [](const void* v) -> const int64_t& {
       return static_cast<const TcpSettings*>(v)->fastopen_server;
     },
     .most = 1,
     .changed =
         [](ModuleState& m) {
           Tcp& tcp = self(m);
           const auto& s = tcp.settings();
           tcp.fast_open().server_enabled(s.fastopen_server, s, tcp.site().now());
         }},
    {.name = "net.inet.tcp.fastopen.setkey",
     .summary = "Install a new key: 32 hexadecimal digits",
     .show = [](const ModuleState*) { return std::string(); },
     .set_text = [](ModuleState& m,
                    const std::string& key) { return self(m).fast_open().add_key(key); }},
    {.name = "net.inet.tcp.fastopen.setpsk",
     .summary = "Install a new pre-shared key: 32 hexadecimal digits",
     .show = [](const ModuleState*) { return std::string(); },
     .set_text = [](ModuleState& m,
                    const std::string& key) { return self(m).fast_open().add_secret(key); }},
    NUMBER("rack.tlp.tlpminto", "TLP minimum timeout per the specification (in microseconds)",
           rack_tlp_min_us, 1, 1'000'000),
    NUMBER("rack.tlp.reorder_thresh",
           "What factor for rack will be added when seeing reordering (shift right)",
           rack_reorder_thresh, 0, 16),
    NUMBER("rack.timers.delayed_ack", "Delayed ack time (in microseconds)", rack_delayed_ack_us, 0,
           1'000'000),
    {.name = "net.inet.tcp.cc.algorithm",
     .summary = "Default congestion control algorithm",
     .show = congestion_name,
     .set_text = set_congestion},
    {.name = "net.inet.tcp.cc.available",
     .summary = "List available congestion control algorithms",
     .writable = false,
     .show = congestion_names},
    NUMBER("cc.abe", "Enable draft-ietf-tcpm-alternativebackoff-ecn (TCP ABE)", congestion.abe, 0,
           1),
    NUMBER("cc.abe_frlossreduce",
           "Apply standard beta instead of ABE-beta if loss is repaired, too",
           congestion.abe_frlossreduce, 0, 1),
    NUMBER("cc.hystartplusplus.minrtt_thresh", "Minimum RTT variance clamp (in microseconds)",
           congestion.hystart_minrtt_us, 1, INT32_MAX),
    NUMBER("cc.hystartplusplus.maxrtt_thresh", "Maximum RTT variance clamp (in microseconds)",
           congestion.hystart_maxrtt_us, 1, INT32_MAX),
    NUMBER("cc.hystartplusplus.n_rttsamples", "RTT samples that a round needs to be judged",
           congestion.hystart_samples, 1, INT32_MAX),
    NUMBER("cc.hystartplusplus.css_growth_div", "Divisor of the growth in conservative slow start",
           congestion.hystart_growth_div, 1, INT32_MAX),
    NUMBER("cc.hystartplusplus.css_rounds", "Rounds of conservative slow start",
           congestion.hystart_rounds, 1, INT32_MAX),
    NUMBER("cc.dctcp.alpha", "Initial alpha: 1024 is as if all were marked", congestion.dctcp_alpha,
           0, 1024),
    NUMBER("cc.dctcp.shift_g", "Gain of the estimation of alpha: 1 / 2^shift_g",
           congestion.dctcp_shift_g, 0, 10),
    NUMBER("cc.dctcp.slowstart", "Half the window at the first mark in slow start",
           congestion.dctcp_slowstart, 0, 1),
    NUMBER("cc.newreno.beta", "New Reno beta, specified as number between 1 and 100",
           congestion.newreno_beta, 1, 100),
    NUMBER("cc.newreno.beta_ecn", "New Reno beta ecn, specified as number between 1 and 100",
           congestion.newreno_beta_ecn, 1, 100),
    NUMBER("cc.htcp.adaptive_backoff", "enable H-TCP adaptive backoff",
           congestion.htcp_adaptive_backoff, 0, 1),
    NUMBER("cc.htcp.rtt_scaling", "enable H-TCP RTT scaling", congestion.htcp_rtt_scaling, 0, 1),
    {.name = "net.inet.tcp.cc.vegas.alpha",
     .summary = "vegas alpha, specified as number of \"buffers\" (0 < alpha < beta)",
     .show = [](const ModuleState* m) { return text("{}", of(m).congestion.vegas_alpha); },
     .set_text =
         [](ModuleState& m, const std::string& value) {
           return set_vegas(m, &CongestionSettings::vegas_alpha, value);
         }},
    {.name = "net.inet.tcp.cc.vegas.beta",
     .summary = "vegas beta, specified as number of \"buffers\" (0 < alpha < beta)",
     .show = [](const ModuleState* m) { return text("{}", of(m).congestion.vegas_beta); },
     .set_text =
         [](ModuleState& m, const std::string& value) {
           return set_vegas(m, &CongestionSettings::vegas_beta, value);
         }},
    NUMBER("cc.hd.queue_min", "minimum queue delay threshold (qmin) in milliseconds",
           congestion.hd_qmin, 1, 10000),
    NUMBER("cc.hd.queue_threshold", "queueing congestion threshold (qth) in milliseconds",
           congestion.hd_qthresh, 1, 10000),
    NUMBER("cc.hd.pmax", "per packet maximum backoff probability as a percentage",
           congestion.hd_pmax, 1, 100),
    NUMBER("cc.chd.queue_min", "minimum queueing delay threshold (qmin) in milliseconds",
           congestion.chd_qmin, 1, 10000),
    NUMBER("cc.chd.queue_threshold", "queueing congestion threshold in milliseconds",
           congestion.chd_qthresh, 1, 10000),
    NUMBER("cc.chd.pmax", "per RTT maximum backoff probability as a percentage",
           congestion.chd_pmax, 1, 100),
    NUMBER("cc.chd.loss_fair", "Flag to enable shadow window functionality.",
           congestion.chd_loss_fair, 0, 1),
    NUMBER("cc.chd.use_max", "Use the maximum RTT seen within the measurement period",
           congestion.chd_use_max, 0, 1),
    NUMBER("cc.cdg.beta_delay", "Delay based backoff factor; backoff_factor = beta / 100",
           congestion.cdg_beta_delay, 1, 100),
    NUMBER("cc.cdg.beta_loss", "Loss based backoff factor; backoff_factor = beta / 100",
           congestion.cdg_beta_loss, 1, 100),
    NUMBER("cc.cdg.exp_backoff_scale",
           "Scaling parameter for the probabilistic exponential backoff",
           congestion.cdg_exp_backoff_scale, 1, 1000),
    NUMBER("cc.cdg.smoothing_factor", "Number of samples used for moving average smoothing",
           congestion.cdg_smoothing_factor, 0, 16),
    NUMBER("cc.cdg.alpha_inc",
           "Round trips after which the window's increase grows by a segment; 0: never",
           congestion.cdg_alpha_inc, 0, INT32_MAX),
    {.name = "net.inet.tcp.cc.cdg.version",
     .summary = "Current algorithm/implementation version number",
     .writable = false,
     .show = [](const ModuleState*) { return std::string("0.1"); }},
    NUMBER("cc.cdg.loss_compete_consecutive_cong",
           "Number of consecutive delay-gradient based congestion episodes",
           congestion.cdg_loss_compete_consec_cong, 0, 1000),
    NUMBER(
        "cc.cdg.loss_compete_hold_backoff",
        "Number of consecutive delay-gradient based congestion episodes to hold the window backoff",
        congestion.cdg_loss_compete_hold_backoff, 0, 1000),
    NUMBER("hostcache.enable", "Enable the TCP hostcache", hostcache_enable, 0, 1),
    NUMBER("hostcache.cachelimit", "Overall entry limit for hostcache", hostcache_limit, 1,
           1 << 20),
    NUMBER("hostcache.expire", "Expire time of TCP hostcache entries", hostcache_expire, 1,
           INT32_MAX),
    NUMBER("hostcache.purge", "Expire all entries on next purge run", hostcache_purge, 0, 1),
    {.name = "net.inet.tcp.hostcache.purgenow",
     .summary = "Immediately purge all entries",
     .number = [](const void* v) -> const int64_t& {
       return static_cast<const TcpSettings*>(v)->hostcache_purgenow;
     },
     .most = 1,
     .changed = [](ModuleState& m) { self(m).host_cache().clear(); }},
    {.name = "net.inet.tcp.hostcache.count",
     .summary = "Current number of entries in hostcache",
     .writable = false,
     .show =
         [](const ModuleState* m) {
           return text("{}", m ? self(*m).host_cache().count() : size_t(0));
         }},
    {.name = "net.inet.tcp.hostcache.list",
     .summary = "List of all hostcache entries",
     .writable = false,
     .show = host_cache_list},
    NUMBER("pmtud_blackhole_detection", "Path MTU Discovery Black Hole Detection Enabled",
           blackhole_detection, 0, 1),
    NUMBER("pmtud_blackhole_mss", "Path MTU Discovery Black Hole Detection lowered MSS",
           blackhole_mss, 216, 65495),
    NUMBER("v6pmtud_blackhole_mss", "Path MTU Discovery IPv6 Black Hole Detection lowered MSS",
           v6blackhole_mss, 216, 65475),
    NUMBER("ecn.enable",
           "TCP ECN support: 0 off, 1 on, 2 when asked for, 3 accurate, 4 accurate when asked for",
           ecn, 0, 4),
    NUMBER("ecn.maxretries", "Max retries before giving up on ECN", ecn_maxretries, 0, 12),
    NUMBER("syncookies", "Use TCP SYN cookies if the syncache overflows", syncookies, 0, 1),
    NUMBER("syncookies_only", "Use only TCP SYN cookies", syncookies_only, 0, 1),
    NUMBER("sendspace", "Initial send socket buffer size", sendspace, 1, 2097152),
    NUMBER("recvspace", "Initial receive socket buffer size", recvspace, 1, 2097152),
    NUMBER("sendbuf_auto", "Enable automatic send buffer sizing", sendbuf_auto, 0, 1),
    NUMBER("sendbuf_inc", "Incrementor step size of automatic send buffer", sendbuf_inc, 1,
           2097152),
    NUMBER("sendbuf_max", "Max size of automatic send buffer", sendbuf_max, 1, 1 << 30),
    NUMBER("recvbuf_auto", "Enable automatic receive buffer sizing", recvbuf_auto, 0, 1),
    NUMBER("recvbuf_max", "Max size of automatic receive buffer", recvbuf_max, 1, 1 << 30),
    NUMBER("delayed_ack", "Delay ACK to try and piggyback it onto a data packet", delayed_ack, 0,
           1),
    NUMBER("delacktime", "Time before a delayed ACK is sent", delacktime_ms, 1, 500),
    NUMBER("msl", "Maximum segment lifetime", msl_ms, 1, 600'000),
    NUMBER("finwait2_timeout", "FIN-WAIT2 timeout", finwait2_timeout_ms, 1, year_ms),
    NUMBER("fast_finwait2_recycle", "Recycle closed FIN_WAIT_2 connections faster",
           fast_finwait2_recycle, 0, 1),
    NUMBER("nolocaltimewait", "Do not create TIME_WAIT state for local connections",
           nolocaltimewait, 0, 1),
    NUMBER("rexmit_drop_options", "Drop TCP options from 3rd and later retransmitted SYN",
           rexmit_drop_options, 0, 1),
    NUMBER("maxunacktime", "Maximum time without an acknowledgment, in ms; 0: no limit",
           maxunacktime_ms, 0, year_ms),
    NUMBER("keepidle", "time before keepalive probes begin", keepidle_ms, 1, year_ms),
    NUMBER("keepintvl", "time between keepalive probes", keepintvl_ms, 1, year_ms),
    NUMBER("keepcnt", "Number of keepalive probes to send", keepcnt, 1, INT32_MAX),
    NUMBER("keepinit", "time to establish connection", keepinit_ms, 1, year_ms),
    NUMBER("always_keepalive", "Assume SO_KEEPALIVE on all TCP connections", always_keepalive, 0,
           1),
    NUMBER("rexmit_initial", "Initial Retransmission Timeout", rexmit_initial_ms, 1, 64'000),
    NUMBER("rexmit_min", "Minimum Retransmission Timeout", rexmit_min_ms, 1, 64'000),
    NUMBER("rexmit_slop", "Retransmission Timer Slop", rexmit_slop_ms, 0, 64'000),
    NUMBER("retries", "maximum number of consecutive timer based retransmissions", retries, 1, 12),
    NUMBER("persmin", "minimum persistence interval", persmin_ms, 1, 600'000),
    NUMBER("persmax", "maximum persistence interval", persmax_ms, 1, 600'000),
    NUMBER("path_mtu_discovery", "Enable Path MTU Discovery", path_mtu_discovery, 0, 1),
    NUMBER("blackhole", "Do not send RST on segments to closed ports", blackhole, 0, 3),
    NUMBER("drop_synfin", "Drop TCP packets with SYN+FIN set", drop_synfin, 0, 1),
    NUMBER("log_in_vain", "Log all incoming TCP segments to closed ports", log_in_vain, 0, 2),
    NUMBER("insecure_rst", "Follow RFC793 instead of RFC5961 criteria for accepting RST packets",
           insecure_rst, 0, 1),
    NUMBER("insecure_syn", "Follow RFC793 instead of RFC5961 criteria for accepting SYN packets",
           insecure_syn, 0, 1),
    NUMBER("insecure_ack", "Follow RFC793 criteria for validating SEG.ACK", insecure_ack, 0, 1),
    NUMBER("ack_war_cnt", "Maximum number of challenge ACKs in ack_war_timewindow", ack_war_cnt, 0,
           INT32_MAX),
    NUMBER("ack_war_timewindow", "Time window for the limit of challenge ACKs",
           ack_war_timewindow_ms, 0, 600'000),
    NUMBER("tolerate_missing_ts", "Tolerate missing TCP timestamps", tolerate_missing_ts, 0, 1),
    NUMBER("icmp_may_rst", "Certain ICMP unreachable messages may abort connections in SYN_SENT",
           icmp_may_rst, 0, 1),
    NUMBER("reass.maxqueuelen", "Max number of gaps in the reassembly queue of a connection",
           reass_maxqueuelen, 0, 65535),
    NUMBER("syncache.cachelimit", "Overall entry limit for syncache", syncache_limit, 1, 1 << 20),
    NUMBER("syncache.rexmtlimit", "Limit on SYN/ACK retransmissions", syncache_rexmtlimit, 0, 12),
    NUMBER("syncache.rst_on_sock_fail", "Send reset on socket allocation failure",
           syncache_rst_on_sock_fail, 0, 1),
    {.name = "net.inet.tcp.syncache.count",
     .summary = "Current number of entries in syncache",
     .writable = false,
     .show =
         [](const ModuleState* m) {
           return text("{}", m ? self(*m).syncache().count() : size_t(0));
         }},
    {.name = "net.inet.tcp.pcbcount",
     .summary = "Number of active PCBs",
     .writable = false,
     .show =
         [](const ModuleState* m) {
           size_t count = 0;
           if (m) self(*m).for_each([&](const TcpConnection&) { ++count; });
           return text("{}", count);
         }},
    // The kernel's, as far as TCP follows them.
    SETTING("kern.ipc.maxsockbuf", "Maximum socket buffer size", maxsockbuf, 2048, 1 << 30),
    SETTING("kern.ipc.soacceptqueue", "Maximum listen socket pending connection accept queue size",
            soacceptqueue, 1, 65535),
    // What nothing here depends on.
    SETTING("kern.timecounter.alloweddeviation", "Allowed time interval deviation in percents",
            alloweddeviation, 0, 100),
    NUMBER("tso", "Enable TCP Segmentation Offload", tso, 0, 1),
    NUMBER("do_tcpdrain", "Enable tcp_drain routine for extra help when low on mbufs", do_tcpdrain,
           0, 1),
    NUMBER("isn_reseed_interval", "Seconds between reseeding of ISN secret", isn_reseed_interval, 0,
           INT32_MAX),
    NUMBER("log_debug", "Log errors caused by incoming TCP segments", log_debug, 0, 1),
    NUMBER("per_cpu_timers", "run tcp timers on all cpus", per_cpu_timers, 0, 1),
    NUMBER("soreceive_stream", "Using soreceive_stream for TCP sockets", soreceive_stream, 0, 1),
    NUMBER("sendbuf_auto_lowat",
           "Modify threshold for auto send buffer growth to account for SO_SNDLOWAT",
           sendbuf_auto_lowat, 0, 1),
    NUMBER("rfc3390", "Enable RFC 3390 (Increasing TCP's Initial Congestion Window)", rfc3390, 0,
           1),
    NUMBER("rfc6675_pipe", "Use calculated pipe/in-flight bytes per RFC 6675", rfc6675_pipe, 0, 1),
    NUMBER("newcwv", "Enable New Congestion Window Validation per RFC7661", newcwv, 0, 1),
    NUMBER("sack.revised", "Use revised SACK loss recovery per RFC 6675", sack_revised, 0, 1),
    NUMBER("sack.tso", "Allow TSO during SACK loss recovery", sack_tso, 0, 1),
    NUMBER("sack.globalmaxholes", "Global maximum number of TCP SACK holes", sack_globalmaxholes, 0,
           INT32_MAX),
    NUMBER("hostcache.bucketlimit", "Per-bucket hash limit for hostcache", hostcache_bucketlimit, 1,
           INT32_MAX),
    NUMBER("hostcache.hashsize", "Size of TCP hostcache hashtable", hostcache_hashsize, 1,
           INT32_MAX),
    NUMBER("hostcache.prune", "Time between purge runs", hostcache_prune, 1, INT32_MAX),
    NUMBER("syncache.bucketlimit", "Per-bucket hash limit for syncache", syncache_bucketlimit, 1,
           INT32_MAX),
    NUMBER("syncache.hashsize", "Size of TCP syncache hashtable", syncache_hashsize, 1, INT32_MAX),
    NUMBER("syncache.see_other", "All syncache(4) entries are visible", syncache_see_other, 0, 1),
    NUMBER("reass.new_limit", "Do not limit the segments of one connection", reass_new_limit, 0, 1),
    NUMBER("reass.maxsegments", "Global maximum number of segments in reassembly",
           reass_maxsegments, 0, INT32_MAX),
};
#undef NUMBER
#undef SETTING

#define ONE(field, words)                                                                     \
  {                                                                                           \
    "tcp", "tcps_" #field, words, [](const ModuleState& m) { return self(m).counters.field; } \
  }
#define NAMED(name, field, words)                                                            \
  {                                                                                          \
    "tcp", "tcps_" #name, words, [](const ModuleState& m) { return self(m).counters.field; } \
  }
#define TWO(field, second, words)                                                              \
  {                                                                                            \
    "tcp", "tcps_" #field, words, [](const ModuleState& m) { return self(m).counters.field; }, \
        [](const ModuleState& m) { return self(m).counters.second; }                           \
  }

constexpr CounterRecord counters[] = {
    ONE(sndtotal, "{} packet{s} sent"),
    TWO(sndpack, sndbyte, "\t{} data packet{s} ({2} byte{s})"),
    TWO(sndrexmitpack, sndrexmitbyte, "\t{} data packet{s} ({2} byte{s}) retransmitted"),
    ONE(sndrexmitbad, "\t{} data packet{s} unnecessarily retransmitted"),
    ONE(mturesent, "\t{} resend{s} initiated by MTU discovery"),
    TWO(sndacks, delack, "\t{} ack-only packet{s} ({2} delayed)"),
    ONE(sndurg, "\t{} URG only packet{s}"),
    ONE(sndprobe, "\t{} window probe packet{s}"),
    ONE(sndwinup, "\t{} window update packet{s}"),
    ONE(sndctrl, "\t{} control packet{s}"),
    ONE(rcvtotal, "{} packet{s} received"),
    TWO(rcvackpack, rcvackbyte, "\t{} ack{s} (for {2} byte{s})"),
    ONE(rcvdupack, "\t{} duplicate ack{s}"),
    ONE(rcvacktoomuch, "\t{} ack{s} for unsent data"),
    TWO(rcvpack, rcvbyte, "\t{} packet{s} ({2} byte{s}) received in-sequence"),
    TWO(rcvduppack, rcvdupbyte, "\t{} completely duplicate packet{s} ({2} byte{s})"),
    ONE(pawsdrop, "\t{} old duplicate packet{s}"),
    TWO(rcvpartduppack, rcvpartdupbyte, "\t{} packet{s} with some dup. data ({2} byte{s} duped)"),
    TWO(rcvoopack, rcvoobyte, "\t{} out-of-order packet{s} ({2} byte{s})"),
    TWO(rcvpackafterwin, rcvbyteafterwin, "\t{} packet{s} ({2} byte{s}) of data after window"),
    ONE(rcvwinprobe, "\t{} window probe{s}"),
    ONE(rcvwinupd, "\t{} window update packet{s}"),
    ONE(rcvafterclose, "\t{} packet{s} received after close"),
    ONE(rcvbadsum, "\t{} discarded for bad checksum{s}"),
    ONE(rcvbadoff, "\t{} discarded for bad header offset field{s}"),
    ONE(rcvshort, "\t{} discarded because packet too short"),
    ONE(rcvreassfull, "\t{} discarded due to full reassembly queue"),
    ONE(connattempt, "{} connection request{s}"),
    ONE(accepts, "{} connection accept{s}"),
    ONE(badsyn, "{} bad connection attempt{s}"),
    ONE(listendrop, "{} listen queue overflow{s}"),
    ONE(badrst, "{} ignored RSTs in the window{s}"),
    ONE(connects, "{} connection{s} established (including accepts)"),
    ONE(usedrtt, "\t{} time{s} used RTT from hostcache"),
    ONE(usedssthresh, "\t{} time{s} used slow-start threshold from hostcache"),
    TWO(closed, drops, "{} connection{s} closed (including {2} drop{s})"),
    ONE(cachedrtt, "\t{} connection{s} updated cached RTT on close"),
    ONE(cachedssthresh, "\t{} connection{s} updated cached ssthresh on close"),
    ONE(conndrops, "{} embryonic connection{s} dropped"),
    TWO(rttupdated, segstimed, "{} segment{s} updated rtt (of {2} attempt{s})"),
    ONE(rexmttimeo, "{} retransmit timeout{s}"),
    ONE(timeoutdrop, "\t{} connection{s} dropped by rexmit timeout"),
    ONE(persisttimeo, "{} persist timeout{s}"),
    ONE(persistdrop, "\t{} connection{s} dropped by persist timeout"),
    ONE(finwait2_drops, "{} Connection{s} (fin_wait_2) dropped because of timeout"),
    ONE(keeptimeo, "{} keepalive timeout{s}"),
    ONE(keepprobe, "\t{} keepalive probe{s} sent"),
    ONE(keepdrops, "\t{} connection{s} dropped by keepalive"),
    ONE(predack, "{} correct ACK header prediction{s}"),
    ONE(preddat, "{} correct data packet header prediction{s}"),
    ONE(sc_added, "{} syncache entr{ies} added"),
    ONE(sc_retransmitted, "\t{} retransmitted"),
    ONE(sc_dupsyn, "\t{} dupsyn"),
    ONE(sc_dropped, "\t{} dropped"),
    ONE(sc_completed, "\t{} completed"),
    ONE(sc_bucketoverflow, "\t{} bucket overflow"),
    ONE(sc_cacheoverflow, "\t{} cache overflow"),
    ONE(sc_reset, "\t{} reset"),
    ONE(sc_stale, "\t{} stale"),
    ONE(sc_aborted, "\t{} aborted"),
    ONE(sc_badack, "\t{} badack"),
    ONE(sc_unreach, "\t{} unreach"),
    ONE(sc_sendcookie, "{} cookie{s} sent"),
    ONE(sc_recvcookie, "{} cookie{s} received"),
    ONE(sack_recovery_episode, "{} SACK recovery episode{s}"),
    ONE(sack_rexmits, "{} segment rexmit{s} in SACK recovery episodes"),
    ONE(sack_rexmit_bytes, "{} byte rexmit{s} in SACK recovery episodes"),
    ONE(sack_rcv_blocks, "{} SACK option{s} (SACK blocks) received"),
    ONE(sack_send_blocks, "{} SACK option{s} (SACK blocks) sent"),
    NAMED(pmtud_blackhole_activated, blackhole_activated,
          "{} Path MTU discovery black hole detection activation{s}"),
    NAMED(pmtud_blackhole_activated_min_mss, blackhole_min_activated,
          "{} Path MTU discovery black hole detection min MSS activation{s}"),
    NAMED(pmtud_blackhole_failed, blackhole_failed,
          "{} Path MTU discovery black hole detection failure{s}"),
    ONE(sig_rcvgoodsig, "{} packet{s} with matching signature received"),
    ONE(sig_rcvbadsig, "{} packet{s} with bad signature received"),
    ONE(sig_err_buildsig, "{} time{s} failed to make signature due to no SA"),
    ONE(sig_err_nosigopt, "{} time{s} no signature provided by segment"),
    ONE(ecn_ce, "{} packet{s} with ECN CE bit set"),
    ONE(ecn_ect0, "{} packet{s} with ECN ECT(0) bit set"),
    ONE(ecn_shs, "{} successful ECN handshake{s}"),
    ONE(ecn_rcwnd, "{} time{s} ECN reduced the congestion window"),
};
#undef ONE
#undef NAMED
#undef TWO

void list_connections(const Tcp& tcp, ListTcpConnections& list) {
  tcp.syncache().for_each([&](const TcpHalfOpen& half) {
    const PcbFamily family = half.listener->family;
    list.connections.push_back({.protocol = tcp_protocol_name(family),
                                .local = name_of(half.ends.local, family),
                                .foreign = name_of(half.ends.foreign, family),
                                .state = tcp_state_name(TcpState::syn_received)});
  });
  tcp.for_each([&](const TcpConnection& c) { list.connections.push_back(c.describe()); });
}

Table connections_table(const ModuleState* state) {
  Table table{{{"local", "Local Address"},
               {"foreign", "Foreign Address"},
               {"state", "State"},
               {"recv_q", "Recv-Q", ColumnType::number},
               {"send_q", "Send-Q", ColumnType::number},
               {"cwnd", "Cwnd", ColumnType::number},
               {"ssthresh", "Ssthresh", ColumnType::number},
               {"flight", "Flight", ColumnType::number},
               {"rtt", "RTT", ColumnType::duration},
               {"rto", "RTO", ColumnType::duration},
               {"pace", "Pace", ColumnType::number}},
              {}};
  if (!state) return table;
  self(*state).for_each([&](const TcpConnection& c) {
    const TcpConnectionInfo info = c.describe();
    table.rows.push_back({to_text(info.local), to_text(info.foreign), info.state,
                          int64_t(info.receive_queue), int64_t(info.send_queue), int64_t(info.cwnd),
                          int64_t(info.ssthresh), int64_t(info.flight), info.rtt.ns(),
                          info.rto.ns(), int64_t(info.pace)});
  });
  return table;
}

constexpr TableRecord tables[] = {{"tcp", connections_table}};

constexpr RequestRecord requests[] = {
    {&ListTcpConnections::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       list_connections(self(m), static_cast<ListTcpConnections&>(r));
       return {};
     }},
    {&DropTcpConnection::kind_of,
     [](ModuleState& m, Request& r) -> Result<> {
       const auto& wanted = static_cast<DropTcpConnection&>(r);
       return self(m).drop_connection({{wanted.local.address, wanted.local.port},
                                       {wanted.foreign.address, wanted.foreign.port}});
     }},
};

constexpr uint8_t protocols[] = {ip_protocol::tcp};

constexpr SocketRecord sockets[] = {{Af::inet, SocketType::stream, ip_protocol::tcp,
                                     [](ModuleState& m, int) -> Result<std::unique_ptr<SocketOps>> {
                                       return self(m).create_socket(IpFamily::v4);
                                     }},
                                    {Af::inet6, SocketType::stream, ip_protocol::tcp,
                                     [](ModuleState& m, int) -> Result<std::unique_ptr<SocketOps>> {
                                       return self(m).create_socket(IpFamily::v6);
                                     }}};

}  // namespace

std::string tcp_protocol_name(PcbFamily family) {
  return family == PcbFamily::v4 ? "tcp4" : family == PcbFamily::v6 ? "tcp6" : "tcp46";
}

TcpInfo TcpConnection::info() const {
  TcpInfo info;
  info.state = uint8_t(state_);
  info.options =
      uint8_t((timestamps_ ? TcpInfo::option_timestamps : 0) | (sack_ ? TcpInfo::option_sack : 0) |
              (scaling_ ? TcpInfo::option_scaling : 0) | (ecn_ ? TcpInfo::option_ecn : 0) |
              (options.fast_open ? TcpInfo::option_fast_open : 0));
  info.send_scale = snd_scale_;
  info.receive_scale = rcv_scale_;
  info.timeout_us = uint32_t(rxtcur_.us());
  info.rtt_us = uint32_t(rtt_.smoothed().us());
  info.rtt_variation_us = uint32_t(rtt_.variation().us());
  info.rtt_least_us = uint32_t(rtt_.least().us());
  info.send_mss = info.receive_mss = window_.mss;
  info.ssthresh = window_.ssthresh;
  info.cwnd = window_.cwnd;
  info.receive_space = rcv_wnd_;
  info.send_window = snd_wnd_;
  if (rtt_.known()) {
    const uint64_t per_second =
        uint64_t(std::min(snd_wnd_, window_.cwnd)) * 1'000'000'000 / uint64_t(rtt_.smoothed().ns());
    info.send_bandwidth = uint32_t(std::min<uint64_t>(per_second, UINT32_MAX));
  }
  info.next_sequence = snd_nxt_.value;
  info.next_receive = rcv_nxt_.value;
  info.retransmitted = history_->retransmitted;
  info.out_of_order = history_->out_of_order;
  info.zero_windows = history_->zero_windows;
  info.unacknowledged = uint32_t(snd_nxt_ - snd_una_);
  info.since_received_us = uint32_t((tcp_.site().now() - received_at_).us());
  info.oldest_unacked = snd_una_.value;
  info.highest_sent = snd_max_.value;
  info.told_edge = rcv_adv_.value;
  info.sack_blocks = reassembly_ ? uint32_t(reassembly_->run_count()) : 0;
  info.duplicate_acks = dupacks_;
  info.marks_delivered = ace_heard_;
  info.marks_received = ace_counted_;
  if (rack()) {
    info.tail_probes = rack()->probes_sent;
    info.tail_probe_octets = rack()->probe_octets_sent;
  }
  return info;
}

TcpTimers TcpConnection::timers() const {
  const SimTime now = tcp_.site().now();
  const auto left = [&](TimerKind kind) {
    return timer_set(kind) ? std::max(deadline_[kind] - now, SimTime()) : SimTime();
  };
  return {.rexmt = left(rexmt),
          .persist = left(persist),
          .keep = left(keep),
          .two_msl = left(two_msl),
          .delack = left(delack),
          .since_received = received_at_ == SimTime() ? SimTime() : now - received_at_};
}

TcpConnectionInfo TcpConnection::describe() const {
  TcpConnectionInfo info{.protocol = tcp_protocol_name(family),
                         .local = name_of(local_, family),
                         .foreign = name_of(foreign_, family),
                         .state = tcp_state_name(state_),
                         .receive_queue = received_.octets(),
                         .send_queue = sending_.size(),
                         .buffers = {.receive_limit = receive_limit_,
                                     .send_limit = send_limit_,
                                     .receive_low = options.patience->receive_low_water,
                                     .send_low = options.patience->send_low_water},
                         .timers = timers(),
                         .has_socket = socket_ != nullptr,
                         .cwnd = window_.cwnd,
                         .ssthresh = window_.ssthresh,
                         .flight = uint32_t(snd_nxt_ - snd_una_),
                         .rtt = rtt_.smoothed(),
                         .rto = rxtcur_,
                         .pace = pacer() ? pacer()->in_force() : 0};
  if (!listener()) return info;
  info.queued = listener()->waiting();
  info.embryonic = tcp_.syncache().count_of(*this);
  info.backlog = listener()->backlog();
  return info;
}

constexpr ModuleRecord tcp_module{.name = "tcp",
                                  .summary = "Transmission Control Protocol",
                                  .needs = {"net", "ip", "udp"},
                                  .create = [](Vnet& v) -> std::unique_ptr<ModuleState> {
                                    return std::make_unique<Tcp>(v, defaults);
                                  },
                                  .settings = &defaults,
                                  .ip_protocols = protocols,
                                  .sysctls = sysctls,
                                  .counters = counters,
                                  .tables = tables,
                                  .requests = requests,
                                  .sockets = sockets};

}  // namespace stackyard
