"""How a session ends when its client does: with a Close, with FIN (also a half-close), inside a frame,
by a reset. The service must be able to tell a complete stream from a cut one.
"""
# ctest: waits cost=10

import os
import struct
import time

import pytest

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode_frame, processor_seconds, wait_until

MEGABYTE = 1 << 20


def close_frame(code=1000, reason=b""):
    return encode_frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


# --- Close ---


def test_a_close_is_echoed_and_all_before_it_reaches_the_service(open_session):
    bridge, client, service = open_session()
    client.send(encode_frame(BINARY, b"a") + encode_frame(BINARY, b"b" * 70000) + close_frame(4321, b"enough"))
    assert client.expect_close(4321).payload == struct.pack(">H", 4321)
    client.expect_end("fin")
    assert service.recv_to_end() == (b"a" + b"b" * 70000, "fin")
    client.close()
    service.close()
    bridge.wait_for_log(r'side=client cause="client closed" code=4321 .* up=70001 down=0')


def test_an_empty_close_is_echoed_by_an_empty_one(open_session):
    _, client, service = open_session()
    client.send(close_frame(None))
    assert client.expect_close().payload == b""
    client.expect_end("fin")
    service.expect_end("fin")


@pytest.mark.parametrize("garbage", [b"\xff", b"GET / HTTP/1.1\r\n\r\n", os.urandom(8000), b"\x00" * 800_000], ids=len)
def test_what_lies_behind_a_close_does_not_destroy_its_answer(open_session, garbage):
    _, client, service = open_session()
    client.send(encode_frame(BINARY, b"all") + close_frame() + garbage)
    client.expect_close(1000)
    client.expect_end("fin")
    assert service.recv_to_end() == (b"all", "fin")


def test_a_service_that_goes_on_after_the_close_is_not_blocked(open_session):
    bridge, client, service = open_session("--close-timeout", "5")
    client.send(encode_frame(BINARY, b"bye") + close_frame())
    client.expect_close(1000)
    client.expect_end("fin")
    client.close()
    assert service.recv_to_end() == (b"bye", "fin")
    service.send(os.urandom(40 * MEGABYTE))  # read and dropped
    service.close()
    bridge.wait_for_log("side=client .* down=0")


def test_a_service_that_keeps_silent_after_the_close_is_left_after_the_close_time(open_session):
    bridge, client, service = open_session("--close-timeout", "0.5")
    client.send(encode_frame(BINARY, b"bye") + close_frame())
    client.expect_close(1000)
    client.close()
    assert service.recv_to_end() == (b"bye", "fin")
    bridge.wait_for_log("session ended side=client")
    wait_until(lambda: send_fails(service))


def send_fails(wire):
    try:
        wire.send(b"x")
    except OSError:
        return True
    return False


def test_a_close_waits_only_for_the_frame_that_was_begun(open_session):
    """The service's bytes behind it are dropped: the client has said that it wants no more."""
    _, client, service = open_session("--max-frame-size", "1M", receive_buffer=65536)
    service.send_until_stalled(os.urandom(MEGABYTE), quiet=0.5)
    client.send(encode_frame(BINARY, b"stop") + close_frame())
    assert service.recv_exact(4) == b"stop"
    assert service.sock.recv(1) == b""
    client.recv_until_close()
    client.expect_end("fin")


# --- FIN between messages ---


def test_a_half_closed_client_gets_all_that_the_service_still_says(open_session):
    bridge, client, service = open_session("--close-timeout", "0.3")
    client.send_frame(BINARY, b"question")
    client.finish()
    assert service.recv_to_end() == (b"question", "fin")
    used = processor_seconds(bridge.pid)
    time.sleep(1)  # longer than the close time: nothing is closing
    assert processor_seconds(bridge.pid) - used < 0.1
    answer = os.urandom(5 * MEGABYTE)
    service.send(answer)
    time.sleep(0.5)
    service.send(b"!")
    service.close()
    data, close = client.recv_until_close()
    assert data == answer + b"!"
    assert close.close_code == 1000
    client.expect_end("fin")


@pytest.mark.parametrize("last", [
    pytest.param(encode_frame(BINARY, b""), id="behind an empty message"),
    pytest.param(encode_frame(BINARY, b"", fin=False) + encode_frame(CONTINUATION, b""), id="behind two fragments"),
    pytest.param(encode_frame(PING, b"p"), id="behind a ping"),
    pytest.param(b"", id="behind nothing"),
])
def test_a_stream_that_ends_between_messages_is_complete(open_session, last):
    _, client, service = open_session()
    client.send(encode_frame(TEXT, b"whole") + last)
    client.finish()
    assert service.recv_to_end() == (b"whole", "fin")
    service.close()


def test_a_client_that_closes_its_socket_is_found_by_the_next_bytes(open_session):
    """Its FIN alone could be a half-close; the reset that answers the service's bytes tells."""
    bridge, client, service = open_session()
    client.send_frame(BINARY, b"bye")
    client.close()
    assert service.recv_to_end() == (b"bye", "fin")
    try:
        while True:
            service.send(b"hello?")
            time.sleep(0.02)
    except (ConnectionResetError, BrokenPipeError):
        pass
    bridge.wait_for_log(r'side=client cause="client reset the connection"')


# --- FIN inside a message, and resets ---

HALF_FRAME = encode_frame(BINARY, b"x" * 40, length=100)
CUT = [
    ("first byte of a header", b"\x82", b""),
    ("length of a header", encode_frame(BINARY, b"x" * 70000)[:7], b""),
    ("mask of a header", encode_frame(BINARY, b"x")[:5], b""),
    ("header only", encode_frame(BINARY, b"x" * 9)[:6], b""),
    ("payload", HALF_FRAME, b"x" * 40),
    ("between fragments", encode_frame(BINARY, b"part", fin=False), b"part"),
    ("between fragments, behind a ping", encode_frame(BINARY, b"part", fin=False) + encode_frame(PING), b"part"),
    ("header of a fragment", encode_frame(BINARY, b"part", fin=False) + b"\x80", b"part"),
    ("inside a ping", encode_frame(PING, b"12345")[:-1], b""),
    ("inside a Close", close_frame(1000, b"bye")[:-1], b""),
    ("inside a character of a text", encode_frame(TEXT, "aé".encode()[:2], fin=False), b"a\xc3"),
]


@pytest.mark.parametrize("tail,payload", [row[1:] for row in CUT], ids=[row[0] for row in CUT])
def test_a_stream_that_ends_inside_a_message_is_seen_as_broken_by_both_sides(open_session, tail, payload):
    bridge, client, service = open_session()
    client.send(encode_frame(BINARY, b"whole ") + tail)
    client.finish()
    frame = client.recv_frame()
    if frame.opcode == PONG:
        frame = client.recv_frame()
    assert (frame.opcode, frame.close_code) == (CLOSE, 1002)
    assert frame.close_reason == "Connection ended inside a message"
    client.expect_end("fin")
    assert service.recv_to_end() == (b"whole " + payload, "reset")
    bridge.wait_for_log(r'side=client cause="connection ended inside a message" code=1002')


@pytest.mark.parametrize("tail,payload", [(b"", b""), (HALF_FRAME, b"x" * 40)], ids=["between messages", "inside"])
def test_a_reset_of_the_client_is_passed_on_behind_what_it_had_sent(open_session, tail, payload):
    bridge, client, service = open_session()
    sent = os.urandom(200_000)
    client.send(encode_frame(BINARY, sent) + tail)
    wait_until(lambda: client.unacked() == 0)
    client.reset()
    assert service.recv_to_end() == (sent + payload, "reset")
    bridge.wait_for_log(r'side=client cause="client reset the connection" code=0 .*up=2000(00|40) ')


def test_a_slow_service_gets_all_of_a_broken_stream_before_the_reset(open_session):
    _, client, service = open_session("--close-timeout", "1.5")
    sent = os.urandom(6 * MEGABYTE)
    client.send(encode_frame(BINARY, sent) + HALF_FRAME)
    client.finish()
    got = bytearray()
    while len(got) < len(sent):  # about 3 s
        got += service.recv_exact(min(65536, len(sent) - len(got)))
        time.sleep(0.03)
    assert got == sent
    assert service.recv_to_end() == (b"x" * 40, "reset")


def test_a_service_that_has_stopped_reading_does_not_keep_a_broken_session(open_session):
    bridge, client, service = open_session("--close-timeout", "0.7")
    client.send_until_stalled(encode_frame(BINARY, b"x" * 65536), quiet=0.5)
    client.reset()
    bridge.wait_for_log('session ended side=client cause="connection to the client failed"')
    assert service.recv_to_end()[1] == "reset"
