"""Two hundred clients at once on four workers: everybody gets their own bytes back, whatever the
others do. (Files named test_threads_* also run under ThreadSanitizer.)"""

import asyncio
import os
import random

import pytest
import websockets

from harness import PING, PONG, echo, wait_until

CLIENTS = 200
ROUNDS = 12
LARGEST = 200_000
LIMIT_SECONDS = 80


@pytest.fixture
def bridge(wsluice, echo_backend):
    return wsluice(echo_backend, "--workers", "4")


def run(story):
    return asyncio.run(asyncio.wait_for(story, LIMIT_SECONDS))


async def read_exactly(socket, count):
    data = bytearray()
    while len(data) < count:
        data += await socket.recv()
    return bytes(data)


async def echo_rounds(socket, dice):
    for number in range(ROUNDS):
        message = os.urandom(int(LARGEST ** dice.random()))
        receiving = asyncio.ensure_future(read_exactly(socket, len(message)))
        await socket.send(message)
        assert await receiving == message, f"round {number} of {len(message)} bytes came back different"


async def polite_client(url, seed):
    async with websockets.connect(url, open_timeout=60, ping_interval=None) as socket:
        await echo_rounds(socket, random.Random(seed))
    return socket.close_code


async def rude_client(url, seed):
    """Vanishes in the middle of what it asked for."""
    dice = random.Random(seed)
    async with websockets.connect(url, open_timeout=60, ping_interval=None) as socket:
        await socket.send(os.urandom(LARGEST))
        await asyncio.sleep(dice.random() * 0.2)
        socket.transport.abort()


def test_two_hundred_clients_get_their_own_bytes(bridge):
    async def story():
        return await asyncio.gather(*(polite_client(bridge.url(), seed) for seed in range(CLIENTS)))

    assert run(story()) == [1000] * CLIENTS


def test_clients_that_vanish_do_not_disturb_the_others(bridge):
    async def story():
        rude = [rude_client(bridge.url(), seed) for seed in range(CLIENTS // 2)]
        polite = [polite_client(bridge.url(), seed) for seed in range(CLIENTS // 2)]
        results = await asyncio.gather(*polite, *rude)
        return results[:len(polite)]

    assert run(story()) == [1000] * (CLIENTS // 2)


def test_stopping_with_open_sessions_tells_every_client(wsluice, serve, connect):
    bridge = wsluice(serve(echo), "--workers", "4")
    clients = [connect(bridge) for _ in range(40)]
    for client in clients:
        client.send_frame(PING, b"here?")
        client.expect_frame(PONG, b"here?")
    bridge.process.terminate()
    for client in clients:
        client.expect_close(1001)
        client.send_close(1001)
        client.expect_end("fin")
        client.close()
    assert bridge.wait_for_exit() == 0


def test_sessions_leave_no_descriptors_behind(bridge, connect):
    def descriptors():
        return len(os.listdir(f"/proc/{bridge.pid}/fd"))

    connect(bridge).close()
    before = descriptors()
    clients = [connect(bridge) for _ in range(60)]
    assert descriptors() >= before + 60
    for client in clients[::2]:
        client.send_close()
        client.expect_close()
        client.close()
    for client in clients[1::2]:
        client.reset()
    wait_until(lambda: descriptors() <= before, message=lambda: f"{before} before, {descriptors()} after")
