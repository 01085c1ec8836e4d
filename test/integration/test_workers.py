"""How many workers there are when nobody says: the processors of the affinity mask, and no more than the
cgroup's quota pays for."""

import contextlib
import os
import pathlib

import pytest

from harness import binary

PROCESSORS = len(os.sched_getaffinity(0))
# v1 where the host has it, else v2: the own group is ours to make as root, in a container mostly not.
MOUNTS = [pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")]
PERIOD_US = 100_000


def workers_of(bridge):
    return int(bridge.wait_for_log(r"listening on \S+ workers=(\d+)")[1])


def start(wsluice, backend, *before):
    """wsluice as the last words of another program's command line."""
    program, *options = before
    return wsluice.run(*options, binary(), "127.0.0.1:0", *backend.target_args, program=program)


@pytest.fixture(autouse=True)
def no_quota_around(wsluice, backend):
    """Where these tests themselves run on a quota, its sum is what comes out, whatever they do."""
    if workers_of(wsluice(backend)) < PROCESSORS:
        pytest.skip("the tests' own cgroup has a quota")


@pytest.mark.parametrize("allowed", range(1, min(PROCESSORS, 4) + 1))
def test_one_for_each_processor_that_it_may_use(wsluice, backend, allowed):
    mask = ",".join(map(str, sorted(os.sched_getaffinity(0))[:allowed]))
    assert workers_of(start(wsluice, backend, "taskset", "-c", mask)) == allowed


def test_the_operator_has_the_last_word(wsluice, backend):
    assert workers_of(wsluice(backend, "--workers", PROCESSORS + 3)) == PROCESSORS + 3


@contextlib.contextmanager
def group(quota_us, above=None):
    """A cgroup with that quota, in `above` if given; a test without the right to make one is skipped."""
    mount = next((mount for mount in MOUNTS if (mount / "cgroup.procs").exists()), None)
    folder = (above or mount or MOUNTS[0]) / f"wsluice-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup of our own: {error}")
    try:
        set_quota(folder, quota_us)
        yield folder
    finally:
        folder.rmdir()


def set_quota(folder, quota_us):
    v1, v2 = folder / "cpu.cfs_quota_us", folder / "cpu.max"
    if v1.exists():
        v1.write_text(str(quota_us))
    elif v2.exists():
        v2.write_text(f"{'max' if quota_us < 0 else quota_us} {PERIOD_US}")
    else:
        pytest.skip("the CPU controller is not to be had there")


def workers_in(wsluice, backend, folder):
    """Stops it at once: a group with processes can't be removed."""
    enter = f"echo $$ > {folder}/cgroup.procs && exec \"$@\""
    bridge = start(wsluice, backend, "sh", "-c", enter, "sh")
    workers = workers_of(bridge)
    bridge.stop()
    return workers


@pytest.mark.skipif(PROCESSORS < 2, reason="one processor: no quota makes a difference")
@pytest.mark.parametrize("quota_us, workers", [(-1, PROCESSORS), (PERIOD_US, 1), (PERIOD_US // 5, 1)],
                         ids=["none", "one processor", "a fifth of one"])
def test_a_quota_pays_for_so_many(wsluice, backend, quota_us, workers):
    with group(quota_us) as folder:
        assert workers_in(wsluice, backend, folder) == workers


@pytest.mark.skipif(PROCESSORS < 2, reason="one processor: no quota makes a difference")
def test_the_quota_of_a_group_above_holds_as_well(wsluice, backend):
    with group(PERIOD_US) as above, group(-1, above) as folder:
        assert workers_in(wsluice, backend, folder) == 1
