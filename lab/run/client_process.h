// lab/run/client_process.h - a process that a client of a served lab has started: its streams with
// credit, its client's files, its end.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lab/api/channel.h"
#include "stack/kern/machine.h"

namespace stackyard {

class Worker;
class ClientFile;

class ClientProcess {
 public:
  static constexpr size_t credit = 64 * 1024;  // octets under way, each stream

  // What the protocol's process.start says.
  struct Start {
    Machine* machine = nullptr;
    std::string machine_name = {};  // in the lab file
    Jail* jail = nullptr;
    Args args;
    std::string folder;
    int fib = 0;
    Pid pid = 0;
    std::vector<Signal> ignored = {};
    bool own_files = false;  // a shim's: the client has files and commands of its own
    std::array<bool, 2> shows{true, true};  // whether output and errors make time stand still
  };
  ClientProcess(Worker& worker, uint32_t client, const Start& start);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;

  Pid pid() const;
  bool finished() const { return !process_; }
  void input(std::string octets, bool end);
  void signal(Signal signal);
  // The client has written so many octets of a stream (1 or 2).
  void acknowledged(size_t stream, size_t octets);
  // The client's own stream is closed: writing fails with EPIPE.
  void closed(size_t stream);
  void detached(Pid pid);
  void ended_outside(int status);
  // The response to one of its requests.
  void file_answer(uint64_t id, const Json& response);
  // The client is gone.
  void kill();

 private:
  class Output;
  class Input;
  class Client;
  friend class ClientFile;

  void ended();
  void tell_exit();

  Worker& worker_;
  uint32_t client_;
  Machine& machine_;
  Process* process_ = nullptr;  // null: it has ended
  std::shared_ptr<Input> input_;
  std::array<std::shared_ptr<Output>, 2> outputs_;
  std::shared_ptr<Client> outside_;
  int status_ = 0;
  std::optional<Signal> killed_by_;
  bool told_ = false;
};

}  // namespace stackyard
