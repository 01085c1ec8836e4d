# ctest: threads waits cost=12
"""Ends that the server comes to by itself: --run-once, --timeout, --idle-timeout."""

import os
import signal
import time

import pytest

from harness import BINARY, Backend, RawClient, wait_until


def refused(bridge):
    try:
        RawClient(bridge.port).close()
    except ConnectionRefusedError:
        return True
    return False


def end(client, code=1000):
    client.send_close(code)
    client.expect_close(code)
    client.close()


# ---- --run-once ----

def test_run_once_ends_with_its_first_session(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--run-once")
    client = connect(bridge)
    client.send_frame(BINARY, b"the only one")
    assert client.recv_data(12) == b"the only one"
    end(client)
    assert bridge.wait_for_exit() == 0
    assert "--run-once" in bridge.log


def test_run_once_turns_others_away_and_serves_files(wsluice, echo_backend, connect, tmp_path):
    (tmp_path / "index.html").write_text("still here")
    bridge = wsluice(echo_backend, "--run-once", "--web", tmp_path, "--workers", "2")
    for _ in range(3):  # no sessions
        with RawClient(bridge.port) as visitor:
            assert visitor.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").body == b"still here"
    client = connect(bridge)
    for _ in range(8):  # whichever worker takes it
        with RawClient(bridge.port) as other:
            answer = other.upgrade(expect=503)
            assert b"one session" in answer.body
        with RawClient(bridge.port) as visitor:
            assert visitor.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").body == b"still here"
    client.send_frame(BINARY, b"undisturbed")
    assert client.recv_data(11) == b"undisturbed"
    end(client)
    assert bridge.wait_for_exit() == 0


def test_run_once_counts_no_upgrade_that_came_to_nothing(wsluice, backend, connect):
    bridge = wsluice(backend, "--run-once", "--dial-first", "--origin", "http://good.example")
    with RawClient(bridge.port) as stranger:
        stranger.upgrade(headers={"Origin": "http://evil.example"}, expect=403)
    listener_port = backend.port
    backend.close()
    early = connect(bridge, path=None)  # whoever was answered has had no turn, and may still be there
    early.upgrade(headers={"Origin": "http://good.example"}, expect=502)
    back = Backend(port=listener_port)
    client = connect(bridge, headers={"Origin": "http://good.example"})
    service = back.accept()
    service.send(b"now")
    assert client.recv_data(3) == b"now"
    end(client)
    back.close()
    assert bridge.wait_for_exit() == 0


def test_run_once_ends_when_the_target_cannot_be_reached(wsluice, connect):
    bridge = wsluice("127.0.0.1:9", "--run-once")
    client = connect(bridge)
    client.expect_close(1011)
    client.send_close(1011)
    client.close()
    assert bridge.wait_for_exit() == 0


def test_run_once_does_not_wait_for_a_client_that_says_nothing(wsluice, connect):
    """Nothing of it is wanted, where there never was a target; its Close arrives all the same."""
    bridge = wsluice("127.0.0.1:9", "--run-once")
    client = connect(bridge)
    client.send_frame(BINARY, b"x" * 100000)
    bridge.wait_for_log("session ended", limit=4)
    assert bridge.wait_for_exit() == 0
    client.expect_close(1011)


# ---- --timeout ----

def test_timeout_stops_listening_and_lets_sessions_go_on(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--timeout", "1")
    client = connect(bridge)
    kept = connect(bridge, path=None)
    kept.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    bridge.wait_for_log(r"--timeout")
    wait_until(lambda: refused(bridge), message="it still listens")
    kept.expect_end()  # nobody is kept waiting on an idle connection
    client.send_frame(BINARY, b"still open")
    assert client.recv_data(10) == b"still open"
    assert bridge.process.poll() is None
    end(client)
    assert bridge.wait_for_exit() == 0


def test_timeout_without_sessions_ends_at_once(wsluice, echo_backend):
    bridge = wsluice(echo_backend, "--timeout", "0.3")
    assert bridge.wait_for_exit() == 0


def test_sigterm_ends_sessions_that_a_timeout_left(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--timeout", "0.3")
    client = connect(bridge)
    bridge.wait_for_log(r"--timeout")
    os.kill(bridge.pid, signal.SIGTERM)
    client.expect_close(1001)
    client.send_close(1001)
    client.close()
    assert bridge.wait_for_exit() == 0


def test_timeout_0_is_never(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--timeout", "0", "--idle-timeout=0")
    end(connect(bridge))
    time.sleep(0.3)
    assert bridge.process.poll() is None


# ---- --idle-timeout ----

def test_idle_timeout_counts_from_the_start(wsluice, echo_backend):
    bridge = wsluice(echo_backend, "--idle-timeout", "0.3")
    assert bridge.wait_for_exit() == 0
    assert "--idle-timeout" in bridge.log


def test_idle_timeout_waits_for_those_who_are_connected(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--idle-timeout", "1.5")
    client = connect(bridge)
    time.sleep(2)  # an idle session is somebody connected
    assert bridge.process.poll() is None
    client.send_frame(BINARY, b"here")
    assert client.recv_data(4) == b"here"
    end(client)
    assert bridge.wait_for_exit() == 0


def test_a_visit_begins_the_idle_time_anew(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--idle-timeout", "2")
    began = time.monotonic()
    for _ in range(3):
        time.sleep(0.7)
        with RawClient(bridge.port) as visitor:
            visitor.request(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert bridge.wait_for_exit() == 0
    assert time.monotonic() - began > 3.5  # not 2 s after the start


@pytest.mark.parametrize("option", ["--timeout", "--idle-timeout"])
@pytest.mark.parametrize("value", ["soon", "-1", ""])
def test_no_time_is_a_usage_error(wsluice, option, value):
    bridge = wsluice.run(f"{option}={value}", "0", "127.0.0.1:9")
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert option in bridge.log
