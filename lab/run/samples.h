// lab/run/samples.h - tables looked at on a grid of simulated time, so that a client can plot what
// a run at any speed did.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/table/table.h"
#include "lab/api/channel.h"

namespace stackyard {

class Worker;

class Samples {
 public:
  explicit Samples(Worker& worker) : worker_(worker) {}

  // {"node", "table", "columns": ["link", "octets"], "step": "10ms", "match": {"link": "wan"}}
  void add(uint64_t number, uint32_t client, const Json& params);
  bool remove(uint64_t number, uint32_t client);
  void drop_client(uint32_t client);
  bool empty() const { return series_.empty(); }
  // Tells what has been seen, at most 30 times a second; arms the next look.
  void publish();

 private:
  struct Sample {
    SimTime time;
    std::vector<std::vector<Cell>> rows;
  };
  struct Series {
    uint32_t client;
    std::string node, table;
    std::vector<std::string> columns;
    std::map<std::string, std::string> match;
    SimTime step, next;
    std::deque<Sample> seen = {};
    size_t cells = 0;
    uint64_t lost = 0;  // samples that nobody has fetched in time
    std::chrono::steady_clock::time_point published = {};
  };
  void arm();
  void look();
  void take(Series& series, SimTime now);
  void tell(uint64_t number, Series& series);

  Worker& worker_;
  std::map<uint64_t, Series> series_;
  SimTime armed_ = SimTime::max();  // the barrier that is coming
};

}  // namespace stackyard
