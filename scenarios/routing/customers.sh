#!/bin/sh
# One router, two customers with the same addresses: a FIB for each keeps them apart.
#   name: customers
#   nodes:
#     isp: {interfaces: {em0: {addresses: none}, em1: {addresses: none}, em2: {addresses: none}, em3: {addresses: none}}}
#     red1: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, routes: [{to: default, via: 10.0.0.1}]}
#     red2: {interfaces: {em0: {addresses: [10.9.0.2/24]}}, routes: [{to: default, via: 10.9.0.1}]}
#     blue1: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, routes: [{to: default, via: 10.0.0.1}]}
#     blue2: {interfaces: {em0: {addresses: [10.9.0.2/24]}}, routes: [{to: default, via: 10.9.0.1}]}
#   links: ["red1 -- isp:em0", "isp:em1 -- red2", "blue1 -- isp:em2", "isp:em3 -- blue2"]
# The same stacks as the YAML at 1s: isp
sysctl net.inet.ip.forwarding=1
sysctl net.inet6.ip6.forwarding=1
ifconfig em0 fib 1 inet 10.0.0.1/24
ifconfig em1 fib 1 inet 10.9.0.1/24
ifconfig em2 fib 2 inet 10.0.0.1/24
ifconfig em3 fib 2 inet 10.9.0.1/24
# -- compared here
STACKYARD_AT=red1 ping -c 1 10.9.0.2
STACKYARD_AT=blue1 ping -c 1 10.9.0.2
netstat -rn
netstat -rn -F 1
netstat -rn -F 2
ping -c 1 10.9.0.2; echo "without a FIB: $?"
setfib 2 ping -c 1 10.9.0.2
setfib 2 route -n get 10.9.0.2
route add -fib 1-2 192.168.7.0/24 10.9.0.2
route add -fib 0-2 192.168.8.0/24 10.9.0.2; echo "in some of them: $?"
route delete -fib all 192.168.7.0/24; echo "not in all of them: $?"
