// The sender of traffic: messages, requests, half-open connections; and its report.
#include <algorithm>

#include "core/base/text.h"
#include "core/wire/net/ip_pseudo.h"
#include "core/wire/transport/tcp.h"
#include "userland/net/iperf3_report.h"
#include "userland/net/traffic.h"

namespace stackyard {

namespace {

constexpr size_t read_size = 65536;
constexpr SimTime answer_time = 1_s;  // of a datagram
constexpr SimTime linger_time = 1_s;  // what is on the way may still arrive
constexpr SimTime report_time = 30_s;
constexpr int protocol_of_raw = 255;
constexpr const char* names[] = {"constant", "poisson", "onoff", "request", "flows", "syn"};

}  // namespace

TrafficSender::TrafficSender(Sys& sys, const TrafficSettings& settings)
    : sys_(sys), s_(settings), seed_(s_.seed ? uint64_t(*s_.seed) : sys.random()) {
  run_ = sys.random();
}

Task<Fd> TrafficSender::connect(SocketType type) {
  const Fd fd = co_await sys_.socket(to_.family(), type).or_err(1, "socket");
  co_await sys_.connect(fd, to_).or_err(1, "connect");
  co_return fd;
}

// False: somebody has interrupted it.
Task<bool> TrafficSender::wait_until(SimTime due) {
  if (due > sys_.now()) (void)co_await sys_.sleep(due - sys_.now());
  co_return !sys_.interrupted();
}

TrafficSender::Octets TrafficSender::message(TrafficKind kind, SimTime due, int64_t size,
                                             int64_t wanted) const {
  TrafficHead head;
  head.kind = uint8_t(kind);
  head.run = run_;
  head.number = number_;
  head.time_ns = uint64_t(due.ns());
  head.size = uint64_t(size);
  head.wanted = uint64_t(wanted);
  Octets octets(static_cast<size_t>(size), 0);
  store(head, octets);
  return octets;
}

// constant, poisson, onoff: each message at its time, or as soon after it as TCP takes it.
Task<void> TrafficSender::messages() {
  const SocketType type = s_.udp ? SocketType::datagram : SocketType::stream;
  const Fd fd = co_await connect(type);
  if (!s_.udp) (void)co_await sys_.set_option(fd, SocketOption::tcp_nodelay, 1);
  begin_ = sys_.now();
  TrafficSchedule schedule(s_, seed_);
  while (int64_t(number_) < s_.count) {
    const TrafficSchedule::Message next = schedule.next();
    const SimTime due = begin_ + next.due;
    if (next.due >= s_.duration || sys_.now() - begin_ >= s_.duration) break;
    if (!co_await wait_until(due)) break;
    ++number_;
    const Octets octets = message(TrafficKind::data, due, next.size, 0);
    const Result<size_t> sent = co_await sys_.send(fd, octets);
    octets_ += uint64_t(sent ? next.size : 0);
    if (!sent) ++unsent_;
    // A datagram that found no room is lost as any other; a connection that is over is over.
    if (!sent && !s_.udp) break;
  }
  if (!s_.udp) {
    // Its end tells that everything has arrived.
    co_await sys_.shutdown(fd, ShutdownHow::write);
    (void)co_await sys_.read(fd, read_size);
  }
  co_await sys_.close(fd);
}

// False: none came in time, or the connection is over.
Task<bool> TrafficSender::await_answer(Fd fd, TrafficReader& reader) {
  const SimTime end = sys_.now() + answer_time;
  bool complete = false;
  const auto heard = [&](const TrafficHead& head, Bytes) {
    // A late answer to an earlier datagram is none to this one.
    if (head.which() != TrafficKind::answer || head.number != number_) return;
    complete = true;
    answered_octets_ += head.size;
  };
  while (!complete) {
    const SimTime wait = s_.udp ? std::max(end - sys_.now(), SimTime()) : SimTime(-1);
    const std::vector<PollItem> items{{.fd = fd, .ready = {}}};
    const auto ready = co_await sys_.poll(items, wait);
    if (!ready || !(*ready)[0].ready.readable) break;
    const Result<Received> got = co_await sys_.receive(fd, read_size);
    if (!got || got->octets.empty()) break;
    if (!s_.udp) {
      if (!reader.take(got->octets, heard)) break;
    } else if (got->octets.size() >= sizeof(TrafficHead)) {
      heard(load<TrafficHead>(got->octets), {});
    }
  }
  co_return complete;
}

// request: a question, its answer, time to think.
Task<void> TrafficSender::requests() {
  const SocketType type = s_.udp ? SocketType::datagram : SocketType::stream;
  const Fd fd = co_await connect(type);
  if (!s_.udp) (void)co_await sys_.set_option(fd, SocketOption::tcp_nodelay, 1);
  begin_ = sys_.now();
  RandomStream sizes(seed_, 0, "traffic sizes"), answers(seed_, 0, "traffic answers"),
      thinking(seed_, 0, "traffic thinking");
  TrafficReader reader;
  while (int64_t(number_) < s_.count && sys_.now() - begin_ < s_.duration) {
    ++number_;
    const int64_t most = s_.udp ? traffic_datagram_most : INT64_MAX;
    const int64_t size = std::clamp(s_.size.sample(sizes), traffic_least, most);
    const int64_t wanted = std::clamp(s_.answer.sample(answers), traffic_least, most);
    const SimTime asked = sys_.now();
    const Octets octets = message(TrafficKind::request, asked, size, wanted);
    const Result<size_t> sent = co_await sys_.send(fd, octets);
    octets_ += uint64_t(sent ? size : 0);
    if (!sent) ++unsent_;
    if (!sent && !s_.udp) break;
    const bool heard = co_await await_answer(fd, reader);
    if (heard) {
      ++answered_;
      times_.add(sys_.now() - asked);
    } else if (!s_.udp) {
      break;
    }
    const SimTime pause(s_.think.sample(thinking));
    if (!co_await wait_until(sys_.now() + pause)) break;
  }
  co_await sys_.close(fd);
}

// syn: the first segment of a handshake, again and again, from sources that are nobody's. It goes
// past TCP by a raw socket (RFC 4987 s2 tells what for).
Task<void> TrafficSender::synchronize() {
  const Fd fd =
      co_await sys_.socket(Af::inet, SocketType::raw, protocol_of_raw).or_err(1, "socket");
  co_await sys_.set_option(fd, SocketOption::ip_hdrincl, 1).or_err(1, "IP_HDRINCL");
  begin_ = sys_.now();
  TrafficSchedule schedule(s_, seed_);
  RandomStream random(seed_, 0, "traffic sources");
  while (int64_t(number_) < s_.count) {
    const TrafficSchedule::Message next = schedule.next();
    if (next.due >= s_.duration || !co_await wait_until(begin_ + next.due)) break;
    struct {
      Ipv4Header ip;
      TcpHeader tcp;
    } segment;
    const uint32_t hosts = uint32_t((uint64_t(1) << (32 - s_.spoofed_length)) - 1);
    segment.ip.total_length = sizeof segment;
    segment.ip.protocol = ip_protocol::tcp;
    segment.ip.source = s_.spoofed.value | (uint32_t(random.next()) & hosts);
    segment.ip.dest = to_.address.v4().value;
    segment.tcp.source_port = uint16_t(1024 + random.below(65536 - 1024));
    segment.tcp.dest_port = to_.port;
    segment.tcp.sequence = uint32_t(random.next());
    segment.tcp.flags = tcp_flag::syn;
    segment.tcp.window = 65535;
    const uint64_t sum = ip_pseudo_sum(segment.ip.source_address(), segment.ip.dest_address(),
                                       ip_protocol::tcp, sizeof segment.tcp);
    Octets octets(sizeof segment);
    store(segment.tcp, octets);
    segment.tcp.checksum = internet_checksum(Bytes(octets).first(sizeof segment.tcp), sum);
    store(segment, octets);
    SendOptions where;
    where.to = to_;
    const Result<size_t> sent = co_await sys_.send(fd, octets, where);
    ++number_;
    octets_ += sent ? octets.size() : 0;
    if (!sent) ++unsent_;
  }
  co_await sys_.close(fd);
}

// What the receiver says of this run; nothing: it says nothing.
Task<std::optional<TrafficReport>> TrafficSender::fetch_report() {
  const Fd fd = co_await sys_.socket(to_.family(), SocketType::stream).or_err(1, "socket");
  std::optional<TrafficReport> report;
  const Result<> connected = co_await sys_.connect(fd, to_);
  if (connected) {
    const Octets question = message(TrafficKind::ask, sys_.now(), traffic_least, 0);
    (void)co_await sys_.send(fd, question);
    TrafficReader reader;
    const SimTime end = sys_.now() + report_time;
    while (!report && sys_.now() < end) {
      const std::vector<PollItem> items{{.fd = fd, .ready = {}}};
      const auto ready = co_await sys_.poll(items, end - sys_.now());
      if (!ready || !(*ready)[0].ready.readable) break;
      const Result<std::string> got = co_await sys_.read(fd, read_size);
      if (!got || got->empty()) break;
      const bool sound = reader.take(bytes_of(*got), [&](const TrafficHead& head, Bytes body) {
        if (head.which() == TrafficKind::report)
          report = TrafficReport::decode(std::string(text_of(body)));
      });
      if (!sound) break;
    }
  }
  co_await sys_.close(fd);
  co_return report;
}

Task<int> TrafficSender::report() {
  const SimTime time = sys_.now() - begin_;
  co_await say(text("sent      {} messages, {}s, {}", number_, iperf_octets(double(octets_)),
                    traffic_rate(octets_, time)));
  if (unsent_) co_await say(text(", {} of them found no room", unsent_));
  co_await say("\n");
  if (s_.pattern == TrafficPattern::request)
    co_await say(text("answered  {} of {}, {}s\nresponse  {}\n", answered_, number_,
                      iperf_octets(double(answered_octets_)), DelaySummary::of(times_).text()));
  if (s_.pattern == TrafficPattern::flows)
    co_await say(text("complete  {} of {}\nflow time {}\n", answered_, number_,
                      DelaySummary::of(times_).text()));
  if (s_.pattern == TrafficPattern::syn) co_return 0;
  if (s_.udp) (void)co_await sys_.sleep(linger_time);
  const auto told = co_await fetch_report();
  if (!told) {
    co_await sys_.complain("the receiver says nothing");
    co_return 1;
  }
  const uint64_t lost = number_ - std::min(number_, told->messages);
  const double percent = number_ ? 100 * double(lost) / double(number_) : 0;
  co_await say(text("received  {} messages, {}s, {}, {} lost ({:.2f}%), {} out of order\n",
                    told->messages, iperf_octets(double(told->octets)),
                    traffic_rate(told->octets, told->last - begin_), lost, percent,
                    told->out_of_order));
  co_await say(text("delay     {}\njitter    {:.3f} ms\n", told->delay.text(),
                    double(told->jitter.ns()) / 1e6));
  co_return 0;
}

Task<int> TrafficSender::run() {
  const std::vector<SockAddr> found = sys_.resolve(s_.host, s_.family);
  if (found.empty()) {
    co_await sys_.complain(text("{}: Name does not resolve", s_.host));
    co_return 1;
  }
  to_ = found[0];
  to_.port = uint16_t(s_.port);
  sys_.set_signal(Signal::pipe, SignalAction::ignore);
  sys_.catch_signals();
  const bool raw = s_.pattern == TrafficPattern::syn;
  co_await say(text("{} to {} port {} ({})\n", names[size_t(s_.pattern)], s_.host, s_.port,
                    raw      ? "raw"
                    : s_.udp ? "udp"
                             : "tcp"));
  switch (s_.pattern) {
    case TrafficPattern::request:
      co_await requests();
      break;
    case TrafficPattern::flows:
      co_await flows();
      break;
    case TrafficPattern::syn:
      co_await synchronize();
      break;
    default:
      co_await messages();
      break;
  }
  co_return co_await report();
}

}  // namespace stackyard
