"""64 MB of random bytes each way through python3-websockets, plain and over TLS, with frame sizes on both
sides of every length form and messages in fragments, must arrive as they were sent."""
# ctest: world cost=12

import asyncio
import functools
import hashlib
import os
import threading

import pytest
import websockets

from harness import Sink, source, tls_client_context

TOTAL = 64 * 1024 * 1024
LIMIT_SECONDS = 100
# Around each length form's border (RFC 6455 section 5.2), around 64 KB, and primes in between.
SIZES = [1, 2, 125, 126, 127, 1021, 4093, 65535, 65536, 65537, 262147, 1048573, 3000017]


@pytest.fixture(scope="module")
def data():
    return os.urandom(TOTAL)


@pytest.fixture(params=["ws", "wss"])
def through(request, wsluice, authority, tls_options):
    """through(backend) is a function that connects to it through wsluice."""

    def start(backend):
        if request.param == "ws":
            return functools.partial(websockets.connect, wsluice(backend).url())
        url = wsluice(backend, *tls_options).url(scheme="wss", host="localhost")
        return functools.partial(websockets.connect, url, ssl=tls_client_context(authority.cert))

    return start


def messages(data):
    """Cuts `data` into messages of SIZES in turn; every second one comes as a list of fragments, one
    of them empty."""
    position = 0
    number = 0
    while position < len(data):
        size = SIZES[number % len(SIZES)]
        message = data[position:position + size]
        position += size
        number += 1
        yield [message[:1], b"", message[1:127], message[127:]] if number % 2 else message


async def send_all(socket, data):
    for message in messages(data):
        await socket.send(message)


async def receive(socket, count):
    """The digest of the next `count` bytes."""
    digest = hashlib.sha256()
    while count:
        message = await socket.recv()
        assert isinstance(message, bytes), f"a text message came: {message[:80]!r}"
        assert len(message) <= count, f"{len(message) - count} bytes too many"
        digest.update(message)
        count -= len(message)
    return digest.hexdigest()


def run(story):
    """Runs a coroutine under a limit."""
    return asyncio.run(asyncio.wait_for(story, LIMIT_SECONDS))


def test_upload_arrives_whole_before_the_backend_sees_the_end(through, serve, data):
    sink = Sink()
    connect = through(serve(sink))

    async def upload():
        async with connect() as socket:
            await send_all(socket, data)

    run(upload())
    sink.expect(data)


@pytest.mark.parametrize("piece", [999, 65536, 1 << 20], ids=lambda piece: f"writes of {piece}")
def test_download_arrives_whole_and_ends_with_1000(through, serve, data, piece):
    # Small writes cost the test more than wsluice: a smaller volume does for them.
    data = data[:TOTAL if piece > 4096 else TOTAL // 16]
    connect = through(serve(source(data, piece)))

    async def download():
        # The default limit of 1 MiB a message stays: wsluice must keep below what clients take.
        async with connect() as socket:
            digest = await receive(socket, len(data))
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            return digest, socket.close_code, socket.close_reason

    digest, code, reason = run(download())
    assert (code, reason) == (1000, "Target closed")
    assert digest == hashlib.sha256(data).hexdigest()


def test_both_directions_at_once(through, echo_backend, data):
    connect = through(echo_backend)

    async def exchange():
        async with connect() as socket:
            digest, _ = await asyncio.gather(receive(socket, len(data)), send_all(socket, data))
            return digest

    assert run(exchange()) == hashlib.sha256(data).hexdigest()


def test_two_different_streams_cross_in_one_session(through, serve, data):
    down = data[::-1]
    sink = Sink()

    def service(wire):
        sender = threading.Thread(target=wire.send, args=(down,), daemon=True)
        sender.start()
        sink(wire)

    connect = through(serve(service))

    async def exchange():
        async with connect() as socket:
            received, _ = await asyncio.gather(receive(socket, len(down)), send_all(socket, data))
            return received

    assert run(exchange()) == hashlib.sha256(down).hexdigest(), "the download was damaged"
    sink.expect(data)
