# ctest: timeout=600
"""Sessions over plain `ws` while the n-th request for memory is refused, for every n."""

import pytest

from harness import UnixBackend
from scene import Recorder, endure, endure_first


def talk(scene):
    """Both ways, small and longer than a frame, then the ordinary end."""
    client = scene.connect()
    client.upgrade("/socket?x=1", {"Origin": "http://127.0.0.1", "Sec-WebSocket-Protocol": "binary"})
    for data in (b"a few bytes", bytes(range(256)) * 600):
        scene.sent += data
        client.trip(data)
    client.say_goodbye()


class Named(Recorder):
    """A Recorder that is dialled by name."""

    def __init__(self):
        super().__init__()
        self.target_args = [f"localhost:{self.backend.port}"]


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


@pytest.mark.parametrize("lives, count", [(endure, 1), (endure_first, 1), (endure_first, 5)])
@pytest.mark.parametrize("first", [[], ["--dial-first"]])
def test_talk(scene, target, lives, count, first):
    lives(scene(target, *first), talk, count=count)
