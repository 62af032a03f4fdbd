// stack/sys/types.h - the plain values of system calls: descriptors, addresses, options, signals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace stackyard {

enum class Fd : int {};
constexpr Fd fd_in{0}, fd_out{1}, fd_err{2};
constexpr int number(Fd fd) { return static_cast<int>(fd); }

using Pid = int;

enum class Signal : uint8_t { hup = 1, interrupt = 2, kill = 9, pipe = 13, term = 15, chld = 20 };
// How a shell shows a process that a signal ended: 128 + the signal.
constexpr int signal_status(Signal signal) { return 128 + int(signal); }

enum class Af : uint8_t { unspecified = 0, local = 1, inet = 2, link = 18, inet6 = 28 };
enum class SocketType : uint8_t { stream = 1, datagram = 2, raw = 3, seqpacket = 5 };

// An address and a port of a socket; port 0 and address 0 mean "any".
struct SockAddr {
  Af family = Af::inet;
  Ipv4Address address;
  uint16_t port = 0;
  bool operator==(const SockAddr&) const = default;
};
std::string to_text(const SockAddr& address);  // "10.0.0.1:53"

// Options of setsockopt(2), ip(4), multicast(4). Numbers unless said otherwise.
enum class SocketOption : uint8_t {
  so_reuseaddr,
  so_reuseport,
  so_broadcast,
  so_rcvbuf,
  so_sndbuf,
  so_rcvtimeo,  // nanoseconds; 0: none
  so_setfib,
  so_error,  // get only; clears it
  so_type,   // get only
  so_dontroute,
  ip_options,  // octets
  ip_hdrincl,
  ip_tos,
  ip_ttl,
  ip_minttl,
  ip_dontfrag,
  ip_recvdstaddr,
  ip_recvif,
  ip_recvttl,
  ip_recvtos,
  ip_multicast_if,  // address of the interface, or its index
  ip_multicast_ttl,
  ip_multicast_loop,
  ip_add_membership,         // group, and address or index of the interface
  ip_drop_membership,        // the same
  ip_add_source_membership,  // group, source, interface
  ip_drop_source_membership,
  ip_block_source,
  ip_unblock_source,
  bpf_filter,  // octets: an expression of pcap-filter(7)
  bpf_promiscuous,
  bpf_snaplen,
  bpf_interface,  // octets: a name; starts the capture
};

struct OptionValue {
  OptionValue() = default;
  // A number, as most options have it.
  OptionValue(int64_t n) : number(n) {}
  int64_t number = 0;
  Ipv4Address group;
  Ipv4Address source;
  Ipv4Address interface;         // by address ...
  uint32_t interface_index = 0;  // ... or by index
  std::vector<uint8_t> octets;
};

struct SendOptions {
  std::optional<SockAddr> to;
  std::optional<Ipv4Address> source;  // IP_SENDSRCADDR
  bool dont_wait = false;
};

// What recvmsg(2) returns: one datagram, with what the socket's options asked for.
struct Received {
  std::vector<uint8_t> octets;
  SockAddr from;
  size_t length = 0;             // of the whole datagram: more than octets when it was cut
  SockAddr to;                   // IP_RECVDSTADDR
  uint8_t ttl = 0;               // IP_RECVTTL
  uint8_t tos = 0;               // IP_RECVTOS
  uint32_t interface_index = 0;  // IP_RECVIF
  bool link_group = false;       // came as a link-layer broadcast or multicast
  SimTime time;                  // bpf: when it was seen
};

struct Readiness {
  bool readable = false;
  bool writable = false;
  bool hang_up = false;
};

struct PollItem {
  Fd fd;
  bool want_read = true;
  bool want_write = false;
  Readiness ready;  // filled in
};

struct FileStat {
  bool is_folder = false;
  bool is_device = false;
  uint64_t size = 0;
  uint32_t mode = 0644;
};

enum class OpenMode : uint8_t { read, write, append, read_write };

}  // namespace stackyard
