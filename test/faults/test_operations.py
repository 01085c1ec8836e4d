# ctest: timeout=600
"""Stalled peers, reloads and the end of the server while the n-th request for memory is refused."""

import os
import shutil
import signal
import time

import pytest

from harness import BINARY, tls_client_context
from refusing import NEVER
from scene import Recorder, begins_late, endure, endure_first, plan, wait_for

BULK = os.urandom(1 << 20) * 2
STALL_SECONDS = 0.05
SMALL_BUFFER = 8192


def pour(wire, piece):
    """On "go" more than the client's kernel holds, and then it is slow to read."""
    if piece.startswith(b"go"):
        wire.send(BULK)
    time.sleep(STALL_SECONDS if len(piece) < SMALL_BUFFER else 0)


def stall(scene):
    """Either side stops reading for a while, until wsluice holds what it may hold."""
    client = scene.connect(receive_buffer=SMALL_BUFFER)
    client.upgrade()
    scene.sent = b"go"
    client.send_frame(BINARY, b"go")
    time.sleep(STALL_SECONDS)
    client.expect_bytes(BULK)
    scene.sent += BULK
    for start in range(0, len(BULK), 1 << 18):
        client.send_frame(BINARY, BULK[start:start + (1 << 18)])
    client.say_goodbye()


@pytest.fixture
def pouring():
    recording = Recorder(answer=pour)
    yield recording
    recording.close()


@pytest.mark.parametrize("lives", [endure, endure_first])
def test_stalled_peers(scene, pouring, lives):
    lives(scene(pouring), stall, count=3)


def test_stalled_peers_over_tls(scene, pouring, tls_options, authority):
    endure(scene(pouring, *tls_options, tls=tls_client_context(authority.cert)), stall, share=100)


# ---- signals to a running server ----


def put(pair, folder):
    for source, name in ((pair.cert, "cert.pem"), (pair.key, "key.pem")):
        shutil.copyfile(source, folder / f"{name}.new")
        os.rename(folder / f"{name}.new", folder / name)


@pytest.mark.parametrize("count", [1, 20])
def test_reload(scene, recorder, authority, server_pair, tmp_path, count):
    """SIGHUP and SIGUSR1: certificates and the log are read and opened anew, or the old ones serve on."""
    put(server_pair, tmp_path)
    log = tmp_path / "log"

    @begins_late
    def reload(scene):
        client = scene.connect()
        client.upgrade()
        before = len(log.read_text())
        scene.begin()
        scene.bridge.signal(signal.SIGHUP)
        wait_for(lambda: "renewed" in log.read_text()[before:], lambda: "SIGHUP did nothing")
        log.rename(tmp_path / "log.1")
        scene.bridge.signal(signal.SIGUSR1)
        wait_for(log.exists, lambda: "SIGUSR1 did nothing")
        scene.sent += b"still here"
        client.trip(b"still here")
        client.say_goodbye()

    options = ["--cert", tmp_path / "cert.pem", "--key", tmp_path / "key.pem"]
    start = scene(recorder, *options, log_file=log, tls=tls_client_context(authority.cert))
    endure(start, reload, share=12, count=count)


@begins_late
def stop(scene):
    """SIGTERM with a session, an idle connection and a handshake: all are told, or cut, and the server ends."""
    client, idle = scene.connect(), scene.connect()
    client.upgrade()
    scene.sent += b"before"
    client.trip(b"before")
    idle.request(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    scene.begin()
    scene.bridge.signal(signal.SIGTERM)
    client.expect_close(1001)
    client.send_close(1001)
    assert client.recv_to_end()[0] == b""
    assert idle.recv_to_end()[0] == b""


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("count", [1, NEVER], ids=["once", "from then on"])
def test_stop(scene, recorder, tls_options, authority, tls, count):
    """Each time in a process of its own, which ends with status 0."""
    options, context = (tls_options, tls_client_context(authority.cert)) if tls else ([], None)
    start = scene(recorder, "--web", os.path.dirname(__file__), *options, tls=context)
    numbers = plan(start(), stop, share=4)
    for first in numbers:
        server = start()
        server.live_after(lambda n=first: server.allocator.refuse(n, count), stop)
        fired = server.allocator.refused > 0
        server.expect_visits_over()
        server.bridge.stop()
        if not fired:
            break
    print(f"stop: {len(numbers)} ends")
