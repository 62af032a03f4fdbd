// The receiver of traffic: one socket of UDP, one that listens for TCP, and a queue of events.
#include "core/base/text.h"
#include "userland/net/traffic.h"

namespace stackyard {

namespace {

constexpr size_t read_size = 65536;
constexpr size_t events_at_once = 64;
constexpr size_t runs_most = 1000;

class Receiver {
 public:
  Receiver(Sys& sys, const TrafficSettings& settings) : sys_(sys), s_(settings) {}
  Task<int> run();

 private:
  using Octets = std::vector<uint8_t>;
  struct Answer {
    Octets head;
    uint64_t left = 0;  // of filler behind it
  };
  struct Connection {
    Fd fd{};
    TrafficReader reader;
    std::vector<Answer> answers;  // in order
    bool wants_room = false;
  };

  Task<Fd> listen(SocketType type);
  Task<void> watch(Fd fd, EventFilter filter, uint16_t flags);
  Task<void> take_datagrams();
  Task<void> take_caller();
  Task<void> take_octets(int64_t ident);
  Task<void> write_answers(int64_t ident);
  Task<void> forget(int64_t ident);
  std::optional<Answer> heard(const TrafficHead& head);

  Sys& sys_;
  const TrafficSettings& s_;
  Fd queue_{}, datagrams_{}, listener_{};
  std::map<uint64_t, TrafficAccount> runs_;
  std::map<int64_t, Connection> connections_;  // by descriptor
};

Task<Fd> Receiver::listen(SocketType type) {
  const Af family = s_.family == Af::inet ? Af::inet : Af::inet6;
  const Fd fd = co_await sys_.socket(family, type).or_err(1, "socket");
  if (family == Af::inet6)
    co_await sys_.set_option(fd, SocketOption::ipv6_v6only, 0).or_err(1, "IPV6_V6ONLY");
  co_await sys_.set_option(fd, SocketOption::so_reuseaddr, 1).or_err(1, "SO_REUSEADDR");
  SockAddr at;
  at.address = IpAddress::any(family == Af::inet ? IpFamily::v4 : IpFamily::v6);
  at.port = uint16_t(s_.port);
  co_await sys_.bind(fd, at).or_err(1, "bind");
  if (type == SocketType::stream) co_await sys_.listen(fd, -1).or_err(1, "listen");
  (void)sys_.set_blocking(fd, Blocking::no);
  co_return fd;
}

Task<void> Receiver::watch(Fd fd, EventFilter filter, uint16_t flags) {
  KernelEvent change;
  change.ident = number(fd);
  change.filter = filter;
  change.flags = flags;
  const std::vector<KernelEvent> changes(1, change);
  (void)co_await sys_.kevent(queue_, changes, 0, SimTime());
}

// A message is complete. What is to be said to it; nothing: it is not answered.
std::optional<Receiver::Answer> Receiver::heard(const TrafficHead& head) {
  const auto run = runs_.find(head.run);
  Answer answer;
  TrafficHead reply = head;
  std::string words;
  switch (head.which()) {
    case TrafficKind::data:
    case TrafficKind::request:
      // Runs that nobody ever asked for make room, the least number first.
      if (run == runs_.end() && runs_.size() == runs_most) runs_.erase(runs_.begin());
      runs_[head.run].take(head.number, head.size, SimTime(int64_t(uint64_t(head.time_ns))),
                           sys_.now());
      if (head.which() == TrafficKind::data) return std::nullopt;
      reply.kind = uint8_t(TrafficKind::answer);
      reply.size = std::max<uint64_t>(head.wanted, sizeof(TrafficHead));
      answer.left = reply.size - sizeof(TrafficHead);
      break;
    case TrafficKind::ask:
      words = TrafficReport::of(run == runs_.end() ? TrafficAccount() : run->second).encode();
      if (run != runs_.end()) runs_.erase(run);
      reply.kind = uint8_t(TrafficKind::report);
      reply.size = sizeof(TrafficHead) + words.size();
      break;
    default:
      return std::nullopt;
  }
  answer.head.resize(sizeof(TrafficHead));
  store(reply, answer.head);
  answer.head.insert(answer.head.end(), words.begin(), words.end());
  return answer;
}

Task<void> Receiver::take_datagrams() {
  for (;;) {
    const Result<Received> got = co_await sys_.receive(datagrams_, read_size);
    if (!got) co_return;
    if (got->octets.size() < sizeof(TrafficHead)) continue;
    auto head = load<TrafficHead>(got->octets);
    if (head.mark != TrafficHead::right_mark || head.size != got->octets.size()) continue;
    const auto answer = heard(head);
    if (!answer) continue;
    Octets octets = answer->head;
    octets.resize(std::min<uint64_t>(octets.size() + answer->left, traffic_datagram_most));
    SendOptions where;
    where.to = got->from;
    (void)co_await sys_.send(datagrams_, octets, where);
  }
}

Task<void> Receiver::take_caller() {
  const Result<Accepted> caller = co_await sys_.accept(listener_, Blocking::no);
  if (!caller) co_return;
  connections_[number(caller->fd)].fd = caller->fd;
  // An answer's last octets wait for nothing.
  (void)co_await sys_.set_option(caller->fd, SocketOption::tcp_nodelay, 1);
  co_await watch(caller->fd, EventFilter::read, kevent_flag::add);
}

Task<void> Receiver::forget(int64_t ident) {
  const auto found = connections_.find(ident);
  if (found == connections_.end()) co_return;
  const Fd fd = found->second.fd;
  connections_.erase(found);
  co_await sys_.close(fd);
}

Task<void> Receiver::take_octets(int64_t ident) {
  const auto found = connections_.find(ident);
  if (found == connections_.end()) co_return;
  const Result<std::string> got = co_await sys_.read(found->second.fd, read_size);
  if (!got && got.error() == Errno::eagain) co_return;
  if (!got || got->empty()) co_return co_await forget(ident);
  const bool sound = found->second.reader.take(bytes_of(*got), [&](const TrafficHead& head, Bytes) {
    auto answer = heard(head);
    if (answer) found->second.answers.push_back(std::move(*answer));
  });
  if (!sound) co_return co_await forget(ident);
  if (!found->second.answers.empty()) co_await write_answers(ident);
}

// As much as the connection takes; the rest when it has room.
Task<void> Receiver::write_answers(int64_t ident) {
  const auto found = connections_.find(ident);
  if (found == connections_.end()) co_return;
  Connection& c = found->second;
  while (!c.answers.empty()) {
    Answer& answer = c.answers.front();
    Octets octets = answer.head;
    octets.resize(octets.size() + size_t(std::min<uint64_t>(answer.left, read_size)));
    const Result<size_t> sent = co_await sys_.send(c.fd, octets);
    if (!sent && sent.error() != Errno::eagain) co_return co_await forget(ident);
    if (!sent) break;
    const size_t of_head = std::min(*sent, answer.head.size());
    answer.head.erase(answer.head.begin(), answer.head.begin() + long(of_head));
    answer.left -= *sent - of_head;
    if (answer.head.empty() && answer.left == 0) c.answers.erase(c.answers.begin());
  }
  const bool wants_room = !c.answers.empty();
  if (wants_room == c.wants_room) co_return;
  c.wants_room = wants_room;
  const uint16_t flags = wants_room ? kevent_flag::add : kevent_flag::remove;
  co_await watch(c.fd, EventFilter::write, flags);
}

Task<int> Receiver::run() {
  queue_ = co_await sys_.kqueue().or_err(1, "kqueue");
  datagrams_ = co_await listen(SocketType::datagram);
  listener_ = co_await listen(SocketType::stream);
  co_await watch(datagrams_, EventFilter::read, kevent_flag::add);
  co_await watch(listener_, EventFilter::read, kevent_flag::add);
  sys_.catch_signals();
  while (!sys_.interrupted()) {
    const std::vector<KernelEvent> nothing;
    const auto events = co_await sys_.kevent(queue_, nothing, events_at_once, SimTime(-1));
    if (!events) break;
    for (const KernelEvent& event : *events) {
      if (event.ident == number(datagrams_))
        co_await take_datagrams();
      else if (event.ident == number(listener_))
        co_await take_caller();
      else if (event.filter == EventFilter::write)
        co_await write_answers(event.ident);
      else
        co_await take_octets(event.ident);
    }
  }
  co_return 0;
}

}  // namespace

Task<int> serve_traffic(Sys& sys, TrafficSettings settings) {
  sys.set_signal(Signal::pipe, SignalAction::ignore);
  Receiver receiver(sys, settings);
  co_return co_await receiver.run();
}

}  // namespace stackyard
