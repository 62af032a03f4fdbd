#!/usr/bin/python3
"""Builds every fuzz target with clang's libFuzzer and sanitizers, and runs each for some seconds.

The same build holds the whole program: run_tests.py runs the tests under its sanitizers, too."""
import glob
import os
import subprocess
import sys

FOLDER = 'build-clang'
ENVIRONMENT = dict(os.environ, CC='clang-16', CXX='clang++-16')
OPTIONS = ['-Doptimization=1', '-Ddebug=true', '-Dfuzz=true', '-Db_sanitize=address,undefined',
           '-Db_lundef=false', '-Dgui=disabled']


def main():
    seconds = sys.argv[1] if len(sys.argv) > 1 else '60'
    os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if not os.path.exists(FOLDER + '/build.ninja'):
        subprocess.run(['meson', 'setup', FOLDER, *OPTIONS], check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    targets = [os.path.basename(f)[:-4] for f in sorted(glob.glob('tests/fuzz/*_fuzz.cpp'))]
    subprocess.run(['ninja', '-C', FOLDER] + ['tests/' + t for t in targets], check=True, stdout=subprocess.DEVNULL)
    failed = False
    for target in targets:
        corpus = f'{FOLDER}/corpus-{target}'
        os.makedirs(corpus, exist_ok=True)
        done = subprocess.run([f'{FOLDER}/tests/{target}', f'-max_total_time={seconds}', '-max_len=4096',
                               '-verbosity=0', '-print_final_stats=1', f'-artifact_prefix={FOLDER}/', corpus],
                              capture_output=True, text=True, errors='replace')
        runs = [line.split()[-1] for line in done.stderr.splitlines() if 'number_of_executed' in line]
        print(f'{"ok" if done.returncode == 0 else "FAILED"} {target} {runs[0] if runs else 0} runs')
        if done.returncode:
            failed = True
            print(done.stderr[-4000:])
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
