# ctest: timeout=600 cost=10
"""The n-th request for memory refused while wsluice starts: it says so and exits with 1, or does without and
serves as ever."""

import pytest

from harness import wait_until
from harness.process import LISTENING
from refusing import NEVER
from scene import ALL, LIMIT_SECONDS, MOST_REQUESTS, Scene, thin
from test_sessions import talk

CANNOT_START = 1
SHARE = 5


@pytest.fixture
def everything(tmp_path, server_pair, authority):
    """Options that ask for most of what a start may have to do."""
    (tmp_path / "web").mkdir()
    return ["--workers", "2", "--cert", server_pair.cert, "--key", server_pair.key, "--web", tmp_path / "web",
            "--pid-file", tmp_path / "pid", "--origin", "http://127.0.0.1", "--origin", "https://*.example.com",
            "--subprotocol", "chat"]


KINDS = {
    "plain": lambda tmp_path, authority: [],
    "tokens": lambda tmp_path, authority: ["--token-plugin", "TokenFile", "--token-source", tmp_path / "tokens"],
    "targets": lambda tmp_path, authority: ["--ssl-target", "--ssl-target-ca", authority.cert],
    "passwords": lambda tmp_path, authority: ["--auth-file", tmp_path / "htpasswd", "--web-auth",
                                              "--auth-cookie-key", authority.cert],
    "clients": lambda tmp_path, authority: ["--verify-client", "--cafile", authority.cert],

}


class Starter:
    """Starts the same wsluice again and again, each with another request refused from its first moment."""

    def __init__(self, wsluice, allocator, args):
        self.wsluice, self.allocator, self.args = wsluice, allocator, args

    def start(self):
        """A process that listens or has ended."""
        bridge = self.wsluice.run(*self.args, env=self.allocator.environment)
        wait_until(lambda: LISTENING.search(bridge.log) or bridge.process.poll() is not None, LIMIT_SECONDS,
                   lambda: f"neither up nor ended; its log:\n{bridge.log}")
        self.allocator.relent()
        return bridge

    def ways(self):
        """The requests to refuse: one for every so many ways by which a start asks."""
        self.allocator.note_ways()
        self.start().stop()
        numbers, seen = self.allocator.new_ways()
        return thin(numbers, SHARE, seen)

    def refuse(self, first, count):
        """One start; whether something was refused, and whether it came up all the same."""
        self.allocator.refuse(first, count)
        bridge = self.start()
        fired = self.allocator.refused > 0
        if bridge.process.poll() is None:
            return fired, bridge
        bridge.expected_status = CANNOT_START
        bridge.stop()
        assert fired, f"it did not start, with nothing refused:\n{bridge.log}"
        assert bridge.log.strip(), "it did not start and does not say why"
        return fired, None


@pytest.mark.parametrize("count", [1, NEVER], ids=["once", "from then on"])
@pytest.mark.parametrize("kind", KINDS)
def test_start(wsluice, allocator, recorder, everything, tmp_path, authority, kind, count):
    (tmp_path / "htpasswd").write_text("alice:{SHA}2PRZAyDhNDqRW2OUFwZQqPNdaSY=\n" * 40)
    (tmp_path / "tokens").write_text(f"one: {recorder.target_args[0]}\n")
    args = [*everything, *KINDS[kind](tmp_path, authority), "127.0.0.1:0"]
    starter = Starter(wsluice, allocator, args + ([] if kind == "tokens" else recorder.target_args))
    came_up = 0
    numbers = range(1, MOST_REQUESTS) if ALL else starter.ways()
    for first in numbers:
        fired, bridge = starter.refuse(first, count)
        if bridge is None:
            continue
        came_up += 1
        if kind == "plain":
            serves(bridge, allocator, recorder)
        bridge.stop()
        if not fired:
            break
    print(f"{kind}: {came_up} came up, the last without request {first}")


def serves(bridge, allocator, recorder):
    bridge.port = int(LISTENING.search(bridge.log)[1])
    scene = Scene(bridge, allocator, recorder)
    scene.expect_ordinary(talk)
