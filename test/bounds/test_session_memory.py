"""What a session costs in memory while nothing happens on it, and that all of it comes back: thousands of sessions
at once that have ended leave resident what was resident before the first."""

import contextlib
import resource
import socket
import threading

import pytest

from harness import BINARY, RawClient, upgrade_request, wait_until
from vitals import NO_RSS, SANITIZED, descriptors, resident_kib

# Half of 20,000 descriptors are this process's clients and services; the rest are for whatever else is open.
SESSIONS_MOST = 9_000
DESCRIPTORS_SPARE = 1_000
WARM_UP = 50
# So many requests are begun before the first goes on: its piece has been read by then.
GROUP, CUT_AT = 50, 40
# docs/PERFORMANCE.md: all that is resident, by the number of sessions; a buffer would be 16 KB at least.
SESSION_BYTES_MOST = 2048
# One empty page of each slab, the buffers that the pool keeps, an allocator's arenas: not a matter of the number.
KEPT_KIB = 1024
ROOM = r"room connections=(\d+) idle_session_bytes=(\d+) idle_connection_bytes=(\d+)"

pytestmark = pytest.mark.skipif(SANITIZED, reason=NO_RSS)


@pytest.fixture
def most():
    """As many sessions as this process has descriptors for, twice."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(SESSIONS_MOST, (hard - DESCRIPTORS_SPARE) // 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Idle sessions, both of whose ends are here."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.target = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.clients, self.services = [], []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                service, _ = self.listener.accept()
                self.services.append(service)

    def enter(self, bridge, count):
        """Each has carried a byte, so that it has had whatever it needs for that, and its request came in two
        pieces, so that it has had a stash."""
        for first in range(0, count, GROUP):
            clients = [RawClient(bridge.port) for _ in range(min(GROUP, count - first))]
            self.clients += clients
            request = upgrade_request()
            for piece in (request[:CUT_AT], request[CUT_AT:]):
                for client in clients:
                    client.send(piece)
            for client in clients:
                assert client.recv_response().status == 101
                client.send_frame(BINARY, b"x")
        wait_until(lambda: len(self.services) == len(self.clients))
        for service in self.services[-count:]:
            assert service.recv(1) == b"x"

    def leave(self):
        for client in self.clients:
            client.reset()
        for service in self.services:
            service.close()
        self.clients, self.services = [], []


@pytest.fixture
def crowd():
    people = Crowd()
    yield people
    people.leave()
    people.listener.close()


def settled(bridge, before):
    """Resident KiB once every descriptor of the sessions is closed."""
    wait_until(lambda: descriptors(bridge.pid) == before)
    return resident_kib(bridge.pid)


def test_idle_sessions_are_small_and_leave_nothing(wsluice, crowd, most):
    bridge = wsluice(crowd.target, "--workers", "1")
    before = descriptors(bridge.pid)
    crowd.enter(bridge, WARM_UP)
    crowd.leave()
    start = settled(bridge, before)
    crowd.enter(bridge, most)
    each = (resident_kib(bridge.pid) - start) * 1024 / most
    crowd.leave()
    kept = settled(bridge, before) - start
    print(f"{most} sessions: {each:.0f} bytes each, {kept} KiB more than before when they have ended")
    assert each <= SESSION_BYTES_MOST
    assert kept <= KEPT_KIB


def test_the_log_says_what_a_session_takes(wsluice, crowd):
    bridge = wsluice(crowd.target, "--log-level", "debug", "--max-sessions", "700")
    places, session, connection = map(int, bridge.wait_for_log(ROOM).groups())
    assert places == 700
    assert connection < session <= SESSION_BYTES_MOST
