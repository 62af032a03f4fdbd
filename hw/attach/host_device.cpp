#include "hw/attach/host_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/text.h"

namespace stackyard {

namespace {

std::string system_error(const std::string& what) { return what + ": " + std::strerror(errno); }

// "127.0.0.1:5000", "[::1]:5000"; null and `error` when it names nothing.
using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;
AddressList look_up(const std::string& place, std::string& error) {
  const size_t colon = place.rfind(':');
  std::string host = place.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = colon == place.npos
                         ? EAI_NONAME
                         : getaddrinfo(host.c_str(), place.c_str() + colon + 1, &hints, &found);
  if (status != 0) error = text("{}: {}", place, gai_strerror(status));
  return {found, &freeaddrinfo};
}

}  // namespace

std::unique_ptr<HostDevice> HostDevice::open_tap(const std::string& name, std::string& error) {
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    error = system_error("/dev/net/tun");
    return nullptr;
  }
  std::unique_ptr<HostDevice> device(new HostDevice(fd, true));
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(fd, TUNSETIFF, &request) < 0) {
    error = system_error(name);
    return nullptr;
  }
  return device;
}

std::unique_ptr<HostDevice> HostDevice::open_udp(const std::string& local,
                                                 const std::string& remote, std::string& error) {
  const AddressList from = look_up(local, error), to = look_up(remote, error);
  if (!from || !to) return nullptr;
  const int fd = socket(from->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  std::unique_ptr<HostDevice> device(new HostDevice(fd, false));
  if (fd < 0 || bind(fd, from->ai_addr, from->ai_addrlen) != 0) {
    error = system_error(local);
    return nullptr;
  }
  if (connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
    error = system_error(remote);
    return nullptr;
  }
  return device;
}

HostDevice::~HostDevice() {
  if (fd_ >= 0) close(fd_);
}

Bytes HostDevice::next_frame() {
  buffer_.resize(Door::frame_max + 1);
  for (;;) {
    const ssize_t length = read(fd_, buffer_.data(), buffer_.size());
    if (length >= 0) return {buffer_.data(), size_t(length)};
    // Of a UDP tunnel: the other end has not begun yet, as an ICMP error told.
    if (errno != EINTR && errno != ECONNREFUSED) return {};
  }
}

void HostDevice::frame_leaves(Bytes frame) {
  // What the outside has no room for is lost there, as on a real cable.
  (void)!write(fd_, frame.data(), frame.size());
}

void HostDevice::carrier_changed(bool up) {
  if (!tap_) return;
  int carrier = up;
  (void)ioctl(fd_, TUNSETCARRIER, &carrier);
}

}  // namespace stackyard
