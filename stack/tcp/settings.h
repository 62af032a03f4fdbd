// stack/tcp/settings.h - net.inet.tcp: settings with FreeBSD's defaults, and counters (tcp(4)).
#pragma once

#include <cstdint>

#include "stack/tcp/congestion/congestion.h"

namespace stackyard {

struct TcpSettings {
  int64_t rfc1323 = 1, sack = 1, sack_maxholes = 128, sack_lrd = 1, rfc3042 = 1;
  int64_t mssdflt = 536, v6mssdflt = 1220, minmss = 216, initcwnd_segments = 10;
  int64_t sendspace = 32768, recvspace = 65536;
  int64_t sendbuf_auto = 1, sendbuf_inc = 8192, sendbuf_max = 2 * 1024 * 1024;
  int64_t recvbuf_auto = 1, recvbuf_max = 2 * 1024 * 1024;
  int64_t delayed_ack = 1, delacktime_ms = 40;
  int64_t msl_ms = 30'000, finwait2_timeout_ms = 60'000, fast_finwait2_recycle = 0;
  int64_t nolocaltimewait = 0, rexmit_drop_options = 0, maxunacktime_ms = 0;
  int64_t maxsockbuf = 2 * 1024 * 1024, soacceptqueue = 128;
  int64_t keepidle_ms = 7'200'000, keepintvl_ms = 75'000, keepcnt = 8, keepinit_ms = 75'000;
  int64_t always_keepalive = 1;
  int64_t rexmit_initial_ms = 1000, rexmit_min_ms = 30, rexmit_slop_ms = 200, retries = 12;
  int64_t persmin_ms = 5'000, persmax_ms = 60'000;
  int64_t path_mtu_discovery = 1, blackhole = 0, drop_synfin = 0, log_in_vain = 0;
  int64_t insecure_rst = 0, insecure_syn = 0, insecure_ack = 0, ack_war_cnt = 5,
          ack_war_timewindow_ms = 1000;
  int64_t tolerate_missing_ts = 0, icmp_may_rst = 1, reass_maxqueuelen = 100;
  int64_t syncache_limit = 15360, syncache_rexmtlimit = 3, syncache_rst_on_sock_fail = 1;
  int64_t do_prr = 1, do_prr_conservative = 0, rfc3465 = 1, abc_l_var = 2;
  int64_t hostcache_enable = 1, hostcache_limit = 15360, hostcache_expire = 3600;
  int64_t blackhole_detection = 0, blackhole_mss = 1200, v6blackhole_mss = 1220;
  int64_t ecn = 2, ecn_maxretries = 1, syncookies = 1, syncookies_only = 0;
  int64_t hostcache_purge = 0, hostcache_purgenow = 0, functions_inherit = 1;
  int64_t functions = 0;  // an index of tcp_function_blocks()
  int64_t udp_port = 0, udp_overhead = 8;
  int64_t fastopen_server = 0, fastopen_client = 1, fastopen_acceptany = 0, fastopen_autokey = 120;
  int64_t fastopen_psk_enable = 0, fastopen_path_disable_time = 900;
  int64_t fastopen_ccache_limit = 16, fastopen_ccache_buckets = 2048;
  int64_t rack_tlp_min_us = 10'000, rack_delayed_ack_us = 40'000, rack_reorder_thresh = 2;
  // What FreeBSD has and nothing here depends on: kept, so that who sets them may.
  int64_t tso = 1, do_tcpdrain = 1, isn_reseed_interval = 0, log_debug = 0, per_cpu_timers = 0;
  int64_t soreceive_stream = 0, sendbuf_auto_lowat = 0, rfc3390 = 1, rfc6675_pipe = 1;
  int64_t sack_revised = 1, sack_tso = 1, sack_globalmaxholes = 65536;
  int64_t hostcache_bucketlimit = 30, hostcache_hashsize = 512, hostcache_prune = 300;
  int64_t syncache_bucketlimit = 30, syncache_hashsize = 512, syncache_see_other = 0;
  int64_t reass_new_limit = 0, reass_maxsegments = 0, newcwv = 0, alloweddeviation = 5;
  CongestionSettings congestion;
  int64_t cc = 0;  // an index of congestion_controls()
};

// FreeBSD's struct tcpstat, without "tcps_".
struct TcpCounters {
  uint64_t connattempt = 0, accepts = 0, connects = 0, drops = 0, conndrops = 0, closed = 0;
  uint64_t segstimed = 0, rttupdated = 0, delack = 0, timeoutdrop = 0, rexmttimeo = 0;
  uint64_t persisttimeo = 0, persistdrop = 0, finwait2_drops = 0, keeptimeo = 0, keepprobe = 0;
  uint64_t keepdrops = 0, badsyn = 0, listendrop = 0, badrst = 0;
  uint64_t sndtotal = 0, sndpack = 0, sndbyte = 0, sndrexmitpack = 0, sndrexmitbyte = 0;
  uint64_t sndrexmitbad = 0, mturesent = 0, sndacks = 0, sndprobe = 0, sndurg = 0, sndwinup = 0;
  uint64_t sndctrl = 0;
  uint64_t rcvtotal = 0, rcvpack = 0, rcvbyte = 0, rcvbadsum = 0, rcvbadoff = 0, rcvshort = 0;
  uint64_t rcvreassfull = 0, rcvduppack = 0, rcvdupbyte = 0, rcvpartduppack = 0;
  uint64_t rcvpartdupbyte = 0, rcvoopack = 0, rcvoobyte = 0, rcvpackafterwin = 0;
  uint64_t rcvbyteafterwin = 0, rcvafterclose = 0, rcvwinprobe = 0, rcvdupack = 0;
  uint64_t rcvacktoomuch = 0, rcvackpack = 0, rcvackbyte = 0, rcvwinupd = 0, pawsdrop = 0;
  uint64_t predack = 0, preddat = 0, badsyncookie = 0;
  uint64_t sc_added = 0, sc_retransmitted = 0, sc_dupsyn = 0, sc_dropped = 0, sc_completed = 0;
  uint64_t sc_bucketoverflow = 0, sc_cacheoverflow = 0, sc_reset = 0, sc_stale = 0;
  uint64_t sc_aborted = 0, sc_badack = 0, sc_unreach = 0, sc_sendcookie = 0, sc_recvcookie = 0;
  uint64_t sack_recovery_episode = 0, sack_rexmits = 0, sack_rexmit_bytes = 0, sack_rcv_blocks = 0;
  uint64_t sack_send_blocks = 0, dsack_count = 0;
  uint64_t usedrtt = 0, usedssthresh = 0, cachedrtt = 0, cachedssthresh = 0;
  uint64_t blackhole_activated = 0, blackhole_min_activated = 0, blackhole_failed = 0;
  uint64_t ecn_ce = 0, ecn_ect0 = 0, ecn_shs = 0, ecn_rcwnd = 0;
  uint64_t sig_rcvgoodsig = 0, sig_rcvbadsig = 0, sig_err_buildsig = 0, sig_err_nosigopt = 0;
};

}  // namespace stackyard
