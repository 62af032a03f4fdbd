#!/bin/sh
# Two jails on an epair: a cable between two stacks of one machine.
#   name: epair-jails
#   nodes: [srv, pc]
#   links: [pc -- srv]
# The same stacks as the YAML at 3s: srv srv/a srv/b
ifconfig epair create
jail -c name=a vnet persist vnet.interface=epair0a
jail -c name=b vnet persist vnet.interface=epair0b
for j in a b; do jexec $j ifconfig lo0 127.0.0.1/8 up; done
jexec a ifconfig epair0a 10.0.5.1/24
jexec b ifconfig epair0b 10.0.5.130/24
# -- compared here
jexec a ping -c 2 10.0.5.130
jexec b arp -an
ifconfig -l
ping -c 1 -t 1 10.0.5.1; echo "apart: $?"
jexec b ifconfig epair0b down
jexec a ifconfig epair0a | grep status
jexec b ifconfig epair0b up
jexec a ping -c 1 10.0.5.130 | grep received
