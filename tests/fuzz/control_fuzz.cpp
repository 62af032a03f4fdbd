// tests/fuzz/control_fuzz.cpp - what a control client may send, a message a line, at a lab that
// runs.
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>

#include "core/base/text.h"
#include "lab/run/worker.h"
#include "lab/spec/problems.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace stackyard;
  const LabSource source{"nodes: {a: {jails: {j: {}}}, b: {}}\nlinks: [a -- b]\n", "fuzz", {}};
  Problems problems;
  LabSpec spec = read_lab(source.content, source.name, source.options, problems);
  SessionOptions options;
  options.captures = false;
  options.until = SimTime::max() - 1_s;
  Session session(std::move(spec), options);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 0;
  close(ends[1]);
  Worker worker(session, source, ends[0], {.pace = Pace::paused});
  std::string journal;
  int64_t time = 0;
  for (const std::string& line : split(std::string(data, data + size), '\n'))
    journal += text("{{\"time\": {}, \"client\": 1, \"message\": {}}}\n", time += 10'000'000, line);
  std::istringstream input(journal);
  (void)worker.replay(input);
  return 0;
}
