"""What an idle session with a program of its own costs in wsluice's memory, on pipes and on a terminal: its records,
and no buffer of the stream's."""

import pytest

from harness import BINARY, RawClient, wait_until
from vitals import NO_RSS, SANITIZED, descriptors, resident_kib

SESSIONS, WARM_UP = 150, 10
# Measured: some 4,000, of which the session has 1,600 (test_session_memory.py), the program's records the rest. Of a
# buffer into which a line was read at least a page of 4,096 more would be resident.
SESSION_BYTES_MOST = 6500

pytestmark = pytest.mark.skipif(SANITIZED, reason=NO_RSS)


class Cat:
    """Words in front of the port, and behind it."""

    target_args = ()


@pytest.mark.parametrize("options", [(), ("--pty",)], ids=["pipes", "terminal"])
def test_an_idle_session_with_a_program_holds_no_buffer(wsluice, options):
    bridge = wsluice(Cat, "--workers", "1", *options, "--exec", "cat")
    clients = []

    def enter(count):
        """Each has carried a line both ways, so that it has had whatever it needs for that."""
        fresh = [RawClient(bridge.port) for _ in range(count)]
        clients.extend(fresh)
        for client in fresh:
            client.upgrade()
            client.send_frame(BINARY, b"idle\n")
        for client in fresh:
            assert client.recv_frame().payload.startswith(b"idle")

    before = len(descriptors(bridge.pid))
    enter(WARM_UP)
    warm_kib = resident_kib(bridge.pid)
    enter(SESSIONS)
    grown = (resident_kib(bridge.pid) - warm_kib) * 1024 / SESSIONS
    for client in clients:
        client.close()
    wait_until(lambda: len(descriptors(bridge.pid)) <= before, message="descriptors of programs stay open")
    assert grown <= SESSION_BYTES_MOST, f"{grown:.0f} bytes of resident memory a session"
