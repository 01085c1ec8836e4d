"""Streams pushed at peers that stop reading, take a little, and stop again, with every byte compared.

    pusher offers  ->  wsluice  ->  taker, which takes only what it is told to

What a stream carries is a piece repeated, so that any run of it can be compared where it lies. Kernel
buffers between the two fill first; from then on nothing moves until the taker does.
"""

import asyncio
import time

from harness import BINARY, encode_frame

OFFER_SIZE = 256 * 1024
LIMIT_SECONDS = 60.0
QUIET_SECONDS = 0.25  # nothing was taken from any pusher for so long: all stand still
MASK = bytes.fromhex("a15c37e2")


class Pusher:
    """Sends `lead`, then `period` `times` times. `taken`: bytes of the periods that the kernel took."""

    def __init__(self, end, period, times, lead=b""):
        self.end, self.period, self.times, self.lead = end, period, times, lead
        self.taken = 0
        self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self):
        view = memoryview(self.period)
        await self.end.send(self.lead)
        for _ in range(self.times):
            for start in range(0, len(view), OFFER_SIZE):
                piece = view[start:start + OFFER_SIZE]
                await self.end.send(piece)
                self.taken += len(piece)


class Taker:
    """Takes `total` bytes of payload, compared with `piece` repeated, in steps."""

    def __init__(self, source, piece, total):
        self.source, self.piece, self.total = source, piece, total
        self.taken = 0

    async def take(self, count):
        """At least so many more, or the rest."""
        goal = min(self.taken + count, self.total)
        while self.taken < goal:
            self._compare(await self.source())

    def _compare(self, data):
        assert data, f"the stream ended behind {self.taken} of {self.total} bytes"
        view = memoryview(data)
        while view:
            at = self.taken % len(self.piece)
            run = view[:len(self.piece) - at]
            assert self.piece.startswith(run, at), f"wrong bytes between {self.taken} and {self.taken + len(run)}"
            self.taken += len(run)
            view = view[len(run):]
        assert self.taken <= self.total, f"{self.taken} bytes came, {self.total} were sent"


class FramedSource:
    """The payload of a client's incoming binary frames, as it arrives: for Taker."""

    def __init__(self, client):
        self.client = client
        self.left = 0  # bytes of the frame that was begun

    async def __call__(self):
        while not self.left:
            first, length = await self.client.recv_exact(2)
            assert first == 0x80 | BINARY, f"expected a binary frame, got {first:#04x}"
            if length >= 126:
                length = int.from_bytes(await self.client.recv_exact(2 if length == 126 else 8), "big")
            self.left = length
        data = await self.client.recv_some()
        if len(data) > self.left:
            self.client.pending[:0] = data[self.left:]
            data = data[:self.left]
        self.left -= len(data)
        return data


def frames_of_all_sizes(piece):
    """`piece` as masked binary messages of every form of the length, none of them the size of a buffer."""
    sizes = [0, 1, 2, 125, 126, 127, 1000, 4096, 65_535, 65_536, 65_537, 300_000]
    frames, start = [], 0
    while start < len(piece):
        size = sizes[len(frames) % len(sizes)]
        frames.append(encode_frame(BINARY, piece[start:start + size], mask=MASK))
        start += size
    return b"".join(frames)


async def until_stalled(pushers):
    """Waits until no pusher got rid of anything for QUIET_SECONDS, or all have finished."""
    deadline = time.monotonic() + LIMIT_SECONDS
    before = None
    while (now := [pusher.taken for pusher in pushers]) != before:
        assert time.monotonic() < deadline, f"still taking after {sum(now)} bytes"
        before = now
        await asyncio.wait([pusher.task for pusher in pushers], timeout=QUIET_SECONDS)


async def push(pushers, takers, step):
    """Everything through, with stalls between steps of `step` bytes a taker; gives the number of
    stalls."""
    stalls = 0
    while True:
        await until_stalled(pushers)
        if all(pusher.task.done() for pusher in pushers):
            break
        stalls += 1
        await asyncio.gather(*(taker.take(step) for taker in takers))
    await asyncio.gather(*(taker.take(taker.total) for taker in takers), *(pusher.task for pusher in pushers))
    return stalls
