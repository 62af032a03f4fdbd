#!/usr/bin/python3
"""Builds every fuzz target with clang's libFuzzer and sanitizers, and runs each for some seconds."""
import glob
import os
import subprocess
import sys

seconds = sys.argv[1] if len(sys.argv) > 1 else '60'
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(root)
folder = 'build-fuzz'
if not os.path.exists(folder + '/build.ninja'):
    environment = dict(os.environ, CC='clang-16', CXX='clang++-16')
    subprocess.run(['meson', 'setup', folder, '--buildtype=debugoptimized', '-Dfuzz=true',
                    '-Db_sanitize=address,undefined', '-Db_lundef=false'],
                   check=True, env=environment, stdout=subprocess.DEVNULL)
targets = [os.path.basename(f)[:-4] for f in sorted(glob.glob('tests/fuzz/*_fuzz.cpp'))]
subprocess.run(['ninja', '-C', folder] + ['tests/' + t for t in targets], check=True,
               stdout=subprocess.DEVNULL)
failed = False
for target in targets:
    corpus = f'{folder}/corpus-{target}'
    os.makedirs(corpus, exist_ok=True)
    done = subprocess.run([f'{folder}/tests/{target}', f'-max_total_time={seconds}', '-max_len=4096',
                           '-verbosity=0', '-print_final_stats=1', f'-artifact_prefix={folder}/', corpus],
                          capture_output=True, text=True, errors='replace')
    runs = [line.split()[-1] for line in done.stderr.splitlines() if 'number_of_executed' in line]
    print(f'{"ok" if done.returncode == 0 else "FAILED"} {target} {runs[0] if runs else 0} runs')
    if done.returncode:
        failed = True
        print(done.stderr[-4000:])
sys.exit(1 if failed else 0)
