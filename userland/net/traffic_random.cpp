#include "userland/net/traffic_random.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/base/text.h"

namespace stackyard {

namespace {

using Wide = unsigned __int128;

constexpr int one = 62;               // a number x of the table below is x / 2^62
constexpr uint64_t ln2 = 2977044472;  // in units of 2^-32

constexpr uint64_t square_root(Wide x) {
  Wide root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const Wide candidate = root | Wide(1) << bit;
    if (candidate * candidate <= x) root = candidate;
  }
  return uint64_t(root);
}

// 2^(1/2), 2^(1/4), 2^(1/8), ...: each is the root of the one before it.
constexpr std::array<uint64_t, 32> roots_of_two() {
  std::array<uint64_t, 32> roots{};
  uint64_t last = uint64_t(2) << one;
  for (uint64_t& root : roots) {
    root = square_root(Wide(last) << one);
    last = root;
  }
  return roots;
}
constexpr auto roots = roots_of_two();

int64_t exponential(int64_t mean, uint64_t u) {
  // Inverse of the distribution function: -ln(u).
  const Wide nats = Wide(minus_log2(u)) * ln2 >> 32;
  return int64_t(std::min<Wide>(Wide(mean) * nats >> 32, INT64_MAX));
}

int64_t pareto(const Distribution& d, uint64_t u) {
  constexpr int64_t nano = 1'000'000'000;
  // The least value that gives the mean, and the inverse u^(-1/shape).
  const auto least = int64_t(__int128(d.mean) * (d.shape_nano - nano) / d.shape_nano);
  const auto exponent = uint64_t(Wide(minus_log2(u)) * nano / Wide(d.shape_nano));
  return times_power_of_two(least, exponent);
}

}  // namespace

uint64_t minus_log2(uint64_t u) {
  const int zeros = std::countl_zero(u);
  // u is m / 2^63 times a power of two, 1 <= m / 2^63 < 2; each squaring gives a bit of its log.
  uint64_t m = u << zeros, fraction = 0;
  for (int bit = 31; bit >= 0; --bit) {
    Wide square = Wide(m) * m >> 63;
    if (square >> 64) {
      square >>= 1;
      fraction |= uint64_t(1) << bit;
    }
    m = uint64_t(square);
  }
  return (uint64_t(zeros + 1) << 32) - fraction;
}

int64_t times_power_of_two(int64_t x, uint64_t e) {
  uint64_t power = uint64_t(1) << one;
  for (int bit = 31; bit >= 0; --bit)
    if (e >> bit & 1) power = uint64_t(Wide(power) * roots[size_t(31 - bit)] >> one);
  const uint64_t shift = e >> 32;
  if (shift > one) return x ? INT64_MAX : 0;
  const Wide product = Wide(x) * power >> (one - int(shift));
  return int64_t(std::min<Wide>(product, INT64_MAX));
}

int64_t Distribution::sample(RandomStream& random) const {
  if (kind == Kind::fixed) return mean;
  if (kind == Kind::uniform) return low + int64_t(random.below(uint64_t(high - low) + 1));
  const uint64_t u = std::max<uint64_t>(random.next(), 1);
  return std::min(kind == Kind::exponential ? exponential(mean, u) : pareto(*this, u), most);
}

std::optional<Distribution> parse_distribution(
    const std::string& words, const std::function<std::optional<int64_t>(std::string)>& number) {
  const std::vector<std::string> parts = split(words, ':');
  Distribution d;
  const auto read = [&](size_t i, int64_t& to) {
    const auto value = i < parts.size() ? number(parts[i]) : std::nullopt;
    if (value) to = *value;
    return value.has_value();
  };
  const size_t count = parts.size();
  bool sound = false;
  if (count == 1) {
    sound = read(0, d.mean);
  } else if (parts[0] == "uniform") {
    d.kind = Distribution::Kind::uniform;
    sound = count == 3 && read(1, d.low) && read(2, d.high) && d.low <= d.high;
  } else if (parts[0] == "exp") {
    d.kind = Distribution::Kind::exponential;
    sound = count == 2 && read(1, d.mean);
  } else if (parts[0] == "pareto") {
    d.kind = Distribution::Kind::pareto;
    const auto shape = parse_decimal_nano(parts[1]);
    d.shape_nano = shape.value_or(0);
    constexpr int64_t least = 1'000'000'000, most = 100 * least;
    sound = d.shape_nano > least && d.shape_nano <= most && (count == 3 || count == 4) &&
            read(2, d.mean) && (count == 3 || read(3, d.most));
  }
  if (!sound) return std::nullopt;
  return d;
}

std::optional<int64_t> parse_duration(std::string word) {
  constexpr std::pair<std::string_view, int64_t> units[] = {
      {"ns", 1}, {"us", 1000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  int64_t unit = 1'000'000'000;
  for (const auto& [name, size] : units) {
    if (!word.ends_with(name)) continue;
    unit = size;
    word.resize(word.size() - name.size());
    break;
  }
  const auto nano = parse_decimal_nano(word);
  const __int128 duration = nano ? __int128(*nano) * unit / 1'000'000'000 : -1;
  if (duration < 0 || duration > INT64_MAX) return std::nullopt;
  return int64_t(duration);
}

}  // namespace stackyard
