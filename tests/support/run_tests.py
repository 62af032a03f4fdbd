#!/usr/bin/python3
"""Builds and runs every test, and ends with "N passed, N failed, N skipped" on a line of its own.

Usage: run_tests.py [unit] [drill] [scenarios] [served] [oracles] [gui] [tidy] [compilers] [fuzz]; nothing named:
all of them."""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'fuzz')]
import run_fuzz  # noqa: E402
import scenarios  # noqa: E402
import served  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))
passed = failed = skipped = 0


def report(ok, name, why=''):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f'FAILED: {name}\n{why}', flush=True)


def skip(name, why):
    global skipped
    skipped += 1
    print(f'SKIPPED: {name}: {why}', flush=True)


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors='replace', **options)


def build(folder, *options, environment=None):
    if not os.path.exists(f'{folder}/build.ninja'):
        setup = run(['meson', 'setup', folder, *options], env=environment)
        if setup.returncode:
            report(False, f'configure {folder}', setup.stdout + setup.stderr)
            return False
    made = run(['ninja', '-C', folder])
    if made.returncode:
        errors = [line for line in made.stdout.splitlines() if 'error' in line]
        report(False, f'build {folder}', '\n'.join(errors[-20:]) or made.stdout[-4000:])
    return made.returncode == 0


def unit(folder):
    """Each test case of each Catch2 program counts."""
    for program in sorted(os.listdir(f'{folder}/tests')):
        if not program.startswith('test_') or program.endswith('.p'):
            continue
        with tempfile.NamedTemporaryFile(suffix='.xml') as out:
            done = run([f'{folder}/tests/{program}', '-r', 'junit', '-o', out.name], timeout=900)
            try:
                cases = xml.parse(out.name).getroot().iter('testcase')
            except xml.ParseError:
                report(False, program, f'crashed with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}')
                continue
            whole = True
            for case in cases:
                wrong = case.findall('failure') + case.findall('error')
                whole &= not wrong
                report(not wrong, f'{folder}: {program}: {case.get("name")}',
                       '\n'.join((w.get('message') or '') + (w.text or '') for w in wrong))
            if whole and done.returncode:
                report(False, f'{folder}: {program}', done.stderr[-4000:])


def drill(program):
    """Each packet script counts, once over each version of IP."""
    for version in ['ipv4', 'ipv6']:
        done = run([program, 'drill', f'--ip_version={version}', 'tests/drill'], timeout=900)
        verdicts = 0
        words = ''
        for line in reversed(done.stdout.splitlines()):
            words = line + '\n' + words
            verdict = re.match(r'(PASS|FAIL|SKIP) (\S+\.pkt)', line)
            if verdict:
                verdicts += 1
                # A script of ours that asks for what is not there is no success.
                report(verdict[1] == 'PASS', f'drill {version} {verdict[2]}', words)
                words = ''
        if not verdicts or done.returncode not in (0, 1):
            report(False, f'drill {version}', done.stdout[-2000:] + done.stderr[-4000:])


def oracles(binary):
    """Linux as the judge. Each waits for the real clock most of the time, so four run at once."""
    # Of root's own right, else of a user who is root in a namespace of his own.
    ways = [['unshare', *user, '-nmpf', '--kill-child', '--mount-proc', sys.executable, 'tests/oracles/oracle.py', binary]
            for user in ([], ['-r'])]
    tries = [run([*way, 'can']) for way in ways]
    way = next((way for way, tried in zip(ways, tries) if tried.returncode == 0), None)
    names = run([sys.executable, 'tests/oracles/oracle.py', binary, 'names']).stdout.split()
    if way is None:
        for name in names:
            skip(f'oracle {name}', (tries[0].stdout + tries[0].stderr).strip())
        return
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name, done in zip(names, pool.map(lambda name: run([*way, name], timeout=300), names)):
            report(done.returncode == 0, f'oracle {name}', done.stdout + done.stderr)
    print(f'{len(names)} oracles of Linux ran', flush=True)


def gui(folder):
    """Qt Test's functions, without a display, and once in a real window."""
    programs = sorted(p for p in os.listdir(f'{folder}/tests') if re.fullmatch('gui.*_test', p))
    report(bool(programs), 'gui: the tests are built')
    for platform, before in (('offscreen', []), ('xcb', ['xvfb-run', '-a'])):
        for program in programs:
            with tempfile.NamedTemporaryFile(suffix='.xml') as out:
                done = run([*before, f'{folder}/tests/{program}', '-o', f'{out.name},junitxml'], timeout=600,
                           env={**os.environ, 'QT_QPA_PLATFORM': platform})
                try:
                    cases = list(xml.parse(out.name).getroot().iter('testcase'))
                except xml.ParseError:
                    report(False, f'{program}, {platform}', f'crashed with {done.returncode}\n{done.stderr[-4000:]}')
                    continue
                for case in cases:
                    wrong = case.findall('failure') + case.findall('error')
                    report(not wrong, f'{program}, {platform}: {case.get("name")}',
                           '\n'.join((w.get('message') or '') + (w.text or '') for w in wrong))


def main():
    os.chdir(ROOT)
    wanted = sys.argv[1:] or ['unit', 'drill', 'scenarios', 'served', 'oracles', 'gui', 'tidy', 'compilers', 'fuzz']
    if build('build', '--buildtype=release'):
        if 'unit' in wanted:
            unit('build')
        if 'drill' in wanted:
            drill('build/stackyard')
        if 'scenarios' in wanted:
            scenarios.run_all('build/stackyard', report, skip)
        if 'served' in wanted:
            served.run_all('build/stackyard', report)
        if 'oracles' in wanted:
            oracles('build/stackyard')
        if 'gui' in wanted:
            gui('build')
        if 'tidy' in wanted:
            tidy = run([sys.executable, 'tests/tidy/tidy.py', 'build'])
            report(tidy.returncode == 0, 'tidy', tidy.stdout + tidy.stderr)
    if 'compilers' in wanted:
        # The same bytes from another compiler, under sanitizers.
        if build(run_fuzz.FOLDER, *run_fuzz.OPTIONS, environment=run_fuzz.ENVIRONMENT):
            unit(run_fuzz.FOLDER)
            drill(f'{run_fuzz.FOLDER}/stackyard')
            served.run_all(f'{run_fuzz.FOLDER}/stackyard', report, times=1)
            scenarios.compare('build/stackyard', f'{run_fuzz.FOLDER}/stackyard', report)
    if 'fuzz' in wanted:
        fuzz = run([sys.executable, 'tests/fuzz/run_fuzz.py', '3'])
        for line in fuzz.stdout.splitlines():
            found = re.match(r'(ok|FAILED) (\S+)', line)
            if found:
                report(found[1] == 'ok', f'fuzz {found[2]}', fuzz.stdout[-3000:])
        if fuzz.returncode and 'FAILED' not in fuzz.stdout:
            report(False, 'fuzz', fuzz.stdout[-2000:] + fuzz.stderr[-2000:])
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    sys.exit(1 if failed else 0)


main()
