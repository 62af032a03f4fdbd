#!/bin/sh
# Bufferbloat, cured: the same long queue, but fq_codel lets nobody wait for somebody else's packets.
#   name: no-bloat
#   nodes:
#     home: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     pc: {interfaces: {em0: {addresses: [10.0.1.2/24]}}, routes: [{to: default, via: 10.0.1.1}]}
#     srv: {interfaces: {em0: {addresses: [10.0.2.2/24]}}, routes: [{to: default, via: 10.0.2.1}]}
#   links: ["pc -- home:em0", {endpoints: "home:em1 -- srv", impair: {delay: 10ms}}]
#   events:
#     - {at: 5s, node: srv, exec: [iperf3 -s > /dev/null &]}
#     - {at: 6s, node: pc, exec: [iperf3 -c 10.0.2.2 -t 8 > /dev/null]}
#     - {at: 30s, node: pc, exec: [iperf3 -c 10.0.2.2 -t 8 > /dev/null]}
# The same stacks as the YAML at 400ms: home
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet 10.0.1.1/24
ifconfig em1 inet 10.0.2.1/24
ipfw -q pipe 1 config bw 10Mbit/s
ipfw -q sched 1 config type fq_codel
ipfw -q queue 1 config sched 1 queue 100
ipfw -q add 100 queue 1 ip from any to any out xmit em1
ipfw -q add 200 allow ip from any to any
# -- compared here
sleep 9
STACKYARD_AT=pc ping -q -c 3 10.0.2.2
ipfw sched show
sleep 5
ipfw -q sched 1 config type fifo
sleep 15
STACKYARD_AT=pc ping -q -c 3 10.0.2.2
ipfw sched show
