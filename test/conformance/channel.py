"""The client's end of a connection without waiting: a non-blocking socket, bare or with TLS over it.

Each write of a chunk is one segment, and over TLS one record (as far as 16 KB go). What was received and how the
stream ended: `on_bytes(data)`, and `ended`: "fin" (over TLS: close_notify and then FIN), "truncated" (FIN
without close_notify), "reset".
"""

import socket
import ssl
import struct

READ_SIZE = 256 * 1024
HUGE_WRITE = 1 << 20  # what OpenSSL is given at once


class Plain:
    """TCP alone. `ready`: bytes of the case may be written."""

    def __init__(self, port, on_bytes):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.on_bytes = on_bytes
        self.outgoing = memoryview(b"")
        self.ended = None
        self.deaf = False  # it takes no more: a write failed
        self.ready = True

    def write(self, data):
        self._queue(data)

    def finish(self):
        self.sock.shutdown(socket.SHUT_WR)

    cut = finish  # FIN and nothing before it

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        self.ended = "ours"

    def on_event(self):
        """Edge-triggered: everything there is, both ways."""
        if self.outgoing:
            self.on_writable()
        while self.ended is None and self.read_some():
            pass

    def _queue(self, data):
        assert not self.outgoing, "one chunk at a time"
        self.outgoing = memoryview(data)
        self.on_writable()

    def on_writable(self):
        while self.outgoing and not self.deaf:
            try:
                self.outgoing = self.outgoing[self.sock.send(self.outgoing):]
            except BlockingIOError:
                return
            except OSError:
                self.deaf = True
        self.outgoing = memoryview(b"")

    def read_some(self):
        """False when there is nothing more now."""
        data = self._receive()
        if data:
            self.take(data)
        elif data is not None and self.ended is None:
            self.ended = self.orderly_end()
        return bool(data)

    def take(self, data):
        self.on_bytes(data)

    def orderly_end(self):
        return "fin"

    def _receive(self):
        """Bytes, b"" at the end, None when there is nothing."""
        try:
            return self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            self.ended = "reset"
            return b""

    def close(self):
        self.sock.close()


class Tls(Plain):
    """The same with TLS. `sessions` is a list that keeps the last ticket, so that of many connections most need no
    certificate."""

    def __init__(self, port, on_bytes, context, sessions):
        super().__init__(port, on_bytes)
        self.ready = False
        self.said_close = False
        self.sessions = sessions
        self.incoming, self.sealed = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.sealed, False, "localhost",
                                    sessions[-1] if sessions else None)
        self._handshake()

    def _handshake(self):
        try:
            self.tls.do_handshake()
            self.ready = True
        except ssl.SSLWantReadError:
            pass
        if self.sealed.pending:
            self._queue(self.sealed.read())

    def write(self, data):
        for start in range(0, len(data), HUGE_WRITE):
            self.tls.write(data[start:start + HUGE_WRITE])
        self._queue(self.sealed.read())

    def finish(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # the peer's close_notify has not come yet
        self._queue(self.sealed.read())
        super().finish()

    def orderly_end(self):
        return "fin" if self.said_close else "truncated"

    def take(self, data):
        self.incoming.write(data)
        try:
            self._open_records()
        except ssl.SSLError as error:  # an alert, mostly
            self.ended = f"a failure of TLS ({error.reason})"

    def _open_records(self):
        if not self.ready:
            self._handshake()
        if not self.ready:
            return
        try:
            while data := self.tls.read(READ_SIZE):
                self.on_bytes(data)
            self.said_close = True
        except ssl.SSLZeroReturnError:
            self.said_close = True
        except ssl.SSLWantReadError:
            if not self.sessions and self.tls.session is not None and self.tls.session.has_ticket:
                self.sessions.append(self.tls.session)
