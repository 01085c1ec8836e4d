"""One session of a case: the client's end, the backend's end, and what each of them has seen.

The client's first frame, the greeting, carries the session's number: it tells which of the many connections that
the backend accepts is whose.
"""

import socket
import struct

from harness import BINARY, upgrade_request

from .case import ECHO, FINISH, RESET, frame, resolve
from .channel import READ_SIZE
from .chunking import cut
from .reading import Reading

# The number, its high byte last: no session's greeting ends like a line, which --frames lines would leave as it is.
GREETING = struct.Struct("<I")
GREETING_SIZE = GREETING.size
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
HEAD = upgrade_request("/", {"Sec-WebSocket-Key": KEY})


def greeting(number):
    return frame(BINARY, GREETING.pack(number))


class BackendEnd:
    """What the backend accepted: received bytes, and how they ended ("fin", "reset", or "ours": we reset it)."""

    def __init__(self, sock):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.received = bytearray()
        self.outgoing = bytearray()
        self.ended = None
        self.echoes = self.finishes = self.finished = False

    def act(self, actions):
        for action in actions:
            if action == ECHO:
                self.echoes = True
                self.outgoing += self.received
            elif action == FINISH:
                self.finishes = True
            elif action == RESET:
                self._reset()
                return
            else:
                self.outgoing += resolve(action)
        self.on_writable()

    def _reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        self.ended = "ours"

    def on_event(self):
        while self.ended is None:
            try:
                data = self.sock.recv(READ_SIZE)
            except BlockingIOError:
                break
            except OSError:
                self.ended = "reset"
                break
            if not data:
                self.ended = "fin"
                break
            self.received += data
            if self.echoes:
                self.outgoing += data
        self.on_writable()

    def on_writable(self):
        try:
            while self.outgoing:
                del self.outgoing[:self.sock.send(self.outgoing)]
            if self.finishes and not self.finished:
                self.sock.shutdown(socket.SHUT_WR)
                self.finished = True
        except BlockingIOError:
            return
        except OSError:
            self.outgoing.clear()
        if self.ended is not None:
            self.sock.close()

    def close(self):
        self.sock.close()


class Session:
    """A case at one chunking over one transport. The engine tells it of events and has it send chunk by chunk."""

    def __init__(self, case, number, chunking, data, open_channel):
        self.case, self.number = case, number
        self.chunking, places = chunking
        self.reading = Reading(case.http, case.down_as)
        self.backend = None
        self.head_sent = case.request is not None  # then it is part of the chunks
        self.chunks = cut(self._with_number(data), places)
        self.sent = 0  # chunks
        self.then_due = bool(case.then)
        self.finish_due = bool(case.finish)
        self.down_wanted = len(resolve(case.down))
        self.channel = open_channel(self.reading.feed)

    def _with_number(self, data):
        if self.case.request is None or not self.case.greets:
            return data
        return data.replace(greeting(0), greeting(self.number), 1)

    # --- what has come ---

    def on_client_event(self):
        self.channel.on_event()
        self.go_on()

    def on_backend(self, backend):
        self.backend = backend
        backend.act(self.case.service)
        self.go_on()

    def on_backend_event(self):
        self.backend.on_event()
        self.go_on()

    @property
    def opening(self):
        """Chunks can't be sent yet, and no other case's step is to be taken meanwhile."""
        if self.channel.ended is not None:
            return False
        if self.case.request is not None:
            return not self.channel.ready
        return not self.reading.upgraded or self.backend is None

    @property
    def may_send(self):
        """A chunk is due. A client goes on although the server has said its end: that must not hurt either."""
        if self.sent == len(self.chunks) or self.opening or self.channel.outgoing or self.channel.deaf:
            return False
        return self.case.sends_after == "open" or self.reading.close is not None

    def send_chunk(self):
        self.channel.write(self.chunks[self.sent])
        self.sent += 1
        self.go_on()

    def go_on(self):
        """Whatever has become possible: the request, the last words, the end."""
        channel = self.channel
        if channel.outgoing or not channel.ready:
            return
        if not self.head_sent:
            self.head_sent = True
            channel.write(HEAD + (greeting(self.number) if self.case.greets else b""))
        if not self._all_chunks_left():
            return
        if self.then_due and len(self.reading.down) >= self.down_wanted:
            self.then_due = False
            channel.write(b"".join(resolve(self.case.then)))
        if self.finish_due and not self.then_due and not channel.outgoing:
            self.finish_due = False
            {"reset": channel.reset, "cut": channel.cut, "fin": channel.finish}[self.case.finish]()

    def _all_chunks_left(self):
        return (self.sent == len(self.chunks) and not self.opening) or self.channel.deaf

    # --- the end ---

    @property
    def done(self):
        if not self._all_chunks_left() and self.channel.ended != "reset":
            return False
        if self.case.client == "kept":
            client_done = len(self.reading.responses) >= len(self.case.http)
        else:
            client_done = self.channel.ended is not None
        backend_done = self.case.backend is None or (self.backend is not None and self.backend.ended is not None)
        return client_done and backend_done

    def close(self):
        if self.channel.ended is not None:
            self.reading.finish()
        self.channel.close()
        if self.backend is not None:
            self.backend.close()
