// tests/support/tcp_talk.h - a conversation in segments with the TCP of one machine.
//
// The test is the peer: it says segments and reads those that come back. Sequence numbers are
// relative: 0 is each side's SYN.
#pragma once

#include <map>
#include <memory>

#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/tcp.h"
#include "stack/inet/inet.h"
#include "tests/support/lab_fixture.h"

namespace stackyard {

struct Say {
  std::string flags;  // letters of tcpdump: "S", ".", "F.", "R"
  uint32_t seq = 0;
  uint32_t ack = 0;
  size_t length = 0;  // octets 'd', or
  std::string text;   // these
  uint16_t window = 65535;
  uint16_t port = 3333;  // whose it is
  TcpOptions options;
  uint16_t urgent = 0;
  uint8_t tos = 0;
};

class TcpTalk final : public Observer {
 public:
  static constexpr uint32_t peer_start = 5000;  // our initial sequence number
  static constexpr uint16_t peer_port = 3333, own_port = 80;

  // `settings`: sysctls of the machine, as YAML: "net.inet.tcp.rfc1323: 0".
  explicit TcpTalk(const std::string& settings = "")
      : fixture(text("nodes:\n  a: {{sysctl: {{{}}}}}\n  peer: {{sysctl: {{net.inet.tcp.blackhole: "
                     "2}}}}\nlinks: [a -- peer]\n",
                     settings)),
        tap_(fixture.lab.tap_link(0)) {
    fixture.lab.add_observer(this);
    fixture.run("a", "ping -c 1 peer");
    (void)heard();
    socket = *machine().vnet().socket(Af::inet, SocketType::stream, 0);
  }
  ~TcpTalk() override { fixture.lab.drain(); }

  Machine& machine() { return fixture.lab.machine("a"); }
  int64_t counter(const std::string& name) { return fixture.counter("a", name); }
  void waits(SimTime time) { fixture.pass(time); }
  // Runs something as an outside event of the machine's node.
  template <class Action>
  void does(Action action) {
    Simulation& simulation = fixture.lab.simulation();
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside, action);
    fixture.pass(10_us);
  }

  void listens(int backlog = 5) {
    does([&] {
      SockAddr at;
      at.port = own_port;
      check(socket->bind(at) && socket->listen(backlog), "the machine listens");
    });
  }
  void connects() {
    does([&] {
      SockAddr own, to;
      own.port = own_port;
      to.address = peer_;
      to.port = peer_port;
      check(socket->bind(own).has_value(), "a port");
      (void)socket->connect(to);
    });
  }
  // The machine listens, and we open a connection with these options; it is accepted.
  void opens(const TcpOptions& options = {.mss = 1460}, uint16_t window = 65535,
             SimTime round_trip = 10_us) {
    listens();
    says({.flags = "S", .window = window, .options = options});
    waits(round_trip - 10_us);
    (void)heard();
    Say ack{.flags = ".", .seq = 1, .ack = 1, .window = window};
    if (options.timestamps) ack.options.timestamps = {options.timestamps->value, last_stamp};
    says(ack);
    does([&] { connection = std::move(*socket->accept()); });
    (void)heard();
  }
  void writes(size_t octets) {
    does([&] { (void)connection->send(std::vector<uint8_t>(octets, 'x'), {}); });
    fixture.pass(500_us);  // a frame is heard when its transmission begins
  }
  std::string reads() {
    std::string got;
    does([&] {
      const Result<Received> r = connection->receive(1 << 20, {});
      got =
          r ? std::string(r->octets.begin(), r->octets.end()) : std::string(errno_text(r.error()));
    });
    return got;
  }

  void says(Say say) {
    if (!say.text.empty()) say.length = say.text.size();
    std::vector<uint8_t> octets(20 + 20 + tcp_option::space_max + say.length, 'd');
    const size_t options = emit_tcp_options(say.options, MutableBytes(octets).subspan(40));
    octets.erase(octets.begin() + 40 + long(options), octets.begin() + 40 + tcp_option::space_max);
    store(Ipv4Header{.tos = say.tos,
                     .total_length = uint16_t(octets.size()),
                     .ttl = 64,
                     .protocol = ip_protocol::tcp,
                     .source = peer_.value,
                     .dest = own_.value},
          octets);
    finish_ipv4_header(octets);
    std::copy(say.text.begin(), say.text.end(), octets.end() - long(say.text.size()));
    const MutableBytes tcp = MutableBytes(octets).subspan(20);
    store(TcpHeader{.source_port = say.port,
                    .dest_port = own_port,
                    .sequence = peer_start + say.seq,
                    .acknowledgment = say.flags.find('.') != std::string::npos ? iss + say.ack : 0,
                    .offset_flags = uint8_t((20 + options) / 4 << 4),
                    .flags = flags_of(say.flags),
                    .window = say.window,
                    .checksum = 0,
                    .urgent = say.urgent},
          tcp);
    const uint64_t pseudo = ipv4_pseudo_sum(peer_, own_, ip_protocol::tcp, tcp.size());
    store(be16(internet_checksum(tcp, pseudo)), tcp.subspan(offsetof(TcpHeader, checksum)));
    does([&] {
      Inet& inet = machine().vnet().state<Inet>(inet_module);
      inet.ether_receive(machine().site().pool().make(machine().site().next_packet_id(), octets),
                         *inet.net().find("em0"));
    });
  }

  // What the machine has sent since the last call: "[S.] 0 1 len 0 win 65535 <mss 1460>" - flags,
  // sequence, acknowledgment; one line for each segment.
  std::string heard() {
    fixture.lab.drain();
    std::string all;
    for (const std::string& line : lines_) all += (all.empty() ? "" : "\n") + line;
    lines_.clear();
    return all;
  }

  void frame(const TraceStamp&, const FrameNote& note) override {
    const Bytes octets = note.octets;
    if (note.tap != tap_ || octets.size() < 54 || octets[23] != ip_protocol::tcp) return;
    const auto ip = load<Ipv4Header>(octets.subspan(14));
    if (ip.source != own_.value) return;
    const Bytes segment = octets.subspan(34, ip.total_length - 20);
    const auto parsed = parse_tcp(segment);
    const TcpHeader& h = parsed->header;
    if (h.flags & tcp_flag::syn) iss = h.sequence;
    if (parsed->options.timestamps) last_stamp = parsed->options.timestamps->value;
    const size_t size = h.header_size();
    std::string line = text("{} {} {} len {} win {}", tcp_flags_text(h.flags), h.sequence - iss,
                            h.flags & tcp_flag::ack ? h.acknowledgment - peer_start : 0,
                            segment.size() - size, uint16_t(h.window));
    if (size > 20) line += text(" <{}>", options_text(segment.subspan(20, size - 20)));
    if (ip.tos) line += text(" tos {}", ip.tos);
    lines_.push_back(line);
    last_flags = h.flags;
  }

  LabFixture fixture;
  std::unique_ptr<SocketOps> socket, connection;
  uint32_t iss = 0;
  uint32_t last_stamp = 0;
  uint8_t last_flags = 0;

 private:
  static uint8_t flags_of(const std::string& letters) {
    uint8_t flags = 0;
    const std::map<char, uint8_t> known{
        {'F', tcp_flag::fin}, {'S', tcp_flag::syn}, {'R', tcp_flag::rst}, {'P', tcp_flag::push},
        {'.', tcp_flag::ack}, {'U', tcp_flag::urg}, {'E', tcp_flag::ece}, {'W', tcp_flag::cwr}};
    for (char c : letters) flags |= known.at(c);
    return flags;
  }
  // Timestamps without their values, SACK blocks relative to our numbers.
  static std::string options_text(Bytes octets) {
    std::string words = tcp_options_text(octets);
    const size_t at = words.find("TS val");
    if (at != std::string::npos) words.erase(at + 2, words.find_first_of(",>", at) - at - 2);
    TcpOptions o = parse_tcp_options(octets);
    const size_t sack = words.find("sack ");
    if (sack != std::string::npos && o.sack_count > 0) {
      words.erase(sack);
      words += "sack";
      for (size_t i = 0; i < o.sack_count; ++i)
        words +=
            text(" {}:{}", o.sack[i].begin.value - peer_start, o.sack[i].end.value - peer_start);
    }
    return words;
  }

  uint32_t tap_;
  std::vector<std::string> lines_;
  Ipv4Address own_{0x0a000001}, peer_{0x0a000002};
};

}  // namespace stackyard
