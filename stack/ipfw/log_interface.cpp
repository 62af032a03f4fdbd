#include "stack/ipfw/detail/log_interface.h"

#include "stack/ipfw/ipfw.h"

namespace stackyard::ipfw {

namespace {
constexpr DropReason only_shows{"ipfw_log_interface", "ipfw0 shows packets, and sends none"};
}  // namespace

Result<> LogInterface::output_frame(Packet packet) {
  ++counters_.drops_out;
  site_.note_drop(packet.id(), only_shows, name());
  return {};
}

// As FreeBSD's: a packet of layer 3 gets an Ethernet header that nobody has.
void LogInterface::show(const Packet& packet, const PacketView& view, bool ethernet) {
  Packet copy = packet.clone();
  if (!ethernet) {
    EthernetHeader header;
    header.dest.octets.fill('D');
    header.source.octets.fill('S');
    header.type = view.version == 6 ? ether_type::ipv6 : ether_type::ipv4;
    copy.prepend_header(header);
  }
  ++counters_.packets_in;
  counters_.octets_in += copy.size();
  tap(copy, false);
}

namespace {

Result<std::string> create(const CloneRequest& request) {
  Ifnet& made = request.net.attach_clone(std::make_unique<LogInterface>(request.net, request.name),
                                         log_cloners[0], request.unit);
  auto& firewall = request.net.vnet().state<Ipfw>(ipfw_module);
  if (request.unit == 0) firewall.set_log_interface(made.ref());
  return request.name;
}

}  // namespace

const ClonerRecord log_cloners[1] = {
    {.name = "ipfw", .summary = "what ipfw's rules log", .create = create}};

}  // namespace stackyard::ipfw
