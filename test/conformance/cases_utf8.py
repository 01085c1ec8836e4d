"""Text messages (RFC 6455 5.6, 8.1): what is UTF-8 goes up unchanged, what is not fails at the first byte that
proves it.

A character that was begun may already have gone up when the byte that breaks it comes: see Up in case.py.
"""

from harness import BINARY, CONTINUATION, PING, TEXT

from .case import BYE, ECHOED, Case, Close, Demand, Pong, Up, frame
from .cases_fragmentation import fragments

TEXT_IS_UTF8 = Demand("RFC 6455 5.6", "MUST", "A whole text message is UTF-8; one frame of it may end inside a "
                      "character.", outcome="Its bytes are forwarded as they are; there is no type to forward.")
NOT_UTF8 = Demand("RFC 6455 8.1", "MUST", "Text that is not UTF-8 fails the connection.",
                  outcome="Close 1007; whole characters before it stay forwarded, the backend is reset.")
AT_ONCE = Demand("RFC 6455 8.1", "", "No byte behind the first wrong one is needed to fail.",
                 outcome="Close 1007 in the middle of a frame, though the rest of it never comes.")
NO_TEXT = Demand("RFC 6455 7.4.1", "MAY", "1003 tells that this type of data can't be accepted.",
                 outcome="Sent for text where `--refuse-text` says so, before anything of it is forwarded.")

VALID = {
    "plain": b"Hello world",
    "latin": "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "greek": "κόσμε".encode(),
    "four-bytes": "\U0001f600\U00010348".encode(),
    "nul": b"a\x00b",
    "byte-order-mark": "\ufeffx".encode(),
    "replacement": "\ufffd".encode(),
    **{f"first-of-{len(chr(code).encode())}": chr(code).encode() for code in (0x00, 0x80, 0x800, 0x10000)},
    **{f"last-of-{len(chr(code).encode())}": chr(code).encode() for code in (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)},
    **{f"border-{code:x}": chr(code).encode() for code in (0xD7FF, 0xE000, 0xFFFD)},
}
NON_CHARACTERS = [plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)] + [0xFDD0, 0xFDEF]
SURROGATES = [0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF]


def scheme(code, size):
    """The bit pattern of `size` bytes for a code, allowed or not."""
    low = bytes(0x80 | code >> 6 * i & 0x3F for i in range(size - 2, -1, -1))
    lead = (0xFF << (8 - size) & 0xFF) | code >> 6 * (size - 1)
    return bytes([lead]) + low


INVALID = {
    **{f"surrogate-{code:x}": scheme(code, 3) for code in SURROGATES},
    **{f"surrogates-{a:x}-{b:x}": scheme(a, 3) + scheme(b, 3) for a in (0xD800, 0xDB7F, 0xDBFF)
       for b in (0xDC00, 0xDFFF)},
    **{f"overlong-slash-{size}": scheme(0x2F, size) for size in (2, 3, 4, 5, 6)},
    **{f"overlong-nul-{size}": scheme(0, size) for size in (2, 3, 4, 5, 6)},
    **{f"overlong-last-{size}": scheme(last, size) for size, last in
       ((2, 0x7F), (3, 0x7FF), (4, 0xFFFF), (5, 0x1FFFFF), (6, 0x3FFFFFF))},
    "five-bytes": scheme(0x200000, 5), "last-of-5": scheme(0x3FFFFFF, 5),
    "six-bytes": scheme(0x4000000, 6), "last-of-6": scheme(0x7FFFFFFF, 6),
    "beyond-10ffff": scheme(0x110000, 4), "last-of-4-bytes": scheme(0x1FFFFF, 4),
    **{f"byte-{byte:02x}": bytes([byte]) for byte in (0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xF7, 0xF8, 0xFC, 0xFE, 0xFF)},
    "continuations-2": b"\x80\xbf", "continuations-7": b"\x80\xbf\x80\xbf\x80\xbf\x80",
    "all-continuations": bytes(range(0x80, 0xC0)),
    **{f"lonely-{first:02x}": bytes([first]) + b" " for first in (0xC2, 0xDF, 0xE0, 0xEF, 0xF0, 0xF4)},
    **{f"last-byte-missing-{scheme(code, size).hex()}": scheme(code, size)[:-1] + b"." for code, size in
       ((0x80, 2), (0x800, 3), (0xFFFF, 3), (0x10000, 4), (0x10FFFF, 4))},
    "incomplete-ones-in-a-row": b"\xc3\xe2\x82\xf0\x9f\x98",
    "two-fe-two-ff": b"\xfe\xfe\xff\xff",
}
INCOMPLETE = {"2": b"\xc3", "3": b"\xe2", "3-of-3": b"\xe2\x82", "4": b"\xf0", "4-of-4": b"\xf0\x9f\x98"}


def fate(payload):
    """(what surely goes up, what of a broken character may, bytes that are needed to know) of a text."""
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        begun = b"" if error.reason == "invalid start byte" else payload[error.start:error.end]
        return payload[:error.start], begun, error.start + len(begun) + 1
    return payload, b"", len(payload)


def valid(name, pieces, up, sees=(ECHOED,)):
    return Case(f"utf8/valid-{name}", TEXT_IS_UTF8, "utf-8", sends=[*pieces, BYE], sees=sees, up=up)


def invalid(name, pieces, payload, demand=NOT_UTF8, before=b""):
    """`payload`: of the text at fault; `before`: that of the messages before it."""
    sure, begun, _ = fate(payload)
    return Case(f"utf8/{name}", demand, "utf-8", sends=pieces, sees=(Close(1007, "not UTF-8"),),
                up=Up(before + sure, begun), backend="reset")


def at_once(name, bad):
    """The client stops at the first wrong byte; its frame promises a lot more."""
    payload = b"ok " + bad
    enough = payload[:fate(payload)[2]]
    return invalid(f"at-once-{name}", [frame(TEXT, enough, length=len(enough) + 1000)], payload, AT_ONCE)


ACCEPTED = [valid(name, [frame(TEXT, text)], text) for name, text in VALID.items()] + [
    valid(f"{name}-a-byte-a-fragment", fragments(TEXT, *(text[i:i + 1] for i in range(len(text)))), text)
    for name, text in VALID.items() if len(text) > 1
] + [
    valid(f"non-characters-{number}", [frame(TEXT, text)], text)
    for number, text in enumerate("".join(map(chr, NON_CHARACTERS[i:i + 12])).encode() for i in (0, 12, 24))
] + [
    valid("empty-fragment-inside-a-character", fragments(TEXT, b"\xce", b"", b"\xba"), b"\xce\xba"),
    valid("ping-inside-a-character", fragments(TEXT, b"\xce", b"\xba", between=[frame(PING, b"p")]), b"\xce\xba",
          sees=(Pong(b"p"), ECHOED)),
    valid("text-behind-text", [frame(TEXT, "ä".encode()), frame(TEXT, "€".encode())], "ä€".encode()),
    valid("empty", [frame(TEXT, b"")], b""),
]
REFUSED = [invalid(f"invalid-{name}", [frame(TEXT, b"ok " + bad + b" more")], b"ok " + bad + b" more")
           for name, bad in INVALID.items()]
REFUSED += [invalid(f"incomplete-at-the-end-{name}", [frame(TEXT, b"ok " + bad)], b"ok " + bad)
            for name, bad in INCOMPLETE.items()]
REFUSED += [
    invalid("incomplete-then-a-new-message", [frame(TEXT, b"\xc3"), frame(TEXT, b"\xa4")], b"\xc3"),
    invalid("incomplete-in-the-last-fragment", fragments(TEXT, b"ok", b"\xe2\x82"), b"ok\xe2\x82"),
    invalid("incomplete-before-an-empty-last-fragment", fragments(TEXT, b"ok\xf0\x9f", b""), b"ok\xf0\x9f"),
    invalid("broken-across-fragments", fragments(TEXT, b"\xce", b"x", b"more"), b"\xce" b"x"),
    invalid("broken-in-the-second-fragment", fragments(TEXT, b"whole ", b"\xff", b"more"), b"whole \xff"),
    invalid("surrogate-across-fragments", fragments(TEXT, b"\xed", b"\xa0", b"\x80"), b"\xed\xa0\x80"),
    invalid("behind-good-messages", [frame(TEXT, "gü".encode()), frame(BINARY, b"\xff"), frame(TEXT, b"a\xff")],
            b"a\xff", before="gü".encode() + b"\xff"),
]
FAIL_FAST = [at_once(name, bad) for name, bad in INVALID.items()] + [
    invalid("at-once-in-a-fragment", [frame(TEXT, "κόσμε".encode(), fin=False),
                                      frame(CONTINUATION, b"\xf4\x90", length=200, fin=False)],
            "κόσμε".encode() + b"\xf4\x90", AT_ONCE),
    invalid("at-once-in-a-long-frame", [frame(TEXT, b"ok\xff", length=1 << 40)], b"ok\xff", AT_ONCE),
]
NOT_WANTED = [
    Case(f"utf8/text-refused-{name}", NO_TEXT, "close handling", options=("--refuse-text",),
         sends=[frame(BINARY, b"fine"), frame(TEXT, b"text", fin=fin), frame(PING)], up=b"fine", backend="reset",
         sees=(Close(1003, "not accepted"),)) for name, fin in [("whole", True), ("fragment", False)]
]

CASES = [*ACCEPTED, *REFUSED, *FAIL_FAST, *NOT_WANTED]
UNTESTED = []
