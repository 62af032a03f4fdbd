#!/usr/bin/python3
"""One oracle, in namespaces of its own: oracle.py BINARY NAME. As the name, "can" tells whether the machine allows
them, and "names" lists all."""
import fcntl
import os
import struct
import subprocess
import sys

import differential
import ipv6
import tcp
from meeting import Failed

ALL = {test.__name__: test for test in [*ipv6.ALL, *tcp.ALL, *differential.ALL]}


def cannot():
    """Why not, or nothing. In the namespaces already."""
    mounted = subprocess.run('mount -t tmpfs none /run && ip netns add try && ip netns delete try && ip link set lo up',
                             shell=True, capture_output=True, text=True)
    if mounted.returncode:
        return f'no network namespaces: {mounted.stderr.strip()}'
    try:
        with open('/dev/net/tun', 'r+b', buffering=0) as tun:
            fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH', b'try', 0x1002))  # TUNSETIFF, IFF_TAP | IFF_NO_PI
    except OSError as why:
        return f'no TAP devices: {why}'
    return None


def main():
    binary, name = sys.argv[1:]
    if name == 'names':
        print('\n'.join(ALL))
        return 0
    why = cannot()
    if why or name == 'can':
        print(why or 'yes')
        return 0 if not why else 2
    try:
        ALL[name](binary)
    except (Failed, OSError, subprocess.SubprocessError) as wrong:
        print(f'{type(wrong).__name__}: {str(wrong)[:30000]}')
        return 1
    return 0


if __name__ == '__main__':
    # The program's own end takes everything with it that it started.
    os.environ['LC_ALL'] = 'C.UTF-8'
    sys.exit(main())
