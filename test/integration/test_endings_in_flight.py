"""Megabytes on their way in both directions when a session ends: bytes that still move are never cut,
however slow the peer, also when that takes much longer than the close time.
"""
# ctest: waits cost=14

import hashlib
import os
import threading
import time

import pytest

from harness import BINARY, CLOSE, PING, PONG, encode_frame

MEGABYTE = 1 << 20
# More than the kernel's buffers hold, so that the end finds some of it still with the sender.
AMOUNT = 24 * MEGABYTE
SLOW = {"piece": 128 * 1024, "pause": 0.012}  # about 10 MB a second: twice the close time and more
CLOSE_TIME = "0.7"


class Sender(threading.Thread):
    """Sends `data`, then calls `then`; a failure is kept for the test."""

    def __init__(self, wire, data, then=None):
        super().__init__(daemon=True)
        self.wire, self.data, self.then = wire, data, then
        self.failure = None
        wire.limit = 60.0
        self.start()

    def run(self):
        try:
            self.wire.send(self.data)
            if self.then:
                self.then()
        except OSError as failure:
            self.failure = failure

    def expect_done(self):
        self.join(60)
        assert not self.is_alive(), "not all was taken"
        assert not self.failure, self.failure


class Receiver(threading.Thread):
    """Reads to the end of the stream, slowly if told so; `data` and `how` say what came."""

    def __init__(self, wire, piece=1 << 20, pause=0.0):
        super().__init__(daemon=True)
        self.wire, self.piece, self.pause = wire, piece, pause
        self.data = bytearray()
        self.how = None
        self.start()

    def run(self):
        self.wire.sock.settimeout(60)
        while True:
            try:
                got = self.wire.sock.recv(self.piece)
            except ConnectionResetError:
                self.how = "reset"
                return
            if not got:
                self.how = "fin"
                return
            self.data += got
            time.sleep(self.pause)

    def expect(self, data, how):
        self.join(60)
        assert self.how == how
        assert len(self.data) == len(data)
        assert hashlib.sha256(self.data).digest() == hashlib.sha256(data).digest()


def frames(data, size=100_000):
    return b"".join(encode_frame(BINARY, data[at:at + size], mask=b"\x01\x80\x55\xaa")
                    for at in range(0, len(data), size))


def parse_frames(stream):
    """Payload of the binary frames, and what stands behind them: (data, opcode of the last, its payload)."""
    data, at = bytearray(), 0
    while at < len(stream):
        opcode, length, at = stream[at] & 0xF, stream[at + 1], at + 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, at = int.from_bytes(stream[at:at + size], "big"), at + size
        payload, at = bytes(stream[at:at + length]), at + length
        if opcode != BINARY:
            assert at == len(stream), "bytes behind the Close"
            return bytes(data), opcode, payload
        data += payload
    return bytes(data), None, b""


READERS = [pytest.param({}, id="fast"), pytest.param(SLOW, id="slow")]


@pytest.mark.parametrize("reader", READERS)
def test_a_close_behind_megabytes(open_session, reader):
    """All payload before the client's Close reaches the service, then FIN; it may go on sending."""
    _, client, service = open_session("--close-timeout", CLOSE_TIME)
    up = os.urandom(AMOUNT)
    receiver = Receiver(service, **reader)
    service_sends = Sender(service, os.urandom(MEGABYTE))
    client_reads = Receiver(client)
    Sender(client, frames(up) + encode_frame(CLOSE, b"\x03\xe8")).expect_done()
    receiver.expect(up, "fin")
    service_sends.expect_done()
    service.close()
    client_reads.join(60)
    assert client_reads.how == "fin"
    assert parse_frames(client_reads.data)[1:] == (CLOSE, b"\x03\xe8")


@pytest.mark.parametrize("reader", READERS)
def test_the_end_of_a_service_behind_megabytes(open_session, reader):
    """All its bytes, then Close 1000; what the client sends until its Close all goes up."""
    _, client, service = open_session("--close-timeout", CLOSE_TIME)
    down, up = os.urandom(AMOUNT), os.urandom(AMOUNT)
    service_reads = Receiver(service, **reader)
    client_reads = Receiver(client, **reader)
    Sender(service, down, then=service.finish)
    Sender(client, frames(up)).expect_done()
    while b"\x88\x0f\x03\xe8Target closed" not in client_reads.data[-64:]:
        time.sleep(0.01)
        assert client_reads.how is None, "the end came before the Close"
    client.send(encode_frame(CLOSE, b"\x03\xe8"))
    service_reads.expect(up, "fin")
    client_reads.join(60)
    assert client_reads.how == "fin"
    data, opcode, payload = parse_frames(client_reads.data)
    assert (len(data), data == down) == (len(down), True)
    assert (opcode, payload) == (CLOSE, b"\x03\xe8Target closed")


@pytest.mark.parametrize("reader", READERS)
def test_half_closes_both_ways_behind_megabytes(open_session, reader):
    _, client, service = open_session("--close-timeout", CLOSE_TIME)
    down, up = os.urandom(AMOUNT), os.urandom(AMOUNT)
    service_reads = Receiver(service, **reader)
    client_reads = Receiver(client, **reader)
    Sender(client, frames(up), then=client.finish)
    Sender(service, down, then=service.finish)
    service_reads.expect(up, "fin")
    client_reads.join(60)
    data, opcode, payload = parse_frames(client_reads.data)
    assert (client_reads.how, len(data), data == down) == ("fin", len(down), True)
    assert (opcode, payload) == (CLOSE, b"\x03\xe8Target closed")


def test_a_stream_that_breaks_behind_megabytes(open_session):
    """A slow service gets all of them, and only then the reset."""
    _, client, service = open_session("--close-timeout", CLOSE_TIME)
    up = os.urandom(AMOUNT)
    service_reads = Receiver(service, **SLOW)
    Sender(client, frames(up) + encode_frame(BINARY, b"bad", rsv=4)).expect_done()
    client.expect_close(1002)
    client.expect_end("fin")
    service_reads.expect(up, "reset")


# --- pings of a client that does not read ---


def test_a_ping_flood_of_a_client_that_does_not_read(open_session):
    """It is stopped, costs no memory, and when it reads again the answers are to the newest pings."""
    bridge, client, service = open_session(receive_buffer=4096)
    service.send_until_stalled(bytes(MEGABYTE), quiet=0.5)
    pings = b"".join(encode_frame(PING, b"%07d" % number) for number in range(4096))
    taken = client.send_until_stalled(pings, quiet=1.0)
    assert taken < 64 * MEGABYTE, "pings were taken without limit"
    service.reset()
    pongs, close = 0, None
    sender = Sender(client, pings[taken % len(pings):])
    while close is None:
        frame = client.recv_frame()
        assert frame.opcode in (BINARY, PONG, CLOSE)
        pongs += frame.opcode == PONG
        close = frame if frame.opcode == CLOSE else None
    assert close.close_code == 1011
    assert pongs > 0
    sender.join(10)


def test_every_ping_of_a_client_that_reads_is_answered(open_session):
    _, client, service = open_session()
    for number in range(300):
        client.send_frame(PING, b"%d" % number)
        client.expect_frame(PONG, b"%d" % number)


def test_a_ping_between_megabytes_down_is_answered_between_frames(open_session):
    _, client, service = open_session(receive_buffer=65536)
    down = os.urandom(8 * MEGABYTE)
    sender = Sender(service, down, then=service.finish)
    client.send_frame(PING, b"now")
    data, pong_at = bytearray(), None
    while True:
        frame = client.recv_frame()
        if frame.opcode == PONG:
            pong_at = len(data)
            continue
        if frame.opcode == CLOSE:
            break
        data += frame.payload
    sender.expect_done()
    assert data == down
    assert pong_at is not None and pong_at < len(down)
