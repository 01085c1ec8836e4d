"""Sessions that nobody ends: heartbeats, clients that don't answer them, and the idle limit."""
# ctest: waits cost=25

import time

import pytest

from harness import BINARY, CLOSE, PING, PONG, encode_frame


def test_a_quiet_session_gets_pings(open_session):
    _, client, service = open_session("--heartbeat", "0.2", "--pong-timeout", "0")
    for _ in range(4):
        client.expect_frame(PING, b"")  # not answered: with --pong-timeout 0 nobody minds
    service.send(b"alive")
    assert client.recv_data(5) == b"alive"


def test_no_pings_where_the_heartbeat_is_off(open_session):
    _, client, _ = open_session("--heartbeat", "0")
    client.expect_silence(1.0)


def test_no_pings_while_bytes_go_to_the_client(open_session):
    _, client, service = open_session("--heartbeat", "2")
    for _ in range(15):
        service.send(b"tick")
        assert client.recv_data(4) == b"tick"  # and no ping between
        time.sleep(0.2)


def test_a_ping_is_due_when_the_client_sends_and_gets_nothing(open_session):
    """Balancers cut at silence of the server's side; what the client sends does not help there."""
    _, client, service = open_session("--heartbeat", "0.5")
    deadline = time.monotonic() + 10
    client.sock.settimeout(0.05)
    while time.monotonic() < deadline:
        client.send_frame(BINARY, b"x")
        client.sock.settimeout(0.05)
        try:
            assert client.sock.recv(2) == b"\x89\x00"
            return
        except TimeoutError:
            pass
    raise AssertionError("no ping in 10 s")


def test_a_client_that_does_not_answer_pings_is_given_up(open_session):
    bridge, client, service = open_session("--heartbeat", "0.2", "--pong-timeout", "0.6")
    client.send_frame(BINARY, b"hello")
    while (frame := client.recv_frame()).opcode == PING:
        pass
    assert (frame.opcode, frame.close_code, frame.close_reason) == (CLOSE, 1011, "No answer to ping")
    client.expect_end("fin")
    assert service.recv_to_end() == (b"hello", "reset")
    client.close()
    bridge.wait_for_log('session ended side=wsluice cause="no answer to ping" code=1011')


@pytest.mark.parametrize("answer", [
    pytest.param(encode_frame(PONG, b""), id="pong"),
    pytest.param(encode_frame(BINARY, b""), id="empty message"),
    pytest.param(encode_frame(BINARY, b"x" * 100)[:1], id="one byte of a frame"),
])
def test_any_byte_of_the_client_shows_that_it_lives(open_session, answer):
    _, client, service = open_session("--heartbeat", "0.2", "--pong-timeout", "1")
    sent = b""
    for number in range(12):  # longer than the pong's time
        client.expect_frame(PING, b"")
        piece = answer if len(answer) > 1 else encode_frame(BINARY, b"x" * 100, mask=bytes(4))[number:number + 1]
        client.send(piece)
        sent += piece
    service.send(b"still here")
    while (frame := client.recv_frame()).opcode == PING:
        pass
    assert frame.payload == b"still here"


def test_a_client_that_is_held_back_by_its_service_need_not_answer(open_session):
    """Its pong may lie unread behind data that the service does not take."""
    _, client, service = open_session("--heartbeat", "0.2", "--pong-timeout", "0.5")
    frame = encode_frame(BINARY, b"z" * 65536)
    taken = client.send_until_stalled(frame, quiet=0.4)
    time.sleep(1.5)
    left = (len(frame) - taken % len(frame)) % len(frame)
    expected = (taken + left) // len(frame) * 65536
    got = 0
    client.sock.setblocking(False)
    rest = frame[len(frame) - left:] if left else b""
    while got < expected:
        if rest:
            try:
                rest = rest[client.sock.send(rest):]
            except BlockingIOError:
                pass
        piece = service.recv_some()
        assert piece, f"the stream ended by {service.ended} after {got} of {expected} bytes"
        got += len(piece)
    assert got == expected


def test_a_half_closed_client_need_not_answer(open_session):
    _, client, service = open_session("--heartbeat", "0.2", "--pong-timeout", "0.5")
    client.finish()
    service.expect_end("fin")
    time.sleep(1.5)
    service.send(b"the answer")
    service.close()
    while (frame := client.recv_frame()).opcode == PING:
        pass
    assert frame == (BINARY, b"the answer", True)
    while (frame := client.recv_frame()).opcode == PING:
        pass
    assert frame.close_code == 1000


# --- --session-idle-timeout ---


def test_an_idle_session_is_ended(open_session):
    bridge, client, service = open_session("--session-idle-timeout", "0.5")
    service.send(b"hello")
    assert client.recv_data(5) == b"hello"
    close = client.expect_close(1001)
    assert close.close_reason == "Idle"
    client.expect_end("fin")
    service.expect_end("reset")
    client.close()
    bridge.wait_for_log('session ended side=wsluice cause="idle" code=1001')


def test_pings_and_pongs_do_not_keep_a_session_from_being_idle(open_session):
    _, client, service = open_session("--session-idle-timeout", "0.8", "--heartbeat", "0.2")
    while True:
        client.send_frame(PING, b"p")
        frame = client.recv_frame()
        if frame.opcode == CLOSE:
            break
        assert frame.opcode in (PING, PONG)
        client.send_frame(PONG, frame.payload)
        time.sleep(0.05)
    assert (frame.close_code, frame.close_reason) == (1001, "Idle")
    service.expect_end("reset")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_payload_either_way_keeps_a_session(open_session, direction):
    _, client, service = open_session("--session-idle-timeout", "1")
    for _ in range(10):
        if direction == "up":
            client.send_frame(BINARY, b"x")
            assert service.recv_exact(1) == b"x"
        else:
            service.send(b"x")
            assert client.recv_data(1) == b"x"
        time.sleep(0.2)


def test_an_idle_session_of_a_half_closed_client_is_ended_too(open_session):
    bridge, client, service = open_session("--session-idle-timeout", "0.5")
    client.finish()
    service.expect_end("fin")
    client.expect_close(1001, "Idle")
    client.expect_end("fin")
    bridge.wait_for_log("session ended side=wsluice")
    with pytest.raises((BrokenPipeError, ConnectionResetError)):  # reset: after a FIN recv() can't tell
        service.send(b"x")
