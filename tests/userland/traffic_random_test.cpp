// tests/userland/traffic_random_test.cpp - integer distributions against the real numbers' own.
#include <catch2/catch.hpp>
#include <cmath>

#include "core/base/text.h"
#include "userland/lib/options.h"
#include "userland/net/traffic_random.h"
#include "userland/net/traffic_stats.h"

using namespace stackyard;

namespace {

std::optional<int64_t> plain(std::string word) { return parse_int(word); }

}  // namespace

TEST_CASE("integer logarithms and powers of two agree with the real ones") {
  RandomStream random(1, 2, "test");
  for (int i = 0; i < 10000; ++i) {
    const uint64_t u = std::max<uint64_t>(random.next() >> random.below(64), 1);
    const double real = 64 - std::log2(double(u));
    CHECK(double(minus_log2(u)) / 4294967296.0 == Approx(real).margin(1e-9));
    const uint64_t e = random.below(uint64_t(20) << 32);
    const auto x = int64_t(1 + random.below(1'000'000'000));
    const double power = double(x) * std::exp2(double(e) / 4294967296.0);
    CHECK(double(times_power_of_two(x, e)) == Approx(power).epsilon(1e-8).margin(1));
  }
  CHECK(minus_log2(uint64_t(1) << 63) == uint64_t(1) << 32);
  CHECK(minus_log2(1) == uint64_t(64) << 32);
  CHECK(times_power_of_two(3, uint64_t(4) << 32) == 48);
  CHECK(times_power_of_two(1, uint64_t(63) << 32) == INT64_MAX);
  CHECK(times_power_of_two(INT64_MAX, 1) == INT64_MAX);
}

TEST_CASE("distributions have the means, medians and tails that they are named for") {
  struct Case {
    const char* words;
    double mean, median, beyond_ten_means;  // the last: the share of draws above 10 means
  };
  // Exponential: median ln(2), tail e^-10. Pareto: least (a - 1) / a of the mean, median least
  // * 2^(1/a), tail (least / (10 means))^a.
  constexpr Case cases[] = {{"5000", 5000, 5000, 0},
                            {"uniform:1000:9000", 5000, 5000, 0},
                            {"exp:5000", 5000, 3466, 4.5e-5},
                            {"pareto:2.5:5000", 5000, 3958.5, 8.8e-4},
                            {"pareto:1.5:5000:50000", -1, 2645.7, 0},
                            {"pareto:1.5:5000", -1, 2645.7, 6.1e-3}};
  for (const Case& c : cases) {
    INFO(c.words);
    const auto d = parse_distribution(c.words, plain);
    REQUIRE(d);
    RandomStream random(7, 7, "test");
    constexpr int count = 200000;
    double sum = 0;
    int below = 0, beyond = 0;
    for (int i = 0; i < count; ++i) {
      const int64_t x = d->sample(random);
      sum += double(x);
      below += double(x) <= c.median;
      beyond += x > 50000;
    }
    if (c.mean > 0) CHECK(sum / count == Approx(c.mean).epsilon(0.02));
    if (d->kind != Distribution::Kind::fixed)
      CHECK(double(below) / count == Approx(0.5).margin(0.01));
    CHECK(double(beyond) / count == Approx(c.beyond_ten_means).epsilon(0.2).margin(3e-5));
  }
}

TEST_CASE("what is no distribution is refused") {
  for (const char* words :
       {"", "exp", "exp:", "exp:x", "exp:1:2", "uniform:5", "uniform:9:1", "pareto:1:100",
        "pareto:0.5:100", "pareto:1.5", "pareto:1.5:1:2:3", "normal:5:1", "5:6"}) {
    INFO(words);
    CHECK(!parse_distribution(words, plain));
  }
  CHECK(parse_duration("1.5ms") == 1'500'000);
  CHECK(parse_duration("20us") == 20'000);
  CHECK(parse_duration("3") == 3'000'000'000);
  CHECK(parse_duration("7ns") == 7);
  for (const char* words : {"", "s", "5m", "-1s", "99999999999s"}) CHECK(!parse_duration(words));
  CHECK(parse_scaled("1.5K", 1024) == 1536);
  CHECK(parse_scaled("10m", 1000) == 10'000'000);
  for (const char* words : {"", "K", "5X", "-1", "99999999T"}) CHECK(!parse_scaled(words, 1024));
}

TEST_CASE("quantiles are right to a hundredth, and never beyond what was seen") {
  DelayHistogram histogram;
  CHECK(histogram.quantile(500) == SimTime());
  for (int64_t i = 1; i <= 10000; ++i) histogram.add(SimTime(i * 1000));
  CHECK(histogram.least() == 1_us);
  CHECK(histogram.most() == 10_ms);
  CHECK(histogram.mean() == SimTime(5'000'500));
  for (const uint64_t q : {1, 10, 500, 900, 990, 999, 1000}) {
    const double wanted = 10000.0 * double(q);
    const double got = double(histogram.quantile(q).ns());
    CHECK(got >= wanted);
    CHECK(got <= wanted * 1.01);
  }
  TrafficAccount account;
  account.take(1, 100, 0_s, 5_ms);
  account.take(3, 100, 1_ms, 7_ms);
  account.take(2, 100, 2_ms, 8_ms);
  const auto report = TrafficReport::decode(TrafficReport::of(account).encode());
  REQUIRE(report);
  CHECK(report->messages == 3);
  CHECK(report->octets == 300);
  CHECK(report->out_of_order == 1);
  CHECK(report->highest == 3);
  CHECK(report->last == 8_ms);
  CHECK(report->delay.least == 5_ms);
  CHECK(report->delay.most == 6_ms);
  CHECK(!TrafficReport::decode("1 2 3"));
  CHECK(!TrafficReport::decode(TrafficReport::of(account).encode() + " 9"));
}
