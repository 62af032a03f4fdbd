// tests/support/lab_fixture.h - a lab from text, and commands as a user would type them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "lab/build/lab.h"
#include "lab/run/trace_writer.h"
#include "lab/spec/problems.h"

namespace stackyard {

struct CommandResult {
  int exit = -1;
  std::string output;
  bool says(const std::string& words) const { return output.find(words) != output.npos; }
};

// Counts drops by reason's name, and keeps the machines' log.
class DropCounter final : public Observer {
 public:
  void drop(const TraceStamp&, const DropNote& note) override { ++counts[note.reason->name]; }
  void log(const TraceStamp&, const LogNote& note) override {
    logged += std::string(note.line) + "\n";
  }
  std::map<std::string, int> counts;
  std::string logged;
};

inline LabSpec spec_of(const std::string& yaml, std::string* errors = nullptr) {
  Problems problems;
  ReadOptions options;
  LabSpec spec = read_lab(yaml, "e.yaml", options, problems);
  if (!problems.any_errors()) check_against_build(spec, problems);
  if (errors)
    *errors = problems.text("e");
  else
    check(!problems.any_errors(), problems.text("e").c_str());
  return spec;
}

class LabFixture {
 public:
  explicit LabFixture(const std::string& yaml, LabOptions options = {})
      : lab(spec_of(yaml), options), trace(lab) {
    lab.add_observer(&drops);
    lab.add_observer(&trace);
    lab.simulation().run_until(1_ms);
  }
  // Runs a line in a machine's shell until it ends, for an hour of simulated time at most.
  CommandResult run(const std::string& node, const std::string& line) {
    // What goes on in the background may still write when the line has ended.
    const auto result = std::make_shared<CommandResult>();
    const auto ended = std::make_shared<bool>(false);
    Simulation& simulation = lab.simulation();
    const size_t index = lab.spec().node_index.at(node);
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside, [&] {
      lab.run_shell(
          index, line + "\n", [result](Bytes o) { result->output += text_of(o); },
          [result, ended](int status) {
            result->exit = status;
            *ended = true;
          });
    });
    const SimTime limit = simulation.now() + 3600_s;
    while (!*ended && simulation.now() < limit) simulation.run_until(simulation.now() + 10_ms);
    check(*ended, "a command ends");
    return *result;
  }
  void pass(SimTime time) { lab.simulation().run_until(lab.simulation().now() + time); }
  int dropped(const std::string& reason) {
    lab.drain();
    return drops.counts[reason];
  }
  // The value of one of netstat -s's counters.
  int64_t counter(const std::string& node, const std::string& name) {
    for (const CounterLine& line : lab.machine(node).vnet().counters())
      if (line.name == name) return int64_t(line.value);
    check(false, "a counter that exists");
    return 0;
  }

  DropCounter drops;
  Lab lab;
  TraceWriter trace;
};

}  // namespace stackyard
