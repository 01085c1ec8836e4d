"""A target by a name with many addresses (RFC 8305): the next one after a quarter of a second when one is silent, at
once when it fails, the families in turns. In a network of the test's own, with a hosts file of the test's own; what
is silent is an address of an interface behind which there is nobody.
"""

import os
import shutil
import socket
import subprocess
import time

import pytest

from harness import BINARY, LIMIT_SECONDS, RawClient, binary, echo, free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"),
                                reason="needs root, ip and unshare")

SILENT_4, SILENT_6, OTHER_6 = "127.0.0.77", "2001:db8::77", "2001:db8::78"
UNREACHABLE = "198.51.100.1"  # no way there
REFUSING = "127.0.0.9"  # nobody listens there
ATTEMPT_DELAY = 0.25  # RFC 8305 section 5


class Silent:
    """An address at which nobody gets an answer: its queue of connections is full."""

    def __init__(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sockets = [socket.socket(family)]
        self.sockets[0].bind((address, port))
        self.sockets[0].listen(0)
        # An address that is quite new may lose its first packet: that alone is no full queue.
        assert self._knock(family, (address, port), LIMIT_SECONDS), f"{address} is silent without us"
        while self._knock(family, (address, port), 0.2):
            assert len(self.sockets) < 20, "the queue does not fill"

    def _knock(self, family, place, limit):
        knocker = socket.socket(family)
        self.sockets.append(knocker)
        knocker.settimeout(limit)
        try:
            knocker.connect(place)
        except TimeoutError:
            return False
        return True

    def close(self):
        for each in self.sockets:
            each.close()


@pytest.fixture
def silence(network):
    """silence(port, *addresses) makes them silent there."""
    made = []
    for address in (SILENT_6, OTHER_6):
        if subprocess.run(["ip", "addr", "add", f"{address}/128", "dev", "lo", "nodad"]).returncode != 0:
            pytest.skip("no IPv6 here")

    def make(port, *addresses):
        made.extend(Silent(address, port) for address in addresses)

    yield make
    for each in made:
        each.close()


@pytest.fixture
def named(network, wsluice, tmp_path):
    """named(addresses, port) is a bridge to "many.test", which has these addresses in this order."""

    def start(addresses, port, *options):
        hosts = tmp_path / "hosts"
        hosts.write_text("".join(f"{address} many.test\n" for address in addresses))
        bridge = wsluice.run("--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, binary(),
                             *options, "127.0.0.1:0", f"many.test:{port}", program=shutil.which("unshare"))
        return bridge.wait_until_listening()

    return start


def trip(bridge):
    """How long the first answer of the target takes."""
    with RawClient(bridge.port) as client:
        client.upgrade()
        begun = time.monotonic()
        client.send_frame(BINARY, b"found")
        assert client.recv_data(5) == b"found"
        return time.monotonic() - begun


@pytest.mark.parametrize("first", [SILENT_4, SILENT_6])
def test_a_silent_address_costs_a_quarter_of_a_second(silence, named, serve, first):
    backend = serve(echo)
    silence(backend.port, first)
    assert trip(named([first, "127.0.0.1"], backend.port)) > ATTEMPT_DELAY * 0.8


def like(address, count):
    """So many addresses behind this one."""
    network, _, number = address.rpartition(".")
    return [f"{network}.{int(number) + n}" for n in range(count)]


@pytest.mark.parametrize("first", [REFUSING, UNREACHABLE])
def test_one_that_fails_costs_nothing(named, serve, first):
    """They would take nearly four seconds if each were waited for."""
    backend = serve(echo)
    assert trip(named([*like(first, 15), "127.0.0.1"], backend.port)) < 13 * ATTEMPT_DELAY


def test_a_failure_behind_a_silent_one_is_not_waited_for(silence, named, serve):
    backend = serve(echo)
    silence(backend.port, SILENT_4)
    assert trip(named([SILENT_4, *like(REFUSING, 14), "127.0.0.1"], backend.port)) < 13 * ATTEMPT_DELAY


def test_the_families_take_turns(silence, named, serve):
    """The other family's first is behind the silent one's second in the file, and before it in turn."""
    backend = serve(echo)
    silence(backend.port, SILENT_6)
    with socket.create_server((OTHER_6, backend.port), family=socket.AF_INET6) as other:
        trip(named([SILENT_6, OTHER_6, "127.0.0.1"], backend.port))
        other.settimeout(0)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_when_all_are_silent_the_time_of_the_dial_ends_it(silence, named):
    port = free_port()
    silence(port, SILENT_4, SILENT_6)
    bridge = named([SILENT_4, SILENT_6], port, "--dial-timeout", "600ms")
    with RawClient(bridge.port) as client:
        client.upgrade()
        client.expect_close(1011, "Failed to connect to target: No answer in time")
