"""A C# program on System.Net.WebSockets.ClientWebSocket under mono, which takes text messages only and closes with a
reason otherwise, in front of a line service that says the time every two seconds.
"""
# ctest: world

import datetime
import pathlib
import subprocess

import pytest

from harness import Service

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "time_service.py"


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    out = tmp_path_factory.mktemp("mono") / "TextOnly.exe"
    subprocess.run(["mcs", "-r:System.dll", f"-out:{out}", CLIENTS / "TextOnly.cs"], check=True, timeout=60)
    return out


@pytest.fixture
def run(program):
    """run(url, count, protocol, *lines): what the client has seen, line by line, and how it ended."""

    def run(url, count, protocol="", *lines):
        done = subprocess.run(["mono", program, url, str(count), protocol, *lines], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        first, *messages, end = done.stdout.decode().splitlines()
        return first.removeprefix("protocol").strip(), [text.removeprefix("message ") for text in messages], end

    return run


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """The example that the README shows, as it is."""
    service = Service(lambda port: ["/usr/bin/python3", EXAMPLE, str(port)], tmp_path_factory.mktemp("clock") / "log")
    yield service
    service.stop()


def test_the_time_in_lines(wsluice, clock, run):
    protocol, messages, end = run(wsluice(clock, "--frames", "lines").url(), 4, "", "hallo ☕")
    assert protocol == ""
    assert messages[:2] == ["Time service ⏰", "hallo ☕"]
    first, second = map(datetime.datetime.fromisoformat, messages[2:])
    assert second - first >= datetime.timedelta(seconds=1.9)
    assert end.startswith("ended 1000")


def test_text_of_many_pieces(wsluice, serve, run):
    """Cut between characters, whatever the target's writes are."""
    text = "äöü€😀" * 500

    def trickle(wire):
        data = text.encode()
        for at in range(0, len(data), 777):
            wire.send(data[at:at + 777])
        wire.recv_to_end()

    bridge = wsluice(serve(trickle), "--frames", "text")
    _, messages, end = run(bridge.url(), 1)
    assert text.startswith(messages[0]) and end.startswith("ended 1000")


@pytest.mark.parametrize("kind, end", [("binary", "Only text messages, please"), ("auto", "")])
def test_what_it_says_to_binary(wsluice, serve, run, kind, end):
    """With `auto` it is sent text as soon as it has said something."""

    def answer(wire):
        wire.recv_some()
        wire.send(b"answer")
        wire.recv_to_end()

    bridge = wsluice(serve(answer), "--frames", kind)
    _, messages, seen = run(bridge.url(), 1, "", "question")
    assert (messages == ["answer"]) == (kind == "auto"), seen
    assert ("1003" in seen) == (kind == "binary")


def test_a_subprotocol_of_its_own(wsluice, serve, run):
    bridge = wsluice(serve(lambda wire: wire.send(b"line\n")), "--frames", "lines", "--subprotocol", "chat")
    protocol, messages, _ = run(bridge.url(), 1, "chat")
    assert (protocol, messages) == ("chat", ["line"])
