#!/bin/sh
# The same gateway with a program in the middle: ipfw diverts packets to natd, which gives them back.
#   name: divert
#   nodes:
#     gw: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     pc: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, routes: [{to: default, via: 10.0.0.1}]}
#     srv: {interfaces: {em0: {addresses: [203.0.113.9/24]}}}
#   links: ["pc -- gw:em0", "gw:em1 -- srv"]
# The same stacks as the YAML at 1s: gw
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet 10.0.0.1/24
ifconfig em1 inet 203.0.113.1/24
natd -interface em1 -deny_incoming -redirect_port tcp 10.0.0.2:80 8080
ipfw -q add 100 divert natd ip from any to any via em1
ipfw -q add 200 allow ip from any to any
# -- compared here
STACKYARD_AT=pc ping -c 2 203.0.113.9
STACKYARD_AT=srv nc -z -w 1 203.0.113.1 22; echo "nobody asked: $?"
ipfw show
pkill natd
STACKYARD_AT=pc ping -c 1 -t 1 203.0.113.9; echo "nobody listens: $?"
