#!/bin/sh
# Two jails on a bridge, each with its own firewall, and a machine without one.
#   name: own-firewalls
#   nodes: {srv: {}, pc: {}}
#   links: [pc -- srv]
# The same stacks as the YAML at 2s: srv srv/a srv/b
ifconfig epair create
ifconfig epair create
jail -c name=a vnet persist vnet.interface=epair0b
jail -c name=b vnet persist vnet.interface=epair1b
jexec a ifconfig lo0 inet 127.0.0.1/8
jexec a ifconfig epair0b inet 192.168.77.1/24
jexec b ifconfig lo0 inet 127.0.0.1/8
jexec b ifconfig epair1b inet 192.168.77.2/24
ifconfig bridge0 create addm epair0a addm epair1a up
ifconfig epair0a up
ifconfig epair1a up
ifconfig bridge0 inet 192.168.77.100/24
sleep 2
# -- compared here
jexec a ping -c 1 -t 2 192.168.77.2
jexec a ipfw -q add 100 allow icmp from any to any
jexec b ipfw -q add 100 deny icmp from 192.168.77.1 to any
jexec b ipfw -q add 200 allow ip from any to any
jexec a ping -c 1 -t 1 192.168.77.2; echo "refused: $?"
ping -c 1 -t 2 192.168.77.2
jexec a ipfw list
jexec b ipfw show
ipfw list; echo "the machine itself: $?"
