"""The endings of connections that never become a session: refused requests, files, heads that stop
anywhere, TLS handshakes that stop anywhere. Stories as in endings.py, whose table they join.
"""

import asyncio
import ssl

from endings import STARE_SECONDS, ending, exchange, expect_close
from harness import CLOSE, encode_frame, upgrade_request
from stage import BIG_FILE_BYTES, PAGE

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED = [
    (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    (b"\x00\x01 nonsense\r\n\r\n", b"400"),
    (GET.replace(b"GET", b"POST"), b"405"),
    (GET.replace(b"/ ", b"/nothing-here "), b"404"),
    (GET.replace(b"/ ", b"/" + b"x" * 20_000 + b" "), b"414"),
    (GET.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"), b"431"),
    (upgrade_request("/?token=tcp", {"Sec-WebSocket-Version": "9"}), b"426"),
    (upgrade_request("/"), b"403"),
    (upgrade_request("/?token=nobody"), b"404"),
]


async def expect_answer(client, request, *statuses):
    head = await client.request(request)
    assert head[9:12] in statuses, f"expected {statuses}, got {head}"
    return head


@ending("tokens")
async def request_is_refused(story):
    request, status = story.random.choice(REFUSED)
    client = await story.client()
    await expect_answer(client, request, status)
    await client.offer(GET)  # a kept connection answers it, another drops it
    client.finish()
    await client.recv_to_end()


@ending("first")
async def dial_fails_first(story):
    token = story.random.choice(["refused", "missing", "malformed"])
    await expect_answer(await story.client(), upgrade_request(story.path(token)), b"502", b"503", b"504")


@ending("first", waits=True)
async def dial_takes_too_long_first(story):
    await expect_answer(await story.client(), upgrade_request(story.path("deaf")), b"504")


# ---- files ----


@ending("tokens")
async def files_are_fetched(story):
    client = await story.client()
    for _ in range(3):
        await expect_answer(client, GET, b"200")
        assert await client.recv_exact(len(PAGE)) == PAGE
    story.random.choice([client.close, client.finish, client.reset])()


@ending("tokens")
async def session_follows_a_file(story):
    client = await story.client()
    await expect_answer(client, GET, b"200")
    await client.recv_exact(len(PAGE))
    hello, story.awaited = story.stage.services.hello()
    await client.greet(story.path(), hello, at_once=True)
    service = await story.awaited
    await exchange(client, service)
    service.close()
    await expect_close(client, 1000)


@ending("tokens")
async def file_is_left_halfway(story):
    client = await story.client()
    await expect_answer(client, GET.replace(b"/ ", b"/big "), b"200")
    await client.recv_exact(story.random.randrange(BIG_FILE_BYTES // 16))
    story.random.choice([client.close, client.reset])()


@ending("tokens")
async def file_is_left_before_it_comes(story):
    client = await story.client()
    await client.send(GET.replace(b"/ ", b"/big "))
    story.random.choice([client.close, client.reset, client.finish])()


# ---- heads that stop anywhere ----


@ending("tokens", "unix", "first")
async def head_is_left_anywhere(story):
    request = upgrade_request(story.path(), {"Cookie": "c" * story.random.randrange(5000)})
    client = await story.client()
    await client.send(request[:story.random.randrange(len(request))])
    await asyncio.sleep(story.random.random() * STARE_SECONDS)
    story.random.choice([client.close, client.reset, client.finish])()


@ending("hasty", waits=True)
async def head_does_not_end(story):
    try:
        client = await story.client()
        await client.send(GET[:story.random.randrange(len(GET) - 1)])
    except (ConnectionError, ssl.SSLError):
        return  # the limit was faster than we
    data, how = await client.recv_to_end()
    if how == "alert" and story.way.tls:
        return  # what was the end of the handshake to us had not come in time
    assert how == "fin" and (not data or data.startswith(b"HTTP/1.1 408 ")), (data, how)


@ending("tokens", "unix", "first", "ssl")
async def client_leaves_behind_its_request(story):
    client = await story.client()
    await client.send(upgrade_request(story.path()) + story.random.choice([b"", encode_frame(CLOSE)]))
    await asyncio.sleep(story.random.random() * STARE_SECONDS)
    story.random.choice([client.close, client.reset, client.finish])()


# ---- TLS that stops anywhere ----


def client_hello(context):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


@ending("tokens", "unix", tls=True)
async def handshake_is_left_anywhere(story):
    sock = await story.socket()
    loop = asyncio.get_running_loop()
    hello = client_hello(story.cast.context)
    await loop.sock_sendall(sock, hello[:story.random.randrange(1, len(hello) + 1)])
    await asyncio.sleep(story.random.random() * STARE_SECONDS)


@ending("tokens", tls=True)
async def handshake_is_left_behind_the_servers_words(story):
    sock = await story.socket()
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, client_hello(story.cast.context))
    assert await loop.sock_recv(sock, 1000)


@ending("tokens", tls=True)
async def handshake_is_nonsense(story):
    sock = await story.socket()
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, b"\x16\x03\x01\x00\x40\xff\x00\x00\x3c" + story.random.randbytes(60))
    while await loop.sock_recv(sock, 1000):  # an alert, and FIN
        pass


@ending("hasty", tls=True, waits=True)
async def handshake_does_not_end(story):
    sock = await story.socket()
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, client_hello(story.cast.context)[:100])
    while await loop.sock_recv(sock, 1000):  # nothing, or an alert
        pass


@ending("tokens", "unix", tls=True)
async def client_leaves_after_the_handshake(story):
    client = await story.client()
    story.random.choice([client.close, client.reset, client.finish, client.cut])()
