# ctest: timeout=600
"""Whoever waits, waits asleep: in no state in which a connection can stand still does wsluice use the
processor, stalled and half-closed ones above all.

The bounds are no measure of speed. One thread that goes round in circles uses a whole second a second, or waits
for it where all of them do at once; an edge that is asked for again and again wakes it thousands of times. What
may wake it are timers: the look whether the last bytes were acknowledged (every 20 ms at first, then 500),
the retry without descriptors (100 ms), the watch on certificates.
"""

import concurrent.futures
import time

import pytest

from harness import WsluiceFactory
from scene import Scene
from standstill import LATE, STATES
from vitals import effort

SETTLE_SECONDS = 2.0  # pushers fill what the kernel holds; thirty states at once share two processors
WATCH_SECONDS = 2.0
WATCH_LATE_SECONDS = 1.0  # of the 2 s that lingering lasts
# Of one processor. Measured: 0.0007 at most (no descriptors), 1 for who goes round in circles, on two
# processors that sixty such share with others 0.02.
PROCESSOR_SHARE = 0.01
WANTED_SHARE = 0.5  # the same with the time that it was ready to run: a busy machine makes every wake-up wait
WAKEUPS_A_SECOND = 40
BUILDERS = 8


class Watched:
    """A state that was set up, and what it cost to stand still in it."""

    def __init__(self, scene, build):
        self.scene, self.failure, self.cost = scene, None, None
        try:
            self.bridge = build(scene)
        except Exception as failure:  # belongs to this state's test
            self.failure = failure

    def begin(self):
        if not self.failure:
            self.before, self.since = effort(self.bridge.pid), time.monotonic()

    def finish(self):
        if not self.failure:
            self.cost = effort(self.bridge.pid) - self.before
            self.seconds = time.monotonic() - self.since
            self.ended = "session ended" in self.bridge.log


def build_all(scenes, late):
    with concurrent.futures.ThreadPoolExecutor(BUILDERS) as pool:
        chosen = {key: scene for key, scene in scenes.items() if (key[0] in LATE) == late}
        return dict(zip(chosen, pool.map(lambda key: Watched(scenes[key], STATES[key]), chosen)))


def watch(states, seconds):
    for state in states.values():
        state.begin()
    time.sleep(seconds)
    for state in states.values():
        state.finish()


@pytest.fixture(scope="module")
def watched(authority, server_pair, tmp_path_factory):
    """Each state, after it was looked at: they stand still side by side, so that it takes seconds."""
    factory = WsluiceFactory()
    folder = tmp_path_factory.mktemp("standstill")
    scenes = {key: Scene(factory, folder, authority, server_pair, over_tls=key[1]) for key in STATES}
    try:
        early = build_all(scenes, late=False)
        time.sleep(SETTLE_SECONDS)
        watch(early, WATCH_SECONDS)
        late = build_all(scenes, late=True)
        watch(late, WATCH_LATE_SECONDS)
        yield {**early, **late}
    finally:
        for scene in scenes.values():
            scene.close()
        factory.stop_all()


@pytest.mark.parametrize("state,over_tls", STATES, ids=[f"{name}, {'wss' if tls else 'ws'}" for name, tls in STATES])
def test_standing_still_costs_nothing(watched, state, over_tls):
    seen = watched[state, over_tls]
    if seen.failure:
        raise seen.failure
    assert not seen.ended or state in LATE, f"the session did not last:\n{seen.bridge.log}"
    share = seen.cost.processor_seconds / seen.seconds
    wanted = seen.cost.wanted_seconds / seen.seconds
    wakeups = seen.cost.wakeups / seen.seconds
    print(f"{share:.4%} of a processor, {wanted:.2%} wanted, {wakeups:.1f} wake-ups a second")
    assert share < PROCESSOR_SHARE, f"{share:.1%} of a processor to stand still; log:\n{seen.bridge.log}"
    assert wanted < WANTED_SHARE, f"ready to run for {wanted:.1%} of the time; log:\n{seen.bridge.log}"
    assert wakeups < WAKEUPS_A_SECOND, f"{wakeups:.0f} wake-ups a second; log:\n{seen.bridge.log}"
