#!/usr/bin/python3
"""Measures wsluice beside its peers: `make bench` and `make bench-quick`. bench/README.md tells how to read it.

Prints a progress line, writes table, JSON and plots into a folder, and ends with 0 when something was measured,
whatever came out: figures are judged by readers, not by an exit status. 1: nothing could be measured; 2: usage.
"""

import argparse
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from suite import cells, machine, peers, plots, results, rounds, table  # noqa: E402
from suite.processes import Failure, divide_processors  # noqa: E402
from suite.run import Runner, Settings, why_not  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
TOOL_PLACES = ("wsluice-bench", "bench/loadgen/wsluice-bench", "bench/wsluice-bench")
QUICK_MINUTES = 1.5
QUICK_SECONDS = 0.35
QUICK_ROUNDS = 3
RESULTS = ROOT / "bench" / "results"
PERFORMANCE = ROOT / "docs" / "PERFORMANCE.md"


def positive(text, kind=float):
    """A number above 0, for argparse; neither nan nor infinite."""
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a {'whole ' if kind is int else ''}number above 0")
    return value


def positive_whole(text):
    return positive(text, int)


def words(text):
    return [word for word in text.replace(",", " ").split() if word]


def arguments():
    parser = argparse.ArgumentParser(description="Measure wsluice beside its peers.")
    parser.add_argument("--builds", default=str(ROOT / "build"), type=Path, help="where wsluice was built [build]")
    parser.add_argument("--output", type=Path, help="folder of the results [bench/results; quick: <builds>/bench/quick]")
    parser.add_argument("--peers", default="", help="names, separated by blanks [all that are installed]")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=[PROGRAM] [OPTIONS]",
                        help="wsluice with other options, or another build of it, beside the rest; repeatable")
    parser.add_argument("--reference", default=cells.REFERENCE, metavar="NAME", help="whom the others are compared with [rawrelay]")
    parser.add_argument("--cells", default="", help="names, groups, or beginnings such as up-* [all]")
    parser.add_argument("--minutes", type=positive, help="time for all, roughly [60; quick: 1.5]")
    parser.add_argument("--seconds", type=positive, help="measured time of one run [1; quick: 0.35]")
    parser.add_argument("--rounds", type=positive_whole, help="rounds of a cell at most [as the time allows; quick: 3]")
    parser.add_argument("--quick", action="store_true", help="few cells, few rounds: whether it works, not what is so")
    parser.add_argument("--list", action="store_true", help="name cells and peers, and what is missing")
    parser.add_argument("--from-json", type=Path, help="measure nothing: table and plots from this file")
    return parser.parse_args()


def find_tool(builds):
    for place in TOOL_PLACES:
        if (builds / place).exists():
            return builds / place
    raise Failure(f"wsluice-bench is not built in {builds}")


class Progress:
    """One line: what runs, how much is done, how long it will take. On a terminal it is overwritten; in a log
    a new one comes every ten seconds."""

    LOG_SECONDS = 10.0

    def __init__(self, wanted_cells, deadline):
        self.cells = wanted_cells
        self.deadline = deadline
        self.is_terminal = sys.stderr.isatty()
        self.said_at = 0.0

    def on_run(self, cell, peer, number):
        now = time.monotonic()
        if not self.is_terminal and now - self.said_at < self.LOG_SECONDS:
            return
        self.said_at = now
        left = max(0, self.deadline - now)
        line = (f"bench: {cell.name} ({self.cells.index(cell) + 1} of {len(self.cells)}), round {number + 1}: {peer.name}; "
                f"at most {int(left) // 60} min {int(left) % 60:02} s left")
        sys.stderr.write(f"\r\x1b[K{line}" if self.is_terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self):
        if self.is_terminal:
            sys.stderr.write("\r\x1b[K")


def installed(wanted, builds):
    """The peers that can be measured here, what is said of each in the results, and what is missing said now."""
    entries, present = [], []
    for peer in wanted:
        missing = peer.missing(builds)
        if not missing:
            try:
                peer.build(builds)
            except RuntimeError as error:
                missing = str(error)
        if missing:
            print(f"bench: without {peer.title}: {missing}", file=sys.stderr)
        else:
            present.append(peer)
        version = "" if missing else peer.version(builds)
        entry = {"name": peer.name, "title": peer.title, "scheme": peer.scheme, "version": version, "missing": missing}
        entries.append(entry)
    return present, entries


def cell_limits(cell, options, deadline, cells_left):
    """A cell's share of what is left of the time. Another round begins only if it will fit."""
    begin = time.monotonic()
    share = begin + (deadline - begin) / cells_left

    def has_time(done, coming):
        now = time.monotonic()
        pace = (now - begin) / done if done else 0
        return done == 0 or now + pace * coming <= share

    wanted = options.rounds or (QUICK_ROUNDS if options.quick else cell.rounds_max)
    return rounds.Limits(min(wanted, cell.rounds_max), has_time)


def measure(options, wanted_cells, present, runner):
    """Every cell's part of the document; an interrupt ends it early with what is there. What time the cells have
    left goes to those that could still use it."""
    deadline = time.monotonic() + options.minutes * 60
    progress = Progress(wanted_cells, deadline)
    all_played = [
        rounds.CellRounds(cell, present, runner.run, progress.on_run, why_not, options.reference)
        for cell in wanted_cells
    ]
    try:
        play(all_played, options, deadline)
        if time.monotonic() < deadline:
            play([played for played in all_played if played.waiting()], options, deadline)
    except KeyboardInterrupt:
        print("bench: interrupted; writing what is there", file=sys.stderr)
    progress.end()
    return [results.cell_entry(played.cell, present, played) for played in all_played if played.rounds > 0]


def play(cells_played, options, deadline):
    for index, played in enumerate(cells_played):
        played.play(cell_limits(played.cell, options, deadline, len(cells_played) - index))


def write(document, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    images = plots.draw(document, folder)
    (folder / "README.md").write_text(table.markdown(document, images), encoding="utf-8")
    if folder == RESULTS and {cell["name"] for cell in document["cells"]} == {cell.name for cell in cells.CELLS}:
        PERFORMANCE.write_text(table.fill_in(PERFORMANCE.read_text(encoding="utf-8"), document), encoding="utf-8")
    shown = os.path.relpath(folder)
    plotted = sum(map(len, images.values()))
    drawn = f" and {plotted} plots" if plotted else "; no plots, since gnuplot is not installed"
    print(f"bench: {shown}/README.md, results.json{drawn}", file=sys.stderr)


def print_lists(builds):
    for cell in cells.CELLS:
        print(f"{cell.name:16} {cell.title}")
    print()
    for peer in peers.PEERS:
        missing = peer.missing(builds)
        print(f"{peer.name:16} {peer.title}" + (f" ({missing})" if missing else ""))


def fill_in_defaults(options):
    options.builds = options.builds.resolve()
    if options.minutes is None:
        options.minutes = QUICK_MINUTES if options.quick else 60
    if options.seconds is None:
        options.seconds = QUICK_SECONDS if options.quick else 1.0
    if options.output is None:
        options.output = options.builds / "bench" / "quick" if options.quick else RESULTS


def run(options):
    wanted_names = words(options.cells) or (list(cells.QUICK) if options.quick else [])
    wanted_cells = cells.chosen(wanted_names)
    wanted_peers = peers.chosen(words(options.peers)) + [peers.variant(text) for text in options.also]
    present, peer_entries = installed(wanted_peers, options.builds)
    if not present:
        raise Failure("there is no peer to measure")
    processors = divide_processors()
    if not processors.are_apart:
        print("bench: one processor only: proxy and load share it, and the figures say little", file=sys.stderr)
    facts = machine.facts(processors)
    runner = Runner(Settings(options.builds, find_tool(options.builds), processors, options.seconds))
    settings = {"minutes": options.minutes, "seconds": options.seconds, "precision": rounds.PRECISION}
    measured = measure(options, wanted_cells, present, runner)
    if not any(peer["figures"] for cell in measured for peer in cell["peers"].values()):
        for cell in measured:
            for name, peer in cell["peers"].items():
                print(f"bench: {cell['name']}, {name}: {table.why_nothing(peer)}", file=sys.stderr)
        raise Failure("nothing could be measured")
    document = results.document(facts, settings, peer_entries, measured)
    write(document, options.output)
    if options.quick:
        print(table.summary(document))


def main():
    options = arguments()
    fill_in_defaults(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.list:
            print_lists(options.builds)
        elif options.from_json:
            write(json.loads(options.from_json.read_text(encoding="utf-8")), options.output)
        else:
            run(options)
    except ValueError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
