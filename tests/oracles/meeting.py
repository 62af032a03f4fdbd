"""A lab and Linux, joined by TAP devices: each oracle runs in network and mount namespaces of its own, which end with it.

Linux hosts are network namespaces named a, b, ...; a door `tap: sy-a` becomes the device sy-a of host a."""
import glob
import os
import re
import subprocess
import tempfile
import time


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def run(command, timeout=60, **options):
    return subprocess.run(command, capture_output=True, text=True, errors='replace', timeout=timeout, **options)


class Linux:
    """A host: a network namespace with its own processes."""

    def __init__(self, name, tap=None):
        self.name = name
        self.background = []
        self.do(f'ip netns add {name}', inside=False)
        self.do('ip link set lo up')
        if tap:
            self.do(f'ip link set {tap} netns {name}', inside=False)
            # Nothing by itself but what a test asks for: Linux's own questions would blur it.
            self.sysctl(**{f'net.ipv6.conf.{tap}.accept_ra': 0})

    def do(self, command, inside=True, ok=True, timeout=60):
        """A shell command; its output. It must succeed, unless `ok` is false."""
        words = ['ip', 'netns', 'exec', self.name] if inside else []
        done = run([*words, 'sh', '-ec', command], timeout)
        expect(done.returncode == 0 or not ok,
               f'{self.name}: {command}: status {done.returncode}\n{done.stdout}{done.stderr}')
        return done.stdout + done.stderr

    def start(self, command):
        process = subprocess.Popen(['ip', 'netns', 'exec', self.name, 'sh', '-c', f'exec {command}'],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
        self.background.append(process)
        return process

    def sysctl(self, **values):
        for name, value in values.items():
            self.do(f'echo {value} > /proc/sys/{name.replace(".", "/")}')

    def end(self):
        for process in self.background:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=10)


class Meeting:
    """The lab is served by the real clock; captures of all its doors are looked at when it ends."""

    def __init__(self, binary, lab):
        self.binary, self.lab = os.path.abspath(binary), lab

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.hosts = {}
        at = self.folder.name
        with open(f'{at}/lab.yaml', 'w') as file:
            file.write(self.lab)
        self.server = subprocess.Popen([self.binary, 'serve', f'{at}/lab.yaml', '--socket', f'{at}/lab.sock',
                                        '--pace', '1x', '--out', f'{at}/out'], stderr=subprocess.PIPE, text=True)
        line = self.server.stderr.readline()
        expect('serving' in line, f'the lab says {line}')
        for tap in re.findall(r'tap: (sy-\w+)', self.lab):
            self.add_linux(tap[3:], tap)
        return self

    def add_linux(self, name, tap=None):
        self.hosts[name] = Linux(name, tap)
        return self.hosts[name]

    def __exit__(self, kind, value, trace):
        try:
            self.macs = [mac for host in self.hosts.values()
                         for mac in re.findall(r'link/ether (\S+)', host.do('ip link', ok=False))]
            for host in self.hosts.values():
                host.end()
            self.server.terminate()
            said = self.server.communicate(timeout=60)[1]
            if kind is None:
                expect(self.server.returncode in (0, 1), f'the lab ended with {self.server.returncode}: {said}')
                self.check_captures()
        finally:
            self.folder.cleanup()

    def check_captures(self):
        # What Linux sent is Linux's.
        theirs = ''.join(f' && eth.src != {mac}' for mac in self.macs)
        for capture in sorted(glob.glob(f'{self.folder.name}/out/*')):
            wrong = run(['tshark', '-r', capture, '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE',
                         '-o', 'tcp.check_checksum:TRUE', '-Y',
                         '(_ws.malformed || ip.checksum.status == "Bad" || udp.checksum.status == "Bad" || '
                         'tcp.checksum.status == "Bad" || icmp.checksum.status == "Bad" || '
                         'icmpv6.checksum.status == "Bad" || igmp.checksum.status == "Bad")' + theirs], timeout=300)
            expect(wrong.returncode == 0 and not wrong.stdout.strip(),
                   f'tshark finds wrong: {wrong.stdout[:2000]}{wrong.stderr[:1000]}')

    def __getitem__(self, name):
        return self.hosts[name]

    def node(self, at, command, ok=True, timeout=60):
        """A shell command on a machine of the lab; its output."""
        done = run([self.binary, 'exec', '--socket', f'{self.folder.name}/lab.sock', at, '--', 'sh', '-c', command],
                   timeout, stdin=subprocess.DEVNULL)
        expect(done.returncode == 0 or not ok,
               f'{at}: {command}: status {done.returncode}\n{done.stdout}{done.stderr}')
        return done.stdout + done.stderr

    def start_node(self, at, command):
        process = subprocess.Popen([self.binary, 'exec', '--socket', f'{self.folder.name}/lab.sock', at, '--',
                                    'sh', '-c', command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors='replace')
        return process


def until(what, test, seconds=10.0):
    """Waits for what comes by the real clock."""
    end = time.monotonic() + seconds
    while True:
        seen = test()
        if seen:
            return seen
        expect(time.monotonic() < end, f'within {seconds} s: {what}')
        time.sleep(0.1)
