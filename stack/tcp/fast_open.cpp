#include "stack/tcp/fast_open.h"

#include <algorithm>

#include "core/base/text.h"
#include "stack/tcp/connection.h"

namespace stackyard {

namespace {

// SipHash's output as it lies in memory on FreeBSD's usual machines: the low octet first.
TcpCookie cookie_of(uint64_t hash) {
  TcpCookie cookie;
  cookie.length = fast_open_cookie_size;
  for (size_t i = 0; i < fast_open_cookie_size; ++i) cookie.octets[i] = uint8_t(hash >> (8 * i));
  return cookie;
}

TcpCookie make_cookie(const SipKey& key, const IpAddress& client) {
  std::array<uint8_t, 16> octets{};
  if (client.is_v4()) {
    store(be32(client.v4().value), MutableBytes(octets));
    return cookie_of(siphash(key, Bytes(octets).first(4)));
  }
  store(client.v6(), MutableBytes(octets));
  return cookie_of(siphash(key, octets));
}

Result<SipKey> key_of_digits(const std::string& digits) {
  std::array<uint8_t, fast_open_key_size> octets{};
  if (digits.size() != 2 * octets.size()) return Errno::einval;
  for (size_t i = 0; i < digits.size(); ++i) {
    const char c = digits[i];
    const bool number = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'f';
    if (!number && !letter) return Errno::einval;
    const int value = number ? c - '0' : (c | 32) - 'a' + 10;
    octets[i / 2] = uint8_t(octets[i / 2] << 4 | value);
  }
  return sip_key_of(octets);
}

bool same(const TcpCookie& a, Bytes b) {
  return b.size() == a.length && std::equal(b.begin(), b.end(), a.octets.begin());
}

}  // namespace

SipKey sip_key_of(Bytes octets) {
  SipKey key;
  for (size_t i = 0; i < 8; ++i) {
    key.low |= uint64_t(octets[i]) << (8 * i);
    key.high |= uint64_t(octets[8 + i]) << (8 * i);
  }
  return key;
}

TcpCookie with_secret(const SipKey& secret, const TcpCookie& cookie) {
  return cookie_of(siphash(secret, Bytes(cookie.octets).first(cookie.length)));
}

// --- keys --------------------------------------------------------------------------------------

void TcpFastOpen::add(std::vector<SipKey>& keys, SipKey key) {
  keys.insert(keys.begin(), key);
  if (keys.size() > fast_open_keys_max) keys.pop_back();
}

Result<> TcpFastOpen::add_key(const std::string& digits) {
  if (digits.empty()) return {};  // what the sysctl shows
  add(keys_, TRY(key_of_digits(digits)));
  return {};
}

Result<> TcpFastOpen::add_secret(const std::string& digits) {
  if (digits.empty()) return {};
  add(secrets_, TRY(key_of_digits(digits)));
  return {};
}

void TcpFastOpen::server_enabled(bool on, const TcpSettings& s, SimTime now) {
  if (!on) return keys_.clear();
  if (s.fastopen_autokey == 0 || !keys_.empty()) return;
  add(keys_, {random_.next(), random_.next()});
  key_made_ = now;
}

// As many new keys as the time that has passed would have brought.
void TcpFastOpen::rotate(const TcpSettings& s, SimTime now) {
  if (s.fastopen_autokey == 0 || keys_.empty()) return;
  const int64_t due = (now - key_made_).s() / s.fastopen_autokey;
  for (int64_t i = 0; i < std::min<int64_t>(due, fast_open_keys_max); ++i) {
    const uint64_t low = random_.next(), high = random_.next();
    add(keys_, {low, high});
  }
  key_made_ += SimTime(due * s.fastopen_autokey * 1'000'000'000);
}

TcpFastOpen::Verdict TcpFastOpen::check(const IpAddress& client, Bytes cookie, const TcpSettings& s,
                                        SimTime now, TcpCookie& fresh) {
  if (s.fastopen_acceptany && !cookie.empty()) {
    fresh = cookie_of(0);
    return Verdict::right;
  }
  rotate(s, now);
  if (keys_.empty()) return Verdict::unknown;
  fresh = make_cookie(keys_[0], client);
  for (const SipKey& key : keys_) {
    const TcpCookie own = make_cookie(key, client);
    if (!s.fastopen_psk_enable && same(own, cookie)) return Verdict::right;
    if (!s.fastopen_psk_enable) continue;
    for (const SipKey& secret : secrets_)
      if (same(with_secret(secret, own), cookie)) return Verdict::right;
  }
  return Verdict::wrong;
}

// --- what a client keeps -----------------------------------------------------------------------

TcpFastOpen::Path* TcpFastOpen::path(const TcpEnds& ends, const TcpSettings& s) {
  const Ends key{ends.local.address, ends.foreign.address, ends.foreign.port};
  const size_t most = size_t(s.fastopen_ccache_limit * s.fastopen_ccache_buckets);
  if (!paths_.contains(key) && paths_.size() >= most) {
    const auto oldest = std::min_element(
        paths_.begin(), paths_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    if (oldest == paths_.end()) return nullptr;
    paths_.erase(oldest);
  }
  Path& found = paths_[key];
  found.used = ++uses_;
  return &found;
}

bool TcpFastOpen::begin(const TcpEnds& ends, const TcpSettings& s, SimTime now,
                        const SipKey* secret, TcpCookie& cookie, uint16_t& mss) {
  Path* known = path(ends, s);
  if (!known) return true;
  if (known->disabled_at >= SimTime()) {
    const SimTime time = SimTime(s.fastopen_path_disable_time * 1'000'000'000);
    if (now - known->disabled_at <= time) return false;
    *known = {.used = known->used};
  }
  cookie = known->cookie;
  mss = known->mss;
  if (secret && cookie.length > 0) cookie = with_secret(*secret, cookie);
  return true;
}

std::string TcpFastOpen::list(SimTime now) const {
  std::string out = "\nLocal IP address    Remote IP address    Port   MSS Disabled(s) Cookie\n";
  for (const auto& [ends, path] : paths_) {
    std::string cookie;
    for (size_t i = 0; i < path.cookie.length; ++i) cookie += text("{:02x}", path.cookie.octets[i]);
    const bool bad = path.disabled_at >= SimTime();
    out += text("{:<19} {:<19} {:>5} {:>5} {:>11} {}\n", to_text(ends.local), to_text(ends.foreign),
                ends.port, path.mss, bad ? text("{}", (now - path.disabled_at).s()) : "-", cookie);
  }
  return out;
}

}  // namespace stackyard
