// lab/control/lockstep.cpp - when time may go on in a lockstep session: somebody waits in simulated
// time, and on the real machine nobody has anything left to do (docs/shell-scripts.md).
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lab/control/server.h"

namespace stackyard {

namespace {

using namespace std::chrono_literals;
constexpr auto awake_max = 2s;      // so long awake without a request: real time it is
constexpr auto traffic_gap = 20ms;  // where there is no process table: this long is quiet
constexpr auto real_step_max = 50ms;

}  // namespace

bool Server::somebody_waits() const {
  return std::any_of(clients_.begin(), clients_.end(), [this](const auto& entry) {
    const Client& client = *entry.second;
    return client.keeps_time_going() && processes_.lives(client.root);
  });
}

// Every command's client, and the worker, say that they have dealt with all they were told; what
// the worker does with it may be news for a client.
bool Server::all_synced() {
  bool all = worker_synced_ == worker_told_;
  if (!all && worker_asked_ != worker_told_) {
    worker_asked_ = worker_told_;
    worker_.send(
        {{"client", 0},
         {"message", {{"method", "supervisor.sync"}, {"params", {{"told", worker_told_}}}}}});
  }
  for (const auto& [id, client] : clients_) {
    if (!client->running || client->synced == client->told) continue;
    all = false;
    if (client->asked == client->told) continue;
    client->asked = client->told;
    client->channel.send({{"jsonrpc", "2.0"},
                          {"id", std::to_string(client->told)},
                          {"method", "sync"},
                          {"params", Json::object()}});
  }
  return all;
}

// Two looks in a row must show the same processes, all asleep, with the same counts of switches.
bool Server::is_quiet(bool& real_sleepers) {
  const ProcessTable::Look look = processes_.look();
  if (!look.readable) return Clock::now() - heard_at_ > traffic_gap;
  const bool same = look == last_look_ && look.all_asleep;
  last_look_ = look;
  real_sleepers = look.real_sleepers;
  return same;
}

bool Server::something_to_read() const {
  std::vector<pollfd> items{{listener_, POLLIN, 0}, {worker_.fd(), POLLIN, 0}};
  for (const auto& [id, client] : clients_) items.push_back({client->channel.fd(), POLLIN, 0});
  return poll(items.data(), nfds_t(items.size()), 0) > 0;
}

void Server::keep_lockstep() {
  if (going_ || !somebody_waits() || !all_synced()) return;
  bool real_sleepers = false;
  bool quiet = is_quiet(real_sleepers);
  if (!quiet && last_look_.all_asleep) quiet = is_quiet(real_sleepers);
  // Whoever waits for our answer sleeps, too.
  if (something_to_read()) return;
  if (quiet)
    go(real_sleepers);
  else if (Clock::now() - std::max(heard_at_, stood_at_) > awake_max)
    go(true);
}

void Server::go(bool at_real_speed) {
  Json params = Json::object();
  if (at_real_speed) {
    const auto passed = std::min<Clock::duration>(Clock::now() - stood_at_, real_step_max);
    params["at_most"] = std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count();
  }
  going_ = true;
  to_worker(0, {{"method", "supervisor.go"}, {"params", params}});
}

// The session is quiet and nothing will come: whoever waits would wait for ever.
void Server::kill_idle() {
  for (const auto& [id, client] : clients_) {
    if (!client->keeps_time_going()) continue;
    std::fprintf(stderr, "stackyard: %s (pid %d) waits, and nothing more will happen: killed\n",
                 client->command.c_str(), int(client->pid));
    to_client(id, {{"jsonrpc", "2.0"}, {"method", "process.idle"}, {"params", Json::object()}});
    to_worker(id, {{"method", "process.signal"}, {"params", {{"signal", "KILL"}}}});
  }
}

}  // namespace stackyard
