"""wsluice as a process: started on a free port, listened to, measured, stopped, and judged.

$WSLUICE_BIN names the program (default: build/wsluice of this tree). A run that exits with another
status than the test expects, or whose log holds a sanitizer's report, fails the test.
"""

import os
import pathlib
import random
import re
import select
import signal
import socket
import subprocess
import threading
import time

from .wire import LIMIT_SECONDS

LISTENING = re.compile(r'listening on [^\s"]*:(\d+)\b')  # as text or JSON
SANITIZER_REPORT = re.compile(r"(Address|Leak|Memory|Thread)Sanitizer|runtime error:")
# Sessions that are open at SIGTERM may take 2 s to be cut; LeakSanitizer looks after that.
STOP_SECONDS = 20.0


def binary():
    """The program under test."""
    default = pathlib.Path(__file__).resolve().parents[2] / "build" / "wsluice"
    return os.environ.get("WSLUICE_BIN", str(default))


def own_environment():
    """Ours, without what the program under test would take for options (WSLUICE_BIN is the tests' own)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WSLUICE_")}


class Wsluice:
    """One running wsluice. `log` is all it wrote to stderr, `output` to stdout, so far. `program` is the name
    to start it by, where that is not binary(); `cwd` its working directory; `descriptors` what it inherits beside
    its streams; `stdin` what it has there."""

    def __init__(self, args, env=None, program=None, cwd=None, descriptors=(), stdin=subprocess.DEVNULL):
        self.args = [str(program or binary()), *map(str, args)]
        self.process = subprocess.Popen(
            self.args,
            stdin=stdin,
            pass_fds=descriptors,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**own_environment(), **(env or {})},
            cwd=cwd,
        )
        self._lines = {"stdout": [], "stderr": []}
        self._readers = [
            threading.Thread(target=self._collect, args=(name,), daemon=True) for name in self._lines
        ]
        for reader in self._readers:
            reader.start()
        self.expected_status = 0
        self.asked_to_stop = False

    def _collect(self, name):
        for line in getattr(self.process, name):
            self._lines[name].append(line.decode(errors="backslashreplace"))

    @property
    def log(self):
        return "".join(self._lines["stderr"])

    @property
    def output(self):
        return "".join(self._lines["stdout"])

    @property
    def pid(self):
        return self.process.pid

    def wait_for_log(self, pattern, limit=LIMIT_SECONDS, count=1):
        """Waits until the log matches `pattern` `count` times; returns the last match."""

        def matches():
            found = list(re.finditer(pattern, self.log))
            return found[count - 1] if len(found) >= count else None

        return wait_until(
            matches,
            limit,
            lambda: f"no {pattern!r} (x{count}) in the log:\n{self.log}",
            give_up=lambda: self.process.poll() is not None and not self._readers[1].is_alive(),
        )

    def wait_until_listening(self):
        self.port = int(self.wait_for_log(LISTENING)[1])
        return self

    def url(self, path="/", scheme="ws", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}{path}"

    def signal(self, number):
        self.process.send_signal(number)

    def wait_for_exit(self, limit=STOP_SECONDS):
        """Waits for the program's own end and for the rest of its log; returns the exit status."""
        try:
            status = wait_for_process(self.process, limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self._join_readers()
            self.expected_status = None
            raise AssertionError(f"wsluice did not exit within {limit} s; its log:\n{self.log}") from None
        self._join_readers()
        return status

    def _join_readers(self):
        for reader in self._readers:
            reader.join(LIMIT_SECONDS)

    def ask_to_stop(self):
        """SIGTERM, unless it has ended or was asked before."""
        if self.process.poll() is None and not self.asked_to_stop:
            self.asked_to_stop = True
            self.signal(signal.SIGTERM)

    def stop(self):
        """Asks it to, waits, and gives the verdict: exit status and sanitizer reports.
        A test that lets it end otherwise sets `expected_status` (None: any)."""
        self.ask_to_stop()
        status = self.wait_for_exit()
        report = SANITIZER_REPORT.search(self.log)
        assert not report, f"{self.args} has a sanitizer report in its log:\n{self.log}"
        assert self.expected_status in (None, status), (
            f"{self.args} ended with status {status}, not {self.expected_status}; its log:\n{self.log}"
        )


class WsluiceFactory:
    """Starts wsluice in front of a target. `wsluice(backend, "--workers", 4)` takes a Backend, a
    "host:port", or None when the options name the target; the instance already listens."""

    def __init__(self):
        self.started = []

    def __call__(self, target, *options, listen="127.0.0.1:0", env=None):
        target_args = getattr(target, "target_args", [target] if target else [])
        return self.run(*options, listen, *target_args, env=env).wait_until_listening()

    def run(self, *args, env=None, **process):
        """Starts it with exactly these arguments and waits for nothing."""
        instance = Wsluice(args, env, **process)
        self.started.append(instance)
        return instance

    def stop_all(self):
        failures = []
        for instance in self.started:
            instance.ask_to_stop()  # all at once: each may wait for its peers
        for instance in self.started:
            try:
                instance.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        assert not failures, "\n".join(failures)


def wait_for_process(process, limit):
    """Its exit status, as process.wait() gives it, but at once when it ends: that polls, at last every 50 ms, and
    there are thousands of ends to be waited for."""
    if process.poll() is None:
        descriptor = os.pidfd_open(process.pid)
        ended = select.poll()  # select() knows no descriptors above 1,023
        ended.register(descriptor, select.POLLIN)
        ended.poll(limit * 1000)
        os.close(descriptor)
    return process.wait(0)


POLL_SECONDS, POLL_MAX_SECONDS = 0.001, 0.02


def wait_until(condition, limit=LIMIT_SECONDS, message="condition not met", give_up=None):
    """Polls until condition() is true and returns its value. `message` may be a function."""
    deadline = time.monotonic() + limit
    pause = POLL_SECONDS  # most of what is waited for is there in a few milliseconds
    while True:
        hopeless = give_up is not None and give_up()
        value = condition()
        if value:
            return value
        if hopeless or time.monotonic() > deadline:
            raise AssertionError(message() if callable(message) else message)
        time.sleep(pause)
        pause = min(pause * 1.5, POLL_MAX_SECONDS)


def free_port(host="127.0.0.1"):
    """A port that is free right now, for services that can't choose one themselves. None of those that the system
    hands out by itself, or any client of a test beside this one might have it before the service does."""
    first, last = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    others = [port for port in range(10_000, 65_536) if not first <= port <= last]
    for port in random.sample(others, min(len(others), 100)) + [0]:
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return probe.getsockname()[1]


def resident_kib(pid):
    """Resident memory in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


def processor_seconds(pid):
    """CPU time used so far by all threads, user and system (fields 14 and 15 of proc(5) stat)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
