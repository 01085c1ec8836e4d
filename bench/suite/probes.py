"""Measurements that need no load generator: how soon a peer accepts, and what it keeps for a client that stalls."""

import base64
import os
import socket
import threading
import time

from .processes import START_SECONDS, Failure, resident_bytes

STEADY_SECONDS = 0.3  # nothing moved for so long: the pipe is full
STALL_SECONDS = 4.0  # what still grows after that, grows without end
STALL_BYTES_MAX = 1 << 30  # as does what has taken so much; this machine's memory has an end
CHUNK = bytes(64 * 1024)
CONNECT_SECONDS = 5.0
HEAD_MAX = 4096


def timed(action):
    begin = time.monotonic()
    result = action()
    return time.monotonic() - begin, result


def wait_until_accepting(port, process):
    """Connects until it succeeds; the seconds that took."""
    begin = time.monotonic()
    while time.monotonic() - begin < START_SECONDS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return time.monotonic() - begin
        if process.has_ended:
            raise Failure(f"ended at once: {process.complaint()}")
        time.sleep(0.0002)
    raise Failure(f"did not accept within {START_SECONDS:g} s")


class Source:
    """A backend that sends to whoever connects, as fast as it is taken; `sent` counts."""

    def __init__(self, port):
        self.sent = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _serve(self):
        try:
            while True:
                taken, _ = self.listener.accept()
                threading.Thread(target=self._pour, args=(taken,), daemon=True).start()
        except OSError:
            return  # closed: the probe is over

    def _pour(self, taken):
        with taken:
            try:
                while True:
                    self.sent += taken.send(CHUNK)
            except OSError:
                return  # the peer has gone


def open_client(peer, port):
    """A client of the peer, upgraded where it wants that. It reads its answer's head and not one byte more than
    the kernel gave with it."""
    client = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_SECONDS)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, len(CHUNK))
    if peer.scheme == "tcp":
        return client
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET {peer.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = client.recv(HEAD_MAX)
    if b" 101 " not in answer.split(b"\r\n")[0]:
        client.close()
        raise Failure(f"no upgrade: {answer.splitlines()[0][:80]!r}" if answer else "no upgrade: closed")
    return client


def stalled_growth(peer, port, source, process):
    """Bytes of RSS that a client costs which does not read what the backend pours out."""
    try:
        open_client(peer, port).close()  # what the first session makes the peer load is not this one's
    except OSError as error:
        raise Failure(f"can't connect: {error}") from None
    time.sleep(STEADY_SECONDS)
    before, sent = resident_bytes(process.pid), source.sent
    with open_client(peer, port):
        deadline = time.monotonic() + STALL_SECONDS
        moved_at, last = time.monotonic(), -1
        while time.monotonic() < min(deadline, moved_at + STEADY_SECONDS) and source.sent - sent < STALL_BYTES_MAX:
            if source.sent != last:
                moved_at, last = time.monotonic(), source.sent
            time.sleep(0.02)
        if source.sent == sent:
            raise Failure("nothing arrived at the stalled client's session")
        return max(0, resident_bytes(process.pid) - before)
