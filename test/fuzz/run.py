#!/usr/bin/env python3
"""Runs the fuzz targets (`make fuzz`) and folds what they have grown into the kept corpora (`make fuzz-merge`).

    run.py BUILD [--seconds N] [--jobs N] [TARGET...]    each target N seconds, some side by side
    run.py BUILD --merge [TARGET...]                     test/fuzz/corpus/, minimised, from all that BUILD has

BUILD is the folder of the preset `fuzz`. Inputs grow in BUILD/corpus/<target>, logs are in BUILD/fuzz-logs, an
input that breaks something comes to BUILD/findings. Exit status 1 when there is one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import seeds  # noqa: E402 (beside this file)

KEPT_BYTES_MAX = 2 << 20  # of all corpora together
PROGRESS_SECONDS = 15
INPUT_SECONDS_MAX = 60  # longer is a hang, on however busy a machine
MEMORY_MB_MAX = 2048
DEFAULT_LENGTH_MAX = 4096
GRACE_SECONDS = 120  # for the corpus that is read first, and for minds slower than libFuzzer's clock

# As in test/CMakeLists.txt: an input must not pass here and fail there.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}

WISHES = re.compile(r"^/\* fuzz: .*\bmax_len=(\d+)")
PROGRESS = re.compile(r"^#(\d+)\s.*?cov: (\d+).*?corp: (\d+)/(\S+)", re.M)
RUNS = re.compile(r"stat::number_of_executed_units: (\d+)")
REASONS = re.compile(r"^.*(?:does not hold: |ERROR: |runtime error: |Assertion .* failed).*$", re.M)


def say(text):
    print(f"fuzz: {text}", flush=True)


class Target:
    """One fuzz_*.c: its program, its folders, and a run of it."""

    def __init__(self, build, name):
        self.name = name
        self.program = build / "test" / "fuzz" / f"fuzz_{name}"
        self.kept = HERE / "corpus" / name
        self.grown = build / "corpus" / name
        self.seeds = build / "seeds" / name
        self.findings = build / "findings"
        self.log = build / "fuzz-logs" / f"{name}.log"
        self.process = None
        self.started = 0.0  # by the clock that only goes forward
        self.began = 0.0  # by the clock of files

    def prepare(self):
        """Folders, and the seeds written anew."""
        for folder in (self.kept, self.grown, self.findings, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.seeds, ignore_errors=True)
        self.seeds.mkdir(parents=True)
        for label, data in seeds.of(self.name):
            (self.seeds / label).write_bytes(data)

    def length_max(self):
        first_line = (HERE / f"fuzz_{self.name}.c").read_text(encoding="utf-8").split("\n", 1)[0]
        wish = WISHES.match(first_line)
        return int(wish.group(1)) if wish else DEFAULT_LENGTH_MAX

    def command(self, *options):
        dictionary = HERE / "dict" / f"{self.name}.dict"
        words = [f"-dict={dictionary}"] if dictionary.exists() else []
        return [str(self.program), f"-max_len={self.length_max()}", f"-timeout={INPUT_SECONDS_MAX}",
                f"-rss_limit_mb={MEMORY_MB_MAX}", *words, *options]

    def start(self, seconds):
        self.prepare()
        self.began = time.time() - 1
        command = self.command(f"-max_total_time={seconds}", "-print_final_stats=1",
                               f"-artifact_prefix={self.findings}/{self.name}-",
                               str(self.grown), str(self.kept), str(self.seeds))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **SANITIZERS})
        self.started = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.started

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def progress(self):
        """How far it is, in words."""
        lines = PROGRESS.findall(self.text())
        if not lines:
            return "reads its corpus"
        runs, edges, inputs, size = lines[-1]
        return f"{int(runs):,} runs, {edges} edges, {inputs} inputs ({size})"

    def runs(self):
        done = RUNS.search(self.text())
        lines = PROGRESS.findall(self.text())
        return int(done.group(1)) if done else int(lines[-1][0]) if lines else 0

    def report_finding(self):
        """Says what was found and how to see it again."""
        reason = REASONS.search(self.text())
        say(f"{self.name}: FOUND: {reason.group(0).strip() if reason else 'see the log'}")
        say(f"  log: {self.log}")
        inputs = [path for path in sorted(self.findings.glob(f"{self.name}-*")) if path.stat().st_mtime >= self.began]
        for path in inputs:
            say(f"  again: {self.program} {path}")
            say(f"  in gdb: gdb --args {self.program} {path}  (ASAN_OPTIONS=abort_on_error=1)")

    def minimise(self):
        """Makes the kept corpus the seeds, what was a finding once (bug-*), and the smallest set of other inputs that
        covers what all of them cover."""
        self.prepare()
        with tempfile.TemporaryDirectory(dir=self.grown.parent) as name:
            folder = Path(name)
            for path in self.seeds.iterdir():
                shutil.copyfile(path, folder / f"seed-{path.name}")
            for path in self.kept.glob("bug-*"):
                shutil.copyfile(path, folder / path.name)
            command = self.command("-set_cover_merge=1", name, str(self.kept), str(self.grown))
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                                  env={**os.environ, **SANITIZERS})
            if done.returncode != 0:
                sys.stderr.buffer.write(done.stderr)
                sys.exit(f"fuzz: {self.name}: the corpora can't be merged")
            shutil.rmtree(self.kept)
            shutil.copytree(folder, self.kept)
        kept = list(self.kept.iterdir())
        say(f"{self.name}: {len(kept)} inputs, {sum(path.stat().st_size for path in kept):,} bytes")


def watch(running, seconds_max):
    """Waits until one of them has ended; a line for each now and then."""
    spoken = time.monotonic()
    while True:
        for target in running:
            if target.process.poll() is not None:
                return target
            if target.seconds() > seconds_max:
                target.process.kill()
        if time.monotonic() - spoken >= PROGRESS_SECONDS:
            spoken = time.monotonic()
            for target in running:
                say(f"{target.name}: {target.seconds():.0f} s: {target.progress()}")
        time.sleep(0.2)


def fuzz(targets, seconds, jobs):
    """Runs them all; how many found something. Leaves none behind when it is interrupted."""
    running = []
    try:
        return fuzz_some_at_a_time(list(targets), running, seconds, jobs)
    finally:
        for target in running:
            target.process.kill()


def fuzz_some_at_a_time(waiting, running, seconds, jobs):
    found = 0
    while waiting or running:
        while waiting and len(running) < jobs:
            target = waiting.pop(0)
            target.start(seconds)
            running.append(target)
        target = watch(running, seconds + GRACE_SECONDS)
        running.remove(target)
        say(f"{target.name}: {target.seconds():.0f} s, {target.runs():,} runs"
            f"{', nothing found' if target.process.returncode == 0 else ''}")
        if target.process.returncode != 0:
            target.report_finding()
            found += 1
    return found


def names_of(build, wanted):
    """The targets wanted, or all; those without a program are said."""
    there = sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))
    for name in wanted:
        if name not in there:
            sys.exit(f"fuzz: no target {name}; there are: {' '.join(there)}")
    for name in wanted or there:
        if not (build / "test" / "fuzz" / f"fuzz_{name}").exists():
            sys.exit(f"fuzz: {name} is not built in {build}")
    return wanted or there


def merge(targets):
    for target in targets:
        target.minimise()
    kept = [path for path in (HERE / "corpus").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in kept)
    say(f"all corpora: {len(kept)} inputs, {size:,} bytes")
    return 0 if size <= KEPT_BYTES_MAX else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--merge", action="store_true")
    arguments = parser.parse_intermixed_args()
    build = arguments.build.resolve()
    targets = [Target(build, name) for name in names_of(build, arguments.targets)]
    if arguments.merge:
        return merge(targets)
    found = fuzz(targets, arguments.seconds, arguments.jobs)
    say(f"{len(targets)} targets, {sum(target.runs() for target in targets):,} runs, {found} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
