# ctest: timeout=1800 cost=18
"""Generated, broken and bent streams of frames, cut at random, decoded by wsluice in place and by wsproto; and our
frames, decoded by wsproto's client.

    DIFFERENTIAL_N=1000000 DIFFERENTIAL_SEED=7 /usr/bin/python3 -m pytest test/differential/test_frames.py
"""

import os
import struct
from collections import Counter
from random import Random

from wsproto.connection import ConnectionType

from .frame_decisions import differences
from .frame_reading import CLOSED, decode_with_wsluice, decode_with_wsproto
from .frame_stories import BINARY, CLOSE, CODES, PING, PONG, TEXTS, pieces_of, stream_of
from .tools import SANITIZED, ask, codec_tool

COUNT = int(os.environ.get("DIFFERENTIAL_N", 20_000)) // (10 if SANITIZED else 2)
SEED = int(os.environ.get("DIFFERENTIAL_SEED", 1))
BATCH = 2_000
SHOWN = 3
SHRINK_ROUNDS_MAX = 40
NO_STATUS = 1005
REASON_MAX = 123  # RFC 6455 5.5: 125 bytes, two of them the code
PAYLOAD_LENGTHS = [0, 1, 125, 126, 127, 128, 255, 256, 65_535, 65_536, 65_537, 1_000_000]


def drawn(number):
    """The pieces of story `number` of this run's seed."""
    random = Random(SEED << 40 | number)
    return pieces_of(random, stream_of(random))


def differing(stories):
    """(pieces, what differs) of those that do."""
    found = []
    for pieces, ours in zip(stories, decode_with_wsluice(stories)):
        words = differences(pieces, ours, decode_with_wsproto(pieces))
        if words:
            found.append((pieces, words))
    return found


def shrink(pieces):
    """The same story with fewer bytes or fewer cuts, as long as anything differs."""
    size = max(len(pieces) // 2, 1)
    for _ in range(SHRINK_ROUNDS_MAX):
        starts = range(0, len(pieces), size)
        fewer = [pieces[:at] + pieces[at + size:] for at in starts]
        joined = [[*pieces[:at], b"".join(pieces[at:at + size + 1]), *pieces[at + size + 1:]] for at in starts]
        less = [[*pieces[:at], piece[:len(piece) // 2], *pieces[at + 1:]]
                for at, piece in enumerate(pieces) if len(piece) > 1]
        found = differing([story for story in fewer + joined + less if b"".join(story)])
        if found:
            pieces = min((story for story, _ in found), key=lambda story: (len(b"".join(story)), len(story)))
        elif size == 1:
            break
        size = max(min(size, len(pieces)) // 2, 1)
    return pieces


def explain(found):
    texts = []
    for pieces, _ in found[:SHOWN]:
        short = shrink(pieces)
        texts.append(f"{differing([short])[0][1]}\n  pieces: {short!r}\n  drawn:  {pieces!r}")
    return f"{len(found)} stories differ (seed {SEED}):\n" + "\n".join(texts)


def test_streams_are_decoded_alike():
    found = []
    for start in range(0, COUNT, BATCH):
        found += differing([drawn(number) for number in range(start, min(start + BATCH, COUNT))])
        print(f"{min(start + BATCH, COUNT)} stories, {len(found)} differ", flush=True)
    assert found == [], explain(found)


def test_the_stories_end_in_every_way():
    """What was compared is worth it: each reason for a violation, and a Close, many times."""
    ends = Counter(heard.end[2] if heard.end and heard.end[0] != CLOSED else heard.end and CLOSED
                   for heard in decode_with_wsluice([drawn(number) for number in range(2_000)]))
    assert len(ends) == 2 + 13, ends  # none, a Close, each violation of frame_decode.c but 1003
    assert min(ends.values()) >= 3, ends


# --- our frames --------------------------------------------------------------------------------------


def heard_by_a_client(frames):
    return decode_with_wsproto([bytes([byte]) for byte in frames[:200]] + [frames[200:]], ConnectionType.CLIENT)


def test_our_headers_are_what_a_client_reads():
    lengths = [(BINARY, length) for length in PAYLOAD_LENGTHS]
    lengths += [(kind, size) for kind in (PING, PONG) for size in (0, 5, 125)]
    headers = ask(codec_tool("encode_frames"), [struct.pack(">BQ", *item) for item in lengths])
    for (opcode, length), header in zip(lengths, headers):
        payload = bytes(number % 251 for number in range(length))
        heard = heard_by_a_client(bytes.fromhex(header) + payload)
        assert heard.end is None
        if opcode == BINARY:
            assert heard.payload == payload
        else:
            assert heard.controls == [("ping" if opcode == PING else "pong", payload)]


def test_our_close_frames_are_what_a_client_reads():
    reasons = TEXTS + ["x" * 122 + "\u20ac", "x" * 121 + "\u20ac", "\U0001f600" * 31, "\u00e9" * 62]
    closes = [(code, reason.encode()) for code in [*CODES, NO_STATUS] for reason in reasons]
    frames = ask(codec_tool("encode_frames"), [struct.pack(">BH", CLOSE, code) + reason for code, reason in closes])
    for (code, reason), frame in zip(closes, frames):
        kept = b"" if code == NO_STATUS else reason[:REASON_MAX].decode(errors="ignore").encode()
        assert heard_by_a_client(bytes.fromhex(frame)).end == (CLOSED, code, kept)
