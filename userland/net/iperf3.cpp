// userland/net/iperf3.cpp - iperf3(1): measures TCP's throughput, and speaks with other iperf3s.
//
// A control connection carries states of one octet and JSON behind a length of four; each stream is
// a connection of its own that begins with the control connection's cookie. UDP and SCTP are
// missing.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "stack/tcp/api/tcp_info.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/net/iperf3_report.h"

namespace stackyard {

namespace {

using Json = nlohmann::json;
using Octets = std::vector<uint8_t>;

enum class State : int8_t {
  test_start = 1,
  test_running = 2,
  test_end = 4,
  param_exchange = 9,
  create_streams = 10,
  server_terminate = 11,
  client_terminate = 12,
  exchange_results = 13,
  display_results = 14,
  iperf_done = 16,
  access_denied = -1,
  server_error = -2
};

constexpr size_t cookie_size = 37;  // with its NUL
constexpr size_t json_most = 1 << 20;
constexpr size_t block_by_default = 128 * 1024;
constexpr int64_t streams_most = 128;

struct Settings {
  int64_t port = 5201, seconds = 10, streams = 1, interval = 1, block = block_by_default;
  int64_t octets = 0;  // -n; 0: as long as `seconds` say
  int64_t mss = 0, window = 0;
  bool reverse = false, no_delay = false, one_off = false;
  std::string congestion, host, bind_to;
  Af family = Af::unspecified;
};

// A mapped address is shown as the IPv4 address that it stands for.
std::string shown(const IpAddress& address) {
  std::string words = to_text(address);
  return words.starts_with("::ffff:") && words.find('.') != words.npos ? words.substr(7) : words;
}

// One test: its control connection and its streams.
class Test {
 public:
  Test(Sys& sys, Settings settings, bool client)
      : sys_(sys), settings_(std::move(settings)), client_(client) {}
  Task<int> run_client();
  // A caller whose control connection it is.
  Task<void> run_server(Accepted caller, Fd listener);

 private:
  bool sends() const { return client_ != settings_.reverse; }
  Task<std::string> read_exactly(Fd fd, size_t size);
  Task<bool> send_state(State state);
  Task<std::optional<State>> take_state();
  Task<bool> send_json(Json value);
  Task<std::optional<Json>> take_json();
  Task<Result<Fd>> connect();
  Task<void> prepare(Fd fd);
  Task<bool> create_streams();
  Task<bool> accept_streams(Fd listener);
  Task<void> add_stream(Fd fd);
  Task<void> transfer();
  Task<bool> move(IperfStream& stream, bool readable, bool writable);
  Task<void> look(IperfStream& stream);
  bool enough() const;
  Json parameters() const;
  void take_parameters(const Json& told);
  Json results() const;
  void take_results(const Json& told);
  Task<void> close_all();

  Sys& sys_;
  Settings settings_;
  bool client_;
  Fd control_{};
  bool open_ = false;
  std::string cookie_;
  std::vector<IperfStream> streams_;
  SimTime begin_, duration_;
  Octets block_;
  bool ended_ = false;  // the other side has said so, or is gone
};

Task<std::string> Test::read_exactly(Fd fd, size_t size) {
  std::string all;
  while (all.size() < size) {
    const Result<std::string> part = co_await sys_.read(fd, size - all.size());
    if (!part || part->empty()) break;
    all += *part;
  }
  co_return all;
}

Task<bool> Test::send_state(State state) {
  const Octets octet(1, uint8_t(state));
  const Result<size_t> sent = co_await sys_.send(control_, octet);
  co_return bool(sent);
}

Task<std::optional<State>> Test::take_state() {
  const std::string octet = co_await read_exactly(control_, 1);
  if (octet.empty()) co_return std::nullopt;
  co_return State(octet[0]);
}

Task<bool> Test::send_json(Json value) {
  const std::string words = value.dump();
  Octets octets(4 + words.size());
  for (size_t i = 0; i < 4; ++i) octets[i] = uint8_t(words.size() >> (24 - 8 * i));
  std::copy(words.begin(), words.end(), octets.begin() + 4);
  const Result<size_t> sent = co_await sys_.send(control_, octets);
  co_return bool(sent);
}

Task<std::optional<Json>> Test::take_json() {
  const std::string head = co_await read_exactly(control_, 4);
  if (head.size() < 4) co_return std::nullopt;
  size_t size = 0;
  for (const char c : head) size = size << 8 | uint8_t(c);
  if (size > json_most) co_return std::nullopt;
  const std::string words = co_await read_exactly(control_, size);
  Json value = Json::parse(words, nullptr, false);
  if (!value.is_object()) co_return std::nullopt;
  co_return value;
}

// The first address that answers.
Task<Result<Fd>> Test::connect() {
  Result<Fd> connected = Errno::ehostunreach;
  for (SockAddr to : sys_.resolve(settings_.host, settings_.family)) {
    to.port = uint16_t(settings_.port);
    const Result<Fd> fd = co_await sys_.socket(to.family(), SocketType::stream);
    if (!fd) co_return fd.error();
    co_await prepare(*fd);
    const Result<> done = co_await sys_.connect(*fd, to);
    if (done) co_return *fd;
    connected = done.error();
    co_await sys_.close(*fd);
  }
  co_return connected;
}

// What has to be said before a connection begins.
Task<void> Test::prepare(Fd fd) {
  if (!settings_.bind_to.empty()) {
    const std::vector<SockAddr> from = sys_.resolve(settings_.bind_to, settings_.family);
    if (!from.empty()) co_await sys_.bind(fd, from[0]).or_err(1, "bind");
  }
  if (settings_.mss)
    co_await sys_.set_option(fd, SocketOption::tcp_maxseg, settings_.mss).or_err(1, "TCP_MAXSEG");
  if (settings_.no_delay)
    co_await sys_.set_option(fd, SocketOption::tcp_nodelay, 1).or_err(1, "TCP_NODELAY");
  if (settings_.window) {
    co_await sys_.set_option(fd, SocketOption::so_sndbuf, settings_.window).or_err(1, "SO_SNDBUF");
    co_await sys_.set_option(fd, SocketOption::so_rcvbuf, settings_.window).or_err(1, "SO_RCVBUF");
  }
  if (!settings_.congestion.empty()) {
    OptionValue algorithm;
    algorithm.octets.assign(settings_.congestion.begin(), settings_.congestion.end());
    co_await sys_.set_option(fd, SocketOption::tcp_congestion, algorithm)
        .or_err(1, "TCP_CONGESTION");
  }
}

Task<void> Test::add_stream(Fd fd) {
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
                           shown(local->address), local->port, shown(peer->address), peer->port));
}

Task<bool> Test::create_streams() {
  for (int64_t i = 0; i < settings_.streams; ++i) {
    const Result<Fd> fd = co_await connect();
    if (!fd) co_return false;
    const Octets cookie(cookie_.begin(), cookie_.end());
    (void)co_await sys_.send(*fd, cookie);
    co_await add_stream(*fd);
  }
  co_return true;
}

Task<bool> Test::accept_streams(Fd listener) {
  while (int64_t(streams_.size()) < settings_.streams) {
    const Result<Accepted> caller = co_await sys_.accept(listener);
    if (!caller) co_return false;
    const std::string cookie = co_await read_exactly(caller->fd, cookie_size);
    if (cookie == cookie_) {
      co_await add_stream(caller->fd);
      continue;
    }
    // Another client: the server is busy.
    const Octets denied(1, uint8_t(State::access_denied));
    (void)co_await sys_.send(caller->fd, denied);
    co_await sys_.close(caller->fd);
  }
  co_return true;
}

bool Test::enough() const {
  if (ended_) return true;
  if (!client_) return false;
  if (settings_.octets == 0)
    return sys_.now() - begin_ >= SimTime(settings_.seconds * 1'000'000'000);
  uint64_t all = 0;
  for (const IperfStream& stream : streams_) all += stream.octets;
  return all >= uint64_t(settings_.octets);
}

// As much as goes at once. False: the stream is over.
Task<bool> Test::move(IperfStream& stream, bool readable, bool writable) {
  if (sends() && writable) {
    const Result<size_t> sent = co_await sys_.send(stream.fd, block_);
    if (!sent && sent.error() != Errno::eagain) co_return false;
    if (sent) stream.octets += *sent;
  }
  if (!sends() && readable) {
    const Result<std::string> got = co_await sys_.read(stream.fd, size_t(settings_.block));
    if (got && got->empty()) co_return false;
    if (!got && got.error() != Errno::eagain) co_return false;
    if (got) stream.octets += got->size();
  }
  co_return true;
}

Task<void> Test::look(IperfStream& stream) {
  if (!sends()) co_return;
  const Result<OptionValue> told = co_await sys_.get_option(stream.fd, SocketOption::tcp_info);
  if (!told || told->octets.size() < sizeof(TcpInfo)) co_return;
  const auto info = load<TcpInfo>(told->octets);
  stream.retransmits = info.retransmitted;
  stream.cwnd = info.cwnd;
}

Task<void> Test::transfer() {
  block_.assign(size_t(settings_.block), 0);
  for (size_t i = 0; i < block_.size(); ++i) block_[i] = uint8_t('0' + i % 10);
  const IperfReport report(sends());
  co_await sys_.print(report.title());
  begin_ = sys_.now();
  SimTime shown = begin_;
  const SimTime step(std::max<int64_t>(settings_.interval, 0) * 1'000'000'000);
  std::vector<bool> over(streams_.size());
  while (!enough()) {
    std::vector<PollItem> items{{.fd = control_, .ready = {}}};
    for (size_t i = 0; i < streams_.size(); ++i)
      items.push_back({.fd = over[i] ? control_ : streams_[i].fd,
                       .want_read = over[i] || !sends(),
                       .want_write = !over[i] && sends(),
                       .ready = {}});
    SimTime wait = step > SimTime() ? shown + step - sys_.now() : 1_s;
    if (client_ && settings_.octets == 0)
      wait = std::min(wait, begin_ + SimTime(settings_.seconds * 1'000'000'000) - sys_.now());
    const auto polled = co_await sys_.poll(items, std::max(wait, SimTime()));
    if (!polled || sys_.interrupted()) break;
    for (size_t i = 0; i < streams_.size(); ++i) {
      const Readiness& ready = (*polled)[i + 1].ready;
      if (!over[i]) over[i] = !co_await move(streams_[i], ready.readable, ready.writable);
    }
    if ((*polled)[0].ready.readable) {
      // The client's end of the test, or its death; of a server an error.
      const auto state = co_await take_state();
      ended_ = true;
      if (state != State::test_end) streams_.clear();
    }
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

Json Test::parameters() const {
  Json all{{"tcp", true},
           {"omit", 0},
           {"time", settings_.octets ? 0 : settings_.seconds},
           {"num", settings_.octets},
           {"blockcount", 0},
           {"parallel", settings_.streams},
           {"len", settings_.block},
           {"pacing_timer", 1000},
           {"client_version", "3.12"}};
  if (settings_.reverse) all["reverse"] = true;
  if (settings_.no_delay) all["nodelay"] = true;
  if (settings_.mss) all["MSS"] = settings_.mss;
  if (settings_.window) all["window"] = settings_.window;
  if (!settings_.congestion.empty()) all["congestion"] = settings_.congestion;
  return all;
}

// Throws Json::exception for what is of the wrong type.
void Test::take_parameters(const Json& told) {
  settings_.streams = std::clamp<int64_t>(told.value("parallel", int64_t(1)), 1, streams_most);
  settings_.block = std::clamp<int64_t>(told.value("len", int64_t(block_by_default)), 1, 1 << 20);
  settings_.reverse = told.value("reverse", false);
  settings_.no_delay = told.value("nodelay", false);
  settings_.congestion = told.value("congestion", "");
}

Json Test::results() const {
  Json streams = Json::array();
  for (size_t i = 0; i < streams_.size(); ++i)
    // The first stream's identity is 1, the next ones' 3, 4, ...
    streams.push_back({{"id", i == 0 ? 1 : i + 2},
                       {"bytes", streams_[i].octets},
                       {"retransmits", sends() ? int64_t(streams_[i].retransmits) : -1},
                       {"jitter", 0},
                       {"errors", 0},
                       {"packets", 0},
                       {"start_time", 0},
                       {"end_time", double(duration_.ns()) / 1e9}});
  return {{"cpu_util_total", 0},
          {"cpu_util_user", 0},
          {"cpu_util_system", 0},
          {"sender_has_retransmits", sends() ? 1 : -1},
          {"streams", streams}};
}

void Test::take_results(const Json& told) {
  const Json streams = told.value("streams", Json::array());
  for (size_t i = 0; i < std::min(streams.size(), streams_.size()); ++i) {
    streams_[i].peer_octets = streams[i].value("bytes", uint64_t(0));
    streams_[i].peer_retransmits =
        uint32_t(std::max<int64_t>(streams[i].value("retransmits", int64_t(0)), 0));
  }
}

Task<void> Test::close_all() {
  for (const IperfStream& stream : streams_) co_await sys_.close(stream.fd);
  if (open_) co_await sys_.close(control_);
}

Task<int> Test::run_client() {
  co_await sys_.print(text("Connecting to host {}, port {}\n", settings_.host, settings_.port));
  const Result<Fd> control = co_await connect();
  if (!control) {
    co_await sys_.complain(
        text("error - unable to connect to server: {}", errno_text(control.error())));
    co_return 1;
  }
  control_ = *control;
  open_ = true;
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
      case State::param_exchange:
        going = co_await send_json(parameters());
        break;
      case State::create_streams:
        going = co_await create_streams();
        break;
      case State::test_start:
        break;
      case State::test_running:
        if (settings_.reverse)
          co_await sys_.print(text("Reverse mode, remote host {} is sending\n", settings_.host));
        co_await transfer();
        going = !ended_ && co_await send_state(State::test_end);
        break;
      case State::exchange_results: {
        going = co_await send_json(results());
        const auto told = co_await take_json();
        if (told) take_results(*told);
        break;
      }
      case State::display_results:
        co_await sys_.print(IperfReport(sends()).summary(streams_, duration_) + "\niperf Done.\n");
        (void)co_await send_state(State::iperf_done);
        going = false;
        trouble.clear();
        break;
      case State::access_denied:
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

Task<void> Test::run_server(Accepted caller, Fd listener) {
  control_ = caller.fd;
  open_ = true;
  cookie_ = co_await read_exactly(control_, cookie_size);
  std::optional<Json> told;
  if (cookie_.size() == cookie_size && co_await send_state(State::param_exchange))
    told = co_await take_json();
  bool sound = told && told->value("tcp", false);
  if (sound) {
    try {
      take_parameters(*told);
    } catch (const Json::exception&) {
      sound = false;
    }
  }
  if (!sound) {
    // Its errno follows a server's error; 0: none to tell.
    (void)co_await send_state(State::server_error);
    const Octets nothing(8);
    (void)co_await sys_.send(control_, nothing);
    co_await sys_.complain("error - this server speaks TCP only");
    co_return co_await close_all();
  }
  co_await sys_.print(
      text("Accepted connection from {}, port {}\n", shown(caller.from.address), caller.from.port));
  bool going = co_await send_state(State::create_streams);
  going = going && co_await accept_streams(listener);
  for (const IperfStream& stream : streams_) co_await prepare(stream.fd);
  for (const State state : {State::test_start, State::test_running})
    going = going && co_await send_state(state);
  if (going) co_await transfer();
  if (going && ended_ && !streams_.empty()) {
    (void)co_await send_state(State::exchange_results);
    const auto results_told = co_await take_json();
    if (results_told) take_results(*results_told);
    (void)co_await send_json(results());
    (void)co_await send_state(State::display_results);
    co_await sys_.print(IperfReport(sends()).summary(streams_, duration_));
    (void)co_await take_state();
  } else if (!sys_.interrupted()) {
    co_await sys_.complain("error - the client has terminated");
  }
  co_await close_all();
}

Task<int> serve(Sys& sys, Settings settings) {
  const bool v4 = settings.family == Af::inet;
  const Fd listener = co_await sys.socket(v4 ? Af::inet : Af::inet6, SocketType::stream)
                          .or_err(1, "unable to create a socket");
  co_await sys.set_option(listener, SocketOption::so_reuseaddr, 1).or_err(1, "SO_REUSEADDR");
  if (!v4)
    co_await sys
        .set_option(listener, SocketOption::ipv6_v6only, settings.family == Af::inet6 ? 1 : 0)
        .or_err(1, "IPV6_V6ONLY");
  SockAddr at;
  if (!v4) at.address = Ipv6Address();
  at.port = uint16_t(settings.port);
  co_await sys.bind(listener, at).or_err(1, "error - unable to start listener for connections");
  co_await sys.listen(listener, -1).or_err(1, "listen");
  sys.catch_signals();
  constexpr const char* rule = "-----------------------------------------------------------\n";
  for (int number = 1; !sys.interrupted(); ++number) {
    co_await sys.print(
        text("{}Server listening on {} (test #{})\n{}", rule, settings.port, number, rule));
    const Result<Accepted> caller = co_await sys.accept(listener);
    if (!caller) break;
    Test test(sys, settings, false);
    co_await test.run_server(*caller, listener);
    if (settings.one_off) co_return 0;
  }
  co_await sys.complain("interrupt - the server has terminated");
  co_return 1;
}

// "10M": octets, as -n, -l and -w take them.
std::optional<int64_t> octets_of(std::string word) {
  int64_t unit = 1;
  constexpr std::string_view units = "KMG";
  const size_t at = word.empty() ? units.npos : units.find(char(std::toupper(word.back())));
  if (at != units.npos) {
    unit = int64_t(1) << (10 * (at + 1));
    word.pop_back();
  }
  const auto number = parse_int(word);
  if (!number || *number < 1 || *number > INT64_MAX / unit) return std::nullopt;
  return *number * unit;
}

Task<int> iperf3(Sys& sys, Args args) {
  const Options options(args, "sc:p:t:n:P:i:l:M:w:C:B:RNV146D");
  Settings settings;
  std::string wrong = options.error();
  const Options::Number numbers[] = {{'p', 1, 65535, settings.port},
                                     {'t', 1, 86400, settings.seconds},
                                     {'P', 1, streams_most, settings.streams},
                                     {'i', 0, 60, settings.interval},
                                     {'M', 64, 9216, settings.mss}};
  if (wrong.empty()) wrong = options.read_numbers(numbers);
  for (const auto& [letter, to] :
       {std::pair('n', &settings.octets), {'l', &settings.block}, {'w', &settings.window}}) {
    if (!options.has(letter)) continue;
    const auto octets = octets_of(options.value(letter));
    if (octets && (letter == 'n' || *octets <= 1 << 20 || letter == 'w'))
      *to = *octets;
    else if (wrong.empty())
      wrong = text("-{}: \"{}\" is no size", letter, options.value(letter));
  }
  if (wrong.empty() && (options.has('s') == options.has('c') || !options.rest().empty()))
    wrong = "parameter error - must either be a client (-c) or server (-s)";
  if (!wrong.empty()) co_return co_await bad_usage(sys, iperf3_command, wrong, 1);
  settings.host = options.value('c');
  settings.congestion = options.value('C');
  settings.bind_to = options.value('B');
  settings.reverse = options.has('R');
  settings.no_delay = options.has('N');
  settings.one_off = options.has('1');
  if (options.has('4')) settings.family = Af::inet;
  if (options.has('6')) settings.family = Af::inet6;
  if (options.has('s')) {
    if (options.has('D')) co_await sys.daemon().or_err(1, "daemon");
    co_return co_await serve(sys, settings);
  }
  if (sys.resolve(settings.host, settings.family).empty()) {
    co_await sys.complain("error - unable to connect to server: Name does not resolve");
    co_return 1;
  }
  Test test(sys, settings, true);
  co_return co_await test.run_client();
}

}  // namespace

const Command iperf3_command{
    .name = "iperf3",
    .synopsis =
        "iperf3 -s [-1D46] [-p port] | -c host [-RN46] [-p port] [-t time | -n octets] "
        "[-P streams] [-i interval] [-l length] [-w window] [-M mss] [-C algorithm] "
        "[-B address]",
    .run = iperf3};

}  // namespace stackyard
