#!/bin/sh
# Jails, epairs and processes are made and destroyed in the midst of traffic, in every order.
#   name: destroy-storm
#   nodes: [srv, pc]
#   links: [pc -- srv]
# The same stacks as the YAML at 38s: srv
STACKYARD_AT=pc ping -q -i 0.01 -c 500 10.0.0.2 > pings & p=$!
i=0
while [ $i -lt 30 ]; do
  j=s$((i % 7))
  jail -c name=$j vnet persist
  e=$(ifconfig epair create)
  b=${e%a}b
  ifconfig $b vnet $j
  jexec $j ifconfig $b 10.1.0.2/24
  ifconfig $e 10.1.0.1/24
  jexec $j ping -q -i 0.0001 10.1.0.1 > /dev/null 2>&1 & f=$!
  jexec $j nc -u -l 7 > /dev/null 2>&1 &
  sleep 0.0$((i % 10))1
  case $((i % 3)) in
    0) ifconfig $e destroy; jail -r $j ;;
    1) jail -r $j; ifconfig $e destroy ;;
    2) ifconfig bridge1 create addm $e up; jail -r $j
       ifconfig bridge1 destroy; ifconfig $e destroy ;;
  esac > /dev/null
  wait $f; echo "$i: $?"
  i=$((i + 1))
done
wait $p
# -- compared here
tail -2 pings | head -1
jls
ifconfig -l
netstat -rn
