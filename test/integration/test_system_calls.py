"""What a byte costs in system calls, as strace sees them: however many frames lie in a read, one write;
however much is ready for the client, one write; an echo is two reads and two writes and no try in vain; an
upgrade is answered in one piece.

strace lets go before the program is stopped (LeakSanitizer can't look while somebody traces).
"""

import os
import re
import signal
import subprocess
from typing import NamedTuple

import pytest

from harness import BINARY, CLOSE, PING, PONG, RawClient, encode_frame

READS = {"read", "readv", "recvfrom", "recvmsg", "splice"}
WRITES = {"write", "writev", "sendto", "sendmsg"}
# 1234 sendmsg(13<TCP:[127.0.0.1:4000->127.0.0.1:5000]>, ... = 7
LINE = re.compile(r"^\d+ +(\w+)\(\d+<TCP(?:v6)?:\[(.*?)->(.*?)\]>.* = (-?\d+)")

UNFINISHED, RESUMED = " <unfinished ...>", re.compile(r"^(\d+) +<\.\.\. \w+ resumed>")


def whole_lines(lines):
    """A call in which another thread's came between is written in two halves: puts them together."""
    begun = {}
    for line in lines:
        resumed = RESUMED.match(line)
        if line.endswith(UNFINISHED):
            begun[line.split()[0]] = line[:-len(UNFINISHED)]
        elif resumed:
            yield begun.pop(resumed[1], "") + line[resumed.end():]
        else:
            yield line


class Call(NamedTuple):
    name: str
    ours: str
    peer: str
    result: int
    line: str


class Trace:
    """The socket calls of a bridge with one worker between `with` and its end, in `calls`."""

    def __init__(self, bridge, path):
        self.bridge = bridge
        self.path = path
        names = ",".join(sorted(READS | WRITES))
        self.strace = subprocess.Popen(
            ["strace", "-f", "-yy", "-s", "0", "-e", f"trace={names}", "-o", str(path), "-p", str(bridge.pid)],
            stderr=subprocess.PIPE, text=True)
        self.calls = []

    def __enter__(self):
        said = self.strace.stderr.readline()
        if "attached" not in said:
            self.strace.wait()
            pytest.skip(f"strace may not trace here: {said.strip()}")
        return self

    def __exit__(self, *_):
        # The last call may not have returned yet when its effect is seen: another turn of the loop ends it.
        with RawClient(self.bridge.port) as other:
            other.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.strace.send_signal(signal.SIGINT)
        self.strace.communicate(timeout=20)
        lines = whole_lines(self.path.read_text().splitlines())
        self.calls = [Call(m[1], m[2], m[3], int(m[4]), m[0]) for m in map(LINE.match, lines) if m]

    def of(self, names, port):
        """The calls on sockets whose peer has that port."""
        return [call for call in self.calls if call.name in names and call.peer.endswith(f":{port}")]


class Bridge:
    """A session through wsluice with one worker, and how its sockets are told apart in a trace."""

    def __init__(self, wsluice, backend, tmp_path, *options):
        self.wsluice = wsluice(backend, "--workers", 1, "--heartbeat", 0, *options)
        self.client = RawClient(self.wsluice.port)
        self.client.upgrade()
        self.service = backend.accept()
        self.client_port = self.client.sock.getsockname()[1]
        self.service_port = backend.port
        self.path = tmp_path / "trace"

    def trace(self):
        return Trace(self.wsluice, self.path)

    def ping(self):
        """Behind everything that was sent before, both ways."""
        self.client.send_frame(PING, b"behind it")
        self.client.expect_frame(PONG, b"behind it")


@pytest.fixture
def bridge(wsluice, backend, tmp_path):
    opened = []

    def start(*options):
        opened.append(Bridge(wsluice, backend, tmp_path, *options))
        return opened[-1]

    yield start
    for each in opened:
        each.client.close()


def got_something(calls):
    return [call for call in calls if call.result > 0]


def test_the_frames_of_a_read_leave_in_one_write(bridge):
    session = bridge()
    payload = b"0123456789" * 1500
    frames = b"".join(encode_frame(BINARY, payload[at:at + 10]) for at in range(0, len(payload), 10))
    with session.trace() as trace:
        session.client.send(frames)
        assert session.service.recv_exact(len(payload)) == payload
    reads = got_something(trace.of(READS, session.client_port))
    writes = trace.of(WRITES, session.service_port)
    assert sum(call.result for call in reads) == len(frames)
    assert sum(call.result for call in writes) == len(payload)
    assert len(writes) <= len(reads) < 30, "1,500 frames"


def test_so_they_do_with_pings_between_them_which_are_answered_in_few(bridge):
    session = bridge()
    mixed = b"".join(encode_frame(BINARY, b"data") + encode_frame(PING, b"%03d" % i) for i in range(500))
    with session.trace() as trace:
        session.client.send(mixed)
        assert session.service.recv_exact(2000) == b"data" * 500
        for i in range(500):
            session.client.expect_frame(PONG, b"%03d" % i)
    reads = got_something(trace.of(READS, session.client_port))
    assert len(reads) < 30
    assert len(trace.of(WRITES, session.service_port)) <= len(reads)
    assert len(trace.of(WRITES, session.client_port)) <= 2 * len(reads), "2,500 bytes of pongs"


def test_what_is_ready_for_the_client_leaves_in_one_write(bridge):
    session = bridge("--max-frame-size", "4K")
    data = os.urandom(400_000)
    with session.trace() as trace:
        session.service.send(data)
        assert session.client.recv_data(len(data)) == data
    reads = got_something(trace.of(READS, session.service_port))
    writes = got_something(trace.of(WRITES, session.client_port))
    assert sum(call.result for call in reads) == len(data)
    # A write takes what the socket has room for; nothing but that may cut one.
    assert len(writes) <= 2 * len(reads) + 2, f"{len(data) // 4096} frames"


def test_an_echo_is_two_reads_and_two_writes(bridge):
    session = bridge()
    trips = 100
    with session.trace() as trace:
        for _ in range(trips):
            session.client.send_frame(BINARY, b"x" * 64)
            session.service.send(session.service.recv_exact(64))
            session.client.expect_frame(BINARY, b"x" * 64)
    data = [*trace.of(READS | WRITES, session.client_port), *trace.of(READS | WRITES, session.service_port)]
    assert len(data) == 4 * trips, "no read in vain, no write in pieces"
    assert all(call.result > 0 for call in data)


def test_an_upgrade_is_answered_in_one_write(wsluice, backend, tmp_path):
    bridge = wsluice(backend, "--workers", 1)
    with Trace(bridge, tmp_path / "trace") as trace:
        with RawClient(bridge.port) as client:
            client.upgrade()
            port = client.sock.getsockname()[1]
            backend.accept()
    assert len(got_something(trace.of(WRITES, port))) == 1


def test_idle_sessions_cost_no_calls(bridge):
    session = bridge()
    session.ping()
    with session.trace() as trace:
        session.client.expect_silence(0.5)
    assert trace.of(READS | WRITES, session.client_port) == []


def test_the_close_leaves_with_the_fin(bridge):
    session = bridge()
    with session.trace() as trace:
        session.client.send_frame(CLOSE, b"\x03\xe8")
        session.client.expect_close(1000)
        session.client.expect_end()
    [write] = trace.of(WRITES, session.client_port)
    assert "MSG_MORE" in write.line, "one segment less: the FIN that follows takes the Close along"


def test_a_close_whose_answer_is_awaited_leaves_at_once(bridge):
    session = bridge()
    with session.trace() as trace:
        session.service.close()
        session.client.expect_close(1000)
    [write] = trace.of(WRITES, session.client_port)
    assert "MSG_MORE" not in write.line
