#!/bin/sh
# Three stacks of one machine on one segment: each answers for its own address only.
#   name: one-segment
#   nodes:
#     srv: {interfaces: {em0: {addresses: none, mac: "02:00:00:00:00:01"}, em1: {addresses: none}, em2: {addresses: none}}}
#     pc: {interfaces: {em0: {addresses: [10.0.0.1/24]}}}
#   links: [{name: wire, endpoints: ["srv:em0", "srv:em1", "srv:em2", pc]}]
# The same stacks as the YAML at 100ms: srv srv/a srv/b
jail -c name=a vnet persist vnet.interface=em1
jail -c name=b vnet persist vnet.interface=em2
jexec a ifconfig em1 name em0
jexec b ifconfig em2 name em0
jexec a ifconfig em0 ether 02:00:00:00:00:0a
jexec b ifconfig em0 ether 02:00:00:00:00:0b
ifconfig em0 10.0.0.11/24
jexec a ifconfig em0 10.0.0.12/24
jexec b ifconfig em0 10.0.0.13/24
# -- compared here
for n in 11 12 13; do STACKYARD_AT=pc ping -c 1 10.0.0.$n | grep received; done
jexec a ping -c 1 10.0.0.13
ping -c 1 10.0.0.12
STACKYARD_AT=pc arp -an | sed 's/expires in [0-9]* seconds/expires/'
jexec b arp -an | sed 's/expires in [0-9]* seconds/expires/'
