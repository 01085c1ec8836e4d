"""TokenRedis: targets looked up in a real redis-server: its passwords, databases and namespaces, values of
every shape, many lookups at once, and a server that hangs, loads, refuses, restarts or is no Redis at all.
"""
# ctest: threads

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import BINARY, RawClient, Service, echo, free_port, upgrade_request, wait_until

ESTABLISHED, CLOSE_WAIT = "01", "08"  # of /proc/net/tcp
PASSWORD = 'pass"word:with colons'


class Redis:
    """A redis-server that can be stopped and started again on its port."""

    def __init__(self, folder, *options, password=None):
        self.folder, self.options, self.password = folder, options, password
        self.port = free_port()
        self.socket_path = folder / "redis.sock"
        self.service = None
        self.start()

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1 ::1", "--save", "", "--appendonly", "no",
                   "--dir", str(self.folder), "--daemonize", "no", "--unixsocket", str(self.socket_path),
                   "--enable-debug-command", "local", *self.options]
        if self.password:
            command += ["--requirepass", self.password]
        self.service = Service(lambda _: command, self.folder / "redis.log", port=self.port)

    def stop(self):
        self.service.stop()

    @contextlib.contextmanager
    def hanging(self):
        """Meanwhile it takes connections, and answers nothing."""
        self.service.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.service.process.send_signal(signal.SIGCONT)

    def call(self, *words, db=0):
        environment = {**os.environ, **({"REDISCLI_AUTH": self.password} if self.password else {})}
        result = subprocess.run(["redis-cli", "-p", str(self.port), "-n", str(db), *map(str, words)], env=environment,
                                capture_output=True, text=True, timeout=20)
        assert result.returncode == 0 and "ERR" not in result.stdout, result.stdout + result.stderr
        return result.stdout.strip()


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def start(wsluice):
    """start(source) runs wsluice with TokenRedis."""

    def run(source, *options):
        return wsluice(None, "--token-plugin", "TokenRedis", "--token-source", source, "--allow-target", "127.0.0.1",
                       "--allow-target", "[::1]", "--log-level", "debug", *options)

    return run


@pytest.fixture
def target(echo_backend):
    return f"127.0.0.1:{echo_backend.port}"


@pytest.fixture
def expect_echo(connect):
    def check(bridge, token):
        client = connect(bridge, f"/?token={token}")
        client.send_frame(BINARY, b"through")
        assert client.recv_data(7) == b"through"
        return client

    return check


@pytest.fixture
def expect_status(connect):
    def check(bridge, token, status):
        client = connect(bridge, path=None)
        answer = client.upgrade(f"/?token={token}", expect=None)
        assert answer.status == status, f"{token}: {answer}"
        return answer

    return check


# ---- values ----


def test_values_as_websockify_reads_them(start, redis, target, expect_echo, expect_status):
    port = target.rpartition(":")[2]
    good = {"json": f'{{"host":"{target}"}}', "blanks": f' \n{{ "host" : "{target}", "x": [1] }}\r\n', "text": target,
            "text-blanks": f"  {target}\n", "name": f"localhost:{port}", "numbers": f'{{"host":"127.0.0.1","port":{port}}}'}
    bad = {"cut": f'{{"host":"{target}"', "no-host": '{"port":1}', "no-port": "localhost", "port-0": "localhost:0",
           "port-x": "localhost:x", "empty": "", "list": f'["{target}"]', "twice": f'{{"host":"{target}","host":"{target}"}}',
           "long": "x" * 5000 + ":80", "huge": "x" * 50_000, "control": "local\thost:80", "nul": '{"host":"a\\u0000:80"}'}
    for token, value in {**good, **bad}.items():
        redis.call("SET", token, value)
    redis.call("LPUSH", "list-key", target)
    redis.call("SET", "a token/with:all%sorts", target)
    bridge = start(f"127.0.0.1:{redis.port}")
    for token in [*good, "a%20token%2Fwith%3Aall%25sorts"]:
        expect_echo(bridge, token)
    for token in [*bad, "list-key"]:
        expect_status(bridge, token, 502)
    for token in ("none", "json%20", "JSON", "x" * 10_000, "json%00", "a%0D%0AGET%20json"):
        expect_status(bridge, token, 404)
    expect_status(bridge, "", 403)
    expect_echo(bridge, "json")
    for value in (*bad.values(), "list-key", "no-host", "with:all"):
        assert len(value) < 4 or value in ("localhost",) or value not in bridge.log
    bridge.wait_for_log("WRONGTYPE\n")


def test_a_unix_socket_as_target_and_one_as_redis(start, redis, unix_backend, expect_echo):
    unix_backend.serve(echo)
    redis.call("SET", "vm", f"unix_socket:{unix_backend.path}")
    for source in (f"127.0.0.1:{redis.port}", redis.socket_path):
        bridge = start(source, "--allow-target", f"unix:{unix_backend.path}")
        expect_echo(bridge, "vm")


# ---- sources ----


def test_database_and_namespace(start, redis, target, expect_echo, expect_status):
    redis.call("SET", "app:tokens:vm", target, db=3)
    redis.call("SET", "plain:vm", target)
    bridge = start(f'127.0.0.1:{redis.port}:3::"app:tokens"')
    expect_echo(bridge, "vm")
    expect_status(bridge, "plain:vm", 404)
    expect_echo(start(f"localhost:{redis.port}:::plain"), "vm")
    expect_echo(start(f"[::1]:{redis.port}:::"), "plain%3Avm")
    expect_status(start(f"127.0.0.1:{redis.port}:99"), "vm", 502)


def test_passwords(start, tmp_path, target, expect_echo, expect_status):
    redis = Redis(tmp_path, password=PASSWORD)
    try:
        redis.call("SET", "secret-token", target, db=2)
        bridge = start(f'127.0.0.1:{redis.port}:2:pass"word:ns')  # cut at its colon: wrong
        expect_status(bridge, "secret-token", 502)
        bridge.wait_for_log("it refuses the password")
        none = start(f"127.0.0.1:{redis.port}:2")
        expect_status(none, "secret-token", 502)
        none.wait_for_log("it refuses the database's number")
        without = start(f"127.0.0.1:{redis.port}")
        expect_status(without, "secret-token", 502)
        without.wait_for_log("NOAUTH")
        for each in (bridge, none, without):
            assert "secret-token" not in each.log and "pass" not in each.log.replace("it refuses the password", "")
        redis.call("CONFIG", "SET", "requirepass", "fine-password")
        redis.password = "fine-password"
        good = start(f"127.0.0.1:{redis.port}:2:fine-password")
        expect_echo(good, "secret-token")
        assert "fine-password" not in good.log and "secret-token" not in good.log
    finally:
        redis.stop()


BAD_SOURCES = ["", ":6379", "h:0", "h:65536", "h:x", "h::x", "h:1:2:secret:n:m", "::1:6379", "/run/x:6379", "a b"]


@pytest.mark.parametrize("source", BAD_SOURCES)
def test_a_source_that_is_none_is_a_usage_error(wsluice, source):
    instance = wsluice.run("--token-plugin", "token_plugins.TokenRedis", f"--token-source={source}", str(free_port()))
    instance.expected_status = 2
    assert instance.wait_for_exit() == 2
    assert len(instance.log.splitlines()) == 1
    assert "--token-source" in instance.log and "secret" not in instance.log


# ---- many at once ----


def test_many_lookups_share_a_connection_a_worker(start, redis, target, connect):
    """Each gets its own answer, though they are answered in one stream."""
    for number in range(60):
        redis.call("SET", f"vm{number}", target if number % 3 else "nonsense")
    bridge = start(f"127.0.0.1:{redis.port}", "--workers", "2")
    clients = [connect(bridge, path=None) for _ in range(100)]
    statuses = {}

    def ask(number):
        token = f"vm{number}" if number < 60 else f"none{number}"
        statuses[number] = clients[number].upgrade(f"/?token={token}", expect=None).status

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    with redis.hanging():
        for thread in threads:
            thread.start()
        bridge.wait_for_log("connection head -> routing", count=100)
    for thread in threads:
        thread.join()
    assert statuses == {n: 404 if n >= 60 else 101 if n % 3 else 502 for n in range(100)}
    assert int(re.search(r"connected_clients:(\d+)", redis.call("INFO", "clients"))[1]) <= 3  # and redis-cli's own


# ---- a server in trouble ----


def test_a_server_that_hangs_is_504_and_those_who_gave_up_do_no_harm(start, redis, target, expect_echo, expect_status,
                                                                    connect):
    redis.call("SET", "vm", target)
    redis.call("SET", "other", "127.0.0.1:1")
    bridge = start(f"127.0.0.1:{redis.port}", "--token-timeout", "1", "--workers", "1")
    expect_echo(bridge, "vm")
    with redis.hanging():
        gone, *staying = (connect(bridge, path=None) for _ in range(4))
        for client, token in ((gone, "vm"), *zip(staying, ("other", "vm", "none"))):
            client.send(upgrade_request(f"/?token={token}"))
        bridge.wait_for_log("connection head -> routing", count=5)
        gone.reset()
        assert [client.recv_response().status for client in staying] == [504] * 3
    expect_echo(bridge, "vm")  # its own answer, not one of those
    expect_status(bridge, "none", 404)


def test_a_restart_is_survived(start, redis, target, expect_echo, expect_status):
    redis.call("SET", "vm", target)
    bridge = start(f"127.0.0.1:{redis.port}", "--workers", "1")
    session = expect_echo(bridge, "vm")
    redis.stop()
    for _ in range(3):
        expect_status(bridge, "vm", 502)
    redis.start()
    redis.call("SET", "vm", target)
    wait_until(lambda: RawClient(bridge.port).upgrade("/?token=vm", expect=None).status == 101)
    expect_echo(bridge, "vm")
    session.send_frame(BINARY, b"still there")
    assert session.recv_data(11) == b"still there"
    bridge.wait_for_log("tokens can't be looked up at redis server .*: Connection refused")
    bridge.wait_for_log("answers again")
    assert bridge.log.count("can't be looked up at redis") == 1


def test_a_connection_that_is_cut_while_asked_fails_what_it_was_asked(start, redis, target, expect_echo, connect):
    redis.call("SET", "vm", target)
    bridge = start(f"127.0.0.1:{redis.port}", "--workers", "1")
    expect_echo(bridge, "vm")
    redis.call("CLIENT", "PAUSE", 900)
    client = connect(bridge, path=None)
    asking = threading.Thread(target=client.upgrade, args=("/?token=vm",), kwargs={"expect": 502})
    asking.start()
    time.sleep(0.2)
    redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    asking.join()
    expect_echo(bridge, "vm")
    bridge.wait_for_log("it has closed the connection")


def has_connection_to(port):
    """Whether anybody has a connection to it that is open, or closed by the other side only."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(int(row[2].rpartition(":")[2], 16) == port and row[3] in (ESTABLISHED, CLOSE_WAIT) for row in rows)


def test_an_idle_connection_that_redis_closes_is_nobody_s_loss(start, redis, target, expect_echo):
    redis.call("SET", "vm", target)
    bridge = start(f"127.0.0.1:{redis.port}", "--workers", "1")
    for _ in range(3):
        expect_echo(bridge, "vm")
        redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_until(lambda: not has_connection_to(redis.port))
    expect_echo(bridge, "vm")
    assert "can't be looked up" not in bridge.log


class Impostor:
    """Listens where a Redis server is expected and answers the first bytes of one connection with its own."""

    def __init__(self, answer):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):  # closed, or the client has gone
            connection, _ = self.listening.accept()
            with connection:
                connection.settimeout(10)
                connection.recv(65536)
                connection.sendall(self.answer)
                while connection.recv(65536):
                    pass


IMPOSTORS = [
    ("loading", b"-LOADING Redis is loading the dataset in memory\r\n", 503),
    ("cluster", b"-MOVED 3999 127.0.0.1:6381\r\n", 502),
    ("quotes the command", b"-ERR unknown command 'GET', with args beginning with: 'topsecret'\r\n", 502),
    ("a number", b":1\r\n", 502),
    ("an array", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", 502),
    ("a huge array", b"*1000000000\r\n$1\r\na\r\n" + b"x" * 100, 502),
    ("a huge value", b"$1000000000\r\n" + b"x" * 200_000, 502),
    ("a length that is none", b"$-5\r\n", 502),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", 502),
    ("nothing but line ends", b"\r\n\r\n\r\n", 502),
    ("two answers to one question", b"$-1\r\n$-1\r\n", 404),
    ("bytes", bytes(range(256)), 502),
]


@pytest.mark.parametrize("says, status", [row[1:] for row in IMPOSTORS], ids=[row[0] for row in IMPOSTORS])
def test_what_is_no_redis_server(start, says, status, expect_status):
    impostor = Impostor(says)
    bridge = start(f"127.0.0.1:{impostor.port}", "--workers", "1")
    expect_status(bridge, "topsecret", status)
    assert "topsecret" not in bridge.log
    impostor.listening.close()


def test_stopping_while_lookups_run_and_connections_rest(start, redis, target, expect_echo, connect):
    redis.call("SET", "vm", target)
    bridge = start(f"127.0.0.1:{redis.port}")
    for _ in range(4):
        expect_echo(bridge, "vm").close()
    with redis.hanging():
        client = connect(bridge, path=None)
        client.send(upgrade_request("/?token=vm"))
        bridge.wait_for_log("connection head -> routing", count=5)
        bridge.ask_to_stop()
        assert client.recv_response().status == 503
        client.close()
        bridge.stop()
