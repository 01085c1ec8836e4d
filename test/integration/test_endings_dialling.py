"""A target that can't be reached: what a page is told, at once or when the time is over, before the
upgrade (--dial-first) or after it, and what happens meanwhile.
"""
# ctest: waits cost=10

import socket

import pytest

from harness import BINARY, CLOSE, PING, PONG, DeafBackend, encode_frame, free_port

MEGABYTE = 1 << 20


@pytest.fixture
def deaf():
    backend = DeafBackend()
    yield backend
    backend.close()


REFUSED = "Connection refused"
TIMED_OUT = "No answer in time"


def test_a_refused_connection_is_told_in_words(wsluice, connect):
    bridge = wsluice(f"127.0.0.1:{free_port()}")
    client = connect(bridge)
    close = client.expect_close(1011)
    assert close.close_reason == f"Failed to connect to target: {REFUSED}"
    client.send_close(1011)
    client.expect_end("fin")
    client.close()
    bridge.wait_for_log(f'session ended side=backend cause="{REFUSED}" code=1011')


def test_frames_for_a_target_that_refuses_do_not_hide_the_reason(wsluice, connect):
    client = connect(wsluice(f"127.0.0.1:{free_port()}"), path=None)
    client.upgrade(first_frames=encode_frame(BINARY, b"x" * 20000) * 3)
    client.expect_close(1011, REFUSED)
    client.send(encode_frame(BINARY, b"y" * 50000) * 5)
    client.send_close()
    client.expect_end("fin")


def test_an_unanswered_connection_ends_when_the_time_is_over(wsluice, connect, deaf):
    client = connect(wsluice(deaf, "--dial-timeout", "0.4"))
    client.send_frame(PING, b"meanwhile")
    client.expect_frame(PONG, b"meanwhile")
    client.expect_close(1011, TIMED_OUT)


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "no-such-host.invalid"], ids=["malformed", "unknown"])
def test_a_name_without_an_address_is_told_in_words(wsluice, connect, host):
    """Which words depends on the resolver of the machine, which may have no network."""
    client = connect(wsluice(f"{host}:80", "--dial-timeout", "1.5"))
    reason = client.expect_close(1011).close_reason.removeprefix("Failed to connect to target: ")
    assert reason in ("The name has no address", "The name could not be looked up", TIMED_OUT)


@pytest.mark.parametrize("kind,reason", [("missing", "No such file"), ("no listener", REFUSED)])
def test_a_unix_socket_that_nobody_serves(wsluice, connect, tmp_path, kind, reason):
    path = tmp_path / "socket"
    if kind == "no listener":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    client = connect(wsluice(None, "--unix-target", path))
    client.expect_close(1011, reason)
    client.send_close()
    client.expect_end("fin")


# --- while the target has not answered yet ---


def test_what_came_while_dialling_reaches_the_target(wsluice, connect, deaf):
    bridge = wsluice(deaf)
    client = connect(bridge, path=None)
    client.upgrade(first_frames=encode_frame(BINARY, b"early "))
    client.send(encode_frame(BINARY, b"bird"))
    service = deaf.answer()
    assert service.recv_exact(10) == b"early bird"
    service.send(b"worm")
    assert client.recv_data(4) == b"worm"
    service.close()


def test_a_close_is_answered_at_once_though_the_target_is_silent(wsluice, connect, deaf):
    """And what was said before it still gets there."""
    client = connect(wsluice(deaf))
    client.send(encode_frame(BINARY, b"last words") + encode_frame(CLOSE, b"\x03\xe8done"))
    client.expect_close(1000)
    client.expect_end("fin")
    service = deaf.answer()
    assert service.recv_to_end() == (b"last words", "fin")
    service.close()


def test_a_client_that_leaves_without_a_word_stops_the_dial(wsluice, connect, deaf):
    bridge = wsluice(deaf, "--dial-timeout", "30")
    client = connect(bridge)
    client.reset()
    bridge.wait_for_log('session ended side=client cause="client reset the connection"')


def test_a_half_closed_client_still_gets_an_answer(wsluice, connect, deaf):
    client = connect(wsluice(deaf))
    client.send_frame(BINARY, b"question")
    client.finish()
    service = deaf.answer()
    assert service.recv_to_end() == (b"question", "fin")
    service.send(b"answer")
    service.close()
    data, close = client.recv_until_close()
    assert (data, close.close_code) == (b"answer", 1000)
    client.expect_end("fin")


def test_a_violation_while_dialling_is_answered_at_once(wsluice, connect, deaf):
    bridge = wsluice(deaf, "--dial-timeout", "1")
    client = connect(bridge)
    client.send(encode_frame(BINARY, b"good") + encode_frame(BINARY, b"bad", mask=None))
    client.expect_close(1002)
    client.expect_end("fin")
    client.close()
    bridge.wait_for_log("session ended side=client")


def test_a_dial_without_an_answer_costs_no_cpu_and_no_memory(wsluice, connect, deaf):
    client = connect(wsluice(deaf))
    taken = client.send_until_stalled(encode_frame(BINARY, b"z" * 65536), quiet=0.5)
    assert taken < 64 * MEGABYTE  # reading has stopped: one buffer is held, no more
    client.reset()


# --- --dial-first ---


def test_dial_first_upgrades_when_the_target_has_answered(wsluice, connect, backend):
    client = connect(wsluice(backend, "--dial-first"), path=None)
    client.upgrade(first_frames=encode_frame(BINARY, b"early" * 10000))
    service = backend.accept()
    assert service.recv_exact(50000) == b"early" * 10000
    service.send(b"ok")
    assert client.recv_data(2) == b"ok"


def expect_refusal(client, status, reason):
    response = client.upgrade(expect=status)
    assert reason in response.body.decode()
    assert response.header("Connection") == "close"
    client.expect_end("fin")
    return response


def test_dial_first_answers_502_when_refused(wsluice, connect):
    bridge = wsluice(f"127.0.0.1:{free_port()}", "--dial-first")
    expect_refusal(connect(bridge, path=None), 502, REFUSED)
    bridge.wait_for_log(r'request refused status=502 .*reason="Connection refused"')


def test_dial_first_answers_504_when_the_time_is_over(wsluice, connect, deaf):
    bridge = wsluice(deaf, "--dial-first", "--dial-timeout", "0.4")
    expect_refusal(connect(bridge, path=None), 504, TIMED_OUT)


def test_dial_first_answers_502_for_a_missing_unix_socket(wsluice, connect, tmp_path):
    bridge = wsluice(None, "--dial-first", "--unix-target", tmp_path / "none")
    expect_refusal(connect(bridge, path=None), 502, "No such file")


def test_dial_first_holds_the_upgrade_back_until_the_target_answers(wsluice, connect, deaf):
    client = connect(wsluice(deaf, "--dial-first"), path=None)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    client.expect_silence(0.5)
    client.send_frame(BINARY, b"early")
    service = deaf.answer()
    assert client.recv_response().status == 101
    assert service.recv_exact(5) == b"early"
    service.close()


def test_dial_first_stops_dialling_when_the_client_leaves(wsluice, connect, deaf):
    bridge = wsluice(deaf, "--dial-first", "--log-level", "debug", "--dial-timeout", "30")
    client = connect(bridge, path=None)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    bridge.wait_for_log("-> dialling")
    client.close()
    bridge.wait_for_log("connection dropped while dialling")


def test_a_target_that_comes_back_is_found_by_the_next_client(wsluice, connect, serve):
    port = free_port()
    bridge = wsluice(f"127.0.0.1:{port}")
    connect(bridge).expect_close(1011, REFUSED)
    serve(lambda wire: wire.send(b"back"), port=port)
    assert connect(bridge).recv_data(4) == b"back"
