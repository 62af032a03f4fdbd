#include "userland/net/netstat_fields.h"

#include <string_view>

namespace stackyard {

namespace {

struct Field {
  const char* group;
  const char* counter;
  const char* name;
};
// As netstat(1) spells them, "received-packers" included.
constexpr Field fields[] = {
    {"ip", "ips_total", "received-packets"},
    {"ip", "ips_badsum", "dropped-bad-checksum"},
    {"ip", "ips_toosmall", "dropped-below-minimum-size"},
    {"ip", "ips_tooshort", "dropped-short-packets"},
    {"ip", "ips_toolong", "dropped-too-long"},
    {"ip", "ips_badhlen", "dropped-short-header-length"},
    {"ip", "ips_badlen", "dropped-short-data"},
    {"ip", "ips_badoptions", "dropped-bad-options"},
    {"ip", "ips_badvers", "dropped-bad-version"},
    {"ip", "ips_fragments", "received-fragments"},
    {"ip", "ips_fragdropped", "dropped-fragments"},
    {"ip", "ips_fragtimeout", "dropped-fragments-after-timeout"},
    {"ip", "ips_reassembled", "reassembled-packets"},
    {"ip", "ips_delivered", "received-local-packets"},
    {"ip", "ips_noproto", "dropped-unknown-protocol"},
    {"ip", "ips_forward", "forwarded-packets"},
    {"ip", "ips_fastforward", "fast-forwarded-packets"},
    {"ip", "ips_cantforward", "packets-cannot-forward"},
    {"ip", "ips_notmember", "received-unknown-multicast-group"},
    {"ip", "ips_redirectsent", "redirects-sent"},
    {"ip", "ips_localout", "sent-packets"},
    {"ip", "ips_rawout", "send-packets-fabricated-header"},
    {"ip", "ips_odropped", "discard-no-mbufs"},
    {"ip", "ips_noroute", "discard-no-route"},
    {"ip", "ips_fragmented", "sent-fragments"},
    {"ip", "ips_ofragments", "fragments-created"},
    {"ip", "ips_cantfrag", "discard-cannot-fragment"},
    {"ip", "ips_badaddr", "discard-bad-address"},
    {"icmp", "icps_error", "icmp-calls"},
    {"icmp", "icps_oldicmp", "errors-not-from-message"},
    {"icmp", "icps_badcode", "dropped-bad-code"},
    {"icmp", "icps_tooshort", "dropped-too-short"},
    {"icmp", "icps_checksum", "dropped-bad-checksum"},
    {"icmp", "icps_badlen", "dropped-bad-length"},
    {"icmp", "icps_bmcastecho", "dropped-multicast-echo"},
    {"icmp", "icps_bmcasttstamp", "dropped-multicast-timestamp"},
    {"icmp", "icps_reflect", "sent-packets"},
    {"icmp", "icps_badaddr", "discard-invalid-return-address"},
    {"icmp", "icps_noroute", "discard-no-route"},
    {"igmp", "igps_rcv_total", "received-messages"},
    {"igmp", "igps_rcv_tooshort", "dropped-too-short"},
    {"igmp", "igps_rcv_badttl", "dropped-wrong-ttl"},
    {"igmp", "igps_rcv_badsum", "dropped-bad-checksum"},
    {"igmp", "igps_rcv_v1v2_queries", "received-membership-queries"},
    {"igmp", "igps_rcv_v3_queries", "received-v3-membership-queries"},
    {"igmp", "igps_rcv_badqueries", "dropped-membership-queries"},
    {"igmp", "igps_rcv_gen_queries", "received-general-queries"},
    {"igmp", "igps_rcv_group_queries", "received-group-queries"},
    {"igmp", "igps_rcv_reports", "received-membership-requests"},
    {"igmp", "igps_rcv_ourreports", "received-membership-reports-matching"},
    {"igmp", "igps_snd_reports", "sent-membership-reports"},
    {"arp", "txrequests", "sent-requests"},
    {"arp", "txreplies", "sent-replies"},
    {"arp", "rxrequests", "received-requests"},
    {"arp", "rxreplies", "received-replies"},
    {"arp", "received", "received-packers"},
    {"arp", "dropped", "dropped-no-entry"},
    {"arp", "timeouts", "entries-timeout"},
    {"arp", "dupips", "dropped-duplicate-address"},
    {"udp", "udps_ipackets", "received-datagrams"},
    {"udp", "udps_hdrops", "dropped-incomplete-headers"},
    {"udp", "udps_badlen", "dropped-bad-data-length"},
    {"udp", "udps_badsum", "dropped-bad-checksum"},
    {"udp", "udps_nosum", "dropped-no-checksum"},
    {"udp", "udps_noport", "dropped-no-socket"},
    {"udp", "udps_noportbcast", "dropped-broadcast-multicast"},
    {"udp", "udps_fullsock", "dropped-full-socket-buffer"},
    {"udp", "delivered", "delivered-packets"},
    {"udp", "udps_opackets", "output-packets"},
};

}  // namespace

std::string netstat_field(const CounterLine& line) {
  for (const Field& f : fields)
    if (std::string_view(f.group) == line.group && std::string_view(f.counter) == line.name)
      return f.name;
  return line.name;
}

}  // namespace stackyard
