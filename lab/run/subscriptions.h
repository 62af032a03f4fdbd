// lab/run/subscriptions.h - what clients of a served session are told without asking again.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/capture/filter.h"
#include "core/trace/observer.h"
#include "lab/api/channel.h"
#include "lab/run/samples.h"
#include "lab/run/session.h"

namespace stackyard {

class Worker;

// A table's rows as plain values: [{"netif": "em0", "uses": 3}, ...], with its columns.
Json to_json(const Table& table);

// A check's verdict, and what to look at to see why.
Json to_json(const CheckResult& result, const LabSpec& lab);

class Subscriptions final : public Observer {
 public:
  explicit Subscriptions(Worker& worker) : worker_(worker), samples_(worker) {}

  // What the protocol's `subscribe` says; gives the number to end it by. Throws RequestError.
  uint64_t add(uint32_t client, const Json& params);
  void remove(uint32_t client, uint64_t number);
  void drop_client(uint32_t client);

  // Tells the clients whose tables have changed; at most 30 times a second, or as they asked.
  void publish();
  // Some table is to be looked at again, although no message comes.
  bool waiting() const { return !tables_.empty() || !connections_.empty() || !samples_.empty(); }

  // On all links so far.
  uint64_t frames_passed() const;

  void output(const OutputLine& line);
  void verdict(const CheckResult& result);
  void time_changed(const Json& state);

  void frame(const TraceStamp& stamp, const FrameNote& note) override;
  void drop(const TraceStamp& stamp, const DropNote& note) override;
  void decision(const TraceStamp& stamp, const DecisionNote& note) override;
  void connection(const TraceStamp& stamp, const ConnectionNote& note) override;
  void log(const TraceStamp& stamp, const LogNote& note) override;

 private:
  // What the lossy subscriptions of a client may still say, all together, so that a burst has
  // packets, decisions and deaths of the same instants: at first much, then so much a second of
  // real time. What is beyond costs the engine next to nothing, and is counted.
  struct Budget {
    int64_t left;
    bool open = true;  // until nothing is left; then not before there is room again
    void refill(std::chrono::nanoseconds passed);
  };
  struct Share {
    Budget* budget = nullptr;  // its client's; null: it is not lossy
    uint64_t missed = 0;
    bool open() const { return !budget || budget->open; }
    bool take(size_t octets);
  };
  struct TableSubscription {
    uint32_t client;
    std::string node, name;
    std::chrono::nanoseconds every;
    std::chrono::steady_clock::time_point next = {};  // not looked at before
    Table last = {};                                  // as the client knows it, once it was
    bool told = false;
  };
  struct PacketSubscription {
    uint32_t client;
    std::map<uint32_t, std::string> taps;  // and the link of each, or ""
    PacketFilter filter;
    uint32_t snaplen;
    uint64_t left;  // so many more
    Share share = {};
    bool everywhere = false;  // lossy, on all links: watched while there is room for what passes
    bool resting = false;     // nobody watches them
  };
  struct EventSubscription {
    uint32_t client;
    std::string what;  // "log", "drops", "decisions", "output", "checks", "time"
    Share share = {};
  };
  // How connections stand: samples wait for the next message, the oldest make room.
  struct ConnectionSubscription {
    uint32_t client;
    std::string node;  // "": all
    std::chrono::nanoseconds every;
    std::chrono::steady_clock::time_point published = {};
    std::deque<std::pair<SimTime, ConnectionNote>> samples = {};
    uint64_t missed = 0;
  };
  void publish_connections();
  void publish_table(uint64_t number, TableSubscription& subscription);
  void watch_what_is_wanted();
  void note_what_is_read();
  std::map<uint32_t, std::string> taps_of(const std::string& on, bool at_times);
  Table rows_of(const TableSubscription& subscription);
  void want_decisions();
  // Links are watched while somebody who looks at all of them has room for what passes.
  void want_frames();
  void rest_or_watch(bool wanted);
  // Those who want it and have room for so many octets.
  void tell(const std::string& what, const char* method, const Json& params, size_t octets = 0);
  // False: nobody who wants it has, and they miss it.
  bool room_for(const std::string& what);
  void refill();

  Worker& worker_;
  Samples samples_;
  uint64_t last_number_ = 0;
  bool decisions_wanted_ = false;
  bool frames_wanted_ = false;
  uint64_t frames_before_rest_ = 0;
  size_t links_known_ = 0;
  std::chrono::steady_clock::time_point refilled_ = std::chrono::steady_clock::now();
  std::map<uint32_t, Budget> budgets_;  // by client
  std::map<uint64_t, TableSubscription> tables_;
  std::map<uint64_t, PacketSubscription> packets_;
  std::map<uint64_t, EventSubscription> events_;
  std::map<uint64_t, ConnectionSubscription> connections_;
};

}  // namespace stackyard
