#!/bin/sh
# Two jails on one epair, then on a bridge with the host and the world.
#   name: bridge-jails
#   nodes: {srv: {interfaces: {em0: {addresses: none}}}, pc: {interfaces: {em0: {addresses: [10.0.5.10/24]}}}}
#   links: [{name: wire, endpoints: pc -- srv}]
# The same stacks as the YAML at 10s: srv srv/a srv/b pc
ifconfig epair create
jail -c name=a vnet persist vnet.interface=epair0a
jail -c name=b vnet persist vnet.interface=epair0b
for j in a b; do jexec $j ifconfig lo0 127.0.0.1/8 up; done
jexec a ifconfig epair0a 10.0.5.1/24
jexec b ifconfig epair0b 10.0.5.2/24
jexec a ping -c 1 10.0.5.2

jexec a ifconfig epair0a destroy
ifconfig bridge0 create addm em0 up
ifconfig epair1 create && ifconfig epair1a up && ifconfig epair1b vnet a
ifconfig epair2 create && ifconfig epair2a up && ifconfig epair2b vnet b
jexec a ifconfig epair1b 10.0.5.1/24
jexec b ifconfig epair2b 10.0.5.2/24
ifconfig bridge0 addm epair1a addm epair2a
ifconfig bridge0 inet 10.0.5.100/24
# -- compared here
jexec b ifconfig -l
jexec a ping -c 1 -t 2 10.0.5.2
ping -c 1 -t 2 10.0.5.1
jexec b ping -c 1 -t 2 10.0.5.10
jexec b ping -c 1 -t 2 10.0.5.100
ifconfig bridge0 addr | sort
