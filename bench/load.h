// bench/load.h - what the bench programs share: labs from text, bulk TCP without processes, a
// clock.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>

#include "lab/build/lab.h"
#include "lab/spec/problems.h"
#include "stack/kern/socket_ops.h"

namespace stackyard {

inline LabSpec read_bench_lab(const std::string& yaml) {
  Problems problems;
  LabSpec spec = read_lab(yaml, "bench.yaml", {}, problems);
  if (problems.any_errors()) {
    std::fputs(problems.text("bench.yaml").c_str(), stderr);
    std::exit(2);
  }
  return spec;
}

// Of processor time, on one thread: what else the machine does counts for nothing.
inline double seconds_of(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return double(std::clock() - begin) / CLOCKS_PER_SEC;
}

inline std::unique_ptr<SocketOps> bench_tcp_socket(Machine& machine, int64_t buffer) {
  auto socket = machine.vnet().socket(Af::inet, SocketType::stream, 0);
  check(socket.has_value(), "a TCP socket");
  (void)(*socket)->set_option(SocketOption::so_sndbuf, buffer);
  (void)(*socket)->set_option(SocketOption::so_rcvbuf, buffer);
  return std::move(*socket);
}

// Writes as much as the socket takes, always.
struct BulkSource final : SocketListener {
  explicit BulkSource(std::unique_ptr<SocketOps> s) : socket(std::move(s)) {
    socket->listen_to(this);
  }
  void socket_changed() override {
    if (busy) return;
    busy = true;
    while (socket->send(octets, {})) {
    }
    busy = false;
  }
  std::unique_ptr<SocketOps> socket;
  std::vector<uint8_t> octets = std::vector<uint8_t>(65536);
  bool busy = false;
};

struct BulkSink final : SocketListener {
  explicit BulkSink(std::unique_ptr<SocketOps> s) : socket(std::move(s)) {
    socket->listen_to(this);
  }
  void socket_changed() override {
    for (;;) {
      const Result<Received> got = socket->receive(1 << 20, {});
      if (!got || got->octets.empty()) break;
      received += got->octets.size();
    }
  }
  std::unique_ptr<SocketOps> socket;
  uint64_t received = 0;
};

// Accepts everybody.
struct BulkServer final : SocketListener {
  BulkServer(Machine& machine, uint16_t port, int64_t buffer)
      : socket(bench_tcp_socket(machine, buffer)) {
    SockAddr at;
    at.port = port;
    check(socket->bind(at) && socket->listen(-1), "a server listens");
    socket->listen_to(this);
  }
  void socket_changed() override {
    while (auto taken = socket->accept())
      sinks.push_back(std::make_unique<BulkSink>(std::move(*taken)));
  }
  uint64_t received() const {
    uint64_t all = 0;
    for (const auto& sink : sinks) all += sink->received;
    return all;
  }
  std::unique_ptr<SocketOps> socket;
  std::vector<std::unique_ptr<BulkSink>> sinks;
};

}  // namespace stackyard
