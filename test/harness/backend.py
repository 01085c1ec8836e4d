"""Services for wsluice to dial, in this process, on a port or path that nobody else has.

A test either takes connections itself (`wire = backend.accept()`) and plays the service line by
line, or lets threads do it (`backend.serve(echo)`).
"""

import hashlib
import socket
import tempfile
import threading

from .wire import LIMIT_SECONDS, READ_SIZE, Wire

BACKLOG = 1024


class Backend:
    """A listening TCP socket on loopback; `port` is for one that comes back. `receive_buffer` fixes SO_RCVBUF of what it accepts, so
    that a test of a backend that stops reading knows how much the kernel holds."""

    def __init__(self, host="127.0.0.1", port=0, receive_buffer=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = self._listen(family, (host, port), receive_buffer)
        self.host, self.port = self.listener.getsockname()[:2]
        self.wires = []

    def _listen(self, family, address, receive_buffer=None):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listener.bind(address)
        listener.listen(BACKLOG)
        return listener

    @property
    def target_args(self):
        """What wsluice's command line needs to find this backend."""
        return [f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"]

    def accept(self, limit=LIMIT_SECONDS):
        """The next connection, as a Wire that a test plays."""
        self.listener.settimeout(limit)
        try:
            sock, _ = self.listener.accept()
        except TimeoutError:
            raise AssertionError(f"wsluice did not dial the backend within {limit} s") from None
        wire = Wire(sock)
        self.wires.append(wire)
        return wire

    def expect_no_dial(self, seconds=0.3):
        """Nobody connects for that long."""
        self.listener.settimeout(seconds)
        try:
            self.listener.accept()
        except TimeoutError:
            return
        raise AssertionError("wsluice dialled the backend, it should not have")

    def serve(self, handler):
        """Runs handler(wire) in a thread for every connection until the backend is closed."""
        self.listener.settimeout(None)
        threading.Thread(target=self._serve, args=(handler,), daemon=True).start()
        return self

    def _serve(self, handler):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._handle, args=(handler, Wire(sock)), daemon=True).start()

    @staticmethod
    def _handle(handler, wire):
        # An idle service waits as long as the test does; one whose peer resets has nothing to tell.
        wire.limit = None
        try:
            handler(wire)
        except OSError:
            pass
        finally:
            wire.close()

    def close(self):
        # shutdown() wakes the thread that sits in accept(); close() alone does not.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for wire in self.wires:
            wire.close()


class UnixBackend(Backend):
    """The same on a Unix socket, at `path`."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="wsluice-")
        self.path = f"{self.folder.name}/backend.sock"
        self.listener = self._listen(socket.AF_UNIX, self.path)
        self.wires = []

    @property
    def target_args(self):
        return ["--unix-target", self.path]

    def close(self):
        super().close()
        self.folder.cleanup()


class DeafBackend:
    """Listens with a backlog that is full: the kernel answers no further SYN until answer() is called."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address = self.listener.getsockname()
        self.fillers = []
        while True:
            filler = socket.socket()
            filler.settimeout(0.2)
            self.fillers.append(filler)
            try:
                filler.connect(self.address)
            except TimeoutError:
                filler.close()
                break

    @property
    def target_args(self):
        return [f"127.0.0.1:{self.address[1]}"]

    def answer(self):
        """Makes room; returns the connection that waited (a SYN comes again after 1 s, 3 s, ...)."""
        taken = [filler.getsockname() for filler in self.fillers[:-1]]
        self.listener.settimeout(10)
        while True:
            sock, peer = self.listener.accept()
            if peer not in taken:
                return Wire(sock)
            sock.close()

    def close(self):
        for sock in [self.listener, *self.fillers]:
            sock.close()


def echo(wire):
    """Sends back what comes, and its FIN after the peer's."""
    while data := wire.recv_some():
        wire.send(data)


class Sink:
    """A handler that hashes what one connection brings until its FIN."""

    def __init__(self):
        self.digest = hashlib.sha256()
        self.count = 0
        self.done = threading.Event()

    def __call__(self, wire):
        while data := wire.recv_some():
            self.digest.update(data)
            self.count += len(data)
        if wire.ended == "fin":
            self.done.set()

    def expect(self, data):
        """Exactly `data` came, and then the end."""
        self.expect_sent(len(data), hashlib.sha256(data).hexdigest())

    def expect_sent(self, count, hexdigest, limit=60.0):
        """So many bytes with this SHA-256 came, and then the end."""
        assert self.done.wait(limit), f"no end of the stream after {self.count} of {count} bytes"
        assert self.count == count, f"{self.count} of {count} bytes came, then the end"
        assert self.digest.hexdigest() == hexdigest, "all bytes came, but some are wrong"


def source(data, piece=READ_SIZE):
    """A handler that sends `data` in writes of `piece` bytes, then FIN, then waits for the peer's."""

    def handler(wire):
        wire.send(data, chunk=piece)
        wire.finish()
        while wire.recv_some():
            pass

    return handler
