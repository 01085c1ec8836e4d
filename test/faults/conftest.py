"""Fixtures of tests/faults: wsluice under the allocator that refuses, and the scene of its lives."""

import os

import pytest

from harness import wait_until
from harness.process import LISTENING
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


def start_listening(wsluice, args, environment, log_file):
    if log_file is None:
        return wsluice.run(*args, env=environment).wait_until_listening()
    log_file.touch()
    bridge = wsluice.run(*args, "--log-file", log_file, env=environment)
    wait_until(lambda: LISTENING.search(log_file.read_text()), message=lambda: log_file.read_text())
    bridge.port = int(LISTENING.search(log_file.read_text())[1])
    return bridge


@pytest.fixture
def scene(wsluice, allocator):
    """scene(target, "--option", ..., tls=context) makes a function that starts a wsluice of its own each time
    and gives the Scene with it. `recorder`: the backend, where options name the target; `log_file`: where the
    log goes, if not to the standard error."""
    scenes = []

    def describe(target, *options, recorder=None, log_file=None, **how):
        recorder = recorder or (target if isinstance(target, Recorder) else None)

        def start():
            address = getattr(target, "target_args", [target] if target else [])
            args = ["--workers", "1", *options, "127.0.0.1:0", *address]
            bridge = start_listening(wsluice, args, allocator.environment, log_file)
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
