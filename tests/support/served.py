"""Served labs: the control protocol, its clients, shell scripts by shims in both clocks, recipes, journals."""
import base64
import contextlib
import glob
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import tempfile
import time

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = json.load(open(f'{ROOT}/docs/control.schema.json'))
DEFS = SCHEMA['$defs']


def validator(schema):
    return jsonschema.Draft202012Validator(schema | {'$defs': DEFS})


# By method, since to try every one of them takes jsonschema seconds.
MESSAGES = {each['properties']['method']['const']: validator(each)
            for kind in ('request', 'told', 'asked') for each in DEFS[kind]['oneOf']}
RESPONSE = jsonschema.Draft202012Validator(DEFS['response'])
RESULTS = {method: validator(each) for method, each in DEFS['results'].items()}


def validate(message):
    method = message.get('method')
    expect(method is None or method in MESSAGES, f'{method} is in the schema')
    (MESSAGES[method] if method else RESPONSE).validate(message)


TWO = '{nodes: [pc1, pc2], links: [{name: wire, endpoints: pc1 -- pc2}]}'


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


@contextlib.contextmanager
def served(binary, lab, pace, *options):
    """A lab that is served from its text, or from a file, in a folder of its own, with shims."""
    with tempfile.TemporaryDirectory() as folder:
        if not lab.endswith('.yaml'):
            with open(f'{folder}/lab.yaml', 'w') as file:
                file.write(lab)
            lab = f'{folder}/lab.yaml'
        path = f'{folder}/lab.sock'
        server = subprocess.Popen([binary, 'serve', lab, '--socket', path, '--pace', pace,
                                   '--out', f'{folder}/out', *[o.format(folder=folder) for o in options]],
                                  stderr=subprocess.PIPE, text=True)
        try:
            line = server.stderr.readline()
            while 'warning:' in line:
                line = server.stderr.readline()
            expect('serving' in line, f'the server says {line + (server.stderr.read() if server.poll() else "")}')
            subprocess.run([binary, 'shims', f'{folder}/bin'], check=True)
            yield folder, path, server
        finally:
            if server.poll() is None:
                server.terminate()
            server.communicate(timeout=60)
            expect(server.returncode in (0, 1), f'the server ended with {server.returncode}')
            expect(not os.path.exists(path), 'the socket is gone after the end')


class Client:
    """Speaks the protocol, and holds every message against the schema."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(30)
        self.lines = self.socket.makefile('rb')
        self.told = []
        self.last = 0

    def send(self, message):
        validate(message)
        self.socket.sendall(json.dumps(message).encode() + b'\n')

    def read(self):
        line = self.lines.readline()
        expect(line, 'the connection is still there')
        message = json.loads(line)
        validate(message)
        return message

    def ask(self, method, **params):
        self.last += 1
        self.send({'jsonrpc': '2.0', 'id': self.last, 'method': method, 'params': params})
        while True:
            message = self.read()
            if message.get('id') == self.last and 'method' not in message:
                break
            self.told.append(message)
        if 'result' in message:
            RESULTS[method].validate(message['result'])
        return message

    def call(self, method, **params):
        message = self.ask(method, **params)
        expect('result' in message, f'{method} {params}: {message.get("error")}')
        return message['result']

    def error(self, method, **params):
        message = self.ask(method, **params)
        expect('error' in message, f'{method} {params} is refused')
        return message['error']['message']

    def wait_for(self, method):
        while True:
            for i, message in enumerate(self.told):
                if message.get('method') == method:
                    return self.told.pop(i)['params']
            self.told.append(self.read())

    def rows(self, node, table):
        return self.call('lab.table', node=node, table=table)['rows']

    def run(self, at, *args):
        """A command to its end: status and output."""
        self.call('process.start', at=at, args=list(args))
        output = b''
        while True:
            message = self.told.pop(0) if self.told else self.read()
            if message.get('method') == 'process.output':
                octets = base64.b64decode(message['params']['data'])
                output += octets
                self.send({'jsonrpc': '2.0', 'method': 'process.ack',
                           'params': {'stream': message['params']['stream'], 'octets': len(octets)}})
            elif message.get('method') == 'process.exit':
                return message['params']['status'], output.decode()
            elif message.get('method') == 'sync':
                self.send({'jsonrpc': '2.0', 'id': message['id'], 'result': {}})


# --- the protocol -------------------------------------------------------------------------------

def looks(binary):
    with served(binary, TWO, 'paused') as (_, path, _server):
        client = Client(path)
        expect(client.call('hello')['version'] == 1, 'version 1')
        nodes = client.call('lab.nodes')['nodes']
        expect([n['name'] for n in nodes] == ['pc1', 'pc2'], f'two nodes: {nodes}')
        expect(client.call('lab.links')['links'][0]['ends'] == ['pc1:em0', 'pc2:em0'], 'a link')
        names = client.call('lab.tables', node='pc1')['tables']
        for name in names:
            client.call('lab.table', node='pc1', table=name)
        expect({'interfaces', 'routes', 'neighbours', 'sockets', 'jails'} <= set(names), f'tables: {names}')
        expect('no node' in client.error('lab.tables', node='pc9'), 'an unknown node')
        expect('no table' in client.error('lab.table', node='pc1', table='nonsense'), 'an unknown table')
        expect(client.ask('lab.nodes')['jsonrpc'] == '2.0', 'and it goes on')
        client.send({'jsonrpc': '2.0', 'id': 77, 'method': 'lab.checks', 'params': {}})
        expect(client.read()['id'] == 77, 'checks')


def subscriptions(binary):
    with served(binary, TWO, 'lockstep') as (_, path, _server):
        watcher, user = Client(path), Client(path)
        watcher.call('subscribe', what='table', node='pc1', table='neighbours')
        first = watcher.wait_for('table')
        packets = watcher.call('subscribe', what='packets', on='wire', filter='icmp', packets=3)['subscription']
        watcher.call('subscribe', what='drops')
        expect('unknown' in watcher.error('subscribe', what='packets', on='nowhere'), 'an unknown place')
        status, output = user.run('pc1', 'ping', '-c', '2', '10.0.0.2')
        expect(status == 0 and '2 packets received' in output, output)
        seen = [watcher.wait_for('packet') for _ in range(3)]
        expect('echo request' in seen[0]['text'] and 'echo reply' in seen[1]['text'], str(seen))
        expect(len(base64.b64decode(seen[0]['data'])) == seen[0]['length'] == 98, 'whole frames')
        changed = watcher.wait_for('table')
        expect(len(changed['rows']) > len(first['rows']), f'the neighbour is there: {changed}')
        watcher.call('unsubscribe', subscription=packets)
        expect('no such' in watcher.error('unsubscribe', subscription=packets), 'only once')
        status, output = user.run('pc1', 'ping', '-c', '1', '-t', '1', '-m', '1', '10.99.0.1')
        user.run('pc2', 'nc', '-u', '-w', '1', '10.0.0.1', '9')
        watcher.call('subscribe', what='packets', on='*', filter='icmp', packets=1)
        decisions = watcher.call('subscribe', what='decisions')['subscription']
        links = watcher.call('subscribe', what='table', node='', table='links', every='10ms')['subscription']
        told = watcher.wait_for('table')
        while told['subscription'] != links:  # the neighbours' may still come
            told = watcher.wait_for('table')
        before = told['rows']
        user.run('pc1', 'ping', '-c', '1', '10.0.0.2')
        expect('echo request' in watcher.wait_for('packet')['text'], 'packets of any link')
        after = watcher.rows('', 'links')
        expect([row['end'] for row in after] == ['pc1:em0', 'pc2:em0'] and after[0]['frames'] > before[0]['frames'],
               f'the link has carried more: {before} {after}')
        told = [watcher.wait_for('decision') for _ in range(2)]
        expect([each['sentence'] for each in told] == ['to 10.0.0.2 by the route 10.0.0.0/24, out of link#1',
                                                       'next hop 10.0.0.2 on link#1'], f'{told}')
        watcher.call('unsubscribe', subscription=decisions)
        states = watcher.call('subscribe', what='connections', node='pc1')['subscription']
        user.run('pc2', 'sh', '-c', 'nc -l 7000 >/dev/null & sleep 0.1')
        user.run('pc1', 'sh', '-c', 'echo hello | nc -N 10.0.0.2 7000')
        told = watcher.wait_for('connection')
        expect(told['state'] == 'SYN_SENT' and told['why'] == 'the program connects', f'{told}')
        samples = watcher.wait_for('connections')['samples']
        expect(samples and samples[0]['node'] == 'pc1' and 'cwnd' in samples[0], f'{samples}')
        watcher.call('unsubscribe', subscription=states)


def samples(binary):
    """A table on a grid of simulated time, however fast the lab runs; the lab is as if nobody had looked."""
    with served(binary, TWO, 'paused') as (_, path, _server):
        client, user = Client(path), Client(path)
        expect('no column' in client.error('subscribe', what='samples', node='', table='links', columns=['colour']),
               'an unknown column')
        expect('100us' in client.error('subscribe', what='samples', node='', table='links', columns=['link'], step='1us'),
               'too fine a step')
        number = client.call('subscribe', what='samples', node='', table='links', columns=['frames', 'end'],
                             match={'end': 'pc1:em0'}, step='100ms')['subscription']
        user.call('process.start', at='pc1', args=['ping', '-q', '-c', '3', '10.0.0.2'])
        client.call('time.run', until='2500ms')
        seen = []
        while not seen or seen[-1]['time'] < 2_400_000_000:
            told = client.wait_for('samples')
            expect(told['subscription'] == number and told['lost'] == 0, f'{told}')
            seen += told['samples']
        grid = [each['time'] for each in seen if each['time'] >= 100_000_000]
        expect(grid == list(range(100_000_000, 2_500_000_001, 100_000_000))[:len(grid)] and len(grid) >= 24, f'{grid}')
        frames = [each['rows'][0][0] for each in seen]
        expect(all(len(each['rows']) == 1 and each['rows'][0][1] == 'pc1:em0' for each in seen), 'one row')
        expect(frames == sorted(frames) and frames[-1] - frames[0] >= 4, f'ARP and three pings: {frames}')
        client.call('unsubscribe', subscription=number)
        expect('no such' in client.error('unsubscribe', subscription=number), 'only once')


def a_flood(binary):
    """Who cannot read everything is told how much it was: what was seen and missed is what has passed."""
    with served(binary, TWO, 'fast') as (_, path, _server):
        client, user = Client(path), Client(path)
        frames = lambda: sum(row['frames'] for row in user.rows('', 'links'))
        before = frames()
        client.call('subscribe', what='packets', on='*', lossy=True)
        client.call('subscribe', what='decisions', lossy=True)
        user.run('pc1', 'ping', '-q', '-f', '-s', '1000', '-c', '400000', '10.0.0.2')
        time.sleep(1.5)  # there is room again
        status, output = user.run('pc2', 'ping', '-c', '1', '10.0.0.1')
        expect(status == 0, output)
        passed = frames() - before
        seen = missed = 0
        later = []  # than the first burst
        while seen + missed < passed:
            packet = client.wait_for('packet')
            seen, missed = seen + 1, missed + packet.get('missed', 0)
            if missed:
                later.append(packet['id'])
        decided = {each['params']['id'] for each in client.told if each['method'] == 'decision'}
        whole = sum(each in decided for each in later)
        expect(len(later) > 20 and whole > 0.9 * len(later), f'{whole} of {len(later)} packets come with their decisions')
        expect(seen + missed == passed and missed > 300_000, f'{seen} seen, {missed} missed, {passed} passed')
        expect('echo reply' in packet['text'], f'and the last one is seen: {packet["text"]}')


def time_control(binary):
    with served(binary, TWO, 'paused') as (_, path, _server):
        client, user = Client(path), Client(path)
        start = client.call('time.get')
        time.sleep(0.05)
        expect(client.call('time.get')['time'] == start['time'], 'paused is paused')
        client.call('time.run', **{'for': '5s'})
        stopped = client.wait_for('time.stopped')
        expect(stopped['why'] == 'time' and stopped['time'] == start['time'] + 5_000_000_000, f'5 s later: {stopped}')
        expect('passed' in client.error('time.run', until='1s'), 'the past is over')
        expect('not a duration' in client.error('time.run', until='soon'), 'a wrong duration')
        user.call('process.start', at='pc1', args=['ping', '10.0.0.2'])
        client.call('time.step_packet')
        first = client.wait_for('time.stopped')
        expect(first['why'] == 'packet', str(first))
        expect(client.rows('pc2', 'neighbours') == client.rows('pc2', 'neighbours'), 'looking changes nothing')
        stepped = client.call('time.step', events=2)
        expect(stepped['events'] == 2 and stepped['time'] >= first['time'], str(stepped))
        client.call('time.run', when='{table: neighbours, node: pc2, rows: ">=2"}')
        found = client.wait_for('time.stopped')
        expect(found['why'] == 'condition' and found['time'] % 1_000_000 == 0, f'on the grid: {found}')
        expect('nonsense' in client.error('time.run', when='{nonsense: 1}'), 'a wrong condition')
        client.call('time.pace', pace='10x')
        expect(client.call('time.get')['running'], '10x runs')
        time.sleep(0.3)
        gone = client.call('time.get')['time'] - found['time']
        expect(1_000_000_000 < gone < 30_000_000_000, f'about 3 s at 10x: {gone}')
        expect('pace' in client.error('time.pace', pace='often'), 'a wrong pace')


def trees(binary):
    """The lab's links tell what spanning tree makes of their ends; a storm without one can be paused."""
    lab = f'{ROOT}/scenarios/switching/spanning-tree.yaml'
    with served(binary, lab, 'paused') as (_, path, _server):
        client = Client(path)
        ends = lambda: {row['end']: f"{row['role']} {row['state']}" for row in client.rows('', 'links')}
        client.call('time.run', until='9s')
        client.wait_for('time.stopped')
        told = ends()
        expect(told['s3:p2'] == 'alternate discarding' and told['s2:p2'] == 'designated forwarding', f'{told}')
        expect(told['ann:em0'] == ' ', f'a host is in no tree: {told}')
        expect(len(client.rows('s3', 'stp')) == 3, 'a row for each port')
        client.call('time.run', until='12100ms')
        client.wait_for('time.stopped')
        told = ends()
        expect(told['s3:p2'] == 'root forwarding' and told['s3:p1'] == 'disabled discarding', f'{told}')
    with served(binary, lab, 'paused', '--set', 'stp=off') as (_, path, _server):
        client = Client(path)
        client.call('time.run', when='{packet: arp, on: "ann:em0", count: ">20"}')
        stopped = client.wait_for('time.stopped')
        expect(stopped['why'] == 'condition' and stopped['time'] < 10_000_000, f'{stopped}')
        expect(client.rows('s3', 'stp') == [], 'no tree')
    bridges = ('nodes:\n  a: {jails: {in: {interfaces: {em0: {}, bridge0: {members: [em0], stp: rstp}}}}}\n'
               '  b: {interfaces: {bridge0: {members: [em0], stp: rstp}}}\nlinks: ["a/in:em0 -- b:em0"]\n')
    with served(binary, bridges, 'paused') as (_, path, _server):
        client = Client(path)
        client.call('time.run', until='5s')
        client.wait_for('time.stopped')
        states = [(row['end'], row['state']) for row in client.rows('', 'links')]
        expect(states == [('a/in:em0', 'forwarding'), ('b:em0', 'forwarding')], f'of bridges, and in jails: {states}')


def jails(binary):
    """Jails that commands make and remove, and interfaces that move, are in the lab's own tables."""
    lab = '{nodes: {srv: {jails: {a: {}}}, pc: {}}, links: [srv -- pc]}'
    with served(binary, lab, 'lockstep') as (_, path, _server):
        client, user = Client(path), Client(path)
        names = lambda: [row['jail'] for row in client.rows('', 'jails')]
        place = lambda: client.rows('', 'links')[0]['place']
        expect({'links', 'jails'} <= set(client.call('lab.tables', node='')['tables']), "the lab's own tables")
        user.run('srv', 'true')
        expect(names() == ['srv/a'] and place() == 'srv:em0', f'as in the file: {names()} {place()}')
        user.run('srv', 'jail', '-c', 'name=b', 'vnet', 'persist', 'children.max=3')
        user.run('srv', 'jexec', 'b', 'jail', '-c', 'name=c', 'vnet', 'persist')
        expect(names() == ['srv/a', 'srv/b', 'srv/b/c'], f'outer ones first: {names()}')
        expect(client.rows('', 'jails')[2]['vnet'] == 'new', 'with a stack of its own')
        expect('routes' in client.call('lab.tables', node='srv/b/c')['tables'], 'whose tables can be named')
        expect('not found' in client.error('lab.tables', node='srv/x'), 'but not those of none')
        user.run('srv', 'ifconfig', 'em0', 'vnet', 'b')
        user.run('srv/b', 'ifconfig', 'em0', 'vnet', 'c')
        user.run('srv/b/c', 'ifconfig', 'em0', 'name', 'wan0')
        expect(place() == 'srv/b/c:wan0', f'the interface has moved and has another name: {place()}')
        expect(client.rows('', 'links')[0]['end'] == 'srv:em0', "an end's name stays")
        user.run('srv', 'jail', '-r', 'b')
        expect(names() == ['srv/a'] and place().startswith('srv:'), f'gone: {names()} {place()}')


def completion(binary):
    """Commands, files, interfaces, names, jails and sysctls, of the machine or jail, as they are now."""
    lab = '{nodes: {srv: {jails: {web: {}, wiki: {}}, interfaces: {em0: {}, em1: {}}}, pc: {}}, links: [srv -- pc, srv -- pc]}'
    with served(binary, lab, 'lockstep') as (_, path, _server):
        client, user = Client(path), Client(path)
        user.run('srv', 'sh', '-c', "mkdir /root/dir; echo > '/root/a b'; echo > /tmp/capture.pcap")

        def complete(line, at='srv', cursor=None):
            done = client.call('lab.complete', at=at, line=line, **({} if cursor is None else {'cursor': cursor}))
            return done['line'], done['cursor'], done['choices']
        for line, completed, choices in (
                ('hostn', 'hostname ', []),
                ('tracer', 'traceroute', ['traceroute', 'traceroute6']),
                ('nonsense', 'nonsense', []),
                ('ping p', 'ping pc ', []),
                ('ping -c 1 pc; ifconfig e', 'ping -c 1 pc; ifconfig em', ['em0', 'em1']),
                ('true && hostn', 'true && hostname ', []),
                ('jexec w', 'jexec w', ['web', 'wiki']),
                ('jexec web hostn', 'jexec web hostname ', []),
                ('ifconfig em0 vnet wi', 'ifconfig em0 vnet wiki ', []),
                ('tcpdump -ni em0 -c1 > /tmp/ca', 'tcpdump -ni em0 -c1 > /tmp/capture.pcap ', []),
                ('cat a', 'cat a\\ b ', []),
                ("cat 'a ", 'cat a\\ b ', []),
                ('cat di', 'cat dir/', []),
                ('sysctl net.inet.ip.tt', 'sysctl net.inet.ip.ttl ', []),
                ('', '', None)):
            done = complete(line)
            expect(done[0] == completed and done[1] == len(completed) and choices in (None, done[2]), f'{line}: {done}')
        expect(complete('ifconfig e; echo ü', cursor=10)[:2] == ('ifconfig em; echo ü', 11), 'in the middle of a line')
        expect(complete('ifconfig e', at='srv/web')[0] == 'ifconfig e', 'a jail has its own interfaces')
        user.run('srv', 'ifconfig', 'em1', 'vnet', 'web')
        expect(complete('ifconfig e')[0] == 'ifconfig em0 ', 'one has moved')
        expect(complete('ifconfig e', at='srv/web')[0] == 'ifconfig em1 ', 'into the jail')
        expect(complete('ifconfig e' + 'x' * 9, cursor=10_000)[2] == [], 'a cursor behind the line')
        expect('no machine' in client.error('lab.complete', at='x', line='a'), 'an unknown machine')
        # The console on a terminal asks the same.
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp(binary, [binary, 'console', '--socket', path, 'srv'])
        shown = b''
        try:
            for typed, answer in ((b'', b'srv# '), (b'hostn\t\n', b'srv\r\nsrv# '), (b'jexec w\t', b'web  wiki'),
                                  (b'eb hostn\t\n', b'web\r\nsrv# '), (b':quit\n', None)):
                os.write(terminal, typed)
                begin = len(shown)
                while answer and answer not in shown[begin:]:
                    expect(select.select([terminal], [], [], 20)[0], f'the console went on: {shown}')
                    shown += os.read(terminal, 4096)
        except OSError:
            raise Failed(f'the console said {shown}')
        finally:
            os.kill(pid, signal.SIGKILL)
            os.close(terminal)
            os.waitpid(pid, 0)


def evidence(binary):
    """A check's verdict comes with what shows it: a command, a packet, a row."""
    lab = """{nodes: [pc1, pc2], links: [{name: wire, endpoints: pc1 -- pc2}], checks: {
      answers: {at: 1s, node: pc1, run: ping -q -c 1 pc2},
      reached: {at: 1500ms, reachable: {from: pc2, to: pc1}},
      asked: {eventually: {packet: icmp, on: wire}},
      silent: {within: 2s, packet: udp, on: 'pc1:em0'},
      route: {at: 2s, node: pc2, table: routes, expect: {netif: lo0}},
      plugged: {at: 2s, link: wire, state: down}}}"""
    with served(binary, lab, 'paused') as (_, path, _server):
        client = Client(path)
        client.call('subscribe', what='checks')
        expect(not any('shown_by' in check for check in client.call('lab.checks')['checks']), 'none of one not judged')
        client.call('time.run', until='3s')
        told = {}
        while len(told) < 6:
            check = client.wait_for('check')
            told[check['name']] = check
        expect([each['verdict'] for each in told.values()].count('pass') == 4, f'{told}')
        shown = {name: check['shown_by'] for name, check in told.items()}
        command = shown['answers']
        expect(command['at'] == 'pc1' and command['line'] == 'ping -q -c 1 pc2' and '1 packets received' in command['output'],
               f'{command}')
        expect(shown['reached']['at'] == 'pc2' and shown['reached']['line'].startswith('ping'), f'{shown}')
        expect(shown['asked']['filter'] == 'icmp' and shown['asked']['on'] == 'wire' and
               1_000_000_000 <= shown['asked']['time'] < 1_500_000_000 and shown['asked']['id'] > 0, f'{shown}')
        expect(shown['silent'] == {'what': 'packets', 'on': 'pc1:em0', 'filter': 'udp'}, f'{shown}')
        expect(shown['route']['table'] == 'routes' and shown['route']['row']['netif'] == 'lo0' and
               'destination' in shown['route']['row'], f'{shown}')
        expect(shown['plugged'] == {'what': 'table', 'node': '', 'table': 'links', 'row': {'link': 'wire'}}, f'{shown}')
        expect({each['name']: each['shown_by'] for each in client.call('lab.checks')['checks']} == shown, 'the same, asked for')


def edits(binary):
    lab = '{nodes: {sw: {kind: switch}, pc1: {}, srv: {jails: {a: {}, b: {}}}}, links: [pc1 -- sw, srv -- sw]}'
    with served(binary, lab, 'lockstep') as (_, path, _server):
        editor, user = Client(path), Client(path)
        editor.call('edit.add', yaml='{nodes: {pc9: {}}, links: [pc9 -- sw]}')
        names = [n['name'] for n in editor.call('lab.nodes')['nodes']]
        expect(names == ['sw', 'pc1', 'srv', 'srv/a', 'srv/b', 'pc9'], f'pc9 is there: {names}')
        status, output = user.run('pc9', 'ping', '-c', '1', 'pc1')
        expect(status == 0, f'and reaches pc1: {output}')
        status, output = user.run('pc1', 'ping', '-c', '1', 'pc9')
        expect(status == 0, f'which knows its name: {output}')
        expect('already' in editor.error('edit.add', yaml='{nodes: {pc9: {}}}'), 'names are taken')
        expect('unknown key' in editor.error('edit.add', yaml='{nodes: {x: {interfacse: {}}}}'), 'located errors')
        link = editor.call('edit.connect', link='{endpoints: pc1 -- pc9, prefix: 10.77.0.0/24}')['link']
        status, output = user.run('pc1', 'ping', '-c', '1', '-t', '2', '10.77.0.2')
        expect(status == 0, f'a second cable: {output}')
        editor.call('edit.link', link=link, impair='{delay: 30ms}')
        status, output = user.run('pc1', 'ping', '-c', '1', '-t', '2', '10.77.0.2')
        expect('time=60.0' in output, f'60 ms there and back: {output}')
        editor.call('edit.link', link=link, up=False)
        expect(user.run('pc1', 'ping', '-c', '1', '-t', '1', '10.77.0.2')[0] == 2, 'unplugged')
        editor.call('edit.disconnect', link=link)
        expect(link not in [each['name'] for each in editor.call('lab.links')['links']], 'the cable is gone')
        editor.call('edit.move', node='srv', interface='em0', to='srv/b')
        expect('em0' in [r['name'] for r in editor.rows('srv/b', 'interfaces')], 'moved into the jail')
        expect('does not exist' in editor.error('edit.move', node='srv', interface='em0', to='srv/a'), 'once')
        editor.call('edit.remove', node='pc9')
        expect('pc9' not in [n['name'] for n in editor.call('lab.nodes')['nodes']], 'removed')
        expect('switched off' in editor.error('process.start', at='pc9', args=['true']), 'it is off')
        expect(user.run('pc1', 'ping', '-c', '1', '-t', '1', 'pc9')[0] == 2, 'and silent')


def commands(binary):
    with served(binary, TWO, 'lockstep') as (folder, path, _server):
        run = lambda *words, **more: subprocess.run([binary, 'exec', '--socket', path, *words], capture_output=True,
                                                    text=True, timeout=60, **more)
        done = run('pc2', '--', 'sh', '-c', 'hostname; exit 7')
        expect(done.returncode == 7 and done.stdout == 'pc2\n', str(done))
        done = run('pc1', '--', 'cat', input='through\n' * 50000)
        expect(done.stdout == 'through\n' * 50000, 'streams of more than a credit')
        expect(run('pc1', '--', 'sh', '-c', 'kill -TERM $$').returncode == -signal.SIGTERM, 'dies by the signal')
        expect('no machine' in run('pc7', '--', 'true').stderr, 'an unknown machine')
        done = run('pc1/web', '--', 'true')
        expect(done.returncode == 1 and done.stderr == 'jexec: jail "web" not found\n', str(done))
        expect(run('pc1', '--', 'nonsense').returncode == 127, 'an unknown command')
        console = subprocess.run([binary, 'console', '--socket', path, 'pc2'], capture_output=True, text=True, timeout=60,
                                 input='hostname\n:time\n:run 5s\n:time\n:node pc1\nhostname\n:table routes\n:quit\n')
        expect(console.stdout.startswith('pc2\n') and '\npc1\n' in console.stdout, console.stdout + console.stderr)
        at = [float(t) for t in re.findall(r'^([0-9.]+) s', console.stdout, re.M)]
        expect(5 <= at[1] - at[0] < 5.1, f'5 s have passed: {at}')
        open(f'{folder}/alone.yaml', 'w').write(TWO)
        alone = subprocess.run([binary, 'console', f'{folder}/alone.yaml', '-c', 'ping -q -c 1 pc2'], capture_output=True,
                               text=True, timeout=60)
        expect(alone.returncode == 0 and '1 packets received' in alone.stdout, str(alone))
        missing = subprocess.run([binary, 'exec', '--socket', f'{folder}/none', 'pc1', '--', 'true'],
                                 capture_output=True, text=True)
        expect(missing.returncode == 3 and 'No such file' in missing.stderr, str(missing))


def bad_clients(binary):
    with served(binary, TWO, 'fast') as (_, path, _server):
        good = Client(path)
        garbage = Client(path)
        garbage.socket.sendall(b'\x00\xff nonsense\n')
        expect(json.loads(garbage.lines.readline())['error']['code'] == -32700, 'garbage is no JSON')
        expect(garbage.lines.readline() == b'', 'and the end')
        long = Client(path)
        with contextlib.suppress(OSError):
            for _ in range(20):
                long.socket.sendall(b'{' * 100000)
        with contextlib.suppress(OSError):
            long.lines.read()
        half = Client(path)
        half.socket.sendall(b'{"jsonrpc": "2.0", ')
        expect(good.call('hello')['version'] == 1, 'the others are served')
        for wrong in ({'jsonrpc': '2.0', 'id': 1, 'method': 'nonsense'}, {'id': 2, 'method': 'lab.table', 'params': {}},
                      {'id': 3, 'method': 'lab.table', 'params': {'node': 5, 'table': {}}}, {'id': 4, 'method': 'process.ack'},
                      {'id': 5, 'method': 'process.start', 'params': {'args': 'ping'}}):
            good.socket.sendall(json.dumps(wrong).encode() + b'\n')
            answer = good.read()
            expect(answer['id'] == wrong['id'] and 'error' in answer, f'{wrong}: {answer}')
        silent = Client(path)
        silent.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.send({'jsonrpc': '2.0', 'id': 1, 'method': 'subscribe', 'params': {'what': 'packets', 'on': 'wire'}})
        flood = Client(path)
        flood.call('process.start', at='pc1', args=['ping', '-q', '-f', '-s', '1400', '10.0.0.2'])
        begun = time.time()
        while time.time() - begun < 60:
            time.sleep(0.2)
            good.call('time.get')
            if not peer_is_there(silent):
                break
        expect(time.time() - begun < 60, 'who never reads is cut off')
        expect(half.lines.readline() == b'', 'half a message is cut off after a while')
        expect(good.call('hello')['version'] == 1, 'and the others are served')


def peer_is_there(client):
    try:
        client.socket.sendall(b'{"jsonrpc": "2.0", "method": "hello"}\n')
        return True
    except OSError:
        return False


def the_socket(binary):
    with served(binary, TWO, 'paused') as (folder, path, _server):
        expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, 'the owner alone')
        again = subprocess.run([binary, 'serve', f'{folder}/lab.yaml', '--socket', path], capture_output=True, text=True)
        expect(again.returncode == 3 and 'served there already' in again.stderr, str(again))
        stale = f'{folder}/stale.sock'
        old = socket.socket(socket.AF_UNIX)
        old.bind(stale)
        old.close()
        fresh = subprocess.Popen([binary, 'serve', f'{folder}/lab.yaml', '--socket', stale], stderr=subprocess.PIPE, text=True)
        expect('serving' in fresh.stderr.readline(), 'a stale one is replaced')
        fresh.send_signal(signal.SIGINT)
        fresh.communicate(timeout=60)
        taken = subprocess.run([binary, 'serve', f'{folder}/lab.yaml', '--socket', f'{folder}/lab.yaml'],
                               capture_output=True, text=True)
        expect(taken.returncode == 3 and os.path.exists(f'{folder}/lab.yaml'), 'a file is left alone')


# --- shell scripts ------------------------------------------------------------------------------

def run_script(folder, path, script, limit=120):
    done = subprocess.run(['sh', script], cwd=folder, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL,
                          env={'PATH': f'{folder}/bin:/usr/bin:/bin', 'STACKYARD_SOCKET': path, 'LC_ALL': 'C'})
    return f'{done.stdout}--\n{done.stderr}--\nexit {done.returncode}\n'


def lab_of_script(text):
    """The lab that a script needs stands in its first comment, indented."""
    return '\n'.join(line[4:] for line in text.splitlines() if line.startswith('#   ')) + '\n'


# Real pids, which differ from run to run.
PIDS = re.compile(r'\b[0-9]{3,7}\b(?= +[0-9]+ +(udp|tcp|icm|stream|dgram))|(?<=pid )[0-9]+')


def golden(name, text):
    path = f'{ROOT}/tests/golden/{name}.txt'
    if os.environ.get('GOLDEN_UPDATE'):
        open(path, 'w').write(text)
    with open(path) as file:
        wanted = file.read()
    expect(text == wanted, f'tests/golden/{name}.txt says\n{wanted}\nbut it was\n{text}')


def paced_test(binary, script):
    """By the real clock a script says what it says in lockstep."""
    with open(script) as file:
        lab = lab_of_script(file.read())
    with served(binary, lab, '10x') as (folder, path, _server):
        begun = time.time()
        text = run_script(folder, path, script)
        golden(f'{os.path.splitext(os.path.basename(script))[0]}.sh', text)
        slept = time.time() - begun
        expect(slept > 0.5, f'five simulated seconds at 10x take half a second at least, not {slept:.2f} s')


def script_test(binary, script, times):
    with open(script) as file:
        lab = lab_of_script(file.read())
    name = os.path.splitext(os.path.basename(script))[0]
    for _ in range(times):
        with served(binary, lab, 'lockstep', '--journal', '{folder}/journal', '--trace', '{folder}/live') as (folder, path, server):
            text = PIDS.sub('PID', run_script(folder, path, script))
            golden(f'{name}.sh', text)
            server.terminate()
            server.wait(60)
            # What was journalled, done again, is the same.
            again = subprocess.run([binary, 'replay', f'{folder}/journal', '--trace', f'{folder}/again'],
                                   capture_output=True, text=True, timeout=120)
            expect(again.returncode == 0, f'replay: {again}')
            expect(open(f'{folder}/live').read() == open(f'{folder}/again').read(), 'the replay has the same trace')


def recipe_test(binary, script):
    """The script and the YAML of a recipe give stacks that look the same."""
    text = open(script).read()
    recipe = script[:-3] + '.yaml'
    at = re.search(r'^# The same stacks as the YAML at (\S+): (.*)$', text, re.M)
    expect(at, 'a recipe says when it is to be compared, and which stacks')
    tables = {}
    with served(binary, recipe, 'paused') as (_, path, _server):
        client = Client(path)
        client.call('time.run', until=at[1])
        client.wait_for('time.stopped')
        tables['yaml'] = stacks(client, at[2].split())
    with served(binary, lab_of_script(text), 'lockstep') as (folder, path, _server):
        with open(f'{folder}/half.sh', 'w') as half:
            half.write(text[:text.index('# -- compared here')])
        run_script(folder, path, f'{folder}/half.sh')
        tables['script'] = stacks(Client(path), at[2].split())
    for name, rows in tables['yaml'].items():
        other = tables['script'][name]
        expect(rows == other, f'{name}: by YAML {sorted(set(rows) - set(other))}, by the script {sorted(set(other) - set(rows))}')


def stacks(client, nodes):
    """What a recipe makes: interfaces, addresses, routes; without counters and times."""
    keep = {'interfaces': ('name', 'mtu', 'address', 'up', 'status'), 'addresses': None,
            'routes': ('fib', 'destination', 'flags', 'netif', 'mtu'), 'ipfw_rules': ('number', 'rule')}
    shown = {}
    for node in nodes:
        for table, columns in keep.items():
            rows = client.rows(node, table)
            shown[f'{node} {table}'] = sorted(
                (json.dumps({k: v for k, v in row.items() if not columns or k in columns}) for row in rows))
    return shown


def doors(binary):
    """Two labs, each with one half of a UDP tunnel; the journal of one gives its trace again, without the other."""
    free = []
    for _ in range(2):
        free.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        free[-1].bind(('127.0.0.1', 0))
    ends = [f'127.0.0.1:{each.getsockname()[1]}' for each in free]
    for each in free:
        each.close()
    lab = '''name: half{0}
nodes:
  pc: {{interfaces: {{em0: {{addresses: [10.9.0.{0}/24]}}}}}}
  out: {{kind: door, udp: {{local: "{1}", remote: "{2}"}}}}
links: [pc -- out]
'''
    one, two = lab.format(1, *ends), lab.format(2, *reversed(ends))
    with served(binary, one, '1x', '--journal', '{folder}/journal', '--trace', '{folder}/trace') as (folder, path, server):
        with served(binary, two, '1x') as (_, other, _):
            expect('by the real clock' in Client(path).error('time.pace', pace='fast'), 'doors go by the real clock')
            status, output = Client(other).run('pc', 'ping', '-c', '3', '-i', '0.1', '-s', '3000', '10.9.0.1')
            expect(status == 0 and ' 0.0% packet loss' in output, f'ping through the tunnel: {output}')
        server.terminate()
        server.communicate(timeout=60)
        again = subprocess.run([binary, 'replay', f'{folder}/journal', '--out', f'{folder}/again',
                                '--trace', f'{folder}/trace2'], capture_output=True, text=True)
        expect(again.returncode == 0, f'replay: {again.stderr}')
        expect(open(f'{folder}/trace').read() == open(f'{folder}/trace2').read(), 'the replay is the run')
    nowhere = subprocess.run([binary, 'run', '--pace', 'fast', '/dev/stdin'], input=one, capture_output=True, text=True)
    expect(nowhere.returncode == 2 and 'by the real clock' in nowhere.stderr, f'run --pace fast: {nowhere.stderr}')


def run_all(binary, report, times=20):
    build = os.path.dirname(binary)
    binary = os.path.abspath(binary)

    def case(name, test, *arguments):
        try:
            test(binary, *arguments)
            report(True, name)
        except (Failed, jsonschema.ValidationError, OSError, ValueError, KeyError, subprocess.SubprocessError) as wrong:
            report(False, name, f'{type(wrong).__name__}: {str(wrong)[:4000]}')

    for test in (looks, subscriptions, samples, a_flood, time_control, trees, jails, completion, evidence, edits, commands, bad_clients,
                 the_socket, doors):
        case(f'{build}: served: {test.__name__}', test)
    for script in sorted(glob.glob(f'{ROOT}/tests/served/*.sh')):
        case(f'{build}: served: {os.path.basename(script)}, {times} times over', script_test, script, times)
    case(f'{build}: served: paced.sh by the real clock', paced_test, f'{ROOT}/tests/served/paced.sh')
    for script in sorted(glob.glob(f'{ROOT}/scenarios/*/*.sh')):
        case(f'{build}: served: {os.path.basename(script)}', script_test, script, 2)
        case(f'{build}: served: {os.path.basename(script)} and its YAML', recipe_test, script)
