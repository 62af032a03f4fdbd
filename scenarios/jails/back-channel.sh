#!/bin/sh
# Two jails with no network between them talk through a socket in the file system that they share.
#   name: back-channel
#   nodes: {srv: {files: {/walled/etc/motd: alone}}}
# The same stacks as the YAML at 1s: srv srv/front srv/back srv/walled
jail -c name=front vnet persist
jail -c name=back vnet persist
jail -c name=walled vnet persist path=/walled
jexec back nc -l -U /var/run/back > heard &
# -- compared here
sleep 1
jexec front ifconfig -l
jexec walled nc -U /var/run/back; echo "refused: $?"
echo "from the front" | jexec front nc -U -N /var/run/back
wait
cat heard
jexec front ping -c 1 -t 1 127.0.0.1; echo "silent: $?"
ps | wc -l
