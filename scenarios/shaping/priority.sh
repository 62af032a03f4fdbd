#!/bin/sh
# Three classes share a slow link by weights (WF2Q+).
#   name: priority
#   nodes:
#     r: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     a: {interfaces: {em0: {addresses: [10.0.1.2/24]}}, routes: [{to: default, via: 10.0.1.1}]}
#     b: {interfaces: {em0: {addresses: [10.0.2.2/24]}}, routes: [{to: default, via: 10.0.2.1}]}
#   links: ["a -- r:em0", "r:em1 -- b"]
#   events:
#     - {at: 5s, node: b, exec: [iperf3 -s -p 5001 > /dev/null &, iperf3 -s -p 5002 > /dev/null &]}
#     - {at: 6s, node: a, exec: [iperf3 -c 10.0.2.2 -p 5001 -t 5 > /dev/null &, iperf3 -c 10.0.2.2 -p 5002 -t 20 > /dev/null]}
# The same stacks as the YAML at 500ms: r
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet 10.0.1.1/24
ifconfig em1 inet 10.0.2.1/24
ipfw -q pipe 1 config bw 4Mbit/s
ipfw -q queue 1 config pipe 1 weight 70
ipfw -q queue 2 config pipe 1 weight 20
ipfw -q queue 3 config pipe 1 weight 10
ipfw -q add 100 queue 1 ip from any to any 5001 out xmit em1
ipfw -q add 110 queue 2 ip from any to any 5002 out xmit em1
ipfw -q add 120 queue 3 ip from any to any out xmit em1
ipfw -q add 200 allow ip from any to any
# -- compared here
sleep 12
ipfw queue show
sleep 10
ipfw queue show
ipfw sched show
