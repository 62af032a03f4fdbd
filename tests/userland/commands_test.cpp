// tests/userland/commands_test.cpp - the commands that scripts of served labs use.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/lab_fixture.h"

using namespace stackyard;

namespace {
const char* const two = "nodes: [a, b]\nlinks: [a -- b]\n";

struct Line {
  const char* script;
  const char* output;
};
constexpr Line lines[] = {
    // Signals, jobs, traps.
    {"kill -l 15; kill -l 143; kill -l TERM", "TERM\nTERM\n15\n"},
    {"sleep 100 & kill -s HUP $!; wait $!; echo $?", "129\n"},
    {"sleep 100 & kill %1; wait %1; echo $?", "143\n"},
    {"sleep 100 & kill -0 $! && echo there; kill -9 $!; wait; kill -0 $!",
     "there\nkill: 101: No such process\n"},
    {"sleep 100 & jobs", "[1] + Running                 sleep 100\n"},
    {"sleep 1 & sleep 2; jobs; jobs", "[1] + Done                    sleep 1\n"},
    {"kill -FOO 1 2>&1 | head -1", "kill: unknown signal FOO; valid signals:\n"},
    {"kill abc", "kill: illegal process id: abc\n"},
    {"trap 'echo caught' TERM; kill $$; echo after", "caught\nafter\n"},
    {"trap 'echo bye' EXIT; echo hello", "hello\nbye\n"},
    {"trap '' TERM; kill $$; echo alive; trap - TERM", "alive\n"},
    {"sleep 10 & kill -STOP $!; sleep 20; kill -0 $! && echo waits; kill -CONT $!; wait; echo done",
     "waits\ndone\n"},
    {"sleep 100 & sleep 100 & killall sleep; wait; echo $?; killall sleep; echo $?",
     "0\nNo matching processes were found\n1\n"},
    {"sleep 100 & pgrep -x sleep; pkill slee; pgrep sleep; echo $?", "101\n1\n"},
    // Digests: RFC 1321 A.5, FIPS 180-4's examples, POSIX's cksum of the same octets.
    {"md5 -s abc; printf abc | md5",
     "MD5 (\"abc\") = 900150983cd24fb0d6963f7d28e17f72\n"
     "900150983cd24fb0d6963f7d28e17f72\n"},
    {"printf abc > x; sha1 -q x; sha256 -r x; cksum x",
     "a9993e364706816aba3e25717850c26c9cd0d89d\n"
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad x\n1219131554 3 x\n"},
    {"md5 none; echo $?", "md5: none: No such file or directory\n1\n"},
    {"yes ab | head -c 7; echo; echo abcdef | tail -c 3", "ab\nab\na\nef\n"},
    // Buffers and timers: kept alive for two hours from a second ago.
    {"nc -l -k 127.0.0.1 70 & sleep 1; sleep 9 | nc -p 71 127.0.0.1 70 & sleep 1; netstat -xn | "
     "sed -n '2p;3p' | cut -c 68-",
     "R-HIWA S-HIWA R-LOWA S-LOWA R-BCNT S-BCNT R-BMAX S-BMAX    rexmt persist    keep    2msl  "
     "delack rcvtime\n"
     " 65536  32768      1   2048      0      0 524288 262144     0.00    0.00 7198.99    0.00    "
     "0.00    1.00\n"},
    // What never ends is read only as far as is asked.
    {"head -c 3000 /dev/zero | wc -c; cat /dev/zero | head -c 10 | wc -c", "    3000\n      10\n"},
    {"seq 3 > x; seq 4 6 > y; head -n 1 x y; cat none x - < y 2> /dev/null; echo $?",
     "==> x <==\n1\n\n==> y <==\n4\n1\n2\n3\n4\n5\n6\n1\n"},
    {"cat /tmp; echo $?; head -n 1 /tmp; echo $?",
     "cat: /tmp: Is a directory\n1\nhead: /tmp: Is a directory\n1\n"},
    // Time.
    {"sleep 1.5; sleep 0.5; date +%s", "2\n"},
    {"sleep 2m; date +%s", "120\n"},
    {"sleep x 2>&1 | head -1", "sleep: invalid time interval: x\n"},
    {"timeout 2 sleep 100; echo $?; date +%s", "124\n2\n"},
    {"timeout 5 sleep 1; echo $?; date +%s", "0\n1\n"},
    {"timeout 1 sh -c 'sleep 100 | cat'; echo $?; pgrep sleep; echo $?", "124\n1\n"},
    {"timeout -s KILL 1 sleep 9; echo $?; timeout 1 nosuch; echo $?",
     "137\ntimeout: exec(nosuch): No such file or directory\n127\n"},
    {"timeout --preserve-status 1 sleep 9; echo $?", "143\n"},
    // sysctl.
    {"sysctl -n kern.features.inet; sysctl -n kern.features.vimage", "1\n1\n"},
    {"sysctl -i net.none; echo $?; sysctl -q net.none; echo $?", "0\n1\n"},
    {"sysctl -n net.inet.ip.ttl=33; sysctl -e net.inet.ip.ttl", "64 -> 33\nnet.inet.ip.ttl=33\n"},
    {"sysctl -x net.inet.ip.ttl; sysctl -N net.inet.ip.ttl; sysctl -t net.inet.ip.ttl",
     "net.inet.ip.ttl: 0x40\nnet.inet.ip.ttl\nnet.inet.ip.ttl: integer\n"},
    {"sysctl kern.ostype=Linux; echo $?", "sysctl: oid 'kern.ostype' is read only\n1\n"},
    {"sysctl net.inet.ip.ttl=many", "sysctl: invalid integer 'many'\n"},
    {"sysctl net.inet.ip=1", "sysctl: oid 'net.inet.ip' isn't a leaf node\n"},
    {"sysctl -aW | grep -c ostype", "0\n"},
    // Modules, services.
    {"kldstat -q -m if_epair; echo $?; kldload -n pf; echo $?; kldload pf; echo $?",
     "0\n0\nkldload: can't load pf: module already loaded or in kernel\n1\n"},
    {"service nosuch start; echo $?",
     "nosuch does not exist in /etc/rc.d or the local startup\ndirectories (/usr/local/etc/rc.d), "
     "or is not executable\n1\n"},
    {"service inetd status; echo $?", "inetd is not running.\n1\n"},
    {"service inetd start; echo $?",
     "Cannot 'start' inetd. Set inetd_enable to YES in /etc/rc.conf or use 'onestart' instead of "
     "'start'.\n1\n"},
    {"basename /a/b.txt .txt; dirname /a/b /c x; id -u", "b\n/a\n/\n.\n0\n"},
    {"printf '\\101\\0602\\t|%s' x", "A02\t|x"},
    // nc's own grammar.
    {"nc -lks x 1; echo $?", "nc: cannot use -s and -l\n1\n"},
    {"nc -k a 1; echo $?", "nc: must use -l with -k\n1\n"},
    {"nc -u a 70000; nc -u a x", "nc: port number too large: 70000\nnc: port number invalid: x\n"},
    {"nc -w x a 1; echo $?", "nc: timeout invalid: x\n1\n"},
    {"nc -u -w 0 127.0.0.1 9; echo $?", "0\n"},
    {"sockstat -p 1-x; echo $?", "sockstat: 1-x: invalid port number\n1\n"},
    {"ping -c x 127.0.0.1; echo $?", "ping: invalid count of packets to transmit: `x'\n64\n"},
};
}  // namespace

TEST_CASE("commands have FreeBSD's words and statuses") {
  for (const Line& line : lines) {
    LabFixture lab("nodes: [a]\n");
    INFO(line.script);
    CHECK(lab.run("a", line.script).output == line.output);
  }
}

TEST_CASE("clustered options of nc work as separate ones") {
  LabFixture lab(two);
  lab.run("b", "nc -lku 7 > /tmp/heard &");
  lab.run("b", "sockstat -4l -P udp > /tmp/socks");
  CHECK(lab.run("b", "cat /tmp/socks").says("nc         "));
  CHECK(lab.run("a", "echo one | nc -4uNw 1 b 7").exit == 0);
  CHECK(lab.run("a", "echo two | nc -uNn -p 4000 -s 10.0.0.1 10.0.0.2 echo").exit == 0);
  lab.pass(1_s);
  CHECK(lab.run("b", "cat /tmp/heard").output == "one\ntwo\n");
  CHECK(lab.run("a", "nc -zvu b 7").output == "Connection to b 7 port [udp/echo] succeeded!\n");
  CHECK(lab.run("b", "killall nc; sleep 1; sockstat -q4l").output.empty());
}

TEST_CASE("inetd daemonises, serves datagrams and unix-domain sockets, rereads and ends") {
  LabFixture lab(two);
  lab.run("b",
          "cat > /tmp/inetd.conf <<END\n"
          "echo dgram udp wait root internal\n"
          "daytime dgram udp wait root internal\n"
          "/tmp/say stream unix nowait root /bin/echo echo hello from b\n"
          "/tmp/echo stream unix nowait root internal\n"
          "7777 dgram udp wait root /bin/cat cat\n"
          "END");
  CHECK(lab.run("b", "inetd -p /tmp/inetd.pid /tmp/inetd.conf").exit == 0);
  CHECK(lab.run("b", "kill -0 $(cat /tmp/inetd.pid) && ps").says("inetd"));
  CHECK(lab.run("b", "sockstat -4l").says("*:7"));
  CHECK(lab.run("a", "echo ping | nc -u -w 1 b echo").output == "ping\n");
  CHECK(lab.run("a", "echo x | nc -u -w 1 b daytime").says("Thu Jan  1 00:00"));
  CHECK(lab.run("b", "nc -U /tmp/say < /dev/null").output == "hello from b\n");
  CHECK(lab.run("b", "echo back | nc -NU /tmp/echo").output == "back\n");
  lab.run("b", "echo 'discard dgram udp wait root internal' > /tmp/inetd.conf");
  CHECK(lab.run("b", "kill -HUP $(cat /tmp/inetd.pid); sleep 1; sockstat -4lq").says("*:9"));
  CHECK(!lab.run("b", "sockstat -4l").says("*:7"));
  lab.run("b", "kill $(cat /tmp/inetd.pid)");
  lab.pass(1_s);
  CHECK(!lab.run("b", "ps").says("inetd"));
  CHECK(lab.run("b", "test -e /tmp/inetd.pid").exit == 1);
  lab.run("b", "echo inetd_enable=YES > /etc/rc.conf; cp /tmp/inetd.conf /etc/inetd.conf");
  CHECK(lab.run("b", "service inetd start").output == "Starting inetd.\n");
  CHECK(lab.run("b", "service inetd status").says("inetd is running as pid "));
  CHECK(lab.run("b", "service inetd stop").says("Stopping inetd.\nWaiting for PIDS: "));
  CHECK(lab.run("b", "service inetd status").exit == 1);
}

TEST_CASE("libxo's JSON can be parsed, and has FreeBSD's names") {
  LabFixture lab(two);
  lab.run("a", "ping -c 1 b");
  const auto parsed = [&](const std::string& command) {
    return nlohmann::json::parse(lab.run("a", command).output);
  };
  const auto arp = parsed("arp --libxo json -an")["arp"]["arp-cache"];
  REQUIRE(arp.size() == 2);
  CHECK(arp[1]["ip-address"] == "10.0.0.2");
  CHECK(arp[1]["interface"] == "em0");
  CHECK(arp[1]["expires"] > 1000);
  CHECK(lab.run("a", "arp --libxo json -an")
            .output.starts_with("{\"__version\": \"1\", \"arp\": {\"arp-cache\": [{\"hostname\":"));
  const auto family = parsed(
      "netstat -rn --libxo json")["statistics"]["route-information"]["route-table"]["rt-family"][0];
  CHECK(family["address-family"] == "Internet");
  CHECK(family["rt-entry"][0]["destination"] == "10.0.0.0/24");
  CHECK(family["rt-entry"][0]["interface-name"] == "em0");
  const auto interfaces = parsed("netstat -i --libxo json,pretty")["statistics"]["interface"];
  CHECK(interfaces[0]["name"] == "em0");
  CHECK(interfaces[0]["received-packets"] > 0);
  const auto all = parsed("netstat -s --libxo=json")["statistics"];
  CHECK(all["ip"]["sent-packets"] == 1);
  CHECK(all["icmp"]["input-histogram"][0]["name"] == "echo reply");
  CHECK(lab.run("a", "netstat --libxo xml -i").exit == 1);
}

TEST_CASE("ping floods with dots and backspaces, and ends by -o, -t and -c") {
  LabFixture lab(two);
  lab.run("a", "ping -c 1 b");
  const auto flood = lab.run("a", "ping -f -c 3 b");
  CHECK(flood.says(".\b.\b."));
  CHECK(flood.says("3 packets transmitted, 3 packets received, 0.0% packet loss"));
  CHECK(lab.run("a", "ping -o b").says("1 packets transmitted, 1 packets received"));
  CHECK(lab.run("a", "ping -i .1 -q -t 1 b").says("10 packets received"));
  CHECK(lab.run("a", "ping -c 1 -t 1 10.0.0.9").exit == 2);
  CHECK(lab.run("a", "ping -c 1 -p ff -s 10 -a b").says("\a18 bytes from 10.0.0.2"));
}

TEST_CASE("tcpdump writes each packet at once, so that a kill loses nothing") {
  LabFixture lab(two);
  lab.run("a", "tcpdump -lU --immediate-mode -i em0 -w /tmp/out.pcap icmp 2> /dev/null &");
  lab.run("a", "ping -c 2 b; killall -9 tcpdump");
  const auto read = lab.run("a", "tcpdump -nr /tmp/out.pcap -ttt");
  CHECK(read.says("ICMP echo request"));
  CHECK(read.says("00:00:01.0"));
}

TEST_CASE("netstat shows unix-domain sockets and interfaces that are down") {
  LabFixture lab(two);
  lab.run("a", "nc -lkU /tmp/s > /dev/null &");
  CHECK(lab.run("a", "netstat -f unix").says("stream      0      0"));
  CHECK(lab.run("a", "netstat -f unix").says(" /tmp/s\n"));
  CHECK(lab.run("a", "netstat -f ipx").output == "netstat: ipx: unknown address family\n");
  lab.run("a", "ifconfig em0 down");
  CHECK(lab.run("a", "netstat -i").says("em0*"));
}
