"""A WebSocket client without opinions: every bit of a request or a frame can be set by the test.

Helps with what is right by default (mask, key, length), checks what a client must check of a server
(the accept hash, no mask, no reserved bits), and hides nothing.
"""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import struct
from typing import NamedTuple

from .tls import TlsSocket
from .wire import LIMIT_SECONDS, Wire

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def close_code(self):
        """The code of a Close frame, 1005 when it carries none."""
        return struct.unpack(">H", self.payload[:2])[0] if self.payload else 1005

    @property
    def close_reason(self):
        return self.payload[2:].decode()


class Response(NamedTuple):
    status: int
    phrase: str
    headers: list  # (name, value) pairs in order, names as sent
    head: bytes  # all bytes up to and with the empty line
    body: bytes

    def header(self, name):
        """The value of the only header of that name, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None


def upgrade_request(path="/", headers=None, omit=(), host="127.0.0.1", method="GET", version="HTTP/1.1"):
    """An upgrade request's bytes. `headers` (dict, or list of pairs to repeat one) replace defaults of
    the same name and are added otherwise; defaults named in `omit` are left out."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    given = {name.lower() for name, _ in pairs} | {name.lower() for name in omit}
    defaults = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
    ]
    pairs = [pair for pair in defaults if pair[0].lower() not in given] + pairs
    lines = [f"{method} {path} {version}"] + [f"{name}: {value}" for name, value in pairs]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def xor(data, mask):
    """Payload masking (RFC 6455 section 5.3); big integers do it at memory speed."""
    pad = (mask * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data), "big")


def encode_frame(opcode, payload=b"", fin=True, mask="random", rsv=0, length=None, form=None):
    """One frame. `mask`: "random", four bytes, or None for an unmasked frame. `rsv`: the three bits as
    a number (4 is RSV1). `length` declares another length than the payload has; `form` (7, 16 or 64
    bits) forces a length form, also where it is not the shortest."""
    declared = len(payload) if length is None else length
    if form is None:
        form = 7 if declared < 126 else 16 if declared < 65536 else 64
    if mask == "random":
        mask = os.urandom(4)
    mask_bit = 0x80 if mask is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([mask_bit | declared])
    elif form == 16:
        head += struct.pack(">BH", mask_bit | 126, declared)
    else:
        head += struct.pack(">BQ", mask_bit | 127, declared)
    return head + (mask + xor(payload, mask) if mask is not None else payload)


class RawClient(Wire):
    """A connection to wsluice's port, or to a path where it listens, before or after the upgrade; with `tls` (an SSLContext) over TLS, and
    further options are TlsSocket's."""

    def __init__(self, port, host="127.0.0.1", limit=LIMIT_SECONDS, receive_buffer=None, tls=None,
                 **tls_options):
        address = (host, port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if not isinstance(port, int):
            family, address = socket.AF_UNIX, str(port)
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(limit)
        sock.connect(address)
        super().__init__(self._secure(sock, tls, tls_options) if tls else sock, limit)

    @staticmethod
    def _secure(sock, context, options):
        """A client whose handshake fails says that it has gone; else wsluice would linger for it. It closes
        nothing: a reset might overtake its alert."""
        try:
            return TlsSocket(sock, context, **options)
        except ssl.SSLError:
            with contextlib.suppress(OSError):  # nothing is connected any more
                sock.shutdown(socket.SHUT_WR)
            raise

    # --- HTTP ---

    def upgrade(self, path="/", headers=None, expect=101, first_frames=b"", **request):
        """Sends an upgrade request (see upgrade_request), in one segment with `first_frames`, and reads
        the answer. Expects status `expect` (None: any) and, with 101, a right accept hash."""
        data = upgrade_request(path, headers, **request)
        self.send(data + first_frames)
        response = self.recv_response()
        assert expect in (None, response.status), f"expected {expect}, got {response}"
        if response.status == 101:
            key = [line.split(b":", 1)[1].strip() for line in data.split(b"\r\n")
                   if line.lower().startswith(b"sec-websocket-key:")][0]
            accept = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID.encode()).digest()).decode()
            assert response.header("Sec-WebSocket-Accept") == accept, response
        return response

    def request(self, data, body_expected=True):
        """Sends raw request bytes and reads one response."""
        self.send(data)
        return self.recv_response(body_expected)

    def recv_response(self, body_expected=True):
        """One HTTP response; its body by Content-Length, else up to the end of the stream. Set
        `body_expected` to False for the answer to a HEAD."""
        head = self.recv_until(b"\r\n\r\n")
        status_line, *lines = head[:-4].decode("latin-1").split("\r\n")
        _, status, phrase = (status_line + " ").split(" ", 2)
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        response = Response(int(status), phrase.strip(), headers, head, b"")
        if not body_expected or response.status in (101, 204, 304):
            return response
        length = response.header("Content-Length")
        body = self.recv_to_end()[0] if length is None else self.recv_exact(int(length))
        return response._replace(body=body)

    # --- frames ---

    def send_frame(self, opcode, payload=b"", chunk=None, pause=0.0, **bits):
        """Sends one frame (see encode_frame), in pieces of `chunk` bytes if given."""
        self.send(encode_frame(opcode, payload, **bits), chunk, pause)

    def send_close(self, code=1000, reason=""):
        """Sends Close; code None sends an empty one."""
        self.send_frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason.encode())

    def recv_frame(self):
        """The next frame of the server, checked against what a server may send."""
        first, second = self.recv_exact(2)
        assert not first & 0x70, f"reserved bits set: {first:#04x}"
        assert not second & 0x80, "the server's frame is masked"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self.recv_exact(2))[0]
            assert length > 125, f"length {length} is not in its shortest form"
        elif length == 127:
            length = struct.unpack(">Q", self.recv_exact(8))[0]
            assert length > 65535, f"length {length} is not in its shortest form"
        return Frame(first & 0x0F, self.recv_exact(length), bool(first & 0x80))

    def recv_data(self, count):
        """`count` bytes of binary payload, over as many frames as they take."""
        data = bytearray()
        while len(data) < count:
            frame = self.recv_frame()
            assert frame.opcode == BINARY and frame.fin, f"expected binary data, got {frame}"
            data += frame.payload
        assert len(data) == count, f"expected {count} bytes, got {len(data)}"
        return bytes(data)

    def recv_until_close(self):
        """All binary payload before the server's Close, and that Close: (bytes, Frame)."""
        data = bytearray()
        while True:
            frame = self.recv_frame()
            if frame.opcode == CLOSE:
                return bytes(data), frame
            assert frame.opcode == BINARY and frame.fin, f"expected data or Close, got {frame}"
            data += frame.payload

    def expect_close(self, code=None, reason=None):
        """The next frame is a Close, with this code and a reason that contains `reason`."""
        frame = self.recv_frame()
        assert frame.opcode == CLOSE, f"expected Close {code}, got {frame}"
        assert code in (None, frame.close_code), f"expected Close {code}, got {frame}"
        assert reason is None or reason in frame.close_reason, f"expected {reason!r}, got {frame}"
        return frame

    def expect_frame(self, opcode, payload):
        frame = self.recv_frame()
        assert frame == Frame(opcode, payload), f"expected {Frame(opcode, payload)}, got {frame}"
        return frame
