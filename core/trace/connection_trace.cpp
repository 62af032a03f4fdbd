#include "core/trace/connection_trace.h"

#include "core/base/text.h"

namespace stackyard {

std::string_view ConnectionTrace::head() {
  return "time,node,stack,local,foreign,state,before,why,cwnd,ssthresh,flight,srtt,rttvar,rto,"
         "snd_wnd,rcv_wnd,snd_queue,rexmits,missed\n";
}

// Times are in seconds; a first window that is still without bounds has an empty ssthresh.
void ConnectionTrace::connection(const TraceStamp& stamp, const ConnectionNote& n) {
  const auto seconds = [](SimTime t) { return text("{}.{:09}", t.s(), t.ns() % 1'000'000'000); };
  const auto end = [](const IpAddress& address, uint16_t port) {
    return text("{}.{}", to_text(address), port);
  };
  const std::string threshold = n.ssthresh >= UINT32_MAX / 2 ? "" : text("{}", n.ssthresh);
  put_(text("{},{},{},{},{},{},{},\"{}\",{},{},{},{},{},{},{},{},{},{},{}\n",
            seconds(stamp.key.time), name_of_(n.node), n.stack, end(n.local, n.local_port),
            end(n.foreign, n.foreign_port), n.state, n.before ? n.before : "",
            n.before ? n.why : "", n.cwnd, threshold, n.flight, seconds(n.smoothed_rtt),
            seconds(n.rtt_variation), seconds(n.timeout), n.send_window, n.receive_window,
            n.send_queue, n.retransmitted, n.missed));
}

}  // namespace stackyard
