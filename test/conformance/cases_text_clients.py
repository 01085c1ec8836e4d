"""What clients are sent that want text: --frames text, lines, base64 and auto, by option or by subprotocol.

The rules of every frame (reading.py) hold as for binary ones; here text messages must each be UTF-8 as well, whatever
the backend has sent and however the bytes of the client come. The greeting is a binary message: with --frames lines
it ends in a line end, as every message does then.
"""

import base64

from harness import BINARY, PING, TEXT

from .case import BASE64, BYE, ECHO, ECHOED, FINISH, Case, Close, Demand, Http, Pong, frame
from .cases_fragmentation import fragments
from .cases_framing import bytes_of, text_of
from .heads import upgrade

TEXT_OUT = Demand("RFC 6455 5.6", "MUST", "Each whole text message that is sent is UTF-8.",
                  outcome="Cut between characters only, even inside a line; what is no UTF-8 becomes U+FFFD.")
NOT_TEXT = Demand("RFC 6455 7.4.1", "", "1007 tells of data that is not what its message's type says.",
                  outcome="Sent behind the last character of a backend that sends other than UTF-8, where "
                  "`--invalid-utf8 close` says so, and to a client whose base64 is none.")
WHOLE = Demand("RFC 6455 6.1", "MUST", "Each message is one of its own, with FIN on its last frame.",
               outcome="With `--frames lines` a message a line, without its end; the rest of the stream is one, too.")
ENCODED = Demand("RFC 6455 1.9", "", "A subprotocol says what the messages mean.",
                 outcome="`base64`: text messages both ways, each whole base64 by itself; `text.ircv3.net` and "
                 "`binary.ircv3.net`: a message a line.")

TEXT_MODE, LINES, BASE64_MODE, AUTO = (("--frames", mode) for mode in ("text", "lines", "base64", "auto"))
GREETED = b"\n"  # what the greeting leaves of itself with LINES
BYE_OF_TARGET = Close(1000, "Target closed")

NOT_UTF8 = {
    "latin-1": b"caf\xe9 noir", "surrogate": b"a\xed\xa0\x80b", "overlong": b"\xc0\xaf/", "all-bytes": bytes(range(256)),
    "cut-at-the-end": b"\xe2\x82\xac then \xf0\x9f\x98",
}


def mode(name, demand, options, down_as=TEXT, **more):
    return Case(f"text-clients/{name}", demand, "framing", options=options, down_as=down_as,
                **{"sees": (ECHOED,), **more})


def pushed(name, demand, options, data, **more):
    """A backend that sends and ends; the client waits for both."""
    return mode(name, demand, options, service=(data, FINISH), sends_after="close", sends=[BYE], sees=(BYE_OF_TARGET,),
                **more)


def of_lines(*lines):
    return GREETED + b"".join(line + b"\n" for line in lines)


TEXTS = [
    mode(f"text-down-{size}", TEXT_OUT, TEXT_MODE, service=(lambda size=size: text_of(size),), then=[BYE],
         down=lambda size=size: text_of(size))
    for size in (1, 125, 126, 65535, 65536, 65537, 300_000)
] + [
    mode("text-in-short-frames", TEXT_OUT, (*TEXT_MODE, "--max-frame-size", "5"), service=(text_of(1000),),
         down=text_of(1000), down_frame_max=5, then=[BYE]),
    mode("text-echoed-around-a-ping", TEXT_OUT, TEXT_MODE, service=(ECHO,), then=[BYE], sees=(Pong(b"p"), ECHOED),
         sends=fragments(TEXT, "kó".encode()[:2], "kó".encode()[2:], between=[frame(PING, b"p")]),
         up="kó".encode(), down="kó".encode()),
    *(pushed(f"replaced-{name}", TEXT_OUT, TEXT_MODE, data, down=data.decode("utf-8", "replace").encode())
      for name, data in NOT_UTF8.items()),
    *(pushed(f"replaced-in-a-line-{name}", TEXT_OUT, LINES, data, up=GREETED,
             messages=[line.decode("utf-8", "replace").encode() for line in data.replace(b"\r", b" ").split(b"\n")],
             down=data.replace(b"\n", b"").decode("utf-8", "replace").encode())
      for name, data in NOT_UTF8.items() if b"\n" not in data),
]
CLOSED = [
    mode("text-that-is-none-closes", NOT_TEXT, (*TEXT_MODE, "--invalid-utf8", "close"), service=(b"fine \xff not",),
         down=b"fine ", sends_after="close", sends=[BYE], sees=(Close(1007, "invalid UTF-8"),), backend="reset"),
    mode("base64-that-is-none-closes", NOT_TEXT, BASE64_MODE, sends=[frame(TEXT, b"YQ=="), frame(TEXT, b"!!!!")],
         up=b"a", sees=(Close(1007, "not base64"),), backend="reset", down_as=BASE64),
]
LINED = [
    pushed("lines", WHOLE, LINES, b"one\ntwo\r\n\n\xc3\xbcn\xc3\xaf\nrest", up=GREETED,
           messages=["one".encode(), b"two", b"", "ünï".encode(), b"rest"], down="onetwoünïrest".encode()),
    pushed("lines-too-long-for-one-message", WHOLE, (*LINES, "--max-line", "4"), "äöü\nfive5\n".encode(), up=GREETED,
           messages=["äö".encode(), "ü".encode(), b"five", b"5"], down="äöüfive5".encode()),
    mode("lines-echoed-around-a-ping", WHOLE, LINES, service=(ECHO,), then=[BYE], sees=(Pong(b"p"), ECHOED),
         sends=[*fragments(TEXT, b"on", b"e", between=[frame(PING, b"p")]), frame(TEXT, "zwö".encode())],
         up=of_lines(b"one", "zwö".encode()), messages=[b"", b"one", "zwö".encode()], down="onezwö".encode()),
]


def irc(name, kind, opcode, line):
    """Asked for by subprotocol. Each message ends in CRLF on its way up, the greeting first."""
    return mode(f"{name}-by-subprotocol", ENCODED, (), down_as=opcode, request=upgrade(f"Sec-WebSocket-Protocol: {kind}"),
                http=(Http(101, {"Sec-WebSocket-Protocol": kind}),), sends=[frame(opcode, line)], service=(ECHO,),
                up=b"\r\n" + line + b"\r\n", messages=[b"", line], down=line, then=[BYE])


ENCODINGS = [
    *(mode(f"base64-{size}", ENCODED, BASE64_MODE, down_as=BASE64, service=(ECHO,), then=[BYE],
           sends=lambda size=size: [frame(TEXT, base64.b64encode(bytes_of(size)))],
           up=lambda size=size: bytes_of(size), down=lambda size=size: bytes_of(size))
      for size in (1, 2, 3, 93, 94, 125, 126, 100_000)),
    mode("base64-by-subprotocol", ENCODED, (), down_as=BASE64, request=upgrade("Sec-WebSocket-Protocol: base64"),
         http=(Http(101, {"Sec-WebSocket-Protocol": "base64"}),), service=(ECHO,), then=[BYE], up=b"\xff\x00!",
         sends=fragments(TEXT, b"/wA", b"h", between=[frame(PING, b"p")]), down=b"\xff\x00!", sees=(Pong(b"p"), ECHOED)),
    irc("irc-text", "text.ircv3.net", TEXT, "PING :ü".encode()),
    irc("irc-binary", "binary.ircv3.net", BINARY, b"PING :\xe9"),
    mode("auto-answers-text-with-text", ENCODED, AUTO, greets=False, sends=[frame(TEXT, "hé".encode())],
         service=(ECHO,), up="hé".encode(), down="hé".encode(), then=[BYE]),
]

CASES = [*TEXTS, *CLOSED, *LINED, *ENCODINGS]
UNTESTED = []
