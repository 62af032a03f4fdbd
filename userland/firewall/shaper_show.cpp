// userland/firewall/shaper_show.cpp - how pipes, queues and schedulers are listed.
#include "core/base/address.h"
#include "core/base/address6.h"
#include "core/base/text.h"
#include "stack/ipfw/api/rule_text.h"
#include "userland/firewall/shaper_words.h"

namespace stackyard::ipfw {

namespace {

std::string show_rate(uint64_t rate) {
  const double b = double(rate);
  if (rate == 0) return "unlimited     ";
  if (rate >= 1'000'000'000) return text("{:7.3f} Gbit/s", b / 1e9);
  if (rate >= 1'000'000) return text("{:7.3f} Mbit/s", b / 1e6);
  if (rate >= 1'000) return text("{:7.3f} Kbit/s", b / 1e3);
  return text("{:7.3f} bit/s ", b);
}

std::string show_time(SimTime time) {
  if (time.ns() % 1'000'000'000 == 0) return text("{}s", time.s());
  if (time.ns() % 1'000'000 == 0) return text("{}ms", time.ms());
  return text("{}us", time.us());
}

std::string show_codel(const CodelSettings& s) {
  return text("target {} interval {}", show_time(s.target), show_time(s.interval));
}

std::string show_pie(const PieSettings& s) {
  return text("target {} tupdate {} alpha {:g} beta {:g} max_burst {} max_ecnth {:g}",
              show_time(s.target), show_time(s.tupdate), s.alpha / 1000.0, s.beta / 1000.0,
              show_time(s.max_burst), s.max_ecnth / 1000.0);
}

std::string show_pie_flags(const PieSettings& s) {
  return text("{}{}{}{}{}", s.ecn ? " ECN" : " NoECN", s.capdrop ? " CapDrop" : " NoCapDrop",
              s.onoff ? " OnOff" : " AlwaysOn", s.departure_rate ? " DRE" : " TS",
              s.derandomize ? " Drand" : " NoDrand");
}

std::string show_aqm(const FlowsetConfig& config) {
  const AqmSettings& aqm = config.aqm;
  switch (aqm.kind) {
    case AqmKind::none:
      return "droptail";
    case AqmKind::red:
    case AqmKind::gred:
      return text("\n\t {}RED w_q {:f} min_th {} max_th {} max_p {:f}{}",
                  aqm.kind == AqmKind::gred ? 'G' : ' ', aqm.red.w_q / 65536.0, aqm.red.min_th,
                  aqm.red.max_th, aqm.red.max_p / 65536.0, aqm.ecn ? " (ecn)" : "");
    case AqmKind::codel:
      return text("\n AQM CoDel {}{}", show_codel(aqm.codel), aqm.codel.ecn ? " ECN" : " NoECN");
    case AqmKind::pie:
      return text("\n AQM PIE {}{}", show_pie(aqm.pie), show_pie_flags(aqm.pie));
  }
  return {};
}

std::string show_v6(const std::array<uint8_t, 16>& octets) {
  Ipv6Address address;
  address.octets = octets;
  return to_text(address);
}

std::string show_mask(const ShapedMask& mask) {
  const char* queue = mask.queue ? "queue," : "";
  if (mask.for_v6)
    return text(
        "\n        mask: {}proto: 0x{:02x}, flow_id: 0x{:08x},  {}/0x{:04x} -> {}/0x{:04x}\n",
        queue, mask.protocol, mask.flow_label, show_v6(mask.source6), mask.source_port,
        show_v6(mask.dest6), mask.dest_port);
  return text("    mask: {} 0x{:02x} 0x{:08x}/0x{:04x} -> 0x{:08x}/0x{:04x}\n", queue,
              mask.protocol, mask.source4, mask.source_port, mask.dest4, mask.dest_port);
}

std::string show_flow(const ShapedFlowInfo& info) {
  const ShapedFlow& f = info.flow;
  std::string ends;
  if (f.family == 6) {
    ends = text("{:>9} {:7}  {:>39}/{:<5}  {:>39}/{:<5} ", protocol_text(f.protocol), f.flow_label,
                show_v6(f.source), f.source_port, show_v6(f.dest), f.dest_port);
  } else {
    const auto v4 = [](const std::array<uint8_t, 16>& octets) {
      return to_text(Ipv4Address{load<be32>(octets)});
    };
    ends = text("{:<4} {:>15}/{:<5} {:>15}/{:<5} ", protocol_text(f.protocol), v4(f.source),
                f.source_port, v4(f.dest), f.dest_port);
  }
  return text("{:3} {}{:4} {:8} {:2} {:4} {:3}\n", info.bucket, ends, info.packets, info.octets,
              info.length, info.length_octets, info.drops);
}

std::string show_flows(const std::vector<ShapedFlowInfo>& flows) {
  if (flows.empty()) return {};
  const bool v6 = flows.front().flow.family == 6;
  std::string out =
      v6 ? "BKT ___Prot___ _flow-id_ ______________Source IPv6/port_______________ "
           "_______________Dest. IPv6/port_______________ Tot_pkt/bytes Pkt/Byte Drp\n"
         : "BKT Prot ___Source IP/port____ ____Dest. IP/port____ Tot_pkt/bytes Pkt/Byte Drp\n";
  for (const ShapedFlowInfo& flow : flows) out += show_flow(flow);
  return out;
}

std::string show_flowset(const FlowsetInfo& flowset) {
  const FlowsetConfig& c = flowset.config;
  std::string size = text("{:3} sl.", c.queue_size);
  if (c.size_in_octets)
    size = c.queue_size >= 8192 ? text("{} KB", c.queue_size / 1024) : text("{} B", c.queue_size);
  const std::string loss = c.plr ? text("plr {:f}", double(c.plr) / plr_one) : "";
  std::string out =
      text("q{:05} {}{} {} flows ({} buckets) sched {} weight {} lmax {} pri {} {}\n",
           flowset.number, size, loss, flowset.flows.size(), c.buckets ? c.buckets : 1, c.scheduler,
           c.weight.value_or(0), c.lmax.value_or(0), c.priority.value_or(0), show_aqm(c));
  if (!c.mask.is_none()) out += show_mask(c.mask);
  return out;
}

std::string show_parts(const SchedulerInfo& s) {
  const SchedulerConfig& c = s.config;
  std::string out;
  if (s.own) out += show_flowset(*s.own);
  out += text(" sched {} type {} flags 0x{:x} {} buckets {} active\n", s.number, c.type,
              c.mask.is_none() ? 0 : 1, c.buckets, s.active.size());
  if (c.type == "FQ_CODEL" || c.type == "FQ_PIE") {
    const bool codel = c.type == "FQ_CODEL";
    out += text(" {} {} quantum {} limit {} flows {}{}\n", c.type,
                codel ? show_codel(c.codel) : show_pie(c.pie), c.quantum, c.limit, c.flows,
                codel ? (c.codel.ecn ? " ECN" : " NoECN") : show_pie_flags(c.pie));
  }
  if (!c.mask.is_none()) out += show_mask(c.mask);
  if (!s.children.empty()) {
    out += "   Children flowsets: ";
    for (uint32_t child : s.children) out += text("{} ", child);
    out += '\n';
  }
  return out + show_flows(s.active);
}

std::string show_link(const PipeInfo& pipe) {
  const PipeConfig& c = pipe.config;
  std::string out = text("{:05}: {} {:4} ms burst {} \n", pipe.number,
                         c.device.empty() ? show_rate(c.bandwidth) : text("{:>14}", c.device),
                         c.delay_ms, c.burst);
  if (c.profile)
    out += text("\t profile: name \"{}\" loss {:f} samples {}\n", c.profile->name,
                double(c.profile->loss_level) / double(c.profile->samples.size()),
                c.profile->samples.size());
  return out;
}

}  // namespace

std::string show_pipe(const PipeInfo& pipe) { return show_link(pipe) + show_parts(pipe.scheduler); }
std::string show_queue(const FlowsetInfo& queue) {
  return show_flowset(queue) + show_flows(queue.flows);
}

}  // namespace stackyard::ipfw
