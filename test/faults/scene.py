"""Lives and how they are judged while memory is refused.

A life is a function of a Scene: a client's conversation as it should go, with every byte checked. What may
come instead when memory is refused is known in one place, here: `CleanEnd`, an end that the client can't take
for an orderly one. Everything else (a wait without an answer, wrong bytes, another status) fails the test.
"""

import os
import ssl
import threading
import time

from harness import BINARY, CLOSE, Backend, Ended, RawClient, UnixBackend, processor_seconds
from refusing import NEVER

# Less than any of wsluice's own time limits: what only those end would be a hang.
LIMIT_SECONDS = 8.0
ALL = os.environ.get("FAULTS") == "all"  # make test-faults
SANITIZED = bool(os.environ.get("WSLUICE_SANITIZE"))
# Answers and closes that say "not you": any life may get them instead of what it asked for.
REFUSAL_STATUSES = (500, 503)
REFUSAL_CODES = (1011, 1013)
MOST_REQUESTS = 20000
WARM_UP_LIVES = 4
SETTLE_SECONDS = 0.1  # closed connections have been freed by then
IDLE_SECONDS = 0.3
BUFFERS_KEPT = 8  # BUFFER_POOL_KEEP in net/buffer_pool.h
# mbedTLS 3.6 frees a transform whose second cipher found no memory without the first cipher's. The same name
# stands in leaks.supp, for LeakSanitizer.
KNOWN_LEAKS = ("mbedtls_ssl_tls13_populate_transform",)
KNOWN_LEAK_SECONDS = 0.3
# With a share these are still refused one by one.
ALWAYS_REFUSED = 12
# Sanitizers make everything slow, and leaks show in any life that has one.
THRIFT = 4 if SANITIZED else 1


def wait_for(condition, complaint):
    """As wait_until(), for thousands of waits that mostly end at once. complaint() says what was not met."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.001)


class CleanEnd(Exception):
    """The server has said or shown that it gives up."""


class Client(RawClient):
    """A RawClient that tells refusals from wrong answers. `awaited`: a refusal that is the right answer."""

    awaited = None

    def recv_response(self, body_expected=True):
        response = super().recv_response(body_expected)
        if response.status in REFUSAL_STATUSES and response.status != self.awaited:
            raise CleanEnd(f"{response.status} {response.body}")
        return response

    def recv_frame(self):
        frame = super().recv_frame()
        if frame.opcode == CLOSE and frame.close_code in REFUSAL_CODES and frame.close_code != self.awaited:
            raise CleanEnd(f"Close {frame.close_code} {frame.close_reason}")
        return frame

    def expect_bytes(self, wanted):
        """`wanted` in binary frames; what comes before an end must be right, too."""
        got = 0
        while got < len(wanted):
            frame = self.recv_frame()
            assert frame.opcode == BINARY, f"{frame.opcode} {frame.payload[:80]} after {got} of {len(wanted)} bytes"
            assert wanted.startswith(frame.payload, got), f"wrong bytes from {got} on"
            got += len(frame.payload)

    def trip(self, data):
        """`data` as one message, there and back."""
        self.send_frame(BINARY, data)
        self.expect_bytes(data)

    def say_goodbye(self):
        """The ordinary end."""
        self.send_close(1000, "done")
        self.expect_close(1000)
        assert self.recv_to_end()[0] == b""


class Visit:
    """What one connection brought to a backend, and how it ended ("fin", "reset", ...)."""

    def __init__(self):
        self.data = bytearray()
        self.ended = None

    def follow(self, wire, answer):
        while piece := wire.recv_some():
            self.data += piece
            answer(wire, piece)


def echo(wire, piece):
    wire.send(piece)


class Recorder:
    """A backend that notes every visit and answers (echoes); `secure(wire)` puts TLS under a wire first."""

    def __init__(self, backend=None, secure=None, answer=echo):
        self.backend = (backend or Backend()).serve(self._serve)
        self.target_args = self.backend.target_args
        self.tells_resets = not isinstance(backend, UnixBackend)  # Unix sockets know none
        self.secure = secure or (lambda wire: wire)
        self.answer = answer
        self.visits = []
        self._lock = threading.Lock()

    def _serve(self, wire):
        visit = Visit()
        with self._lock:
            self.visits.append(visit)
        how = "reset"
        try:
            wire = self.secure(wire)
            visit.follow(wire, self.answer)
            how = wire.ended
        except (OSError, ssl.SSLError):
            pass
        finally:
            visit.ended = how

    def all_over(self):
        return all(visit.ended for visit in self.visits)

    def close(self):
        self.backend.close()


class Scene:
    """One wsluice, its allocator and its backend. `tls` and `session` are for its clients."""

    def __init__(self, bridge, allocator, recorder, tls=None):
        self.bridge, self.allocator, self.recorder, self.tls = bridge, allocator, recorder, tls
        self.sent = b""  # payload that the life's client has sent to its backend
        self.clients = []
        self.begin = lambda: None
        self.lost = 0

    def connect(self, **options):
        options.setdefault("tls", self.tls)
        client = Client(self.bridge.port, limit=LIMIT_SECONDS, **options)
        self.clients.append(client)
        return client

    def close(self):
        for client in self.clients:
            client.close()
        self.clients = []

    # --- one life ---

    def live(self, life):
        """Plays a life; returns None when it went as it should, else how it was given up."""
        self.sent = b""
        if self.recorder:
            self.recorder.visits = []
        try:
            life(self)
            return None
        except Ended as end:
            return f"the stream ended by {end.how}"
        except (CleanEnd, ConnectionError, ssl.SSLError) as end:
            return repr(end)
        finally:
            self.close()

    def expect_ordinary(self, life):
        given_up = self.live(life)
        assert given_up is None, f"nothing was refused, but: {given_up}"
        self.expect_visits_over()

    def expect_visits_over(self):
        """Every backend that was dialled has seen an end; an orderly one only behind all bytes."""
        if not self.recorder:
            return
        wait_for(self.recorder.all_over, lambda: "the backend's connection stays open")
        for visit in self.recorder.visits:
            assert self.sent.startswith(visit.data), "the backend got bytes that nobody sent"
            in_order = visit.ended == "fin" and self.recorder.tells_resets
            assert not in_order or visit.data == self.sent, (
                f"an orderly end after {len(visit.data)} of {len(self.sent)} bytes"
            )

    # --- lives under refusals ---

    def warm_up(self, life):
        """The caches fill; what is held then is what may be held after any life. Returns that."""
        for _ in range(WARM_UP_LIVES):
            self.expect_ordinary(life)
        time.sleep(SETTLE_SECONDS)
        return self.allocator.live_blocks

    def expect_nothing_leaked(self, baseline):
        """What mbedTLS itself loses is allowed for from then on."""
        allowed = baseline + self.lost
        if not self.held_at_most(allowed, KNOWN_LEAK_SECONDS) and self.allocator.refused_in(KNOWN_LEAKS):
            self.lost += self.allocator.live_blocks - allowed
            return
        assert self.held_at_most(allowed, LIMIT_SECONDS), (
            f"{self.allocator.live_blocks} blocks are held, {allowed} were before"
        )

    def held_at_most(self, blocks, seconds):
        deadline = time.monotonic() + seconds
        while self.allocator.live_blocks > blocks and time.monotonic() < deadline:
            time.sleep(0.001)
        return self.allocator.live_blocks <= blocks

    def expect_few_buffers(self):
        wait_for(lambda: self.allocator.live_aligned <= BUFFERS_KEPT,
                 lambda: f"{self.allocator.live_aligned} data buffers are held by nobody")

    def expect_idle(self):
        used = processor_seconds(self.bridge.pid)
        time.sleep(IDLE_SECONDS)
        assert processor_seconds(self.bridge.pid) - used < IDLE_SECONDS / 3, "it is busy with nothing to do"

    def live_after(self, begin, life):
        """A life with begin() called before it; a life that begins_late() calls scene.begin() itself."""
        if getattr(life, "late", False):
            self.begin = begin
        else:
            begin()
        given_up = self.live(life)
        self.begin = lambda: None
        return given_up

    def refuse(self, life, first, count):
        """A life while `count` requests from the `first` on are refused; whether any was."""
        self.allocator.refuse(NEVER)
        given_up = self.live_after(lambda: self.allocator.refuse(first, count), life)
        self.expect_visits_over()
        fired = self.allocator.refused > 0
        self.allocator.relent()
        assert fired or given_up is None, f"nothing was refused, but: {given_up}"
        assert self.bridge.process.poll() is None, "wsluice has ended"
        return fired

    def refuse_and_recover(self, life, first, count, baseline):
        """The same, with what must hold then: the next lives are ordinary, and nothing has leaked."""
        try:
            fired = self.refuse(life, first, count)
            self.expect_ordinary(life)
            self.expect_nothing_leaked(baseline)
            self.expect_few_buffers()
        except AssertionError as failure:
            raise AssertionError(f"with {count} from request {first} on refused: {failure}") from failure
        return fired


def begins_late(life):
    """Marks a life that is about its later part: it calls scene.begin() when refusing may begin."""
    life.late = True
    return life


def plan(scene, life, share):
    """Which requests to refuse, one life each. In a long run all, until a life has none left; else one for
    each way by which the code comes to ask (by its callers), or every `share`-th of these."""
    if ALL:
        return range(1, MOST_REQUESTS)
    given_up = scene.live_after(scene.allocator.note_ways, life)
    assert given_up is None, f"nothing was refused, but: {given_up}"
    scene.expect_visits_over()
    numbers, seen = scene.allocator.new_ways()
    return thin(numbers, share, seen)


def thin(numbers, share, seen):
    """The first of them, every `share`-th of the others, and one more than there are: a life in which nothing
    is refused is judged, too."""
    return [*numbers[:ALWAYS_REFUSED], *numbers[ALWAYS_REFUSED::share * THRIFT], seen + 1]


def endure(start, life, share=1, count=1):
    """Lives of one process, each with another request refused. start() gives its Scene."""
    scene = start()
    baseline = scene.warm_up(life)
    for lives, first in enumerate(plan(scene, life, share), 1):
        if not scene.refuse_and_recover(life, first, count, baseline) and ALL:
            break
    scene.expect_idle()
    print(f"{life.__name__}: {lives} lives, the last without request {first}")


def endure_first(start, life, share=1, count=1):
    """The same with the first life of a process each, where slabs, pools and libraries still have to get what
    they keep from then on."""
    scene = start()
    numbers = plan(scene, life, share)
    baseline = scene.warm_up(life)
    for lives, first in enumerate(numbers, 1):
        scene.bridge.stop()
        scene = start()
        if not scene.refuse_and_recover(life, first, count, baseline) and ALL:
            break
    print(f"{life.__name__}: {lives} first lives, the last without request {first}")
