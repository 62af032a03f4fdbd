#!/bin/sh
# The same words by either clock: what a script says does not depend on the real machine's speed.
#   nodes: [pc1, pc2]
#   links: [pc1 -- pc2]
nc -l 80 > got.txt & n=$!
sleep 1
echo hello | nc -N 127.0.0.1 80
wait $n; echo "nc: $?, $(cat got.txt)"
ping -q -c 3 10.0.0.2 | grep received
timeout 1 nc -l 81; echo "timeout: $?"
nc -l 82 & n=$!
sleep 1
kill $n; sleep .1; wait $n; echo "killed: $?"
jail -c name=a vnet persist
jexec a sh -c 'sleep 1; echo "in $STACKYARD_AT"'
jail -r a; echo "removed: $?"
