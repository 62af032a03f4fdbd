#include "userland/net/iperf3_report.h"

#include "core/base/text.h"

namespace stackyard {

namespace {

// Three digits and the unit.
std::string scaled(double value, double step, const char* unit) {
  constexpr const char* prefixes[] = {" ", " K", " M", " G", " T"};
  size_t n = 0;
  while (value >= step * 0.99995 && n + 1 < std::size(prefixes)) {
    value /= step;
    ++n;
  }
  const std::string number = value < 9.995   ? text("{:4.2f}", value)
                             : value < 99.95 ? text("{:4.1f}", value)
                                             : text("{:4.0f}", value);
  return number + prefixes[n] + unit;
}

std::string line(const std::string& id, double begin, double end, double octets,
                 const std::string& rest) {
  const double seconds = end - begin;
  const double bits = seconds > 0 ? octets * 8 / seconds : 0;
  return text("[{}] {:6.2f}-{:<6.2f} sec  {}s  {}s/sec{}\n", id, begin, end, iperf_octets(octets),
              iperf_bits(bits), rest);
}

std::string number(const IperfStream& stream) { return text("{:>3}", stream.id); }

double seconds(SimTime time) { return double(time.ns()) / 1e9; }

// "  0.012 ms  3/906 (0.33%)  ": jitter, and what was lost of how many.
std::string losses(int64_t jitter_ns, int64_t lost, int64_t of) {
  const double percent = of > 0 ? 100.0 * double(lost) / double(of) : 0;
  return text("  {:5.3f} ms  {}/{} ({:.2g}%)  ", double(jitter_ns) / 1e6, lost, of, percent);
}

constexpr const char* udp_title =
    "[ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams\n";
constexpr const char* rule = "- - - - - - - - - - - - - - - - - - - - - - - - -\n";

}  // namespace

std::string iperf_octets(double octets) { return scaled(octets, 1024, "Byte"); }
std::string iperf_bits(double bits) { return scaled(bits, 1000, "bit"); }

std::string IperfReport::title() const {
  if (udp_)
    return sends_ ? "[ ID] Interval           Transfer     Bitrate         Total Datagrams\n"
                  : udp_title;
  return sends_ ? "[ ID] Interval           Transfer     Bitrate         Retr  Cwnd\n"
                : "[ ID] Interval           Transfer     Bitrate\n";
}

// What follows the rate in an interval's line of a stream.
std::string IperfReport::interval_rest(const IperfStream& stream) const {
  const IperfDatagrams &now = stream.datagrams, &last = stream.last_datagrams;
  if (udp_ && sends_) return text("  {}  ", now.packets - last.packets);
  if (udp_)
    return losses(now.jitter_ns(), now.lost - last.lost, int64_t(now.packets - last.packets));
  if (!sends_) return std::string(18, ' ');
  return text("  {:3}   {}s       ", stream.retransmits - stream.last_retransmits,
              iperf_octets(double(stream.cwnd)));
}

std::string IperfReport::interval(std::vector<IperfStream>& streams, SimTime begin,
                                  SimTime end) const {
  std::string out;
  IperfStream sum;
  int64_t jitter = 0;
  for (IperfStream& stream : streams) {
    const uint64_t now = stream.octets - stream.last_octets;
    out += line(number(stream), seconds(begin), seconds(end), double(now), interval_rest(stream));
    sum.octets += now;
    sum.retransmits += stream.retransmits - stream.last_retransmits;
    sum.datagrams.packets += stream.datagrams.packets - stream.last_datagrams.packets;
    sum.datagrams.lost += stream.datagrams.lost - stream.last_datagrams.lost;
    jitter += stream.datagrams.jitter_sixteenths;
    stream.last_octets = stream.octets;
    stream.last_retransmits = stream.retransmits;
    stream.last_datagrams = stream.datagrams;
  }
  if (streams.size() < 2) return out;
  sum.datagrams.jitter_sixteenths = jitter / int64_t(streams.size());
  const std::string rest =
      sends_ && !udp_ ? text("  {:3}             ", sum.retransmits) : interval_rest(sum);
  out += line("SUM", seconds(begin), seconds(end), double(sum.octets), rest);
  return out + rule;
}

std::string IperfReport::summary(const std::vector<IperfStream>& streams,
                                 Durations durations) const {
  const double sent_time = seconds(sends_ ? durations.own : durations.peer);
  const double got_time = seconds(sends_ ? durations.peer : durations.own);
  std::string out = streams.size() < 2 ? rule : "";
  out += udp_ ? udp_title : "[ ID] Interval           Transfer     Bitrate         Retr\n";
  // Of each stream and of their sum: what its sender says, and what its receiver.
  const auto both = [&](const std::string& id, const IperfStream& sent, const IperfStream& got) {
    const std::string out_rest = udp_ ? losses(0, 0, int64_t(sent.datagrams.packets)) + "sender"
                                      : text("  {:3}             sender", sent.retransmits);
    const std::string in_rest = udp_ ? losses(got.datagrams.jitter_ns(), got.datagrams.lost,
                                              int64_t(got.datagrams.packets)) +
                                           "receiver"
                                     : "                  receiver";
    return line(id, 0, sent_time, double(sent.octets), out_rest) +
           line(id, 0, got_time, double(got.octets), in_rest);
  };
  IperfStream all_sent, all_got;
  const auto add = [](IperfStream& sum, const IperfStream& one) {
    sum.octets += one.octets;
    sum.retransmits += one.retransmits;
    sum.datagrams.packets += one.datagrams.packets;
    sum.datagrams.lost += one.datagrams.lost;
    sum.datagrams.jitter_sixteenths += one.datagrams.jitter_sixteenths;
  };
  for (const IperfStream& stream : streams) {
    IperfStream peer;
    peer.octets = stream.peer_octets;
    peer.retransmits = stream.peer_retransmits;
    peer.datagrams = stream.peer_datagrams;
    const IperfStream &sent = sends_ ? stream : peer, &got = sends_ ? peer : stream;
    out += both(number(stream), sent, got);
    add(all_sent, sent);
    add(all_got, got);
  }
  if (streams.size() < 2) return out;
  all_got.datagrams.jitter_sixteenths /= int64_t(streams.size());
  return out + both("SUM", all_sent, all_got);
}

}  // namespace stackyard
