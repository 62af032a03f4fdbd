#!/bin/sh
# A firewall that nobody sees: a bridge that filters what it forwards.
#   name: invisible
#   nodes:
#     fw: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     pc: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, exec: ["nc -lk 22 > /dev/null &"]}
#     server: {interfaces: {em0: {addresses: [10.0.0.3/24]}}, exec: ["nc -lk 22 > /dev/null &", "nc -lk 80 > /dev/null &"]}
#   links: ["pc -- fw:em0", "fw:em1 -- server"]
# The same stacks as the YAML at 900ms: fw
ifconfig bridge0 create addm em0 addm em1 up
ifconfig em0 up
ifconfig em1 up
sysctl net.link.bridge.pfil_member=1 net.link.bridge.pfil_bridge=0
ipfw -q add 100 allow tcp from any to 10.0.0.3 80 setup in recv em0 keep-state
ipfw -q add 200 allow icmp from any to any
ipfw -q add 300 deny tcp from any to any 22
ipfw -q add 400 deny ip from any to any
# -- compared here
STACKYARD_AT=pc ping -c 1 -t 2 10.0.0.3
STACKYARD_AT=pc nc -z -w 2 10.0.0.3 80; echo "web: $?"
STACKYARD_AT=pc nc -z -w 2 10.0.0.3 22; echo "shell: $?"
ipfw show
sysctl net.link.bridge.pfil_member=0
STACKYARD_AT=pc nc -z -w 2 10.0.0.3 22; echo "unfiltered: $?"
