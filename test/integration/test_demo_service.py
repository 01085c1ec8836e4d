"""`wsluice --demo`: its line service answers over a WebSocket as it would over plain TCP, does not mind
clients that flood, stall or vanish, and standard output says where to look.
"""
# ctest: threads

import asyncio
import contextlib
import os
import re
import socket
import struct

import pytest
import websockets

from harness import LIMIT_SECONDS, resident_kib, wait_until

LINE_MAX = 4096
STORY_SECONDS = 60
# A dozen users at 20 KB; sanitizers multiply what a program touches.
ALLOWED_GROWTH_KIB = 1024 if not os.environ.get("WSLUICE_SANITIZE") else 16384
COMMANDS = ["help", "time", "echo", "ping", "count", "flood", "stop", "who", "say", "bye"]


@pytest.fixture
def demo(wsluice):
    return wsluice(None, "--demo", "--log-level", "debug")


class Talk:
    """A WebSocket to the service, read as the stream that it is: messages have no meaning here."""

    def __init__(self, socket):
        self.socket = socket
        self.unread = b""

    async def say(self, line):
        await self.socket.send(line + b"\n")

    async def read(self, count):
        while len(self.unread) < count:
            self.unread += await self.socket.recv()
        data, self.unread = self.unread[:count], self.unread[count:]
        return data

    async def line(self):
        while b"\n" not in self.unread:
            self.unread += await self.socket.recv()
        line, _, self.unread = self.unread.partition(b"\n")
        return line

    async def ask(self, line):
        await self.say(line)
        return await self.line()

    async def rest(self):
        """What comes until the connection ends, with the code and reason of its Close."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                self.unread += await self.socket.recv()
        return self.unread, self.socket.close_code, self.socket.close_reason


@contextlib.asynccontextmanager
async def talk(demo):
    async with websockets.connect(demo.url()) as socket:
        conversation = Talk(socket)
        assert b"Type help" in await conversation.line()
        yield conversation


def story(demo, tell):
    """Runs tell(conversation) with a fresh connection, under a limit."""

    async def run():
        async with talk(demo) as conversation:
            await tell(conversation)

    asyncio.run(asyncio.wait_for(run(), STORY_SECONDS))


def service_port(demo):
    return int(demo.wait_for_log(r"demo service listening .*port=(\d+)")[1])


def test_standard_output_says_where_to_look_and_the_one_line(demo):
    wait_until(lambda: "host:port" in demo.output, message=lambda: f"it said only: {demo.output!r}")
    assert f"http://127.0.0.1:{demo.port}/" in demo.output
    assert re.search(rf"wsluice {demo.port} host:port$", demo.output, re.MULTILINE)


def fetch(client, path):
    response = client.request(f"GET {path} HTTP/1.1\r\nHost: demo\r\n\r\n".encode())
    assert response.status == 200, f"the page needs {path}: {response}"
    return response.header("Content-Type"), response.body.decode()


def test_the_page_and_its_parts_are_served(demo, connect):
    client = connect(demo, path=None)
    kind, page = fetch(client, "/")
    assert kind.startswith("text/html")
    parts = set(re.findall(r'(?:src|href)="([\w.]+\.(?:js|css|svg))"', page))
    assert {"app.js", "style.css", "icon.svg"} <= parts
    while parts:
        part = parts.pop()
        kind, text = fetch(client, f"/{part}")
        if part.endswith(".js"):
            assert "javascript" in kind, f"browsers refuse {part} as a module: it is {kind}"
            parts |= set(re.findall(r"from '\./([\w.]+)'", text))


def test_the_page_runs_nothing_inline_and_takes_nothing_from_elsewhere(demo, connect):
    _, page = fetch(connect(demo, path=None), "/")
    assert "default-src 'self'" in page
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|(?:src|href)=\"(?:\w+:)?//", page)


def test_help_lists_every_command(demo):
    async def tell(conversation):
        await conversation.say(b"help")
        listed = [(await conversation.line()).split()[0].decode() for _ in COMMANDS]
        assert listed == COMMANDS

    story(demo, tell)


ANSWERS = {
    "echo": (b"echo hello", b"hello"),
    "echo keeps blanks": (b"echo   two  and a tail ", b"  two  and a tail "),
    "echo of nothing": (b"echo", b""),
    "echo of any bytes": (b"echo \x00\xff\x1b[31m", b"\x00\xff\x1b[31m"),
    "echo of the longest line": (b"echo " + b"x" * (LINE_MAX - 5), b"x" * (LINE_MAX - 5)),
    "a line that is too long": (b"echo " + b"x" * (LINE_MAX - 4), b"error: that line is longer than 4096 bytes"),
    "a line that never ends": (b"x" * 100_000, b"error: that line is longer than 4096 bytes"),
    "any case, blanks in front": (b" \t PiNg", b"pong"),
    "CR LF": (b"ping\r", b"pong"),
    "empty lines ask nothing": (b"\n\r\n  \nping", b"pong"),
    "unknown": (b"make coffee", b"error: no such command; type help for the list"),
    "a word that starts like one": (b"echoes", b"error: no such command; type help for the list"),
    "nobody to talk to": (b"say hello", b"said to 0 other users"),
    "say nothing": (b"say  ", b"error: say what?"),
    "nothing runs": (b"stop", b"nothing to stop"),
    "count to nothing": (b"count 0", b"error: count takes a number from 1 to 100000"),
    "count to a word": (b"count ten", b"error: count takes a number from 1 to 100000"),
    "count with a suffix": (b"count 1K", b"error: count takes a number from 1 to 100000"),
    "count below zero": (b"count -1", b"error: count takes a number from 1 to 100000"),
    "flood over the limit": (b"flood 2G", b"error: flood takes a number of bytes from 1 to 1G"),
    "flood over 64 bits": (b"flood 18446744073709551617", b"error: flood takes a number of bytes from 1 to 1G"),
    "flood with a suffix alone": (b"flood K", b"error: flood takes a number of bytes from 1 to 1G"),
}


@pytest.mark.parametrize("line, answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_answers(demo, line, answer):
    async def tell(conversation):
        assert (await conversation.ask(line)).startswith(answer)
        assert await conversation.ask(b"ping") == b"pong", "one line had more than one answer"

    story(demo, tell)


def test_time_is_utc_in_iso_8601(demo):
    async def tell(conversation):
        assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", await conversation.ask(b"time"))

    story(demo, tell)


def test_count_says_each_number_and_answers_meanwhile(demo):
    async def tell(conversation):
        await conversation.say(b"count 5")
        assert [await conversation.line() for _ in range(5)] == [b"1", b"2", b"3", b"4", b"5"]
        await conversation.say(b"count 100000")
        assert await conversation.line() == b"1"
        await conversation.say(b"stop\nping")
        seen = [await conversation.line()]
        while seen[-1] != b"pong":
            seen.append(await conversation.line())
        assert seen[-2] == b"stopped"

    story(demo, tell)


# 64 bytes a line, 60,800 a write: both sides of each border.
@pytest.mark.parametrize("asked, count", [
    (b"1", 1), (b"2", 2), (b"63", 63), (b"64", 64), (b"65", 65), (b"60799", 60799), (b"60800", 60800),
    (b"60801", 60801), (b"121600", 121600), (b"64k", 65536), (b"5M", 5 << 20),
], ids=lambda value: value.decode() if isinstance(value, bytes) else "")
def test_flood_sends_that_many_bytes_and_then_a_line(demo, asked, count):
    async def tell(conversation):
        await conversation.say(b"flood " + asked)
        data = await conversation.read(count)
        assert data.endswith(b"\n")
        assert max(map(len, data.split(b"\n"))) <= 63
        assert (await conversation.line()).startswith(b"flood done: %d bytes in " % count)

    story(demo, tell)


def test_answers_come_between_the_lines_of_a_flood(demo):
    async def tell(conversation):
        await conversation.say(b"flood 1G")
        assert len(await conversation.read(1 << 20)) == 1 << 20
        await conversation.say(b"ping\nstop")
        while await conversation.line() != b"pong":
            pass
        while await conversation.line() != b"stopped":
            pass
        assert await conversation.ask(b"ping") == b"pong", "the flood went on"

    story(demo, tell)


@pytest.mark.parametrize("word", [b"bye", b"quit"])
def test_bye_ends_the_session_with_1000(demo, word):
    async def tell(conversation):
        # What follows is not run any more, and does not keep the answer from coming.
        await conversation.say(b"echo last\n" + word + b"\n" + b"echo more\n" * 100)
        assert await conversation.rest() == (b"last\nbye\n", 1000, "Target closed")

    story(demo, tell)


def test_users_hear_what_others_say_without_control_characters(demo):
    async def run():
        async with talk(demo) as speaker, talk(demo) as listener:
            assert await speaker.ask("say grüß \x1b[2J dich\x07".encode()) == b"said to 1 other user"
            heard = (await listener.line()).decode()
            assert re.fullmatch(r"user \d+ says: grüß \?\[2J dich\?", heard)
            assert (await speaker.ask(b"who")).startswith(b"2 users here")

    asyncio.run(asyncio.wait_for(run(), STORY_SECONDS))


# --- the service by itself: it is a TCP service like any other ---------------------------------------


@pytest.fixture
def dial(demo):
    """dial() is a plain TCP connection to the service, its greeting read."""
    port = service_port(demo)
    opened = []

    def connect():
        wire = socket.create_connection(("127.0.0.1", port), LIMIT_SECONDS)
        opened.append(wire)
        greeting = b""
        while not greeting.endswith(b"\n"):
            greeting += wire.recv(1)
        return wire

    yield connect
    for wire in opened:
        wire.close()


def read_all(wire):
    data = b""
    while piece := wire.recv(65536):
        data += piece
    return data


def reset(wire):
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()


def test_a_client_that_ends_its_side_gets_every_answer(dial):
    wire = dial()
    wire.sendall(b"count 3\n\necho half a line at the end")
    wire.shutdown(socket.SHUT_WR)
    answer = read_all(wire)
    assert sorted(answer.splitlines()) == [b"1", b"2", b"3", b"half a line at the end"]


def test_what_comes_behind_bye_is_dropped_without_a_reset(dial):
    wire = dial()
    wire.sendall(b"bye\n" + b"echo more\n" * 2_000_000)  # more than the kernel's buffers hold
    wire.shutdown(socket.SHUT_WR)
    assert read_all(wire) == b"bye\n"


def test_the_service_is_reachable_from_this_machine_only(demo):
    port = service_port(demo)
    listening = open("/proc/net/tcp").read() + open("/proc/net/tcp6").read()
    holders = re.findall(rf": (\w+):{port:04X} \w+:0000 0A", listening)
    assert holders == ["0100007F"], "127.0.0.1 as the kernel writes it"


def test_clients_that_do_not_read_cost_no_memory_and_stop_nobody(demo, dial):
    before = resident_kib(demo.pid)
    for _ in range(10):
        dial().sendall(b"flood 1G\n")
    talker = dial()
    talker.setblocking(False)
    with pytest.raises(BlockingIOError):
        for _ in range(1_000_000):  # bounded: far more than the kernel's buffers take
            talker.send(b"echo " + b"x" * 4000 + b"\n")
    patient = dial()
    patient.sendall(b"ping\n")
    assert patient.recv(100) == b"pong\n"
    # wsluice itself has no part in this: all of it is the service's.
    assert resident_kib(demo.pid) - before < ALLOWED_GROWTH_KIB


def test_resets_at_any_moment_do_no_harm(dial):
    for number in range(40):
        wire = dial()
        wire.sendall([b"flood 1G\n", b"count 9\n", b"bye\n", b"half a"][number % 4])
        reset(wire)
    wire = dial()
    wire.sendall(b"who\n")
    wait_until(lambda: _alone(wire), message="users that were reset are still here")


def _alone(wire):
    wire.sendall(b"who\n")
    return b"1 user here" in wire.recv(65536)


def test_lines_in_one_piece_are_all_answered(dial):
    wire = dial()
    wire.sendall(b"ping\n" * 5000)
    wire.shutdown(socket.SHUT_WR)
    assert read_all(wire) == b"pong\n" * 5000


def test_stopping_ends_the_service_in_the_midst_of_floods(demo, dial):
    for _ in range(5):
        dial().sendall(b"flood 1G\n")
    demo.stop()
