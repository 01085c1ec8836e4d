"""Where wsluice's decoder differs from wsproto's on purpose: the other table behind docs/DIFFERENCES.md.

differences() says what differs between two Heards beyond that.
"""

from dataclasses import replace
from typing import NamedTuple

from .decisions import WSPROTO
from .frame_reading import CLOSED, VIOLATED, decode_with_wsproto

MASK_SIZE = 4
CHARACTER_REST_MAX = 3  # bytes of a character that is not whole
INVALID_PAYLOAD, PROTOCOL_ERROR, BAD_GATEWAY = 1007, 1002, 1014


class FrameDecision(NamedTuple):
    what: str
    ours: str
    theirs: str
    section: str
    reason: str
    parsers: tuple = (WSPROTO,)


FRAME_DECISIONS = [
    FrameDecision("Text", "passed on as bytes, as they come", "as characters: up to three bytes later", "RFC 6455 5.6",
                  "The backend gets a stream; only whether it is UTF-8 is looked at."),
    FrameDecision("Text that stops being UTF-8",
                  "what was valid before it is passed on (and of a broken character what an earlier read brought)",
                  "nothing of the same read is", "RFC 6455 8.1", "The backend gets a stream, as it comes."),
    FrameDecision("Half of a surrogate in text (ED A0 to ED BF)", "1007 at its second byte",
                  "1007 at its third, with the frames between them read", "RFC 6455 8.1",
                  "No third byte can make it valid. Python's decoder waits for one."),
    FrameDecision("A frame whose first bytes break a rule", "1002 at the byte that proves it",
                  "when the header, or a first byte of payload, is there", "RFC 6455 7.1.7",
                  "Nothing that follows can make it valid."),
    FrameDecision("Close 1014 (bad gateway)", "accepted", "1002", "RFC 6455 7.4.2",
                  "Registered with IANA since wsproto's list was made."),
]


def differences(pieces, ours, theirs):
    """In words, what is different and not decided above."""
    found = []
    alike = ours.controls == theirs.controls and same_end(pieces, ours, theirs)
    if not alike and sees_surrogate_late(pieces, ours):
        theirs = replace(theirs, controls=theirs.controls[:len(ours.controls)], end=ours.end)
    if ours.controls != theirs.controls:
        found.append(f"control frames: {ours.controls} and {theirs.controls}")
    elif any(not 0 <= one - other <= CHARACTER_REST_MAX for one, other in zip(ours.offsets, theirs.offsets)):
        found.append(f"control frames within the payload: at {ours.offsets} and {theirs.offsets}")
    if not same_end(pieces, ours, theirs):
        found.append(f"end: {ours.end} and {theirs.end}")
    if not same_payload(ours, theirs):
        found.append(f"payload: {len(ours.payload)} and {len(theirs.payload)} bytes")
    return found


def same_payload(ours, theirs):
    """Whether we passed on all that they did, and what else there is may be there."""
    if not ours.payload.startswith(theirs.payload):
        return False
    rest = ours.payload[len(theirs.payload):]
    if ours.end and ours.end[:2] == (VIOLATED, INVALID_PAYLOAD):
        return any(is_utf8(rest[:at]) and begins_a_character(rest[at:]) for at in ends_but_for_a_character(rest))
    return begins_a_character(rest)


def ends_but_for_a_character(data):
    return range(len(data), max(len(data) - CHARACTER_REST_MAX, 0) - 1, -1)


def is_utf8(data):
    try:
        return data.decode() is not None
    except UnicodeDecodeError:
        return False


def begins_a_character(rest):
    """Nothing, or bytes that more may make a character of."""
    if len(rest) > CHARACTER_REST_MAX:
        return False
    return not rest or (rest[0] >= 0xC2 and all(0x80 <= byte < 0xC0 for byte in rest[1:]))


def same_end(pieces, ours, theirs):
    if ours.end == theirs.end:
        return True
    if ours.end is None:
        return False
    kind, code, _ = ours.end
    if theirs.end is None:
        return kind == VIOLATED and code == PROTOCOL_ERROR and breaks_a_rule_already(b"".join(pieces))
    if kind == CLOSED and code == BAD_GATEWAY:
        return theirs.end[:2] == (VIOLATED, PROTOCOL_ERROR)
    return kind == VIOLATED and theirs.end[:2] == (VIOLATED, code)


def sees_surrogate_late(pieces, ours):
    """Whether we found half a surrogate where they want one more byte of the text first."""
    if not (ours.end and ours.end[:2] == (VIOLATED, INVALID_PAYLOAD)):
        return False
    read = b"".join(pieces)[:ours.read]
    if decode_with_wsproto([read]).end:
        return False
    end = decode_with_wsproto([with_another_byte(read, 0x80)]).end
    return bool(end) and end[:2] == (VIOLATED, INVALID_PAYLOAD) and "byte 0xed" in end[2]


# --- frames that are not whole -----------------------------------------------------------------------


def unfinished(stream):
    """The bytes of the frame that `stream`, good so far, ends in."""
    at = 0
    while len(stream) - at >= 2:
        length = stream[at + 1] & 0x7F
        extra = {126: 2, 127: 8}.get(length, 0)
        if extra:
            length = int.from_bytes(stream[at + 2:at + 2 + extra], "big")
        whole = 2 + extra + MASK_SIZE + length
        if len(stream) - at < whole:
            break
        at += whole
    return stream[at:]


def with_another_byte(stream, byte):
    """The stream, which ends behind a byte of payload, with one more in the same frame or in another fragment."""
    last = unfinished(stream)
    if not last:
        return stream + b"\x00\x81\0\0\0\0" + bytes([byte])
    mask_at = 2 + {126: 2, 127: 8}.get(last[1] & 0x7F, 0)
    have = len(last) - mask_at - MASK_SIZE
    return stream + bytes([byte ^ last[mask_at + have % MASK_SIZE]])


def breaks_a_rule_already(stream):
    """Whether wsproto refuses the frame that `stream` ends in once it has its header and one byte of payload."""
    last = unfinished(stream)
    if len(last) == 1:
        last, stream = last + b"\x80", stream + b"\x80"
    extra = {126: 2, 127: 8}.get(last[1] & 0x7F, 0)
    missing = max(2 + extra + MASK_SIZE + bool(last[1] & 0x7F) - len(last), 0)
    return decode_with_wsproto([stream + bytes(missing)]).end is not None
