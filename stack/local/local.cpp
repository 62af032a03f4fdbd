#include "stack/local/local.h"

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "stack/local/local_socket.h"

namespace stackyard {

namespace {

struct LocalSettings {
  int64_t stream_send = 8192, stream_receive = 8192;
  int64_t datagram_max = 8192, datagram_receive = 16384;
  int64_t record_max = 8192, record_receive = 8192;
};
constexpr LocalSettings defaults;
constexpr const LocalSettings& of(const void* s) { return *static_cast<const LocalSettings*>(s); }

class Local final : public StateWithSettings<LocalSettings> {
 public:
  explicit Local(Vnet& vnet)
      : StateWithSettings(defaults), sockets(vnet.machine().files().sockets()) {}

  Result<std::unique_ptr<SocketOps>> create(SocketType type) {
    const LocalSettings& s = settings();
    LocalSpace space{.send = s.stream_send, .receive = s.stream_receive};
    if (type == SocketType::datagram)
      space = {.send = s.datagram_max, .receive = s.datagram_receive};
    if (type == SocketType::seqpacket) space = {.send = s.record_max, .receive = s.record_receive};
    return std::make_unique<LocalSocket>(sockets, type, space);
  }

  LocalSockets& sockets;
};

Local& self(ModuleState& state) { return static_cast<Local&>(state); }
std::string shown(const ModuleState* state, long (*value)(const LocalSockets&)) {
  return text("{}", state ? value(static_cast<const Local*>(state)->sockets) : 0);
}

#define SPACE(name_, summary_, field)                                                  \
  {                                                                                    \
    .name = name_, .summary = summary_,                                                \
    .number = [](const void* s) -> const int64_t& { return of(s).field; }, .least = 1, \
    .most = 2 * 1024 * 1024                                                            \
  }
constexpr SysctlRecord sysctls[] = {
    SPACE("net.local.stream.sendspace", "Default stream send space.", stream_send),
    SPACE("net.local.stream.recvspace", "Default stream receive space.", stream_receive),
    SPACE("net.local.dgram.maxdgram", "Maximum datagram size.", datagram_max),
    SPACE("net.local.dgram.recvspace", "Default datagram receive space.", datagram_receive),
    SPACE("net.local.seqpacket.maxseqpacket", "Default seqpacket send space.", record_max),
    SPACE("net.local.seqpacket.recvspace", "Default seqpacket receive space.", record_receive),
    {.name = "net.local.inflight",
     .summary = "File descriptors in flight.",
     .show =
         [](const ModuleState* m) {
           return shown(m, [](const LocalSockets& s) { return s.in_flight(); });
         }},
    {.name = "net.local.sockcount",
     .summary = "Number of active local sockets.",
     .show =
         [](const ModuleState* m) {
           return shown(m, [](const LocalSockets& s) { return long(s.count()); });
         }},
};
#undef SPACE

template <SocketType type>
Result<std::unique_ptr<SocketOps>> create(ModuleState& m, int) {
  return self(m).create(type);
}
constexpr SocketRecord sockets[] = {
    {Af::local, SocketType::stream, 0, create<SocketType::stream>},
    {Af::local, SocketType::datagram, 0, create<SocketType::datagram>},
    {Af::local, SocketType::seqpacket, 0, create<SocketType::seqpacket>}};

}  // namespace

constexpr ModuleRecord local_module{
    .name = "local",
    .summary = "unix-domain sockets",
    .needs = {},
    .create = [](Vnet& v) -> std::unique_ptr<ModuleState> { return std::make_unique<Local>(v); },
    .settings = &defaults,
    .sysctls = sysctls,
    .sockets = sockets};

}  // namespace stackyard
