#!/bin/sh
# A network with IPv6 alone reaches the IPv4 world: addresses within addresses, and states at the border.
#   name: nat64
#   nodes:
#     gw: {interfaces: {em0: {addresses: none}, em1: {addresses: none}}}
#     pc1: {interfaces: {em0: {addresses: ["2001:db8:1::2/64"]}}, routes: [{to: "::/0", via: "2001:db8:1::1"}]}
#     pc2: {interfaces: {em0: {addresses: ["2001:db8:1::3/64"]}}, routes: [{to: "::/0", via: "2001:db8:1::1"}]}
#     lan: {kind: switch}
#     srv:
#       interfaces: {em0: {addresses: [198.51.100.9/24]}}
#       routes: [{to: 203.0.113.0/28, via: 198.51.100.1}]
#       files: {/var/www/index.html: an old page}
#       services: [httpd]
#   links: ["pc1 -- lan", "pc2 -- lan", "gw:em0 -- lan", "gw:em1 -- srv"]
# The same stacks as the YAML at 3s: gw
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet6 2001:db8:1::1/64
ifconfig em1 inet 198.51.100.1/24
ifconfig em1 inet6 -ifdisabled
ipfw -q nat64lsn NAT64 create prefix4 203.0.113.0/28 prefix6 64:ff9b::/96
ipfw -q add 100 nat64lsn NAT64 ip6 from 2001:db8:1::/64 to 64:ff9b::/96 in
ipfw -q add 110 nat64lsn NAT64 ip4 from any to 203.0.113.0/28 in
ipfw -q add 200 allow ip from any to any
sleep 3
# -- compared here
STACKYARD_AT=pc1 ping6 -c 2 64:ff9b::198.51.100.9
STACKYARD_AT=pc2 fetch -q -o - 'http://[64:ff9b::198.51.100.9]/'
STACKYARD_AT=pc1 traceroute6 -n -q 1 64:ff9b::198.51.100.9
ipfw nat64lsn all list
ipfw nat64lsn NAT64 stats
ipfw nat64lsn NAT64 destroy
ipfw nat64lsn all list; echo "gone: $?"
