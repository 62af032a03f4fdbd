// tests/fuzz/ipv6_fuzz.cpp - a host with IPv6 and groups is given nearly sound packets.
#include "tests/support/ipv6_fuzz_case.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  Ipv6Host h;
  h.lab.run("a",
            "sysctl net.inet6.ip6.use_tempaddr=1; "
            "printf 'j ff15::1 em0\\nj 239.1.1.1 em0\\ns 900\\n' | mtest > /dev/null &");
  ipv6_fuzz_case(h, Bytes(data, size));
  h.lab.pass(100_s);
  return 0;
}
