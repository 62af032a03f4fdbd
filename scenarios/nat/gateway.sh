#!/bin/sh
# A private network behind one address: translation outwards, a redirected port inwards, and hairpin.
#   name: gateway
#   nodes:
#     gw: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     pc1: {interfaces: {em0: {addresses: [10.0.0.2/24]}}, routes: [{to: default, via: 10.0.0.1}]}
#     pc2: {interfaces: {em0: {addresses: [10.0.0.3/24]}}, routes: [{to: default, via: 10.0.0.1}]}
#     web:
#       interfaces: {em0: {addresses: [10.0.0.80/24]}}
#       routes: [{to: default, via: 10.0.0.1}]
#       files: {/var/www/index.html: the inside page}
#       services: [httpd]
#     lan: {kind: switch}
#     srv: {interfaces: {em0: {addresses: [203.0.113.9/24]}}, files: {/var/www/index.html: the outside page}, services: [httpd]}
#   links: ["pc1 -- lan", "pc2 -- lan", "web -- lan", "gw:em0 -- lan", "gw:em1 -- srv"]
# The same stacks as the YAML at 1s: gw
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet 10.0.0.1/24
ifconfig em1 inet 203.0.113.1/24
ipfw -q nat 1 config if em1 same_ports deny_in redirect_port tcp 10.0.0.80:80 8080
ipfw -q nat 2 config ip 10.0.0.1
ipfw -q add 50 nat 1 ip from 10.0.0.0/24 to 203.0.113.1 in recv em0
ipfw -q add 60 nat 2 tcp from 10.0.0.0/24 to 10.0.0.80 80 out xmit em0
ipfw -q add 70 nat 2 tcp from 10.0.0.80 80 to 10.0.0.1 in recv em0
ipfw -q add 80 nat 1 tcp from 10.0.0.80 80 to 10.0.0.0/24 out xmit em0
ipfw -q add 100 nat 1 ip from any to any via em1
ipfw -q add 200 allow ip from any to any
# -- compared here
STACKYARD_AT=pc1 ping -c 1 203.0.113.9
STACKYARD_AT=pc2 fetch -q -o - http://203.0.113.9/
STACKYARD_AT=srv fetch -q -o - http://203.0.113.1:8080/
STACKYARD_AT=pc1 fetch -q -o - http://203.0.113.1:8080/
STACKYARD_AT=srv ping -c 1 -t 1 203.0.113.1; echo "nobody asked: $?"
ipfw nat show config
ipfw nat 1 show
ipfw show
