"""Where the bytes of a case are cut: at every place where they are few, else around the borders of their pieces.

A chunking is a name (a failure shows it) and the places where the bytes are cut. What is cut apart here arrives
apart: see the barrier in engine.py.
"""

import os
import random
import zlib
from itertools import accumulate

EVERY_SPLIT_MAX = 160  # places; up to here: every split in two, and byte by byte
HEADER_MAX = 14  # RFC 6455 5.2: 2 + 8 + 4 bytes; splits inside and right behind it
BORDERS = 6  # pieces of a long stream whose borders are tried; the first half of them and the last
HUGE = 1 << 20  # bytes; from here few chunkings, each takes its time
RANDOM_ROUNDS = 4
BYTE_BY_BYTE_MAX = 1000  # bytes, of a stream that is not cut at every place
CHOPS = (997, 65536)
CHOPS_OF_HUGE = (1_000_003,)


class Usual(bytes):
    """A piece that many cases have, such as a Host: some cut it at every place, the others at its ends only."""


def sanitized():
    """Whether the program under test is a slow one: then a sample of the chunkings must do."""
    return bool(os.environ.get("WSLUICE_SANITIZE"))


def cut(data, places):
    """The chunks of data, cut at the places; no byte is copied."""
    view = memoryview(data)
    edges = [0, *places, len(data)]
    return [view[a:b] for a, b in zip(edges, edges[1:]) if b > a]


def random_places(total, dice, average):
    """A cut every `average` bytes or so."""
    return sorted(dice.sample(range(1, total), min(total - 1, max(1, total // average))))


def every_place(pieces):
    """Every place between two bytes, but those inside of usual pieces."""
    at = 0
    for piece in pieces:
        if at:
            yield at
        if not isinstance(piece, Usual):
            yield from range(at + 1, at + len(piece))
        at += len(piece)


def place_count(pieces):
    return sum(1 if isinstance(piece, Usual) else len(piece) for piece in pieces)


def border_places(pieces, total):
    """Places in and around the headers of the first and the last pieces."""
    starts = [0, *accumulate(len(piece) for piece in pieces)]
    if len(starts) > BORDERS:
        starts = starts[:BORDERS // 2] + starts[-BORDERS // 2:]
    near = {start + offset for start in starts for offset in range(-1, HEADER_MAX + 1)}
    return sorted(place for place in near if 0 < place < total)


def every_chunking(pieces, seed, sample=None):
    """(name, places) for each way in which the bytes of `pieces` are to be cut; `seed` may be any text. `sample`:
    some of them must do; by default where the program under test is a slow one."""
    sample = sanitized() if sample is None else sample
    total = sum(map(len, pieces))
    dice = random.Random(zlib.crc32(seed.encode()))
    yield "one write", []
    if place_count(pieces) > EVERY_SPLIT_MAX:
        yield from many_bytes(total, pieces, dice, sample)
    elif total > 1:
        yield from few_bytes(total, list(every_place(pieces)), dice, sample)


def few_bytes(total, places, dice, sample):
    if sample:
        places = sorted(dice.sample(places, min(4, len(places))))
    yield from halves(total, places)
    if total > 2:
        yield "byte by byte", list(range(1, total))
    if total > 3:
        for number in range(1 if sample else RANDOM_ROUNDS):
            yield f"random cuts {number}", random_places(total, dice, dice.choice([2, 3, 5]))


def many_bytes(total, pieces, dice, sample):
    places = border_places(pieces, total)
    if sample or total >= HUGE:
        places = dice.sample(places, 1)
    yield from halves(total, places)
    if total <= BYTE_BY_BYTE_MAX:
        yield "byte by byte", list(range(1, total))
    for size in CHOPS_OF_HUGE if total >= HUGE else CHOPS:
        if size < total:
            yield f"chops of {size}", list(range(size, total, size))
    yield "random cuts", random_places(total, dice, max(min(total // 5, 1000), total // 40))


def halves(total, places):
    for place in places:
        yield f"two parts, {place} + {total - place}", [place]
