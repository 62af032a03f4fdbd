// bench/ns3/tcp.cc - bulk TCP on ns-3: one flow over 1 Gb/s and 10 ms of round trip, or a dumbbell of
// many with access links of 1 Gb/s and 1 ms, whose flows begin a millisecond after each other. CUBIC,
// SACK, 1448 octets, buffers of 4 MiB. Prints "ns_per_segment N", of delivered segments.
#include <cstdio>
#include <ctime>
#include <vector>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

using namespace ns3;

namespace {

constexpr uint16_t port = 5000;
std::vector<Ptr<PacketSink>> sinks;

void Transfer(Ptr<Node> from, Ptr<Node> to, Ipv4Address address, Time start) {
  BulkSendHelper bulk("ns3::TcpSocketFactory", InetSocketAddress(address, port));
  bulk.SetAttribute("MaxBytes", UintegerValue(0));
  bulk.SetAttribute("SendSize", UintegerValue(8 * 1448));
  bulk.Install(from).Start(start);
  PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
  const ApplicationContainer there = sink.Install(to);
  sinks.push_back(DynamicCast<PacketSink>(there.Get(0)));
}

PointToPointHelper Link(const char* delay) {
  PointToPointHelper link;
  link.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
  link.SetChannelAttribute("Delay", StringValue(delay));
  return link;
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t flows = 1;
  double seconds = 10;
  CommandLine line;
  line.AddValue("flows", "", flows);
  line.AddValue("seconds", "", seconds);
  line.Parse(argc, argv);
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpL4Protocol::SocketType",
                     TypeIdValue(TypeId::LookupByName("ns3::TcpCubic")));
  InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
  NodeContainer left, right, routers;
  left.Create(flows);
  right.Create(flows);
  stack.Install(left);
  stack.Install(right);
  if (flows == 1) {
    const auto ends = addresses.Assign(Link("5ms").Install(left.Get(0), right.Get(0)));
    Transfer(left.Get(0), right.Get(0), ends.GetAddress(1), MilliSeconds(1));
  } else {
    routers.Create(2);
    stack.Install(routers);
    addresses.Assign(Link("3ms").Install(routers));
    for (uint32_t i = 0; i < flows; ++i) {
      addresses.NewNetwork();
      addresses.Assign(Link("1ms").Install(left.Get(i), routers.Get(0)));
      addresses.NewNetwork();
      const auto ends = addresses.Assign(Link("1ms").Install(routers.Get(1), right.Get(i)));
      Transfer(left.Get(i), right.Get(i), ends.GetAddress(1), MilliSeconds(2 + i));
    }
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();
  }
  Simulator::Stop(Seconds(seconds));
  const std::clock_t begin = std::clock();
  Simulator::Run();
  const double spent = double(std::clock() - begin) / CLOCKS_PER_SEC;
  double octets = 0;
  for (const auto& sink : sinks) octets += double(sink->GetTotalRx());
  std::printf("ns_per_segment %.1f\nsegments %.0f\nmbit_per_s %.1f\n", spent * 1e9 / octets * 1448,
              octets / 1448, octets * 8e-6 / seconds);
  std::fflush(stdout);
  std::_Exit(octets > 0 ? 0 : 1);
}
