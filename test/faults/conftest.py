"""Fixtures of tests/faults: wsluice under the allocator that refuses, and the scene of its lives."""

import os

import pytest

from refusing import Allocator
from scene import Recorder, Scene


@pytest.fixture
def allocator(tmp_path):
    return Allocator(tmp_path)


def reached(allocator):
    """Fails or skips where the preloaded library does not see what wsluice asks for."""
    if allocator.live_blocks > 0:
        return
    assert os.environ.get("WSLUICE_SANITIZE"), "the preloaded allocator is not reached"
    pytest.skip("this sanitizer's runtime stands before every preloaded library")


@pytest.fixture
def scene(wsluice, allocator):
    """scene(target, "--option", ..., tls=context) makes a function that starts a wsluice of its own each time
    and gives the Scene with it. `recorder`: the backend, where options name the target."""
    scenes = []

    def describe(target, *options, recorder=None, **how):
        recorder = recorder or (target if isinstance(target, Recorder) else None)

        def start():
            bridge = wsluice(target, "--workers", "1", *options, env=allocator.environment)
            reached(allocator)
            allocator.learn_maps(bridge.pid)
            scenes.append(Scene(bridge, allocator, recorder, **how))
            return scenes[-1]

        return start

    yield describe
    for opened in scenes:
        opened.close()


@pytest.fixture
def recorder():
    """A TCP backend that echoes, and notes what every visit brought."""
    recording = Recorder()
    yield recording
    recording.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What was refused, beside the log that the general conftest shows."""
    report = (yield).get_result()
    allocator = getattr(item, "funcargs", {}).get("allocator")
    if report.failed and allocator is not None and report.when == "call":
        report.sections.append(("refused", allocator.trace()))
