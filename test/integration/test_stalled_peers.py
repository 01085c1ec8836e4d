"""A peer that stops reading costs nothing: the other side is held back, wsluice's memory does not grow
with what waits, its CPU rests, and when the peer reads on every byte is there."""
# ctest: waits cost=15

import hashlib
import os
import threading
import time

import pytest

from harness import BINARY, encode_frame, processor_seconds, resident_kib, wait_until

# What the kernel holds for two loopback connections (send and receive buffers grow to about 10 MB
# each) is not wsluice's; a bridge that reads without limit would take all of this.
PUSHED_AT_MOST = 128 << 20
# A session holds one buffer a direction (64 to 256 KB); the rest is room for an allocator's moods.
GROWTH_KIB = 2048
SESSIONS = 8
QUIET_SECONDS = 1.5


class Pusher(threading.Thread):
    """Sends `piece` again and again until told to stop, and counts what the kernel took."""

    def __init__(self, wire, piece):
        super().__init__(daemon=True)
        self.wire, self.piece = wire, piece
        self.taken = 0
        self.failure = None
        self.stop = threading.Event()

    def run(self):
        view = memoryview(self.piece)
        self.wire.sock.settimeout(0.05)
        # Ends on a whole piece, so that a WebSocket stream ends between frames.
        while not (self.stop.is_set() and self.taken % len(view) == 0) and self.taken < PUSHED_AT_MOST:
            try:
                self.taken += self.wire.sock.send(view[self.taken % len(view):])
            except TimeoutError:
                pass
            except OSError as failure:
                self.failure = failure
                return


def push_until_stalled(pushers):
    """Starts the pushers and waits until QUIET_SECONDS brought nothing on any of them."""
    for pusher in pushers:
        pusher.start()

    def quiet():
        before = [pusher.taken for pusher in pushers]
        time.sleep(QUIET_SECONDS)
        return before == [pusher.taken for pusher in pushers]

    wait_until(quiet, 60, lambda: f"still taking after {[pusher.taken for pusher in pushers]}")
    for pusher in pushers:
        assert not pusher.failure, f"{pusher.failure} after {pusher.taken} bytes"
        assert pusher.taken < PUSHED_AT_MOST, "everything was taken: no backpressure"


def expect_rest(bridge, resident_before):
    growth = resident_kib(bridge.pid) - resident_before
    assert growth < GROWTH_KIB * SESSIONS, f"{growth} KiB more for {SESSIONS} stalled sessions"
    used = processor_seconds(bridge.pid)
    time.sleep(2.0)
    used = processor_seconds(bridge.pid) - used
    assert used < 0.2, f"{used:.2f} s of CPU in 2 s of standing still"


@pytest.fixture
def session(wsluice, backend, connect):
    """session() opens one more: (client, service), both idle, buffers of the kernel's kept small."""
    bridge = wsluice(backend, "--workers", "1")

    def open_session():
        client = connect(bridge, receive_buffer=65536)
        return client, backend.accept()

    open_session.bridge = bridge
    return open_session


def test_a_client_that_stops_reading_holds_the_backend_back(session):
    pairs = [session() for _ in range(SESSIONS)]
    resident = resident_kib(session.bridge.pid)
    piece = os.urandom(1 << 20)
    pushers = [Pusher(service, piece) for _, service in pairs]
    push_until_stalled(pushers)
    expect_rest(session.bridge, resident)

    # Reading on: the service sends the rest of its piece and FIN, and nothing is missing.
    for (client, service), pusher in zip(pairs, pushers):
        pusher.stop.set()
        finisher = threading.Thread(target=lambda p=pusher, s=service: (p.join(), s.finish()), daemon=True)
        finisher.start()
        data, close = client.recv_until_close()
        assert close.close_code == 1000
        assert len(data) == pusher.taken, f"{len(data)} of {pusher.taken} bytes"
        expected = piece * (len(data) // len(piece))
        assert hashlib.sha256(data).digest() == hashlib.sha256(expected).digest()


def test_a_backend_that_stops_reading_holds_the_client_back(session):
    pairs = [session() for _ in range(SESSIONS)]
    resident = resident_kib(session.bridge.pid)
    payload = os.urandom(100_003)
    frame = encode_frame(BINARY, payload)
    pushers = [Pusher(client, frame) for client, _ in pairs]
    push_until_stalled(pushers)
    expect_rest(session.bridge, resident)

    for (client, service), pusher in zip(pairs, pushers):
        pusher.stop.set()
        closer = threading.Thread(target=lambda p=pusher, c=client: (p.join(), c.send_close()), daemon=True)
        closer.start()
        data, how = service.recv_to_end()
        assert how == "fin"
        expected = payload * (pusher.taken // len(frame))
        assert len(data) == len(expected), f"{len(data)} of {len(expected)} bytes"
        assert hashlib.sha256(data).digest() == hashlib.sha256(expected).digest()


def test_one_stalled_session_does_not_slow_another(session):
    stalled_client, stalled_service = session()
    pusher = Pusher(stalled_service, bytes(1 << 20))
    push_until_stalled([pusher])
    client, service = session()
    for number in range(100):
        client.send_frame(BINARY, b"%d" % number)
        assert service.recv_exact(len(str(number))) == b"%d" % number
        service.send(b"answer")
        assert client.recv_data(6) == b"answer"
    pusher.stop.set()
    stalled_client.reset()
    pusher.join(1)
