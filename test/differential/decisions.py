"""Where wsluice reads on purpose otherwise than another parser: the table behind docs/DIFFERENCES.md.

A difference that no decision covers is a bug, of theirs or ours. A decision is as narrow as its predicate: it holds
for the parsers and the words of compare.py that it names, and for heads that have what it is about. Where that can be
taken out of a head (`cure`), the head without it must show no difference any more: nothing hides behind it.
"""

import re
from typing import Callable, NamedTuple

from .compare import KEPT, REFUSES, UPGRADE

LLHTTP, H11, WSPROTO = "llhttp", "h11", "wsproto"
# What every llhttp knows (newer ones know more); other methods are refused by name.
LLHTTP_METHODS = set(
    "DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND "
    "UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK "
    "UNLINK".split())
BARE_LF = re.compile(rb"(?<!\r)\n")
ONE_EMPTY_LINE = re.compile(rb"\r?\n[^\r\n]")
FRAMING_TAB = re.compile(rb"\n(content-length|transfer-encoding|connection):[^\r\n]*\t[ \t]*(,|\r?\n)", re.IGNORECASE)
HOST = b"Host: h\r\n"
UPGRADE_LINES = (HOST + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


class Decision(NamedTuple):
    parsers: tuple
    words: tuple  # of compare.py
    what: str  # is in the head
    ours: str
    theirs: str
    section: str
    reason: str
    example: bytes
    applies: Callable  # (head up to its end, our Reading, the refusal or "") -> whether the head has it
    cure: Callable = None  # (all bytes, our Reading) -> the same without it


def values(ours, name):
    return [value for key, value in ours.fields if key.lower() == name]


def elements(ours, name):
    """Elements of a list field over all its lines, empty ones included."""
    return [element.strip(" \t") for value in values(ours, name) for element in value.split(",")]


def has_bare_lf(head, _ours, _refusal):
    return BARE_LF.search(head) is not None


def begins_with_an_empty_line(head, _ours, _refusal):
    return ONE_EMPTY_LINE.match(head) is not None


def has_unknown_method(_head, ours, refusal):
    return ours.method not in LLHTTP_METHODS and "METHOD" in refusal or ours.method in ("PRI", "SOURCE")


def has_later_minor_version(_head, ours, refusal):
    return ours.minor > 1 and "VERSION" in refusal


def has_equal_lengths(ours):
    """More than one, all the same number."""
    lengths = elements(ours, "content-length")
    return len(lengths) > 1 and all(map(str.isdecimal, lengths)) and len(set(map(int, lengths))) == 1


def has_length_list(_head, ours, refusal):
    return has_equal_lengths(ours) and "CONTENT_LENGTH" in refusal


def has_length_spelled_twice(_head, ours, refusal):
    return has_equal_lengths(ours) and len(set(elements(ours, "content-length"))) > 1 and "Content-Length" in refusal


def has_empty_coding(_head, ours, refusal):
    codings = elements(ours, "transfer-encoding")
    chunked = [coding.lower() for coding in codings if coding] == ["chunked"]
    return chunked and len(codings) > 1 and "ransfer-Encoding" in refusal


def has_tab_behind_value(head, _ours, refusal):
    about_it = not refusal or "Content-Length" in refusal or "Transfer-Encoding" in refusal
    return about_it and FRAMING_TAB.search(head) is not None


def is_connect(_head, ours, _refusal):
    return ours.method == "CONNECT"


def offers_another_protocol(_head, ours, _refusal):
    named = [element.lower() for element in elements(ours, "upgrade")]
    return any(named) and (ours.minor == 0 or "websocket" not in named)


def is_old_and_kept(_head, ours, _refusal):
    return ours.minor == 0 and "keep-alive" in [element.lower() for element in elements(ours, "connection")]


def has_several_upgrades(_head, ours, refusal):
    return "'Upgrade: WebSocket'" in refusal and len(elements(ours, "upgrade")) > 1


def has_several_connections(_head, ours, refusal):
    return "'Connection: Upgrade'" in refusal and len(values(ours, "connection")) > 1


def is_not_text_to_python(_head, _ours, refusal):
    return refusal.startswith("Unicode")


def was_refused_by_h11(_head, _ours, refusal):
    return refusal.endswith("Bad HTTP message")


# --- taking it away ----------------------------------------------------------------------------------


def with_crlf(head, _ours):
    return BARE_LF.sub(b"\r\n", head)


def without_empty_line(head, _ours):
    return head[head.index(b"\n") + 1:]


def with_get(head, ours):
    return head.replace(ours.method.encode("latin-1"), b"GET", 1)


def with_minor_1(head, ours):
    return head.replace(b" HTTP/1.%d" % ours.minor, b" HTTP/1.1", 1)


def without_tabs(head, _ours):
    return head.replace(b"\t", b" ")


# --- the table ---------------------------------------------------------------------------------------

DECISIONS = [
    Decision(
        (LLHTTP,), (REFUSES,), "A line ends in a bare LF", "a line end", "refused", "RFC 9112 2.2",
        "Allowed, and what scripts and netcat send. A bare CR, which is where parsers see different lines, is refused.",
        b"GET / HTTP/1.1\nHost: h\n\n", has_bare_lf, with_crlf),
    Decision(
        (H11,), (REFUSES,), "An empty line before the request line", "one is skipped", "refused", "RFC 9112 2.2",
        "A server should; some clients send a line end behind a body.",
        b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", begins_with_an_empty_line, without_empty_line),
    Decision(
        (LLHTTP,), (REFUSES,), "A method that llhttp's list lacks", "a plain request, answered 405", "refused",
        "RFC 9110 9.1", "A method is a token; which ones are served is not the parser's to say.",
        b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", has_unknown_method, with_get),
    Decision(
        (LLHTTP,), (REFUSES,), "HTTP/1.2 to HTTP/1.9", "read as HTTP/1.1", "refused", "RFC 9110 2.5",
        "A message of a later minor version is processed as of the one that the recipient knows.",
        b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", has_later_minor_version, with_minor_1),
    Decision(
        (LLHTTP,), (REFUSES,), "Equal lengths, several times", "one length", "refused", "RFC 9112 6.3",
        "May be taken for one. A body is never read: the connection closes behind the answer, unless the length is 0. "
        "An upgrade with two is refused.",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n\r\n", has_length_list),
    Decision(
        (H11,), (REFUSES,), "A length spelled in two ways (5, 05)", "one length", "refused", "RFC 9112 6.3",
        "The values are equal; as above.",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 05\r\n\r\n", has_length_spelled_twice),
    Decision(
        (LLHTTP, H11), (REFUSES,), "Transfer-Encoding: chunked with empty elements in the list", "chunked", "refused",
        "RFC 9110 5.6.1", "They mean nothing. A body is never read: the connection closes behind the answer.",
        b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked,\r\n\r\n", has_empty_coding),
    Decision(
        (LLHTTP,), (REFUSES, UPGRADE, KEPT), "A tab behind an element of Connection, Content-Length or Transfer-Encoding",
        "white space", "a part of the element: an unknown or wrong one", "RFC 9110 5.6.3",
        "White space may be tabs; whoever reads it so sees the same request as we do.",
        b"GET / HTTP/1.1\r\n" + UPGRADE_LINES + b"Upgrade: websocket\r\nConnection: upgrade\t\r\n\r\n",
        has_tab_behind_value, without_tabs),
    Decision(
        (LLHTTP, H11), (UPGRADE,), "CONNECT", "a request, answered 405; the connection closes",
        "what follows is a tunnel's", "RFC 9110 9.3.6", "No tunnels here, and nothing behind it is read.",
        b"CONNECT h:443 HTTP/1.1\r\n" + HOST + b"\r\n", is_connect),
    Decision(
        (LLHTTP, H11), (UPGRADE,), "Upgrade to something else, or in HTTP/1.0", "ignored: a plain request",
        "the application is asked", "RFC 9110 7.8",
        "A server may ignore Upgrade, and must in HTTP/1.0; a client goes on in HTTP/1.1 when no 101 comes.",
        b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: h2c\r\nConnection: upgrade\r\n\r\n", offers_another_protocol),
    Decision(
        (H11,), (KEPT,), "HTTP/1.0 with Connection: keep-alive", "another request may follow", "closes", "RFC 9112 9.3",
        "Allowed, and old tools count on it. The request has no body, so the next one begins right behind it.",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", is_old_and_kept),
    Decision(
        (WSPROTO,), (REFUSES,), "Upgrade with a list, or on several lines", "websocket anywhere in it counts",
        "must be websocket alone", "RFC 6455 4.2.1", "The field holds the value \"websocket\", and is a list.",
        b"GET / HTTP/1.1\r\n" + UPGRADE_LINES + b"Upgrade: h2c, websocket\r\nConnection: upgrade\r\n\r\n",
        has_several_upgrades),
    Decision(
        (WSPROTO,), (REFUSES,), "Connection on several lines", "one list", "only the last line counts", "RFC 9110 5.3",
        "Lines of one list field are one list.",
        b"GET / HTTP/1.1\r\n" + UPGRADE_LINES + b"Upgrade: websocket\r\nConnection: upgrade\r\nConnection: x\r\n\r\n",
        has_several_connections),
    Decision(
        (WSPROTO,), (REFUSES,), "Values that Python's codecs (ASCII, IDNA) can't decode", "opaque bytes",
        "an exception", "RFC 9110 5.5", "Nothing of these values is acted on but known names.",
        b"GET / HTTP/1.1\r\n" + UPGRADE_LINES + b"Upgrade: websocket\r\nConnection: upgrade, \xff\r\n\r\n",
        is_not_text_to_python),
    Decision(
        (WSPROTO,), (REFUSES,), "What h11 refuses", "as above", "refused", "RFC 9112",
        "wsproto's handshake stands on h11.",
        b"\r\nGET / HTTP/1.1\r\n" + UPGRADE_LINES + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        was_refused_by_h11),
]


def decision_for(parser, word, head, ours, refusal):
    """The decision that covers a difference, or None."""
    for decision in DECISIONS:
        if parser in decision.parsers and word in decision.words and decision.applies(head, ours, refusal):
            return decision
    return None
