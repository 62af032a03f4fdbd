// stack/sys/types.h - the plain values of system calls: descriptors, addresses, options, signals.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace stackyard {

enum class Fd : int {};
constexpr Fd fd_in{0}, fd_out{1}, fd_err{2};
constexpr int number(Fd fd) { return static_cast<int>(fd); }

using Pid = int;

// signal(3)'s numbers.
enum class Signal : uint8_t {
  hup = 1,
  interrupt,
  quit,
  ill,
  trap,
  abrt,
  emt,
  fpe,
  kill,
  bus,
  segv,
  sys,
  pipe,
  alrm,
  term,
  urg,
  stop,
  tstp,
  cont,
  chld,
  ttin,
  ttou,
  io,
  xcpu,
  xfsz,
  vtalrm,
  prof,
  winch,
  info,
  usr1,
  usr2
};
constexpr int signals_max = 31;
// "TERM" and the like, without "SIG".
std::string_view signal_name(Signal signal);
// By name, with or without "SIG", in any case, or by number; "0" and unknown ones: nothing.
std::optional<Signal> signal_named(std::string_view name);
enum class SignalAction : uint8_t { standard, ignore, catch_it };
// How a shell shows a process that a signal ended: 128 + the signal.
constexpr int signal_status(Signal signal) { return 128 + int(signal); }

enum class Af : uint8_t {
  unspecified = 0,
  local = 1,
  inet = 2,
  route = 17,
  link = 18,
  inet6 = 28,
  divert = 44
};
enum class SocketType : uint8_t { stream = 1, datagram = 2, raw = 3, seqpacket = 5 };

constexpr Af af_of(IpFamily family) { return family == IpFamily::v4 ? Af::inet : Af::inet6; }

// A file's name out of line: an address without one costs a pointer, not a string. The empty name,
// of a socket without one, is not the same as none.
class PathName {
 public:
  PathName() = default;
  PathName(const std::string& path) : path_(std::make_unique<std::string>(path)) {}
  PathName(const PathName& other)
      : path_(other.path_ ? std::make_unique<std::string>(*other.path_) : nullptr) {}
  PathName(PathName&&) noexcept = default;
  PathName& operator=(PathName other) noexcept {
    path_ = std::move(other.path_);
    return *this;
  }
  std::string str() const { return path_ ? *path_ : std::string(); }
  bool empty() const { return !path_ || path_->empty(); }
  bool is_set() const { return path_ != nullptr; }
  bool operator==(const PathName& other) const {
    return is_set() == other.is_set() && str() == other.str();
  }

 private:
  std::unique_ptr<std::string> path_;
};

// An address and a port of a socket; port 0 and address 0 mean "any". With a path it is a
// unix-domain socket's.
struct SockAddr {
  IpAddress address;
  uint16_t port = 0;
  uint32_t scope = 0;  // IPv6: the interface whose link the address is of; 0: none given
  PathName path;
  bool operator==(const SockAddr&) const = default;
  Af family() const { return path.is_set() ? Af::local : af_of(address.family()); }
  static SockAddr local(const std::string& path) {
    SockAddr name;
    name.path = path;
    return name;
  }
};
// "10.0.0.1:53", "[fe80::1%2]:53", "/var/run/log".
std::string to_text(const SockAddr& address);
// Whom a descriptor, a peer or a message belongs to (unix(4), getpeereid(3)).
struct Credentials {
  Pid pid = 0;
  uint32_t uid = 0, gid = 0;
};

// Options of setsockopt(2), ip(4), multicast(4). Numbers unless said otherwise.
enum class SocketOption : uint8_t {
  so_reuseaddr,
  so_reuseport,
  so_reuseport_lb,
  so_broadcast,
  so_rcvbuf,
  so_sndbuf,
  so_rcvtimeo,  // nanoseconds; 0: none
  so_sndtimeo,  // the same
  so_nosigpipe,
  so_acceptconn,  // get only
  so_setfib,
  so_error,  // get only; clears it
  so_type,   // get only
  so_dontroute,
  so_keepalive,
  so_linger,           // seconds; negative: off
  so_max_pacing_rate,  // octets per second; 0: no limit
  tcp_nodelay,
  tcp_nopush,
  tcp_noopt,
  tcp_maxseg,
  tcp_keepinit,  // seconds, as the three that follow; 0: the sysctl's
  tcp_keepidle,
  tcp_keepintvl,
  tcp_keepcnt,
  tcp_congestion,  // octets: the name of a congestion control
  tcp_info,        // get only: octets, a TcpInfo of stack/tcp/api
  tcp_fastopen,
  tcp_md5sig,
  tcp_delack,
  so_oobinline,
  so_rcvlowat,       // octets that make it readable
  so_sndlowat,       // room that makes it writable
  so_listenqlimit,   // get only, of a listening socket, as the two that follow
  so_listenqlen,     // connections to accept
  so_listenincqlen,  // half open
  so_protocol,       // get only
  so_domain,         // get only
  so_atmark,         // get only: SIOCATMARK's
  tcp_maxunacktime,  // seconds; 0: the sysctl's
  tcp_ccalgoopt,     // octets: a name of an algorithm's parameter, number: its value
  tcp_udp_encaps_port,
  tcp_logid,         // octets: a tag for who watches connections
  tcp_function_blk,  // octets: the name of a stack; number, get only: how many run it
  so_acceptfilter,   // octets: "dataready" or "httpready"; none: no filter
  ip_options,        // octets
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
  ip_msfilter,     // group, interface, sources; number: msfilter_include or msfilter_exclude
  ip_onesbcast,    // broadcasts go to 255.255.255.255, whatever network they are for
  ip_bindany,      // bind(2) takes addresses that are not this machine's
  ip_origdstaddr,  // receive where a datagram was sent to, with its port
  // Multicast routing by a raw socket of IGMP or ICMPv6 (multicast(4)): MRT_* and MRT6_*; octets
  // are structs of stack/ip/api/mroute.h.
  mrt_init,
  mrt_done,
  mrt_add_vif,
  mrt_del_vif,
  mrt_add_mfc,
  mrt_del_mfc,
  ipv6_v6only,          // before bind(2); the default is net.inet6.ip6.v6only
  ipv6_unicast_hops,    // -1: the default
  ipv6_multicast_if,    // the interface's index
  ipv6_multicast_hops,  // -1: the default, which is 1
  ipv6_multicast_loop,
  // Group and index of the interface. What MCAST_* and sources do, ip_*_membership, ip_*_source and
  // ip_msfilter do for groups of both families.
  ipv6_join_group,
  ipv6_leave_group,
  ipv6_tclass,
  ipv6_dontfrag,
  ipv6_use_min_mtu,  // -1: for groups only, 0: never, 1: always
  ipv6_recvpktinfo,
  ipv6_recvhoplimit,
  ipv6_recvtclass,
  ipv6_pktinfo,       // source address (interface) and index for all that is sent; any: none
  ipv6_nexthop,       // interface: the neighbour to send by, interface_index its link; any: none
  ipv6_hopopts,       // octets: a whole extension header, its first octet ignored; none: none
  ipv6_rthdrdstopts,  // the same; goes before a routing header only
  ipv6_rthdr,         // the same; EINVAL: type 0
  ipv6_dstopts,       // the same
  ipv6_recvhopopts,   // receive them
  ipv6_recvrthdr,
  ipv6_recvdstopts,
  ipv6_recvpathmtu,  // receive an empty datagram when a path turns out to be narrow
  ipv6_pathmtu,      // get only, of a connected socket: the MTU
  ipv6_autoflowlabel,
  ipv6_bindany,
  ipv6_prefer_tempaddr,  // 1: speak from temporary addresses, 0: not; -1: as the sysctl says
  ipv6_checksum,  // raw: the offset of a checksum that the kernel computes and checks; -1: none
  icmp6_filter,   // raw ICMPv6: 32 octets, a bit for each type that is blocked
  local_creds,    // the first message of a stream, or each datagram, says who sent it
  local_creds_persistent,  // each message does
  so_useloopback,          // routing sockets: own messages come back, too; the default
  route_msgfilter,         // the kinds of message to hear, bit N for type N; 0: all
  bpf_filter,              // octets: an expression of pcap-filter(7)
  bpf_promiscuous,
  bpf_snaplen,
  bpf_interface,  // octets: a name; starts the capture
};

struct OptionValue {
  OptionValue() = default;
  // A number, as most options have it.
  OptionValue(int64_t n) : number(n) {}
  int64_t number = 0;
  IpAddress group;
  IpAddress source;
  IpAddress interface;             // by address ...
  uint32_t interface_index = 0;    // ... or by index
  std::vector<IpAddress> sources;  // of ip_msfilter
  std::vector<uint8_t> octets;
};

// ip_msfilter's modes (RFC 3678 s4.1).
constexpr int64_t msfilter_include = 1, msfilter_exclude = 2;

// sendmsg(2)'s control data for one datagram (RFC 3542 s6); what is not given is the socket's.
struct PacketOptions {
  uint32_t interface_index = 0;      // IPV6_PKTINFO
  int hop_limit = -1;                // IPV6_HOPLIMIT, IP_TTL
  int traffic_class = -1;            // IPV6_TCLASS, IP_TOS
  int dont_fragment = -1;            // IPV6_DONTFRAG
  std::optional<int> minimum_mtu;    // IPV6_USE_MIN_MTU
  std::optional<SockAddr> next_hop;  // IPV6_NEXTHOP
  uint32_t flow_label = 0;           // sin6_flowinfo
  // Whole extension headers; the first octet of each is ignored.
  std::vector<uint8_t> hop_options, routing_dest_options, routing, dest_options;
};

struct SendOptions {
  std::optional<SockAddr> to;
  std::optional<IpAddress> source;  // IP_SENDSRCADDR, IPV6_PKTINFO
  bool dont_wait = false;           // MSG_DONTWAIT
  bool no_signal = false;           // MSG_NOSIGNAL: EPIPE without SIGPIPE
  bool out_of_band = false;         // MSG_OOB: the last octet is urgent
  bool credentials = false;         // SCM_CREDS: say who sends it
  std::vector<Fd> descriptors;      // SCM_RIGHTS: pass duplicates of them
  std::optional<PacketOptions> packet;
};

struct ReceiveOptions {
  bool peek = false;         // MSG_PEEK: leave it in the queue
  bool dont_wait = false;    // MSG_DONTWAIT
  bool wait_all = false;     // MSG_WAITALL: of a stream, all that was asked for, or its end
  bool out_of_band = false;  // MSG_OOB: the urgent octet
};

// What came beside the octets of a message.
struct Ancillary {
  std::vector<Fd> descriptors;
  std::optional<Credentials> credentials;
  bool cut = false;  // MSG_CTRUNC: there was no room for some of the descriptors
  // IPV6_RECVHOPOPTS and its like: the extension headers as they came.
  std::vector<uint8_t> hop_options, routing;
  std::vector<std::vector<uint8_t>> dest_options;
  std::optional<SockAddr> original_dest;  // IP_ORIGDSTADDR
  std::optional<SockAddr> path;           // IPV6_RECVPATHMTU: to whom the path is narrow ...
  uint32_t path_mtu = 0;                  // ... and how much it takes
};

// What recvmsg(2) returns: one datagram, with what the socket's options asked for.
struct Received {
  std::vector<uint8_t> octets;
  SockAddr from;
  size_t length = 0;                   // of the whole datagram: more than octets when it was cut
  SockAddr to;                         // IP_RECVDSTADDR, IPV6_RECVPKTINFO
  uint8_t ttl = 0;                     // IP_RECVTTL, IPV6_RECVHOPLIMIT
  uint8_t tos = 0;                     // IP_RECVTOS, IPV6_RECVTCLASS
  uint32_t interface_index = 0;        // IP_RECVIF, IPV6_RECVPKTINFO
  bool link_group = false;             // came as a link-layer broadcast or multicast
  SimTime time;                        // bpf: when it was seen
  std::unique_ptr<Ancillary> control;  // null: nothing
};

// A connection taken from a listening socket.
struct Accepted {
  Fd fd{};
  SockAddr from;
};

enum class ShutdownHow : uint8_t { read, write, both };
enum class Blocking : uint8_t { yes, no };
enum class WaitMode : uint8_t { block, look };

// daemon(3)'s: by default the folder becomes "/", and the standard streams /dev/null.
struct DaemonOptions {
  bool keep_folder = false;
  bool keep_streams = false;
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
  bool is_socket = false;
  uint64_t size = 0;
  uint32_t mode = 0644;
};

// SO_RCVBUF, SO_SNDBUF, SO_RCVLOWAT, SO_SNDLOWAT: octets.
struct SocketBuffers {
  int64_t receive_limit = 0, send_limit = 0, receive_low = 1, send_low = 2048;
};

enum class OpenMode : uint8_t { read, write, append, read_write };

}  // namespace stackyard
