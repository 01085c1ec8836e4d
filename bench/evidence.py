#!/usr/bin/python3
"""What limits wsluice and the raw relay: system calls by strace, time by perf, for the same work (`make
bench-evidence`, which writes EVIDENCE.md). Needs root, or the right to trace.

strace slows what it watches, so its counts are read against the work done meanwhile (opening and closing the
sessions included); perf samples by the clock, since virtual machines often lend no counters.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import ROOT, find_tool  # noqa: E402
from suite import cells, machine, peers, table  # noqa: E402
from suite.processes import Failure, Process, divide_processors  # noqa: E402
from suite.run import Runner, Settings  # noqa: E402

STRACE_SECONDS = 2.0
PERF_SECONDS = 3.0
PERF_HERTZ = "1999"
ATTACH_SECONDS = 0.4
TRACER_END_SECONDS = 20.0
SYMBOLS = 12
CALLS_MIN = 0.005  # a unit; rarer calls are noise

# cell, what the calls are counted by, the JSON's number of such units, the relays
QUESTIONS = (
    ("echo-1", "1,000 echoes, 1 session", lambda said: said["messages"] / 1000, ("wsluice", "rawrelay")),
    ("echo-64", "1,000 echoes, 64 sessions", lambda said: said["messages"] / 1000, ("wsluice", "rawrelay")),
    ("up-64", "million frames of 64 bytes up", lambda said: said["messages"] / 1e6, ("wsluice", "rawrelay")),
    ("up-64k", "GB up in frames of 64 KB", lambda said: said["bytes"] / 1e9, ("wsluice", "rawrelay")),
    ("down", "GB down", lambda said: said["bytes"] / 1e9, ("wsluice", "rawrelay")),
    ("down-1m", "GB down in frames of 1 MB", lambda said: said["bytes"] / 1e9, ("wsluice", "rawrelay")),
    ("upgrades", "upgrade", lambda said: said["connects"]["count"], ("wsluice", "lighttpd")),
)


class TracingRunner(Runner):
    """A Runner that has a tool attached to the peer while it measures, and keeps what the load said."""

    def __init__(self, settings, tracer):
        super().__init__(settings)
        self.tracer = tracer
        self.said = self.traced = None

    def _times(self, cell):
        """No warm-up, since the tracer can't tell it from the rest."""
        seconds = self.settings.seconds
        return seconds, ["--duration", f"{seconds:.3f}", "--warmup", "0"]

    @contextmanager
    def _peer(self, cell, peer, place):
        with super()._peer(cell, peer, place) as process:
            output = place.folder / "trace"
            tracing = Process(self.tracer(process.pid, output), self.settings.processors.load, place.folder / "tracer.log")
            time.sleep(ATTACH_SECONDS)
            try:
                yield process
            finally:
                tracing.process.send_signal(signal.SIGINT)
                tracing.process.wait(TRACER_END_SECONDS)
            if not output.exists():
                raise Failure(f"{tracing.words[0]} could not watch {peer.name}: {tracing.complaint()}")
            self.traced = read_trace(output)

    def _measured(self, cell, peer, place, words, seconds, before=0):
        sample = super()._measured(cell, peer, place, words, seconds, before)
        self.said = json.loads((place.folder / "measured.json").read_text(encoding="utf-8"))
        return sample


def strace(pid, output):
    return ["strace", "-f", "-c", "-U", "name,calls", "-p", pid, "-o", output]


def perf(pid, output):
    return ["perf", "record", "-q", "-e", "cpu-clock", "-F", PERF_HERTZ, "-p", pid, "-o", output]


def read_trace(path):
    """strace's table as it stands, perf's samples as a report by symbols."""
    if path.read_bytes()[:8].startswith(b"PERFILE"):
        words = ["perf", "report", "-i", str(path), "--stdio", "--no-children", "--sort", "symbol", "-q"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return path.read_text(encoding="utf-8")


def calls_of(text):
    """{system call: how often} from strace's summary."""
    found = re.findall(r"^\s*(\w+)\s+(\d+)\s*$", text, re.MULTILINE)
    return {name: int(count) for name, count in found if name != "total"}


def symbols_of(text):
    """[(share in percent, symbol, whether it is the kernel's)] from perf's report."""
    found = re.findall(r"^\s*([\d.]+)%\s+\[([k.])\]\s+(\S+)", text, re.MULTILINE)
    return [(float(share), name, kind == "k") for share, kind, name in found]


def is_named(symbol):
    """Libraries without symbols give bare addresses, which tell nobody anything."""
    return not symbol.startswith("0x")


def ask(runner, cell_name, peer_name):
    cell = cells.chosen([cell_name])[0]
    peer = peers.chosen([peer_name])[0]
    runner.run(cell, peer)
    return runner.said, runner.traced


def calls_section(settings, question):
    """One table: a row a system call, a column a relay."""
    cell_name, unit, units_of, names = question
    columns = {}
    for name in names:
        said, traced = ask(TracingRunner(settings, strace), cell_name, name)
        columns[name] = {call: count / units_of(said) for call, count in calls_of(traced).items()}
    calls = {call for column in columns.values() for call, count in column.items() if count >= CALLS_MIN}
    order = sorted(calls, key=lambda call: -max(column.get(call, 0) for column in columns.values()))
    body = [[f"`{call}`", *(table.number(columns[name].get(call, 0)) for name in names)] for call in order]
    body.append(["all", *(table.number(sum(columns[name].values())) for name in names)])
    return f"### System calls for each {unit} (`{cell_name}`)\n\n" + table.rows(["call", *names], *body)


def symbols_section(settings, question):
    """Where the time goes: the share of the kernel, and the hottest functions."""
    cell_name, unit, _, names = question
    parts = [f"### Time by function: {unit} (`{cell_name}`)"]
    for name in names:
        _, traced = ask(TracingRunner(settings, perf), cell_name, name)
        symbols = symbols_of(traced)
        kernel = sum(share for share, _, is_kernel in symbols if is_kernel)
        own = [(share, symbol) for share, symbol, is_kernel in symbols if not is_kernel and is_named(symbol)]
        parts.append(f"**{name}**: {kernel:.0f} % in the kernel.")
        hottest = "; ".join(f"`{symbol}` {share:.1f} %" for share, symbol, _ in symbols[:SYMBOLS])
        parts.append(f"Hottest: {hottest}.")
        if own:
            parts.append("Its own: " + "; ".join(f"`{symbol}` {share:.1f} %" for share, symbol in own[:SYMBOLS]) + ".")
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description="System calls and hot functions of wsluice and the raw relay.")
    parser.add_argument("--builds", type=Path, default=ROOT / "build", help="where wsluice was built [build]")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results" / "EVIDENCE.md")
    options = parser.parse_args()
    builds = options.builds.resolve()
    processors = divide_processors()
    try:
        tool = find_tool(builds)
        parts = ["# What limits it", table.machine_words(machine.facts(processors)), __doc__.split("\n\n")[1].strip()]
        for question in QUESTIONS:
            print(f"evidence: {question[0]}", file=sys.stderr)
            parts.append(calls_section(Settings(builds, tool, processors, STRACE_SECONDS), question))
            parts.append(symbols_section(Settings(builds, tool, processors, PERF_SECONDS), question))
    except Failure as failure:
        print(f"evidence: {failure}", file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
