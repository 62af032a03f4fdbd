// Streams: how they come to be, and what goes through them.
#include <algorithm>

#include "core/base/text.h"
#include "stack/tcp/api/tcp_info.h"
#include "userland/net/iperf3_test.h"

namespace stackyard {

namespace {

constexpr SimTime greeting_time = 30_s;
constexpr SimTime full_queue_pause = 100_us;
// Nobody else of the process is served meanwhile.
constexpr int blocks_at_once = 64;

}  // namespace

// A mapped address is shown as the IPv4 address that it stands for.
std::string iperf_address(const IpAddress& address) {
  std::string words = to_text(address);
  return words.starts_with("::ffff:") && words.find('.') != words.npos ? words.substr(7) : words;
}

// --- beginnings --------------------------------------------------------------------------------

// The first address that answers.
Task<Result<Fd>> IperfTest::connect(SocketType type) {
  Result<Fd> connected = Errno::ehostunreach;
  for (SockAddr to : sys_.resolve(settings_.host, settings_.family)) {
    to.port = uint16_t(settings_.port);
    const Result<Fd> fd = co_await sys_.socket(to.family(), type);
    if (!fd) co_return fd.error();
    co_await prepare(*fd, type);
    const Result<> done = co_await sys_.connect(*fd, to);
    if (done) co_return *fd;
    connected = done.error();
    co_await sys_.close(*fd);
  }
  co_return connected;
}

// What has to be said before a connection begins.
Task<void> IperfTest::prepare(Fd fd, SocketType type) {
  if (!settings_.bind_to.empty()) {
    const std::vector<SockAddr> from = sys_.resolve(settings_.bind_to, settings_.family);
    if (!from.empty()) co_await sys_.bind(fd, from[0]).or_err(1, "bind");
  }
  if (settings_.window) {
    co_await sys_.set_option(fd, SocketOption::so_sndbuf, settings_.window).or_err(1, "SO_SNDBUF");
    co_await sys_.set_option(fd, SocketOption::so_rcvbuf, settings_.window).or_err(1, "SO_RCVBUF");
  }
  if (type != SocketType::stream) co_return;
  if (settings_.mss)
    co_await sys_.set_option(fd, SocketOption::tcp_maxseg, settings_.mss).or_err(1, "TCP_MAXSEG");
  if (settings_.no_delay)
    co_await sys_.set_option(fd, SocketOption::tcp_nodelay, 1).or_err(1, "TCP_NODELAY");
  if (!settings_.congestion.empty()) {
    OptionValue algorithm;
    algorithm.octets.assign(settings_.congestion.begin(), settings_.congestion.end());
    co_await sys_.set_option(fd, SocketOption::tcp_congestion, algorithm)
        .or_err(1, "TCP_CONGESTION");
  }
}

Task<void> IperfTest::add_stream(Fd fd) {
  constexpr int first_id = 5, step = 2;  // the descriptors that iperf3 has on a usual system
  const int id = streams_.empty() ? first_id : streams_.back().id + step;
  IperfStream stream;
  stream.fd = fd;
  stream.id = id;
  (void)sys_.set_blocking(fd, Blocking::no);
  streams_.push_back(stream);
  const Result<SockAddr> local = sys_.local_name(fd), peer = sys_.peer_name(fd);
  if (!local || !peer) co_return;
  co_await sys_.print(text("[{:3}] local {} port {} connected to {} port {}\n", id,
                           iperf_address(local->address), local->port, iperf_address(peer->address),
                           peer->port));
}

Task<bool> IperfTest::create_streams() {
  for (int64_t i = 0; i < settings_.streams; ++i) {
    const SocketType type = settings_.udp ? SocketType::datagram : SocketType::stream;
    const Result<Fd> fd = co_await connect(type);
    if (!fd) co_return false;
    if (settings_.udp) {
      if (!co_await greet(*fd)) co_return false;
    } else {
      const Octets cookie(cookie_.begin(), cookie_.end());
      (void)co_await sys_.send(*fd, cookie);
    }
    co_await add_stream(*fd);
  }
  co_return true;
}

// A datagram's server knows of a stream when something comes, and its client when that is answered.
Task<bool> IperfTest::greet(Fd fd) {
  Octets hello(sizeof iperf_udp_hello);
  store(iperf_udp_hello, hello);
  (void)co_await sys_.send(fd, hello);
  const SimTime end = sys_.now() + greeting_time;
  while (sys_.now() < end) {
    const std::vector<PollItem> items{{.fd = fd, .ready = {}}};
    const auto polled = co_await sys_.poll(items, end - sys_.now());
    if (!polled || !(*polled)[0].ready.readable) break;
    const Result<Received> got = co_await sys_.receive(fd, iperf_datagram_most);
    if (!got) break;
    if (got->octets.size() < sizeof(uint32_t)) continue;
    const auto said = load<uint32_t>(got->octets);
    if (said == iperf_udp_reply || said == iperf_udp_old_reply) co_return true;
  }
  co_return false;
}

Task<bool> IperfTest::accept_streams(Fd listener) {
  while (int64_t(streams_.size()) < settings_.streams) {
    const Result<Accepted> caller = co_await sys_.accept(listener);
    if (!caller) co_return false;
    const std::string cookie = co_await read_exactly(caller->fd, cookie_.size());
    if (cookie == cookie_) {
      co_await add_stream(caller->fd);
      continue;
    }
    // Another client: the server is busy.
    const Octets denied(1, uint8_t(IperfState::access_denied));
    (void)co_await sys_.send(caller->fd, denied);
    co_await sys_.close(caller->fd);
  }
  co_return true;
}

// On the port of the control connection. A stream's socket is connected to its peer and keeps the
// port, so the next one has to share it.
Task<Result<Fd>> IperfTest::datagram_listener() {
  const Result<SockAddr> control = sys_.local_name(control_);
  if (!control) co_return control.error();
  const Result<Fd> fd = co_await sys_.socket(control->family(), SocketType::datagram);
  if (!fd) co_return fd.error();
  for (const SocketOption option : {SocketOption::so_reuseaddr, SocketOption::so_reuseport})
    co_await sys_.set_option(*fd, option, 1).or_err(1, "setsockopt");
  if (control->family() == Af::inet6)
    co_await sys_.set_option(*fd, SocketOption::ipv6_v6only, 0).or_err(1, "IPV6_V6ONLY");
  SockAddr at;
  at.address = IpAddress::any(control->address.family());
  at.port = uint16_t(settings_.port);
  co_await prepare(*fd, SocketType::datagram);
  const Result<> bound = co_await sys_.bind(*fd, at);
  if (!bound) co_return bound.error();
  co_return *fd;
}

Task<bool> IperfTest::accept_datagram_streams(Fd listener) {
  while (int64_t(streams_.size()) < settings_.streams) {
    const std::vector<PollItem> items{{.fd = listener, .ready = {}}, {.fd = control_, .ready = {}}};
    const auto polled = co_await sys_.poll(items, greeting_time);
    if (!polled || !(*polled)[0].ready.readable) break;  // the client is gone, or says nothing
    const Result<Received> hello = co_await sys_.receive(listener, iperf_datagram_most);
    if (!hello) break;
    const Result<> connected = co_await sys_.connect(listener, hello->from);
    if (!connected) break;
    Octets reply(sizeof iperf_udp_reply);
    store(iperf_udp_reply, reply);
    co_await add_stream(listener);
    if (int64_t(streams_.size()) == settings_.streams) {
      (void)co_await sys_.send(listener, reply);
      co_return true;
    }
    // The next stream comes when this one is answered: somebody has to listen by then.
    const Result<Fd> next = co_await datagram_listener();
    (void)co_await sys_.send(listener, reply);
    if (!next) co_return false;
    listener = *next;
  }
  co_await sys_.close(listener);
  co_return false;
}

// --- data --------------------------------------------------------------------------------------

bool IperfTest::enough() const {
  if (ended_) return true;
  if (!client_) return false;
  if (settings_.octets == 0)
    return sys_.now() - begin_ >= SimTime(settings_.seconds * 1'000'000'000);
  uint64_t all = 0;
  for (const IperfStream& stream : streams_) all += stream.octets;
  return all >= uint64_t(settings_.octets);
}

// When the rate allows the stream's next block, or the next so many of -b's burst.
SimTime IperfTest::due(const IperfStream& stream) const {
  if (settings_.rate == 0) return stream.not_before;
  const int64_t step = settings_.block * std::max<int64_t>(settings_.burst, 1);
  const auto before = __int128(int64_t(stream.octets) / step * step);
  return std::max(begin_ + SimTime(int64_t(before * 8'000'000'000 / settings_.rate)),
                  stream.not_before);
}

// False: the stream is over.
Task<bool> IperfTest::send_block(IperfStream& stream) {
  const IperfDatagrams before = stream.datagrams;
  if (settings_.udp) stream.datagrams.write_next(block_, sys_.now(), settings_.counters);
  const Result<size_t> sent = co_await sys_.send(stream.fd, block_);
  if (sent) {
    stream.octets += *sent;
    co_return true;
  }
  stream.datagrams = before;
  const bool full = sent.error() == Errno::enobufs;
  if (full) stream.not_before = sys_.now() + full_queue_pause;
  co_return full || sent.error() == Errno::eagain;
}

Task<bool> IperfTest::take_block(IperfStream& stream) {
  for (int i = 0; i < blocks_at_once; ++i) {
    if (!settings_.udp) {
      const Result<std::string> got = co_await sys_.read(stream.fd, size_t(settings_.block));
      if (got) stream.octets += got->size();
      co_return got ? !got->empty() : got.error() == Errno::eagain;
    }
    const Result<Received> got = co_await sys_.receive(stream.fd, iperf_datagram_most);
    if (!got) co_return got.error() == Errno::eagain;
    stream.octets += got->octets.size();
    stream.datagrams.take(got->octets, sys_.now(), settings_.counters);
  }
  co_return true;
}

// As much as goes at once. False: the stream is over.
Task<bool> IperfTest::move(IperfStream& stream, bool readable, bool writable) {
  if (!sends()) {
    if (!readable) co_return true;
    co_return co_await take_block(stream);
  }
  if (!writable) co_return true;
  const int blocks = settings_.rate ? blocks_at_once : 1;
  for (int i = 0; i < blocks && due(stream) <= sys_.now() && !enough(); ++i) {
    const uint64_t before = stream.octets;
    if (!co_await send_block(stream)) co_return false;
    if (stream.octets == before) break;
  }
  co_return true;
}

Task<void> IperfTest::look(IperfStream& stream) {
  if (!sends() || settings_.udp) co_return;
  const Result<OptionValue> told = co_await sys_.get_option(stream.fd, SocketOption::tcp_info);
  if (!told || told->octets.size() < sizeof(TcpInfo)) co_return;
  const auto info = load<TcpInfo>(told->octets);
  stream.retransmits = info.retransmitted;
  stream.cwnd = info.cwnd;
}

// Waits for something to do, `wait` at most, and does it. False: the process is to end.
Task<bool> IperfTest::poll_once(std::vector<bool>& over, SimTime wait) {
  std::vector<PollItem> items{{.fd = control_, .ready = {}}};
  for (size_t i = 0; i < streams_.size(); ++i) {
    const bool later = sends() && due(streams_[i]) > sys_.now();
    if (later && !over[i]) wait = std::min(wait, due(streams_[i]) - sys_.now());
    items.push_back({.fd = over[i] ? control_ : streams_[i].fd,
                     .want_read = over[i] || !sends(),
                     .want_write = !over[i] && sends() && !later,
                     .ready = {}});
  }
  const auto polled = co_await sys_.poll(items, std::max(wait, SimTime()));
  if (!polled || sys_.interrupted()) co_return false;
  for (size_t i = 0; i < streams_.size(); ++i) {
    const Readiness& ready = (*polled)[i + 1].ready;
    if (!over[i]) over[i] = !co_await move(streams_[i], ready.readable, ready.writable);
  }
  if ((*polled)[0].ready.readable) {
    // The client's end of the test, or its death; of a server an error.
    const auto state = co_await take_state();
    ended_ = true;
    if (state != IperfState::test_end) co_await close_streams();
  }
  co_return true;
}

Task<void> IperfTest::close_streams() {
  for (const IperfStream& stream : streams_) co_await sys_.close(stream.fd);
  streams_.clear();
}

Task<void> IperfTest::transfer() {
  block_.assign(size_t(settings_.block), 0);
  for (size_t i = 0; i < block_.size(); ++i) block_[i] = uint8_t('0' + i % 10);
  const IperfReport report(settings_.protocol(), sends());
  co_await sys_.print(report.title());
  begin_ = sys_.now();
  SimTime shown = begin_;
  const SimTime step(std::max<int64_t>(settings_.interval, 0) * 1'000'000'000);
  std::vector<bool> over(streams_.size());
  while (!enough()) {
    SimTime wait = step > SimTime() ? shown + step - sys_.now() : 1_s;
    if (client_ && settings_.octets == 0)
      wait = std::min(wait, begin_ + SimTime(settings_.seconds * 1'000'000'000) - sys_.now());
    if (!co_await poll_once(over, wait)) break;
    while (step > SimTime() && sys_.now() - shown >= step) {
      for (IperfStream& stream : streams_) co_await look(stream);
      co_await sys_.print(report.interval(streams_, shown - begin_, shown + step - begin_));
      shown += step;
    }
  }
  duration_ = sys_.now() - begin_;
  for (IperfStream& stream : streams_) co_await look(stream);
  constexpr SimTime worth_a_line = 10_ms;
  if (step > SimTime() && sys_.now() - shown > worth_a_line)
    co_await sys_.print(report.interval(streams_, shown - begin_, duration_));
}

}  // namespace stackyard
