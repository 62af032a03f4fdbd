// tests/stack/local_test.cpp - unix-domain sockets, as commands and as system calls.
#include <catch2/catch.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {

const char* const one = "nodes: [a]\n";

// Runs a program on machine a and gives its exit status.
int run_program(LabFixture& lab, Program program) {
  Machine& a = lab.lab.machine("a");
  RunRequest request;
  request.args = {"test"};
  request.program = std::move(program);
  int status = -1;
  request.on_exit = [&](int s) { status = s; };
  Simulation& simulation = lab.lab.simulation();
  simulation.at_barrier(simulation.now() + 1_ns, EventKind::outside,
                        [&] { a.run(std::move(request)); });
  lab.pass(60_s);
  return status;
}

SockAddr at(const std::string& path) { return SockAddr::local(path); }
std::vector<uint8_t> octets(const std::string& s) { return {s.begin(), s.end()}; }
std::string words(const Received& got) { return {got.octets.begin(), got.octets.end()}; }

// Ends the program with the line's number when something is not so.
#define NEED(...)                                     \
  do {                                                \
    if (!(__VA_ARGS__)) sys.exit(__LINE__ % 250 + 1); \
  } while (false)
#define OK(name, ...)               \
  auto name##_result = __VA_ARGS__; \
  NEED(name##_result);              \
  auto name = std::move(*name##_result)
// The call fails with this error.
#define FAILS(error_, ...)                            \
  do {                                                \
    const auto failed = __VA_ARGS__;                  \
    NEED(!failed && failed.error() == Errno::error_); \
  } while (false)

}  // namespace

TEST_CASE("nc -U talks both ways over a path, and ends when the other end does") {
  LabFixture lab(one);
  lab.run("a", "nc -lU /tmp/s > /tmp/got &");
  CHECK(lab.run("a", "ls -l /tmp/s").output.starts_with("s"));
  CHECK(lab.run("a", "test -S /tmp/s; echo $?").output == "0\n");
  CHECK(lab.run("a", "sockstat -u").says("stream /tmp/s"));
  CHECK(lab.run("a", "echo hello | nc -NU /tmp/s").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/got").output == "hello\n");
  CHECK(lab.run("a", "ps").says("nc") == false);
  // The name stays when the socket is gone, and is in the way of the next.
  const auto refused = lab.run("a", "nc -U /tmp/s");
  CHECK(refused.exit == 1);
  CHECK(refused.says("nc: /tmp/s: Connection refused"));
  const auto in_use = lab.run("a", "nc -lU /tmp/s");
  CHECK(in_use.exit == 1);
  CHECK(in_use.output == "nc: Address already in use\n");
  lab.run("a", "rm /tmp/s");
  CHECK(lab.run("a", "nc -U /tmp/s").output == "nc: /tmp/s: No such file or directory\n");
  CHECK(lab.run("a", "nc -U /etc/hosts").says("Socket operation on non-socket"));
  CHECK(lab.run("a", "cat /tmp").exit == 1);
}

TEST_CASE("nc -U answers, keeps listening with -k, and sends datagrams with -u") {
  LabFixture lab(one);
  lab.run("a", "echo answer | nc -lNU /tmp/s > /tmp/got &");
  CHECK(lab.run("a", "echo question | nc -NU /tmp/s").output == "answer\n");
  CHECK(lab.run("a", "cat /tmp/got").output == "question\n");
  lab.run("a", "nc -klU /tmp/k > /tmp/all &");
  lab.run("a", "for i in 1 2 3; do echo $i | nc -NU /tmp/k; done");
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/all").output == "1\n2\n3\n");
  lab.run("a", "nc -luU /tmp/d > /tmp/datagrams &");
  CHECK(lab.run("a", "echo one | nc -uU -w 1 /tmp/d").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/datagrams; ls /tmp").says("one\n"));
  CHECK(!lab.run("a", "ls /tmp").says("nc."));
  lab.run("a", "nc -lkuU /tmp/e > /dev/null &");
  CHECK(lab.run("a", "nc -U /tmp/e").says("Protocol wrong type for socket"));
  CHECK(lab.run("a", "nc -zU /tmp/k").exit == 0);
}

TEST_CASE("every error of bind, connect, listen and accept is FreeBSD's") {
  LabFixture lab(one);
  int wrong_line = 0;
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    OK(fd, co_await sys.socket(Af::local, SocketType::stream));
    OK(dgram, co_await sys.socket(Af::local, SocketType::datagram));
    const SockAddr missing = at("/tmp/missing"), file = at("/etc/hosts"), s = at("/tmp/s");
    const SockAddr nameless = at(""), nowhere = at("/no/folder"), below = at("/etc/hosts/x");
    const SockAddr toolong = at("/tmp/" + std::string(300, 'x')), inet = SockAddr();
    FAILS(enoent, co_await sys.connect(fd, missing));
    FAILS(enotsock, co_await sys.connect(fd, file));
    FAILS(einval, co_await sys.connect(fd, nameless));
    FAILS(eafnosupport, co_await sys.connect(fd, inet));
    FAILS(enametoolong, co_await sys.bind(fd, toolong));
    FAILS(enoent, co_await sys.bind(fd, nowhere));
    FAILS(enotdir, co_await sys.bind(fd, below));
    FAILS(eaddrinuse, co_await sys.bind(fd, file));
    FAILS(edestaddrreq, co_await sys.listen(fd, 5));
    FAILS(einval, co_await sys.accept(fd));
    FAILS(eopnotsupp, co_await sys.listen(dgram, 5));
    FAILS(enotconn, co_await sys.shutdown(fd, ShutdownHow::write));
    FAILS(enotconn, co_await sys.receive(fd, 10));
    FAILS(enotconn, co_await sys.send(fd, octets("x")));
    FAILS(enotconn, co_await sys.send(dgram, octets("x")));
    NEED(co_await sys.bind(fd, s));
    FAILS(einval, co_await sys.bind(fd, s));
    FAILS(einval, co_await sys.bind(fd, missing));
    NEED(!sys.stat("/tmp/missing"));
    OK(client, co_await sys.socket(Af::local, SocketType::stream));
    FAILS(econnrefused, co_await sys.connect(client, s));  // bound, but it does not listen
    FAILS(eprototype, co_await sys.connect(dgram, s));
    NEED(co_await sys.listen(fd, 1));
    NEED(co_await sys.connect(client, s));
    FAILS(eisconn, co_await sys.connect(client, s));
    FAILS(eopnotsupp, co_await sys.connect(fd, s));
    // A backlog of 1 lets 2 wait: half as many again.
    OK(second, co_await sys.socket(Af::local, SocketType::stream));
    OK(third, co_await sys.socket(Af::local, SocketType::stream));
    NEED(co_await sys.connect(second, s));
    FAILS(econnrefused, co_await sys.connect(third, s));
    NEED(sys.set_blocking(fd, Blocking::no));
    OK(accepted, co_await sys.accept(fd));
    NEED(sys.local_name(accepted.fd)->path == PathName("/tmp/s"));
    OK(again, co_await sys.accept(fd));
    FAILS(eagain, co_await sys.accept(fd));
    OK(opened, co_await sys.socket(Af::inet, SocketType::datagram));
    FAILS(einval, co_await sys.accept(opened));
    FAILS(eopnotsupp, co_await sys.listen(opened, 1));
    FAILS(enotsock, co_await sys.listen(fd_out, 1));
    FAILS(ebadf, co_await sys.listen(Fd(77), 1));
    FAILS(eopnotsupp, co_await sys.open("/tmp/s", OpenMode::read));
    // A client whose listener goes before it was accepted.
    NEED(co_await sys.connect(third, s));
    NEED(co_await sys.close(fd));
    FAILS(econnaborted, co_await sys.receive(third, 10));
    OK(fourth, co_await sys.socket(Af::local, SocketType::stream));
    FAILS(econnrefused, co_await sys.connect(fourth, s));
    co_return 0;
  });
  CHECK(wrong_line == 0);
}

TEST_CASE("streams block and wake, keep their order, and end by shutdown and close") {
  LabFixture lab(one);
  int wrong_line = 0;
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    OK(pair, co_await sys.socket_pair(Af::local, SocketType::stream));
    NEED(sys.peer_credentials(pair.first)->pid == sys.pid());
    const SendOptions later{.dont_wait = true};
    const ReceiveOptions peek{.peek = true}, now{.dont_wait = true};
    FAILS(eagain, co_await sys.receive(pair.first, 10, now));
    OK(sent, co_await sys.send(pair.first, octets("hello ")));
    OK(more, co_await sys.send(pair.first, octets("world")));
    OK(peeked, co_await sys.receive(pair.second, 100, peek));
    NEED(words(peeked) == "hello world");
    OK(part, co_await sys.receive(pair.second, 8));
    NEED(words(part) == "hello wo");
    // The buffer takes recvspace, then says so.
    OK(filled, co_await sys.send(pair.first, octets(std::string(100000, 'x')), later));
    NEED(filled == 8192 - 3);
    FAILS(eagain, co_await sys.send(pair.first, octets("y"), later));
    std::vector<PollItem> items{
        {.fd = pair.first, .want_read = false, .want_write = true, .ready = {}}};
    OK(full, co_await sys.poll(items, SimTime()));
    NEED(!full[0].ready.writable);
    OK(rest, co_await sys.receive(pair.second, 100000));
    NEED(rest.octets.size() == 8192);
    OK(room, co_await sys.poll(items, SimTime()));
    NEED(room[0].ready.writable);
    // A child sends more than fits, slowly read with MSG_WAITALL.
    const Fd end = pair.first;
    SpawnRequest child{.args = {"writer"}, .program = {}, .descriptors = {}};
    child.program = [](Sys& in, Args) -> Task<int> {
      const auto all = co_await in.send(Fd(3), octets(std::string(50000, 'z')));
      co_return all&&* all == 50000 ? 0 : 1;
    };
    child.descriptors.emplace_back(Fd(3), end);
    OK(pid, co_await sys.spawn(child));
    co_await sys.close(pair.first);
    const ReceiveOptions all{.wait_all = true};
    OK(whole, co_await sys.receive(pair.second, 50000, all));
    NEED(whole.octets.size() == 50000);
    OK(ended, co_await sys.wait(pid));
    NEED(ended.second == 0);
    OK(nothing, co_await sys.receive(pair.second, 10));
    NEED(nothing.octets.empty());
    const SendOptions silent{.no_signal = true};
    FAILS(epipe, co_await sys.send(pair.second, octets("x"), silent));
    sys.set_signal(Signal::pipe, SignalAction::ignore);
    FAILS(epipe, co_await sys.write(pair.second, "x"));
    co_return 0;
  });
  CHECK(wrong_line == 0);
  // Without a handler SIGPIPE ends the writer: 128 + 13.
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    OK(pair, co_await sys.socket_pair(Af::local, SocketType::stream));
    NEED(co_await sys.shutdown(pair.second, ShutdownHow::write));
    OK(end, co_await sys.receive(pair.first, 10));
    NEED(end.octets.empty());
    OK(still, co_await sys.send(pair.first, octets("half closed")));
    OK(got, co_await sys.receive(pair.second, 100));
    NEED(words(got) == "half closed");
    (void)co_await sys.send(pair.second, octets("x"));
    co_return 0;
  });
  CHECK(wrong_line == 141);
}

TEST_CASE("datagrams and records keep their borders and their limits") {
  LabFixture lab(one);
  int wrong_line = 0;
  lab.run("a", "sysctl net.local.dgram.maxdgram=1000 net.local.dgram.recvspace=2048");
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    const SockAddr one = at("/tmp/one"), two = at("/tmp/two");
    OK(first, co_await sys.socket(Af::local, SocketType::datagram));
    OK(second, co_await sys.socket(Af::local, SocketType::datagram));
    NEED(co_await sys.bind(first, one));
    NEED(co_await sys.bind(second, two));
    SendOptions to_two;
    to_two.to = two;
    FAILS(emsgsize, co_await sys.send(first, octets(std::string(1001, 'x')), to_two));
    OK(big, co_await sys.send(first, octets(std::string(1000, 'x')), to_two));
    OK(next, co_await sys.send(first, octets("small"), to_two));
    FAILS(enobufs, co_await sys.send(first, octets(std::string(1000, 'x')), to_two));
    OK(cut, co_await sys.receive(second, 10));
    NEED(cut.octets.size() == 10 && cut.length == 1000 && cut.from == one);
    OK(small, co_await sys.receive(second, 10));
    NEED(words(small) == "small");
    NEED(co_await sys.connect(first, two));
    FAILS(eisconn, co_await sys.send(first, octets("x"), to_two));
    NEED(sys.peer_name(first)->path == PathName("/tmp/two"));
    FAILS(einval, sys.peer_credentials(first));
    NEED(co_await sys.close(second));
    FAILS(econnreset, co_await sys.send(first, octets("x")));
    FAILS(enotconn, co_await sys.send(first, octets("x")));
    FAILS(econnrefused, co_await sys.send(first, octets("x"), to_two));

    OK(pair, co_await sys.socket_pair(Af::local, SocketType::seqpacket));
    OK(a, co_await sys.send(pair.first, octets("abc")));
    OK(b, co_await sys.send(pair.first, octets("de")));
    OK(abc, co_await sys.receive(pair.second, 2));
    NEED(words(abc) == "ab" && abc.length == 3);
    OK(de, co_await sys.receive(pair.second, 100));
    NEED(words(de) == "de");
    FAILS(emsgsize, co_await sys.send(pair.first, octets(std::string(8193, 'x'))));
    FAILS(eprotonosupport, co_await sys.socket(Af::local, SocketType::raw));
    FAILS(eopnotsupp, co_await sys.socket_pair(Af::inet, SocketType::datagram));
    co_return 0;
  });
  CHECK(wrong_line == 0);
}

TEST_CASE("descriptors and credentials travel with a message") {
  LabFixture lab(one);
  int wrong_line = 0;
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    OK(pair, co_await sys.socket_pair(Af::local, SocketType::stream));
    OK(file, co_await sys.open("/tmp/passed", OpenMode::write));
    SendOptions with;
    with.descriptors = {file};
    with.credentials = true;
    FAILS(
        ebadf, co_await [](Sys& s, Fd fd) -> Task<Result<size_t>> {
          SendOptions bad;
          bad.descriptors = {Fd(99)};
          co_return co_await s.send(fd, octets("x"), bad);
        }(sys, pair.first));
    OK(sent, co_await sys.send(pair.first, octets("take it"), with));
    NEED(co_await sys.close(file));
    NEED(sys.sysctl("net.local.inflight") == std::string("1"));
    OK(plain, co_await sys.send(pair.first, octets("plain")));
    OK(got, co_await sys.receive(pair.second, 100));
    NEED(words(got).starts_with("take it"));
    NEED(got.control && got.control->descriptors.size() == 1);
    NEED(got.control->credentials && got.control->credentials->pid == sys.pid());
    NEED(co_await sys.write(got.control->descriptors[0], "through\n"));
    NEED(sys.sysctl("net.local.inflight") == std::string("0"));
    NEED(co_await sys.set_option(pair.second, SocketOption::local_creds, 1));
    OK(asked, co_await sys.send(pair.first, octets("who")));
    OK(who, co_await sys.receive(pair.second, 100));
    NEED(who.control && who.control->credentials);
    OK(again, co_await sys.send(pair.first, octets("who")));
    OK(silent, co_await sys.receive(pair.second, 100));
    NEED(!silent.control);
    co_return 0;
  });
  CHECK(wrong_line == 0);
  CHECK(lab.run("a", "cat /tmp/passed").output == "through\n");
}

TEST_CASE("descriptors in flight are freed when nobody can take them") {
  LabFixture lab(one);
  int wrong_line = 0;
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    // Closed before it was read.
    OK(pair, co_await sys.socket_pair(Af::local, SocketType::stream));
    OK(pipe, co_await sys.pipe());
    SendOptions with;
    with.descriptors = {pipe.second};
    OK(sent, co_await sys.send(pair.first, octets("x"), with));
    NEED(co_await sys.close(pipe.second));
    NEED(co_await sys.close(pair.second));
    OK(end, co_await sys.read(pipe.first, 10));
    NEED(end.empty());
    NEED(sys.sysctl("net.local.inflight") == std::string("0"));
    // A socket in its own peer's queue, and two in each other's: only they hold themselves.
    for (int round = 0; round < 3; ++round) {
      OK(one, co_await sys.socket_pair(Af::local, SocketType::stream));
      OK(two, co_await sys.socket_pair(Af::local, SocketType::stream));
      SendOptions first, second;
      first.descriptors = {one.first, one.second};
      second.descriptors = {two.second};
      OK(a, co_await sys.send(two.first, octets("x"), first));
      OK(b, co_await sys.send(one.first, octets("x"), second));
      for (Fd fd : {one.first, one.second, two.first}) NEED(co_await sys.close(fd));
      // While the last is open, they can still be received.
      NEED(sys.sysctl("net.local.inflight") == std::string("3"));
      NEED(co_await sys.close(two.second));
      NEED(sys.sysctl("net.local.inflight") == std::string("0"));
    }
    NEED(sys.sysctl("net.local.sockcount") == std::string("1"));
    co_return 0;
  });
  CHECK(wrong_line == 0);
  CHECK(lab.run("a", "sysctl -n net.local.sockcount").output == "0\n");
}

TEST_CASE("a daemon leaves its parent, which sees it end well, and lives on under a new pid") {
  LabFixture lab(one);
  int wrong_line = 0;
  wrong_line = run_program(lab, [](Sys& sys, Args) -> Task<int> {
    SpawnRequest child{.args = {"daemon"}, .program = {}, .descriptors = {}};
    child.program = [](Sys& in, Args) -> Task<int> {
      const Pid before = in.pid();
      if (!co_await in.daemon()) co_return 1;
      if (in.pid() == before || in.folder() != "/") co_return 2;
      co_await in.sleep(5_s);
      const auto out = co_await in.open("/tmp/late", OpenMode::write);
      if (out) co_await in.write(*out, "done\n");
      co_return 3;
    };
    OK(pid, co_await sys.spawn(child));
    OK(ended, co_await sys.wait(pid));
    NEED(ended.first == pid && ended.second == 0);
    NEED(sys.now() < 1_s);
    NEED(!sys.stat("/tmp/late"));
    co_return 0;
  });
  CHECK(wrong_line == 0);
  CHECK(lab.run("a", "cat /tmp/late").output == "done\n");
}

TEST_CASE("jails meet at a socket in a folder that both see, and only there") {
  LabFixture lab(one);
  lab.run("a", "mkdir -p /jails/one/shared /jails/two");
  lab.run("a", "jail -c name=sees path=/jails vnet persist");
  lab.run("a", "jail -c name=one path=/jails/one vnet persist");
  lab.run("a", "jail -c name=two path=/jails/two vnet persist");
  lab.run("a", "jexec one nc -lkU /shared/s > /tmp/got &");
  CHECK(lab.run("a", "jexec sees ls -l /one/shared/s").output.starts_with("s"));
  CHECK(lab.run("a", "echo in | jexec sees nc -NU /one/shared/s").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("a", "cat /tmp/got").output == "in\n");
  CHECK(lab.run("a", "jexec two nc -U /shared/s").says("No such file or directory"));
  CHECK(lab.run("a", "jexec two nc -U /../one/shared/s").says("No such file or directory"));
  // A jail's death takes its socket, and leaves its name.
  lab.run("a", "jail -r one");
  CHECK(lab.run("a", "nc -U /jails/one/shared/s").says("Connection refused"));
}
