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

constexpr const char* rule = "- - - - - - - - - - - - - - - - - - - - - - - - -\n";

}  // namespace

std::string iperf_octets(double octets) { return scaled(octets, 1024, "Byte"); }
std::string iperf_bits(double bits) { return scaled(bits, 1000, "bit"); }

std::string IperfReport::title() const {
  return sends_ ? "[ ID] Interval           Transfer     Bitrate         Retr  Cwnd\n"
                : "[ ID] Interval           Transfer     Bitrate\n";
}

std::string IperfReport::interval(std::vector<IperfStream>& streams, SimTime begin,
                                  SimTime end) const {
  std::string out;
  uint64_t octets = 0, retransmits = 0;
  const std::string nothing(18, ' ');
  for (IperfStream& stream : streams) {
    const uint64_t now = stream.octets - stream.last_octets;
    const uint32_t again = stream.retransmits - stream.last_retransmits;
    octets += now;
    retransmits += again;
    out += line(
        number(stream), seconds(begin), seconds(end), double(now),
        sends_ ? text("  {:3}   {}s       ", again, iperf_octets(double(stream.cwnd))) : nothing);
    stream.last_octets = stream.octets;
    stream.last_retransmits = stream.retransmits;
  }
  if (streams.size() < 2) return out;
  out += line("SUM", seconds(begin), seconds(end), double(octets),
              sends_ ? text("  {:3}             ", retransmits) : nothing);
  return out + rule;
}

std::string IperfReport::summary(const std::vector<IperfStream>& streams, SimTime duration) const {
  std::string out = streams.size() < 2 ? rule : "";
  out += "[ ID] Interval           Transfer     Bitrate         Retr\n";
  uint64_t sent = 0, received = 0, retransmits = 0;
  const auto both = [&](const std::string& id, uint64_t out_octets, uint64_t in_octets,
                        uint64_t again) {
    return line(id, 0, seconds(duration), double(out_octets),
                text("  {:3}             sender", again)) +
           line(id, 0, seconds(duration), double(in_octets), "                  receiver");
  };
  for (const IperfStream& stream : streams) {
    const uint64_t out_octets = sends_ ? stream.octets : stream.peer_octets;
    const uint64_t in_octets = sends_ ? stream.peer_octets : stream.octets;
    const uint32_t again = sends_ ? stream.retransmits : stream.peer_retransmits;
    sent += out_octets;
    received += in_octets;
    retransmits += again;
    out += both(number(stream), out_octets, in_octets, again);
  }
  if (streams.size() > 1) out += both("SUM", sent, received, retransmits);
  return out;
}

}  // namespace stackyard
