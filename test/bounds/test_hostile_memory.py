# ctest: timeout=600
"""Clients that try to make wsluice hold something for them: pings whose answers they don't read, heads and
handshakes that they don't finish. Each costs at most what its limit says, all of it comes back, and a
second wave finds the memory of the first.
"""

import asyncio
import struct

import pytest

from harness import PING, PONG, encode_frame, tls_client_context, wait_until
from http_endings import client_hello
from peers import LIMIT_SECONDS, Services, connect, open_socket
from pressure import MASK, Pusher, until_stalled
from vitals import NO_RSS, SANITIZED, descriptors, forget_peak, peak_kib, resident_kib

SESSIONS = 50
CONSTANT_KIB = 2048  # an allocator's arenas, the slabs' first pages
SMALL_WINDOW = 128 * 1024  # SO_RCVBUF of who does not read

NUMBERED = struct.Struct(">Q117x")  # a ping's payload, 125 bytes: the longest there is
PINGS = 2_000 if SANITIZED else 20_000  # a session
ROUND_PINGS = 4000  # that may be answered before the client stops reading again
PONG_BYTES = 2 + NUMBERED.size

HEADS = 300
HEAD_BYTES = 60_000  # of the 64 KB that a head may have
HEAD_MEMORY_KIB = 4096  # --head-memory: a quarter of what is sent
HANDSHAKES = 200
HANDSHAKE_KIB = 64  # a connection, its TLS in the middle of a handshake, its records: 45 were measured
CONNECTION_KIB = 4


def expect_growth(growth, allowed):
    print(f"{growth} KiB more at the most, {allowed} allowed")
    if SANITIZED:
        pytest.skip(f"{NO_RSS}; all else was as it should be")
    assert growth <= allowed, f"{growth} KiB more, {allowed} allowed"


# ---- pings ----


class PongReader:
    """Reads a client's pongs: numbers that rise, since only answers that could not leave may be left out."""

    def __init__(self, client):
        self.client, self.last = client, -1

    async def read(self, goal):
        """Until a ping of at least that number was answered."""
        while self.last < goal:
            whole = await self.client.recv_exact(PONG_BYTES)
            assert whole[:2] == bytes([0x80 | PONG, NUMBERED.size]), whole
            number, = NUMBERED.unpack(whole[2:])
            assert self.last < number < PINGS, f"pong {number} behind pong {self.last}"
            self.last = number


async def flood(bridge, services):
    services.start()
    clients, ends = [], []
    for _ in range(SESSIONS):
        client = await connect(bridge.port, receive_buffer=SMALL_WINDOW)
        hello, service = services.hello()
        await client.greet("/", hello, at_once=False)
        clients.append(client)
        ends.append(await service)
    before = resident_kib(bridge.pid)
    pings = b"".join(encode_frame(PING, NUMBERED.pack(number), mask=MASK) for number in range(PINGS))
    pushers = [Pusher(client, pings, 1) for client in clients]
    readers = [PongReader(client) for client in clients]
    for goal in range(0, PINGS, ROUND_PINGS):
        await until_stalled(pushers)
        await asyncio.gather(*(reader.read(goal) for reader in readers))
    await asyncio.gather(*(reader.read(PINGS - 1) for reader in readers), *(pusher.task for pusher in pushers))
    growth = peak_kib(bridge.pid) - before
    for end in [*clients, *ends]:
        end.close()
    services.close()
    return growth


def test_pongs_that_nobody_reads(wsluice, tmp_path):
    """A pong is no buffer: what can't leave is the answer to the newest ping alone."""
    services = Services(tmp_path)
    bridge = wsluice(f"127.0.0.1:{services.port}", "--heartbeat", "0")
    growth = asyncio.run(flood(bridge, services))
    expect_growth(growth, CONSTANT_KIB)  # all that is read is decoded at once, so no session keeps a buffer


# ---- what is not finished ----


async def hold(address, count, start):
    """`count` connections that send `start` and no more; gives what closes them."""
    loop = asyncio.get_running_loop()
    socks = []
    for _ in range(count):
        sock = await open_socket(address)
        try:
            await asyncio.wait_for(loop.sock_sendall(sock, start), LIMIT_SECONDS)
        except ConnectionError:
            pass  # refused, and that was said before all of it was sent
        socks.append(sock)
    return socks


def wave(bridge, count, start, settle):
    """One wave of connections, held until settle(their sockets) says so; gives the most that was resident."""
    async def run():
        socks = await hold(bridge.port, count, start)
        await settle(socks)
        for sock in socks:
            sock.close()

    idle = descriptors(bridge.pid)
    forget_peak(bridge.pid)
    asyncio.run(run())
    wait_until(lambda: descriptors(bridge.pid) == idle, message="connections stay open")
    return peak_kib(bridge.pid)


def two_waves(bridge, allowed, *what):
    """The first costs no more than is allowed, the second no more than the first."""
    before = resident_kib(bridge.pid)
    first, second = wave(bridge, *what), wave(bridge, *what)
    expect_growth(max(first - before, second - before), allowed)
    expect_growth(second - first, CONSTANT_KIB)


async def refused_or_waiting(socks):
    """The last one has been answered 503: for it there was no memory left."""
    said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(socks[-1], 1000), LIMIT_SECONDS)
    assert said.startswith(b"HTTP/1.1 503 "), said


def test_heads_that_do_not_end(wsluice):
    bridge = wsluice("127.0.0.1:1", "--workers", "1", "--head-memory", f"{HEAD_MEMORY_KIB}K",
                     "--handshake-timeout", "60")
    head = b"GET / HTTP/1.1\r\nHost: h\r\nCookie: " + b"c" * HEAD_BYTES
    allowed = HEAD_MEMORY_KIB + HEADS * CONNECTION_KIB + CONSTANT_KIB
    two_waves(bridge, allowed, HEADS, head, refused_or_waiting)


async def servers_words(socks):
    loop = asyncio.get_running_loop()
    for sock in socks:
        assert await asyncio.wait_for(loop.sock_recv(sock, 10_000), LIMIT_SECONDS)


async def nothing(socks):
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("until", ["inside the ClientHello", "after the server's words"])
def test_handshakes_that_do_not_end(wsluice, tls_options, authority, until):
    bridge = wsluice("127.0.0.1:1", *tls_options, "--handshake-timeout", "60")
    hello = client_hello(tls_client_context(authority.cert))
    start, settle = (hello[:-1], nothing) if "inside" in until else (hello, servers_words)
    allowed = HANDSHAKES * HANDSHAKE_KIB + CONSTANT_KIB
    two_waves(bridge, allowed, HANDSHAKES, start, settle)
