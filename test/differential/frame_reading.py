"""What a decoder makes of a stream of frames: one shape for ours and for wsproto's."""

import json
import subprocess
from dataclasses import dataclass, field

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from .tools import RUN_SECONDS, codec_tool, records

CLOSED, VIOLATED = "close", "violation"


@dataclass
class Heard:
    """All that came of a stream, in the order in which it came."""

    payload: bytearray = field(default_factory=bytearray)
    controls: list = field(default_factory=list)  # ("ping" or "pong", payload)
    offsets: list = field(default_factory=list)  # of payload, when the control frame was reported
    read: int = 0  # ours: bytes taken of the stream, the one that broke a rule included
    end: tuple = None  # (CLOSED, code, reason as bytes) or (VIOLATED, code, what was wrong)

    def add_control(self, kind, payload):
        self.controls.append((kind, bytes(payload)))
        self.offsets.append(len(self.payload))


def of_wsluice(events):
    """A line of decode_frames."""
    heard = Heard()
    for kind, *about in events:
        if kind == "data":
            heard.payload += bytes.fromhex(about[0])
        elif kind in ("ping", "pong"):
            heard.add_control(kind, bytes.fromhex(about[0]))
        elif kind == CLOSED:
            heard.end = (CLOSED, about[0], bytes.fromhex(about[1]))
        elif kind == "read":
            heard.read = about[0]
        elif kind == VIOLATED:
            heard.end = (VIOLATED, about[0], about[1])
    return heard


def decode_with_wsluice(stories):
    """Each story is a list of pieces, none of them empty."""
    given = b"".join(records([*pieces, b""]) for pieces in stories)
    done = subprocess.run(codec_tool("decode_frames"), input=given, capture_output=True, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return [of_wsluice(json.loads(line)) for line in done.stdout.splitlines()]


def note(heard, event, connection):
    if isinstance(event, TextMessage):
        heard.payload += event.data.encode()
    elif isinstance(event, BytesMessage):
        heard.payload += event.data
    elif isinstance(event, (Ping, Pong)):
        heard.add_control(type(event).__name__.lower(), event.payload)
    elif isinstance(event, CloseConnection):
        # wsproto reports a violation as a Close that it has not received.
        received = connection.state is not ConnectionState.OPEN
        reason = (event.reason or "").encode() if received else event.reason
        heard.end = (CLOSED if received else VIOLATED, int(event.code), reason)


def decode_with_wsproto(pieces, role=ConnectionType.SERVER):
    """The same, by wsproto: in the role of the one that gets these frames."""
    connection, heard = Connection(role), Heard()
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            note(heard, event, connection)
        if heard.end:
            break
    return heard
