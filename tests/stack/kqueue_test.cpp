// kqueue(2), as programs use it.
#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "stack/kern/machine.h"
#include "tests/support/lab_fixture.h"

using namespace stackyard;
namespace flag = kevent_flag;

namespace {

KernelEvent event(int64_t ident, EventFilter filter, uint16_t flags, uint32_t fflags = 0,
                  int64_t data = 0, uint64_t udata = 0) {
  return {ident, filter, flags, fflags, data, udata};
}

// "read 3 data 5 eof user 7": what a program was told.
std::string describe(const KernelEvent& e) {
  static constexpr const char* names[] = {"read", "write", "process", "signal", "timer", "user"};
  std::string words = text("{} {} data {}", names[int(e.filter)], e.ident, e.data);
  if (e.fflags) words += text(" fflags {:x}", e.fflags);
  if (e.flags & flag::eof) words += " eof";
  if (e.flags & flag::error) words += " error";
  if (e.udata) words += text(" udata {}", e.udata);
  return words + "\n";
}

class OneMachine : public LabFixture {
 public:
  OneMachine() : LabFixture("nodes: [m, pc]\nlinks: [m -- pc]\n") {}
  // What a program prints until it ends.
  std::string runs(const Program& program) {
    std::string printed;
    bool ended = false;
    Simulation& simulation = lab.simulation();
    simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside, [&] {
      RunRequest request;
      request.args = {"waits"};
      request.program = program;
      request.output = SinkFile::to([&](Bytes o) { printed += text_of(o); });
      request.errors = request.output;
      request.on_exit = [&](int) { ended = true; };
      lab.machine("m").run(std::move(request));
    });
    for (int i = 0; i < 1000 && !ended; ++i) pass(100_ms);
    CHECK(ended);
    return printed;
  }
};

using Events = std::vector<KernelEvent>;

// Makes changes and prints what comes within 10 s, or "nothing".
Task<void> show(Sys& sys, Fd queue, Events changes, SimTime timeout = 10_s, size_t max = 8) {
  const auto events = co_await sys.kevent(queue, changes, max, timeout).or_warn("kevent");
  if (!events) co_return;
  std::string words;
  for (const KernelEvent& e : *events) words += describe(e);
  if (words.empty()) words = "nothing\n";
  co_await sys.print(words);
}

}  // namespace

TEST_CASE("a kqueue tells of pipes: what can be read, and the end", "[kqueue]") {
  OneMachine m;
  CHECK(
      m.runs([](Sys& sys, Args) -> Task<int> {
        const Fd queue = co_await sys.kqueue().or_err(1, "kqueue");
        const auto ends = co_await sys.pipe().or_err(1, "pipe");
        const auto [reader, writer] = ends;
        const Events watch{event(number(reader), EventFilter::read, flag::add, 0, 0, 7)};
        co_await show(sys, queue, watch, SimTime());
        co_await sys.write(writer, "hello").or_err(1, "write");
        const Events none;
        co_await show(sys, queue, none);
        co_await show(sys, queue, none);  // level-triggered: still there
        (void)co_await sys.read(reader, 100);
        co_await show(sys, queue, none, 1_s);
        co_await sys.close(writer).or_err(1, "close");
        co_await show(sys, queue, none);
        co_await sys.close(reader).or_err(1, "close");
        co_await show(sys, queue, none, 1_s);  // the event went with its descriptor
        co_return 0;
      }) ==
      "nothing\nread 4 data 5 udata 7\nread 4 data 5 udata 7\nnothing\nread 4 data 0 eof udata 7\n"
      "nothing\n");
}

TEST_CASE("clear, one-shot, dispatch, disable and delete do as the manual says", "[kqueue]") {
  OneMachine m;
  CHECK(m.runs([](Sys& sys, Args) -> Task<int> {
    const Fd queue = co_await sys.kqueue().or_err(1, "kqueue");
    const auto ends = co_await sys.pipe().or_err(1, "pipe");
    const auto [reader, writer] = ends;
    const int64_t fd = number(reader);
    const Events none;
    co_await sys.write(writer, "a").or_err(1, "write");
    const Events clear{event(fd, EventFilter::read, flag::add | flag::clear)};
    co_await show(sys, queue, clear);
    co_await show(sys, queue, none, 1_s);  // nothing new has come
    co_await sys.write(writer, "b").or_err(1, "write");
    co_await show(sys, queue, none);
    const Events gone{event(fd, EventFilter::read, flag::remove)};
    co_await show(sys, queue, gone, 1_s);
    co_await show(sys, queue, gone, 1_s);  // ENOENT, as an event
    const Events once{event(fd, EventFilter::read, flag::add | flag::one_shot)};
    co_await show(sys, queue, once);
    co_await show(sys, queue, none, 1_s);
    const Events dispatch{event(fd, EventFilter::read, flag::add | flag::dispatch)};
    co_await show(sys, queue, dispatch);
    co_await show(sys, queue, none, 1_s);
    const Events enable{event(fd, EventFilter::read, flag::enable)};
    co_await show(sys, queue, enable);
    const Events off{event(fd, EventFilter::read, flag::enable),
                     event(fd, EventFilter::read, flag::disable)};
    co_await show(sys, queue, off, 1_s);
    co_return 0;
  }) == "read 4 data 1\nnothing\nread 4 data 2\nnothing\nread 4 data 2 error\nread 4 data "
        "2\nnothing\n"
        "read 4 data 2\nnothing\nread 4 data 2\nnothing\n");
}

TEST_CASE("timers, user events and their arithmetic", "[kqueue]") {
  OneMachine m;
  CHECK(m.runs([](Sys& sys, Args) -> Task<int> {
    const Fd queue = co_await sys.kqueue().or_err(1, "kqueue");
    const Events none;
    const Events tick{event(1, EventFilter::timer, flag::add, 0, 100)};
    co_await show(sys, queue, tick);
    co_await sys.sleep(350_ms).or_err(1, "sleep");
    co_await show(sys, queue, none);  // three periods have passed
    const Events once{event(1, EventFilter::timer, flag::remove),
                      event(2, EventFilter::timer, flag::add | flag::one_shot, note::seconds, 2)};
    const SimTime begin = sys.now();
    co_await show(sys, queue, once);
    co_await sys.print(text("{} s\n", (sys.now() - begin).s()));
    co_await show(sys, queue, none, 5_s);
    const Events mine{event(9, EventFilter::user, flag::add | flag::clear, 0x5, 0, 3)};
    co_await show(sys, queue, mine, 1_s);
    const Events fire{event(9, EventFilter::user, 0, note::ff_or | note::trigger | 0x2)};
    co_await show(sys, queue, fire, 1_s);
    co_await show(sys, queue, none, 1_s);
    const Events again{event(9, EventFilter::user, 0, note::ff_and | note::trigger | 0x3)};
    co_await show(sys, queue, again, 1_s);
    co_return 0;
  }) == "timer 1 data 1\ntimer 1 data 3\ntimer 2 data 1 fflags 1\n2 s\nnothing\nnothing\n"
        "user 9 data 0 fflags 7 udata 3\nnothing\nuser 9 data 0 fflags 3 udata 3\n");
}

TEST_CASE("a kqueue tells of processes that end, and of signals", "[kqueue]") {
  OneMachine m;
  CHECK(m.runs([](Sys& sys, Args) -> Task<int> {
    const Fd queue = co_await sys.kqueue().or_err(1, "kqueue");
    SpawnRequest request;
    request.args = {"sh", "-c", "sleep 1; exit 3"};
    const Pid child = co_await sys.spawn(request).or_err(1, "spawn");
    const Events watch{event(child, EventFilter::process, flag::add, note::exit),
                       event(int64_t(Signal::usr1), EventFilter::signal, flag::add)};
    sys.set_signal(Signal::usr1, SignalAction::ignore);
    const auto events = co_await sys.kevent(queue, watch, 8, 10_s).or_err(1, "kevent");
    for (const KernelEvent& e : events)
      co_await sys.print(text("{} {} {}\n", e.ident == child, e.data, bool(e.flags & flag::eof)));
    const Events none;
    co_await show(sys, queue, none, 1_s);
    for (int i = 0; i < 3; ++i) co_await sys.kill(sys.pid(), Signal::usr1).or_err(1, "kill");
    co_await show(sys, queue, none, 1_s);  // ignored, and still counted
    const Events nobody{event(99999, EventFilter::process, flag::add, note::exit)};
    co_await show(sys, queue, nobody, 1_s);
    const auto refused = co_await sys.kevent(queue, nobody, 0, 1_s);
    co_await sys.print(text("{}\n", errno_text(refused.error())));
    const auto bad = co_await sys.kevent(fd_out, none, 1, 1_s);
    co_await sys.print(text("{}\n", errno_text(bad.error())));
    co_return 0;
  }) == "true 3 true\nnothing\nsignal 30 data 3\nprocess 99999 data 3 fflags 80000000 error\n"
        "No such process\nBad file descriptor\n");
}

TEST_CASE("a server of many sockets waits by a kqueue", "[kqueue]") {
  OneMachine m;
  m.run("pc", "sh -c 'sleep 1; echo one | nc -u -w 1 m 7; echo two | nc -u -w 1 m 8' &");
  CHECK(m.runs([](Sys& sys, Args) -> Task<int> {
    const Fd queue = co_await sys.kqueue().or_err(1, "kqueue");
    Events watch;
    for (uint16_t port : {7, 8}) {
      const Fd fd = co_await sys.socket(Af::inet, SocketType::datagram).or_err(1, "socket");
      SockAddr address;
      address.port = port;
      co_await sys.bind(fd, address).or_err(1, "bind");
      watch.push_back(event(number(fd), EventFilter::read, flag::add, 0, 0, port));
    }
    for (int got = 0; got < 2;) {
      const auto events = co_await sys.kevent(queue, watch, 8, 10_s).or_err(1, "kevent");
      watch.clear();
      for (const KernelEvent& e : events) {
        const std::string words = co_await sys.read(Fd(int(e.ident)), 100).or_err(1, "read");
        co_await sys.print(text("{} on port {}: {}", e.data, e.udata, words));
        ++got;
      }
    }
    co_return 0;
  }) == "4 on port 7: one\n4 on port 8: two\n");
}
