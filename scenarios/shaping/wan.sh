#!/bin/sh
# A wide area network on one wire: bandwidth, delay and loss by dummynet.
#   name: wan
#   nodes:
#     wan: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     a: {interfaces: {em0: {addresses: [10.0.1.2/24]}}, routes: [{to: default, via: 10.0.1.1}]}
#     b: {interfaces: {em0: {addresses: [10.0.2.2/24]}}, routes: [{to: default, via: 10.0.2.1}]}
#   links: ["a -- wan:em0", "wan:em1 -- b"]
#   events: [{at: 4s, node: b, exec: [iperf3 -s > /dev/null &]}]
# The same stacks as the YAML at 400ms: wan
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet 10.0.1.1/24
ifconfig em1 inet 10.0.2.1/24
ipfw -q pipe 1 config bw 2Mbit/s delay 40 queue 40
ipfw -q pipe 2 config bw 2Mbit/s delay 40 queue 40 plr 0.05
ipfw -q add 100 pipe 1 ip from any to any out xmit em1
ipfw -q add 110 pipe 2 ip from any to any out xmit em0
ipfw -q add 200 allow ip from any to any
# -- compared here
STACKYARD_AT=a ping -c 2 -s 100 10.0.2.2
sleep 5
STACKYARD_AT=a iperf3 -c 10.0.2.2 -t 5
ipfw pipe show
dnctl pipe 1 config bw 8Mbit/s delay 5
STACKYARD_AT=a ping -c 1 10.0.2.2
ipfw pipe delete 2
STACKYARD_AT=a ping -c 1 -t 1 10.0.2.2; echo "a rule without its pipe: $?"
