"""Sizes and limits (RFC 6455 10.4, 5.4): long frames and messages both ways, many small ones, and lengths that are
only declared."""

from harness import BINARY, PING, TEXT

from .case import BYE, ECHO, ECHOED, Case, Close, Demand, Pong, frame
from .cases_fragmentation import fragments
from .cases_framing import bytes_of, text_of

KIB, MIB = 1 << 10, 1 << 20

PROTECT = Demand("RFC 6455 10.4", "MUST", "Limits of the implementation on frames and messages can't be exceeded by a "
                 "peer.", outcome="There are none: payload is passed on as it comes and no message is assembled. A "
                 "declared length takes no memory (test_messages.py looks at it).")
LIMIT = Demand("RFC 6455 10.4", "SHOULD", "Such an implementation limits the sizes of frames and messages.",
               outcome="Toward the client by `--max-frame-size`; from it no limit is needed.")
STREAM = Demand("RFC 6455 5.4", "", "A frame may be processed in parts, as it comes.",
                outcome="Every read's payload goes up at once, however long its frame and its message are.")


def echoed(name, demand, pieces, payload, **more):
    """Up, and the same bytes down."""
    return Case(f"limits/{name}", demand, "limits and sizes", sends=pieces, service=(ECHO,), up=payload, down=payload,
                then=[BYE], sees=(ECHOED,), **more)


def one_frame(kind, opcode, make, size, name):
    return echoed(f"{kind}-frame-of-{name}", STREAM, lambda: [frame(opcode, make(size))], lambda: make(size))


def in_fragments(size, piece, name):
    def pieces():
        data = bytes_of(size)
        return fragments(BINARY, *(data[i:i + piece] for i in range(0, size, piece)))

    return echoed(f"fragments-{name}", PROTECT, pieces, lambda: bytes_of(size))


LONG = [
    one_frame("binary", BINARY, bytes_of, 256 * KIB, "256-kib"),
    one_frame("text", TEXT, text_of, 256 * KIB, "256-kib"),
    one_frame("binary", BINARY, bytes_of, MIB, "1-mib"),
    one_frame("text", TEXT, text_of, MIB, "1-mib"),
    one_frame("binary", BINARY, bytes_of, 4 * MIB, "4-mib"),
    one_frame("binary", BINARY, bytes_of, 16 * MIB, "16-mib"),
    one_frame("text", TEXT, text_of, 16 * MIB, "16-mib"),
    in_fragments(64 * KIB, 1300, "of-1300"),
    in_fragments(4 * KIB, 64, "of-64"),
    in_fragments(4 * MIB, 256 * KIB, "of-256-kib"),
]
MANY = [
    echoed(f"messages-{count}-of-{size}", STREAM,
           lambda count=count, size=size: [frame(BINARY, bytes_of(size))] * count,
           lambda count=count, size=size: bytes_of(size) * count)
    for count, size in [(2000, 0), (2000, 1), (2000, 16), (1000, 64), (500, 256), (300, 1024), (100, 4096)]
]
DECLARED = [
    Case(f"limits/declared-{name}", PROTECT, "limits and sizes",
         sends=[frame(opcode, b"ten bytes!", length=length, fin=fin)], finish="fin", up=b"ten bytes!", backend="reset",
         sees=(Close(1002, "inside a message"),))
    for name, opcode, length, fin in [
        ("2^63-1", BINARY, (1 << 63) - 1, True), ("2^60", BINARY, 1 << 60, True), ("2^32", TEXT, 1 << 32, True),
        ("2^31", BINARY, 1 << 31, True), ("65536", TEXT, 65536, False), ("2^63-1-in-a-fragment", TEXT, (1 << 63) - 1,
                                                                         False)]
] + [
    Case("limits/endless-fragments", PROTECT, "limits and sizes",
         sends=lambda: [frame(BINARY, b"", fin=False), *[frame(0x0, b"x", fin=False)] * 3000, frame(PING, b"still?"),
                        frame(0x0, b"")], then=[BYE], sees=(Pong(b"still?"), ECHOED), up=b"x" * 3000),
]
FRAMES_DOWN = [
    Case(f"limits/max-frame-size-{size}", LIMIT, "limits and sizes", options=("--max-frame-size", str(size)),
         service=(lambda: bytes_of(200_000),), down=lambda: bytes_of(200_000), then=[BYE], sees=(ECHOED,),
         down_frame_max=size)
    for size in (1024, 65535, 131072)
] + [
    Case("limits/max-frame-size-default", LIMIT, "limits and sizes", service=(lambda: bytes_of(500_000),),
         down=lambda: bytes_of(500_000), then=[BYE], sees=(ECHOED,), down_frame_max=65536),
]

CASES = [*LONG, *MANY, *DECLARED, *FRAMES_DOWN]
UNTESTED = []
