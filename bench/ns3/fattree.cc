// bench/ns3/fattree.cc - a fat-tree of 8 ports on ns-3: 128 hosts, 80 routers, links of 10 Gb/s and
// 5 us with queues of 100 packets. Its routing is arithmetic, which is ns-3's best case: its static
// tables are scanned. bench/fattree.cpp has the same topology, paths, pairs and times. Prints
// "ns_per_arrival N", of segments that reached a host, or "ns_per_hop N".
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

using namespace ns3;

namespace {

constexpr uint32_t ports = 8, half = ports / 2, hosts = ports * half * half;
constexpr uint16_t port = 5000;

enum class Role { host, edge, aggregation, core };

// Which interface a destination needs follows from its address: 10.pod.edge.(8 * digit + 2).
class TreeRouting : public Ipv4RoutingProtocol {
 public:
  static TypeId GetTypeId() {
    static TypeId id = TypeId("TreeRouting")
                           .SetParent<Ipv4RoutingProtocol>()
                           .AddConstructor<TreeRouting>();
    return id;
  }
  Role role = Role::host;
  uint32_t pod = 0, index = 0;
  std::vector<uint32_t> down, up;

  Ptr<Ipv4Route> RouteOutput(Ptr<Packet>, const Ipv4Header& header, Ptr<NetDevice>,
                             Socket::SocketErrno& error) override {
    error = Socket::ERROR_NOTERROR;
    return Route(InterfaceFor(header.GetDestination()));
  }
  bool RouteInput(Ptr<const Packet> packet, const Ipv4Header& header, Ptr<const NetDevice> device,
                  UnicastForwardCallback forward, MulticastForwardCallback,
                  LocalDeliverCallback deliver, ErrorCallback) override {
    const uint32_t from = ip_->GetInterfaceForDevice(device);
    if (ip_->IsDestinationAddress(header.GetDestination(), from))
      deliver(packet, header, from);
    else
      forward(Route(InterfaceFor(header.GetDestination())), packet, header);
    return true;
  }
  void NotifyInterfaceUp(uint32_t) override {}
  void NotifyInterfaceDown(uint32_t) override {}
  void NotifyAddAddress(uint32_t, Ipv4InterfaceAddress) override {}
  void NotifyRemoveAddress(uint32_t, Ipv4InterfaceAddress) override {}
  void SetIpv4(Ptr<Ipv4> ip) override { ip_ = ip; }
  void PrintRoutingTable(Ptr<OutputStreamWrapper>, Time::Unit) const override {}

 private:
  uint32_t InterfaceFor(Ipv4Address address) const {
    const uint32_t a = address.Get(), to_pod = a >> 16 & 255, to_edge = a >> 8 & 255,
                   digit = (a & 255) / 8;
    switch (role) {
      case Role::host:
        return 1;
      case Role::edge:
        return to_pod == pod && to_edge == index ? down[digit] : up[digit];
      case Role::aggregation:
        return to_pod == pod ? down[to_edge] : up[to_edge];
      default:
        return down[to_pod];
    }
  }
  Ptr<Ipv4Route> Route(uint32_t interface) {
    if (routes_.size() <= interface) routes_.resize(interface + 1);
    Ptr<Ipv4Route>& route = routes_[interface];
    if (!route) {
      route = Create<Ipv4Route>();
      route->SetOutputDevice(ip_->GetNetDevice(interface));
      route->SetSource(ip_->GetAddress(interface, 0).GetLocal());
      route->SetGateway(Ipv4Address("0.0.0.0"));
    }
    return route;
  }
  Ptr<Ipv4> ip_;
  std::vector<Ptr<Ipv4Route>> routes_;
};

struct TreeRoutingHelper : public Ipv4RoutingHelper {
  TreeRoutingHelper* Copy() const override { return new TreeRoutingHelper(*this); }
  Ptr<Ipv4RoutingProtocol> Create(Ptr<Node>) const override { return CreateObject<TreeRouting>(); }
};

Ptr<TreeRouting> RoutingOf(Ptr<Node> node) {
  return DynamicCast<TreeRouting>(node->GetObject<Ipv4>()->GetRoutingProtocol());
}

uint32_t AddInterface(Ptr<Node> node, Ptr<NetDevice> device, uint32_t address) {
  const auto ip = node->GetObject<Ipv4>();
  const uint32_t interface = ip->AddInterface(device);
  ip->AddAddress(interface,
                 Ipv4InterfaceAddress(Ipv4Address(address), Ipv4Mask("255.255.255.252")));
  ip->SetUp(interface);
  return interface;
}

uint32_t HostAddress(uint32_t i) {
  return 10u << 24 | (i / (half * half)) << 16 | (i / half % half) << 8 | (8 * (i % half) + 2);
}

struct Tree {
  NodeContainer host, edge, aggregation, core;
  PointToPointHelper link;
  uint32_t transit = 172u << 24 | 16u << 16;

  Tree() {
    host.Create(hosts);
    edge.Create(ports * half);
    aggregation.Create(ports * half);
    core.Create(half * half);
    InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.SetRoutingHelper(TreeRoutingHelper());
    stack.InstallAll();
    link.SetDeviceAttribute("DataRate", StringValue("10Gbps"));
    link.SetChannelAttribute("Delay", StringValue("5us"));
    link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("100p"));
    for (uint32_t i = 0; i < hosts; ++i) {
      const auto ends = link.Install(edge.Get(i / half), host.Get(i));
      const auto routing = Become(edge.Get(i / half), Role::edge, i / half);
      routing->down.push_back(AddInterface(edge.Get(i / half), ends.Get(0), HostAddress(i) - 1));
      AddInterface(host.Get(i), ends.Get(1), HostAddress(i));
    }
    for (uint32_t i = 0; i < ports * half; ++i)
      for (uint32_t j = 0; j < half; ++j) {
        const uint32_t other = i / half * half + j;
        Join(edge.Get(i), Role::edge, i, aggregation.Get(other), Role::aggregation, other);
      }
    for (uint32_t i = 0; i < ports * half; ++i)
      for (uint32_t j = 0; j < half; ++j) {
        const uint32_t other = i % half * half + j;
        Join(aggregation.Get(i), Role::aggregation, i, core.Get(other), Role::core, other);
      }
  }
  static Ptr<TreeRouting> Become(Ptr<Node> node, Role role, uint32_t number) {
    const auto routing = RoutingOf(node);
    routing->role = role;
    routing->pod = number / half;
    routing->index = number % half;
    return routing;
  }
  void Join(Ptr<Node> lower, Role low, uint32_t i, Ptr<Node> upper, Role high, uint32_t j) {
    const auto ends = link.Install(lower, upper);
    Become(lower, low, i)->up.push_back(AddInterface(lower, ends.Get(0), transit + 1));
    Become(upper, high, j)->down.push_back(AddInterface(upper, ends.Get(1), transit + 2));
    transit += 4;
  }
};

uint64_t arrivals = 0;
void Arrived(Ptr<const Packet>) { ++arrivals; }

uint32_t LinksBetween(uint32_t a, uint32_t b) {
  return a / (half * half) != b / (half * half) ? 6 : a / half != b / half ? 4 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::string traffic = "tcp";
  uint32_t milliseconds = 5;
  CommandLine line;
  line.AddValue("traffic", "tcp or udp", traffic);
  line.AddValue("milliseconds", "", milliseconds);
  line.Parse(argc, argv);
  const bool tcp = traffic == "tcp";
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(1 << 20));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(1 << 20));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
  Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(10)));
  Tree tree;
  std::mt19937 random(1);
  std::vector<uint32_t> to(hosts);
  for (uint32_t i = 0; i < hosts; ++i) to[i] = i;
  const auto is_self = [&] {
    for (uint32_t i = 0; i < hosts; ++i)
      if (to[i] == i) return true;
    return false;
  };
  do std::shuffle(to.begin(), to.end(), random);
  while (is_self());
  std::uniform_real_distribution<double> within(0, 1e5);
  const char* factory = tcp ? "ns3::TcpSocketFactory" : "ns3::UdpSocketFactory";
  std::vector<Ptr<PacketSink>> sinks;
  for (uint32_t i = 0; i < hosts; ++i) {
    PacketSinkHelper sink(factory, InetSocketAddress(Ipv4Address::GetAny(), port));
    const auto there = sink.Install(tree.host.Get(to[i]));
    sinks.push_back(DynamicCast<PacketSink>(there.Get(0)));
    const InetSocketAddress target(Ipv4Address(HostAddress(to[i])), port);
    ApplicationContainer source;
    if (tcp) {
      BulkSendHelper bulk(factory, target);
      bulk.SetAttribute("MaxBytes", UintegerValue(0));
      bulk.SetAttribute("SendSize", UintegerValue(4 * 1448));
      source = bulk.Install(tree.host.Get(i));
    } else {
      OnOffHelper constant(factory, target);
      constant.SetConstantRate(DataRate("5Gbps"), 1000);
      source = constant.Install(tree.host.Get(i));
    }
    source.Start(MilliSeconds(1) + NanoSeconds(int64_t(within(random))));
  }
  for (uint32_t i = 0; i < hosts; ++i)
    tree.host.Get(i)->GetDevice(1)->TraceConnectWithoutContext("MacRx", MakeCallback(&Arrived));
  Simulator::Stop(MilliSeconds(milliseconds));
  const std::clock_t begin = std::clock();
  Simulator::Run();
  const double spent = double(std::clock() - begin) / CLOCKS_PER_SEC;
  double units = tcp ? double(arrivals) : 0, delivered = 0;
  for (uint32_t i = 0; i < hosts; ++i) {
    const double octets = double(sinks[i]->GetTotalRx());
    delivered += octets;
    if (!tcp) units += octets / 1000 * LinksBetween(i, to[i]);
  }
  const char* unit = tcp ? "arrival" : "hop";
  std::printf("ns_per_%s %.1f\n%ss %.0f\ncpu_s %.3f\ndelivered_mb %.1f\n", unit, spent * 1e9 / units, unit,
              units, spent, delivered / 1e6);
  std::fflush(stdout);
  std::_Exit(units > 0 ? 0 : 1);
}
