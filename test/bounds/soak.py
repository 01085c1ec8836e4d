#!/usr/bin/env python3
"""Everything at once for as long as one likes (`make soak M=10`): all endings over all transports, long streams
that stall, chatter, logs rotated, certificates renewed, tokens edited. A line every ten seconds says how it
is; at the end wsluice must be what it was: 0 when it is, 1 for any fault or growth, and a summary either way.

$WSLUICE_BIN names the program, as everywhere in test/; with $WSLUICE_SANITIZE memory is the sanitizer's affair.
"""

import argparse
import asyncio
import pathlib
import random
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from crowd import Crowd, open_stages
from harness import Authority, Wsluice, WsluiceFactory, wait_until
from soak_load import Caretaker, Load, chatter, stream
from stage import Cast
from vitals import SANITIZED, descriptors, effort, resident_kib, thread_count

PROGRESS_SECONDS = 10
ENDINGS_AT_ONCE = 100
STREAMS, CHATTERS = 6, 30
PAUSE_SECONDS = 2.0  # between the caretaker's doings
WARM_UP_SHARE = 0.2  # of the time, after which memory must not grow any more
REST_SECONDS = 30
# A process: arenas that never were so full before. Eighty bytes lost a session would show within minutes.
GROWTH_KIB = 3072
FAULTS_SHOWN = 20


class LogBook:
    """wsluice's log file: counts what is said there before a rotation removes it."""

    PATTERNS = {
        "opened": re.compile(r"\] session opened "),
        "ended": re.compile(r"\] session ended "),
        "errors": re.compile(r"Z error "),
        "notes of lost lines": re.compile(r" log lines lost"),
    }

    def __init__(self, path):
        self.path = path
        self.counted = dict.fromkeys(self.PATTERNS, 0)

    def text(self):
        return self.path.read_text(errors="backslashreplace") if self.path.exists() else ""

    def _count(self, text):
        return {name: len(pattern.findall(text)) for name, pattern in self.PATTERNS.items()}

    def counts(self):
        now = self._count(self.text())
        return {name: self.counted[name] + now[name] for name in now}

    async def rotate(self, bridge, number):
        old = self.path.with_suffix(".1")
        self.path.rename(old)
        bridge.signal(number)
        for _ in range(500):
            if self.path.exists():
                break
            await asyncio.sleep(0.02)
        assert self.path.exists(), f"{self.path} was not opened anew"
        said = self._count(old.read_text(errors="backslashreplace"))
        self.counted = {name: self.counted[name] + said[name] for name in said}
        old.unlink()


class LoggedWsluice(Wsluice):
    """Writes into a file of its own; `log` is that file since the last rotation, and standard error."""

    def __init__(self, args, path):
        self.book = LogBook(path)
        super().__init__(["--log-file", path, *args])

    @property
    def log(self):
        return super().log + self.book.text()


class LoggedFactory(WsluiceFactory):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def run(self, *args, env=None):
        self.started.append(LoggedWsluice(args, self.folder / f"wsluice-{len(self.started)}.log"))
        return self.started[-1]


class Soak:
    """One run: its wsluices, what loads them, and what they were at first."""

    def __init__(self, folder, seed):
        chance = random.Random(seed)
        self.factory = LoggedFactory(folder)
        self.cast = Cast(folder, Authority(folder))
        self.stages = open_stages(self.cast, self.factory, folder)
        self.pids = {stage.name: stage.bridge.pid for stage in self.stages}
        self.descriptors = {name: descriptors(pid) for name, pid in self.pids.items()}
        self.threads = {name: thread_count(pid) for name, pid in self.pids.items()}
        self.crowd = Crowd(self.stages, self.cast, seed, ENDINGS_AT_ONCE)
        self.streams = Load(stream, self.stages, self.cast, chance)
        self.chatters = Load(chatter, self.stages, self.cast, chance)
        self.caretaker = Caretaker(self.stages, self.cast, chance)
        self.faults = []
        self.started = time.monotonic()

    # --- the work ---

    async def work(self, seconds):
        """All loads at once for so long, and the progress of it."""
        end = time.monotonic() + seconds

        def while_():
            return time.monotonic() < end

        progress = asyncio.create_task(self._report())
        try:
            await asyncio.gather(
                self.crowd.run(while_=while_),
                self.caretaker.run(while_, PAUSE_SECONDS),
                *(self.streams.run(while_) for _ in range(STREAMS)),
                *(self.chatters.run(while_) for _ in range(CHATTERS)))
        finally:
            progress.cancel()

    async def _report(self):
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            self.say_progress()

    def say_progress(self):
        self.collect_faults()
        opened = self.sum_of("opened")
        used = sum(effort(pid).processor_seconds for pid in self.pids.values())
        moved = (self.streams.bytes + self.chatters.bytes) >> 20
        print(f"{time.monotonic() - self.started:5.0f} s  {opened} sessions, {self.open()} connections now, "
              f"{moved} MB compared, {self.caretaker.count} changes  |  "
              f"{sum(map(resident_kib, self.pids.values())) >> 10} MB resident, "
              f"{sum(len(descriptors(pid)) for pid in self.pids.values())} descriptors, {used:.1f} s CPU, "
              f"{len(self.faults)} faults", flush=True)

    def open(self):
        return self.crowd.open + self.streams.open + self.chatters.open

    def sum_of(self, name):
        return sum(stage.bridge.book.counts()[name] for stage in self.stages)

    # --- the verdict ---

    def fault(self, what):
        self.faults.append(what)
        if len(self.faults) <= FAULTS_SHOWN:
            print(f"FAULT: {what}", flush=True)

    def collect_faults(self):
        for source in (self.crowd, self.streams, self.chatters, self.caretaker):
            while source.failures:
                self.fault(source.failures.pop(0))

    def rest(self):
        """Everybody has left: what was opened is closed, who came has gone. Gives what is resident, by stage."""
        for name, pid in self.pids.items():
            try:
                wait_until(lambda p=pid, n=name: descriptors(p) == self.descriptors[n], REST_SECONDS)
            except AssertionError:
                self.fault(f"{name} had {self.descriptors[name]} open, and now {descriptors(pid)}")
            if thread_count(pid) != self.threads[name]:
                self.fault(f"{name} had {self.threads[name]} threads, and now {thread_count(pid)}")
        for stage in self.stages:
            self.check_log(stage.name, stage.bridge.book)
        return {name: resident_kib(pid) for name, pid in self.pids.items()}

    def check_log(self, name, book):
        """As many ends as openings; the writer of the log may lag behind what it tells."""
        try:
            wait_until(lambda: book.counts()["opened"] == book.counts()["ended"], REST_SECONDS)
        except AssertionError:
            self.fault(f"{name}'s log says {book.counts()}")
        if book.counts()["errors"]:
            self.fault(f"{name}'s log has errors: {book.counts()}")

    def check_growth(self, before, after):
        for name in before:
            growth = after[name] - before[name]
            print(f"{name:8s} {before[name]} KiB resident after warming up, {after[name]} KiB at the end")
            if growth > GROWTH_KIB and not SANITIZED:
                self.fault(f"{name} grew by {growth} KiB")

    def stop(self):
        try:
            self.factory.stop_all()
        except AssertionError as failure:
            self.fault(str(failure))
        self.cast.close()


def run(folder, minutes, seed):
    """The whole of it; gives the number of faults."""
    async def body():
        soak = Soak(folder, seed)
        soak.cast.enter()
        try:
            await soak.work(minutes * 60 * WARM_UP_SHARE)
            before = soak.rest()
            await soak.work(minutes * 60 * (1 - WARM_UP_SHARE))
            after = soak.rest()
            soak.say_progress()
            soak.check_growth(before, after)
        finally:
            soak.stop()
        return soak

    soak = asyncio.run(body())
    print(f"{soak.crowd.counts.total()} endings of {len(soak.crowd.counts)} kinds, {soak.streams.count} streams, "
          f"{soak.chatters.count} chatters, {soak.caretaker.count} changes: "
          f"{len(soak.faults) or 'no'} faults (seed {seed})")
    return len(soak.faults)


def main():
    parser = argparse.ArgumentParser(description="soak wsluice in everything at once")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wsluice-soak-") as folder:
        return 1 if run(pathlib.Path(folder), options.minutes, options.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
