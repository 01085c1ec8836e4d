"""What a case is made of: the demand it serves, what the client does, and what must be seen at both ends.

Cases are data. A module `cases_<area>.py` has a list CASES of Case and, for demands that no case can serve, a
list UNTESTED of Demand with a `reason`; everything else (tests, docs/CONFORMANCE.md) follows from these.
"""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from harness import BINARY, CLOSE, encode_frame

MASK = b"\x37\xfa\x21\x3d"  # of every frame whose mask is not what its case is about: runs are repeatable


class Demand(NamedTuple):
    """One sentence of an RFC, in our words. Several cases may serve one demand."""

    section: str  # "RFC 6455 5.5.1"
    level: str  # "MUST", "MUST NOT", "SHOULD", "MAY", or "" where the RFC describes without such a word
    text: str
    outcome: str = ""  # what wsluice does, where the demand leaves a choice or the choice is ours
    reason: str = ""  # why no case can serve it: it does not concern a byte bridge, or nobody can see it


class Http(NamedTuple):
    """A response that must be seen. `headers`: name to the value it must have, to a function that is true of it,
    or to None where there must be no such header."""

    status: int = 101
    headers: dict = {}
    body: object = None  # bytes, or a function that is true of them; None: whatever it is
    to_head: bool = False  # the answer to a HEAD: no body follows, whatever its length says


class Pong(NamedTuple):
    payload: bytes
    may_lack: bool = False  # a newer ping's answer may stand for it (RFC 6455 5.5.3)


class Close(NamedTuple):
    """A Close frame of the server with this code (1005: an empty one). `words`: what its reason must contain;
    where it is None there must be no reason, as in the echo of a Close."""

    code: int
    words: object = None


class Up(NamedTuple):
    """What the backend must get: `sure`, and then at most a prefix of `perhaps` (the beginning of a broken
    character that had to be forwarded, or not, before anybody could know)."""

    sure: bytes = b""
    perhaps: bytes = b""


@dataclass(frozen=True)
class Case:
    """One case. Where a field may be large it may be a function without arguments that makes it."""

    id: str  # "<area>/<words>", unique
    demand: Demand
    area: str  # of the public suite: "framing", "pings", ...; or "handshake"
    sends: object = ()  # pieces of bytes (mostly frames): joined, and cut again at every chunking
    sees: tuple = ()  # Pong and Close: all control frames of the server, in order
    up: object = b""  # bytes, or an Up: what the backend gets
    down: object = b""  # payload that the client gets in data frames
    down_as: object = BINARY  # their opcode; or BASE64: text frames, each whole base64, whose bytes `down` is
    messages: object = None  # list of their payloads, one by one; None: `down` may be cut anywhere
    down_may_stop: bool = False  # a Close may come before all of `down` has
    down_frame_max: int = 0  # most payload that one frame to the client may have; 0: any
    backend: object = "fin"  # how its stream ends: "fin" or "reset"; None: it must not be dialled
    client: str = "fin"  # how the client's ends; over TLS "fin" means: close_notify, and then FIN
    service: tuple = ()  # what the backend does: bytes it sends, ECHO, FINISH, RESET
    sends_after: str = "open"  # or "close": the client waits for the server's Close before it sends
    then: tuple = ()  # pieces that the client sends, in one write, when all of `down` has come
    finish: str = ""  # what the client does behind its last byte: "fin", "cut" (TLS: without close_notify), "reset"
    options: tuple = ()  # wsluice's, where the defaults won't do
    request: object = None  # pieces of a request head of the case's own: chunked, together with `sends`
    http: tuple = field(default=(Http(),))  # the responses, in order
    transports: tuple = ("ws", "wss")
    logs: str = ""  # a regular expression: what the log must say of every session
    greets: bool = True  # the client's first frame names the session; False: no frame may go before `sends`


ECHO, FINISH, RESET = "echo", "finish", "reset"
BASE64 = "base64"


def resolve(value):
    """The value of a field that may be a function."""
    return value() if callable(value) else value


def frame(opcode, payload=b"", **bits):
    """A client's frame with the mask of this suite (see harness.encode_frame)."""
    return encode_frame(opcode, payload, **{"mask": MASK, **bits})


def close_payload(code, reason=b""):
    return b"" if code is None else struct.pack(">H", code) + reason


def close_frame(code=1000, reason=b"", **bits):
    return frame(CLOSE, close_payload(code, reason), **bits)


# What most cases end with: the client's Close and its echo.
BYE = close_frame(1000)
ECHOED = Close(1000)
