"""A stream socket as a test wants it: no wait without a limit, no failure without what was seen.

Both ends of wsluice are one of these: what a Backend accepts, and the socket under a RawClient.
How a stream ended is told apart as the kernel tells it: `"fin"` or `"reset"`; over TLS (harness.tls) there is
`"truncated"` too.
"""

import fcntl
import socket
import struct
import termios
import time

from .tls import Truncated

# Long enough for a sanitizer build on a busy machine; no test waits this long unless it fails.
LIMIT_SECONDS = 10.0
READ_SIZE = 256 * 1024


class Ended(AssertionError):
    """The peer ended the stream where the test expected more bytes."""

    def __init__(self, how, wanted, got):
        super().__init__(f"stream ended by {how} while waiting for {wanted}; so far: {shorten(got)}")
        self.how = how
        self.got = got


def shorten(data, limit=200):
    """Bytes for a failure message: the start, and how many there are."""
    return repr(bytes(data)) if len(data) <= limit else f"{bytes(data[:limit])!r}... ({len(data)} bytes)"


class Wire:
    """A connected socket. Bytes read too far are kept in `pending` for the next call."""

    def __init__(self, sock, limit=LIMIT_SECONDS):
        self.sock = sock
        self.limit = limit
        self.pending = bytearray()
        self.ended = None  # "fin" or "reset" once seen
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- writing ---

    def send(self, data, chunk=None, pause=0.0):
        """Sends all of `data`; with `chunk` in pieces of that size, each its own segment if `pause`
        gives the receiver the time to read it."""
        self.sock.settimeout(self.limit)
        if chunk is None:
            self.sock.sendall(data)
            return
        for start in range(0, len(data), chunk):
            self.sock.sendall(data[start:start + chunk])
            time.sleep(pause)

    def send_until_stalled(self, data, quiet=1.0):
        """Sends `data` again and again until the peer has taken nothing for `quiet` seconds; returns
        how many bytes the kernel took. For tests of backpressure."""
        self.sock.settimeout(quiet)
        taken = 0
        view = memoryview(data)
        while True:
            try:
                taken += self.sock.send(view[taken % len(data):])
            except (TimeoutError, BlockingIOError):
                return taken

    def unacked(self):
        """Bytes sent that the peer's kernel has not acknowledged yet."""
        count = bytearray(4)
        fcntl.ioctl(self.sock, termios.TIOCOUTQ, count)
        return struct.unpack("i", count)[0]

    def finish(self):
        """Sends FIN: nothing more from here, but reading goes on."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Sends RST (SO_LINGER 0), dropping what the kernel has not sent yet."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    # --- reading ---

    def recv_some(self, limit=None):
        """The next bytes, whatever their number; b"" when the stream has ended (see `ended`)."""
        if self.pending:
            data, self.pending = bytes(self.pending), bytearray()
            return data
        return self._read(limit)

    def _read(self, limit=None):
        self.sock.settimeout(self.limit if limit is None else limit)
        try:
            data = self.sock.recv(READ_SIZE)
        except ConnectionResetError:
            self.ended = "reset"
            return b""
        except Truncated:
            self.ended = "truncated"
            return b""
        if not data:
            self.ended = "fin"
        return data

    def recv_exact(self, count):
        """Exactly `count` bytes."""
        while len(self.pending) < count:
            self._fill(f"{count} bytes")
        data = bytes(self.pending[:count])
        del self.pending[:count]
        return data

    def recv_until(self, mark):
        """All bytes up to and with `mark`."""
        while mark not in self.pending:
            self._fill(f"{mark!r}")
        end = self.pending.index(mark) + len(mark)
        data = bytes(self.pending[:end])
        del self.pending[:end]
        return data

    def _fill(self, wanted):
        try:
            data = self._read()
        except TimeoutError:
            raise AssertionError(
                f"nothing for {self.limit} s while waiting for {wanted}; so far: {shorten(self.pending)}"
            ) from None
        if not data:
            raise Ended(self.ended, wanted, self.pending)
        self.pending += data

    def recv_to_end(self, limit=None):
        """Everything until the peer ends the stream, and how it did: (bytes, "fin" or "reset")."""
        data = bytearray(self.pending)
        self.pending.clear()
        while True:
            try:
                more = self._read(limit)
            except TimeoutError:
                raise AssertionError(f"the stream did not end; so far: {shorten(data)}") from None
            if not more:
                return bytes(data), self.ended
            data += more

    def expect_end(self, how=None, limit=None):
        """The stream ends now, with nothing before: by `how` ("fin" or "reset") if given."""
        data, ended = self.recv_to_end(limit)
        assert not data, f"expected the end ({how}), got {shorten(data)} and then {ended}"
        assert how in (None, ended), f"expected the stream to end by {how}, it ended by {ended}"

    def at_eof(self):
        """Whether the peer's FIN comes next. A reset is not one."""
        return not self.recv_some() and self.ended == "fin"

    def was_reset(self):
        """Whether the peer's reset comes, after whatever it sent before."""
        return self.recv_to_end()[1] == "reset"

    def expect_silence(self, seconds=0.3):
        """Nothing arrives for that long and the stream does not end."""
        if self.pending:
            raise AssertionError(f"expected silence, got {shorten(self.pending)}")
        try:
            data = self._read(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"expected silence, got {shorten(data) if data else self.ended}")
