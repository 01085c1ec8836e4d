"""What /proc tells of a running wsluice: memory, descriptors, threads, processor time, wake-ups.

Times come from the scheduler's own account (schedstat, nanoseconds), not from ticks of 10 ms, and wake-ups
are voluntary switches: each is a thread that had gone to sleep and was woken for something.
"""

import os
import pathlib
import re
from typing import NamedTuple

# Allocators of sanitizers keep what is freed, so that a use after it is found: RSS says nothing then.
SANITIZED = bool(os.environ.get("WSLUICE_SANITIZE"))
NO_RSS = "a sanitizer's allocator keeps freed memory: RSS means nothing"

RESET_PEAK = "5"  # proc(5), clear_refs: VmHWM begins anew


def _status(path, field):
    found = re.search(rf"^{field}:\s+(\d+)", pathlib.Path(path, "status").read_text(), re.MULTILINE)
    return int(found[1])


def resident_kib(pid):
    return _status(f"/proc/{pid}", "VmRSS")


def forget_peak(pid):
    """peak_kib() counts from here on."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)


def peak_kib(pid):
    """The most that was ever resident since forget_peak(): the kernel's count, nothing falls between samples."""
    return _status(f"/proc/{pid}", "VmHWM")


def thread_count(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid):
    """What is open, as sorted links: "socket:[]", "anon_inode:[eventpoll]", a path. Inode numbers are left out."""
    links = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(re.sub(r"\d+", "", os.readlink(f"/proc/{pid}/fd/{name}")))
        except FileNotFoundError:
            pass  # closed while we looked
    return sorted(links)


class Effort(NamedTuple):
    """What a process has done so far."""

    processor_seconds: float
    wanted_seconds: float  # used, or waited for: what it would have used on a machine of its own
    wakeups: int

    def __sub__(self, earlier):
        return Effort(*(now - then for now, then in zip(self, earlier)))


def effort(pid):
    """Of all threads that live; those of wsluice live as long as it does."""
    used = waited = wakeups = 0  # nanoseconds
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        ran, queued, _ = map(int, task.joinpath("schedstat").read_text().split())
        used, waited = used + ran, waited + queued
        wakeups += _status(task, "voluntary_ctxt_switches")
    return Effort(used / 1e9, (used + waited) / 1e9, wakeups)
