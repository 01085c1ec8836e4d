"""How a session ends when its service does: what a page is told, and what the service still gets.

Rows "backend ends its stream" and "backend resets" of the table of endings, over TCP and Unix sockets.
"""
# ctest: waits cost=10

import os
import socket
import time

import pytest

from harness import BINARY, PING, wait_until

MEGABYTE = 1 << 20


@pytest.mark.parametrize("sent", [b"", b"bye", b"x" * 65536, b"y" * (3 * MEGABYTE + 1)], ids=len)
def test_all_that_a_service_said_comes_before_the_close(open_session, sent):
    _, client, service = open_session()
    service.send(sent)
    service.finish()
    data, close = client.recv_until_close()
    assert data == sent
    assert (close.close_code, close.close_reason) == (1000, "Target closed")
    client.send_close(1000)
    client.expect_end("fin")
    service.expect_end("fin")


def test_a_service_that_has_ended_its_stream_still_gets_what_the_client_sends(open_session):
    bridge, client, service = open_session()
    service.finish()
    client.expect_close(1000, "Target closed")
    client.send_frame(BINARY, b"late ")
    client.send_frame(PING, b"p")
    client.send_frame(BINARY, b"words")
    assert service.recv_exact(10) == b"late words"
    service.expect_silence()  # no FIN before the client's Close
    client.send_close(1000)
    service.expect_end("fin")
    client.expect_end("fin")
    client.close()
    bridge.wait_for_log(r'side=backend cause="target closed" code=1000 .* up=10 down=0\n')


def test_nothing_is_sent_behind_our_close(open_session):
    _, client, service = open_session("--heartbeat", "0.2")
    service.finish()
    client.expect_close(1000)
    client.send_frame(PING, b"anybody?")
    client.expect_silence(0.8)
    client.send_close()
    client.expect_end("fin")


def test_a_late_write_to_a_service_that_has_gone_does_not_spoil_the_orderly_end(open_session):
    _, client, service = open_session()
    service.send(b"bye")
    service.close()
    data, close = client.recv_until_close()
    assert (data, close.close_code, close.close_reason) == (b"bye", 1000, "Target closed")
    for _ in range(5):
        client.send_frame(BINARY, b"x" * 1000)  # answered by a reset of the service's kernel
        time.sleep(0.02)
    client.send_close()
    client.expect_end("fin")


def test_a_client_that_has_half_closed_is_not_waited_for(open_session):
    _, client, service = open_session("--close-timeout", "30")
    client.finish()
    service.expect_end("fin")
    service.send(b"still here")
    service.close()
    data, close = client.recv_until_close()
    assert (data, close.close_code) == (b"still here", 1000)
    client.expect_end("fin")  # at once: its FIN was read, no Close is awaited


@pytest.mark.parametrize("answer", ["fin", "silence"])
def test_a_client_that_does_not_answer_our_close(open_session, answer):
    """It sees FIN in the end, and the service learns by a reset that the stream was not whole."""
    bridge, client, service = open_session("--close-timeout", "0.5", "--close-timeout-max", "0.8")
    service.send(b"bye")
    service.finish()
    client.recv_until_close()
    if answer == "fin":
        client.finish()
        service.expect_end("fin")  # between messages: complete
    else:
        service.expect_end("reset")
    client.expect_end("fin")
    client.close()
    bridge.wait_for_log("session ended side=backend")


def test_a_reset_service_is_told_in_words(open_session):
    bridge, client, service = open_session()
    service.send(b"hello")
    assert client.recv_data(5) == b"hello"
    service.reset()
    client.expect_close(1011, "Target reset the connection")
    client.send_close(1011)
    client.expect_end("fin")
    client.close()
    bridge.wait_for_log(r'side=backend cause="target reset the connection" code=1011')


def test_what_came_before_a_reset_is_delivered_first(open_session):
    _, client, service = open_session()
    sent = os.urandom(300_000)
    service.send(sent)
    wait_until(lambda: service.unacked() == 0)
    service.reset()
    data, close = client.recv_until_close()
    assert data == sent
    assert close.close_code == 1011


def send_to_a_stalled_client(service, step):
    """Sends until the far kernels are full; returns all sent, and how much of it was acknowledged."""
    sent = bytearray()
    while len(sent) < 64 * MEGABYTE:
        piece = os.urandom(step)
        service.send(piece)
        sent += piece
        try:
            wait_until(lambda: service.unacked() == 0, limit=0.5)
        except AssertionError:
            return bytes(sent), len(sent) - service.unacked()
    raise AssertionError("everything was taken: no backpressure")


def test_a_client_that_lags_gets_all_that_had_arrived_before_the_reset(open_session):
    _, client, service = open_session("--close-timeout", "3", receive_buffer=65536)
    sent, acked = send_to_a_stalled_client(service, 256 * 1024)
    assert acked > MEGABYTE
    service.reset()
    time.sleep(0.5)  # the reset is noticed long before the client reads
    data, close = client.recv_until_close()
    assert len(data) >= acked
    assert data == sent[:len(data)]
    assert (close.close_code, close.close_reason) == (1011, "Target reset the connection")


def test_a_client_that_never_reads_is_given_up_after_a_reset(open_session):
    bridge, client, service = open_session("--close-timeout", "1", receive_buffer=65536)
    send_to_a_stalled_client(service, 256 * 1024)
    service.reset()
    bridge.wait_for_log('session ended side=backend cause="connection to the target failed"')
    assert client.was_reset()  # behind what its kernel had: it can tell that something is missing


def test_a_client_that_lags_is_not_cut_because_the_service_has_finished(open_session):
    """The service's FIN lies behind bytes that the client has not made room for: nothing has ended yet."""
    _, client, service = open_session("--close-timeout", "0.5", receive_buffer=65536)
    sent, _ = send_to_a_stalled_client(service, 256 * 1024)
    service.finish()
    time.sleep(1.5)
    data, close = client.recv_until_close()
    assert data == sent
    assert (close.close_code, close.close_reason) == (1000, "Target closed")


def test_a_unix_service_ends_as_a_tcp_service_does(open_session, unix_backend):
    _, client, service = open_session(target=unix_backend)
    service.send(b"z" * MEGABYTE)
    service.finish()
    data, close = client.recv_until_close()
    assert data == b"z" * MEGABYTE
    assert (close.close_code, close.close_reason) == (1000, "Target closed")
    client.send_frame(BINARY, b"late")
    client.send_close()
    assert service.recv_to_end() == (b"late", "fin")
    client.expect_end("fin")


def test_a_unix_service_that_leaves_bytes_unread_has_reset(open_session, unix_backend):
    """The kernel says so on Unix sockets: who closes with unread input has not taken it."""
    _, client, service = open_session(target=unix_backend)
    client.send_frame(BINARY, b"unread")
    assert service.sock.recv(6, socket.MSG_PEEK) == b"unread"
    service.close()
    client.expect_close(1011, "Target reset the connection")


def test_a_unix_service_can_be_told_of_a_broken_stream_only_by_its_end(open_session, unix_backend):
    bridge, client, service = open_session(target=unix_backend)
    client.send_frame(BINARY, b"half", length=100)
    client.finish()
    client.expect_close(1002, "Connection ended inside a message")
    assert service.recv_to_end() == (b"half", "fin")
    bridge.wait_for_log(r'note="Unix sockets have no reset')
