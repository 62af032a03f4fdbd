"""What Linux thinks of our TCP."""
import hashlib
import json
import os
import re
import time

from ipv6 import ONE, plain
from meeting import Meeting, expect, run

# A capture of so much would fill the disk.
UNSEEN = re.sub('captures:.*', '', ONE)
# Loss, reordering and duplication both ways.
ROUGH = UNSEEN.replace('endpoints: pc -- out}', 'endpoints: pc -- out, impair: {loss: 1%, reorder: 1%, duplicate: 1%}}')
MEGABYTES = int(os.environ.get('ORACLE_MEGABYTES', '64'))  # a gigabyte takes a minute and more


def same(ours, theirs, place):
    """Digests, and Linux's count of what is missing or too much."""
    ours = ours.split()
    expect(ours and theirs and len(ours[0]) == 64 and ours[0] == theirs[0], f'{place}: {ours} {theirs}')


def bulk(binary, lab=ROUGH, megabytes=MEGABYTES):
    """The same octets arrive, whatever the link does to their segments: from Linux to ours, and back."""
    with Meeting(binary, lab) as meeting:
        linux = plain(meeting)
        size = megabytes * 1_000_000
        program = f'{meeting.folder.name}/peer.py'
        with open(program, 'w') as file:
            file.write('import hashlib, random, socket, sys\n'
                       'way, size = sys.argv[1], int(sys.argv[2])\n'
                       's = socket.create_server((\'::\', 9000), family=socket.AF_INET6, dualstack_ipv6=True)\n'
                       'c, _ = s.accept()\n'
                       'h = hashlib.sha256()\n'
                       'left = size\n'
                       'block = random.Random(1).randbytes(1_000_000)\n'
                       'while left > 0 and way == \'send\':\n'
                       '    c.sendall(block); h.update(block); left -= len(block)\n'
                       'if way == \'send\': c.shutdown(socket.SHUT_WR)\n'
                       'while True:\n'
                       '    got = c.recv(1 << 16)\n'
                       '    if not got: break\n'
                       '    if way == \'take\': h.update(got); left -= len(got)\n'
                       'print(h.hexdigest(), size - left)\n')
        sent = meeting.node('pc', f'yes stackyard | head -c {size} > /tmp/sent; sha256 -q /tmp/sent', timeout=600)
        for place in ('10.9.0.2', 'fd00:9::2'):
            peer = linux.start(f'python3 {program} send {size}')
            time.sleep(0.5)
            begun = time.monotonic()
            ours = meeting.node('pc', f'nc -d {place} 9000 | sha256', timeout=600)
            theirs = peer.communicate(timeout=60)[0].split()
            same(ours, theirs, place)
            inward = time.monotonic() - begun
            peer = linux.start(f'python3 {program} take {size}')
            time.sleep(0.5)
            middle = time.monotonic()
            meeting.node('pc', f'nc -N {place} 9000 < /tmp/sent', timeout=600)
            theirs = peer.communicate(timeout=60)[0].split()
            same(sent, theirs, place)
            expect(theirs[1] == str(size), f'{place}: {theirs[1]} octets of {size} came')
            print(f'{place}: {megabytes} MB in {inward:.1f} s and out in {time.monotonic() - middle:.1f} s')


def clean_link(binary):
    """On a link that loses nothing, tshark's analysis finds nothing to remark; closes and resets included."""
    with Meeting(binary, ONE) as meeting:
        linux = plain(meeting)
        meeting.node('pc', 'mkdir -p /var/www; seq 1 200000 > /var/www/numbers; httpd -d /var/www')
        for place in ('10.9.0.1', '[fd00:9::1]'):
            got = linux.do(f'curl -sS -g http://{place}/numbers | sha256sum; curl -sS -g -o /dev/null -w %{{http_code}} http://{place}/none')
            expect(hashlib.sha256(''.join(f'{n}\n' for n in range(1, 200001)).encode()).hexdigest() in got and got.endswith('404'), got)
        at = f'{meeting.folder.name}/www'
        os.mkdir(at)
        with open(f'{at}/octets', 'wb') as file:
            file.write(os.urandom(3_000_000))
        with open(f'{at}/nginx.conf', 'w') as file:
            file.write(f'daemon off; pid {at}/pid; error_log stderr; events {{}}\n'
                       f'http {{ access_log off; server {{ listen 8080; listen [::]:8080; root {at}; }} }}\n')
        os.chmod(at, 0o755)
        os.chmod(meeting.folder.name, 0o755)
        linux.start(f'nginx -c {at}/nginx.conf -g "user root;"')
        time.sleep(0.5)
        wanted = hashlib.sha256(open(f'{at}/octets', 'rb').read()).hexdigest()
        for place in ('10.9.0.2', '[fd00:9::2]'):
            got = meeting.node('pc', f'fetch -q -o - http://{place}:8080/octets | sha256')
            expect(wanted in got, f'{place}: {got}')
        said = meeting.node('pc', 'nc -v 10.9.0.2 9', ok=False) + linux.do('curl -sS http://10.9.0.1:81/', ok=False)
        expect('refused' in said and 'connect' in said, said)
        time.sleep(0.2)
        seen = run(['tshark', '-r', f'{meeting.folder.name}/out/wire.pcapng', '-Y',
                    'tcp.analysis.flags && !tcp.analysis.window_update'], timeout=120).stdout
        expect(not seen.strip(), f'tshark remarks: {seen[:2000]}')


def iperf3(binary):
    """The real iperf3 as server and as client, both directions, several streams, IPv4 and IPv6."""
    with Meeting(binary, UNSEEN) as meeting:
        linux = plain(meeting)
        linux.start('iperf3 -s')
        meeting.node('pc', 'iperf3 -s -D')
        time.sleep(0.5)
        for words in ('10.9.0.2 -t 2', 'fd00:9::2 -t 1 -P 3', '10.9.0.2 -t 1 -R', '10.9.0.2 -n 20M -C newreno'):
            said = meeting.node('pc', f'iperf3 -c {words}', timeout=30)
            sums = re.findall(r'0.00-\S+ +sec +(\S+ \w+) .* (sender|receiver)', said)
            expect(len(sums) >= 2 and 'iperf Done.' in said, f'{words}: {said}')
        for words in ('10.9.0.1 -t 2', 'fd00:9::1 -t 1 -P 3', '10.9.0.1 -t 1 -R'):
            told = json.loads(linux.do(f'iperf3 -J -c {words}', timeout=30))
            expect('error' not in told, f'{words}: {told.get("error")}')
            sent, received = told['end']['sum_sent']['bytes'], told['end']['sum_received']['bytes']
            expect(0.8 * sent < received <= sent, f'{words}: {sent} octets sent, {received} received')


def iperf3_datagrams(binary):
    """iperf3 -u against the real one, both ways: both count the same datagrams, and lose none at a modest rate."""
    with Meeting(binary, UNSEEN) as meeting:
        linux = plain(meeting)
        server = linux.start('iperf3 -s')
        meeting.node('pc', 'iperf3 -s -D')
        time.sleep(0.5)
        # 10 Mb/s for a second in datagrams of 1000 octets: 1250, a tenth more or less by the real clock.
        for words in ('10.9.0.2', 'fd00:9::2 -P 2', '10.9.0.2 -R', '10.9.0.2 --udp-counters-64bit', '10.9.0.2 -R -b 10M/10'):
            streams = 2 if '-P' in words else 1
            said = meeting.node('pc', f'iperf3 -u -b 10M -l 1000 -t 1 -c {words}', timeout=30)
            counts = re.findall(r'0.00-\S+ +sec .* ms  (\d+)/(\d+) \(.*\)  (sender|receiver)', said)[-2:]
            expect([c[2] for c in counts] == ['sender', 'receiver'] and 'iperf Done.' in said, f'{words}: {said}')
            (_, sent, _), (lost, seen, _) = counts
            expect(0.9 < int(sent) / (1250 * streams) < 1.1, f'{words}: {sent} datagrams sent')
            expect(int(lost) == 0 and 0.9 * int(sent) < int(seen) <= int(sent), f'{words}: {lost} of {seen} lost of {sent}')
        for words in ('10.9.0.1', 'fd00:9::1 -P 2', '10.9.0.1 -R', '10.9.0.1 --udp-counters-64bit', '10.9.0.1 -l 200'):
            streams = 2 if '-P' in words else 1
            size = 200 if '-l' in words else 1000
            told = json.loads(linux.do(f'iperf3 -J -u -b 10M -l 1000 -t 1 -c {words}', timeout=30))
            expect('error' not in told, f'{words}: {told.get("error")}')
            end = told['end']['sum']
            expect(end['lost_packets'] == 0 and end['jitter_ms'] < 50, f'{words}: {end}')
            expect(0.9 < end['packets'] / (1_250_000 * streams / size) < 1.1, f'{words}: {end}')
        server.terminate()
        theirs = server.communicate(timeout=10)[0]
        expect(theirs.count('Total Datagrams') >= 5 and 'error' not in theirs.replace('interrupt', ''), theirs[-1500:])


ALL = [bulk, clean_link, iperf3, iperf3_datagrams]
