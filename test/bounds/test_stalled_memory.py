# ctest: timeout=600 cost=45
"""A gigabyte each way through fifty sessions whose peers stop reading again and again: wsluice holds at most two
buffers a session (one a direction), whatever is offered, and not a byte is lost or changed.

The kernel's own buffers take some megabytes a connection before anybody notices a stalled peer. So the
gigabyte is offered until nothing more is taken, the peers read a little and stop again, and so on to its end.
What is compared with the bound is the kernel's count of the most that was ever resident.
"""

import asyncio
import os
from typing import NamedTuple

import pytest

from harness import BINARY, tls_client_context
from harness.client import xor
from peers import Services, connect
from pressure import MASK, FramedSource, Pusher, Taker, frames_of_all_sizes, push
from vitals import NO_RSS, SANITIZED, forget_peak, peak_kib, resident_kib

GIGABYTE = (128 << 20) if SANITIZED else (1 << 30)
PIECE_BYTES = 1_000_004  # a multiple of the mask, and of no buffer
STEP_BYTES = 3 << 20
# SO_RCVBUF of who stops reading: little of what is offered, but several of loopback's segments of 64 KB, or the
# kernel waits for its timers at each stall.
SMALL_WINDOW = 512 * 1024
# A peer must have stopped so often, or what stalled was only this machine.
STALLS = 2
PREPARED_BYTES = 10_000

BUFFER_KIB = 256  # --buffer-size
TLS_KIB = 34  # a session: records in memory, one that is not complete and what sealing adds to a buffer
CONSTANT_KIB = 2048  # the buffers that the pool keeps, an allocator's arenas


class Run:
    """Some sessions of one wsluice, and what it had resident before anything was pushed."""

    def __init__(self, folder, tls, sessions):
        self.tls, self.sessions = tls, sessions
        self.services = Services(folder, receive_buffer=SMALL_WINDOW)
        self.piece = os.urandom(PIECE_BYTES)

    async def session(self):
        client = await connect(self.bridge.port, self.tls, receive_buffer=SMALL_WINDOW)
        hello, service = self.services.hello()
        await client.greet("/", hello, at_once=False)
        return client, await service

    async def open(self):
        self.services.start()
        self.pairs = [await self.session() for _ in range(self.sessions)]
        await self.prepare()
        self.resident = resident_kib(self.bridge.pid)
        forget_peak(self.bridge.pid)

    async def prepare(self):
        """A little both ways, which fetches what every session needs once."""
        for client, service in self.pairs:
            await client.send_data(bytes(PREPARED_BYTES))
            await service.recv_exact(PREPARED_BYTES)
            await service.send(bytes(PREPARED_BYTES))
            await client.recv_data(PREPARED_BYTES)

    def times(self, total):
        return total // self.sessions // PIECE_BYTES + 1

    def down(self, total):
        """(pushers, takers) of `total` bytes to the clients."""
        times = self.times(total)
        return ([Pusher(service, self.piece, times) for _, service in self.pairs],
                [Taker(FramedSource(client), self.piece, times * PIECE_BYTES) for client, _ in self.pairs])

    def up(self, total):
        """The same to the services, in frames of all sizes."""
        times, period = self.times(total), frames_of_all_sizes(self.piece)
        return ([Pusher(client, period, times) for client, _ in self.pairs],
                [Taker(service.recv_some, self.piece, times * PIECE_BYTES) for _, service in self.pairs])

    def up_in_one_frame(self, total):
        """The same, in a frame that declares 2^62 bytes."""
        lead = bytes([0x80 | BINARY, 0xFF]) + (1 << 62).to_bytes(8, "big") + MASK
        times, masked = self.times(total), xor(self.piece, MASK)
        return ([Pusher(client, masked, times, lead) for client, _ in self.pairs],
                [Taker(service.recv_some, self.piece, times * PIECE_BYTES) for _, service in self.pairs])

    async def close_all(self):
        """Orderly ends: nothing came behind what was pushed."""
        for client, service in self.pairs:
            await client.send_close()
            assert await client.recv_until_close() == (b"", 1000)
            assert await service.recv_to_end() == (b"", "fin")
            service.close()
            client.close()

    async def reset_all(self):
        for client, service in self.pairs:
            client.reset()
            assert await service.recv_to_end() == (b"", "reset")
            service.close()

    def growth_kib(self):
        return peak_kib(self.bridge.pid) - self.resident


async def offer(run, flows, end):
    """Pushes all flows through a run's sessions and ends them; gives the stalls and the growth."""
    await run.open()
    parts = [flow(run, total) for flow, total in flows]
    pushers = [pusher for some, _ in parts for pusher in some]
    takers = [taker for _, some in parts for taker in some]
    stalls = await push(pushers, takers, STEP_BYTES)
    growth = run.growth_kib()
    await end(run)
    run.services.close()
    return stalls, growth


class Flow(NamedTuple):
    parts: list  # (direction, bytes)
    sessions: int
    buffers: int  # that a stalled session holds
    end: object = Run.close_all


QUARTER = GIGABYTE // 4
# TLS costs both sides their time: half of it there, unless WSLUICE_SANITIZE made it little already.
FLOWS = {
    ("both ways", "ws"): Flow([(Run.up, GIGABYTE), (Run.down, GIGABYTE)], 50, 2),
    ("both ways", "wss"): Flow([(Run.up, GIGABYTE // 2), (Run.down, GIGABYTE // 2)], 25, 2),
    ("to the clients", "ws"): Flow([(Run.down, QUARTER)], 15, 1),
    ("to the clients", "wss"): Flow([(Run.down, QUARTER)], 15, 1),
    ("to the services", "ws"): Flow([(Run.up, QUARTER)], 15, 1),
    ("to the services", "wss"): Flow([(Run.up, QUARTER)], 15, 1),
    ("in frames of 2^62 bytes", "ws"): Flow([(Run.up_in_one_frame, QUARTER)], 15, 1, Run.reset_all),
    ("in frames of 2^62 bytes", "wss"): Flow([(Run.up_in_one_frame, QUARTER)], 15, 1, Run.reset_all),
}


@pytest.mark.parametrize("name,scheme", FLOWS)
def test_pushed_at_stalled_peers(wsluice, authority, tls_options, tmp_path, name, scheme):
    flow, over_tls = FLOWS[name, scheme], scheme == "wss"
    run = Run(tmp_path, tls_client_context(authority.cert) if over_tls else None, flow.sessions)
    run.bridge = wsluice(f"127.0.0.1:{run.services.port}", "--heartbeat", "0", *(tls_options if over_tls else []))
    stalls, growth = asyncio.run(offer(run, flow.parts, flow.end))
    allowed = flow.sessions * (flow.buffers * BUFFER_KIB + over_tls * TLS_KIB) + CONSTANT_KIB
    print(f"{name}, {scheme}: {stalls} stalls, {growth} KiB more at the most, {allowed} allowed")
    if SANITIZED:
        pytest.skip(f"{NO_RSS}; all bytes came")
    assert stalls >= STALLS, f"the peers stopped {stalls} times: this was no test"
    assert growth <= allowed, f"{growth} KiB more for {flow.sessions} sessions, {allowed} allowed"
