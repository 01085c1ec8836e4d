"""Lines that don't end, in hundreds of sessions at once with --frames lines: each is kept in memory of its own, which
--max-line bounds, and holds none of the buffers that everybody's bytes move through; its memory comes back when the
line ends, and when the session does.
"""

import asyncio
import contextlib

import pytest

from harness import TEXT
from harness.process import wait_until
from peers import LIMIT_SECONDS, Services, connect
from vitals import NO_RSS, SANITIZED, descriptors, resident_kib

pytestmark = pytest.mark.skipif(SANITIZED, reason=NO_RSS)

SESSIONS = 300
MAX_LINE = 65536
KEPT = MAX_LINE - 1000  # bytes of the line that are not sent: a multiple of no read
# Of 64 KB at least, so 64 of them for 300 sessions: who would keep one starves the others.
BUFFER_MEMORY_KIB = 4096
ALLOCATOR_KIB = 4  # for each line
CONSTANT_KIB = 2048
MOST_KIB = SESSIONS * (MAX_LINE // 1024 + ALLOCATOR_KIB) + BUFFER_MEMORY_KIB + CONSTANT_KIB
OPTIONS = ["--frames", "lines", "--max-line", str(MAX_LINE), "--workers", "1", "--heartbeat", "0",
           "--buffer-memory", f"{BUFFER_MEMORY_KIB}K"]


class Crowd:
    """Sessions, both of whose ends are here."""

    def __init__(self, bridge, services):
        self.bridge, self.services, self.pairs = bridge, services, []

    async def enter(self, count):
        for _ in range(count):
            client = await connect(self.bridge.port)
            hello, service = self.services.hello()
            await client.greet("/", hello, at_once=False)
            self.pairs.append((client, await service))

    async def say(self, data, *lengths):
        """From every service; every client gets lines of so many bytes meanwhile."""
        heard = [hear(client, lengths) for client, _ in self.pairs]
        said = [service.send(data) for _, service in self.pairs]
        await asyncio.wait_for(asyncio.gather(*heard, *said), LIMIT_SECONDS)

    async def leave(self):
        for client, service in self.pairs:
            client.reset()
            service.close()
        self.pairs = []


async def hear(client, lengths):
    for length in lengths:
        assert await client.recv_frame() == (TEXT, b"x" * length)


@contextlib.asynccontextmanager
async def crowd_of(bridge_to, folder):
    """`bridge_to`: starts a wsluice for a target."""
    services = Services(folder)
    services.start()
    crowd = Crowd(bridge_to(f"127.0.0.1:{services.port}"), services)
    try:
        yield crowd
    finally:
        await crowd.leave()
        services.close()


class Growth:
    """Resident memory over what it was when this was made."""

    def __init__(self, pid):
        self.pid, self.start = pid, resident_kib(pid)

    def kib(self):
        return resident_kib(self.pid) - self.start

    def at_least(self, kib):
        wait_until(lambda: self.kib() >= kib)

    def at_most(self, kib):
        wait_until(lambda: self.kib() <= kib)


async def keep_a_line(crowd, growth):
    """Bytes without an end: what is over --max-line leaves in pieces, the rest is kept."""
    await crowd.say(b"x" * (2 * MAX_LINE + KEPT), MAX_LINE, MAX_LINE)
    growth.at_least(SESSIONS * KEPT // 1024)  # all of them are there, in memory of wsluice
    assert growth.kib() <= MOST_KIB


async def story(bridge_to, folder):
    async with crowd_of(bridge_to, folder) as crowd:
        pid = crowd.bridge.pid
        alone = descriptors(pid)
        await crowd.enter(SESSIONS)
        growth = Growth(pid)
        await keep_a_line(crowd, growth)
        print(f"{SESSIONS} lines: {growth.kib()} KiB more, {MOST_KIB} allowed")
        await crowd.say(b"\nxxx\n", KEPT, 3)
        growth.at_most(BUFFER_MEMORY_KIB + CONSTANT_KIB)
        print(f"ended: {growth.kib()} KiB more")
        await keep_a_line(crowd, growth)
        await crowd.leave()
        wait_until(lambda: descriptors(pid) == alone)
        growth.at_most(BUFFER_MEMORY_KIB + CONSTANT_KIB)
        print(f"left: {growth.kib()} KiB more")


def test_unfinished_lines(wsluice, tmp_path):
    asyncio.run(story(lambda target: wsluice(target, *OPTIONS), tmp_path))
