#!/bin/sh
# Jails in jails: a tenant builds a lab of its own, and cannot see its neighbour.
#   name: nested-tenant
#   nodes: [srv]
# The same stacks as the YAML at 4s: srv srv/tenant srv/next srv/tenant/left srv/tenant/right
ifconfig epair8 create
ifconfig epair9 create
jail -c name=tenant vnet persist children.max=2 vnet.interface=epair9b
jail -c name=next vnet persist vnet.interface=epair8b
ifconfig epair9a 10.9.0.1/24
ifconfig epair8a 10.8.0.1/24
for j in tenant next; do jexec $j ifconfig lo0 127.0.0.1/8 up; done
jexec tenant ifconfig epair9b 10.9.0.2/24
jexec next ifconfig epair8b 10.8.0.2/24
jexec tenant sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1

# What follows is the tenant's own script: every command in it acts inside the jail.
jexec tenant sh -c '
  jail -c name=left vnet persist
  jail -c name=right vnet persist
  ifconfig epair0 create
  ifconfig epair0a vnet left
  ifconfig epair0b vnet right
  jexec left ifconfig epair0a 10.0.0.1/24
  jexec right ifconfig epair0b 10.0.0.2/24
  jail -c name=third vnet persist
'
# -- compared here
jexec tenant jexec left ping -c 1 10.0.0.2
jexec tenant jls name
jls name
jexec next jls -q name
jexec tenant jexec next true; echo "stranger: $?"
jexec next ping -c 1 10.8.0.1 | grep received
jexec tenant ping -c 1 -t 1 10.8.0.2; echo "apart: $?"
jail -r tenant
jls name
ifconfig -l
