"""Seeds of the fuzz targets, made by hand: what a target should know of from the start.

`of(target)` gives (label, bytes) for each; run.py writes them beside the corpora. An input ends in the choices
that its target takes from its end (see the target's first lines): CUTS and the like below.
"""

WHOLE = b"\x00\x00"  # how a stream is cut: all at once
BYTES = b"\x00\x01"  # byte by byte
SOMEHOW = b"\x12\x34"

MASK = bytes([0x37, 0xFA, 0x21, 0x3D])


def frame(opcode, payload=b"", fin=True, mask=MASK):
    """A client's frame (RFC 6455 5.2)."""
    length = len(payload)
    if length < 126:
        extended = bytes([0x80 | length])
    elif length < 1 << 16:
        extended = b"\xfe" + length.to_bytes(2, "big")
    else:
        extended = b"\xff" + length.to_bytes(8, "big")
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + extended + mask + masked


TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

STREAMS = {
    "hello": frame(TEXT, b"Hello"),
    "fragments": frame(BINARY, b"one", fin=False) + frame(PING, b"p") + frame(0, b"two", fin=False) + frame(0),
    "characters": frame(TEXT, "\u00b5 \u20ac \U0001f600".encode()),
    "cut-character": frame(TEXT, b"\xe2\x82", fin=False) + frame(PONG) + frame(0, b"\xac"),
    "length-16": frame(BINARY, bytes(range(256))),
    "length-64": frame(BINARY, b"x" * 70000)[:300],
    "close": frame(CLOSE, b"\x03\xe8bye"),
    "close-empty": frame(BINARY, b"last") + frame(CLOSE),
    "plain-mask": frame(BINARY, b"not masked at all", mask=b"\0\0\0\0"),
}


def frame_decode():
    for label, stream in STREAMS.items():
        yield label, stream + SOMEHOW + b"\x00"
    yield "text-refused", STREAMS["hello"] + WHOLE + b"\x01"


# By target; each function yields (label, bytes).
SEEDS = {
    "frame_decode": frame_decode,
}


def of(target):
    """(label, bytes) of each seed of `target`."""
    return list(SEEDS[target]()) if target in SEEDS else []
