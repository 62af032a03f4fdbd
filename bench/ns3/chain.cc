// bench/ns3/chain.cc - a UDP chain of routers on ns-3: point-to-point links of 10 Gb/s and 1 us, CBR
// at 80 % load, no queue discipline. Prints "ns_per_hop N".
#include <chrono>
#include <cstdio>

#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

using namespace ns3;

namespace {
uint64_t received, sent, wanted = 200000;
uint32_t payload = 1000;
Ptr<Socket> source;
Time gap;
void Receive(Ptr<Socket> socket) {
  while (socket->Recv()) ++received;
}
void Send() {
  source->Send(Create<Packet>(payload));
  if (++sent < wanted) Simulator::Schedule(gap, &Send);
}
}  // namespace

int main(int argc, char** argv) {
  uint32_t routers = 10;
  CommandLine line;
  line.AddValue("routers", "", routers);
  line.AddValue("packets", "", wanted);
  line.Parse(argc, argv);
  NodeContainer nodes;
  nodes.Create(routers + 2);
  InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  stack.Install(nodes);
  PointToPointHelper link;
  link.SetDeviceAttribute("DataRate", StringValue("10Gbps"));
  link.SetChannelAttribute("Delay", StringValue("1us"));
  Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
  Ipv4InterfaceContainer last;
  for (uint32_t i = 0; i + 1 < routers + 2; ++i) {
    auto devices = link.Install(nodes.Get(i), nodes.Get(i + 1));
    last = addresses.Assign(devices);
    addresses.NewNetwork();
    TrafficControlHelper().Uninstall(devices);
  }
  Ipv4GlobalRoutingHelper::PopulateRoutingTables();
  Ptr<Socket> sink = Socket::CreateSocket(nodes.Get(routers + 1), UdpSocketFactory::GetTypeId());
  sink->Bind(InetSocketAddress(Ipv4Address::GetAny(), 9));
  sink->SetRecvCallback(MakeCallback(&Receive));
  source = Socket::CreateSocket(nodes.Get(0), UdpSocketFactory::GetTypeId());
  source->Connect(InetSocketAddress(last.GetAddress(1), 9));
  gap = NanoSeconds((payload + 30) * 8 / (10.0 * 0.8));
  Simulator::Schedule(Seconds(1), &Send);
  const auto begin = std::chrono::steady_clock::now();
  Simulator::Run();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double hops = double(received) * (routers + 1);
  std::printf("ns_per_hop %.1f\nreceived %lu\n", seconds * 1e9 / hops, (unsigned long)received);
  std::fflush(stdout);
  _Exit(0);
}
