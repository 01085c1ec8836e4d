"""A wsluice with one worker, the backend that it dials, and an edge-triggered poll over the sessions' ends.

Its barrier is what makes chunks arrive apart; see engine.py.
"""

import select
import struct
import time

from harness import Backend, PING, PONG, RawClient, Wsluice
from harness.wire import LIMIT_SECONDS

from .case import frame
from .session import GREETING, GREETING_SIZE, BackendEnd, greeting

EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
PROBE_NUMBER = 0
POLL_SECONDS = 1.0  # a wait that anything ends


def probe_headers(options):
    """What the options have wsluice demand of every request, the probe's among them."""
    return [("Origin", value) for name, value in zip(options, options[1:]) if name == "--origin"][:1]


class Server:
    """`play(sessions, quiet_limit)` is what it is for. `strangers`: connections to the backend that no session owns."""

    def __init__(self, tls_options, options=()):
        self.backend = Backend()
        self.backend.listener.setblocking(False)
        self.poll = select.epoll()
        self.handlers = {}
        self.sessions = {}
        self.ungreeted = None  # the session that the next connection belongs to, whatever it brings
        self.strangers = []
        self.tickets = [], []  # by version of TLS, for sessions to come
        self.wsluice = Wsluice([*tls_options, "--workers", "1", "--heartbeat", "0", *options, "127.0.0.1:0",
                                *self.backend.target_args]).wait_until_listening()
        self._watch(self.backend.listener, self._accept)
        self.pings = 0
        self.probe = RawClient(self.wsluice.port)
        self.probe.upgrade(headers=probe_headers(options), first_frames=greeting(PROBE_NUMBER))
        self._dispatch_until(lambda: self.backend.wires)  # holds the probe's

    def stop(self):
        self.probe.close()
        self.backend.close()
        self.wsluice.stop()

    # --- sessions ---

    def add(self, session):
        self.sessions[session.number] = session
        if not session.case.greets:
            self.ungreeted = session
        self._watch(session.channel.sock, session.on_client_event)

    def remove(self, session):
        self.sessions.pop(session.number, None)
        for end in (session.channel, session.backend):
            if end is not None:
                self._forget(end.sock)
        session.close()

    def play(self, sessions, quiet_limit):
        """Until all are done, or nothing has happened for `quiet_limit` seconds."""
        for session in sessions:
            session.go_on()
        last_event = time.monotonic()
        while time.monotonic() < last_event + quiet_limit:
            due = [session for session in sessions if session.may_send]
            if due and not any(session.opening for session in sessions):
                for session in due:
                    session.send_chunk()
                self.barrier()
            elif all(session.done for session in sessions):
                return
            elif not self._dispatch(POLL_SECONDS):
                continue
            last_event = time.monotonic()

    def barrier(self):
        """Returns when wsluice has read all that was sent before the call. Its only worker takes events in the
        order of their arrival; so when it answers a ping that was sent last, the others have been read."""
        self.pings += 1
        token = struct.pack(">I", self.pings)
        self.probe.send(frame(PING, token))
        self._watch(self.probe.sock, lambda: None)
        self._dispatch_until(lambda: select.select([self.probe.sock], [], [], 0)[0])
        self._forget(self.probe.sock)
        self.probe.expect_frame(PONG, token)

    def drop_strangers(self):
        for end in self.strangers:
            self._forget(end.sock)
            end.close()
        self.strangers.clear()

    # --- events ---

    def _watch(self, sock, handler):
        self.handlers[sock.fileno()] = handler
        self.poll.register(sock.fileno(), EVENTS)

    def _forget(self, sock):
        if sock.fileno() >= 0 and self.handlers.pop(sock.fileno(), None):
            self.poll.unregister(sock.fileno())

    def _dispatch(self, seconds):
        """Whether anything happened within so long."""
        events = self.poll.poll(seconds)
        for fd, _ in events:
            handler = self.handlers.get(fd)
            if handler:
                handler()
        return bool(events)

    def _dispatch_until(self, condition):
        deadline = time.monotonic() + LIMIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"wsluice did not answer its probe for {LIMIT_SECONDS} s"
            self._dispatch(POLL_SECONDS)

    def _accept(self):
        while True:
            try:
                sock, _ = self.backend.listener.accept()
            except BlockingIOError:
                return
            end = BackendEnd(sock)
            self._watch(sock, lambda end=end: self._greet(end))
            if self.ungreeted is not None:
                session, self.ungreeted = self.ungreeted, None
                self._attach(session, end)
            else:
                self.strangers.append(end)

    def _greet(self, end):
        """A connection says whose it is."""
        end.on_event()
        if len(end.received) < GREETING_SIZE:
            return
        number, = GREETING.unpack(end.received[:GREETING_SIZE])
        if number != PROBE_NUMBER and number not in self.sessions:
            return  # a stranger, or one whose session was given up
        self.strangers.remove(end)
        if number == PROBE_NUMBER:
            self._forget(end.sock)
            self.backend.wires.append(end)
            return
        del end.received[:GREETING_SIZE]
        self._attach(self.sessions[number], end)

    def _attach(self, session, end):
        if end.sock.fileno() >= 0:  # it has not ended yet
            self.handlers[end.sock.fileno()] = session.on_backend_event
        session.on_backend(end)
