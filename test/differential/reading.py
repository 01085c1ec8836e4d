"""How a parser reads a request head: one shape for wsluice, llhttp and h11, so that they can be compared."""

from typing import NamedTuple

import h11
import wsproto.handshake
from wsproto.events import AcceptConnection
from wsproto.utilities import ProtocolError

from .tools import ask, codec_tool, node_script

ACCEPTED, REFUSED, MORE = "accepted", "refused", "more"
H11_HEAD_MAX = 1 << 24  # of one that is not complete


class Reading(NamedTuple):
    verdict: str  # ACCEPTED, REFUSED, or MORE: so far fine, not complete
    reason: str = ""  # REFUSED
    method: str = ""
    target: str = ""
    minor: int = 0  # of the version, HTTP/1.minor
    fields: tuple = ()  # (name, value) pairs, each byte a character
    end: int = 0  # bytes of the head
    upgrade: bool = False  # the connection changes its protocol behind the head
    body: bool = False  # a body follows the head
    keep_alive: bool = False  # another request may follow
    more: dict = {}  # ours: all that the tool said

    @property
    def whole(self):
        """Whether the head was read to its end, be the request accepted or not."""
        return self.end > 0


def pairs(lists):
    return tuple((name, value) for name, value in lists)


# --- wsluice -----------------------------------------------------------------------------------------


def of_wsluice(said):
    """A line of read_heads. `body` is what we do not tell: we read none, and go on after none."""
    if said["status"] == "more":
        return Reading(MORE, more=said)
    if said["status"] == "bad":
        return Reading(REFUSED, f"{said['code']}: {said['reason']}", more=said)
    refused = said["kind"] == "refused"
    return Reading(
        REFUSED if refused else ACCEPTED, f"{said['code']}: {said['reason']}" if refused else "", said["method"],
        said["target"], said["minor"], pairs(said["fields"]), said["end"], said["kind"] == "upgrade",
        keep_alive=said["keep_alive"], more=said)


def read_with_wsluice(heads):
    return [of_wsluice(said) for said in ask(codec_tool("read_heads"), heads)]


# --- llhttp ------------------------------------------------------------------------------------------


def of_llhttp(said):
    if said["status"] != "accepted":
        return Reading(said["status"], said.get("reason", ""))
    if said["major"] != 1:
        return Reading(REFUSED, f"HTTP/{said['major']}.{said['minor']} is another protocol to us")
    return Reading(ACCEPTED, "", said["method"], said["target"], said["minor"], pairs(said["fields"]), said["end"],
                   said["upgrade"], said["body"], said["keep_alive"])


def read_with_llhttp(heads):
    return [of_llhttp(said) for said in ask(node_script("llhttp_heads.cjs"), heads)]


# --- h11 ---------------------------------------------------------------------------------------------


def h11_body_follows(connection):
    """Whether h11, which has just read a head, wants a body."""
    try:
        return not isinstance(connection.next_event(), h11.EndOfMessage)
    except h11.RemoteProtocolError:
        return True  # what follows was taken for a body, and is none


def h11_reading(head):
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=H11_HEAD_MAX)
    connection.receive_data(head)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        return Reading(REFUSED, str(error))
    if event is h11.NEED_DATA:
        return Reading(MORE)
    end = len(head) - len(connection.trailing_data[0])
    body = h11_body_follows(connection)
    fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items())
    version = event.http_version.decode()
    if version[0] != "1":
        return Reading(REFUSED, f"HTTP/{version} is another protocol to us")
    return Reading(ACCEPTED, "", event.method.decode(), event.target.decode("latin-1"), int(version[2]), fields, end,
                   connection.their_state is h11.MIGHT_SWITCH_PROTOCOL, body,
                   connection.their_state is not h11.MUST_CLOSE)


def read_with_h11(heads):
    return [h11_reading(head) if head else Reading(MORE) for head in heads]


# --- wsproto, about upgrades -------------------------------------------------------------------------


class Upgrade(NamedTuple):
    """What wsproto makes of an upgrade request: a refusal, or the key's answer and the subprotocols offered."""

    refusal: str = ""
    accept: str = ""
    subprotocols: tuple = ()


def upgrade_with_wsproto(head):
    """How wsproto's server answers `head`, without anything that follows it."""
    handshake = wsproto.handshake.H11Handshake(wsproto.ConnectionType.SERVER)
    try:
        handshake.receive_data(head)
        request = next(handshake.events(), None)
        if request is None:
            return Upgrade(refusal="it waits for more")
        answer = handshake.send(AcceptConnection())
    except (ProtocolError, UnicodeError) as error:
        return Upgrade(refusal=f"{type(error).__name__}: {error}")
    accept = next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"sec-websocket-accept:"))
    return Upgrade("", accept.split(b":")[1].strip().decode(), tuple(request.subprotocols))
