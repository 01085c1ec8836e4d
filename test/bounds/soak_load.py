"""What a soak does beside the endings of crowd.py: long streams with stalls in them, chatter in small
messages, and an administrator who never rests (Caretaker): logs rotated, certificates renewed, tokens
edited, SIGHUP for no reason. Every byte is compared, every change has to show.
"""

import asyncio
import itertools
import os
import shutil
import signal

from crowd import told
from harness.certificates import LOCAL_NAMES
from peers import HELLO, LIMIT_SECONDS
from pressure import FramedSource, Pusher, Taker, frames_of_all_sizes
from stage import Story, Way

PIECE = os.urandom(200_003)
FRAMES = frames_of_all_sizes(PIECE)
STREAM_PIECES = 100  # at most, in each direction: 20 MB
STEP_BYTES = 4 << 20
STALL_SECONDS = 1.0  # at most; nothing is closing meanwhile, so no time limit of stage.py counts
CHATTER_SECONDS = 10.0
CERTIFICATE_SECONDS = 10.0  # a renewed one is served by then


async def stream(story):
    """Both directions at once, each taker stopping when it likes."""
    client, service = await story.session()
    chance = story.random
    up, down = chance.randrange(1, STREAM_PIECES), chance.randrange(1, STREAM_PIECES)
    pushers = Pusher(client, FRAMES, up), Pusher(service, PIECE, down)
    takers = (Taker(service.recv_some, PIECE, up * len(PIECE)),
              Taker(FramedSource(client), PIECE, down * len(PIECE)))
    await asyncio.gather(*(take_with_stalls(taker, chance) for taker in takers),
                         *(pusher.task for pusher in pushers))
    await close_orderly(client, service)
    return sum(taker.total for taker in takers)


async def take_with_stalls(taker, chance):
    while taker.taken < taker.total:
        await taker.take(chance.randrange(1, STEP_BYTES))
        await asyncio.sleep(chance.random() * STALL_SECONDS)


async def chatter(story):
    """Small messages there and back."""
    client, service = await story.session()
    loop = asyncio.get_running_loop()
    end, count = loop.time() + story.random.random() * CHATTER_SECONDS, 0
    while loop.time() < end:
        words = story.random.randbytes(story.random.randrange(1, 2000))
        await client.send_data(words)
        assert await service.recv_exact(len(words)) == words
        await service.send(words)
        assert await client.recv_data(len(words)) == words
        count += 2 * len(words)
        await asyncio.sleep(story.random.random() * 0.01)
    await close_orderly(client, service)
    return count


async def close_orderly(client, service):
    """Close and FIN, and nothing before them that was not sent."""
    await client.send_close()
    assert await client.recv_until_close() == (b"", 1000)
    assert await service.recv_to_end() == (b"", "fin")


class Load:
    """`stream` or `chatter`, again and again, on the stages that bear it."""

    def __init__(self, doing, stages, cast, chance):
        self.doing, self.cast, self.chance = doing, cast, chance
        self.stages = [stage for stage in stages if stage.name not in ("strict", "brief", "hasty")]
        self.bytes = self.count = self.open = 0
        self.failures = []

    async def run(self, while_):
        while while_():
            stage = self.chance.choice(self.stages)
            way = self.chance.choice(stage.ways(tls=self.chance.random() < 0.3))
            self.open += 1
            try:
                async with Story(stage, self.cast, way, self.chance.random()) as story:
                    moved = await self.doing(story)
                self.bytes += moved
                self.count += 1
            except Exception as failure:  # the soak goes on, and reports it
                self.failures.append(f"{self.doing.__name__} on {stage.name} by {way}: {told(failure)}")
            finally:
                self.open -= 1


class Caretaker:
    """Changes one thing after another while the others work. Whatever fails to show is a failure."""

    def __init__(self, stages, cast, chance):
        self.stages, self.cast, self.chance = stages, cast, chance
        self.numbers = itertools.count(1)
        self.count = 0
        self.failures = []

    async def run(self, while_, pause_seconds):
        for task in itertools.cycle([self.rotate_logs, self.edit_tokens, self.renew_certificate, self.hang_up]):
            await asyncio.sleep(pause_seconds)
            if not while_():
                return
            try:
                await task()
                self.count += 1
            except Exception as failure:
                self.failures.append(f"{task.__name__}: {told(failure)}")

    async def hang_up(self):
        for stage in self.stages:
            stage.bridge.signal(signal.SIGHUP)

    async def rotate_logs(self):
        """Renamed away and opened anew; no line is lost, as the verdict will tell."""
        for stage in self.stages:
            await stage.bridge.book.rotate(stage.bridge, self.chance.choice([signal.SIGUSR1, signal.SIGHUP]))

    async def edit_tokens(self):
        """A token that was not there is good for the next client."""
        token = f"edit-{next(self.numbers)}"
        new = self.cast.token_file.with_suffix(".new")
        new.write_text(f"{self.cast.tokens()}# edited\n{token}: 127.0.0.1:{self.cast.services.port}\n")
        new.rename(self.cast.token_file)
        stage = next(stage for stage in self.stages if stage.name == "tokens")
        async with Story(stage, self.cast, Way(), 0) as story:
            client = await story.client()
            hello, story.awaited = self.cast.services.hello()
            await client.greet(f"/?token={token}", hello, at_once=False)
            service = await asyncio.wait_for(asyncio.shield(story.awaited), LIMIT_SECONDS)
            await service.send(hello)
            assert await client.recv_data(HELLO.size) == hello

    async def renew_certificate(self):
        """A new one, put in the old one's place; new clients get it within seconds."""
        name = f"renewed-{next(self.numbers)}"
        pair = await asyncio.to_thread(self.cast.authority.issue, name, names=f"{LOCAL_NAMES},DNS:{name}")
        for source, target in ((pair.key, self.cast.pair.key), (pair.cert, self.cast.pair.cert)):
            shutil.copyfile(source, f"{target}.new")
            os.rename(f"{target}.new", target)
        for stage in self.stages:
            await asyncio.wait_for(self._until_served(stage, name), CERTIFICATE_SECONDS)

    async def _until_served(self, stage, name):
        while True:
            async with Story(stage, self.cast, Way(tls=True), 0) as story:
                client = await story.client()
                if ("DNS", name) in client.tls.getpeercert()["subjectAltName"]:
                    return
            await asyncio.sleep(0.1)
