// lab/drill/world.h - what a script runs on: one machine, whose tun0 leads to the script.
#pragma once

#include <deque>
#include <functional>

#include "core/event/simulation.h"
#include "core/trace/connection_trace.h"
#include "lab/drill/wire.h"
#include "stack/kern/machine.h"

namespace stackyard::drill {

class World final : private FileWaiter {
 public:
  explicit World(const Settings& settings);
  ~World() override;
  World(const World&) = delete;

  // Since the script began.
  SimTime now() const { return simulation_.reached() - start_; }
  void run_to(SimTime when);
  // What the stack sends is found in here, the oldest first.
  std::deque<Sniffed>& sniffed() { return sniffed_; }
  // Until something is sent, nothing is left that could happen, or `limit` is reached.
  void wait_for_packet(SimTime limit);
  void inject(const std::vector<uint8_t>& octets);
  // In the machine's shell; its exit status.
  int run_command(const std::string& line, std::string& output);

  // Calls of the script's process, one at a time. `work` runs there; false: it is still blocked at
  // `limit`.
  using Work = std::function<Task<void>(Process&)>;
  bool run_call(Work work, SimTime limit);
  bool finish_call(SimTime limit);
  bool calling() const { return calling_; }
  SimTime call_ended() const { return call_ended_; }

  // With --trace: lines of CSV.
  const std::string& trace_text() const { return trace_text_; }
  Process& process() { return *process_; }
  Machine& machine() { return *machine_; }
  const Places& places() const { return places_; }

 private:
  void configure(const Settings& settings);
  void add_route();
  void start_process();
  void file_changed() override;
  void act(const std::function<void()>& action);

  Places places_;
  std::string trace_text_;
  ConnectionTrace trace_{[](NodeId) { return "drill"; },
                         [this](std::string_view line) { trace_text_ += line; }};
  std::vector<const ModuleRecord*> modules_;
  std::vector<const Command*> commands_;
  Locale locale_;
  Simulation simulation_;
  std::unique_ptr<Site> site_;
  std::unique_ptr<Machine> machine_;
  std::shared_ptr<OpenFile> tun_;
  std::shared_ptr<SourceFile> orders_;  // a line for each call
  Process* process_ = nullptr;
  Work work_;
  bool calling_ = false;
  SimTime call_ended_, start_;
  std::deque<Sniffed> sniffed_;
};

}  // namespace stackyard::drill
