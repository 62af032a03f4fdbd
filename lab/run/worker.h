// lab/run/worker.h - a served session: does what clients ask, and decides how far time may go.
//
// One thread, one stream (to the supervisor, lab/control), no other file. Envelopes on the stream:
// {"client": N, "message": {...}} both ways, where a message is one of docs/control-protocol.md;
// client 0 is the supervisor itself, see worker_methods in worker.cpp.
#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "lab/api/channel.h"
#include "lab/run/client_process.h"
#include "lab/run/doors.h"
#include "lab/run/pacer.h"
#include "lab/run/session.h"
#include "lab/run/subscriptions.h"

namespace stackyard {

enum class Pace : uint8_t { paused, paced, fast, lockstep };

struct WorkerOptions {
  Pace pace = Pace::paced;
  int64_t speed_nano = 1'000'000'000;  // simulated seconds in a real one, in billionths
};

// "paused", "fast", "lockstep", "2.5x"; nothing when it is none of them.
std::optional<WorkerOptions> parse_pace(const std::string& word);
std::string to_text(const WorkerOptions& pace);
// Why a lab cannot have this pace, or null: doors lead to a world that has its own clock.
const char* pace_refused(const LabSpec& spec, const WorkerOptions& pace);

// Where a lab comes from, to read it again with what is added.
struct LabSource {
  std::string content, name;
  ReadOptions options;
};

// What a request failed with; becomes JSON-RPC's error object.
struct RequestError {
  int code;
  std::string message;
};

class Worker {
 public:
  Worker(Session& session, LabSource source, int link, WorkerOptions options);
  ~Worker();
  // Joins the lab's doors with the real world; before run(). What went wrong, or empty. Without a
  // journal their frames are not told to the supervisor.
  std::string open_doors(bool journalled);
  // Serves until the supervisor says so or is gone. Gives the exit status of the session's checks.
  int run();
  // Instead: does again what a journal says, each input at its instant. False: it breaks off.
  bool replay(std::istream& journal);

  // --- for its processes and subscriptions ---
  Session& session() { return session_; }
  void notify(uint32_t client, const char* method, Json params);
  // Asks the client; the answer comes to the process as file_answer.
  void ask(uint32_t client, uint64_t id, const char* method, Json params);
  size_t node_named(const Json& params);                             // throws RequestError
  Table table_of(const std::string& node, const std::string& name);  // the same
  // A client sees something of this: lockstep ends its step after the current event.
  void delivered();

 private:
  using Handler = Json (Worker::*)(uint32_t client, const Json& params);
  struct Method {
    const char* name;
    Handler handler;
    bool changes;  // the world: stamped, journalled, applied at a barrier
  };
  struct Goal {  // of a run that ends by itself
    SimTime time = SimTime::max();
    std::optional<Condition> condition;
    size_t counter = 0;
    std::optional<uint64_t> frames;  // so many had passed: the next one ends it
    WorkerOptions before;            // the pace then, and again afterwards
    uint32_t client = 0;
  };
  static const Method methods[];

  void read_link();
  void handle(uint32_t client, const Json& message);
  void answer(uint32_t client, const Json& message, const Method& method);
  void wait(bool more);
  void take_frames();
  void apply(uint32_t client, const Json& message, const std::function<void()>& action);

  // worker_time.cpp
  bool advance();
  bool advance_paced();
  void advance_lockstep();
  // Runs what is due up to `limit`, about so many events; never further than to the last one.
  void run_events(SimTime limit, uint64_t budget);
  void set_pace(WorkerOptions pace);
  void refuse_pace(const WorkerOptions& pace);
  void watch_goal();
  void end_goal(const char* why);
  Json time_state();
  Json time_get(uint32_t client, const Json& params);
  Json time_pause(uint32_t client, const Json& params);
  Json time_run(uint32_t client, const Json& params);
  Json time_step(uint32_t client, const Json& params);
  Json time_step_packet(uint32_t client, const Json& params);
  Json time_pace(uint32_t client, const Json& params);
  Json go(uint32_t client, const Json& params);

  // worker_queries.cpp
  size_t link_named(const Json& params);
  Table link_ends();
  Table all_jails();
  Json hello(uint32_t client, const Json& params);
  Json nodes(uint32_t client, const Json& params);
  Json links(uint32_t client, const Json& params);
  Json tables(uint32_t client, const Json& params);
  Json table(uint32_t client, const Json& params);
  Json checks(uint32_t client, const Json& params);
  Json complete(uint32_t client, const Json& params);
  Json subscribe(uint32_t client, const Json& params);
  Json unsubscribe(uint32_t client, const Json& params);

  // worker_edits.cpp
  void grow(const std::string& yaml);
  Json edit_add(uint32_t client, const Json& params);
  Json edit_remove(uint32_t client, const Json& params);
  Json edit_connect(uint32_t client, const Json& params);
  Json edit_disconnect(uint32_t client, const Json& params);
  Json edit_link(uint32_t client, const Json& params);
  Json edit_move(uint32_t client, const Json& params);

  // processes
  Json process_start(uint32_t client, const Json& params);
  Json process_input(uint32_t client, const Json& params);
  Json process_signal(uint32_t client, const Json& params);
  Json process_ack(uint32_t client, const Json& params);
  Json process_close(uint32_t client, const Json& params);
  Json process_detached(uint32_t client, const Json& params);
  Json process_ended_outside(uint32_t client, const Json& params);
  Json client_gone(uint32_t client, const Json& params);
  Json sync(uint32_t client, const Json& params);
  Json stop(uint32_t client, const Json& params);
  Json frames(uint32_t client, const Json& params);
  ClientProcess& process_of(uint32_t client);
  struct Place {
    Machine* machine;
    Jail* jail;
    std::string name;  // of the machine's node
  };
  Place place(const std::string& at);

  Session& session_;
  LabSource source_;
  Channel link_;
  WorkerOptions pace_;
  std::map<uint32_t, std::unique_ptr<ClientProcess>> processes_;  // by client: one each
  std::unique_ptr<Subscriptions> subscriptions_;
  std::optional<Goal> goal_;
  Doors doors_;
  bool journalled_ = true;
  Pacer pacer_;
  bool granted_ = false;  // lockstep: the supervisor lets time go
  bool shown_ = false;    // and a client has seen something since
  SimTime grant_limit_;   // no further than this
  SimTime quiet_since_;   // simulated time of the last thing that a client saw
  bool stopping_ = false;
};

}  // namespace stackyard
