// flows: connections that begin at random, each with one message; any number of them at once.
#include <algorithm>

#include "userland/net/traffic.h"

namespace stackyard {

namespace {

constexpr int64_t write_size = 65536;
constexpr size_t events_at_once = 64;

KernelEvent watch(Fd fd, EventFilter filter, uint16_t flags) {
  KernelEvent change;
  change.ident = number(fd);
  change.filter = filter;
  change.flags = flags;
  return change;
}

}  // namespace

Task<void> TrafficSender::begin_flow(Fd queue, TrafficSchedule::Message message) {
  const Fd fd = co_await sys_.socket(to_.family(), SocketType::stream).or_err(1, "socket");
  (void)sys_.set_blocking(fd, Blocking::no);
  ++number_;
  Flow flow;
  flow.fd = fd;
  flow.due = begin_ + message.due;
  flow.size = message.size;
  flow.head = this->message(TrafficKind::data, flow.due, traffic_least, 0);
  auto head = load<TrafficHead>(flow.head);
  head.size = uint64_t(message.size);
  store(head, flow.head);
  const Result<> connected = co_await sys_.connect(fd, to_);
  if (!connected && connected.error() != Errno::einprogress) {
    ++unsent_;
    co_await sys_.close(fd);
    co_return;
  }
  flows_[number(fd)] = std::move(flow);
  const std::vector<KernelEvent> changes(1, watch(fd, EventFilter::write, kevent_flag::add));
  (void)co_await sys_.kevent(queue, changes, 0, SimTime());
}

// A flow has room, or has heard of its end.
Task<void> TrafficSender::go_on(Fd queue, KernelEvent event) {
  const auto found = flows_.find(event.ident);
  if (found == flows_.end()) co_return;
  Flow& flow = found->second;
  bool over = false, failed = false;
  if (event.filter == EventFilter::read) {
    const Result<std::string> got = co_await sys_.read(flow.fd, size_t(write_size));
    failed = !got && got.error() != Errno::eagain;
    over = got && got->empty();
  }
  while (event.filter == EventFilter::write && flow.sent < flow.size) {
    Octets octets(size_t(std::min(flow.size - flow.sent, write_size)), 0);
    const auto of_head = std::max<int64_t>(int64_t(flow.head.size()) - flow.sent, 0);
    std::copy(flow.head.end() - of_head, flow.head.end(), octets.begin());
    const Result<size_t> sent = co_await sys_.send(flow.fd, octets);
    failed = !sent && sent.error() != Errno::eagain;
    if (!sent) break;
    flow.sent += int64_t(*sent);
    octets_ += *sent;
    if (flow.sent < flow.size) continue;
    // Its end is answered when the receiver has everything.
    co_await sys_.shutdown(flow.fd, ShutdownHow::write);
    std::vector<KernelEvent> changes(1, watch(flow.fd, EventFilter::write, kevent_flag::remove));
    changes.push_back(watch(flow.fd, EventFilter::read, kevent_flag::add));
    (void)co_await sys_.kevent(queue, changes, 0, SimTime());
  }
  if (!over && !failed) co_return;
  if (over) {
    ++answered_;
    times_.add(sys_.now() - flow.due);
  } else {
    ++unsent_;
  }
  const Fd fd = flow.fd;
  flows_.erase(found);
  co_await sys_.close(fd);
}

Task<void> TrafficSender::flows() {
  const Fd queue = co_await sys_.kqueue().or_err(1, "kqueue");
  begin_ = sys_.now();
  TrafficSchedule schedule(s_, seed_);
  TrafficSchedule::Message next = schedule.next();
  for (;;) {
    const bool more = next.due < s_.duration && int64_t(number_) < s_.count;
    if (!more && flows_.empty()) break;
    const SimTime wait = more ? std::max(begin_ + next.due - sys_.now(), SimTime()) : SimTime(-1);
    const std::vector<KernelEvent> nothing;
    const auto events = co_await sys_.kevent(queue, nothing, events_at_once, wait);
    if (!events || sys_.interrupted()) break;
    for (const KernelEvent& event : *events) co_await go_on(queue, event);
    if (!more || begin_ + next.due > sys_.now()) continue;
    co_await begin_flow(queue, next);
    next = schedule.next();
  }
  for (const auto& [ident, flow] : flows_) co_await sys_.close(flow.fd);
  co_await sys_.close(queue);
}

}  // namespace stackyard
