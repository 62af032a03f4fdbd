#include <catch2/catch.hpp>

#include "lab/run/session.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

// A lab of some routers, switches and hosts with every impairment, jails, cables that are pulled,
// machines that reboot, and traffic all over it.
std::string random_lab(uint64_t seed) {
  RandomStream random(seed, 0, "random lab");
  const uint64_t hosts = 2 + random.below(4);
  const auto impair = [&] {
    return text(
        "impair: {{delay: {}us, jitter: {}us, loss: {}%, corrupt: {}%, duplicate: {}%, "
        "reorder: {}%, rate: {}mbit, queue: {}p}}",
        20 + random.below(5000), random.below(20), random.below(15), random.below(5),
        random.below(10), random.below(20), 1 + random.below(100), 2 + random.below(50));
  };
  std::string yaml = text(
      "sim: {{stop: 12s, seed: {}}}\nnodes:\n  r1: {{kind: router, routes: [{{to: "
      "10.0.1.0/24, via: r2}}]}}\n  r2: {{kind: router, routes: [{{to: "
      "10.0.0.0/24, via: r1}}]}}\n  sw: {{kind: {}}}\n  far: {{}}\n  h:\n    count: {}\n"
      "    exec: [\"nc -u -l -k 7 > /tmp/heard &\", \"sleep 0.${{i}}\", \"ping -q -c 8 "
      "-i 0.3 far\", \"traceroute -n -w 1 -q 1 far\", \"echo ${{i}} | nc -u -N far 7\"]\n",
      seed, random.chance(uint64_t(1) << 31) ? "switch" : "hub", hosts);
  // Jails with a NIC, an epair and traffic; one is removed, and its machine boots again.
  yaml +=
      "  srv:\n    jails:\n"
      "      a: {kind: router, interfaces: {em0: {}, epair0a: {addresses: [10.7.0.1/24]}}}\n"
      "      b: {interfaces: {epair0b: {addresses: [10.7.0.2/24]}}, routes: [{to: default, via: "
      "srv/a}],\n          exec: [ping -q -i 0.1 -c 40 10.7.0.1, traceroute -n -w 1 -q 1 far]}\n";
  yaml += text(
      "links:\n  - {{endpoints: srv/a -- sw, {}}}\n  - {{endpoints: \"h* -- sw\", {}}}\n  - "
      "{{endpoints: sw -- r1, {}}}\n"
      "  - {{name: wan, endpoints: r1 -- r2, {}}}\n  - {{endpoints: r2 -- far, {}}}\n",
      impair(), impair(), impair(), impair(), impair());
  yaml += text(
      "events:\n  - {{at: {}ms, link: wan, state: down, for: {}ms}}\n"
      "  - {{at: {}ms, node: r1, action: reboot, for: {}ms}}\n"
      "  - {{at: {}ms, node: h1, exec: [\"ping -f -c 300 -s 700 far > /dev/null\"]}}\n",
      random.below(9000), 1 + random.below(900), random.below(9000), 1 + random.below(900),
      random.below(9000));
  yaml += text(
      "  - {{at: {}ms, node: srv, exec: [jail -r a, ifconfig]}}\n"
      "  - {{at: {}ms, node: srv, action: reboot, for: 300ms}}\n",
      random.below(6000), 6000 + random.below(3000));
  return yaml;
}

struct Outcome {
  uint64_t hash;
  std::string trace;
  std::string output;
};
Outcome run_on(const std::string& yaml, unsigned partitions, uint64_t shuffle) {
  SessionOptions options;
  options.captures = false;
  options.trace = true;
  options.lab.partitions = partitions;
  options.lab.shuffle_seed = shuffle;
  Session session(spec_of(yaml), options);
  Outcome outcome{};
  session.on_output = [&](const OutputLine& line) { outcome.output += line.text + "\n"; };
  session.run_to_end();
  check(session.failure().empty(), "the run ends by itself");
  outcome.hash = session.trace()->hash();
  outcome.trace = session.trace()->text();
  return outcome;
}

}  // namespace

// No packet outlives its lab: Lab's destructor checks it in every one of these runs.
TEST_CASE("random labs run the same on any number of partitions") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    const std::string yaml = random_lab(seed);
    const Outcome plain = run_on(yaml, 1, 1);
    CHECK(plain.trace.size() > 10'000);
    for (unsigned partitions : {2u, 7u}) {
      const Outcome other = run_on(yaml, partitions, seed);
      CHECK(other.hash == plain.hash);
      CHECK(other.output == plain.output);
    }
  }
}
