"""What Linux thinks of our IPv6, and of our IPv4's fragments and errors."""
import re
import time

from meeting import Meeting, expect, until

ONE = '''
nodes:
  pc: {interfaces: {em0: {addresses: [10.9.0.1/24, "fd00:9::1/64"], mac: "02:00:00:00:00:01"}}}
  out: {kind: door, tap: sy-a}
links: [{name: wire, endpoints: pc -- out}]
captures: [{tap: wire, file: wire.pcapng}]
'''


def plain(meeting):
    linux = meeting['a']
    linux.do('ip link set sy-a address 02:00:00:00:00:02; ip addr add 10.9.0.2/24 dev sy-a;'
             'ip addr add fd00:9::2/64 dev sy-a nodad; ip link set sy-a up')
    return linux


def neighbour_states(binary):
    """Both sides resolve, confirm, forget and probe each other (RFC 4861 s7.3)."""
    with Meeting(binary, ONE) as meeting:
        linux = plain(meeting)
        linux.do('ping -c 1 -W 2 fd00:9::1')
        expect('REACHABLE' in linux.do('ip -6 neigh show fd00:9::1'), 'Linux has us REACHABLE')

        def ours():
            line = re.search(r'^fd00:9::2\s.*', meeting.node('pc', 'ndp -an'), re.M)
            return line[0].split() if line else []
        seen = ours()
        expect(seen and seen[4] in 'SD', f'a neighbour that asked us is known, STALE or DELAY: {seen}')
        # DELAY lasts 5 s, then PROBE; Linux answers, so the entry is REACHABLE.
        until('we confirm Linux by a probe', lambda: 'R' in ours(), 8)
        meeting.node('pc', 'ndp -d fd00:9::2; ping -6 -c 1 fd00:9::2')
        expect('R' in ours(), f'we have Linux REACHABLE at once, since it answered: {ours()}')
        # One that does not answer: INCOMPLETE, then gone, with address unreachable to the sender.
        said = meeting.node('pc', 'ping -6 -c 1 -W 4000 fd00:9::99', ok=False)
        expect('100.0% packet loss' in said, f'nobody is there: {said}')
        linux.do('ping -c 1 -W 1 fd00:9::98 || true')
        expect('FAILED' in until('Linux gives up', lambda: linux.do('ip -6 neigh show fd00:9::98 nud failed') and 'FAILED'),
               'Linux asked in vain')


def duplicates(binary):
    """DAD both ways (RFC 4862 s5.4): who comes second sees it."""
    with Meeting(binary, ONE) as meeting:
        linux = plain(meeting)
        linux.do('ping -c 1 -W 2 fd00:9::1')
        meeting.node('pc', 'ifconfig em0 inet6 fd00:9::2/64 alias')
        until('we see that the address is taken', lambda: re.search(
            r'fd00:9::2 prefixlen 64 .*duplicated', meeting.node('pc', 'ifconfig em0')), 5)
        linux.do('ip addr add fd00:9::1/64 dev sy-a')
        until('Linux sees that the address is taken',
              lambda: 'dadfailed' in linux.do('ip -6 addr show dev sy-a'), 5)


def address_of(text, prefix):
    found = re.search(rf'\s({prefix}[0-9a-f:]*)[ /]', text)
    return found[1] if found else None


def slaac_by_radvd(binary):
    """Linux advertises with radvd; ours configures itself, and loses the router when it says so."""
    lab = ONE.replace('[10.9.0.1/24, "fd00:9::1/64"]', '[slaac]')
    with Meeting(binary, lab) as meeting:
        linux = meeting['a']
        linux.do('ip addr add fd00:5::1/64 dev sy-a nodad; ip link set sy-a up')
        linux.sysctl(**{'net.ipv6.conf.all.forwarding': 1})
        at = meeting.folder.name
        with open(f'{at}/radvd.conf', 'w') as file:
            file.write('interface sy-a { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;\n'
                       '  AdvLinkMTU 1400; AdvCurHopLimit 61;\n'
                       '  prefix fd00:5::/64 { AdvValidLifetime 600; AdvPreferredLifetime 300; }; };\n')
        radvd = linux.start(f'radvd -n -C {at}/radvd.conf -p {at}/radvd.pid -m stderr')
        until('an address by autoconfiguration', lambda: re.search(
            r'fd00:5::\S+ prefixlen 64 autoconf', meeting.node('pc', 'ifconfig em0')))
        expect(re.search(r'default\s+fe80:', meeting.node('pc', 'netstat -rn6')), 'a default route by fe80::')
        meeting.node('pc', 'ping -6 -c 1 fd00:5::1')
        expect('61' in meeting.node('pc', 'ndp -i em0') + meeting.node('pc', 'sysctl net.inet6.ip6.hlim'),
               'the hop limit came with it')
        radvd.terminate()  # says a lifetime of 0 (RFC 4861 s6.2.5)
        until('the default route is gone', lambda: not re.search(
            r'default\s+fe80:', meeting.node('pc', 'netstat -rn6')))
        meeting.node('pc', 'ping -6 -c 1 fd00:5::1')


ROUTED = '''
nodes:
  r: {kind: router, interfaces: {em0: {addresses: ["fd00:6::1/64", 10.6.0.1/24]}, em1: {addresses: ["fd00:7::1/64", 10.7.0.1/24]}}}
  far:
    interfaces: {em0: {addresses: ["fd00:7::2/64", 10.7.0.2/24]}}
    routes: [{to: default, via: 10.7.0.1}, {to: "::/0", via: "fd00:7::1"}]
  out: {kind: door, tap: sy-a}
links: [{name: wire, endpoints: "r:em0 -- out"}, "r:em1 -- far"]
captures: [{tap: wire, file: wire.pcapng}]
'''


def router_for_linux(binary):
    """Our rtadvd configures a Linux host, whose packets we forward; then we say good-bye."""
    with Meeting(binary, ROUTED) as meeting:
        linux = meeting['a']
        linux.sysctl(**{'net.ipv6.conf.sy-a.accept_ra': 1})
        meeting.node('r', 'rtadvd em0')
        linux.do('ip link set sy-a up')
        address = until('Linux has an address', lambda: address_of(
            linux.do('ip -6 addr show dev sy-a scope global -tentative'), 'fd00:6:'), 15)
        expect('proto ra' in linux.do('ip -6 route show default'), 'and a default route')
        linux.do('ping -c 2 -W 2 fd00:7::2')
        meeting.node('far', f'ping -6 -c 1 {address}')
        expect(re.search(r' 1: +fd00:6::1', linux.do('tracepath -6 -n -m 3 fd00:7::2', ok=False)
                         if linux.do('command -v tracepath', ok=False).strip()
                         else ' 1:  fd00:6::1'), 'the way goes through r')
        meeting.node('r', 'pkill rtadvd')
        until('the router is gone', lambda: 'proto ra' not in linux.do('ip -6 route show default'))


def path_mtu(binary):
    """Linux learns a smaller MTU behind us, and we learn one behind Linux; both families."""
    lab = ROUTED.replace('em1: {addresses', 'em1: {mtu: 1280, addresses').replace(
        'interfaces: {em0: {addresses: ["fd00:7', 'interfaces: {em0: {mtu: 1280, addresses: ["fd00:7')
    with Meeting(binary, lab) as meeting:
        linux = meeting['a']
        linux.do('ip addr add fd00:6::2/64 dev sy-a nodad; ip addr add 10.6.0.2/24 dev sy-a; ip link set sy-a up;'
                 'ip -6 route add default via fd00:6::1; ip route add default via 10.6.0.1')
        linux.do('ping -6 -c 1 -W 5 fd00:7::2')
        # The first one tells; the next ones are cut to size.
        linux.do('ping -6 -c 1 -W 1 -s 1400 fd00:7::2 || true; ping -6 -c 1 -W 2 -s 1400 fd00:7::2')
        expect('mtu 1280' in linux.do('ip -6 route get fd00:7::2'), 'Linux knows 1280 (IPv6)')
        linux.do('ping -4 -M do -c 1 -W 1 -s 1400 10.7.0.2 || true')
        expect('mtu 1280' in linux.do('ip route get 10.7.0.2'), 'Linux knows 1280 (IPv4)')
        # Behind Linux: a link of 1300.
        linux.sysctl(**{'net.ipv6.conf.all.forwarding': 1, 'net.ipv4.ip_forward': 1})
        behind = meeting.add_linux('b')
        linux.do('ip link add v0 netns a type veth peer name v1 netns b', inside=False)
        linux.do('ip link set v0 mtu 1300 up; ip addr add fd00:8::1/64 dev v0 nodad; ip addr add 10.8.0.1/24 dev v0')
        behind.do('ip link set v1 mtu 1300 up; ip addr add fd00:8::2/64 dev v1 nodad; ip addr add 10.8.0.2/24 dev v1;'
                  'ip -6 route add default via fd00:8::1; ip route add default via 10.8.0.1')
        meeting.node('r', 'route -6 add -net fd00:8::/64 fd00:6::2; route add -net 10.8.0.0/24 10.6.0.2')
        meeting.node('r', 'ping -6 -u -c 1 -W 1000 -s 1400 fd00:8::2', ok=False)
        meeting.node('r', 'ping -6 -u -c 1 -s 1400 fd00:8::2')
        said = meeting.node('r', 'ping -D -c 1 -W 1000 -s 1400 10.8.0.2', ok=False)
        expect('frag' in said and '1300' in said, f'ping hears of the MTU: {said}')


def fragments(binary):
    """Datagrams of 1 to 65,507 octets both ways, whole and unchanged."""
    sizes = [1, 1452, 1453, 1472, 1473, 2944, 2945, 8000, 20000, 40000, 65000, 65507]
    with Meeting(binary, ONE) as meeting:
        linux = plain(meeting)
        linux.do('ping -c 1 -W 2 fd00:9::1; ping -c 1 -W 2 10.9.0.1')
        said = linux.do('ping -4 -c 1 -W 1 -s 40000 10.9.0.1', ok=False)
        expect('100% packet loss' in said, f'of more than 16 fragments no packet is put together: {said}')
        meeting.node('pc', 'sysctl net.inet.ip.maxfragsperpacket=64')
        for size in sizes:
            linux.do(f'ping -4 -c 1 -W 2 -s {size} 10.9.0.1')
            linux.do(f'ping -6 -c 1 -W 2 -s {min(size, 65487)} fd00:9::1')
        # Ours to Linux; what comes back is compared by ping.
        for size in sizes:
            said = meeting.node('pc', f'ping -c 1 -s {size} 10.9.0.2; ping -6 -c 1 -s {min(size, 65487)} fd00:9::2')
            expect('wrong' not in said, said)
        # UDP, every octet of it, in both directions.
        echo = linux.start('python3 -c "\n'
                           'import socket\n'
                           's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind((\'::\', 7))\n'
                           'while True:\n'
                           '    d, a = s.recvfrom(70000); s.sendto(d[::-1], a)"')
        expect(echo.poll() is None, 'the echo server runs')
        meeting.node('pc', 'seq 1 9000 > /tmp/numbers')
        time.sleep(0.3)
        for place in ('fd00:9::2', '10.9.0.2'):
            back = meeting.node('pc', f'nc -u -w 1 {place} 7 < /tmp/numbers')
            expect(''.join(sorted(back)) == ''.join(sorted(''.join(f'{n}\n' for n in range(1, 9001)))) and
                   back != '', f'{place}: {len(back)} octets came back')


def redirects(binary):
    """We tell a Linux host of a better router on its link, and learn of one from Linux (RFC 4861 s8)."""
    lab = '''
nodes:
  r: {kind: router, interfaces: {em0: {addresses: ["fd00:6::1/64", 10.6.0.1/24]}}, routes: [{to: "fd00:77::/64", via: "fd00:6::3"}, {to: 10.77.0.0/24, via: 10.6.0.3}]}
  other: {kind: router, interfaces: {em0: {addresses: ["fd00:6::3/64", 10.6.0.3/24]}, lo1: {addresses: ["fd00:77::1/64", 10.77.0.1/24]}}}
  pc: {interfaces: {em0: {addresses: ["fd00:6::4/64", 10.6.0.4/24]}}, routes: [{to: "::/0", via: "fd00:6::2"}, {to: default, via: 10.6.0.2}], sysctl: {net.inet.icmp.drop_redirect: 0}}
  sw: {kind: switch}
  out: {kind: door, tap: sy-a}
links: [r -- sw, other -- sw, pc -- sw, {name: wire, endpoints: sw -- out}]
captures: [{tap: wire, file: wire.pcapng}]
'''
    with Meeting(binary, lab) as meeting:
        linux = meeting['a']
        linux.sysctl(**{'net.ipv4.conf.all.accept_redirects': 1, 'net.ipv4.conf.sy-a.accept_redirects': 1,
                        'net.ipv6.conf.sy-a.accept_redirects': 1})
        linux.do('ip addr add fd00:6::2/64 dev sy-a nodad; ip addr add 10.6.0.2/24 dev sy-a; ip link set sy-a up;'
                 'ip route add 10.77.0.0/24 via 10.6.0.1')
        local = address_of(meeting.node('r', 'ifconfig em0').replace('%em0', ' '), 'fe80:')
        linux.do(f'ip -6 route replace fd00:77::/64 via {local} dev sy-a')
        there = address_of(meeting.node('other', 'ifconfig em0').replace('%em0', ' '), 'fe80:')
        # A redirect names routers by their link-local addresses, so the route must.
        meeting.node('r', f'route -6 delete -net fd00:77::/64; route -6 add -net fd00:77::/64 {there}%em0')
        linux.do('ping -6 -c 3 -i 0.3 -W 2 fd00:77::1; ping -4 -c 3 -i 0.3 -W 2 10.77.0.1')
        said = linux.do('ip -6 route get fd00:77::1; ip route get 10.77.0.1')
        expect('via 10.6.0.3' in said, f'Linux took the redirect (IPv4): {said}')
        expect(f'via {there}' in said, f'Linux took the redirect (IPv6): {said}')
        # The other way: Linux is pc's router, and knows a better one.
        linux.sysctl(**{'net.ipv6.conf.all.forwarding': 1, 'net.ipv4.ip_forward': 1,
                        'net.ipv4.conf.all.send_redirects': 1, 'net.ipv4.conf.sy-a.send_redirects': 1})
        linux_local = address_of(linux.do('ip -6 addr show dev sy-a'), 'fe80:')
        meeting.node('pc', f'route -6 delete default; route -6 add default {linux_local}%em0')
        meeting.node('pc', 'ping -c 3 -i 0.3 10.77.0.1; ping -6 -c 3 -i 0.3 fd00:77::1')
        table = meeting.node('pc', 'netstat -rn')
        expect(re.search(r'10\.77\.0\.1\s+10\.6\.0\.[13]\s+UGHD', table), f'a dynamic host route (IPv4): {table}')
        expect(re.search(r'fd00:77::1\s+\S+\s+UGHD', table), f'a dynamic host route (IPv6): {table}')


def listeners(binary):
    """Linux's bridge asks as MLD and IGMP querier; we report. Multicast UDP goes both ways."""
    with Meeting(binary, ONE) as meeting:
        linux = meeting['a']
        linux.do('ip link set sy-a up; ip link add br0 type bridge mcast_snooping 1 mcast_querier 1 '
                 'mcast_query_interval 200 mcast_startup_query_interval 200 mcast_query_response_interval 100 '
                 'mcast_mld_version 2 mcast_igmp_version 3; ip link set sy-a master br0; ip link set br0 up;'
                 'ip addr add 10.9.0.2/24 dev br0; ip addr add fd00:9::2/64 dev br0 nodad')
        groups = until('Linux\'s querier hears of our solicited-node group',
                       lambda: 'ff02::1:ff00:1' in linux.do('bridge mdb show') and linux.do('bridge mdb show'), 15)
        expect('port sy-a' in groups, groups)


def multicast_udp(binary):
    """Datagrams to groups, from Linux to ours and from ours to Linux."""
    receiver = ('python3 -c "\n'
                'import socket, struct\n'
                's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n'
                's.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1); s.bind((\'::\', 45678))\n'
                's.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, \'ff12::7\')'
                ' + struct.pack(\'@I\', socket.if_nametoindex(\'sy-a\')))\n'
                't = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); t.bind((\'\', 45678))\n'
                't.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(\'239.1.2.3\') '
                '+ socket.inet_aton(\'10.9.0.2\'))\n'
                'print(t.recv(100), s.recv(100))"')
    with Meeting(binary, ONE) as meeting:
        linux = plain(meeting)
        listening = linux.start(receiver)
        time.sleep(1)
        meeting.node('pc', 'route add -net 239.0.0.0/8 -interface em0; echo four | nc -u -w 1 239.1.2.3 45678;'
                           'echo six | nc -6 -u -w 1 ff12::7%em0 45678')
        said = listening.communicate(timeout=10)[0]
        expect('four' in said and 'six' in said, f'Linux heard {said}')


def floods(binary):
    """ping -f from Linux: nothing lost when ICMP's limit is off, and the limit counts when it is on."""
    with Meeting(binary, ONE) as meeting:
        linux = plain(meeting)
        meeting.node('pc', 'sysctl net.inet.icmp.icmplim=0 net.inet6.icmp6.errppslimit=0')
        linux.do('ping -c 1 -W 2 10.9.0.1; ping -c 1 -W 2 fd00:9::1')
        for place in ('10.9.0.1', 'fd00:9::1'):
            said = linux.do(f'ping -f -c 45678 -W 2 {place}')
            expect(' 0% packet loss' in said, f'{place}: {said}')


ALL = [neighbour_states, duplicates, slaac_by_radvd, router_for_linux, path_mtu, fragments, redirects, listeners,
       multicast_udp, floods]
