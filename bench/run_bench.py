#!/usr/bin/python3
"""Measures the same work here and elsewhere (ns-3, Linux), in turn, and prints a table (or --json).

A figure is the median of the runs; machines drift, so the two programs alternate and ratios count. TCP's rows are
processor time of the run itself, on both sides."""
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

RUNS = 3
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)


def figure(command, name):
    done = subprocess.run(command, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith(name + ' '):
            return float(line.split()[1])
    raise SystemExit(f'{shlex.join(command)} failed: {done.stdout}{done.stderr}')


def build_ns3():
    """ns-3's programs, built only where ns-3 is installed."""
    os.makedirs('build/ns3', exist_ok=True)
    modules = ['core', 'network', 'internet', 'point-to-point', 'traffic-control', 'applications']
    if not os.path.exists('/usr/include/ns3'):
        return False
    # Not by pkg-config: its answer wants development files of libraries that are not used here.
    libraries = [f'-lns3-{m}' for m in modules]
    for name in ('hold', 'chain', 'tcp', 'fattree'):
        binary = f'build/ns3/{name}'
        if not os.path.exists(binary) or os.path.getmtime(binary) < os.path.getmtime(f'bench/ns3/{name}.cc'):
            subprocess.run(['g++', '-O2', '-std=c++17', f'bench/ns3/{name}.cc', '-o', binary] +
                           libraries, check=True)
    return True


def side_by_side(ours, theirs, name):
    mine, other = [], []
    for _ in range(RUNS):
        mine.append(figure(ours, name))
        if theirs:
            other.append(figure(theirs, name))
    return statistics.median(mine), statistics.median(other) if theirs else None


def linux_namespaces(count=1000):
    """Octets and microseconds for each of `count` network namespaces with a veth pair that is up and
    addressed; None where that is not allowed."""
    if os.geteuid() or subprocess.run(['ip', 'netns', 'add', 'yard-probe'], capture_output=True).returncode:
        return None
    subprocess.run(['ip', 'netns', 'delete', 'yard-probe'], check=True)

    def batch(lines):
        return subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines), text=True,
                              capture_output=True).returncode

    def available():
        with open('/proc/meminfo') as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith('MemAvailable'))

    before, begin = available(), time.monotonic()
    try:
        failed = batch([f'netns add yard{i}' for i in range(count)])
        failed |= batch([f'link add yard{i} type veth peer name eth0 netns yard{i}' for i in range(count)])
        for i in range(count):
            failed |= batch([f'addr add 10.{i // 256}.{i % 256}.1/30 dev yard{i}', f'link set yard{i} up'])
            failed |= subprocess.run(['ip', '-n', f'yard{i}', '-batch', '-'], text=True, capture_output=True,
                                     input=f'addr add 10.{i // 256}.{i % 256}.2/30 dev eth0\n'
                                           'link set eth0 up\nlink set lo up\n').returncode
        seconds = time.monotonic() - begin
        return None if failed else ((before - available()) / count, seconds * 1e6 / count)
    finally:
        batch([f'netns delete yard{i}' for i in range(count)])


def size_rows(row):
    size = ['build/bench/size']
    row('idle vnet (lo0)', figure(size + ['vnet'], 'bytes'), None, 'bytes', 4096, 2048)
    row('connected host, all in', figure(size + ['hosts', '1000'], 'bytes'), None, 'bytes', 6144, 3584)
    theirs = linux_namespaces()
    row('connected jail, all in' + (' (Linux: namespace, veth)' if theirs else ''),
        figure(size + ['jail'], 'bytes'), theirs and theirs[0], 'bytes', 8192, 5120)
    row('create it' + (' (Linux: the same by ip -batch)' if theirs else ''), figure(size + ['jail'], 'us'),
        theirs and theirs[1], 'us', '', '')
    row('create a jail, move an interface', figure(size + ['move'], 'us'), None, 'us', 20, 5)
    row('100,000 hosts, settled: resident', figure(size + ['hosts', '1000'], 'resident_mib'), None, 'MiB',
        600, '')
    row('the same: from YAML to running', figure(size + ['hosts', '1000'], 'setup_s'), None, 's', 10, '')
    row('1,000,000 hosts: resident', figure(size + ['hosts', '10000'], 'resident_mib'), None, 'MiB', '', 4096)
    row('the same: from YAML to running', figure(size + ['hosts', '10000'], 'setup_s'), None, 's', '', 60)
    row('10,000 jails under traffic: resident', figure(size + ['storm', '10'], 'first_mib'), None, 'MiB', '', '')
    row('the same, ten times over', figure(size + ['storm', '10'], 'last_mib'), None, 'MiB', 'flat', '')


def lpm_rows(row):
    for family, name, least, aim in (('v4', '1,000,000 IPv4 prefixes', '', '20'), ('v6', '200,000 IPv6 prefixes', '', '')):
        lpm = ['build/bench/lpm', family]
        row(f'{name}: longest match', statistics.median(figure(lpm, 'lookups_m') for _ in range(RUNS)),
            None, 'M/s', least, aim)
        row('the same: memory of a prefix', figure(lpm, 'octets'), None, 'octets', '', 30 if family == 'v4' else '')
        row('the same: updates', figure(lpm, 'updates_k'), None, 'k/s', '', '')


def tcp_rows(row, ns3):
    # ns-3 has two simulated seconds of the flow, since its time goes with the segments.
    mine, other = side_by_side(['build/bench/tcp', 'flow', '10'], ['build/ns3/tcp', '--seconds=2'] if ns3 else None,
                               'ns_per_segment')
    row('TCP, one flow, 1 Gb/s, 10 ms', mine, other, 'ns/seg', '10x', '20x')
    mine, other = side_by_side(['build/bench/tcp', 'dumbbell', '100', '1'],
                               ['build/ns3/tcp', '--flows=100', '--seconds=1'] if ns3 else None, 'ns_per_segment')
    row('TCP, dumbbell of 100 flows', mine, other, 'ns/seg', '24x', '40x')
    for traffic, name, unit, least, aim in (('tcp', 'TCP permutation', 'arrival', '10x', '16x'),
                                            ('udp', 'UDP', 'hop', '14x', '20x')):
        mine, other = side_by_side(['build/bench/fattree', traffic, '5'],
                                   ['build/ns3/fattree', f'--traffic={traffic}'] if ns3 else None, f'ns_per_{unit}')
        row(f'fat-tree of 128 hosts, {name}, 5 ms', mine, other, f'ns/{unit[:3]}', least, aim)


def firewall_rows(row):
    def packet(*work):
        return statistics.median(figure(['build/bench/ipfw', *work], 'ns_per_packet') for _ in range(RUNS))

    plain = packet('plain')
    # Every packet passes the rules twice: in, and out.
    row('ipfw: a linear rule, of 100', (packet('linear', '100') - packet('linear', '1')) / 198, None, 'ns', '20', '8')
    row('ipfw: a linear rule, of 10,000', packet('linear', '10000', '20000') / 20000, None, 'ns', '20', '8')
    row('ipfw: a lookup in 100,000 entries', (packet('table', '100000') - packet('linear', '1')) / 2, None, 'ns', '', '3x a rule')
    stateful = packet('stateful')
    row('ipfw: forwarding by 10 rules with states', stateful, None, 'ns/packet', '<= 2x slower', '', stateful / plain)
    translated = packet('nat')
    row('ipfw nat: forwarding by a gateway', translated, None, 'ns/packet', '', '', translated / plain)
    for what in ('rate', 'delay'):
        row(f'dummynet: error of a pipe\'s {what}', figure(['build/bench/ipfw', 'pipe', '100', '20000'], f'{what}_error_ppm'),
            None, 'ppm', '<= 1000', '')
    row('ipfw: the same among 1,000,000 states', packet('states', '1000000'), None, 'ns/packet', '', '')


def main():
    ns3 = build_ns3()
    rows = []

    def row(work, ours, theirs, unit, least, aim, ratio=None):
        if ratio is None and theirs:
            ratio = theirs / ours
        rows.append({'work': work, 'ours': ours, 'other': theirs, 'unit': unit, 'ratio': ratio,
                     'at_least': least, 'aim': aim})

    for pending, events, aim in ((1000, 10_000_000, '3x'), (100_000, 5_000_000, '3x'), (1_000_000, 5_000_000, '2.2x')):
        best = None
        if ns3:
            best = min(('Map', 'Heap', 'PriorityQueue'), key=lambda s: figure(
                ['build/ns3/hold', f'--scheduler=ns3::{s}Scheduler', f'--pending={pending}',
                 f'--events={events // 5}'], 'ns_per_event'))
        theirs = ['build/ns3/hold', f'--scheduler=ns3::{best}Scheduler', f'--pending={pending}',
                  f'--events={events // 2}'] if ns3 else None
        for ties in ([], ['ties']):
            mine, other = side_by_side(['build/bench/hold', str(pending), str(events)] + ties, theirs,
                                       'ns_per_event')
            label = f'hold, {pending} pending{", ties" if ties else ""}' + (f' (ns-3: {best})' if best else '')
            row(label, mine, other, 'ns/event', '2x', aim)

    chain = ['build/bench/chain', '300000']
    mine, other = side_by_side(chain, ['build/ns3/chain', '--packets=100000'] if ns3 else None,
                               'ns_per_hop')
    row('UDP chain of 10 routers', mine, other, 'ns/hop', '12x', '18x')
    plain, decided = [], []
    for _ in range(RUNS + 2):
        plain.append(figure(chain, 'ns_per_hop'))
        decided.append(figure(chain + ['decisions'], 'ns_per_hop'))
    slower = statistics.median(d / p for d, p in zip(decided, plain))
    row('the same, decisions recorded', statistics.median(decided), None, 'ns/hop', '<= 1.15x slower',
        '1.08x', slower)
    captured = statistics.median(
        figure(chain[:1] + ['100000', 'capture', 'build/bench'], 'ns_per_hop') for _ in range(RUNS))
    row('the same, every interface captured', captured, None, 'ns/hop', 'reported', '',
        captured / statistics.median(plain))
    chain6 = statistics.median(figure(chain + ['v6'], 'ns_per_hop') for _ in range(RUNS + 2))
    row('UDP chain over IPv6 (ratio: to IPv4)', chain6, None, 'ns/hop', '<= 1.3x slower', '1.0x',
        chain6 / statistics.median(plain))
    lpm_rows(row)
    firewall_rows(row)
    size_rows(row)
    tcp_rows(row, ns3)
    held = figure(['build/bench/tcp', 'connections', '20000'], 'octets_per_connection')
    row('an idle TCP connection, one end', held / 2, None, 'octets', '<= 1024', '512')
    if '--json' in sys.argv:
        print(json.dumps(rows, indent=2))
        return
    print(f'{"work":<46} {"ours":>9} {"other":>9} {"unit":<9} {"ratio":>7}  at least / aim')
    for r in rows:
        other = f'{r["other"]:9.1f}' if r['other'] else f'{"-":>9}'
        ratio = f'{r["ratio"]:6.2f}x' if r['ratio'] else f'{"-":>7}'
        print(f'{r["work"]:<46} {r["ours"]:9.1f} {other} {r["unit"]:<9} {ratio}  {r["at_least"]} / {r["aim"]}')
    if not ns3:
        print('ns-3 is not installed (libns3-dev): no comparison')


main()
