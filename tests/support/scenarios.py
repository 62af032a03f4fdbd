"""Scenarios: each passes, its broken variants fail, every executor gives the same bytes, tshark finds
nothing wrong, the schema accepts the file, and the trace equals the golden one."""
import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as xml

import yaml

# What breaks each scenario: --set arguments, and the check that must notice.
BROKEN = {
    'two-hosts': None,
    'who-is-local': ('mask=25', 'heard'),
    'duplicate-address': ('second=10.0.0.2/24', 'quiet'),
    'hub-or-switch': ('middle=hub', 'private'),
    'spanning-tree': ('stp=off', 'calm'),
    'two-routers': ('back=10.9.0.0/24', 'far'),
    'traceroute': ('ttl=3', 'left'),
    'path-mtu': ('narrow=1500', 'pieces'),
    'slaac': ('prefix=2001:db8:1::1/65', 'address'),
    'two-ways': ('watcher=true', 'one'),
    'customers': ('blue=1', 'private'),
    'multipath': ('multipath=0', 'narrow'),
    'duplicate': ('taken=2001:db8:1::99', 'refused'),
    'source-selection': ('label=1', 'label'),
    'shrinking-mtu': ('narrow=1500', 'told'),
    'campus': ('forward=0', 'six'),
    'snooping': ('snooping=false', 'spared'),
    'static-routes': ('group=239.2.2.2', 'heard'),
    'slow-lossy': ('loss=0%', 'lossy'),
    'isolated-jail': ('word=down', 'hears'),
    'epair-jails': ('mask=25', 'joined'),
    'router-jail': ('kind=host', 'across'),
    'nested-tenant': ('children=3', 'limit'),
    'bridge-jails': ('member=span', 'bridged'),
    'one-segment': ('same=10.0.0.12/24', 'second'),
    'back-channel': ('path=/var/run/front', 'heard'),
    'destroy-storm': ('clean=true', 'jails'),
    'first-connection': ('port=81', 'shown'),
    'one-loss': ('lost=100000', 'once'),
    'slow-reader': ('sleeps=0', 'closed'),
    'bufferbloat': ('long=5p', 'bloated'),
    'web-page': ('window=3', 'first_flight'),
    'reno-cubic': ('one=cubic', 'reno'),
    'bbr-cubic': ('one=cubic', 'empty'),
    'rtt-unfair': ('far=1us', 'little'),
    'black-hole': ('detection=0', 'whole'),
    'syn-flood': ('cookies=0', 'under_fire'),
    'gateway': ('inward=10.0.0.81:80', 'inward'),
    'divert': ('port=9000', 'out'),
    'nat64': ('prefix=2001:db8:64::/96', 'crossed'),
    'wan': ('delay=400', 'far'),
    'priority': ('voice=5', 'first'),
    'no-bloat': ('type=fifo', 'quick'),
    'dmz': ('keep=', 'surf'),
    'invisible': ('member=0', 'shell'),
    'own-firewalls': ('rule=deny ip from any to any', 'own'),
}
# Every check of every scenario fails on some broken variant: other ways to break a lab, as edits of
# its text.
EDITS = {
    'dmz': [('vars: {keep: keep-state', 'vars: {keep: ""', ['out']),
            ('add 500 allow', 'add 500 deny', ['public']),
            ('add 300 deny', 'add 50 allow icmp from any to any\n        add 300 deny', ['hidden', 'told', 'taken', 'counted'])],
    'invisible': [('ping: allow', 'ping: deny', ['there']),
                  ('add 100 allow', 'add 100 deny', ['web']),
                  ('em0: {addresses: none}', 'em0: {addresses: [10.0.0.9/24]}', ['unseen']),
                  ('member: 1', 'member: 0', ['denied'])],
    'own-firewalls': [('[192.168.77.2/24]', '[192.168.78.2/24]', ['before', 'host']),
                      ('      - ifconfig bridge0 create', '      - ipfw -q add 1 allow ip from any to any\n      - ifconfig bridge0 create', ['inactive', 'still']),
                      ('add 100 deny icmp', 'add 100 allow icmp', ['refused']),
                      ('[192.168.77.1/24]', '[192.168.78.1/24]', ['answers']),
                      ('jexec b ipfw -q add 100 deny icmp from 192.168.77.1', 'jexec b ipfw -q add 100 deny icmp from 192.168.77.9', ['other'])],
    'two-hosts': [('exec: [sleep 1, ping', 'exec: [ping', ['before']),
                  ('sleep 1, ping -c 2 pc2', 'true', ['asks', 'learns']),
                  ('pc2: {}', 'pc2: {exec: [ifconfig em0 down]}', ['answers']),
                  ('at: 1300s', 'at: 100s', ['forgets'])],
    'who-is-local': [('192.168.1.20/24]', '192.168.2.20/24]', ['neighbours']),
                     ('vars: {mask: 24}', 'vars: {mask: 25}', ['route'])],
    'duplicate-address': [('bob: {interfaces', 'bob: {exec: [ifconfig em0 down], interfaces', ['fine']),
                          ('vars: {second: 10.0.0.3/24}', 'vars: {second: 10.0.0.2/24}', ['stays'])],
    'hub-or-switch': [('links: ["pc* -- mid"]', 'links: [{endpoints: "pc* -- mid", state: down}]',
                       ['reaches', 'flooded', 'learnt'])],
    'spanning-tree': [('vars: {stp: rstp}', 'vars: {stp: stp}', ['reaches', 'takes-over', 'heals']),
                      ('s1: {kind: switch, stp: "${stp}", priority: 4096}', 's1: {kind: switch}', ['spare'])],
    'two-routers': [('r1: {kind: router, routes: [{to: 10.0.1.0/24, via: r2}]}', 'r1: {kind: router}',
                     ['there', 'path', 'all'])],
    'traceroute': [('r4: {kind: router, routes: [{to: 10.0.0.0/24, via: r3}]}', 'r4: {kind: router}',
                    ['hops']),
                   ('ping -c 1 -m 2', 'ping -c 1 -m 9', ['short'])],
    'slaac': [('[slaac], mac: "02:00:00:00:00:0a"', '[link-local], mac: "02:00:00:00:00:0a"',
               ['solicits', 'address', 'router', 'bob', 'stays']),
              ('pkill rtadvd', 'true', ['gone'])],
    'duplicate': [('[slaac], mac: "02:00:00:00:00:0a"', '[link-local], mac: "02:00:00:00:00:0a"',
                   ['tried', 'refused', 'other', 'silent', 'goes_on']),
                  ('stable: stableaddr', 'stable: -stableaddr', ['stable']),
                  ('taken: "2001:db8:1::ff:fe00:a"', 'taken: "2001:db8:1::99"', ['defended'])],
    'source-selection': [('vars: {label: 77}', 'vars: {label: 1}', ['table']),
                         ('2001:db8:f000::10/64"]}}', '2001:db8:e000::10/64"]}}',
                          ['longest', 'deprecated']),
                         ('prefer_source"]', 'anycast"]', ['preferred']),
                         ('{at: 10s, node: host', '{at: 1s, node: host', ['near']),
                         ('"fd00:1::10/64", ', '', ['private']),
                         ('    exec: ["ip6addrctl', '    sysctl: {net.inet6.ip6.auto_linklocal: 0}\n    exec: ["ip6addrctl',
                          ['scope'])],
    'shrinking-mtu': [('vars: {narrow: 1280}', 'vars: {narrow: 1500}',
                       ['heard', 'fragments', 'refused']),
                      ('links: [pc -- r1,', 'links: [{endpoints: pc -- r1, state: down},',
                       ['wide', 'pieces', 'anyway', 'assembled'])],
    'campus': [('{to: 10.0.1.0/24, via: west}', '{to: 10.99.0.0/24, via: west}', ['four']),
               ('bob: {}', 'bob: {exec: ["ip6addrctl delete ::ffff:0.0.0.0/96", "ip6addrctl add ::ffff:0.0.0.0/96 100 4"]}', ['first']),
               ('[auto, slaac]', '[auto]', ['slaac', 'routers']),
               ('vars: {forward: 1}', 'vars: {forward: 0}', ['path'])],
    'snooping': [('vars: {snooping: querier}', 'vars: {snooping: true}', ['asks']),
                 ("printf 'j 239", "true 'j 239", ['joins', 'wanted', 'heard', 'known'])],
    'static-routes': [('exec: [smcrouted]', 'exec: ["true"]', ['asked', 'table', 'left']),
                      ('phyint em1 enable querier', 'phyint em1 enable ttl-threshold 40 querier', ['ttl']),
                      ('phyint em2 enable querier', 'phyint em2 enable', ['spared'])],
    'path-mtu': [('  - r2 -- srv', '  - {endpoints: r2 -- srv, state: down}',
                  ['whole', 'fits', 'assembled']),
                 ('narrow: 576', 'narrow: 1500', ['refused'])],
    'two-ways': [('{to: 10.2.0.0/24, via: 192.168.1.2}, ', '', ['both', 'upper']),
                 (', {to: 10.2.0.0/24, via: 192.168.2.2}', '', ['both', 'lower']),
                 ('"r2:em0 -- srv"', '"r2:em0 -- srv", state: down', ['pc1', 'pc2', 'pc3', 'pc4']),
                 ('vars: {watcher: sh /root/watch.sh &}', 'vars: {watcher: "true"}', ['told', 'one']),
                 ('at: 10s', 'at: 30s', ['again'])],
    'customers': [('em1: {addresses: [10.9.0.1/24], fib: 1}', 'em1: {addresses: [10.9.0.1/24]}',
                   ['red', 'first', 'nobody']),
                  ('at: 6s, node: blue1', 'at: 2s, node: blue1', ['apart', 'blue']),
                  ('vars: {blue: 2}', 'vars: {blue: 1}', ['private', 'second', 'asked'])],
    'multipath': [('weight: 3', 'weight: 1', ['wide', 'shares']),
                  ('nc -l 80', 'nc -l 82', ['whole']),
                  ('{to: 10.2.0.0/24, via: 192.168.1.2, weight: 3}, ', '', ['together']),
                  ('vars: {multipath: 1}', 'vars: {multipath: 0}', ['narrow', 'left', 'still'])],
    'slow-lossy': [('delay: 40ms', 'delay: 10ms', ['slow']),
                   ('nc -u -l 7 >', 'nc -u -l 8 >', ['heard'])],
    'isolated-jail': [('alone: {params', 'alone: {vnet: inherit, params', ['jails', 'bare', 'deaf', 'alone']),
                      ('ready: {interfaces: {lo0: {}}', 'ready: {interfaces: {}', ['listed']),
                      ('[pc -- srv]', '[{endpoints: pc -- srv, state: down}]', ['machine'])],
    'epair-jails': [('a: {interfaces: {lo0: {}, epair0a: {addresses: ["10.0.5.1/${mask}"]}}}',
                     'a: {vnet: inherit}', ['elsewhere', 'apart']),
                    ('[ifconfig epair0b down]', '["true"]', ['pulled']),
                    ('vars: {mask: 24}', 'vars: {mask: 25}', ['learnt', 'asked', 'again'])],
    'router-jail': [('  fw:\n', '  fw:\n    sysctl: {net.inet.ip.forwarding: 1}\n', ['host']),
                    ('[jexec gate sysctl net.inet.ip.forwarding=0]', '["true"]', ['stopped']),
                    ('[jail -r gate]', '["true"]', ['home', 'gone']),
                    ('vars: {kind: router}', 'vars: {kind: host}', ['path', 'forwards'])],
    'bridge-jails': [('[10.0.5.2/24]}}}', '[10.0.6.2/24]}}}', ['direct']),
                     ('at: 3s', 'at: 0s', ['outside']),
                     ('jexec a ifconfig epair0a destroy', '"true"', ['gone']),
                     ('ifconfig bridge0 inet 10.0.5.100/24', '"true"', ['host', 'inward']),
                     ('create addm em0 up', 'create up', ['world', 'wired']),
                     ('ifconfig bridge0 inet 10.0.5.100/24',
                      'ifconfig bridge0 -learn epair1a -learn epair2a', ['learnt', 'quiet'])],
    'nested-tenant': [('ifconfig epair0b vnet right', 'echo no', ['works']),
                      ('name=left vnet', 'name=lift vnet', ['sees', 'owner']),
                      ('name=right vnet', 'name=next vnet', ['stranger']),
                      ('  - {at: 10s, node: srv, exec: [jail -r tenant]}',
                       '  - {at: 3s, node: srv, exec: [jail -m name=next children.max=5, '
                       'jexec next jail -c name=left persist]}', ['blind', 'swept', 'nothing']),
                      ('[10.8.0.2/24]', '[10.7.0.2/24]', ['other', 'still']),
                      ('[10.9.0.2/24]', '[10.9.0.2/24, 10.8.0.2/24]', ['apart'])],
    'one-segment': [('10.0.0.11/24', '10.0.0.14/24', ['machine', 'learnt', 'honest']),
                    ('[10.0.0.12/24]', '[10.0.0.15/24]', ['first', 'inside', 'wired', 'theirs']),
                    ('vars: {same: 10.0.0.13/24}', 'vars: {same: 10.0.0.16/24}', ['between'])],
    'back-channel': [('front: {}', 'front: {interfaces: {epair0a: {}}}', ['unwired']),
                     ('-l -U /var/run/back', '-l -U /var/run/other', ['there']),
                     ('params: {path: /walled}, ', '', ['refused']),
                     ('front: {}', 'front: {interfaces: {lo0: {}}}', ['silent']),
                     ('${path}"', '/var/run/other"', ['ended'])],
    'destroy-storm': [('[ $i -lt 200 ]', '[ $i -lt 0 ]', ['busy', 'over']),
                      ('-c 2000', '-c 100', ['steady']),
                      ('ifconfig $e destroy', 'echo no', ['interfaces', 'routes']),
                      ('echo "storm over: $i"', 'ping -q -i 1 127.0.0.1 > /dev/null &', ['processes']),
                      ('[10.0.0.2/24]', '[10.1.0.2/24]', ['alive'])],
    'first-connection': [('nc -l 80', 'nc -l 82', ['listens']),
                         ('nc -v web 81', 'nc -v web 80', ['refused']),
                         ('pc: {}', 'pc: {sysctl: {net.inet.tcp.msl: 60000}}', ['forgotten'])],
    'one-loss': [('last: 1}', 'last: 1000}', ['waited']),
                 ('nc -l 80 >', 'nc -l 82 >', ['whole']),
                 ('nc -l 81 >', 'nc -l 83 >', ['heard'])],
    'bufferbloat': [('delay: 10ms', 'delay: 40ms', ['before', 'quick', 'after']),
                    ('middle: 20p', 'middle: 100p', ['middling']),
                    ('rate: 10mbit', 'rate: 5mbit', ['nearly', 'full', 'no_faster'])],
    'web-page': [('window: 10', 'window: 20', ['no_more']),
                 ('head -c 100000', 'head -c 200000', ['poem', 'third_flight']),
                 ('services: [httpd]', 'services: []', ['page', 'three_trips', 'none', 'remembers'])],
    'reno-cubic': [('two: cubic', 'two: newreno', ['cubic']),
                   ('queue: 50p', 'queue: 5000p', ['both_lose']),
                   ('queue: 50p', 'loss: 10%', ['few_timeouts']),
                   ('delay: 100ms', 'delay: 5ms', ['alone'])],
    'bbr-cubic': [('two: cubic', 'two: bbr', ['full', 'drowned', 'drowns']),
                  ('delay: 20ms', 'delay: 40ms', ['before']),
                  ('rate: 10mbit', 'rate: 5mbit', ['filled', 'no_faster'])],
    'rtt-unfair': [('delay: 10ms', 'delay: 30ms', ['short', 'long']),
                   ('queue: 50p', 'queue: 5p', ['full']),
                   ('far: 40ms', 'far: 1us', ['much'])],
    'syn-flood': [('-t 10s syn', '-t 20ms syn', ['answers', 'full', 'overflow', 'cookie']),
                  ('services: [httpd]', 'services: []', ['before', 'whole']),
                  ('-t 10s syn', '-t 120s syn', ['over'])],
    'gateway': [('- ipfw -q add 100 nat 1 ip from any to any via em1', '- "true"',
                 ['out', 'hidden', 'pages', 'inward', 'closed']),
                ('- ipfw -q add 60 nat 2', '- ipfw -q add 60 count', ['hairpin']),
                ('- ipfw -q nat 2 config ip 10.0.0.1', '- ipfw -q nat 1 config if em1', ['shown'])],
    'divert': [('"ipfw -q add 100 divert ${port} ip from any to any via em1"', '"true"',
                ['hidden', 'counted', 'inward']),
               ('pkill natd', '"true"', ['gone'])],
    'nat64': [('add 110 nat64lsn NAT64', 'add 110 count', ['answered', 'page', 'way']),
              ("fetch -q -o /tmp/page 'http", "echo 'http", ['states']),
              ('pc1: {interfaces: {em0: {addresses: ["2001:db8:1::2/64"]}}',
               'pc1: {exec: [ping -c 1 -t 1 10.9.9.255], interfaces: {em0: {addresses: ["2001:db8:1::2/64", 10.9.9.2/24]}}',
               ['pure'])],
    'wan': [('plr 0.05', 'plr 0', ['lossy', 'shown']),
            ('pipe 1 config bw 2Mbit/s', 'pipe 1 config bw 9Mbit/s', ['slow'])],
    'priority': [('weight 20', 'weight 90', ['second']),
                 ('-t 40 -i 10', '-t 15 -i 10', ['alone']),
                 ('add 120 queue 3 ip', 'add 120 deny ip', ['quick'])],
    'no-bloat': [('delay: 10ms', 'delay: 30ms', ['before']),
                 ('bw 10Mbit/s', 'bw 5Mbit/s', ['fast'])],
    'black-hole': [('nc -l 81', 'nc -l 82', ['opens']),
                   ('icmp[0] == 3 and icmp[1] == 4"', 'icmp[0] == 8"', ['stalls', 'unheard']),
                   ('mtu: 1400', 'mtu: 1500', ['told', 'suspects', 'smaller'])],
    'slow-reader': [('nc -l 80', 'nc -l 82', ['whole']),
                    ('[pc -- srv]', '[{endpoints: pc -- srv, impair: {loss: 5%}}]', ['calm'])],
}


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors='replace', **options)


def all_scenarios():
    return sorted(glob.glob('scenarios/*/*.yaml'))


def name_of(path):
    return os.path.basename(path)[:-5]


def outcome(binary, path, folder, *options):
    """Exit status, and a digest of everything a run wrote: output, trace, captures."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    done = run([binary, 'run', path, '--out', folder, '--trace', folder + '/trace.txt', *options],
               timeout=600)
    digest = hashlib.sha256(done.stdout.encode())
    for file in sorted(os.listdir(folder)):
        digest.update(open(f'{folder}/{file}', 'rb').read())
    return done, digest.hexdigest()


def failing_checks(binary, path, folder, *options):
    done = run([binary, 'run', path, '--out', folder, '--json', *options], timeout=600)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        return done.returncode, [done.stderr]
    return done.returncode, [c['name'] for c in report['checks'] if c['verdict'] != 'pass']


def check_tshark(folder, report, name):
    """Nothing malformed, no wrong checksum, in anything that a stack sent."""
    for capture in sorted(glob.glob(folder + '/*.pcap*')):
        done = run(['tshark', '-r', capture, '-o', 'ip.check_checksum:TRUE', '-o',
                    'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE', '-Y',
                    '_ws.malformed || ip.checksum.status == "Bad" || udp.checksum.status == "Bad" '
                    '|| tcp.checksum.status == "Bad" '
                    '|| icmp.checksum.status == "Bad" || igmp.checksum.status == "Bad"'])
        report(done.returncode == 0 and not done.stdout.strip(),
               f'tshark {name}: {os.path.basename(capture)}', done.stdout[:2000] + done.stderr[:2000])


def check_golden(path, trace, report):
    golden = f'tests/golden/{name_of(path)}.txt'
    text = open(trace).read()
    # The first lines tell the story; a hash guards the rest.
    short = ''.join(text.splitlines(True)[:200])
    short += f'sha256 of the whole trace: {hashlib.sha256(text.encode()).hexdigest()}\n'
    if os.environ.get('GOLDEN_UPDATE'):
        os.makedirs('tests/golden', exist_ok=True)
        open(golden, 'w').write(short)
    wanted = open(golden).read() if os.path.exists(golden) else ''
    differs = next((f'line {i + 1}\n  golden: {a}\n  now:    {b}' for i, (a, b) in enumerate(
        zip(wanted.splitlines(), short.splitlines())) if a != b), 'one is longer')
    report(wanted == short, f'golden {name_of(path)}', differs)


def run_all(binary, report, skip):
    import jsonschema
    schema = json.load(open('docs/lab.schema.json'))
    with tempfile.TemporaryDirectory() as scratch:
        for path in all_scenarios():
            name = name_of(path)
            plain, digest = outcome(binary, path, scratch + '/plain')
            report(plain.returncode == 0, f'scenario {name}', plain.stdout[-2000:] + plain.stderr[-2000:])
            again = outcome(binary, path, scratch + '/again')[1]
            report(again == digest, f'scenario {name} twice', 'two runs differ')
            for partitions in ('1', '2', '7'):
                for seed in ('1', '2'):
                    other = outcome(binary, path, scratch + '/other', '--partitions', partitions,
                                    '--shuffle', seed)[1]
                    report(other == digest, f'scenario {name} on {partitions} partitions, shuffle {seed}',
                           first_difference(scratch))
            check_tshark(scratch + '/plain', report, name)
            check_golden(path, scratch + '/plain/trace.txt', report)
            try:
                jsonschema.validate(yaml.safe_load(open(path)), schema)
                report(True, f'schema {name}')
            except jsonschema.ValidationError as error:
                report(False, f'schema {name}', str(error)[:1000])
            check_broken(binary, path, scratch, report)
        check_program(binary, scratch, report)
        check_bad_input(binary, scratch, report)


def first_difference(scratch):
    if not os.path.exists(scratch + '/other/trace.txt'):
        return 'no trace: the run failed'
    a = open(scratch + '/plain/trace.txt').read().splitlines()
    b = open(scratch + '/other/trace.txt').read().splitlines()
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return f'first different event, line {i + 1}:\n  {x}\n  {y}'
    return f'{len(a)} and {len(b)} lines'


def check_broken(binary, path, scratch, report):
    """Every check of a scenario fails on at least one broken variant."""
    name = name_of(path)
    checks = set(yaml.safe_load(open(path))['checks'])
    caught = set()
    if BROKEN.get(name):
        setting, check = BROKEN[name]
        status, failing = failing_checks(binary, path, scratch + '/broken', '--set', setting)
        report(status == 1 and check in failing, f'broken {name} with {setting}',
               f'exit {status}, failing: {failing}')
        caught.update(failing)
    text = open(path).read()
    for before, after, expected in EDITS.get(name, []):
        if before not in text:
            report(False, f'broken {name}', f'the file has no {before!r}')
            continue
        broken = os.path.join(os.path.dirname(path), f'.broken-{name}.yaml')
        try:
            open(broken, 'w').write(text.replace(before, after))
            status, failing = failing_checks(binary, broken, scratch + '/broken')
        finally:
            os.remove(broken)
        report(status == 1 and set(expected) <= set(failing), f'broken {name}: {after}',
               f'exit {status}, failing: {failing}, expected: {expected}')
        caught.update(failing)
    report(checks <= caught, f'every check of {name} can fail', f'never failed: {checks - caught}')


def check_program(binary, scratch, report):
    """The program's other faces: JUnit, validate, console."""
    path = 'scenarios/routing/two-routers.yaml'
    junit = scratch + '/junit.xml'
    run([binary, 'run', path, '--out', scratch + '/junit', '--junit', junit, '--set', 'back=10.9.0.0/24'])
    suite = xml.parse(junit).getroot()
    report(suite.get('tests') == '4' and int(suite.get('failures')) >= 1, 'JUnit', open(junit).read())
    done = run([binary, 'validate', '--addresses', path])
    report(done.returncode == 0 and 'r1:em1               192.168.0.1/30' in done.stdout,
           'validate --addresses', done.stdout)
    done = run([binary, 'console', path, 'pc1', '-c', 'ping -c 1 pc3'])
    report(done.returncode == 0 and 'ttl=62' in done.stdout, 'console -c', done.stdout + done.stderr)
    done = run([binary, 'console', path], input='ping -c 1 pc2\n:run 5s\n:time\n:table fdb sw1\n:node r1\n'
                                                'route -n get pc3\nnonsense\n')
    report('5.0' in done.stdout and 'VLAN' in done.stdout and 'gateway: 192.168.0.2' in done.stdout and
           done.returncode == 127, 'console, from a pipe', done.stdout + done.stderr)
    done = run([binary, 'console', path, 'nobody'])
    report(done.returncode == 2 and 'no machine "nobody"' in done.stderr, 'console, unknown machine',
           done.stderr)


def check_bad_input(binary, scratch, report):
    five = os.path.join(scratch, 'five.yaml')
    open(five, 'w').write('nodes: {a: {kind: hots}, b: {colour: red}}\n'
                          'links: [{endpoints: b -- b, impair: {loss: 1, rate: 5}}]\nhosts: maybe\n')
    done = run([binary, 'run', five])
    report(done.returncode == 2 and len(done.stderr.splitlines()) == 5, 'five mistakes, five errors',
           done.stderr)
    lab = os.path.join(scratch, 'lab.yaml')
    open(lab, 'w').write('nodes: [a, b]\nlinks: [a -- b]\ncaptures: [{tap: link1}]\n')
    done = run([binary, 'run', lab, '--out', '/proc/none'])
    report(done.returncode == 3 and '/proc/none' in done.stderr,
           'a capture that cannot be written is an error before the run', done.stderr)
    if os.path.exists('/dev/full'):
        full = os.path.join(scratch, 'full')
        os.makedirs(full, exist_ok=True)
        os.symlink('/dev/full', full + '/link1.pcapng')
        done = run([binary, 'run', lab, '--out', full])
        report(done.returncode == 3 and 'No space left on device' in done.stderr,
               'a full disk ends the run with 3', f'{done.returncode} {done.stderr}')


def compare(binary, other, report):
    """Another build of the program gives the same bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        for path in all_scenarios():
            a = outcome(binary, path, scratch + '/plain')[1]
            done, b = outcome(other, path, scratch + '/other')
            report(a == b, f'{other}: scenario {name_of(path)}',
                   done.stderr[-3000:] + first_difference(scratch))
