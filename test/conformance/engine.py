"""The engine of the conformance suite: plays a case over ws or wss at every chunking of its bytes.

How to add cases: a module cases_<area>.py beside this file, with data only,

    REQUEST = Demand("RFC 6455 5.5.2", "MUST", "A ping is answered by a pong, unless a Close came before.")
    CASES = [
        Case("pings/empty", REQUEST, "pings", sends=[frame(PING), BYE], sees=(Pong(b""), ECHOED)),
    ]
    UNTESTED = [Demand("RFC 6455 5.4", "MUST", "...", reason="...")]

and a test file that has the engine play them (copy the five lines of test_frames.py):

    @all_cases(cases_ping, cases_close)
    def test_case(engine, case, transport):
        engine.check(case, transport)

docs/CONFORMANCE.md picks the module up by itself: `make conformance-doc`.

What a case says (fields: case.py). An ordinary one begins when the upgrade is done and the backend has got the
greeting, a binary frame of four bytes; then `sends` leaves in chunks. Seen are: `sees`, the server's control frames
in order; `up`, all that the backend got; `down`, all payload that the client got; how either stream ended. Every
session must end: a case that breaks no rule has BYE as its last frame and sees ECHOED.

A case about the request head gives `request` (pieces of bytes, up to the empty line) and `http`, the responses that
must be seen:

    Case("head/get-without-host", DEMAND, "handshake", request=[b"GET / HTTP/1.1\\r\\n", ...],
         http=(Http(400, {"Connection": "close"}),), backend=None)              # refused, and not dialled
    Case("handshake/accept", DEMAND, "handshake", request=[...], sends=[BYE], sees=(ECHOED,),
         http=(Http(101, {"Sec-WebSocket-Accept": "..."}),))                    # taken: `sends` follows the head

Head, greeting (where a 101 is expected) and `sends` are then one stream of bytes that is cut at every chunking.
`client="kept"` says that the connection stays open behind the last response.
heads.py has heads, and the shapes that most of these cases have: served(), refused(), upgraded().

Chunks really arrive apart, without sleeping: sessions of all chunkings go forward in step, a chunk each, and between
two steps a probe session's ping is answered (Server.barrier). wsluice has one worker, which takes events in order.
"""

import itertools
import re
from ssl import TLSVersion

import pytest

from harness.process import wait_until
from harness.tls import tls_client_context

from .case import resolve
from .channel import Plain, Tls
from .chunking import HUGE, every_chunking
from .judge import complaints
from .server import Server
from .session import Session, greeting

TLS_1_3_EVERY = 8  # of the sessions of wss; the others have TLS 1.2
BATCH = 160  # sessions at once
BATCH_OF_HUGE = 3
BATCH_OF_FILES = 100  # wsluice looks for 128 files at once, and answers 503 to more
QUIET_SECONDS = 7.0  # without any event; longer than any of wsluice's waits in a case, only failures take so long
CHUNKINGS_SHOWN = 3
LOG_SECONDS = 5.0
LOG_SHOWN = 1200  # characters
REPORT_SHOWN = 6000


def all_cases(*modules):
    """Parametrises a test with every case of the modules over every transport."""
    rows = [(case, transport) for module in modules for case in module.CASES for transport in case.transports]
    return pytest.mark.parametrize("case,transport", rows, ids=[f"{case.id}-{transport}" for case, transport in rows])


def pieces_of(case):
    """The bytes that are chunked, in pieces: `sends`, with a request of the case's own before it."""
    sends = list(resolve(case.sends))
    if case.request is None:
        return sends
    greeted = case.greets and case.http and case.http[-1].status == 101
    return [*resolve(case.request), *([greeting(0)] if greeted else []), *sends]


def batch_size(case, data):
    """How many sessions of a case may go on at once."""
    if not case.greets:
        return 1
    if len(data) >= HUGE:
        return BATCH_OF_HUGE
    return BATCH_OF_FILES if "--web" in case.options else BATCH


class Engine:
    """Keeps one wsluice for each set of options for as long as the tests of a file run."""

    def __init__(self, tls_options):
        self.tls_options = tls_options
        self.contexts = [tls_client_context(version=version) for version in (TLSVersion.TLSv1_3, TLSVersion.TLSv1_2)]
        self.servers = {}
        self.numbers = itertools.count(1)

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def check(self, case, transport):
        """Plays it at every chunking; raises with what was seen where it went wrong."""
        server = self._server(case.options)
        log_start = len(server.wsluice.log)
        failures, count = {}, 0
        try:
            for sessions in self._batches(case, transport):
                self._play(server, sessions, failures)
                count += len(sessions)
        except (AssertionError, OSError) as error:
            failures[f"wsluice was lost: {error!r}{self._retire(case.options)}"] = ["one of them"]
        if case.logs and not failures:
            self._expect_log(server, case.logs, count, log_start, failures)
        assert not failures, self._report(case, transport, failures, count, server.wsluice.log[log_start:])

    def _report(self, case, transport, failures, count, log):
        demand = case.demand
        lines = [f"{case.id}: {demand.section} {demand.level}: {demand.text}", f"over {transport}, {count} chunkings:"]
        for text, chunkings in failures.items():
            more = f" and {len(chunkings) - CHUNKINGS_SHOWN} more" if len(chunkings) > CHUNKINGS_SHOWN else ""
            lines.append(f"  {text}\n    at: {'; '.join(chunkings[:CHUNKINGS_SHOWN])}{more}")
        return "\n".join(lines) + f"\nend of wsluice's log:\n{log[-LOG_SHOWN:]}"

    def _expect_log(self, server, pattern, count, log_start, failures):
        def lines():
            return len(re.findall(pattern, server.wsluice.log[log_start:]))

        try:
            wait_until(lambda: lines() >= count, LOG_SECONDS)
        except AssertionError:
            failures[f"{pattern!r} is {lines()} times in the log"] = [f"{count} sessions"]

    # --- sessions ---

    def _server(self, options):
        if options not in self.servers:
            self.servers[options] = Server(self.tls_options, options)
        return self.servers[options]

    def _retire(self, options):
        """The next case gets a fresh wsluice. Returns what the old one leaves: perhaps a sanitizer's report."""
        try:
            self.servers.pop(options).stop()
        except AssertionError as failure:
            return f"; {str(failure)[-REPORT_SHOWN:]}"
        return ""

    def _batches(self, case, transport):
        """Lists of sessions, each made when the one before has been played."""
        pieces = pieces_of(case)
        data = b"".join(pieces)
        size = batch_size(case, data)
        chunkings = enumerate(every_chunking(pieces, case.id))
        while batch := list(itertools.islice(chunkings, size)):
            yield [Session(case, next(self.numbers), chunking, data, self._opener(case, transport, index))
                   for index, chunking in batch]

    def _opener(self, case, transport, index):
        """What connects a session's client. Resumed sessions of TLS 1.2 cost a quarter of TLS 1.3's, so most are."""
        server = self._server(case.options)
        port = server.wsluice.port
        if transport == "ws":
            return lambda on_bytes: Plain(port, on_bytes)
        version = 1 if index % TLS_1_3_EVERY else 0
        return lambda on_bytes: Tls(port, on_bytes, self.contexts[version], server.tickets[version])

    def _play(self, server, sessions, failures):
        """Adds to `failures`: what went wrong, and at which chunkings."""
        for session in sessions:
            server.add(session)
        server.play(sessions, QUIET_SECONDS)
        server.barrier()  # a dial that should not have been would have been seen by now
        for session in sessions:
            server.remove(session)
            for text in complaints(session):
                failures.setdefault(text, []).append(session.chunking)
        if server.strangers:
            text = f"{len(server.strangers)} connections to the backend that should not be, or have lost their greeting"
            failures.setdefault(text, []).append("any of the batch")
            server.drop_strangers()
