"""Streams of a client's frames for two decoders to read: valid ones, such with one rule broken, and bent bytes."""

import struct
from itertools import accumulate

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

TEXTS = [
    "", "a", "plain", "\u00e4\u00f6\u00fc", "\u20ac", "\ud7ff\ue000\ufffd\uffff", "\U00010000\U0010ffff", "\0",
    "z" * 130, "\u00e9" * 63, "\U0001f600" * 40, "line\r\n", "\ufeffbom", "\u0800\u07ff\x7f\x80",
]
# Broken UTF-8: strays, too long forms, surrogates, out of range, cut short.
BROKEN_TEXTS = [
    b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
    b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff", b"\xfe", b"\xc3",
    b"\xe2\x82", b"\xf0\x9f\x98", b"a\xe2\x28\xa1", b"ok\xf8\x88\x80\x80\x80", b"\xe2\x82\xac\xe2\x82",
    b"\xc3\xa4\xc3",
]
CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
ODD_CODES = [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 9999, 65535]
LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 100, 124, 125, 126, 127, 128, 300]
LONG_LENGTHS = [65535, 65536, 65537, 70_000]


def header(opcode, length, fin=1, rsv=0, masked=1, form=None):
    """All of a header but the mask; `form` (7, 16 or 64) forces a form of the length."""
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    first = bytes([fin << 7 | rsv << 4 | opcode])
    if form == 7:
        return first + bytes([masked << 7 | length & 0x7F])
    short, layout = (126, ">H") if form == 16 else (127, ">Q")
    return first + bytes([masked << 7 | short]) + struct.pack(layout, length)


def masked(payload, key):
    pad = (key * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")


def frame(random, opcode, payload, **bits):
    key = random.choice([random.randbytes(4), b"\0\0\0\0", b"\xff\0\xff\0"])
    unmasked = bits.get("masked") == 0
    return header(opcode, len(payload), **bits) + (payload if unmasked else key + masked(payload, key))


def text(random, broken):
    words = b"".join(random.choice(TEXTS).encode() for _ in range(random.randint(0, 4)))
    if not broken:
        return words
    at = len(random.choice(TEXTS[:5]).encode())
    return words[:at] + random.choice(BROKEN_TEXTS) + random.choice([b"", b"tail", words])


def parts_of(random, payload):
    """The payload cut into fragments, some of them empty."""
    cuts = sorted(random.randint(0, len(payload)) for _ in range(random.choice([0, 0, 0, 1, 2, 5])))
    return [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)])]


def control(random):
    return frame(random, random.choice([PING, PONG]), random.randbytes(random.choice(LENGTHS[:14])))


def message(random, broken_text=False):
    """A message as frames, with pings and pongs between its fragments."""
    if broken_text or random.random() < 0.5:
        opcode, payload = TEXT, text(random, broken_text)
    else:
        opcode = BINARY
        payload = random.randbytes(random.choice(LENGTHS if random.random() < 0.99 else LONG_LENGTHS))
    parts, frames = parts_of(random, payload), []
    for number, part in enumerate(parts):
        frames.append(frame(random, opcode if number == 0 else CONTINUATION, part, fin=int(number == len(parts) - 1)))
        if random.random() < 0.2:
            frames.append(control(random))
    return frames


def close(random):
    kind = random.random()
    if kind < 0.2:
        return frame(random, CLOSE, b"")
    if kind < 0.25:
        return frame(random, CLOSE, b"\x03")
    code = struct.pack(">H", random.choice(ODD_CODES if kind > 0.75 else CODES))
    if kind > 0.4:
        reason = random.choice(TEXTS).encode()[:122].decode(errors="ignore").encode()
    else:
        reason = random.choice(BROKEN_TEXTS)
    return frame(random, CLOSE, code + reason)


def violation(random):
    """A frame that breaks a rule wherever it stands, or nearly always."""
    payload = random.randbytes(random.choice(LENGTHS[:8]))
    return random.choice([
        lambda: frame(random, random.choice([BINARY, TEXT, PING, CONTINUATION]), payload, rsv=random.randint(1, 7)),
        lambda: frame(random, random.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload),
        lambda: frame(random, BINARY, payload, masked=0),
        lambda: frame(random, random.choice([PING, PONG, CLOSE]), payload, fin=0),
        lambda: frame(random, random.choice([PING, PONG, CLOSE]), random.randbytes(126)),
        lambda: frame(random, random.choice([PING, BINARY]), payload, form=random.choice([16, 64])),
        lambda: frame(random, BINARY, random.randbytes(random.choice([124, 125, 126])), form=16),
        lambda: frame(random, BINARY, random.randbytes(random.choice([65_534, 65_535, 65_536])), form=64),
        lambda: frame(random, CONTINUATION, payload, fin=random.randint(0, 1)),
        lambda: frame(random, BINARY, payload, fin=0) + frame(random, TEXT, payload),
        lambda: header(BINARY, random.choice([1 << 63, (1 << 64) - 1, 1 << 62]), form=64) + b"key!" + payload,
    ])()


def bend(random, stream):
    """The stream with some random bytes changed, taken out or put in."""
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(stream))
        stream = random.choice([
            lambda: stream[:at] + bytes([stream[at] ^ 1 << random.randrange(8)]) + stream[at + 1:],
            lambda: stream[:at] + stream[at + 1:],
            lambda: stream[:at] + random.randbytes(1) + stream[at:],
        ])() or b"\x88"
    return stream


def stream_of(random):
    """A client's bytes: messages, and maybe something that ends them."""
    frames = []
    for _ in range(random.choice([0, 1, 1, 2, 4])):
        frames += message(random) if random.random() < 0.8 else [control(random)]
    ending = random.random()
    if ending < 0.25:
        frames.append(close(random))
    elif ending < 0.45:
        frames.insert(random.randint(0, len(frames)), violation(random))
    elif ending < 0.6:
        frames += message(random, broken_text=True)
    stream = b"".join(frames) + random.choice([b"", b"", b"\x81\x80key!"]) or b"\x81"
    if ending > 0.85:
        stream = bend(random, stream)
    return stream[:random.randint(1, len(stream))] if random.random() < 0.1 else stream


def pieces_of(random, stream):
    """The stream as reads bring it: whole, byte by byte, or cut anywhere."""
    style = random.random()
    if style < 0.2:
        return [stream]
    if style < 0.35 and len(stream) < 2000:
        return [stream[at:at + 1] for at in range(len(stream))]
    most = random.choice([2, 5, 15, 200, 5000])
    sizes = [random.randint(1, most) for _ in range(len(stream) * 2 // (most + 1) + 1)]
    cuts = [0, *(cut for cut in accumulate(sizes) if cut < len(stream)), len(stream)]
    return [stream[start:end] for start, end in zip(cuts, cuts[1:])]
