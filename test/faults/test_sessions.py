# ctest: timeout=600 cost=15
"""Sessions over plain `ws` while the n-th request for memory is refused, for every n."""

import pytest

from harness import TEXT, UnixBackend
from scene import Recorder, endure, endure_first


def talk(scene):
    """Both ways, small and longer than a frame, then the ordinary end."""
    client = scene.connect()
    client.upgrade("/socket?x=1", {"Origin": "http://127.0.0.1", "Sec-WebSocket-Protocol": "binary"})
    for data in (b"a few bytes", bytes(range(256)) * 600):
        scene.sent += data
        client.trip(data)
    client.say_goodbye()


def talk_in_lines(scene):
    """A message that becomes a line, a line that becomes a message, and one that waits for its end."""
    client = scene.connect()
    client.upgrade("/")
    for line in (b"a line", b"half " * 4000):
        scene.sent += line + b"\n"
        client.send_frame(TEXT, line)
        frame = client.recv_frame()
        assert (frame.opcode, frame.payload) == (TEXT, line)
    client.say_goodbye()


class Named(Recorder):
    """A Recorder that is dialled by name."""

    def __init__(self):
        super().__init__()
        self.target_args = [f"localhost:{self.backend.port}"]


class BehindHeader(Recorder):
    """A Recorder that is told who the client is, in front of everything else. `lies`: headers that name another."""

    def __init__(self):
        super().__init__(secure=self.read_header)
        self.lies = []

    def read_header(self, wire):
        header = wire.recv_until(b"\r\n")
        if not header.startswith(b"PROXY TCP4 203.0.113.5 "):
            self.lies.append(header)
        return wire


def talk_through(scene, header):
    client = scene.connect()
    client.send(header)
    client.upgrade("/", {"X-Forwarded-For": "203.0.113.5"})
    scene.sent += b"through"
    client.trip(b"through")
    client.say_goodbye()


def talk_through_a_proxy(scene):
    talk_through(scene, b"")


def talk_through_a_balancer_too(scene):
    """It names the proxy, and the proxy the client."""
    talk_through(scene, b"PROXY TCP4 127.0.0.1 198.51.100.1 40000 443\r\n")


PROXIES = {talk_through_a_proxy: [], talk_through_a_balancer_too: ["--accept-proxy", "127.0.0.1"]}


class Program:
    """A program for each client instead of a Recorder. That none stays, wsluice's own end shows."""

    target_args = ["--exec", "cat"]
    visits = []

    def all_over(self):
        return True

    def close(self):
        pass


TARGETS = {"address": Recorder, "name": Named, "unix": lambda: Recorder(UnixBackend()), "program": Program}


@pytest.fixture(params=TARGETS)
def target(request):
    recording = TARGETS[request.param]()
    yield recording
    recording.close()


@pytest.mark.parametrize("life", PROXIES)
def test_talk_through_proxies(scene, life):
    """Without memory for who the client is nobody else is named in its place."""
    target = BehindHeader()
    endure(scene(target, *PROXIES[life], "--trust-forwarded", "127.0.0.1", "--send-proxy", "v1"), life)
    target.close()
    assert target.lies == []


@pytest.mark.parametrize("lives, count", [(endure, 1), (endure_first, 1), (endure_first, 5)])
@pytest.mark.parametrize("first", [[], ["--dial-first"]])
def test_talk(scene, target, lives, count, first):
    lives(scene(target, *first), talk, count=count)


def test_talk_in_lines(scene):
    """What --frames lines keeps of a line is memory of the session's own."""
    target = Recorder()
    endure(scene(target, "--frames", "lines"), talk_in_lines)
    target.close()
