#include "core/base/siphash.h"

#include <bit>

namespace stackyard {

namespace {

struct SipState {
  uint64_t v0, v1, v2, v3;
  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void take(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

uint64_t siphash(const SipKey& key, Bytes message) {
  SipState s{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d,
             key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573};
  uint64_t last = uint64_t(message.size()) << 56;
  while (message.size() >= 8) {
    s.take(load<uint64_t>(message));
    message = message.subspan(8);
  }
  for (size_t i = 0; i < message.size(); ++i) last |= uint64_t(message[i]) << (8 * i);
  s.take(last);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace stackyard
