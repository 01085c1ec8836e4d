"""One measurement: one peer, one cell, one round. The peer is started anew for each, so that no round inherits
another's heap, caches or luck with addresses."""

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import histogram, probes
from .cells import CELLS
from .peers import Place
from .processes import Failure, Process, free_port, resident_bytes

GRACE_SECONDS = 25.0
"""What a run may take beyond its own time: thousands of sessions take a while to open."""

WARMUP_SHARE = 0.4
BULK_SIZE = "64K"
BULK_NICENESS = 19
"""Of the bulk stream's load: echoes are to wait for the peer, not for the other load on their processor."""


@dataclass(frozen=True)
class Settings:
    """What holds for all runs."""

    builds: Path
    tool: Path
    processors: object
    seconds: float = 1.0  # factor on every cell's time


@dataclass
class Sample:
    """What one run gave: the cell's figures by their keys, and the latency's percentiles where there are any."""

    figures: dict = field(default_factory=dict)
    percentiles: list = field(default_factory=list)


class Runner:
    """Runs cells; what differs between kinds of cells is below."""

    def __init__(self, settings):
        self.settings = settings
        self.kinds = {"load": self._load, "beside": self._beside, "start": self._start, "stall": self._stall}

    def run(self, cell, peer):
        """A Sample; raises Failure with the reason where there is none."""
        folder = Path(tempfile.mkdtemp(prefix="wsluice-bench-"))
        try:
            place = Place(free_port(), free_port(), folder, self.settings.builds)
            return self.kinds[cell.kind](cell, peer, place)
        except RuntimeError as error:
            raise Failure(str(error)) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _spawn(self, cell, peer, place):
        words = [*peer.command(place), *cell.peer_options.get(peer.like or peer.name, ())]
        return Process(words, self.settings.processors.peer, place.folder / "peer.log", peer.environment)

    @contextmanager
    def _peer(self, cell, peer, place):
        process = self._spawn(cell, peer, place)
        try:
            process.wait_until_listening(place.listen)
            yield process
            if process.has_ended:
                raise Failure(f"it ended with status {process.process.returncode}: {process.complaint()}")
        except Failure as failure:
            if process.has_ended and "ended" not in str(failure):
                raise Failure(f"it ended with status {process.process.returncode}; {failure}") from None
            raise
        finally:
            process.end()

    def _bench(self, name, words, place, niceness=0):
        """Starts wsluice-bench; its JSON goes to a file of that name."""
        return Process(
            [self.settings.tool, "--quiet", "--json", f"{name}.json", *words],
            self.settings.processors.load,
            place.folder / f"{name}.log",
            niceness=niceness,
        )

    def _times(self, cell):
        seconds = cell.seconds * self.settings.seconds
        warmup = seconds * WARMUP_SHARE
        return seconds, ["--duration", f"{seconds:.3f}", "--warmup", f"{warmup:.3f}"]

    def _await(self, process, seconds):
        try:
            status = process.process.wait(seconds * (1 + WARMUP_SHARE) + GRACE_SECONDS)
        except Exception:
            process.end()
            raise Failure(f"too slow: not done {GRACE_SECONDS:g} s after its time") from None
        if status != 0:
            raise Failure(process.complaint() or f"wsluice-bench ended with status {status}")

    def _load(self, cell, peer, place):
        with self._peer(cell, peer, place) as process:
            before = resident_bytes(process.pid)
            seconds, times = self._times(cell)
            words = [*cell.options, *times, "--connections", cell.connections, "--pid", process.pid]
            words += ["--backend", f"127.0.0.1:{place.target}"]
            return self._measured(cell, peer, place, words, seconds, before)

    def _measured(self, cell, peer, place, words, seconds, before=0):
        """Runs the instance that measures and reads what it wrote."""
        if cell.has_latency:
            words = [*words, "--histogram", "latency.hgrm"]
        bench = self._bench("measured", [*words, *way_to(peer, place)], place)
        try:
            self._await(bench, seconds)
        finally:
            bench.end()
        document = json.loads((place.folder / "measured.json").read_text(encoding="utf-8"))
        add_derived(document, cell.connections, before)
        sample = Sample(figures_of(cell, document))
        if cell.has_latency:
            sample.percentiles = histogram.read(place.folder / "latency.hgrm")
        return sample

    def _beside(self, cell, peer, place):
        """Echoes beside a bulk stream on the same worker: one echoing backend for both, three instances."""
        seconds, times = self._times(cell)
        with self._peer(cell, peer, place) as process:
            backend = self._bench("backend", ["--serve", "echo", "--backend", f"127.0.0.1:{place.target}"], place)
            bulk = None
            try:
                backend.wait_until_listening(place.target)
                bulk_times = ["--duration", f"{4 * seconds + GRACE_SECONDS:.3f}", "--warmup", "0"]
                bulk_words = ["--mode", "both", "--size", BULK_SIZE, *bulk_times, *way_to(peer, place)]
                bulk = self._bench("bulk", bulk_words, place, BULK_NICENESS)
                words = [*cell.options, *times, "--connections", cell.connections, "--pid", process.pid]
                sample = self._measured(cell, peer, place, words, seconds)
                if bulk.has_ended:
                    raise Failure(f"the bulk stream ended: {bulk.complaint()}")
                return sample
            finally:
                for bench in filter(None, (bulk, backend)):
                    bench.end()

    def _start(self, cell, peer, place):
        """From the start of the process to the first connection that it accepts."""
        started, process = probes.timed(lambda: self._spawn(cell, peer, place))
        try:
            waited = probes.wait_until_accepting(place.listen, process)
            return Sample({"start_ms": (started + waited) * 1e3})
        finally:
            process.end()

    def _stall(self, cell, peer, place):
        """What a peer keeps for a client that stops reading."""
        with probes.Source(place.target) as source, self._peer(cell, peer, place) as process:
            grown = probes.stalled_growth(peer, place.listen, source, process)
            return Sample({"stall.rss_bytes": grown})


def way_to(peer, place):
    """What tells wsluice-bench where and how to connect."""
    offered = ["--subprotocol", peer.subprotocol] if peer.subprotocol else []
    return [*offered, peer.url(place.listen)]


def add_derived(document, connections, before):
    """What follows from the tool's figures: growth of RSS a session, from before the first to the most that was
    seen; how much of its time the load was at work."""
    proxy = document.get("proxy") or {}
    if proxy.get("rss_kb_peak") is not None:
        grown = max(0, proxy["rss_kb_peak"] * 1024 - before)
        document["growth"] = {"rss_bytes_each": grown / connections}
    if document.get("duration_s"):
        document["load"]["share"] = document["load"]["cpu_s"] / document["duration_s"]


def figures_of(cell, document):
    """The cell's figures from the tool's JSON; none may be missing."""
    found = {}
    for figure in cell.figures:
        value = document
        for word in figure.key.split("."):
            value = value.get(word) if isinstance(value, dict) else None
        if value is None:
            raise Failure(f"wsluice-bench gave no {figure.key}")
        found[figure.key] = value
    return found


def why_not(peer, cell):
    """Why a peer is not asked this question, or ""."""
    if cell.upgrades and peer.scheme != "ws":
        return "relays plain TCP: nothing to upgrade"
    if cell.heavy and cell.connections > peer.sessions_max:
        return f"starts a process for each session: not tried with {cell.connections:,}"
    return ""


assert {cell.kind for cell in CELLS} <= {"load", "beside", "start", "stall"}
