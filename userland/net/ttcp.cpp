// userland/net/ttcp.cpp - ttcp: one side writes blocks, the other reads them, both say how fast.
//
// Its wire is nothing but the data; over UDP datagrams of four octets are its beginning and end. It
// tells nothing of processor time, which no simulated machine spends.
#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"

namespace stackyard {

namespace {

constexpr int64_t mark_size = 4;
constexpr int marks_at_end = 5;  // some of them arrive
constexpr SimTime full_queue_pause = 18_ms;

struct Settings {
  int64_t length = 8192, blocks = 2048, port = 5001, buffer = 0;
  bool udp = false, pattern = false, no_delay = false, whole_blocks = false;
  char format = 'K';
  std::string host;
};

class Ttcp {
 public:
  Ttcp(Sys& sys, const Settings& settings, bool transmit)
      : sys_(sys), s_(settings), name_(transmit ? "ttcp-t: " : "ttcp-r: ") {}
  Task<int> transmit();
  Task<int> receive();

 private:
  using Octets = std::vector<uint8_t>;
  SocketType type() const { return s_.udp ? SocketType::datagram : SocketType::stream; }
  Task<void> say(std::string words) { return print(name_ + words + "\n"); }
  Task<void> print(std::string words) { (void)co_await sys_.print_error(words); }
  Task<void> die(std::string what, Errno error);
  Task<Fd> make_socket(Af family);
  Task<Fd> listener();
  Task<bool> write_block(Fd fd, Octets block);
  Task<Octets> next_block();
  Task<bool> take(Octets block);
  Task<void> marks(Fd fd, int count);
  Task<void> report();
  std::string rate(double octets, double seconds) const;

  Sys& sys_;
  const Settings& s_;
  std::string name_;
  SimTime begin_;
  uint64_t octets_ = 0, calls_ = 0;
  int64_t made_ = 0;
};

Task<void> Ttcp::die(std::string what, Errno error) {
  co_await print(text("{}{}: {}\n", name_, what, errno_text(error)));
  sys_.exit(1);
}

Task<Fd> Ttcp::make_socket(Af family) {
  const Result<Fd> fd = co_await sys_.socket(family, type());
  if (!fd) co_await die("socket", fd.error());
  co_await say("socket");
  if (s_.buffer) {
    co_await sys_.set_option(*fd, SocketOption::so_sndbuf, s_.buffer).or_err(1, "setsockopt");
    co_await sys_.set_option(*fd, SocketOption::so_rcvbuf, s_.buffer).or_err(1, "setsockopt");
  }
  if (s_.no_delay && !s_.udp)
    co_await sys_.set_option(*fd, SocketOption::tcp_nodelay, 1).or_err(1, "setsockopt");
  co_return *fd;
}

// "11443.53 KB/sec", by -f's letter: small ones count bits.
std::string Ttcp::rate(double octets, double seconds) const {
  const double per_second = seconds > 0 ? octets / seconds : 0;
  constexpr double kilo = 1024;
  switch (s_.format) {
    case 'k':
      return text("{:.2f} Kbit/sec", per_second * 8 / kilo);
    case 'm':
      return text("{:.2f} Mbit/sec", per_second * 8 / kilo / kilo);
    case 'g':
      return text("{:.2f} Gbit/sec", per_second * 8 / kilo / kilo / kilo);
    case 'M':
      return text("{:.2f} MB/sec", per_second / kilo / kilo);
    case 'G':
      return text("{:.2f} GB/sec", per_second / kilo / kilo / kilo);
    default:
      return text("{:.2f} KB/sec", per_second / kilo);
  }
}

Task<void> Ttcp::report() {
  const double seconds = double((sys_.now() - begin_).ns()) / 1e9;
  const double calls = double(calls_);
  co_await say(text("{} bytes in {:.2f} real seconds = {} +++", octets_, seconds,
                    rate(double(octets_), seconds)));
  co_await say(text("{} I/O calls, msec/call = {:.2f}, calls/sec = {:.2f}", calls_,
                    calls > 0 ? seconds * 1000 / calls : 0, seconds > 0 ? calls / seconds : 0));
}

// --- the sender --------------------------------------------------------------------------------

// The next block of the pattern, or of the standard input; empty: there is no more.
Task<Ttcp::Octets> Ttcp::next_block() {
  if (s_.pattern) {
    if (made_++ == s_.blocks) co_return Octets();
    // Printable characters, over and over.
    Octets block(size_t(s_.length), 0);
    constexpr uint8_t first = ' ', last = '~';
    for (size_t i = 0; i < block.size(); ++i) block[i] = uint8_t(first + i % (last - first + 1));
    co_return block;
  }
  const Result<std::string> got = co_await sys_.read(fd_in, size_t(s_.length));
  Octets block;
  if (got) block.assign(got->begin(), got->end());
  co_return block;
}

Task<bool> Ttcp::write_block(Fd fd, Octets block) {
  for (;;) {
    ++calls_;
    const Result<size_t> sent = co_await sys_.send(fd, block);
    if (sent) co_return true;
    if (sent.error() != Errno::enobufs) {
      co_await say(text("IO: {}", errno_text(sent.error())));
      co_return false;
    }
    co_await sys_.sleep(full_queue_pause);
  }
}

Task<void> Ttcp::marks(Fd fd, int count) {
  const Octets mark(size_t(mark_size), 0);
  for (int i = 0; i < count; ++i) (void)co_await write_block(fd, mark);
}

Task<int> Ttcp::transmit() {
  const std::vector<SockAddr> found = sys_.resolve(s_.host, Af::unspecified);
  if (found.empty()) {
    co_await print("ttcp: bad hostname\n");
    co_return 1;
  }
  SockAddr to = found[0];
  to.port = uint16_t(s_.port);
  co_await say(text("buflen={}, nbuf={}, port={}  {}  -> {}", s_.length, s_.blocks, s_.port,
                    s_.udp ? "udp" : "tcp", s_.host));
  const Fd fd = co_await make_socket(to.family());
  const Result<> connected = co_await sys_.connect(fd, to);
  if (!connected) co_await die("connect", connected.error());
  if (!s_.udp) co_await say("connect");
  begin_ = sys_.now();
  if (s_.udp) co_await marks(fd, 1);
  bool sound = true;
  while (sound) {
    const Octets block = co_await next_block();
    if (block.empty()) break;
    sound = co_await write_block(fd, block);
    if (sound) octets_ += block.size();
  }
  co_await report();
  if (s_.udp) co_await marks(fd, marks_at_end);
  co_await sys_.close(fd);
  co_return sound ? 0 : 1;
}

// --- the receiver ------------------------------------------------------------------------------

Task<Fd> Ttcp::listener() {
  SockAddr at;
  at.address = Ipv6Address();
  at.port = uint16_t(s_.port);
  const Fd fd = co_await make_socket(Af::inet6);
  co_await sys_.set_option(fd, SocketOption::ipv6_v6only, 0).or_err(1, "setsockopt");
  co_await sys_.set_option(fd, SocketOption::so_reuseaddr, 1).or_err(1, "setsockopt");
  const Result<> bound = co_await sys_.bind(fd, at);
  if (!bound) co_await die("bind", bound.error());
  if (s_.udp) co_return fd;
  co_await sys_.listen(fd, 1).or_err(1, "listen");
  const Accepted caller = co_await sys_.accept(fd).or_err(1, "accept");
  co_await sys_.close(fd);
  std::string from = to_text(caller.from.address);
  if (from.starts_with("::ffff:")) from = from.substr(7);
  co_await say("accept from " + from);
  co_return caller.fd;
}

// False: nobody wants to see more.
Task<bool> Ttcp::take(Octets block) {
  octets_ += block.size();
  if (s_.pattern) co_return true;
  const Result<> written = co_await sys_.print(std::string(block.begin(), block.end()));
  co_return bool(written);
}

Task<int> Ttcp::receive() {
  co_await say(text("buflen={}, nbuf={}, port={}  {}", s_.length, s_.blocks, s_.port,
                    s_.udp ? "udp" : "tcp"));
  const Fd fd = co_await listener();
  begin_ = sys_.now();
  bool going = !s_.udp;
  ReceiveOptions how;
  how.wait_all = s_.whole_blocks && !s_.udp;
  for (;;) {
    const Result<Received> got = co_await sys_.receive(fd, size_t(s_.length), how);
    ++calls_;
    if (!got) co_await die("IO", got.error());
    if (got->octets.empty()) break;
    if (s_.udp && int64_t(got->octets.size()) <= mark_size) {
      if (going) break;
      going = true;
      begin_ = sys_.now();
      continue;
    }
    if (!co_await take(got->octets)) break;
  }
  co_await report();
  co_await sys_.close(fd);
  co_return 0;
}

Task<int> ttcp(Sys& sys, Args args) {
  const Options options(args, "trl:n:p:suDBb:f:");
  Settings settings;
  const Options::Number numbers[] = {{'l', 5, 1 << 20, settings.length},
                                     {'n', 1, INT32_MAX, settings.blocks},
                                     {'p', 1, 65535, settings.port},
                                     {'b', 1, INT32_MAX, settings.buffer}};
  std::string wrong = options.error();
  if (wrong.empty()) wrong = options.read_numbers(numbers);
  const bool transmit = options.has('t');
  const std::string format = options.value('f', "K");
  if (wrong.empty() && (format.size() != 1 || std::string("kmgKMG").find(format) == format.npos))
    wrong = text("invalid value for -f: `{}'", format);
  if (!wrong.empty() || transmit == options.has('r') || options.rest().size() != (transmit ? 1 : 0))
    co_return co_await bad_usage(sys, ttcp_command, wrong, 1);
  settings.udp = options.has('u');
  settings.pattern = options.has('s');
  settings.no_delay = options.has('D');
  settings.whole_blocks = options.has('B');
  settings.format = format[0];
  if (transmit) settings.host = options.rest()[0];
  sys.set_signal(Signal::pipe, SignalAction::ignore);
  Ttcp program(sys, settings, transmit);
  if (transmit) co_return co_await program.transmit();
  co_return co_await program.receive();
}

}  // namespace

const Command ttcp_command{
    .name = "ttcp",
    .synopsis =
        "ttcp -t [-usD] [-l length] [-n blocks] [-p port] [-b buffer] [-f kmgKMG] host\n"
        "ttcp -r [-usB] [-l length] [-p port] [-b buffer] [-f kmgKMG]",
    .run = ttcp};

}  // namespace stackyard
