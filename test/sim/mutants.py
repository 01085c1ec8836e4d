#!/usr/bin/env python3
# ctest: timeout=600
"""Puts deliberate faults into the session and the codec, one at a time, and looks whether the simulation
finds each: a test of the test.

    mutants.py BUILD [--seeds N] [--only REGEX] [--jobs J] [--list]

BUILD is a build folder in which wsluice-sim was built. The tree is not touched: the file with the fault is
compiled beside it and linked in front of the library that has the faultless one.

The faults stand in mutants/*.mutants. "file" names the file for those that follow; then for each:

    == area: its name
       What it would do to a user.
    -the exact text, which must be in the file once, so that a changed source is noticed
    +what stands there instead

Exit status 1 when a fault is not found, or its text is not there once, or the faultless program fails.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = Path("test/sim/wsluice-sim")

SEEDS = 100000  # played for each fault at most
RUN_TIMEOUT_S = 300  # a fault may make lives long, and each of them is watched (watch.h)

FOUND_AT = re.compile(r"^sim: seed (\d+) fails: (.*)$", re.MULTILINE)
COMPILER_WARNINGS_OFF = ["-Wno-error", "-w"]  # what a fault leaves unused is no fault
DEPENDENCY_OPTIONS = (("-MD", 0), ("-MT", 1), ("-MF", 1))  # the build folder's files stay as they are


class Broken(Exception):
    """The check itself can't be made."""


@dataclass
class Mutant:
    name: str
    file: str
    harm: str = ""
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)

    def apply(self, source):
        """The source with the fault."""
        old, new = "\n".join(self.old), "\n".join(self.new)
        count = source.count(old)
        if not self.old or count != 1:
            raise Broken(f"{self.name}: its text is {count} times in {self.file}, must be there once")
        return source.replace(old, new)


def parse(path):
    """The mutants of one file of them."""
    file, mutants = None, []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("file "):
            file = line[5:].strip()
        elif line.startswith("== "):
            mutants.append(Mutant(name=line[3:].strip(), file=file))
        elif line.startswith("-"):
            mutants[-1].old.append(line[1:])
        elif line.startswith("+"):
            mutants[-1].new.append(line[1:])
        elif line.strip():
            mutants[-1].harm = f"{mutants[-1].harm} {line.strip()}".strip()
    return mutants


def all_mutants(pattern):
    found = [m for path in sorted((HERE / "mutants").glob("*.mutants")) for m in parse(path)]
    return [m for m in found if re.search(pattern, m.name)]


class Build:
    """How the build folder makes its program."""

    def __init__(self, folder):
        self.folder = folder.resolve()
        commands = json.loads((self.folder / "compile_commands.json").read_text(encoding="utf-8"))
        self.compile_commands = {os.path.relpath(c["file"], ROOT): c for c in commands}
        self.link_folder, self.link = self.link_command()

    def link_command(self):
        """The folder to run it in, and the arguments."""
        made_by_make = self.folder / "test/sim/CMakeFiles/wsluice-sim.dir/link.txt"
        if made_by_make.exists():
            return self.folder / "test/sim", shlex.split(made_by_make.read_text(encoding="utf-8"))
        commands = subprocess.run(["ninja", "-C", self.folder, "-t", "commands", PROGRAM],
                                  check=True, capture_output=True, text=True).stdout
        words = shlex.split(commands.strip().splitlines()[-1])
        return self.folder, [word for word in words if word not in (":", "&&")]

    def with_output(self, words, output):
        words = list(words)
        words[words.index("-o") + 1] = str(output)
        return words

    def compile(self, mutant, source, output):
        command = self.compile_commands[mutant.file]
        words = shlex.split(command["command"])
        for option, values in DEPENDENCY_OPTIONS:
            if option in words:
                at = words.index(option)
                del words[at:at + 1 + values]
        words = [str(source) if word.endswith(mutant.file) else word for word in words]
        run(self.with_output(words, output) + COMPILER_WARNINGS_OFF, command["directory"])

    def link_with(self, obj, output):
        words = self.with_output(self.link, output)
        first_library = next(i for i, word in enumerate(words) if word.endswith(".a"))
        run(words[:first_library] + [str(obj)] + words[first_library:], self.link_folder)


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def play(program, seeds, jobs):
    """(exit status, what it printed)."""
    words = [str(program), "--seeds", str(seeds), "--jobs", str(jobs), "--first", "--no-shrink"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
    return done.returncode, done.stdout + done.stderr


def check(build, mutant, seeds):
    """The seed that finds the fault and how, or None and why not."""
    with tempfile.TemporaryDirectory(prefix="wsluice-mutant-") as folder:
        folder = Path(folder)
        source, obj, program = folder / Path(mutant.file).name, folder / "mutant.o", folder / "wsluice-sim"
        try:
            source.write_text(mutant.apply((ROOT / mutant.file).read_text(encoding="utf-8")), encoding="utf-8")
            build.compile(mutant, source, obj)
            build.link_with(obj, program)
        except Broken as broken:
            return None, str(broken)
        status, output = play(program, seeds, jobs=1)
    found = FOUND_AT.search(output)
    if status == 0 or not found:
        return None, "NOT FOUND"
    return int(found.group(1)), found.group(2)


def check_all(build, mutants, seeds, jobs):
    """Prints a line for each as it comes, and returns the names of those that were not found."""
    missed = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        results = pool.map(lambda mutant: check(build, mutant, seeds), mutants)
        for mutant, (seed, how) in zip(mutants, results):
            print(f"{'-' if seed is None else seed:>7}  {mutant.name:<70}  {how}", flush=True)
            if seed is None:
                missed.append(mutant)
    return missed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", default="", help="a regular expression of the names wanted")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--missed", type=Path, help="a file for the faults that were not found")
    parser.add_argument("--list", action="store_true", help="list the faults, play nothing")
    return parser.parse_args()


def main():
    options = arguments()
    mutants = all_mutants(options.only)
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name}\n    {mutant.harm}")
        return 0
    started = time.monotonic()
    build = Build(options.build)
    status, output = play(build.folder / PROGRAM, options.seeds, options.jobs)
    if status != 0:
        print(f"the faultless program fails:\n{output}", file=sys.stderr)
        return 1
    print(f"   seed  fault{' ' * 65}  found by")
    missed = check_all(build, mutants, options.seeds, options.jobs)
    if options.missed:
        lines = (f"{m.name}\n    {m.file}: {m.harm}\n" for m in missed)
        options.missed.write_text("".join(lines), encoding="utf-8")
    print(f"mutants: {len(mutants) - len(missed)} of {len(mutants)} faults found "
          f"in {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
