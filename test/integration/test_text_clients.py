"""Clients that take text only, in front of services that know nothing of it: a service that says the time, for
Python and for Node; an IRC server, with text.ircv3.net and binary.ircv3.net; redis, in lines and in the base64
of old clients. (Chromium: test/browser/test_text_page.py.)
"""
# ctest: world cost=12

import asyncio
import base64
import datetime

import pytest
import websockets

from harness import Service, run_node

TICK_SECONDS = 0.1


@pytest.fixture
def clock(serve):
    """A line service: says the time again and again, to who sends a line the line as well."""

    def say_the_time(wire):
        wire.send(b"Time service\r\n")
        while True:
            try:
                line = wire.recv_some(TICK_SECONDS)
            except TimeoutError:
                line = b""
            wire.send(line + datetime.datetime.now().isoformat().encode() + b" \xe2\x8f\xb0\n")

    return serve(say_the_time)


def is_time(message):
    return message.endswith(" ⏰") and datetime.datetime.fromisoformat(message[:-2])


def test_the_time_for_python(wsluice, clock):
    async def listen():
        async with websockets.connect(wsluice(clock, "--frames", "lines").url()) as socket:
            return [await socket.recv() for _ in range(4)]

    first, *times = asyncio.run(listen())
    assert first == "Time service"
    assert all(isinstance(message, str) and is_time(message) for message in times)


def test_the_time_for_node(wsluice, clock):
    url = wsluice(clock, "--frames", "lines").url()
    report = run_node("integration/clients/text_only.mjs", url=url, say=["hello"], count=5)
    assert "hello" in report["messages"]
    assert sum(bool(is_time(message)) for message in report["messages"] if "⏰" in message) == 3
    assert report["code"] == 1000


@pytest.mark.parametrize("kind, end", [("binary", 1003), ("text", 1000), ("lines", 1000), ("auto", 1000)])
def test_who_takes_only_text_leaves_when_binary_comes(wsluice, serve, kind, end):
    def answer(wire):
        wire.recv_some()
        wire.send(b"text\n")
        wire.recv_to_end()

    url = wsluice(serve(answer), "--frames", kind).url()
    report = run_node("integration/clients/text_only.mjs", url=url, say=["hello"], count=1)
    assert report["code"] == end


# --- IRC ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def irc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("irc")

    def command(port):
        (folder / "ngircd.conf").write_text(f"""
[Global]
Name = irc.example.net
Info = Test
Listen = 127.0.0.1
Ports = {port}
ServerUID = root
ServerGID = root
[Options]
DNS = no
Ident = no
PAM = no
""")
        return ["/usr/sbin/ngircd", "--nodaemon", "--config", str(folder / "ngircd.conf")]

    server = Service(command, folder / "ngircd.log")
    yield server
    server.stop()


async def talk_irc(url, subprotocol, encode, nick):
    """Registers, joins a channel, and says something there to itself through a second client."""

    async def register(name):
        socket = await websockets.connect(url, subprotocols=[subprotocol])
        assert socket.subprotocol == subprotocol
        for line in [f"NICK {name}", f"USER {name} 0 * :{name}"]:
            await socket.send(encode(line))
        await expect(socket, " 001 ")
        await socket.send(encode("JOIN #köln"))
        await expect(socket, " 366 ")
        return socket

    async def expect(socket, word):
        while True:
            message = await asyncio.wait_for(socket.recv(), 10)
            assert type(message) is type(encode(""))
            text = message if isinstance(message, str) else message.decode()
            assert "\r" not in text and "\n" not in text
            if word in text:
                return text

    speaker, hearer = await register(nick), await register(nick + "2")
    await speaker.send(encode("PRIVMSG #köln :grüß dich ☕"))
    heard = await expect(hearer, "PRIVMSG")
    for socket in (speaker, hearer):
        await socket.close()
    return heard


@pytest.mark.parametrize("subprotocol, encode", [("text.ircv3.net", str), ("binary.ircv3.net", str.encode)])
def test_an_irc_server_takes_a_message_for_a_line(wsluice, irc, subprotocol, encode):
    nick = subprotocol[:4]
    heard = asyncio.run(talk_irc(wsluice(irc).url(), subprotocol, encode, nick))
    assert heard.startswith(f":{nick}!") and heard.endswith("PRIVMSG #köln :grüß dich ☕")


def test_a_library_for_irc_talks_to_the_server(wsluice, irc):
    bridge = wsluice(irc)
    said = {"channel": "#lib", "text": "grüß dich ☕"}
    heard = run_node("integration/clients/irc_round.mjs", host="127.0.0.1", port=bridge.port, path="/",
                     protocol="text.ircv3.net", **said)
    assert heard == {"nick": "speaker", "message": said["text"], "protocol": "text.ircv3.net"}


# --- redis -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")

    def command(port):
        return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]

    server = Service(command, folder / "redis.log")
    yield server
    server.stop()


def test_a_line_each_way(wsluice, redis):
    url = wsluice(redis, "--frames", "lines").url()
    say = ["SET greeting grüße", "GET greeting", "PING"]
    report = run_node("integration/clients/text_only.mjs", url=url, say=say, count=4)
    assert report["messages"] == ["+OK", "$7", "grüße", "+PONG"]


def test_base64_each_way(wsluice, redis):
    """As noVNC before 0.6 spoke it: the subprotocol base64, all that it has to send in a text message."""

    async def ask(url, *commands):
        async with websockets.connect(url, subprotocols=["base64"]) as socket:
            for command in commands:
                await socket.send(base64.b64encode(command).decode())
            answer = b""
            while len(answer) < len(b"+OK\r\n$256\r\n") + 256 + len(b"\r\n"):
                answer += base64.b64decode(await asyncio.wait_for(socket.recv(), 10), validate=True)
            return answer

    raw = bytes(range(256))
    commands = [b"*3\r\n$3\r\nSET\r\n$3\r\nraw\r\n$256\r\n" + raw, b"\r\n", b"GET raw\r\n"]
    assert asyncio.run(ask(wsluice(redis).url(), *commands)) == b"+OK\r\n$256\r\n" + raw + b"\r\n"
