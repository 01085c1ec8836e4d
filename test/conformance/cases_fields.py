"""Field lines and values (RFC 9112 section 5; RFC 9110 section 5), as far as they concern any field."""

from .case import Demand
from .heads import (FOLLOWED, FOLLOWING, HOST, OK, OK_LAST, WEB, answered, get, lines, refusal, refused, served,
                    upgrade, upgraded)

SYNTAX = Demand("RFC 9112 5", "", "A field line is a name, a colon and a value, with white space around the value.")
COLON = Demand("RFC 9112 5.1", "MUST", "White space between name and colon gets 400.")
TRIMMED = Demand("RFC 9112 5.1", "", "White space around a value is no part of it.")
FOLD = Demand("RFC 9112 5.2", "MUST", "A folded line is refused with 400, or the fold is read as blanks.",
              outcome="400 at the white space that begins a line.")
NAME_CASE = Demand("RFC 9110 5.1", "", "Names are case-insensitive.")
UNKNOWN = Demand("RFC 9110 5.1", "SHOULD", "Fields that are not known are ignored.")
WHOLE = Demand("RFC 9110 5.3", "MUST NOT", "A request is applied before all of its header section has come.",
               outcome="400 where the connection ends before that.")
TOO_LARGE = Demand("RFC 9110 5.4", "MUST", "A field line, a value or a set of fields that is larger than the server "
                   "wants gets a 4xx.", outcome="431 at the byte too many, or for more than `--max-header-lines`.")
DANGEROUS = Demand("RFC 9110 5.5", "MUST", "A value with CR, LF or NUL is refused, or these are read as blanks.",
                   outcome="400.")
CONTROLS = Demand("RFC 9110 5.5", "", "Values with other control characters are invalid.", outcome="400 (it may be).")
OPAQUE = Demand("RFC 9110 5.5", "SHOULD", "Octets over 7F in a value are taken as opaque data.")
EMPTY_ELEMENTS = Demand("RFC 9110 5.6.1", "MUST", "A reasonable number of empty elements in a list is ignored.")
LIST_LINES = Demand("RFC 9110 5.3", "MAY", "Lines of one name are one list.")
TOKENS = Demand("RFC 9110 5.6.2", "", "A name is a token.")


def raw(name, demand, *texts, status=400):
    """Behind a request line; the last byte is the one that is refused."""
    return refused(f"fields/{name}", demand, [b"GET / HTTP/1.1\r\n", *texts], status)


def head_of(length):
    start, end = b"GET / HTTP/1.1\r\nHost: h\r\nCookie: ", b"\r\n\r\n"
    return start + b"c" * (length - len(start) - len(end)) + end


def of_lines(count):
    return get(*["X: y"] * (count - 1))


FEW = (*WEB, "--max-head", "200", "--max-header-lines", "6")
CONTROL_BYTES = [byte for byte in range(32) if byte not in (0x00, 0x09, 0x0A, 0x0D)] + [0x7F]
NO_TOKEN_BYTES = b"\0\x1b\x7f\x80\xff\"(),/;<=>?@[\\]{}"

SYNTAXES = [
    served("fields/no-blank-behind-the-colon", SYNTAX, get("X:y")),
    served("fields/colons-in-a-value", SYNTAX, get("X: a:b::c")),
    served("fields/empty-value", SYNTAX, get("X:", "Y: ", "Z:\t")),
    served("fields/one-letter", SYNTAX, get("x: y")),
    raw("no-colon", SYNTAX, b"Host\r"),
    raw("no-colon-bare-line-feed", SYNTAX, b"Host\n"),
    raw("no-name", SYNTAX, b":"),
    raw("a-request-line-for-a-field", SYNTAX, b"GET /x HTTP/1.1"),
    *(raw(f"{name}-before-the-colon", COLON, line, b": h\r\n", b"\r\n") for name, line in [
        ("blank", b"Host "), ("tab", b"Host\t"), ("blanks", b"Host   "), ("blank-of-another-field", b"Content-Length "),
    ]),
    raw("blank-in-a-name", COLON, b"Ho st"),
    served("fields/blanks-around-a-value", TRIMMED, get(host="Host: \t h \t ")),
    served("fields/many-blanks-around-a-value", TRIMMED, get(host="Host:" + " " * 60 + "h" + "\t" * 60)),
    answered("fields/blanks-around-a-value-that-decides", TRIMMED, get("Connection:  \tclose\t "), OK_LAST, kept=False),
    *(raw(f"fold-{name}", FOLD, *texts) for name, texts in [
        ("blank", [b"Host: h\r\n", b" "]), ("tab", [b"Host: h\r\n", b"\t"]), ("bare-lf", [b"Host: h\n", b" "]),
        ("of-an-empty-value", [b"X:\r\n", b" y"]), ("in-the-middle", [HOST.encode() + b"\r\n", b"X: a,\r\n", b"\t"]),
        ("of-blanks-only", [b"Host: h\r\n", b" \r\n", b"\r\n"]),
    ]),
    refused("fields/fold-in-an-upgrade", FOLD, upgrade("Connection: keep-alive,\r\n Upgrade")),
]
NAMES = [
    served("fields/names-in-capitals", NAME_CASE, get(host="HOST: h")),
    answered("fields/names-in-any-case", NAME_CASE, get("cOnNeCtIoN: close"), OK_LAST, kept=False),
    served("fields/unknown", UNKNOWN, get("X-Unheard-Of: 1", "Close: x", "Accept: text/strange")),
    served("fields/unknown-of-every-mark", TOKENS, get("!#$%&'*+-.^_`|~09azAZ: y")),
    *(raw(f"name-with-{byte:02x}", TOKENS, b"X" + bytes([byte])) for byte in NO_TOKEN_BYTES),
    raw("name-in-brackets", TOKENS, b"["),
]
VALUES = [
    raw("nul-in-a-value", DANGEROUS, b"Host: h\0"),
    raw("nul-first-in-a-value", DANGEROUS, b"Host:\0"),
    raw("cr-in-a-value", DANGEROUS, b"X: a\rb"),
    *(raw(f"value-with-{byte:02x}", CONTROLS, b"X: a" + bytes([byte])) for byte in CONTROL_BYTES),
    served("fields/tab-in-a-value", SYNTAX, get("X: a\tb")),
    served("fields/every-high-byte", OPAQUE, get("X: " + bytes(range(0x80, 0x100)).decode("latin-1"))),
    upgraded("fields/high-bytes-in-an-upgrade", OPAQUE, upgrade("Cookie: caf\xc3\xa9=\xff")),
    served("fields/every-visible-byte", SYNTAX, get("X: " + bytes(range(0x20, 0x7F)).decode())),
]
LISTS = [
    answered("fields/list-of-empty-elements", EMPTY_ELEMENTS, get("Connection: ,, ,\t,close,,"), OK_LAST, kept=False),
    served("fields/list-of-nothing", EMPTY_ELEMENTS, get("Connection: , ,")),
    answered("fields/list-on-lines", LIST_LINES, get("Connection: x", "Connection: close"), OK_LAST, kept=False),
    served("fields/list-element-that-contains-it", LIST_LINES, get("Connection: closed, x-close")),
]
LIMITS = [
    served("fields/head-of-64-kb", TOO_LARGE, [head_of(65536)]),
    refused("fields/head-of-64-kb-and-one", TOO_LARGE, [head_of(65537)], 431),
    refused("fields/name-without-end", TOO_LARGE, [b"GET / HTTP/1.1\r\n", b"X" * 66_000], 431),
    refused("fields/value-without-end", TOO_LARGE, [b"GET / HTTP/1.1\r\n", b"X: " + b"y" * 66_000], 431),
    refused("fields/blanks-without-end", TOO_LARGE, [b"GET / HTTP/1.1\r\n", b"X:" + b" " * 66_000], 431),
    served("fields/100-lines", TOO_LARGE, of_lines(100)),
    refused("fields/101-lines", TOO_LARGE, of_lines(101)[:-1], 431),
    served("fields/head-of-200-as-told", TOO_LARGE, [head_of(200)], options=FEW),
    refused("fields/head-of-201-as-told", TOO_LARGE, [head_of(201)], 431, options=FEW),
    served("fields/6-lines-as-told", TOO_LARGE, of_lines(6), options=FEW),
    refused("fields/7-lines-as-told", TOO_LARGE, of_lines(7)[:-1], 431, options=FEW),
]
WHOLES = [
    answered("fields/ends-before-anything", WHOLE, [b"\r\n"], kept=False, finish="fin"),
    *(refused(f"fields/ends-{name}", WHOLE, data, finish="fin") for name, data in [
        ("in-the-method", [b"GE"]), ("behind-the-request-line", lines("GET / HTTP/1.1")),
        ("behind-the-fields", get()[:-1]), ("in-the-last-line-end", [*get()[:-1], b"\r"]),
    ]),
    answered("fields/ends-in-the-second-request", WHOLE, [*get(), *FOLLOWING[:-1]],
             OK, refusal(), kept=False, finish="fin"),
    answered("fields/ends-behind-the-second-request", WHOLE, [*get(), *FOLLOWING], OK, FOLLOWED, kept=False,
             finish="fin"),
]

CASES = [*SYNTAXES, *NAMES, *VALUES, *LISTS, *LIMITS, *WHOLES]
UNTESTED = [
    Demand("RFC 9112 5.2", "MUST NOT", "A sender folds lines.", reason="Looked for in every response of every case."),
    Demand("RFC 9110 5.3", "MUST NOT", "A sender makes two lines of one name, where the field is no list.",
           reason="Looked for in every response of every case: no name is there twice."),
    Demand("RFC 9110 5.6.1", "MUST NOT", "A sender makes empty elements of a list.",
           reason="wsluice's lists are constants: Connection and Allow, which cases compare as a whole."),
    Demand("RFC 9110 5.6.7", "MUST", "Three forms of dates are accepted, and one is sent.",
           reason="No date of a request is read (13.1); ours are looked at in every response of every case."),
    Demand("RFC 9110 6.5", "MUST", "Trailer fields are kept apart from the header's.", reason="No body is read."),
]
