"""Random but legal conversations, held with Linux's TCP and with ours: after each step both must have acknowledged,
sent, delivered and refused the same.

The peer is this program, by a packet socket on one end of a veth pair; Linux is in the namespace at the other. All
conversations go on side by side, step by step. What was done becomes packet scripts, which `stackyard drill` replays."""
import collections
import errno
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

from meeting import Linux, expect, run

CONVERSATIONS = int(os.environ.get('ORACLE_CONVERSATIONS', '400'))
STEPS = 14
PAUSE = 0.45  # a step's time: longer than either side delays an acknowledgment
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
LINUX, PEER, PORT = '10.7.0.1', '10.7.0.2', 7000
FLAGS = [(SYN, 'S'), (FIN, 'F'), (RST, 'R'), (PSH, 'P'), (ACK, '.')]


def checksum(octets):
    padded = octets + bytes(len(octets) % 2)
    total = sum(struct.unpack(f'!{len(padded) // 2}H', padded))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Seen:
    """What one stack has shown by the end of a step."""

    def __init__(self):
        self.ack = 1          # the highest acknowledgment
        self.end = 1          # behind what was ever sent, a FIN included
        self.fin = self.reset = False
        self.again = False    # octets were sent twice: a timeout
        self.spoke = False    # in this step, other than to repeat itself
        self.sack = None      # blocks of this step's segments, if any came
        self.call = None      # what the step's system call gave

    def step(self):
        self.spoke, self.sack, self.call = False, None, None

    def take(self, flags, sequence, length, ack, sack):
        """A segment, in numbers relative to both SYNs."""
        if flags & RST:
            self.reset = self.spoke = True
            return
        if flags & SYN:
            return
        end = sequence + length + bool(flags & FIN)
        repeated = end <= self.end and end > sequence and ack == self.ack
        self.spoke |= not repeated
        self.again |= repeated
        self.ack = max(self.ack, ack)
        self.end = max(self.end, end)
        self.fin |= bool(flags & FIN)
        self.sack = sorted({*(self.sack or ()), *sack})

    def shown(self):
        return {'acknowledged': self.ack, 'sent up to': self.end, 'FIN': self.fin, 'RST': self.reset,
                'answered': self.spoke, 'SACK': self.sack, 'call': self.call}


# Before a step: octets of theirs that the peer has not acknowledged; they were sent again; the program has closed;
# their FIN is acknowledged; the peer's FIN is sent; where the peer's window ends.
State = collections.namedtuple('State', 'unacknowledged timed_out closed fin_acknowledged fin_sent window_end')


class Conversation:
    """One connection to the listener, as its peer chooses to lead it."""

    def __init__(self, number):
        self.random = random.Random(number)
        self.number = number
        self.port = 20000 + number
        self.isn = self.random.randrange(1 << 32)
        self.mss = self.random.choice([536, 1000, 1400])
        self.use_sack = self.random.random() < 0.7
        self.scale = self.random.choice([None, 0, 3, 7])
        self.window = 60000
        self.next = 1            # of our octets: behind what was sent without a hole
        self.ahead = []          # [begin, end] sent beyond it
        self.fin_sent = self.closed = self.dead = False  # closed: by the program at the other end
        self.shut = False
        self.acked = 1           # what we have acknowledged
        self.linux = Seen()
        self.their_isn = None
        self.lines = []          # of the packet script
        self.wait = 0            # seconds until its next
        self.steps = []          # the line of each, or None
        self.at = []             # the State before each
        self.said = []           # one word or two a step, and what Linux showed

    # --- segments --------------------------------------------------------------------------------

    def segment(self, flags, sequence, length=0, ack=None, options=b'', text=''):
        """Octets of a TCP segment for Linux, and the line of the script."""
        ack = self.acked if ack is None else ack
        window = self.window >> (self.scale or 0) if not flags & SYN else 60000
        number = (self.isn + sequence) % 2**32
        theirs = (self.their_isn + ack) % 2**32 if flags & ACK else 0
        header = struct.pack('!HHIIBBHHH', self.port, PORT, number, theirs, (5 + len(options) // 4) << 4, flags, window, 0, 0)
        whole = header + options + bytes(length)
        pseudo = socket.inet_aton(PEER) + socket.inet_aton(LINUX) + struct.pack('!HH', 6, len(whole))
        whole = whole[:16] + struct.pack('!H', checksum(pseudo + whole)) + whole[18:]
        words = ''.join(word for flag, word in FLAGS if flags & flag)
        line = f'< {words} {sequence}:{sequence + length}({length})' + (f' ack {ack}' if flags & ACK else '') + f' win {window}'
        self.write(f'{line} <{text}>' if text else line)
        return whole

    def write(self, line):
        self.lines.append(f'+{self.wait:g} {line}')
        self.wait = 0

    def syn(self):
        options, words = struct.pack('!BBH', 2, 4, self.mss), [f'mss {self.mss}']
        if self.use_sack:
            options, words = options + b'\x01\x01\x04\x02', words + ['nop', 'nop', 'sackOK']
        if self.scale is not None:
            options, words = options + struct.pack('!BBBB', 1, 3, 3, self.scale), words + ['nop', f'wscale {self.scale}']
        return self.segment(SYN, 0, options=options, text=','.join(words))

    # --- steps -----------------------------------------------------------------------------------

    def choose(self):
        """A step: ('name', octets to send or None, order to the program or None)."""
        r = self.random
        size = r.randrange(1, self.mss + 1)
        steps = []
        alive = not self.dead
        if alive and not self.fin_sent:
            steps += [('data', 6), ('FIN', 0.7)]
            if len(self.ahead) < 3:
                steps.append(('beyond a hole', 3))
            if self.next > 1:
                steps += [('again', 1.5), ('overlap', 1.5)]
            if self.ahead:
                steps.append(('fill the hole', 4))
        if alive:
            steps += [('acknowledge', 3 if self.linux.end > self.acked else 0.5), ('outside the window', 0.7),
                      ('acknowledge the unsent', 0.7), ('SYN', 0.5 if not self.linux.reset else 0), ('RST nearby', 0.5), ('RST', 0.3),
                      ('RST outside', 0.4), ('keepalive', 0.7), ('smaller window', 0.8)]
            if self.fin_sent:
                steps.append(('FIN again', 1))
        if not self.closed:
            steps += [('read', 3), ('close', 0.5)]
            if not self.shut:
                # What is not acknowledged holds a small segment back: see classic Nagle below.
                steps += [('send', 3 if self.linux.end == self.acked else 0.1), ('shut down', 0.4)]
        if not steps:
            steps = [('nothing', 1)]
        name = r.choices([s[0] for s in steps], [s[1] for s in steps])[0]
        return getattr(self, name.replace(' ', '_'))(name, size)

    def data(self, name, size):
        sent = self.segment(ACK | (PSH if self.random.random() < 0.5 else 0), self.next, size)
        self.advance(self.next + size)
        return name, sent, None

    def advance(self, end):
        self.next = max(self.next, end)
        while self.ahead and self.ahead[0][0] <= self.next:
            self.next = max(self.next, self.ahead.pop(0)[1])

    def FIN(self, name, size):
        if self.ahead:
            return self.fill_the_hole(name + ' not yet', size)
        length = self.random.choice([0, size])
        sent = self.segment(ACK | FIN, self.next, length)
        self.next += length + 1
        self.fin_sent = True
        return name, sent, None

    def FIN_again(self, name, _):
        return name, self.segment(ACK | FIN, self.next - 1), None

    def beyond_a_hole(self, name, size):
        begin = (self.ahead[-1][1] if self.ahead else self.next) + self.random.randrange(1, 700)
        self.ahead.append([begin, begin + size])
        return name, self.segment(ACK, begin, size), None

    def fill_the_hole(self, name, _):
        hole = (self.ahead[0][0] - self.next) if self.ahead else 1
        size = min(self.mss, hole)
        sent = self.segment(ACK, self.next, size)
        self.advance(self.next + size)
        return name, sent, None

    def again(self, name, size):
        begin = max(1, self.next - size)
        return name, self.segment(ACK, begin, self.next - begin), None

    def overlap(self, name, size):
        begin = max(1, self.next - self.random.randrange(1, size + 1))
        sent = self.segment(ACK, begin, size)
        self.advance(begin + size)
        return name, sent, None

    def acknowledge(self, name, _):
        self.acked = self.linux.end
        return name, self.segment(ACK, self.next), None

    def smaller_window(self, name, _):
        self.window = self.random.choice([2000, 8192, 30000, 60000])
        return name, self.segment(ACK, self.next), None

    def outside_the_window(self, name, size):
        return name, self.segment(ACK, self.next + 3_000_000, size), None

    def acknowledge_the_unsent(self, name, _):
        return name, self.segment(ACK, self.next, ack=self.linux.end + 1000), None

    def SYN(self, name, _):
        return name, self.segment(SYN, self.next + 77), None

    def RST(self, name, _):
        self.dead = True
        return name, self.segment(RST, self.linux.ack), None

    def RST_nearby(self, name, _):
        return name, self.segment(RST, self.linux.ack + 5), None

    def RST_outside(self, name, _):
        return name, self.segment(RST, self.linux.ack + 3_000_000), None

    def keepalive(self, name, _):
        return name, self.segment(ACK, self.next - 1), None

    def read(self, name, _):
        return name, None, 'read'

    def send(self, name, _):
        return name, None, f'write {self.random.randrange(1, 3000)}'

    def shut_down(self, name, _):
        self.shut = True
        return name, None, 'shutdown'

    def close(self, name, _):
        self.closed = True
        return name, None, 'close'

    def nothing(self, name, _):
        return name, None, None

    # --- what Linux shows ------------------------------------------------------------------------

    def hear(self, octets):
        header = (octets[0] & 15) * 4
        segment = octets[header:struct.unpack('!H', octets[2:4])[0]]
        _, _, sequence, ack, offset, flags = struct.unpack('!HHIIBB', segment[:14])
        if flags & SYN:
            self.their_isn = sequence
        if self.their_isn is None:
            return
        self.linux.take(flags, (sequence - self.their_isn) % 2**32, len(segment) - (offset >> 4) * 4,
                        (ack - self.isn) % 2**32, self.blocks(segment[20:(offset >> 4) * 4]))

    def blocks(self, options):
        found = []
        while options and options[0] != 0:
            if options[0] == 1:
                options = options[1:]
                continue
            if options[0] == 5:
                edges = [(e - self.isn) % 2**32 for e in struct.unpack(f'!{(options[1] - 2) // 4}I', options[2:options[1]])]
                found = list(zip(edges[::2], edges[1::2]))
            options = options[options[1]:]
        return found

    # --- the script ------------------------------------------------------------------------------

    def call_line(self, order, result):
        word, _, amount = order.partition(' ')
        text = {'read': 'read(4, ..., 1000000)', 'write': f'write(4, ..., {amount})',
                'shutdown': 'shutdown(4, SHUT_WR)', 'close': 'close(4)'}[word]
        self.write(f'{text} = ' + (f'-1 {result}' if isinstance(result, str) else str(result)))


def subject():
    """In Linux's namespace: the program at the other end, which does what the lines of its input say."""
    listener = socket.create_server((LINUX, PORT), backlog=4096)
    listener.settimeout(10)
    connections = {}
    print('listening', flush=True)
    for line in sys.stdin:
        orders, results = json.loads(line), {}
        for name, order in orders.items():
            word, _, amount = order.partition(' ')
            try:
                if word == 'accept':
                    connection, (_, port) = listener.accept()
                    connection.setblocking(False)
                    connections[port] = connection
                    results[name] = 0
                    continue
                connection = connections[int(name)]
                if word == 'read':
                    results[name] = len(connection.recv(1_000_000))
                elif word == 'write':
                    results[name] = connection.send(bytes(int(amount)))
                elif word == 'shutdown':
                    connection.shutdown(socket.SHUT_WR)
                    results[name] = 0
                else:
                    connection.close()
                    results[name] = 0
            except OSError as why:
                results[name] = errno.errorcode[why.errno]
        print(json.dumps(results), flush=True)


class Table:
    """Where all conversations are led."""

    def __init__(self):
        self.linux = Linux('a')
        self.linux.do('ip link add peer address 02:00:00:00:00:02 type veth peer name subject address 02:00:00:00:00:01;'
                      'ip link set subject netns a; ip link set peer up', inside=False)
        self.linux.do(f'ip addr add {LINUX}/24 dev subject; ip link set subject up;'
                      f'ip neigh add {PEER} lladdr 02:00:00:00:00:02 dev subject')
        # Challenges are counted for the whole machine: a hundred conversations at once are no attack.
        self.linux.sysctl(**{'net.ipv4.tcp_challenge_ack_limit': 1 << 30, 'net.ipv4.tcp_invalid_ratelimit': 0,
                             'net.ipv4.tcp_timestamps': 0, 'net.ipv4.tcp_syncookies': 0,
                             'net.ipv4.tcp_max_syn_backlog': 4096})
        self.frame = bytes.fromhex('020000000001' '020000000002' '0800')
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.wire.bind(('peer', 0))
        self.wire.setblocking(False)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.program = subprocess.Popen(['ip', 'netns', 'exec', 'a', sys.executable, __file__], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        expect(self.program.stdout.readline() == 'listening\n', 'the program listens')

    def send(self, segment):
        header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0, socket.inet_aton(PEER),
                             socket.inet_aton(LINUX))
        header = header[:10] + struct.pack('!H', checksum(header)) + header[12:]
        self.wire.send(self.frame + header + segment)

    def order(self, orders):
        self.program.stdin.write(json.dumps(orders) + '\n')
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def listen(self, conversations, seconds):
        by_port = {c.port: c for c in conversations}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                octets = self.wire.recv(65536)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            if octets[23] != 6 or octets[26:30] != socket.inet_aton(LINUX):
                continue
            tcp = 14 + (octets[14] & 15) * 4
            talker = by_port.get(struct.unpack('!H', octets[tcp + 2:tcp + 4])[0])
            if talker:
                talker.hear(octets[14:])


def lead(conversations):
    """All of them with Linux; their scripts and what Linux showed are theirs then."""
    table = Table()
    for c in conversations:
        c.lines += ['0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', '+0 bind(3, ..., ...) = 0', '+0 listen(3, 10) = 0']
        table.send(c.syn())
    table.listen(conversations, 1)
    for c in conversations:
        expect(c.their_isn is not None, f'Linux answers SYN {c.number}')
        c.lines.append('+0 > S. 0:0(0) ack 1 <...>')
        table.send(c.segment(ACK, 1))
    table.listen(conversations, 0.2)
    for c in conversations:
        table.order({str(c.port): 'accept'})
        c.lines += ['+0 accept(3, ..., ...) = 4', '+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0']
    for _ in range(STEPS):
        orders = {}
        for c in conversations:
            c.linux.step()
            c.wait += PAUSE
            c.at.append(State(c.linux.end > c.acked, c.linux.again, c.closed, c.linux.fin and c.linux.end == c.acked, c.fin_sent,
                              c.acked + c.window))
            name, segment, order = c.choose()
            c.said.append([name])
            c.steps.append(len(c.lines) if segment else len(c.lines) + 1 if order else None)
            if segment:
                table.send(segment)
            if order:
                orders[str(c.port)] = order
        results = table.order(orders)
        for c in conversations:
            if str(c.port) in orders:
                c.linux.call = results[str(c.port)]
                c.call_line(orders[str(c.port)], c.linux.call)
        table.listen(conversations, PAUSE)
        for c in conversations:
            c.said[-1].append(c.linux.shown())
    table.program.stdin.close()
    for c in conversations:
        c.lines.append(f'+{c.wait + PAUSE:g} `true`')


# --- ours ----------------------------------------------------------------------------------------

PACKET = re.compile(r'(?:sniffed|unasked) packet: (\S+) > (\S+) (\d+):(\d+)\((\d+)\)(?: ack (\d+))?(?:.*sack ([\d:]+(?: [\d:]+)*))?')


def replay(binary, conversation, folder, version):
    """What our stack shows at the end of each step, and whether it had sent octets again by then."""
    script = f'{folder}/{conversation.number}.pkt'
    with open(script, 'w') as file:
        file.write('\n'.join(conversation.lines) + '\n')
    said = run([binary, 'drill', '--verbose', '--non_fatal=syscall', f'--ip_version={version}', script]).stdout
    expect(f'PASS {script}' in said, f'{said}\n' + '\n'.join(conversation.lines))
    calls = {int(line): words for line, words in re.findall(r'^(\d+): warning: (.*)', said, re.M)}
    packets = [(float(time), sum(flag for flag, word in FLAGS if word in flags), int(begin), int(length), int(ack or 0),
                [tuple(map(int, block.split(':'))) for block in (sack or '').split()])
               for time, flags, begin, _, length, ack, sack in PACKET.findall(said)]
    packets.sort(key=lambda packet: packet[0])
    ours, shown, again = Seen(), [], []
    for number, step in enumerate(conversation.said):
        ours.step()
        end = PAUSE * (number + 2) - 0.01
        while packets and packets[0][0] < end:
            ours.take(*packets.pop(0)[1:])
        line = conversation.steps[number]
        ours.call = calls.get(line, step[1]['call'])
        again.append(ours.again)
        shown.append(ours.shown())
    return shown, again


# What the two do differently, rightly: what, whether they part there for good, and how it is told from a mistake. `c`
# is the State, with our own timeouts.
EXPLAINED = [
    ('closed with octets unread: Linux resets at once (RFC 2525 s2.17), FreeBSD when more of them come', True,
     lambda name, linux, ours, c: name == 'close' and linux['RST'] and not ours['RST']),
    ('a FIN that came twice: Linux reports its number by D-SACK, FreeBSD only octets', False,
     lambda name, linux, ours, c: name == 'FIN again' and differing(linux, ours) == ['SACK'] and not ours['SACK']),
    ('a small segment while octets are unacknowledged: FreeBSD has Nagle\'s algorithm, Linux Minshall\'s variant', True,
     lambda name, linux, ours, c: name == 'send' and sent_less(linux, ours) and c.unacknowledged),
    ('behind a timeout: FreeBSD\'s window grows by two segments an acknowledgment (RFC 3465), Linux\'s by all of it', True,
     lambda name, linux, ours, c: sent_less(linux, ours) and c.timed_out),
    ('the window has room for less than a segment: FreeBSD avoids the silly window (RFC 1122 s4.2.3.4), Linux fills it', True,
     lambda name, linux, ours, c: sent_less(linux, ours) and linux['sent up to'] == c.window_end),
    ('behind a timeout: FreeBSD sends a FIN past the congestion window', True,
     lambda name, linux, ours, c: name in ('shut down', 'close') and ours['FIN'] and not linux['FIN'] and c.timed_out),
    ('a write after a reset: Linux tells the error, FreeBSD EPIPE (sosend(9))', False,
     lambda name, linux, ours, c: name == 'send' and linux['call'] == 'ECONNRESET' and 'EPIPE' in str(ours['call'])),
    ('a reset behind the peer\'s FIN, or told to write() before: Linux\'s read() tells the end of the file, FreeBSD\'s the error', False,
     lambda name, linux, ours, c: name == 'read' and linux['call'] == 0 and 'ECONNRESET' in str(ours['call'])),
    ('closed, and octets come that are outside the window: FreeBSD resets, as for those inside', True,
     lambda name, linux, ours, c: name == 'outside the window' and ours['RST'] and c.closed),
    ('closed, and the FIN acknowledged: Linux keeps a miniature socket, which forgets what came out of order and answers '
     'all that is outside the window, resets too', True,
     lambda name, linux, ours, c: c.closed and c.fin_acknowledged and set(differing(linux, ours)) <= {'answered', 'SACK'}),
    ('TIME_WAIT: FreeBSD answers all but the last acknowledgment', False,
     lambda name, linux, ours, c: differing(linux, ours) == ['answered'] and ours['answered'] and c.fin_acknowledged and c.fin_sent),
]


def differing(linux, ours):
    """What they show differently. Without a segment there is no SACK to compare."""
    return [what for what in linux if linux[what] != ours[what] and (what != 'SACK' or None not in (linux[what], ours[what]))]


def sent_less(linux, ours):
    return ours['sent up to'] < linux['sent up to'] and set(differing(linux, ours)) <= {'sent up to', 'answered'}


def compare(c, replayed, ours_again):
    """Why they differ, a reason for each time; and the first difference that nothing explains."""
    why = []
    for number, ((name, linux), ours) in enumerate(zip(c.said, replayed)):
        different = differing(linux, ours)
        if not different:
            continue
        at = c.at[number]._replace(timed_out=c.at[number].timed_out or ours_again[number])
        reason, parted = next(((reason, parted) for reason, parted, fits in EXPLAINED if fits(name, linux, ours, at)), (None, True))
        if reason is None:
            shown = ', '.join(f'{what}: Linux {linux[what]}, ours {ours[what]}' for what in different)
            return why, f'conversation {c.number}, step {number + 1} ({name}): {shown}\n' + '\n'.join(c.lines)
        why.append(reason)
        if parted:
            break
    return why, None


def differential(binary):
    """Random but legal conversations: both answer the same, or it is known why not."""
    conversations = [Conversation(number) for number in range(CONVERSATIONS)]
    lead(conversations)
    reasons, wrong = collections.Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for c in conversations:
            for version in ('ipv4', 'ipv6'):
                why, failure = compare(c, *replay(binary, c, folder, version))
                reasons.update(why)
                wrong += [f'{version}, {failure}'] if failure else []
    print(f'{CONVERSATIONS} conversations of {STEPS} steps, replayed over IPv4 and IPv6')
    for reason, count in reasons.most_common():
        print(f'{count} times: {reason}')
    expect(not wrong, f'{len(wrong)} differ:\n' + '\n\n'.join(wrong[:20]))


ALL = [differential]


if __name__ == '__main__':
    subject()
