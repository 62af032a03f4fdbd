#include "stack/interfaces/tuntap.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/offload/checksum_offload.h"
#include "stack/kern/machine.h"
#include "stack/net/drops.h"
#include "stack/net/ether.h"

namespace stackyard {

namespace drops {
namespace {
constexpr DropReason not_opened{"not_opened", "no program has the interface's device open"};
constexpr DropReason device_full{"device_full", "the program behind the device reads too slowly"};
constexpr DropReason not_an_ip_packet{"not_an_ip_packet", "what was written is no IP packet"};
}  // namespace
}  // namespace drops

namespace {

extern const ClonerRecord cloners[2];
constexpr size_t tap_cloner = 0, tun_cloner = 1;

class DeviceFile;

// The interface's end of the device.
class Device {
 public:
  static constexpr size_t queue_max = 50;     // packets: net.link.ifqmaxlen
  static constexpr size_t write_max = 65535;  // TUNMRU, TAPMRU

  explicit Device(Ifnet& i) : interface(i) {}
  ~Device();

  bool opened() const { return file_ != nullptr; }
  Pid opened_by() const { return opened_ ? pid_ : 0; }
  // What the stack sends: kept until it is read. False: it could not be.
  bool enqueue(Packet& packet);
  void open(DeviceFile& file, Pid pid);
  void close();
  Packet next() { return queue_.pop(); }
  bool readable() const { return !queue_.empty(); }
  virtual Result<> written(Packet packet) = 0;

  Ifnet& interface;

 private:
  void link_changed();

  DeviceFile* file_ = nullptr;
  bool opened_ = false;
  Pid pid_ = 0;
  PacketQueue queue_;
};

// The program's end. It lives on without an interface, and fails with ENXIO then.
class DeviceFile final : public OpenFile {
 public:
  explicit DeviceFile(Device& device) : device_(&device) {}
  ~DeviceFile() override {
    if (device_) device_->close();
  }
  // One packet; what does not fit is lost.
  Result<std::string> read(size_t max) override {
    if (!device_) return Errno::enxio;
    Packet packet = device_->next();
    if (!packet) return Errno::eagain;
    finish_checksum(packet);
    const Bytes octets = packet.octets();
    return std::string(text_of(octets.first(std::min(max, octets.size()))));
  }
  Result<size_t> write(Bytes octets) override {
    if (!device_) return Errno::enxio;
    if (octets.size() > Device::write_max) return Errno::eio;
    if (octets.empty()) return size_t(0);
    Packet packet = device_->interface.site().make_packet(octets.size());
    std::copy(octets.begin(), octets.end(), packet.writable_front().begin());
    TRY(device_->written(std::move(packet)));
    return octets.size();
  }
  Readiness readiness() const override {
    return {.readable = !device_ || device_->readable(), .writable = true, .hang_up = !device_};
  }
  void changed() { wake_waiters(); }
  void interface_gone() {
    device_ = nullptr;
    wake_waiters();
  }

 private:
  Device* device_;
};

Device::~Device() {
  if (file_) file_->interface_gone();
}

bool Device::enqueue(Packet& packet) {
  if (!file_ || queue_.count() >= queue_max) return false;
  packet.drop_tags();
  queue_.push(std::move(packet));
  file_->changed();
  return true;
}

void Device::link_changed() {
  NetStack& net = interface.net();
  net.vnet().machine().log(
      text("{}: link state changed to {}", interface.name(), opened() ? "UP" : "DOWN"));
  net.tell([this](InterfaceListener& l) { l.link_changed(interface); });
}

void Device::open(DeviceFile& file, Pid pid) {
  file_ = &file;
  opened_ = true;
  pid_ = pid;
  link_changed();
}

// The last close: down and without addresses, unless a tap has link0 set.
void Device::close() {
  file_ = nullptr;
  opened_ = false;
  while (Packet packet = queue_.pop())
    interface.site().note_drop(packet.id(), drops::not_opened, interface.name());
  if (!(interface.is_ethernet() && interface.has_flag(if_flag::link0))) {
    interface.set_up(false);
    interface.net().tell([this](InterfaceListener& l) { l.addresses_unwanted(interface); });
  }
  link_changed();
}

class Tap final : public EtherIfnet, public Device {
 public:
  Tap(NetStack& net, std::string name, MacAddress mac)
      : EtherIfnet(net, std::move(name), mac), Device(static_cast<Ifnet&>(*this)) {
    set_capabilities(if_option::link_state);
  }
  bool link_up() const override { return opened(); }
  std::string media() const override { return "Ethernet 1000baseT <full-duplex>"; }
  std::string status() const override { return opened() ? "active" : "no carrier"; }
  uint64_t rate() const override { return 1'000'000'000; }
  Pid opened_by() const override { return Device::opened_by(); }

 private:
  void transmit(Packet frame) override {
    if (enqueue(frame)) return;
    drop(frame, opened() ? drops::device_full : drops::not_opened, counters_.drops_out);
  }
  // Frames for others come in by promiscuous mode only.
  Result<> written(Packet frame) override {
    if (frame.size() < sizeof(EthernetHeader)) {
      drop(frame, drops::truncated, counters_.errors_in);
    } else if (!up()) {
      drop(frame, drops::interface_down, counters_.drops_in);
    } else {
      const auto header = load<EthernetHeader>(frame.front());
      const bool ours = header.dest.is_group() || header.dest == mac_;
      if (ours || has_flag(if_flag::promiscuous))
        input(std::move(frame));
      else
        drop(frame, drops::not_our_address, counters_.drops_in);
    }
    return {};
  }
};

class Tun final : public Ifnet, public Device {
 public:
  Tun(NetStack& net, std::string name)
      : Ifnet(net, std::move(name), if_flag::point_to_point | if_flag::multicast, 1500),
        Device(static_cast<Ifnet&>(*this)) {
    set_capabilities(if_option::link_state);
  }
  bool link_up() const override { return opened(); }
  Pid opened_by() const override { return Device::opened_by(); }

  Result<> output(Packet packet, uint16_t, MacAddress) override {
    return output_frame(std::move(packet));
  }
  Result<> output_frame(Packet packet) override {
    if (!up() || !opened()) {
      ++counters_.errors_out;
      site_.note_drop(packet.id(), up() ? drops::not_opened : drops::interface_down, name());
      return Errno::ehostdown;
    }
    finish_checksum(packet);
    tap(packet, true);
    const size_t size = packet.size();
    if (!enqueue(packet)) {
      ++counters_.drops_out;
      site_.note_drop(packet.id(), drops::device_full, name());
      return Errno::enobufs;
    }
    ++counters_.packets_out;
    counters_.octets_out += size;
    return {};
  }

 private:
  // Which protocol it is, the first octet tells.
  Result<> written(Packet packet) override {
    const uint8_t version = packet.front()[0] >> 4;
    if (version != 4 && version != 6) {
      ++counters_.errors_in;
      site_.note_drop(packet.id(), drops::not_an_ip_packet, name());
      return Errno::eafnosupport;
    }
    ++counters_.packets_in;
    counters_.octets_in += packet.size();
    packet.set_interface(ref().value);
    tap(packet, false);
    if (!up()) {
      ++counters_.drops_in;
      site_.note_drop(packet.id(), drops::interface_down, name());
    } else {
      net_->deliver(std::move(packet), version == 4 ? ether_type::ipv4 : ether_type::ipv6, *this);
    }
    return {};
  }
};

struct TuntapSettings {
  int64_t tap_devfs_cloning = 1, tap_up_on_open = 0, tun_devfs_cloning = 1;
};

class TuntapModule final : public StateWithSettings<TuntapSettings> {
 public:
  TuntapModule(NetStack& stack, const TuntapSettings& defaults)
      : StateWithSettings(defaults), net(stack) {}
  // ENOENT: no such interface, and none is made; EBUSY: somebody else has it open.
  Result<std::shared_ptr<OpenFile>> open(const ClonerRecord& cloner, std::string name, Pid pid);
  std::vector<std::string> devices(const ClonerRecord& cloner) const;

  NetStack& net;
};

Device* device_of(Ifnet& interface) {
  if (interface.origin().cloner == &cloners[tap_cloner]) return &static_cast<Tap&>(interface);
  if (interface.origin().cloner == &cloners[tun_cloner]) return &static_cast<Tun&>(interface);
  return nullptr;
}

// The device keeps the name that its interface was made with.
std::string device_name(const Ifnet& interface) {
  return text("{}{}", interface.origin().cloner->name, interface.origin().unit);
}

Result<std::shared_ptr<OpenFile>> TuntapModule::open(const ClonerRecord& cloner, std::string name,
                                                     Pid pid) {
  const bool is_tap = &cloner == &cloners[tap_cloner];
  const bool clones = is_tap ? settings().tap_devfs_cloning : settings().tun_devfs_cloning;
  const auto find = [&]() -> Ifnet* {
    Ifnet* found = nullptr;
    net.for_each([&](Ifnet& i) {
      if (i.origin().cloner == &cloner && device_name(i) == name) found = &i;
    });
    return found;
  };
  Ifnet* interface = name == cloner.name ? nullptr : find();
  if (!interface) {
    if (!clones) return Errno::enoent;
    name = TRY(net.create_clone(name));
    interface = find();
  }
  Device& device = *device_of(*interface);
  if (device.opened()) return Errno::ebusy;
  const auto file = std::make_shared<DeviceFile>(device);
  device.open(*file, pid);
  if (is_tap && settings().tap_up_on_open) interface->set_up(true);
  return std::shared_ptr<OpenFile>(file);
}

std::vector<std::string> TuntapModule::devices(const ClonerRecord& cloner) const {
  std::vector<std::string> names;
  net.for_each([&](const Ifnet& i) {
    if (i.origin().cloner == &cloner) names.push_back(device_name(i));
  });
  return names;
}

// --- the module ----------------------------------------------------------------------------------

Result<std::string> create_tap(const CloneRequest& request) {
  const MacAddress mac = request.net.vnet().machine().new_mac_pair().first;
  request.net.attach_clone(std::make_unique<Tap>(request.net, request.name, mac),
                           cloners[tap_cloner], request.unit);
  return request.name;
}

Result<std::string> create_tun(const CloneRequest& request) {
  request.net.attach_clone(std::make_unique<Tun>(request.net, request.name), cloners[tun_cloner],
                           request.unit);
  return request.name;
}

const ClonerRecord cloners[2] = {
    {.name = "tap", .summary = "Ethernet tunnels to programs", .create = create_tap},
    {.name = "tun", .summary = "IP tunnels to programs", .create = create_tun}};

template <size_t cloner>
constexpr DeviceRecord device_record(const char* name) {
  return {name,
          [](ModuleState& state, const std::string& wanted, Pid pid) {
            return static_cast<TuntapModule&>(state).open(cloners[cloner], wanted, pid);
          },
          [](const ModuleState& state) {
            return static_cast<const TuntapModule&>(state).devices(cloners[cloner]);
          }};
}
constexpr DeviceRecord devices[] = {device_record<tap_cloner>("tap"),
                                    device_record<tun_cloner>("tun")};

constexpr TuntapSettings defaults;
#define NUMBER(name, words, member)                             \
  {                                                             \
    name, words,                                                \
        [](const void* s) -> const int64_t& {                   \
          return static_cast<const TuntapSettings*>(s)->member; \
        },                                                      \
        0, 1                                                    \
  }
constexpr SysctlRecord sysctls[] = {
    NUMBER("net.link.tap.devfs_cloning", "Enable devfs interface creation", tap_devfs_cloning),
    NUMBER("net.link.tap.up_on_open", "Bring interface up when /dev/tap is opened", tap_up_on_open),
    NUMBER("net.link.tun.devfs_cloning", "Enable devfs interface creation", tun_devfs_cloning),
};
#undef NUMBER

}  // namespace

const ModuleRecord tuntap_module{.name = "tuntap",
                                 .summary = "interfaces whose other end is a program",
                                 .needs = {"net"},
                                 .create = [](Vnet& vnet) -> std::unique_ptr<ModuleState> {
                                   return std::make_unique<TuntapModule>(
                                       vnet.state<NetStack>(net_module), defaults);
                                 },
                                 .settings = &defaults,
                                 .sysctls = sysctls,
                                 .cloners = cloners,
                                 .devices = devices};

}  // namespace stackyard
