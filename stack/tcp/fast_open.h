// stack/tcp/fast_open.h - TCP Fast Open (RFC 7413): cookies that a server gives and knows again,
// and those that a client keeps; net.inet.tcp.fastopen.*.
//
// A cookie is a keyed hash of the client's address, as in FreeBSD; with net.inet.tcp.fastopen.
// psk_enable a client proves that it shares a key, too. New keys come with time, but only when
// somebody asks: an idle stack schedules nothing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/siphash.h"
#include "core/base/time.h"
#include "core/wire/transport/tcp.h"
#include "stack/tcp/settings.h"

namespace stackyard {

struct TcpEnds;

constexpr size_t fast_open_cookie_size = 8, fast_open_key_size = 16, fast_open_keys_max = 2;

struct TcpCookie {
  std::array<uint8_t, 16> octets{};
  uint8_t length = 0;
};

class TcpFastOpen {
 public:
  explicit TcpFastOpen(RandomStream random) : random_(std::move(random)) {}

  // --- the server's side ---
  enum class Verdict : uint8_t { right, wrong, unknown };  // unknown: there is no key
  // `fresh`: what to give to the client from now on.
  Verdict check(const IpAddress& client, Bytes cookie, const TcpSettings& s, SimTime now,
                TcpCookie& fresh);
  // net.inet.tcp.fastopen.server_enable has changed.
  void server_enabled(bool on, const TcpSettings& s, SimTime now);
  // 32 hexadecimal digits; none: nothing happens. EINVAL: they are not that.
  Result<> add_key(const std::string& digits);
  Result<> add_secret(const std::string& digits);
  size_t key_count() const { return keys_.size(); }
  size_t secret_count() const { return secrets_.size(); }
  // Connections of a port whose handshake is not yet over.
  uint32_t& pending(uint16_t port) { return pending_[port]; }

  // --- the client's side ---
  struct Path {
    TcpCookie cookie;
    uint16_t mss = 0;
    SimTime disabled_at = SimTime(-1);  // negative: it is not
    uint64_t used = 0;
  };
  // Null: net.inet.tcp.fastopen.ccache_* leave no room.
  Path* path(const TcpEnds& ends, const TcpSettings& s);
  // The cookie to send; no length: ask for one. False: the path is known to be bad.
  bool begin(const TcpEnds& ends, const TcpSettings& s, SimTime now, const SipKey* secret,
             TcpCookie& cookie, uint16_t& mss);
  std::string list(SimTime now) const;

 private:
  void rotate(const TcpSettings& s, SimTime now);
  void add(std::vector<SipKey>& keys, SipKey key);
  struct Ends {
    IpAddress local, foreign;
    uint16_t port;
    auto operator<=>(const Ends&) const = default;
  };

  RandomStream random_;
  std::vector<SipKey> keys_, secrets_;  // the newest first
  SimTime key_made_;
  std::map<uint16_t, uint32_t> pending_;
  std::map<Ends, Path> paths_;
  uint64_t uses_ = 0;
};

// A cookie as who shares `secret` has to send it.
TcpCookie with_secret(const SipKey& secret, const TcpCookie& cookie);
SipKey sip_key_of(Bytes octets);

}  // namespace stackyard
