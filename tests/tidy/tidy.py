#!/usr/bin/python3
"""Tidy: layers, writable symbols, budgets of files, lines and functions, files nobody builds.

Prints one line a finding and exits with 1 when there is one."""
import glob
import os
import re
import subprocess
import sys

FILE_MOST = 900
LINE_MOST = 100
FUNCTION_MOST = 90
problems = []


def sources():
    return sorted(f for top in ('core', 'hw', 'stack', 'userland', 'lab', 'gui')
                  for f in glob.glob(top + '/**/*', recursive=True) if f.endswith(('.h', '.cpp')))


def folder_of(path):
    parts = path.split('/')
    return '/'.join(parts[:2]) if len(parts) > 2 else parts[0]


def check_layers():
    layers = {}
    for line in open('tests/tidy/layers.txt'):
        line = line.split('#')[0].strip()
        if line:
            name, seen = line.split(':')
            layers[name] = seen.split()
    for path in sources():
        folder = folder_of(path)
        if folder not in layers:
            problems.append(f'{path}: the folder {folder} is not in layers.txt')
            continue
        allowed = [folder] + layers[folder]
        for number, line in enumerate(open(path), 1):
            found = re.match(r'#include "(.+)"', line)
            if found and not any(found[1].startswith(a + '/') or found[1] == a for a in allowed):
                problems.append(f'{path}:{number}: {folder} must not include {found[1]}')


def check_symbols(build):
    """No library has a writable global: the stack's state is an instance."""
    for archive in sorted(glob.glob(build + '/lib*.a')):
        listing = subprocess.run(['objdump', '-t', '-C', archive], capture_output=True, text=True)
        for line in listing.stdout.splitlines():
            found = re.match(r'^[0-9a-f]+ .{7} (\.(?:data|bss|tdata|tbss)\S*)\s+([0-9a-f]+)\s+(.*)', line)
            if not found or found[1].startswith('.data.rel.ro') or int(found[2], 16) == 0:
                continue
            # The standard library's own constants of templates, and the runtime's references.
            if re.match(r'(guard variable for )?std::|(\.hidden )?DW\.ref\.|\.data|\.bss', found[3]):
                continue
            problems.append(f'{os.path.basename(archive)}: writable symbol {found[3]} in {found[1]}')


def check_budgets():
    for path in sources():
        lines = open(path).read().split('\n')
        if len(lines) > FILE_MOST:
            problems.append(f'{path}: {len(lines)} lines, at most {FILE_MOST}')
        begin = None
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_MOST + 20:
                problems.append(f'{path}:{number}: {len(line)} columns')
            # A function begins at column 0 and ends with a brace there.
            if re.match(r'[A-Za-z].*\{$', line) and '(' in line and not re.match('namespace|class|struct', line):
                begin = number
            elif line.startswith('}') and begin:
                if number - begin > FUNCTION_MOST and 'constexpr' not in lines[begin - 1]:
                    problems.append(f'{path}:{begin}: a function of {number - begin} lines, '
                                    f'at most {FUNCTION_MOST}')
                begin = None


def check_dead_files():
    built = ''.join(open(f).read() for f in glob.glob('*/meson.build'))
    included = ''.join(open(f).read() for f in sources() + glob.glob('tests/**/*.cpp', recursive=True) +
                       glob.glob('bench/*.cpp'))
    for path in sources():
        if path.endswith('.cpp') and path.split('/', 1)[1] not in built:
            problems.append(f'{path}: nobody builds it')
        if path.endswith('.h') and f'"{path}"' not in included:
            problems.append(f'{path}: nobody includes it')
    commands = open('lab/catalog/commands.cpp').read()
    for name in re.findall(r'(\w+_command)\b', open('userland/commands.h').read()):
        if '&' + name not in commands:
            problems.append(f'lab/catalog/commands.cpp: {name} is not listed')


check_layers()
check_budgets()
check_dead_files()
check_symbols(sys.argv[1] if len(sys.argv) > 1 else 'build')
print('\n'.join(problems))
sys.exit(1 if problems else 0)
