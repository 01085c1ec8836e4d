# ctest: timeout=180 waits cost=40
"""A crowd of peers that take nothing, and few buffers: small messages, pings and HTTP go on beside it, newcomers
get an honest answer, and who stalls while others wait is ended, so that bulk goes on as well."""

import time

import pytest

from harness import BINARY, PING, PONG, RawClient, wait_until

STALLED = 60  # clients; the pool has 64 small buffers, of which those may hold 48
FEW_BUFFERS = ["--workers", "1", "--buffer-memory", "4M", "--handshake-timeout", "3", "--close-timeout", "1"]
PIECE = bytes(1 << 20)
SMALL_WINDOW = 4096  # receive buffer of a client that won't read
ENDLESS_FRAME = b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(4)  # its mask is 0: any bytes are payload


def obey(wire):
    """A backend that does what the first byte from the client says."""
    said = wire.sock.recv(65536)
    order, data = said[:1], said[1:]
    while order == b"f":  # flood
        wire.sock.sendall(PIECE)
    if order == b"d":  # deaf
        time.sleep(600)
    wire.sock.sendall(data)
    while data := wire.sock.recv(65536):  # echo
        wire.sock.sendall(data)


@pytest.fixture
def crowd(wsluice, serve, connect):
    """crowd.bridge, with STALLED clients in front of flooding backends that they never read."""

    class Crowd:
        bridge = wsluice(serve(obey, receive_buffer=65536), *FEW_BUFFERS)

        @staticmethod
        def join(order=b"e", **options):
            client = connect(Crowd.bridge, **options)
            client.send_frame(BINARY, order)
            return client

        @staticmethod
        def stall():
            return [Crowd.join(b"f", receive_buffer=SMALL_WINDOW) for _ in range(STALLED)]

    return Crowd


def echo_works(client, limit):
    """A message and a ping come back, each within the limit."""
    client.limit = limit
    client.send_frame(BINARY, b"hello")
    assert client.recv_data(5) == b"hello"
    client.send_frame(PING, b"there")
    client.expect_frame(PONG, b"there")


def wait_for_shortage(crowd):
    crowd.bridge.wait_for_log("memory for streams is short", limit=30)


def refused(bridge):
    """The answer to an upgrade, while memory is short."""
    client = RawClient(bridge.port)
    try:
        return client.upgrade(expect=None)
    finally:
        client.close()


def test_small_messages_go_on_and_newcomers_are_told(crowd):
    talker = crowd.join()
    stalled = crowd.stall()
    wait_for_shortage(crowd)
    for _ in range(20):
        echo_works(talker, limit=5)
    answer = refused(crowd.bridge)
    assert answer.status == 503
    assert answer.header("Retry-After")
    assert b"memory for streams is short" in answer.body
    plain = RawClient(crowd.bridge.port)
    assert plain.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 405
    plain.close()
    for client in stalled:
        client.close()
    crowd.bridge.wait_for_log("memory for streams is sufficient again", limit=30)
    echo_works(crowd.join(), limit=5)
    crowd.bridge.stop()
    summary = crowd.bridge.wait_for_log(r"stopped connections=\d+ .* refused=(\d+)")
    assert int(summary.group(1)) == 2


def test_who_stalls_while_others_wait_is_ended(crowd):
    talker = crowd.join()
    stalled = crowd.stall()
    wait_for_shortage(crowd)
    began = time.monotonic()
    crowd.bridge.wait_for_log('cause="client does not read while memory is short" code=1013', limit=30)
    assert time.monotonic() - began > 8, "ended before anybody can have known that it stalls"
    echo_works(talker, limit=5)
    for client in stalled:
        client.close()
    crowd.bridge.stop()
    crowd.bridge.wait_for_log(r"stopped .* stalled=\d+")


def test_backends_that_take_nothing_are_ended_too(crowd):
    """The way up is stopped by backends; who asks for much from elsewhere still gets it."""
    talker = crowd.join()
    deaf = [crowd.join(b"d") for _ in range(STALLED)]
    for client in deaf:
        client.send(ENDLESS_FRAME)
        client.sock.setblocking(False)

    def push():
        for client in deaf:
            try:
                while client.sock.send(PIECE) == len(PIECE):
                    pass
            except BlockingIOError:
                pass
        return "memory for streams is short" in crowd.bridge.log

    wait_until(push, 60, lambda: "the way up never was short")
    echo_works(talker, limit=5)
    crowd.bridge.wait_for_log('cause="target does not read while memory is short" code=1013', limit=40)
    echo_works(talker, limit=5)
