"""Redis behind wsluice: commands as raw RESP over one WebSocket, in frames that do not care where a
command begins or ends, over TCP and over a Unix socket."""
# ctest: world

import os

import pytest

from harness import BINARY, RawClient, Service, wait_until

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    server = Service(
        lambda port: [
            "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(folder / "redis.sock"),
            "--save", "", "--appendonly", "no", "--dir", str(folder), "--daemonize", "no",
        ],
        folder / "redis.log",
    )
    server.socket_path = folder / "redis.sock"
    wait_until(server.socket_path.exists)
    yield server
    server.stop()


@pytest.fixture(params=["tcp", "unix"])
def bridge(request, wsluice, redis):
    """wsluice in front of redis, both ways to dial it."""
    if request.param == "tcp":
        return wsluice(redis)
    return wsluice(None, "--unix-target", redis.socket_path)


class RedisClient:
    """RESP (redis.io/docs/reference/protocol-spec) over a WebSocket taken as a stream of bytes."""

    def __init__(self, bridge):
        self.client = RawClient(bridge.port)
        self.client.upgrade("/")
        self.buffer = b""

    def close(self):
        self.client.close()

    @staticmethod
    def encode(*words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

    def call(self, *words):
        self.client.send_frame(BINARY, self.encode(*words))
        return self.reply()

    def send_in_frames(self, data, size):
        for start in range(0, len(data), size):
            self.client.send_frame(BINARY, data[start:start + size])

    def reply(self):
        kind, rest = (line := self.line())[:1], line[1:]
        if kind in b"+-:":
            return line
        if kind == b"$":
            return self.take(int(rest) + 2)[:-2] if rest != b"-1" else None
        assert kind == b"*", f"not RESP: {line!r}"
        return [self.reply() for _ in range(int(rest))]

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def take(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            parts.append(self.client.recv_frame().payload)
            have += len(parts[-1])
        whole = b"".join(parts)
        self.buffer = whole[count:]
        return whole[:count]

    def more(self):
        frame = self.client.recv_frame()
        assert frame.opcode == BINARY, f"expected data, got {frame}"
        self.buffer += frame.payload


@pytest.fixture
def open_redis(bridge):
    """open_redis() is one more client."""
    clients = []

    def open_one():
        clients.append(RedisClient(bridge))
        return clients[-1]

    yield open_one
    for client in clients:
        client.close()


def test_ping(open_redis):
    assert open_redis().call("PING") == b"+PONG"


def test_a_megabyte_of_binary_is_stored_and_read_back(open_redis):
    value = os.urandom(MEGABYTE)
    redis = open_redis()
    assert redis.call("SET", "blob", value) == b"+OK"
    assert redis.call("STRLEN", "blob") == b":%d" % MEGABYTE
    assert redis.call("GET", "blob") == value
    assert redis.call("GET", "no such key") is None


@pytest.mark.parametrize("frame_size", [1, 7, 1000, 1 << 20], ids=lambda size: f"frames of {size}")
def test_a_thousand_commands_in_a_row_are_answered_in_order(open_redis, frame_size):
    redis = open_redis()
    commands = b"".join(RedisClient.encode("ECHO", f"number {number}") for number in range(1000))
    redis.send_in_frames(commands, frame_size)
    assert [redis.reply() for _ in range(1000)] == [b"number %d" % number for number in range(1000)]


def test_what_one_client_publishes_another_gets(open_redis):
    listener, speaker = open_redis(), open_redis()
    assert listener.call("SUBSCRIBE", "news") == [b"subscribe", b"news", b":1"]
    assert speaker.call("PUBLISH", "news", b"\x00\xff binary \r\n") == b":1"
    assert listener.reply() == [b"message", b"news", b"\x00\xff binary \r\n"]


def test_quit_ends_the_session_with_1000(open_redis):
    redis = open_redis()
    assert redis.call("QUIT") == b"+OK"
    redis.client.expect_close(1000, "Target closed")
