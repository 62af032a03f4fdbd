#!/bin/sh
# A stateful firewall between an office, a DMZ and the world.
#   name: dmz
#   nodes:
#     fw: {interfaces: {em0: {addresses: none}, em1: {addresses: none}, em2: {addresses: none}}}
#     pc: {interfaces: {em0: {addresses: [10.1.0.2/24]}}, routes: [{to: default, via: 10.1.0.1}]}
#     web:
#       interfaces: {em0: {addresses: [10.2.0.2/24]}}
#       routes: [{to: default, via: 10.2.0.1}]
#       files: {/var/www/index.html: hello}
#       services: [httpd]
#     world: {interfaces: {em0: {addresses: [192.0.2.2/24]}}, routes: [{to: default, via: 192.0.2.1}]}
#   links: ["pc -- fw:em0", "web -- fw:em1", "fw:em2 -- world"]
# The same stacks as the YAML at 1s: fw
sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding=1
ifconfig em0 inet 10.1.0.1/24
ifconfig em1 inet 10.2.0.1/24
ifconfig em2 inet 192.0.2.1/24
cat > ipfw.rules <<EOF
# The office may begin whatever it likes; the answers come by the states.
add 100 check-state
add 200 allow ip from any to any via lo0
add 300 deny ip from any to any not antispoof in
add 400 allow tcp from 10.1.0.0/24 to any setup in recv em0 keep-state
add 410 allow icmp from 10.1.0.0/24 to any in recv em0 keep-state
# Everybody may see the web server, at most four conversations from one address.
add 500 allow tcp from any to 10.2.0.2 80 setup in recv em2 limit src-addr 4
# The DMZ begins nothing.
add 600 deny log ip from 10.2.0.0/24 to any in recv em1
add 65000 reject ip from any to any
EOF
ipfw -q "$PWD/ipfw.rules"
# -- compared here
STACKYARD_AT=pc fetch -q -o - http://10.2.0.2/
STACKYARD_AT=pc ping -c 1 -t 2 192.0.2.2
STACKYARD_AT=world fetch -q -o - http://10.2.0.2/
# The state of pc's ping lives on for a while.
sleep 10
STACKYARD_AT=world ping -c 1 -t 1 10.1.0.2; echo "hidden: $?"
STACKYARD_AT=web ping -c 1 -t 1 10.1.0.2; echo "begins nothing: $?"
ipfw -a list
ipfw -d list | grep STATE | wc -l
echo "add 700 permit everything" >> ipfw.rules
ipfw -q "$PWD/ipfw.rules"; echo "a bad line: $?"
ipfw list 700; echo "changes nothing: $?"
