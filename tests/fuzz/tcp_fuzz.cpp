// tests/fuzz/tcp_fuzz.cpp - one connection and its peer: the input chooses segments, calls and
// times.
#include "tests/support/tcp_stranger.h"

namespace {

class Choices {
 public:
  explicit Choices(stackyard::Bytes octets) : left_(octets) {}
  uint64_t below(uint64_t limit) {
    uint64_t n = 0;
    for (uint64_t most = 1; most < limit; most <<= 8) n = n << 8 | octet();
    return n % limit;
  }
  uint64_t next() { return below(UINT32_MAX); }
  bool over() const { return left_.empty(); }

 private:
  uint8_t octet() {
    if (left_.empty()) return 0;
    const uint8_t first = left_[0];
    left_ = left_.subspan(1);
    return first;
  }
  stackyard::Bytes left_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  Choices choices({data, size});
  TcpTalk talk(stranger_settings[choices.below(std::size(stranger_settings))]);
  TcpStranger stranger(talk, choices);
  stranger.open(choices.below(2));
  for (int step = 0; step < 1000 && !choices.over(); ++step) {
    stranger.step();
    {
      const std::string w = stranger.wrong();
      check(w.empty(), w.c_str());
    }
  }
  (void)talk.heard();
  talk.does([&] { talk.connection.reset(); });
  talk.waits(1000_s);
  {
    const std::string w = stranger.wrong();
    check(w.empty(), w.c_str());
  }
  return 0;
}
