#!/usr/bin/env python3
"""Line and branch coverage: measured with gcov, held to limits, and to the reasons in docs/COVERAGE.md.

    scripts/coverage.py [--all] [--write]

Runs the tests of the coverage build (preset `coverage`) twice: first those that are codec's and bridge's
own (their unit tests, the simulation's seeds, the fuzz corpora), which must reach LINES_MIN and BRANCHES_MIN
of these rooms; then the other rooms' unit tests, for information (--all: the integration tests too, which
takes minutes). gcovr merges the counters. --write puts the figures into docs/COVERAGE.md.

Lines of codec/ and bridge/ that nothing reached must be exactly those that docs/COVERAGE.md gives a reason
for: one more or one less is a failure. Branches of an assert() don't count: the other way ends the process.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-coverage"
REPORT = ROOT / "docs" / "COVERAGE.md"

HELD = ("codec", "bridge")  # the rooms that strangers' bytes go through
LINES_MIN = 95.0  # per cent, of each
BRANCHES_MIN = 85.0
ROOMS = ("codec", "bridge", "core", "net", "route", "server", "ops", "app")

OWN_TESTS = r"^(unit/(codec|bridge)/|sim/(seeds|test_)|fuzz/)"  # not sim/mutants: those run code that is not ours
OTHERS = (r"^unit/", "its unit tests")  # of the other rooms, for information
ALL = (r"^(unit|integration|conformance)/", "unit, integration and conformance tests")
ASSERTION = r"\s*assert\(.*"

# A row of the list of reasons: | `file` | `function` | `the line` | reason |
REASON_ROW = re.compile(r"^\| `(src|include)/(\S+)` \| `(\w+)` \| `(.+)` \| (.+) \|$")
FIGURES = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.DOTALL)


def room_of(name):
    return "codec" if name.startswith("include/") else name.split("/")[1]


def run_tests(pattern, without=None):
    """Runs the tests whose names fit; true when all passed, else it says which did not."""
    command = ["ctest", "--test-dir", str(BUILD), "--no-tests=error", "--output-on-failure",
               "-j", os.environ.get("TEST_JOBS", "2"), "-R", pattern]
    result = subprocess.run(command + (["-E", without] if without else []), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        print(result.stdout)
    return result.returncode == 0


def forget_counters():
    for counters in BUILD.rglob("*.gcda"):
        counters.unlink()


def measure():
    """gcovr's view of all files of ours, by name."""
    out = BUILD / "coverage.json"
    subprocess.run(["gcovr", "--root", ROOT, "--filter", f"{re.escape(str(ROOT))}/(src|include)/",
                    "--exclude-branches-by-pattern", ASSERTION, "--json", out, BUILD / "CMakeFiles"], check=True)
    return {file["file"]: File(file) for file in json.loads(out.read_text())["files"]}


class File:
    """One file's lines and branches."""

    def __init__(self, measured):
        self.name = measured["file"]
        lines = [line for line in measured["lines"]
                 if not line.get("gcovr/noncode") and not line.get("gcovr/excluded")]
        branches = [(line["line_number"], branch) for line in lines for branch in line["branches"]]
        self.lines = (len(lines), sum(line["count"] > 0 for line in lines))
        self.branches = (len(branches), sum(branch["count"] > 0 for _, branch in branches))
        self.missed_lines = sorted(line["line_number"] for line in lines if line["count"] == 0)
        self.missed_branches = sorted({number for number, branch in branches if branch["count"] == 0})
        self.starts = sorted((function["lineno"], function.get("name") or function["demangled_name"])
                             for function in measured["functions"])

    def function_at(self, number):
        return [name for start, name in self.starts if start <= number][-1]

    def missed(self):
        """What nothing reached, as the list of reasons names it: {(file, function, text)}."""
        text = (ROOT / self.name).read_text(encoding="utf-8").splitlines()
        return {(self.name, self.function_at(number), text[number - 1].strip()): number
                for number in self.missed_lines}


def percent(total, hit):
    return 100.0 * hit / total if total else 100.0


def sums(files):
    """[lines, branches] of several files together, each (total, hit)."""
    return [tuple(map(sum, zip(*(getattr(file, kind) for file in files)))) or (0, 0) for kind in ("lines", "branches")]


def row(name, lines, branches):
    return f"| {name} | {lines[0]} | {percent(*lines):.1f} | {branches[0]} | {percent(*branches):.1f} |"


def by_room(files):
    rooms = defaultdict(list)
    for name in sorted(files):
        rooms[room_of(name)].append(files[name])
    return rooms


def tables(held, others, tests):
    """The figures as docs/COVERAGE.md shows them: files of the rooms held to limits, then rooms."""
    head = "| {} | lines | % | branches | % |\n|---|---|---|---|---|"
    out = [head.format("file")]
    rooms = by_room(held)
    for room in HELD:
        out += [row(f"`{file.name}`", file.lines, file.branches) for file in rooms[room]]
        out.append(row(f"**{room}**", *sums(rooms[room])))
    rooms = by_room(others)
    out += ["", head.format(f"room, with {tests}")]
    out += [row(f"`{room}/`", *sums(rooms[room])) for room in ROOMS if room not in HELD]
    return "\n".join(out) + "\n"


def complaints_of_limits(held):
    for room, files in by_room(held).items():
        if room not in HELD:
            continue
        lines, branches = sums(files)
        if percent(*lines) < LINES_MIN:
            yield f"{room}: {percent(*lines):.1f} % of lines, less than {LINES_MIN:g} %"
        if percent(*branches) < BRANCHES_MIN:
            yield f"{room}: {percent(*branches):.1f} % of branches, less than {BRANCHES_MIN:g} %"


def listed_reasons(text):
    for line in text.splitlines():
        found = REASON_ROW.match(line)
        if found:
            top, name, function, missed, _ = found.groups()
            yield f"{top}/{name}", function, missed.replace(r"\|", "|")


def complaints_of_reasons(held, text):
    """Lines that nothing reached against those that the report gives a reason for."""
    listed = set(listed_reasons(text))
    missed = {}
    for file in held.values():
        if room_of(file.name) in HELD:
            missed.update(file.missed())
    for key in sorted(set(missed) - listed):
        yield f"{key[0]}:{missed[key]}: {key[1]}: nothing reaches \"{key[2]}\" and {REPORT.name} has no reason"
    for key in sorted(listed - set(missed)):
        yield f"{REPORT.name}: {key[0]}: {key[1]}: \"{key[2]}\" is reached, or no longer there"


def print_missed_branches(held):
    for file in held.values():
        if room_of(file.name) in HELD and file.missed_branches:
            print(f"  {file.name}: a branch not taken in line {', '.join(map(str, file.missed_branches))}")


def main(arguments):
    forget_counters()
    if not run_tests(OWN_TESTS):
        return "coverage: the tests must pass first"
    held = measure()
    wanted, named = ALL if "--all" in arguments else OTHERS
    others_passed = run_tests(wanted, without=OWN_TESTS)
    figures = tables(held, measure(), named)
    print(figures)
    print_missed_branches(held)
    if "--write" in arguments:
        REPORT.write_text(FIGURES.sub(lambda _: figures, REPORT.read_text(encoding="utf-8")), encoding="utf-8")
    complaints = [*complaints_of_limits(held), *complaints_of_reasons(held, REPORT.read_text(encoding="utf-8"))]
    if not others_passed:
        print("coverage: tests of other rooms failed (above); their figures lack what those would have reached")
    for complaint in complaints:
        print(f"coverage: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
