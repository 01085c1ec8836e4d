"""Frames of a client in every form that RFC 6455 allows, cut anywhere: the service gets exactly the
payload. (What it does not allow: test_endings_violations.py.)
"""

import hashlib
import os
import random
import struct
import threading

import pytest

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame

MEGABYTE = 1 << 20
LENGTHS = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, 200_003]
TEXT_SAMPLE = "plain, \u00e4\u00f6\u00fc, \u20ac, \U0001f600, \ufeff, \x00, \U0010ffff, \ufffd.".encode()


@pytest.fixture
def session(open_session):
    return open_session()[1:]


@pytest.mark.parametrize("length", LENGTHS)
def test_every_length_form(session, length):
    client, service = session
    payload = os.urandom(length)
    client.send(encode_frame(BINARY, payload) + encode_frame(BINARY, b"|"))
    assert service.recv_exact(length + 1) == payload + b"|"


MASKS = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\0\0\0", b"\0\0\0\1", b"\x12\x34\x56\x78"]


@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: mask.hex())
def test_every_mask(session, mask):
    client, service = session
    payload = os.urandom(70_001)
    client.send_frame(BINARY, payload, mask=mask, chunk=30_001, pause=0.01)
    assert service.recv_exact(len(payload)) == payload


def mixed_stream(seed):
    """A stream of all kinds of frames: (bytes, payload, the pings' bodies)."""
    dice = random.Random(seed)
    stream, payload, pings = bytearray(), bytearray(), []
    for _ in range(40):
        opcode = dice.choice([TEXT, BINARY])
        data = TEXT_SAMPLE if opcode == TEXT else dice.randbytes(dice.choice([0, 1, 3, 125, 126, 300, 1000]))
        cuts = sorted(dice.choices(range(len(data) + 1), k=dice.choice([0, 0, 1, 3])))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
        for number, piece in enumerate(pieces):
            stream += encode_frame(opcode if number == 0 else CONTINUATION, piece, fin=number == len(pieces) - 1)
            if dice.random() < 0.3:
                body = dice.randbytes(dice.choice([0, 1, 5, 125]))
                opcode_between = dice.choice([PING, PONG])
                stream += encode_frame(opcode_between, body)
                if opcode_between == PING:
                    pings.append(body)
        payload += data
    return bytes(stream), bytes(payload), pings


def expect_pongs(client, pings):
    """Answers in order; the last ping has one, earlier ones may be skipped when they came in one batch."""
    at = 0
    while at < len(pings):
        frame = client.recv_frame()
        assert frame.opcode == PONG
        assert frame.payload in pings[at:], "a pong that no ping asked for, or out of order"
        at += pings[at:].index(frame.payload) + 1
    return True


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cut", ["whole", "byte by byte", "random"])
def test_every_chunking(session, cut, seed):
    client, service = session
    stream, payload, pings = mixed_stream(seed)
    if cut == "whole":
        client.send(stream)
    elif cut == "byte by byte":
        client.send(stream, chunk=1)
    else:
        dice, at = random.Random(seed), 0
        while at < len(stream):
            size = dice.choice([1, 2, 3, 7, 14, 100, 1400])
            client.send(stream[at:at + size], chunk=size, pause=0.0005)
            at += size
    assert service.recv_exact(len(payload)) == payload
    expect_pongs(client, pings)
    client.send_close()
    client.expect_close(1000)
    service.expect_end("fin")


def test_a_frame_of_sixteen_megabytes(session):
    client, service = session
    payload = os.urandom(16 * MEGABYTE)
    sender = threading.Thread(target=client.send_frame, args=(BINARY, payload), daemon=True)
    sender.start()
    got = service.recv_exact(len(payload))
    assert hashlib.sha256(got).digest() == hashlib.sha256(payload).digest()
    sender.join()


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_hundred_thousand_tiny_frames_at_once(session, size):
    client, service = session
    payload = os.urandom(100_000 * size)
    stream = b"".join(encode_frame(BINARY, payload[at * size:(at + 1) * size]) for at in range(100_000))
    sender = threading.Thread(target=client.send, args=(stream + encode_frame(BINARY, b"end"),), daemon=True)
    sender.start()
    assert service.recv_exact(len(payload) + 3) == payload + b"end"
    sender.join()


def test_a_huge_length_costs_nothing_until_bytes_come(session):
    client, service = session
    client.send(encode_frame(BINARY, b"start", length=(1 << 63) - 1))
    assert service.recv_exact(5) == b"start"
    service.send(b"alive")
    assert client.recv_data(5) == b"alive"


def test_endless_fragments_are_forwarded_as_they_come(session):
    client, service = session
    client.send_frame(BINARY, b"0", fin=False)
    assert service.recv_exact(1) == b"0"
    for number in range(1, 50):
        client.send_frame(CONTINUATION, b"%d" % (number % 10), fin=False)
        assert service.recv_exact(1) == b"%d" % (number % 10)


# --- text ---


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_text_is_forwarded_as_its_bytes_though_fragments_cut_characters(session, step):
    client, service = session
    pieces = [TEXT_SAMPLE[at:at + step] for at in range(0, len(TEXT_SAMPLE), step)]
    client.send_frame(TEXT, pieces[0], fin=False)
    for piece in pieces[1:]:
        client.send(encode_frame(CONTINUATION, piece, fin=False) + encode_frame(PING))
    client.send(encode_frame(CONTINUATION, b"") + encode_frame(BINARY, b"\xff|"))
    assert service.recv_exact(len(TEXT_SAMPLE) + 2) == TEXT_SAMPLE + b"\xff|"


def test_binary_need_not_be_utf8(session):
    client, service = session
    client.send(encode_frame(BINARY, b"\xff\xc0", fin=False) + encode_frame(CONTINUATION, b"\xed\xa0\x80"))
    assert service.recv_exact(5) == b"\xff\xc0\xed\xa0\x80"


# --- control frames ---


@pytest.mark.parametrize("lengths", [range(0, 126, 5), [1, 2, 3, 4, 124, 125]], ids=["every fifth", "edges"])
def test_pings_of_every_length_are_echoed(session, lengths):
    client, _ = session
    for length in lengths:
        body = os.urandom(length)
        client.send_frame(PING, body, chunk=max(1, length // 2), pause=0.001)
        client.expect_frame(PONG, body)


def test_unsolicited_pongs_are_ignored(session):
    client, service = session
    client.send(encode_frame(PONG, b"") + encode_frame(PONG, b"x" * 125) + encode_frame(BINARY, b"data"))
    assert service.recv_exact(4) == b"data"
    client.expect_silence(0.2)


def test_a_ping_inside_a_message_is_answered_before_its_end(session):
    client, service = session
    client.send(encode_frame(TEXT, b"first", fin=False) + encode_frame(PING, b"inside"))
    client.expect_frame(PONG, b"inside")
    client.send(encode_frame(CONTINUATION, b" last"))
    assert service.recv_exact(10) == b"first last"


ALLOWED = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]
REFUSED = [0, 1, 255, 256, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32768, 65535]


@pytest.mark.parametrize("answer,codes", [("echo", ALLOWED), (1002, REFUSED)], ids=["allowed", "refused"])
def test_close_codes(wsluice, backend, connect, answer, codes):
    bridge = wsluice(backend)
    for code in codes:
        client = connect(bridge)
        client.send_frame(CLOSE, struct.pack(">H", code) + "gr\u00fcn".encode())
        close = client.expect_close()
        assert close.close_code == (code if answer == "echo" else answer), f"code {code}: {close}"
        client.expect_end("fin")
        client.close()


@pytest.mark.parametrize("reason", [b"", b"x" * 123, "\u20ac".encode() * 41], ids=["empty", "longest", "longest, of three bytes"])
def test_close_reasons_of_every_length(session, reason):
    client, service = session
    client.send_frame(CLOSE, b"\x03\xe8" + reason)
    client.expect_close(1000)
    client.expect_end("fin")
    service.expect_end()
