"""Frames to the client, byte by byte: binary, FIN set, no mask, lengths in their shortest form, no more
payload than --max-frame-size; and frames that come together with the request's head.
"""

import hashlib
import os
import threading

import pytest

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame, upgrade_request

MEGABYTE = 1 << 20


@pytest.mark.parametrize("length", [1, 2, 125, 126, 127, 65535, 65536, 65537, 300_000])
def test_every_frame_is_whole_binary_and_as_short_as_can_be(open_session, length):
    """recv_frame() checks mask, reserved bits and the form of the length, recv_data() opcode and FIN."""
    _, client, service = open_session()
    sent = os.urandom(length)
    service.send(sent)
    assert client.recv_data(length) == sent


@pytest.mark.parametrize("limit,most", [
    (None, 65536), ("1", 1), ("125", 125), ("126", 126), ("1000", 1000), ("64K", 65536), ("1M", MEGABYTE),
])
def test_no_frame_is_larger_than_allowed(open_session, limit, most):
    options = ["--max-frame-size", limit] if limit else []
    _, client, service = open_session(*options)
    sent = os.urandom(20_000 if most < 126 else 2 * MEGABYTE)
    sender = threading.Thread(target=service.send, args=(sent,), daemon=True)
    sender.start()
    data, largest = bytearray(), 0
    while len(data) < len(sent):
        frame = client.recv_frame()
        assert (frame.opcode, frame.fin) == (BINARY, True)
        assert 0 < len(frame.payload) <= most
        largest = max(largest, len(frame.payload))
        data += frame.payload
    assert hashlib.sha256(data).digest() == hashlib.sha256(sent).digest()
    assert largest == most or most == MEGABYTE


def test_a_byte_at_a_time_is_forwarded_at_once(open_session):
    _, client, service = open_session()
    for number in range(100):
        service.send(bytes([number]))
        client.expect_frame(BINARY, bytes([number]))


def test_a_service_that_speaks_first_is_heard_at_once(wsluice, serve, connect):
    bridge = wsluice(serve(lambda wire: (wire.send(b"220 welcome\r\n"), wire.recv_some())))
    client = connect(bridge)
    client.expect_frame(BINARY, b"220 welcome\r\n")


# --- together with the request's head ---

EARLY = [
    ("one frame", [encode_frame(BINARY, b"early")], b"early"),
    ("many frames", [encode_frame(BINARY, b"%04d" % n) for n in range(2000)], b"".join(b"%04d" % n for n in range(2000))),
    ("60 KB", [encode_frame(BINARY, b"e" * 60_000)], b"e" * 60_000),
    ("900 KB", [encode_frame(BINARY, b"e" * 900_000)], b"e" * 900_000),
    ("text in fragments", [encode_frame(TEXT, b"\xc3", fin=False), encode_frame(CONTINUATION, b"\xa4")], b"\xc3\xa4"),
]


@pytest.mark.parametrize("dial", [[], ["--dial-first"]], ids=["upgrade first", "dial first"])
@pytest.mark.parametrize("frames,payload", [row[1:] for row in EARLY], ids=[row[0] for row in EARLY])
def test_frames_that_come_with_the_head_are_not_lost(wsluice, backend, connect, frames, payload, dial):
    client = connect(wsluice(backend, *dial), path=None)
    sender = threading.Thread(target=client.send, args=(upgrade_request() + b"".join(frames),), daemon=True)
    sender.start()
    service = backend.accept()
    assert service.recv_exact(len(payload)) == payload
    sender.join()
    assert client.recv_response().status == 101
    client.send_frame(BINARY, b" later")
    assert service.recv_exact(6) == b" later"


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_frame_whose_start_comes_with_the_head(wsluice, backend, connect, cut):
    client = connect(wsluice(backend), path=None)
    frame = encode_frame(BINARY, b"z" * 70_000)
    client.upgrade(first_frames=frame[:cut])
    service = backend.accept()
    client.send(frame[cut:])
    assert service.recv_exact(70_000) == b"z" * 70_000


@pytest.mark.parametrize("dial", [[], ["--dial-first"]], ids=["upgrade first", "dial first"])
def test_a_whole_session_in_one_segment(wsluice, backend, connect, dial):
    client = connect(wsluice(backend, *dial), path=None)
    client.upgrade(first_frames=encode_frame(PING, b"p") + encode_frame(BINARY, b"all I have")
                   + encode_frame(CLOSE, b"\x03\xe8"))
    client.expect_frame(PONG, b"p")
    client.expect_close(1000)
    client.expect_end("fin")
    assert backend.accept().recv_to_end() == (b"all I have", "fin")


@pytest.mark.parametrize("dial", [[], ["--dial-first"]], ids=["upgrade first", "dial first"])
def test_a_half_closed_session_in_one_segment(wsluice, serve, connect, dial):
    """As `nc -N` or a test tool does it: request, a frame, FIN; then it waits for the answer."""
    def answer(wire):
        assert wire.recv_to_end() == (b"question", "fin")
        wire.send(b"answer")

    client = connect(wsluice(serve(answer), *dial), path=None)
    client.send(upgrade_request() + encode_frame(BINARY, b"question"))
    client.finish()
    assert client.recv_response().status == 101
    data, close = client.recv_until_close()
    assert (data, close.close_code) == (b"answer", 1000)
    client.expect_end("fin")


def test_a_close_that_comes_with_the_head_is_echoed_behind_the_101(wsluice, backend, connect):
    client = connect(wsluice(backend), path=None)
    client.upgrade(first_frames=encode_frame(CLOSE, b""))
    assert client.expect_close().payload == b""
    client.expect_end("fin")
