"""Messages in several frames (RFC 6455 5.4), data frames (5.6), and what section 6 makes of them."""

from harness import BINARY, CONTINUATION, PING, PONG, TEXT

from .case import BYE, ECHO, ECHOED, Case, Close, Demand, Pong, frame
from .cases_framing import bytes_of, text_of

BOTH = Demand("RFC 6455 5.4", "MUST", "Fragmented and whole messages are both received.")
ORDER = Demand("RFC 6455 5.4", "MUST", "Fragments are delivered in the order in which they were sent.")
BETWEEN = Demand("RFC 6455 5.4", "MUST", "Control frames in the middle of a fragmented message are handled.")
INTERLEAVED = Demand("RFC 6455 5.4", "MUST NOT", "Fragments of one message stand between those of another.",
                     outcome="A message that begins inside another is refused with Close 1002.")
STRAY = Demand("RFC 6455 5.4", "", "A continuation needs a message that it continues.", outcome="Close 1002.")
SAME_TYPE = Demand("RFC 6455 5.4", "MUST", "All fragments are of the type that the first one names.",
                   outcome="Text is checked as UTF-8 over all its fragments, binary never.")
ANY_SIZE = Demand("RFC 6455 5.4", "MAY", "Fragments have any size, also none.")
CONCATENATED = Demand("RFC 6455 6.2", "", "The data of a message is that of its fragments, one behind the other.")
PARSED = Demand("RFC 6455 6.2", "MUST", "What comes is parsed as frames, and control frames are handled as 5.5 says.")
UNMASKED = Demand("RFC 6455 6.2", "MUST", "The server takes the mask off the data.")
NEW_MESSAGE = Demand("RFC 6455 6.2", "MUST", "Data frames behind the last fragment belong to a new message.")
BINARY_ANY = Demand("RFC 6455 5.6", "", "Binary payload is arbitrary.")
ENCAPSULATE = Demand("RFC 6455 6.1", "MUST", "What is sent is put into frames as 5.2 has them.",
                     outcome="Whole messages each: browsers need no reassembly.")
OPCODE = Demand("RFC 6455 6.1", "MUST", "The opcode of the first frame says text or binary.",
                outcome="Binary, since a backend's bytes are of no known encoding, unless `--frames` or the "
                "subprotocol says otherwise; looked for in every frame of every case.")
OPEN_ONLY = Demand("RFC 6455 6.1", "MUST", "Data is sent while the connection is open, and no longer.",
                   outcome="Looked for in every case: no frame of the server comes behind its Close.")
LAST_FIN = Demand("RFC 6455 6.1", "MUST", "The last frame of what is sent has FIN.", outcome="Every frame has it.")


def fragments(opcode, *parts, between=()):
    """A message in frames; `between` stands in front of each but the first."""
    pieces = []
    for number, part in enumerate(parts):
        if number:
            pieces += between
        pieces.append(frame(CONTINUATION if number else opcode, part, fin=number == len(parts) - 1))
    return pieces


def message(name, demand, pieces, up, pongs=(), **more):
    return Case(f"fragmentation/{name}", demand, "fragmentation", sends=[*pieces, BYE],
                sees=(*map(Pong, pongs), ECHOED), up=up, **more)


def fault(name, demand, pieces, words, up=b"", code=1002, pongs=()):
    return Case(f"fragmentation/{name}", demand, "fragmentation", sends=pieces, up=up, backend="reset",
                sees=(*map(Pong, pongs), Close(code, words)))


def long_message():
    return fragments(BINARY, *[bytes_of(1300)] * 50)


TAKEN = [
    message("text-in-two", BOTH, fragments(TEXT, b"fragment1", b"fragment2"), b"fragment1fragment2"),
    message("binary-in-two", BOTH, fragments(BINARY, b"\0\1", b"\2\3"), b"\0\1\2\3"),
    message("whole-then-fragmented-then-whole", BOTH,
            [frame(TEXT, b"a"), *fragments(BINARY, b"b", b"c"), frame(TEXT, b"d")], b"abcd"),
    message("in-ten", ORDER, fragments(BINARY, *(bytes([i]) for i in range(10))), bytes(range(10))),
    message("sizes-around-the-forms", ORDER, fragments(BINARY, *map(bytes_of, (125, 126, 127, 0, 1, 300))),
            b"".join(map(bytes_of, (125, 126, 127, 0, 1, 300)))),
    Case("fragmentation/fifty-of-1300", ORDER, "fragmentation", sends=lambda: [*long_message(), BYE], sees=(ECHOED,),
         up=lambda: bytes_of(1300) * 50),
    message("empty-first", ANY_SIZE, fragments(TEXT, b"", b"middle", b""), b"middle"),
    message("all-empty", ANY_SIZE, fragments(TEXT, b"", b"", b""), b""),
    message("all-empty-binary", ANY_SIZE, fragments(BINARY, b"", b""), b""),
    message("one-byte-each", ANY_SIZE, fragments(TEXT, *(bytes([c]) for c in b"fragments")), b"fragments"),
    message("ping-between", BETWEEN, fragments(TEXT, b"a", b"b", between=[frame(PING, b"ping")]), b"ab", [b"ping"]),
    message("pong-between", BETWEEN, fragments(TEXT, b"a", b"b", between=[frame(PONG, b"pong")]), b"ab"),
    message("ping-between-each-of-five", BETWEEN,
            fragments(BINARY, b"1", b"2", b"3", b"4", b"5", between=[frame(PING, b"p")]), b"12345", [b"p"] * 4),
    message("two-pings-between-empty-fragments", BETWEEN,
            fragments(TEXT, b"", b"", between=[frame(PING, b"1"), frame(PING, b"2")]), b"", [b"1", b"2"]),
    Case("fragmentation/close-between", BETWEEN, "fragmentation",
         sends=[frame(TEXT, b"a", fin=False), BYE, frame(CONTINUATION, b"b")], sees=(ECHOED,), up=b"a"),
    message("binary-is-not-utf8", BINARY_ANY, [frame(BINARY, bytes(range(128, 256))), *fragments(
        BINARY, b"\xed", b"\xa0\x80\xff")], bytes(range(128, 256)) + b"\xed\xa0\x80\xff"),
    message("binary-continuation-is-binary", SAME_TYPE,
            [frame(TEXT, b"t"), *fragments(BINARY, b"\xff", b"\xfe", b"\xfd")], b"t\xff\xfe\xfd"),
    message("concatenated", CONCATENATED, fragments(TEXT, b"The da", b"ta of ", b"a message"),
            b"The data of a message"),
    message("data-and-control-parsed", PARSED, [frame(TEXT, b"t"), frame(PING, b"p"), frame(PONG, b"q"),
                                                frame(BINARY, b"b")], b"tb", [b"p"]),
    message("masked-fragments", UNMASKED, [frame(TEXT, b"ab", fin=False, mask=b"\1\2\3\4"),
                                           frame(CONTINUATION, b"cd", mask=b"\xf0\xf1\xf2\xf3")], b"abcd"),
    message("text-behind-a-fragmented-binary", NEW_MESSAGE, [*fragments(BINARY, b"\xff", b"\xfe"), frame(TEXT, b"t")],
            b"\xff\xfet"),
]
REFUSED = [
    fault("text-inside-text", INTERLEAVED, [frame(TEXT, b"a", fin=False), frame(TEXT, b"b")], "New message", b"a"),
    fault("binary-inside-text", INTERLEAVED, [frame(TEXT, b"a", fin=False), frame(BINARY, b"b", fin=False)],
          "New message", b"a"),
    fault("text-inside-binary", INTERLEAVED, [frame(BINARY, b"a", fin=False), frame(TEXT, b"b", fin=False),
                                              frame(CONTINUATION, b"c")], "New message", b"a"),
    fault("message-behind-two-fragments", INTERLEAVED,
          [frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", fin=False), frame(TEXT, b"c")], "New message",
          b"ab"),
    fault("message-inside-an-empty-one", INTERLEAVED, [frame(TEXT, b"", fin=False), frame(BINARY, b"")],
          "New message"),
    fault("continuation-first", STRAY, [frame(CONTINUATION, b"a")], "Continuation"),
    fault("continuation-first-without-fin", STRAY, [frame(CONTINUATION, b"a", fin=False), frame(TEXT, b"b")],
          "Continuation"),
    fault("continuation-behind-a-whole-message", STRAY, [frame(TEXT, b"a"), frame(CONTINUATION, b"b")],
          "Continuation", b"a"),
    fault("continuation-behind-the-last-fragment", STRAY,
          [*fragments(TEXT, b"a", b"b"), frame(CONTINUATION, b"c")], "Continuation", b"ab"),
    fault("continuation-behind-a-ping", STRAY, [frame(PING, b"p"), frame(CONTINUATION, b"a")], "Continuation",
          pongs=[b"p"]),
    fault("text-continuation-is-text", SAME_TYPE, [frame(TEXT, b"ok", fin=False), frame(CONTINUATION, b"\xff")],
          "not UTF-8", b"ok", code=1007),
]
SENT = [
    Case(f"sending/{name}", demand, "framing", service=(ECHO,), sends=pieces, up=data, down=data, then=[BYE],
         sees=(ECHOED,))
    for name, demand, pieces, data in [
        ("frames", ENCAPSULATE, [frame(BINARY, bytes_of(200))], bytes_of(200)),
        ("binary-for-text", OPCODE, [frame(TEXT, text_of(50))], text_of(50)),
        ("fin", LAST_FIN, fragments(TEXT, b"frag", b"ments"), b"fragments")]
] + [
    Case("sending/stops-with-close", OPEN_ONLY, "close handling", service=(ECHO, bytes_of(40)), up=b"x" * 40,
         sends=[*[frame(BINARY, b"xxxx")] * 10, BYE], down=bytes_of(40) + b"x" * 40, down_may_stop=True,
         sees=(ECHOED,)),
]

CASES = [*TAKEN, *REFUSED, *SENT]
UNTESTED = [
    Demand("RFC 6455 5.4", "MUST NOT", "Intermediaries change no fragmentation of control frames, of frames with "
           "reserved bits, or of messages under extensions that they do not know.",
           reason="wsluice is an endpoint: no frame is passed on, only payload."),
    Demand("RFC 6455 6.1", "MUST", "A client's frames are masked.", reason="A client's duty."),
    Demand("RFC 6455 6.2", "MUST", "The type of the data is noted.",
           reason="A byte stream has no place for it; it decides on the check for UTF-8, which is seen in 8.1, on "
                  "`--refuse-text`, and with `--frames` on base64 and on what an `auto` client is sent."),
]
