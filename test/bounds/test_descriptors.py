# ctest: timeout=600 cost=45
"""After ten thousand sessions that ended in every way there is, wsluice is what it was before the first:
the same descriptors, the same threads, nobody inside, and no more memory than half of them needed.
"""

import asyncio
import re

import pytest

from crowd import Crowd, open_stages
from harness import wait_until
from stage import Cast
from vitals import NO_RSS, SANITIZED, descriptors, resident_kib, thread_count

SESSIONS = 1_600 if SANITIZED else 10_000
STORIES = SESSIONS * 5 // 4  # about one in six ends before it is a session
SEED = 20_231  # any: decides what a story leaves to chance
# The second half finds an allocator's arenas a little fuller, by 400 KiB at most; 700 bytes lost a session were seen.
GROWTH_KIB = 1024
# The longest that something may outlive its story: 2 s of lingering, a dial or a time limit of stage.py before.
REST_SECONDS = 15
OPENED, ENDED = r"\] session opened ", r"\] session ended "


def count(log, words):
    return len(re.findall(words, log))


def rest(stages, before):
    """Waits until every descriptor of the stories is closed."""
    for stage in stages:
        wait_until(lambda s=stage: descriptors(s.bridge.pid) == before[s.name], REST_SECONDS,
                   lambda s=stage: f"{s.name} had {before[s.name]} and now has {descriptors(s.bridge.pid)}")


async def tell_all(cast, stages, before):
    """Both halves of the stories; gives what was resident between them, and the crowd."""
    cast.enter()
    crowd = Crowd(stages, cast, SEED)
    await crowd.run(STORIES // 2)
    rest(stages, before)
    resident = {stage.name: resident_kib(stage.bridge.pid) for stage in stages}
    await crowd.run(STORIES - STORIES // 2)
    return resident, crowd


def test_ten_thousand_endings_leave_nothing_behind(wsluice, authority, tmp_path):
    cast = Cast(tmp_path, authority)
    stages = open_stages(cast, wsluice, tmp_path)
    before = {stage.name: descriptors(stage.bridge.pid) for stage in stages}
    threads = {stage.name: thread_count(stage.bridge.pid) for stage in stages}
    try:
        resident, crowd = asyncio.run(tell_all(cast, stages, before))
        assert not crowd.failures, f"{len(crowd.failures)} of {STORIES}:\n" + "\n".join(crowd.failures[:20])
        rest(stages, before)
    finally:
        cast.close()
    assert {stage.name: thread_count(stage.bridge.pid) for stage in stages} == threads
    growth = {stage.name: resident_kib(stage.bridge.pid) - resident[stage.name] for stage in stages}
    expect_nobody_inside(stages)
    if SANITIZED:
        pytest.skip(f"{NO_RSS}; all else was as it should be")
    print(f"KiB more after the second half: {growth}")
    assert max(growth.values()) <= GROWTH_KIB, f"KiB more after the second half: {growth}"


def expect_nobody_inside(stages):
    """As many sessions ended as were opened, and there were enough of them."""
    opened = 0
    for stage in stages:
        log = stage.bridge.log  # read by a thread of the harness that may lag behind
        wait_until(lambda s=stage: count(s.bridge.log, OPENED) == count(s.bridge.log, ENDED),
                   message=f"{stage.name}: {count(log, OPENED)} sessions were opened, {count(log, ENDED)} ended")
        opened += count(log, OPENED)
    assert opened >= SESSIONS, f"only {opened} of {STORIES} stories were sessions"
