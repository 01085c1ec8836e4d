"""Processes of ours: bound to processors, with all the descriptors the system allows, awaited, and ended with
their children.

Every process gets a session of its own, so that what it forks can be ended with it and nobody else is.
"""

import os
import random
import resource
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20.0
END_SECONDS = 3.0
POLL_SECONDS = 0.005
# Below the range from which the kernel takes ports for outgoing connections: none of them is in our way.
PORTS = range(20000, 32000)
TCP_LISTEN = "0A"  # as /proc/net/tcp writes the state
LOG_TAIL = 300


class Failure(Exception):
    """Something could not be measured; the text is for the table."""


@dataclass(frozen=True)
class Processors:
    """Where the peer runs, and where the load and its backend do."""

    peer: frozenset
    load: frozenset

    @property
    def are_apart(self):
        return not self.peer & self.load


def siblings(cpu):
    """The processors that share a core with this one."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text(encoding="ascii")
    except OSError:
        return {cpu}
    found = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def divide_processors(allowed=None):
    """One for the peer, the last that we may use, since interrupts like the first; all of other cores for the load."""
    allowed = set(allowed if allowed is not None else os.sched_getaffinity(0))
    peer = max(allowed)
    load = allowed - siblings(peer) or allowed - {peer} or allowed
    return Processors(frozenset({peer}), frozenset(load))


def free_port():
    """A port that nobody listens on. Others may take it before we do, which then fails and is said."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no free port")


def is_listening(port):
    """By the kernel's table: to connect would make the peer dial its backend."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state = line.split()[:4]
            if state == TCP_LISTEN and local.endswith(wanted):
                return True
    return False


def prepare_child(cpus, niceness):
    def prepare():
        os.sched_setaffinity(0, cpus)
        os.nice(niceness)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


class Process:
    """A started command. Its output goes to `log`."""

    def __init__(self, words, cpus, log, environment=None, niceness=0):
        self.log = Path(log)
        self.words = [str(word) for word in words]
        with self.log.open("wb") as output:
            try:
                self.process = subprocess.Popen(
                    self.words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=self.log.parent,
                    env={**clean_environment(), **(environment or {})},
                    start_new_session=True,
                    preexec_fn=prepare_child(cpus, niceness),
                )
            except OSError as error:
                raise Failure(f"can't start {Path(self.words[0]).name}: {error.strerror}") from None

    @property
    def pid(self):
        return self.process.pid

    @property
    def has_ended(self):
        return self.process.poll() is not None

    def complaint(self):
        """The last line of its log, without the names of this machine's folders."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        last = lines[-1].strip() if lines else ""
        return last.replace(str(self.log.parent), ".")[:LOG_TAIL]

    def wait_until_listening(self, port):
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(port):
            if self.has_ended:
                raise Failure(f"ended at once with status {self.process.returncode}: {self.complaint()}")
            if time.monotonic() > deadline:
                raise Failure(f"did not listen within {START_SECONDS:g} s")
            time.sleep(POLL_SECONDS)

    def end(self):
        """SIGTERM to it, SIGKILL to all that is left of its session."""
        if not self.has_ended:
            self.process.terminate()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def clean_environment():
    """Ours, without what wsluice would take for options."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WSLUICE_")}


def resident_bytes(pid):
    """Of the process and its children, in bytes."""
    total = 0
    for member in [pid, *children(pid)]:
        try:
            status = Path(f"/proc/{member}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        for line in status.splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(word) for word in task.read_text(encoding="ascii").split()]
        except OSError:
            continue
        for child in direct:
            found += [child, *children(child)]
    return found
