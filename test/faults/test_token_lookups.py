# ctest: timeout=600
"""Signed tokens and those that a Redis server knows, while the n-th request for memory is refused, for every n."""

import base64
import hashlib
import hmac
import json
import socket

import pytest

from harness import Service
from scene import endure, endure_first

SECRET = b"thirty-two bytes that nobody has"
LIVES = pytest.mark.parametrize("lives", [endure, endure_first])


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(target):
    host, _, port = target.partition(":")
    parts = [encode(json.dumps(part).encode()) for part in ({"alg": "HS256"}, {"host": host, "port": int(port)})]
    mac = hmac.new(SECRET, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, encode(mac)])


def visit(token):
    def life(scene):
        client = scene.connect()
        client.upgrade(f"/?token={token}")
        scene.sent += b"by token"
        client.trip(b"by token")
        client.say_goodbye()

    return life


@LIVES
def test_a_signed_token(scene, recorder, tmp_path, lives):
    (tmp_path / "key").write_bytes(SECRET)
    start = scene(None, "--token-plugin", "JWTTokenApi", "--token-source", tmp_path / "key", "--allow-target", "127.0.0.1",
                  recorder=recorder)
    lives(start, visit(signed(recorder.target_args[0])))


@pytest.fixture
def redis(tmp_path):
    server = Service(lambda port: ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir",
                                   str(tmp_path)], tmp_path / "redis.log")
    yield server
    server.stop()


@LIVES
def test_a_token_that_redis_knows(scene, recorder, redis, lives):
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        connection.sendall(f"SELECT 2\r\nSET vm {recorder.target_args[0]}\r\n".encode())
        assert connection.recv(100).startswith(b"+OK\r\n")
    start = scene(None, "--token-plugin", "TokenRedis", "--token-source", f"127.0.0.1:{redis.port}:2", "--allow-target",
                  "127.0.0.1", recorder=recorder)
    lives(start, visit("vm"))
