"""SIGTERM and SIGINT, with sessions in every state: what clients and services see, how long it takes,
and the exit status. Other signals do no harm.
"""
# ctest: waits cost=20

import os
import signal
import threading
import time

import pytest

from harness import BINARY, CLOSE, PING, PONG, RawClient, encode_frame, upgrade_request

STOPPING = [signal.SIGTERM, signal.SIGINT]
# What is open at the end of the drain is cut 2 s later; the rest is for a busy machine.
CUT_SECONDS = 2.0


def timed_exit(bridge):
    began = time.monotonic()
    assert bridge.wait_for_exit() == 0
    return time.monotonic() - began


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
@pytest.mark.parametrize("options", [[], ["--drain-timeout", "60"]], ids=["at once", "drain"])
def test_without_sessions_it_stops_at_once(wsluice, backend, number, options):
    bridge = wsluice(backend, "--workers", "2", *options)
    bridge.signal(number)
    assert timed_exit(bridge) < CUT_SECONDS
    assert "stopping" in bridge.log and "stopped connections=0" in bridge.log


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_a_client_that_answers_ends_in_order(open_session, number):
    bridge, client, service = open_session()
    client.send_frame(BINARY, b"before ")
    assert service.recv_exact(7) == b"before "
    bridge.signal(number)
    close = client.expect_close(1001)
    assert close.close_reason == "Going away"
    client.send(encode_frame(BINARY, b"last words") + encode_frame(CLOSE, b"\x03\xe9"))
    client.expect_end("fin")
    assert service.recv_to_end() == (b"last words", "fin")
    client.close()
    service.close()
    assert timed_exit(bridge) < CUT_SECONDS
    assert 'side=wsluice cause="going away" code=1001' in bridge.log


def test_a_client_that_does_not_answer_is_cut_and_its_service_reset(open_session):
    bridge, client, service = open_session()
    client.send_frame(BINARY, b"half", length=100)
    assert service.recv_exact(4) == b"half"
    bridge.signal(signal.SIGTERM)
    client.expect_close(1001)
    service.expect_end("reset")
    bridge.wait_for_exit()


def test_a_client_that_reads_nothing_does_not_hold_the_stop_up(open_session):
    bridge, client, service = open_session(receive_buffer=4096)
    service.send_until_stalled(os.urandom(1 << 20), quiet=0.4)
    client.send_until_stalled(encode_frame(BINARY, bytes(65536)), quiet=0.4)
    bridge.signal(signal.SIGTERM)
    assert timed_exit(bridge) < CUT_SECONDS + 5
    assert client.was_reset()
    assert service.was_reset()


def test_the_close_comes_behind_the_frame_on_its_way(open_session):
    bridge, client, service = open_session(receive_buffer=65536)
    sent = os.urandom(1 << 20)
    service.send_until_stalled(sent, quiet=0.4)
    bridge.signal(signal.SIGTERM)
    data, close = client.recv_until_close()
    assert close.close_code == 1001
    assert data == (sent * (len(data) // len(sent) + 1))[:len(data)]
    client.send_close(1001)
    client.expect_end("fin")
    bridge.wait_for_exit()


# --- --drain-timeout ---


def test_a_draining_server_lets_sessions_go_on_and_takes_no_new_ones(open_session):
    bridge, client, service = open_session("--drain-timeout", "60")
    bridge.signal(signal.SIGTERM)
    bridge.wait_for_log("stopping")
    time.sleep(0.3)
    with pytest.raises(ConnectionRefusedError):
        RawClient(bridge.port)
    client.send_frame(BINARY, b"up")
    assert service.recv_exact(2) == b"up"
    service.send(b"down")
    assert client.recv_data(4) == b"down"
    service.close()
    client.expect_close(1000)
    client.send_close()
    client.expect_end("fin")
    client.close()
    assert timed_exit(bridge) < CUT_SECONDS + 1  # nothing is left: it does not wait for the 60 s


def test_what_is_open_when_the_drain_is_over_gets_1001(open_session):
    bridge, client, service = open_session("--drain-timeout", "1")
    began = time.monotonic()
    bridge.signal(signal.SIGTERM)
    client.expect_close(1001)
    assert time.monotonic() - began > 0.9
    client.send_close(1001)
    client.expect_end("fin")
    service.expect_end("fin")
    service.close()
    bridge.wait_for_exit()


@pytest.mark.parametrize("options", [[], ["--drain-timeout", "60"]], ids=["waiting for Closes", "draining"])
@pytest.mark.parametrize("second", STOPPING, ids=lambda number: number.name)
def test_a_second_signal_cuts_at_once(open_session, options, second):
    bridge, client, service = open_session(*options)
    bridge.signal(signal.SIGTERM)
    bridge.wait_for_log("stopping")
    if not options:
        client.expect_close(1001)
    bridge.signal(second)
    assert timed_exit(bridge) < CUT_SECONDS
    assert "second signal" in bridge.log
    client.expect_end("reset")
    service.expect_end("reset")


def test_signals_until_the_end_kill_nothing(wsluice, backend):
    """Service managers repeat themselves, also while the log is being written out."""
    bridge = wsluice(backend, "--workers", "4")
    while bridge.process.poll() is None:
        bridge.signal(signal.SIGTERM)
    assert bridge.wait_for_exit() == 0
    assert "stopped connections=" in bridge.log


def test_clients_that_the_kernel_has_queued_are_taken(wsluice, backend):
    """The kernel has told them that they are connected."""
    bridge = wsluice(backend, "--workers", "2")
    clients = [RawClient(bridge.port) for _ in range(50)]
    for client in clients:
        client.send(upgrade_request())
    bridge.signal(signal.SIGTERM)
    for client in clients:
        response = client.recv_response()
        assert response.status in (101, 503)
        if response.status == 101:
            client.expect_close(1001)
            client.send_close(1001)
        client.expect_end("fin")
        client.close()
    bridge.wait_for_exit()


# --- what else is open ---


def test_a_request_in_the_making_does_not_hold_the_stop_up(wsluice, backend, connect, tmp_path):
    (tmp_path / "big").write_bytes(bytes(64 << 20))
    bridge = wsluice(backend, "--web", tmp_path)
    half, idle, kept, download = [connect(bridge, path=None) for _ in range(4)]
    half.send(b"GET / HT")
    kept.request(b"GET /missing HTTP/1.1\r\nHost: h\r\n\r\n")
    download.send(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n")
    download.recv_until(b"\r\n\r\n")
    bridge.signal(signal.SIGTERM)
    assert timed_exit(bridge) < CUT_SECONDS + 5
    idle.expect_end("fin")
    kept.expect_end("fin")
    assert download.was_reset()


def test_a_target_that_does_not_answer_does_not_hold_the_stop_up(wsluice, connect):
    # 192.0.2.0/24 is for documentation: nobody answers, or there is no way there.
    bridge = wsluice("192.0.2.1:9", "--dial-timeout", "60")
    client = connect(bridge)
    bridge.signal(signal.SIGTERM)
    assert client.recv_frame().opcode == CLOSE
    client.send_close(1001)
    assert timed_exit(bridge) < CUT_SECONDS + 5


# --- other signals ---


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE], ids=lambda number: number.name)
def test_other_signals_do_no_harm(open_session, number):
    bridge, client, service = open_session()
    for _ in range(20):
        bridge.signal(number)
        time.sleep(0.005)
    client.send_frame(PING, b"still there?")
    client.expect_frame(PONG, b"still there?")
    service.send(b"yes")
    assert client.recv_data(3) == b"yes"
    assert bridge.process.poll() is None


def test_writing_to_peers_that_have_gone_raises_no_signal(wsluice, serve, connect):
    bridge = wsluice(serve(lambda wire: [wire.send(bytes(65536)) for _ in range(50)]))
    clients = [connect(bridge) for _ in range(10)]
    for client in clients:
        threading.Thread(target=client.reset, daemon=True).start()
    bridge.wait_for_log("session ended", count=10)
    assert bridge.process.poll() is None
