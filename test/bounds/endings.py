"""Every way in which a connection to wsluice can end, as a short story each: the table of endings
(docs/wsluice.1, HOW SESSIONS END), TLS that is cut, and peers that just vanish. (http_endings.py has what
never becomes a session.) A story plays both ends, checks what each of them saw, and returns.

The stages on which a story can happen are named at its decorator; test_descriptors.py and soak.py run
them by the thousand.
"""

import asyncio
import struct

from harness import BINARY, CLOSE, CONTINUATION, PING, TEXT, encode_frame, upgrade_request

# Stages: "tokens" (by token, to TCP and Unix sockets), "unix" (on a Unix socket), "first" (--dial-first), "ssl"
# (TLS to the target), "strict" (pings, soon to be answered), "brief" (no text, little time to be idle and to close),
# "hasty" (little time for handshakes).
ENDINGS = {}
SESSION_STAGES = ("tokens", "unix", "first", "ssl")
CLOSE_CODES = [1000, 1001, 1003, 1007, 1009, 1011, 1014, 3000, 4999]
PUSHED = bytes(3 << 20)  # more than the kernel takes at once for a client that does not read
IDLE = 1001  # "brief" may find a session idle before a busy machine has a turn for its story
STARE_SECONDS = 0.05  # long enough for what was sent to have come through wsluice, mostly


def ending(*stages, tls=None, waits=False):
    """`tls`: the story is about TLS (True) or can't be told over it (False). `waits`: it mostly waits for a
    time limit of wsluice's, and keeps nobody from working."""
    def register(story):
        ENDINGS[story.__name__] = story
        story.stages, story.tls, story.waits = stages, tls, waits
        return story
    return register


async def exchange(client, service, size=1000):
    """Bytes both ways, unchanged."""
    up, down = bytes(range(256)) * (size // 256 + 1), b"down" * (size // 4)
    await client.send_data(up)
    assert await service.recv_exact(len(up)) == up
    await service.send(down)
    assert await client.recv_data(len(down)) == down


async def expect_fin(end):
    data, how = await end.recv_to_end()
    assert (data, how) == (b"", "fin"), f"expected FIN, got {data[:100]!r} and {how}"


async def expect_close(client, *codes):
    _, code = await client.recv_until_close()
    assert code in codes, f"Close {code}, not {codes}"


# ---- the client's ends ----


@ending(*SESSION_STAGES)
async def client_closes(story):
    client, service = await story.session()
    await exchange(client, service)
    code = story.random.choice(CLOSE_CODES)
    await client.send_close(code)
    await expect_close(client, code)
    await expect_fin(service)
    service.close()
    await expect_fin(client)


@ending(*SESSION_STAGES)
async def client_closes_without_a_code_behind_data(story):
    client, service = await story.session()
    data = story.random.randbytes(100_000)
    await client.send(encode_frame(BINARY, data) + encode_frame(CLOSE))
    assert await service.recv_to_end() == (data, "fin")
    service.finish()
    await expect_close(client, 1005)


@ending(*SESSION_STAGES)
async def client_half_closes_between_messages(story):
    client, service = await story.session()
    await client.send_data(b"question")
    client.finish()
    assert await service.recv_to_end() == (b"question", "fin")
    await service.send(b"answer")
    service.finish()
    if story.way.tls:  # Python's ssl reads nothing behind its own close_notify
        return
    assert await client.recv_until_close() == (b"answer", 1000)
    await expect_fin(client)


@ending(*SESSION_STAGES)
async def client_half_closes_inside_a_message(story):
    client, service = await story.session()
    await client.send(encode_frame(BINARY, b"begun", length=5000))
    client.finish()
    data, how = await service.recv_to_end()
    assert data == b"begun"
    story.check_cut(how)


@ending(*SESSION_STAGES)
async def client_half_closes_inside_a_fragmented_message(story):
    client, service = await story.session()
    await client.send(encode_frame(TEXT, b"first", fin=False))
    client.finish()
    data, how = await service.recv_to_end()
    assert data == b"first"
    story.check_cut(how)


@ending(*SESSION_STAGES)
async def client_resets(story):
    client, service = await story.session()
    await exchange(client, service)
    client.reset()
    story.check_cut((await service.recv_to_end())[1])


@ending(*SESSION_STAGES)
async def client_resets_inside_a_header(story):
    client, service = await story.session()
    await client.send(encode_frame(BINARY, bytes(70_000))[:story.random.randrange(1, 14)])
    await asyncio.sleep(story.random.random() * STARE_SECONDS)
    client.reset()
    story.check_cut((await service.recv_to_end())[1])


@ending(*SESSION_STAGES)
async def client_leaves_with_bytes_unread(story):
    client, service = await story.session()
    await service.send(b"x" * 50_000)
    await client.until_readable()
    client.close()  # a reset, says the kernel
    story.check_cut((await service.recv_to_end())[1])


@ending(*SESSION_STAGES)
async def client_stops_reading_and_vanishes(story):
    client, service = await story.session()
    story.aside(service.offer(PUSHED))
    await asyncio.sleep(STARE_SECONDS)
    client.reset()
    await service.recv_to_end()


@ending(*SESSION_STAGES)
async def client_floods_with_pings_and_vanishes(story):
    client, service = await story.session()
    story.aside(client.offer(encode_frame(PING, b"p" * 125) * 2000))
    await asyncio.sleep(STARE_SECONDS)
    client.reset()
    story.check_cut((await service.recv_to_end())[1])


@ending(*SESSION_STAGES)
async def client_sends_on_behind_its_close(story):
    client, service = await story.session()
    await client.send_close()
    await client.offer(b"\x00" * 30_000)
    await expect_fin(service)
    service.finish()
    await expect_close(client, 1000)


@ending("tokens", "unix", tls=True)
async def client_truncates_tls(story):
    client, service = await story.session()
    await client.send_data(b"all of this")
    client.cut()
    data, how = await service.recv_to_end()
    assert data == b"all of this"
    story.check_cut(how)
    await expect_close(client, 1002)


@ending("tokens", "unix", tls=True)
async def client_damages_a_record(story):
    client, service = await story.session()
    await client.send_raw(b"\x17\x03\x03\x00\x40" + bytes(64))
    assert (await client.recv_to_end())[1] == "alert"
    story.check_cut((await service.recv_to_end())[1])


VIOLATIONS = [
    (encode_frame(BINARY, b"unmasked", mask=None), 1002),
    (encode_frame(BINARY, b"bit", rsv=4), 1002),
    (encode_frame(0x3, b"opcode"), 1002),
    (encode_frame(BINARY, b"long form", form=64), 1002),
    (encode_frame(BINARY, b"huge", length=1 << 63, form=64), 1002),
    (encode_frame(PING, b"fragment", fin=False), 1002),
    (encode_frame(PING, b"long" * 40), 1002),
    (encode_frame(CONTINUATION, b"of nothing"), 1002),
    (encode_frame(CLOSE, b"\x03"), 1002),
    (encode_frame(CLOSE, struct.pack(">H", 1005)), 1002),
    (encode_frame(CLOSE, b"\x03\xe8\xff"), 1007),
    (encode_frame(TEXT, b"\xff"), 1007),
]


@ending(*SESSION_STAGES)
async def client_violates_the_protocol(story):
    client, service = await story.session()
    bad, code = story.random.choice(VIOLATIONS)
    await client.send(encode_frame(BINARY, b"good") + bad)
    await expect_close(client, code)
    data, how = await service.recv_to_end()
    assert data == b"good"
    story.check_cut(how)


@ending("brief")
async def client_sends_text_where_it_is_refused(story):
    client, _ = await story.session()
    await client.send_frame(TEXT, b"words")
    await expect_close(client, 1003, IDLE)


@ending("strict", waits=True)
async def client_answers_no_ping(story):
    client, service = await story.session()
    await expect_close(client, 1011)
    story.check_cut((await service.recv_to_end())[1])


@ending("brief", waits=True)
async def client_is_idle(story):
    client, service = await story.session()
    await expect_close(client, IDLE)
    story.check_cut((await service.recv_to_end())[1])


@ending("brief", waits=True)
async def client_closes_and_the_service_does_not(story):
    client, service = await story.session()
    await client.send_close()
    await expect_close(client, 1000, IDLE)
    await service.recv_to_end()
    await expect_fin(client)  # and when --close-timeout is over, nobody holds the service any more
    while not story.was_cut(service):
        await asyncio.sleep(0.1)


# ---- the service's ends ----


@ending(*SESSION_STAGES)
async def service_ends(story):
    client, service = await story.session()
    data = story.random.randbytes(20_000)
    await service.send(data)
    service.finish()
    assert await client.recv_until_close() == (data, 1000)
    await client.send_close()
    await expect_fin(client)


@ending(*SESSION_STAGES)
async def service_ends_and_the_client_sends_on(story):
    client, service = await story.session()
    service.finish()
    await expect_close(client, 1000)
    if story.stage.services.tls:  # Python's ssl reads nothing behind its own close_notify
        return
    await client.send_data(b"one more")
    await client.send_close()
    got = await service.recv_to_end()
    assert got == (b"one more", "fin"), got


@ending("brief", waits=True)
async def service_ends_and_the_client_says_nothing(story):
    client, service = await story.session()
    service.finish()
    await expect_close(client, 1000, IDLE)
    assert (await client.recv_to_end())[1] == "fin"  # when --close-timeout-max is over


@ending(*SESSION_STAGES)
async def service_ends_and_the_client_is_gone(story):
    client, service = await story.session()
    service.finish()
    await asyncio.sleep(story.random.random() * STARE_SECONDS)
    client.reset()


@ending("tokens", "first")
async def service_resets(story):
    client, service = await story.session()
    await exchange(client, service)
    service.reset()
    await expect_close(client, *((1000, 1011) if story.way.target == "unix" else (1011,)))
    await client.send_close()
    assert (await client.recv_to_end())[1] == "fin"


@ending("tokens", "unix", "first")
async def service_leaves_with_bytes_unread(story):
    client, service = await story.session()
    await client.send_data(bytes(30_000))
    await asyncio.sleep(STARE_SECONDS)
    service.close()  # a reset, says the kernel
    await expect_close(client, 1000, 1011)


@ending("ssl")
async def service_truncates_tls(story):
    client, service = await story.session()
    await service.send(b"last words")
    service.cut()
    assert await client.recv_until_close() == (b"last words", 1011)


@ending(*SESSION_STAGES)
async def service_stops_reading_and_vanishes(story):
    client, service = await story.session()
    story.aside(client.offer(encode_frame(BINARY, PUSHED)))
    await asyncio.sleep(STARE_SECONDS)
    service.reset()
    await expect_close(client, *((1000, 1011) if story.way.target == "unix" else (1011,)))


@ending(*SESSION_STAGES)
async def service_sends_on_after_the_clients_close(story):
    client, service = await story.session()
    await client.send_close()
    story.aside(service.offer(PUSHED))
    await expect_fin(service)


@ending(*SESSION_STAGES)
async def both_stop_reading_and_one_vanishes(story):
    client, service = await story.session()
    story.aside(service.offer(PUSHED))
    story.aside(client.offer(encode_frame(BINARY, PUSHED)))
    await asyncio.sleep(STARE_SECONDS)
    story.random.choice([client, service]).reset()


# ---- targets that can't be reached ----


@ending("tokens")
async def dial_fails(story):
    client = await story.upgraded(story.random.choice(["refused", "missing", "malformed"]))
    await expect_close(client, 1011)
    await client.send_close()
    await expect_fin(client)


@ending("tokens", waits=True)
async def dial_takes_too_long(story):
    await expect_close(await story.upgraded("deaf"), 1011)


@ending("tokens", "first")
async def client_leaves_while_dialling(story):
    client = await story.client()
    await client.send(upgrade_request(story.path("deaf")) + encode_frame(BINARY, b"in vain"))
    await asyncio.sleep(story.random.random() * STARE_SECONDS)
    story.random.choice([client.reset, client.close, client.finish])()


@ending("tokens")
async def client_closes_while_dialling(story):
    client = await story.upgraded("deaf")
    await client.send_close()
    await expect_close(client, 1000, 1011)  # the dial's time may be over first
    await expect_fin(client)
