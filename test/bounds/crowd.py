"""Runs stories by the thousand, some hundred at once, and says which of them failed, and how."""

import asyncio
import collections
import itertools
import random
import traceback

import http_endings  # joins the table
from endings import ENDINGS
from peers import LIMIT_SECONDS
from stage import BRIEF, DIAL_LIMIT, HASTY, STRICT, UNHURRIED, Stage, Story

# Stories that work share one thread: with many of them a turn of everybody takes long, and time limits pass.
AT_ONCE = 100
WAITING_AT_ONCE = 300


def open_stages(cast, wsluice, folder, *options):
    """One wsluice a stage; `wsluice` is the factory of conftest.py."""
    def start(name, *more, services=cast.services, target=None):
        bridge = wsluice(target, *cast.tls(), *options, *more)
        return Stage(name, bridge, bridge.port, services, ("tcp",) if target else ("tcp", "unix"))

    tcp, tls = (f"127.0.0.1:{services.port}" for services in (cast.services, cast.tls_services))
    stages = [
        start("tokens", *UNHURRIED, *DIAL_LIMIT, *cast.by_token(), "--web", cast.web),
        start("first", *UNHURRIED, *DIAL_LIMIT, *cast.by_token(), "--dial-first"),
        start("ssl", *UNHURRIED, "--ssl-target", "--ssl-target-insecure", services=cast.tls_services,
              target=tls),
        start("strict", *STRICT, target=tcp),
        start("brief", *BRIEF, target=tcp),
        start("hasty", *UNHURRIED, *HASTY, target=tcp),
    ]
    path = folder / "door.sock"
    bridge = wsluice.run(*cast.tls(), *options, *UNHURRIED, "--unix-listen", path, "--unix-target",
                         cast.services.path)
    bridge.wait_for_log("listening on")
    return stages + [Stage("unix", bridge, path, cast.services, ("unix",))]


def told(failure):
    """An exception and the line of the story that it comes from."""
    within = failure.__cause__ or failure  # a timeout's cause says where the story stood
    frames = [frame for frame in traceback.extract_tb(within.__traceback__) if "/test/bounds/" in frame.filename]
    where = " < ".join(f"{frame.name}: {frame.line}" for frame in reversed(frames[-2:]))
    return f"{failure!r} at {where}"


class Crowd:
    """The plan: each ending on each of its stages, by each way in turn, over and over."""

    def __init__(self, stages, cast, seed, at_once=AT_ONCE):
        self.cast = cast
        self.places = {False: asyncio.Semaphore(at_once), True: asyncio.Semaphore(WAITING_AT_ONCE)}
        self.random = random.Random(seed)
        self.plan = itertools.cycle(self._rounds(stages))
        self.counts = collections.Counter()
        self.failures = []
        self.open = 0

    @staticmethod
    def _rounds(stages):
        """TLS costs both sides ten times what a plain session does: one round of four has it."""
        return [(story, stage, way)
                for tls in (False, True, False, False)
                for stage in stages
                for story in ENDINGS.values()
                if stage.name in story.stages and story.tls in (None, tls) and (tls or stage.name != "ssl")
                for way in stage.ways(tls)]

    async def run(self, count=None, while_=lambda: True):
        """So many stories from the plan (None: without end), as long as while_() says so."""
        tasks = set()
        for story, stage, way in itertools.islice(self.plan, count):
            await self.places[story.waits].acquire()
            if not while_():
                self.places[story.waits].release()
                break
            task = asyncio.get_running_loop().create_task(self._tell(story, stage, way))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _tell(self, story, stage, way):
        seed = self.random.randrange(1 << 32)
        self.open += 1
        try:
            async with Story(stage, self.cast, way, seed) as telling:
                await asyncio.wait_for(story(telling), LIMIT_SECONDS)
        except Exception as failure:  # one of thousands: it is reported with the others
            self.failures.append(f"{story.__name__} on {stage.name} by {way}: {told(failure)}")
        finally:
            self.open -= 1
            self.counts[story.__name__] += 1
            self.places[story.waits].release()
