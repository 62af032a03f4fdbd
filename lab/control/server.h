// lab/control/server.h - the supervisor of a served lab: its socket, its clients, its journal file.
//
// Messages of clients go to the worker, which does the work, and come back (lab/run/worker.h). A
// client that sends garbage, holds half a message back or never reads is cut off alone.
#pragma once

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include <sys/types.h>

#include "lab/api/channel.h"
#include "lab/control/process_table.h"

namespace stackyard {

// Makes the socket, for its owner alone. A stale one is replaced, a live one refused: then the text
// says why, and the descriptor is -1.
int listen_at(const std::string& path, std::string& error);

class Server {
 public:
  // Takes over the descriptors. `journal`: a file that is written, or "".
  Server(int listener, std::string socket_path, int worker, pid_t worker_pid,
         const std::string& journal);
  ~Server();
  // Called once, when clients are served.
  std::function<void()> on_ready;
  // Serves until a signal or the worker ends it.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Client {
    explicit Client(int fd) : channel(fd) {}
    Channel channel;
    pid_t pid = 0;
    Clock::time_point partial_since{};
    bool running = false;  // its command has not ended
    bool holder = false;   // of a daemon: it never keeps time going
    bool outside = false;  // runs a command of this machine: it waits for that
    uint64_t told = 0;     // messages so far
    uint64_t asked = 0;    // how many of them it was last asked to have dealt with
    uint64_t synced = 0;   // and has
    ProcessId root;        // the topmost ancestor that knows this socket
    std::string command;
    std::string start_id;  // of the request that started it, as JSON
    bool keeps_time_going() const { return running && !holder && !outside; }
  };

  void accept_clients();
  void read_client(uint32_t id, Client& client);
  void from_client(uint32_t id, Client& client, Json message);
  void prepare_start(Client& client, Json& message);
  void read_worker();
  void from_worker(const Json& message);
  void to_client(uint32_t id, const Json& message);
  void to_worker(uint32_t client, const Json& message);
  void cut_off(uint32_t id, const char* why);
  void remove_cut();
  int wait_time() const;

  // lockstep.cpp
  void keep_lockstep();
  bool somebody_waits() const;
  bool all_synced();
  bool something_to_read() const;
  bool is_quiet(bool& real_sleepers);
  void go(bool at_real_speed);
  void kill_idle();

  int listener_;
  std::string path_;
  Channel worker_;
  std::ofstream journal_;
  std::map<uint32_t, std::unique_ptr<Client>> clients_;
  std::vector<uint32_t> cut_;
  uint32_t last_client_ = 0;
  ProcessTable processes_;
  uint64_t worker_told_ = 0, worker_asked_ = 0, worker_synced_ = 0;  // as for a client
  bool ready_ = false, ended_ = false;
  bool lockstep_ = false;
  bool going_ = false;          // lockstep: the worker has been let go
  Clock::time_point stood_at_;  // when it last stood
  Clock::time_point heard_at_;  // when a client last said something
  ProcessTable::Look last_look_{.all_asleep = false};
};

}  // namespace stackyard
