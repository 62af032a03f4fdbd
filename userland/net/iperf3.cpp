// userland/net/iperf3.cpp - iperf3(1): measures TCP's and UDP's throughput, and speaks with other
// iperf3s. The command line, and the server between its tests.
#include <algorithm>

#include "core/base/text.h"
#include "userland/commands.h"
#include "userland/lib/options.h"
#include "userland/net/iperf3_test.h"

namespace stackyard {

namespace {

Task<int> serve(Sys& sys, IperfSettings settings) {
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
    IperfTest test(sys, settings, IperfTest::Role::server);
    co_await test.run_server(*caller, listener);
    if (settings.one_off) co_return 0;
  }
  co_await sys.complain("interrupt - the server has terminated");
  co_return 1;
}

constexpr const char* wide_counters = "--udp-counters-64bit";

// -b: "10M", or "10M/5" for five blocks at once.
bool read_rate(const std::string& word, IperfSettings& settings) {
  const size_t slash = word.find('/');
  const auto rate = parse_scaled(word.substr(0, slash), 1000);
  const auto burst = parse_int(slash == word.npos ? "0" : word.substr(slash + 1));
  if (!rate || !burst || *burst < 0 || *burst > 1000) return false;
  settings.rate = *rate;
  settings.burst = *burst;
  return true;
}

// What is wrong with the command line; empty: nothing, and all is in `settings`.
std::string read_options(const Options& options, IperfSettings& settings) {
  if (!options.error().empty()) return options.error();
  const Options::Number numbers[] = {{'p', 1, 65535, settings.port},
                                     {'t', 1, 86400, settings.seconds},
                                     {'P', 1, iperf_streams_most, settings.streams},
                                     {'i', 0, 60, settings.interval},
                                     {'M', 64, 9216, settings.mss}};
  if (const std::string wrong = options.read_numbers(numbers); !wrong.empty()) return wrong;
  settings.udp = options.has('u');
  const int64_t least = settings.udp ? iperf_datagram_least : 1;
  const int64_t most = settings.udp ? iperf_datagram_most : iperf_block_most;
  const Options::Number sizes[] = {{'n', 1, INT64_MAX, settings.octets},
                                   {'l', least, most, settings.block},
                                   {'w', 1, INT32_MAX, settings.window}};
  for (const Options::Number& n : sizes) {
    if (!options.has(n.letter)) continue;
    const auto octets = parse_scaled(options.value(n.letter), 1024);
    if (!octets || *octets < n.least || *octets > n.most)
      return text("-{}: \"{}\" is no size from {} to {}", n.letter, options.value(n.letter),
                  n.least, n.most);
    n.to = *octets;
  }
  constexpr int64_t rate_of_udp = 1'000'000;
  settings.rate = settings.udp ? rate_of_udp : 0;
  if (options.has('b') && !read_rate(options.value('b'), settings))
    return text("-b: \"{}\" is no rate", options.value('b'));
  if (options.has('s') == options.has('c') || !options.rest().empty())
    return "parameter error - must either be a client (-c) or server (-s)";
  settings.host = options.value('c');
  settings.congestion = options.value('C');
  settings.bind_to = options.value('B');
  settings.reverse = options.has('R');
  settings.no_delay = options.has('N');
  settings.one_off = options.has('1');
  if (options.has('4')) settings.family = Af::inet;
  if (options.has('6')) settings.family = Af::inet6;
  return "";
}

Task<int> iperf3(Sys& sys, Args args) {
  const bool wide = std::erase(args, wide_counters) > 0;
  const Options options(args, "sc:p:t:n:P:i:l:M:w:C:B:b:RNV146Du");
  IperfSettings settings;
  const std::string wrong = read_options(options, settings);
  if (!wrong.empty()) co_return co_await bad_usage(sys, iperf3_command, wrong, 1);
  if (wide) settings.counters = IperfCounters::wide;
  if (options.has('s')) {
    if (options.has('D')) co_await sys.daemon().or_err(1, "daemon");
    co_return co_await serve(sys, settings);
  }
  if (sys.resolve(settings.host, settings.family).empty()) {
    co_await sys.complain("error - unable to connect to server: Name does not resolve");
    co_return 1;
  }
  IperfTest test(sys, settings, IperfTest::Role::client);
  co_return co_await test.run_client();
}

}  // namespace

const Command iperf3_command{
    .name = "iperf3",
    .synopsis =
        "iperf3 -s [-1D46] [-p port]\n"
        "iperf3 -c host [-RNu46] [-p port] [-t time | -n octets] [-P streams] [-i interval]\n"
        "  [-b rate[/burst]] [-l length] [-w window] [-M mss] [-C algorithm] [-B address]\n"
        "  [--udp-counters-64bit]",
    .run = iperf3};

}  // namespace stackyard
