#!/bin/sh
# An isolated jail: its stack is bare, and even 127.0.0.1 answers only when lo0 is up.
#   name: isolated-jail
#   nodes: [srv, pc]
#   links: [pc -- srv]
# The same stacks as the YAML at 6s: srv srv/alone srv/ready
jail -c name=alone vnet allow.raw_sockets persist
jail -c name=ready vnet allow.raw_sockets persist
jexec ready ifconfig lo0 127.0.0.1/8 up
jls -s name vnet
jexec alone ifconfig
jexec alone ping -c 1 -t 2 127.0.0.1; echo "deaf: $?"
jexec ready ping -c 1 127.0.0.1
jexec alone ifconfig lo0 127.0.0.1/8
jexec alone ifconfig lo0 up
# -- compared here
jexec alone ping -c 1 127.0.0.1
jexec alone ping -c 1 -t 1 10.0.0.1; echo "alone: $?"
ping -c 1 10.0.0.1
