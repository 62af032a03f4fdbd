// The control connection: who says what when.
#include "userland/net/iperf3_test.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace stackyard {

namespace {

using Json = nlohmann::json;

constexpr size_t cookie_size = 37;  // with its NUL
constexpr size_t json_most = 1 << 20;
constexpr int64_t block_of_tcp = 128 * 1024, block_of_udp = 1460;

std::optional<Json> parsed(const std::string& words) {
  Json value = Json::parse(words, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  return value;
}

// A block that nobody has asked for fits into a segment of the path.
int64_t default_block(const IperfSettings& settings, const Result<OptionValue>& segment) {
  if (!settings.udp) return block_of_tcp;
  return segment && segment->number >= int64_t(iperf_datagram_least) ? segment->number
                                                                     : block_of_udp;
}

// Of seconds with decimals, within reason.
int64_t nanoseconds(const Json& from, const char* name) {
  constexpr double most = 1e6;
  return int64_t(std::clamp(from.value(name, 0.0), 0.0, most) * 1e9);
}

}  // namespace

Task<std::string> IperfTest::read_exactly(Fd fd, size_t size) {
  std::string all;
  while (all.size() < size) {
    const Result<std::string> part = co_await sys_.read(fd, size - all.size());
    if (!part || part->empty()) break;
    all += *part;
  }
  co_return all;
}

Task<bool> IperfTest::send_state(IperfState state) {
  const Octets octet(1, uint8_t(state));
  const Result<size_t> sent = co_await sys_.send(control_, octet);
  co_return bool(sent);
}

Task<std::optional<IperfState>> IperfTest::take_state() {
  const std::string octet = co_await read_exactly(control_, 1);
  if (octet.empty()) co_return std::nullopt;
  co_return IperfState(octet[0]);
}

Task<bool> IperfTest::send_words(std::string json) {
  Octets octets(4 + json.size());
  store(be32(uint32_t(json.size())), octets);
  std::copy(json.begin(), json.end(), octets.begin() + 4);
  const Result<size_t> sent = co_await sys_.send(control_, octets);
  co_return bool(sent);
}

Task<std::optional<std::string>> IperfTest::take_words() {
  const std::string head = co_await read_exactly(control_, 4);
  if (head.size() < 4) co_return std::nullopt;
  const size_t size = load<be32>(bytes_of(head));
  if (size > json_most) co_return std::nullopt;
  std::string words = co_await read_exactly(control_, size);
  if (words.size() < size) co_return std::nullopt;
  co_return words;
}

std::string IperfTest::parameters() const {
  const IperfSettings& s = settings_;
  Json all{{s.udp ? "udp" : "tcp", true},
           {"omit", 0},
           {"time", s.octets ? 0 : s.seconds},
           {"num", s.octets},
           {"blockcount", 0},
           {"parallel", s.streams},
           {"len", s.block},
           {"pacing_timer", 1000},
           {"client_version", "3.12"}};
  if (s.reverse) all["reverse"] = true;
  if (s.no_delay) all["nodelay"] = true;
  if (s.mss) all["MSS"] = s.mss;
  if (s.window) all["window"] = s.window;
  if (s.rate) all["bandwidth"] = s.rate;
  if (s.burst) all["burst"] = s.burst;
  if (s.counters == IperfCounters::wide) all["udp_counters_64bit"] = 1;
  if (!s.congestion.empty()) all["congestion"] = s.congestion;
  return all.dump();
}

// False: it is nonsense, or nothing that this server does.
bool IperfTest::take_parameters(const std::string& json) {
  const auto told = parsed(json);
  if (!told) return false;
  IperfSettings& s = settings_;
  try {
    s.udp = told->value("udp", false);
    if (!s.udp && !told->value("tcp", false)) return false;
    s.streams = std::clamp<int64_t>(told->value("parallel", int64_t(1)), 1, iperf_streams_most);
    s.block = told->value("len", s.udp ? block_of_udp : block_of_tcp);
    s.block = s.udp ? std::clamp<int64_t>(s.block, iperf_datagram_least, iperf_datagram_most)
                    : std::clamp<int64_t>(s.block, 1, iperf_block_most);
    s.rate = std::max<int64_t>(told->value("bandwidth", int64_t(0)), 0);
    s.burst = std::clamp<int64_t>(told->value("burst", int64_t(0)), 0, 1000);
    s.counters =
        told->value("udp_counters_64bit", int64_t(0)) ? IperfCounters::wide : IperfCounters::narrow;
    s.reverse = told->value("reverse", false);
    s.no_delay = told->value("nodelay", false);
    s.window = std::clamp<int64_t>(told->value("window", int64_t(0)), 0, INT32_MAX);
    s.congestion = told->value("congestion", "");
  } catch (const Json::exception&) {
    return false;
  }
  return true;
}

std::string IperfTest::results() const {
  Json streams = Json::array();
  for (size_t i = 0; i < streams_.size(); ++i) {
    const IperfStream& stream = streams_[i];
    // The first stream's identity is 1, the next ones' 3, 4, ...
    streams.push_back(
        {{"id", i == 0 ? 1 : i + 2},
         {"bytes", stream.octets},
         {"retransmits", sends() && !settings_.udp ? int64_t(stream.retransmits) : -1},
         {"jitter", double(stream.datagrams.jitter_ns()) / 1e9},
         {"errors", stream.datagrams.lost},
         {"packets", stream.datagrams.packets},
         {"start_time", 0},
         {"end_time", double(duration_.ns()) / 1e9}});
  }
  const Json all{{"cpu_util_total", 0},
                 {"cpu_util_user", 0},
                 {"cpu_util_system", 0},
                 {"sender_has_retransmits", sends() && !settings_.udp ? 1 : -1},
                 {"streams", streams}};
  return all.dump();
}

void IperfTest::take_results(const std::string& json) {
  const auto told = parsed(json);
  if (!told) return;
  try {
    const Json streams = told->value("streams", Json::array());
    peer_duration_ = duration_;
    for (size_t i = 0; i < std::min(streams.size(), streams_.size()); ++i) {
      IperfStream& stream = streams_[i];
      const auto number = [&](const char* name) { return streams[i].value(name, int64_t(0)); };
      stream.peer_octets = uint64_t(std::max<int64_t>(number("bytes"), 0));
      stream.peer_retransmits = uint32_t(std::clamp<int64_t>(number("retransmits"), 0, UINT32_MAX));
      stream.peer_datagrams.packets = uint64_t(std::max<int64_t>(number("packets"), 0));
      stream.peer_datagrams.lost = number("errors");
      stream.peer_datagrams.jitter_sixteenths = nanoseconds(streams[i], "jitter") * 16;
      peer_duration_ = SimTime(nanoseconds(streams[i], "end_time"));
    }
  } catch (const Json::exception&) {
    // Whoever says nonsense is believed nothing.
  }
}

Task<void> IperfTest::close_all() {
  co_await close_streams();
  if (open_) co_await sys_.close(control_);
}

Task<void> IperfTest::exchange_results() {
  // The client speaks first.
  if (client_) (void)co_await send_words(results());
  const auto told = co_await take_words();
  if (told) take_results(*told);
  if (!client_) (void)co_await send_words(results());
}

Task<int> IperfTest::run_client() {
  co_await sys_.print(text("Connecting to host {}, port {}\n", settings_.host, settings_.port));
  const Result<Fd> control = co_await connect(SocketType::stream);
  if (!control) {
    co_await sys_.complain(
        text("error - unable to connect to server: {}", errno_text(control.error())));
    co_return 1;
  }
  control_ = *control;
  open_ = true;
  (void)co_await sys_.set_option(control_, SocketOption::tcp_nodelay, 1);
  if (settings_.block == 0) {
    const auto segment = co_await sys_.get_option(control_, SocketOption::tcp_maxseg);
    settings_.block = default_block(settings_, segment);
  }
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  for (size_t i = 0; i + 1 < cookie_size; ++i) cookie_ += letters[sys_.random() % letters.size()];
  cookie_ += '\0';
  const Octets cookie(cookie_.begin(), cookie_.end());
  (void)co_await sys_.send(control_, cookie);
  std::string trouble = "control socket has closed unexpectedly";
  for (bool going = true; going;) {
    const auto state = co_await take_state();
    if (!state) break;
    switch (*state) {
      case IperfState::param_exchange:
        going = co_await send_words(parameters());
        break;
      case IperfState::create_streams:
        going = co_await create_streams();
        if (!going) trouble = "unable to create a new stream";
        break;
      case IperfState::test_start:
        break;
      case IperfState::test_running:
        if (settings_.reverse)
          co_await sys_.print(text("Reverse mode, remote host {} is sending\n", settings_.host));
        co_await transfer();
        going = !ended_ && co_await send_state(IperfState::test_end);
        break;
      case IperfState::exchange_results:
        co_await exchange_results();
        break;
      case IperfState::display_results:
        co_await sys_.print(IperfReport(settings_.protocol(), sends())
                                .summary(streams_, {duration_, peer_duration_}) +
                            "\niperf Done.\n");
        (void)co_await send_state(IperfState::iperf_done);
        going = false;
        trouble.clear();
        break;
      case IperfState::access_denied:
        trouble = "the server is busy running a test. try again later";
        going = false;
        break;
      default:
        trouble = "the server has terminated";
        going = false;
        break;
    }
  }
  co_await close_all();
  if (trouble.empty()) co_return 0;
  co_await sys_.complain("error - " + trouble);
  co_return 1;
}

// The server's first steps: the cookie and the parameters. False: no test comes of it.
Task<bool> IperfTest::agree(Accepted caller) {
  cookie_ = co_await read_exactly(control_, cookie_size);
  std::optional<std::string> told;
  if (cookie_.size() == cookie_size && co_await send_state(IperfState::param_exchange))
    told = co_await take_words();
  if (!told || !take_parameters(*told)) {
    // Its errno follows a server's error; 0: none to tell.
    (void)co_await send_state(IperfState::server_error);
    const Octets nothing(8);
    (void)co_await sys_.send(control_, nothing);
    co_await sys_.complain("error - this server speaks TCP and UDP only");
    co_return false;
  }
  co_await sys_.print(text("Accepted connection from {}, port {}\n",
                           iperf_address(caller.from.address), caller.from.port));
  co_return true;
}

Task<void> IperfTest::run_server(Accepted caller, Fd listener) {
  control_ = caller.fd;
  open_ = true;
  // States and what follows them are small, and each is waited for.
  (void)co_await sys_.set_option(control_, SocketOption::tcp_nodelay, 1);
  if (!co_await agree(caller)) co_return co_await close_all();
  bool going = true;
  if (settings_.udp) {
    // It listens before it says so.
    const Result<Fd> datagrams = co_await datagram_listener();
    going = datagrams && co_await send_state(IperfState::create_streams);
    going = going && co_await accept_datagram_streams(*datagrams);
  } else {
    going = co_await send_state(IperfState::create_streams);
    going = going && co_await accept_streams(listener);
    for (const IperfStream& stream : streams_) co_await prepare(stream.fd, SocketType::stream);
  }
  for (const IperfState state : {IperfState::test_start, IperfState::test_running})
    going = going && co_await send_state(state);
  if (going) co_await transfer();
  if (going && ended_ && !streams_.empty()) {
    (void)co_await send_state(IperfState::exchange_results);
    co_await exchange_results();
    (void)co_await send_state(IperfState::display_results);
    co_await sys_.print(
        IperfReport(settings_.protocol(), sends()).summary(streams_, {duration_, peer_duration_}));
    (void)co_await take_state();
  } else if (!sys_.interrupted()) {
    co_await sys_.complain("error - the client has terminated");
  }
  co_await close_all();
}

}  // namespace stackyard
