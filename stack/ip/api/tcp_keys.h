// stack/ip/api/tcp_keys.h - keys of TCP's MD5 signatures (RFC 2385), as setkey(8) gives them: the
// security associations of protocol tcp.
#pragma once

#include <string>
#include <vector>

#include "core/base/ip_address.h"
#include "core/base/time.h"
#include "stack/sys/request.h"

namespace stackyard {

struct TcpKey {
  IpAddress source, dest;
  uint32_t spi = 0;
  std::vector<uint8_t> key;
  SimTime created;
};

// EEXIST: there is one for that direction.
struct AddTcpKey : RequestOf<AddTcpKey> {
  static constexpr RequestKind kind_of{"ip", "add TCP key"};
  TcpKey key;
};

// ENOENT: there is none such. `any_spi`: whatever its SPI is.
struct DeleteTcpKey : RequestOf<DeleteTcpKey> {
  static constexpr RequestKind kind_of{"ip", "delete TCP key"};
  IpAddress source, dest;
  uint32_t spi = 0;
  bool any_spi = false;
};

struct FlushTcpKeys : RequestOf<FlushTcpKeys> {
  static constexpr RequestKind kind_of{"ip", "flush TCP keys"};
};

struct ListTcpKeys : RequestOf<ListTcpKeys> {
  static constexpr RequestKind kind_of{"ip", "list TCP keys", true};
  std::vector<TcpKey> keys;
};

}  // namespace stackyard
