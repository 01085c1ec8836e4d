"""What a client costs once the server is warm: from accept to close nothing is asked of the allocator. Session,
connection, dial and sockets lie in slabs, buffers come from the pool, heads are parsed where they were read."""

import time

import pytest

from harness import BINARY, UnixBackend
from scene import Recorder

LIVES = 20
SETTLE_SECONDS = 0.2  # closed connections have been freed by then


def session(scene):
    client = scene.connect()
    client.upgrade("/path", {"Sec-WebSocket-Protocol": "binary", "Origin": "http://localhost"})
    scene.sent += b"there and back"
    client.trip(b"there and back")
    client.say_goodbye()


def reset(scene):
    client = scene.connect()
    client.upgrade()
    client.send_frame(BINARY, b"")
    client.reset()


def idle(scene):
    scene.connect().close()


def requests_of(scene, life):
    """How often memory was asked for during the lives: heap and maps."""
    for _ in range(2):
        scene.expect_ordinary(life)
    time.sleep(SETTLE_SECONDS)
    scene.allocator.note_ways()
    for _ in range(LIVES):
        scene.expect_ordinary(life)
    time.sleep(SETTLE_SECONDS)
    _, seen = scene.allocator.new_ways()
    return seen


@pytest.mark.parametrize("options", [[], ["--dial-first"], ["--log-level", "debug"]],
                         ids=["usual", "dial first", "debug"])
@pytest.mark.parametrize("life", [session, reset, idle], ids=lambda life: life.__name__)
def test_a_life_asks_for_no_memory(scene, recorder, life, options):
    assert requests_of(scene(recorder, *options)(), life) == 0


def test_neither_does_one_to_a_unix_socket(scene):
    recorder = Recorder(UnixBackend())
    try:
        assert requests_of(scene(recorder)(), session) == 0
    finally:
        recorder.close()
