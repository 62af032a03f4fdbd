#!/bin/sh
# A jail is the router between two LANs, with two of its machine's NICs.
#   name: router-jail
#   nodes:
#     fw: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     pc1: {interfaces: {em0: {addresses: [10.1.0.2/24]}}, routes: [{to: default, via: 10.1.0.1}]}
#     pc2: {interfaces: {em0: {addresses: [10.1.0.3/24]}}, routes: [{to: default, via: 10.1.0.1}]}
#     pc3: {interfaces: {em0: {addresses: [10.2.0.2/24]}}, routes: [{to: default, via: 10.2.0.1}]}
#     sw: {kind: switch}
#   links: [pc1 -- sw, pc2 -- sw, "fw:em0 -- sw", "fw:em1 -- pc3"]
# The same stacks as the YAML at 3s: fw fw/gate
jail -c name=gate vnet persist vnet.interface=em0,em1
jexec gate ifconfig em0 10.1.0.1/24
jexec gate ifconfig em1 10.2.0.1/24
jexec gate sysctl net.inet.ip.forwarding=1
# -- compared here
STACKYARD_AT=pc1 ping -c 1 pc3
STACKYARD_AT=pc2 traceroute -n pc3
sysctl -n net.inet.ip.forwarding
jexec gate sysctl net.inet.ip.forwarding=0
STACKYARD_AT=pc1 ping -c 1 -t 1 pc3; echo "stopped: $?"
jail -r gate
ifconfig -l
jls
