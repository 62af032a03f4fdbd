#!/bin/sh
# Background jobs, pipes, daemons and signals: none hangs, none runs away, each is the same every time.
#   nodes: [pc1, pc2]
#   links: [pc1 -- pc2]
nc -l 80 > got.txt & n=$!
sleep 1
echo hello | nc -N 127.0.0.1 80
wait $n; echo "nc: $?, $(cat got.txt)"
ping -f 10.0.0.2 > flood.txt & p=$!
sleep 2
kill -INT $p; wait $p; echo "ping -f: $?"
tail -2 flood.txt
timeout 3 nc -l 81; echo "timeout: $?"
timeout 3 sleep 1; echo "in time: $?"
jail -c name=a vnet persist
jexec a ifconfig lo0 127.0.0.1/8 up
(sleep 1; echo abc | jexec a nc -N 127.0.0.1 80) &
jexec a nc -l 80 | wc -c
x=$(sysctl -n kern.ostype); echo "x=$x"
jexec a sh -c 'echo "in $STACKYARD_AT"; ping -q -c 1 127.0.0.1 | grep received'
jexec a sh -c 'ping 127.0.0.1 > /dev/null; echo never' & j=$!
cat > inetd.conf <<'CONF'
echo stream tcp nowait root internal
echo dgram udp wait root internal
CONF
inetd -p "$PWD/inetd.pid" inetd.conf; echo "inetd: $?"
sleep 1
echo "by tcp" | nc -N 127.0.0.1 7
echo "by udp" | nc -u -w 1 127.0.0.1 7
kill "$(cat inetd.pid)"; sleep 1
test -e inetd.pid || echo "inetd has gone"
inetd -p "$PWD/inetd.pid" inetd.conf
sleep 1
killall inetd; sleep 1
test -e inetd.pid || echo "and again"
tcpdump -l -U --immediate-mode -i em0 -w cap.pcap icmp 2> /dev/null & t=$!
sleep 0.5
ping -i .1 -c 3 10.0.0.2 > /dev/null
kill $t; wait $t
tcpdump -n -r cap.pcap | wc -l
jexec a nc -lU /tmp/s.sock > unix.txt & u=$!
sleep 1
echo "over a socket" | jexec a nc -NU /tmp/s.sock
wait $u; cat unix.txt
for i in 1 2 3; do ping -c 1 -t 1 10.0.0.2 > /dev/null && echo "up $i"; done
jail -r a
wait $j; echo "killed with its jail: $?"
netstat -an -p tcp | grep -c LISTEN
sockstat -4l
jexec a true; echo "no jail: $?"
(echo one; echo two) | while read line; do ping -c 1 10.0.0.2 > /dev/null; echo "$line"; done
sleep 1800; echo done
