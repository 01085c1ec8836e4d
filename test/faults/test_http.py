# ctest: timeout=600 cost=22
"""Files, refused requests and tokens while the n-th request for memory is refused, for every n."""

import base64
import hashlib
import itertools
import os
import time

import pytest

from harness import free_port, tls_client_context
from scene import endure, endure_first

LIVES = pytest.mark.parametrize("lives", [endure, endure_first])
SMALL, LARGE = b"<p>small</p>", os.urandom(1 << 20) * 3
# Longer than what is kept of a head at first, and more fields than a few.
FIELDS = b"".join(b"X-Field-%d: %s\r\n" % (i, b"v" * 90) for i in range(40))


def request(path, *fields):
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields, "", ""]
    return "\r\n".join(lines).encode()


@pytest.fixture
def folder(tmp_path):
    web = tmp_path / "web"
    (web / "folder").mkdir(parents=True)
    (web / "small.html").write_bytes(SMALL)
    (web / "large.bin").write_bytes(LARGE)
    (web / "folder/index.html").write_bytes(SMALL)
    return web


def browse(scene):
    """Small, large, missing, a folder without its slash, and a head in two pieces, on one connection."""
    client = scene.connect()
    assert client.request(request("/small.html?x=1")).body == SMALL
    assert client.request(request("/large.bin", "Range: bytes=0-")).body == LARGE
    assert client.request(request("/missing")).status == 404
    moved = client.request(request("/folder"))
    assert (moved.status, moved.header("Location")) == (301, "/folder/")
    client.send(b"GET /small.html HTTP/1.1\r\nHost: localhost\r\n" + FIELDS[:200])
    time.sleep(0.02)
    assert client.request(FIELDS[200:] + b"\r\n" + request("/folder/")).body == SMALL
    assert client.recv_response().body == SMALL


@LIVES
def test_files(scene, folder, recorder, lives):
    lives(scene(recorder, "--web", folder), browse)


def test_files_with_memory_short_for_a_while(scene, folder, recorder):
    endure(scene(recorder, "--web", folder), browse, count=4)


def test_files_over_tls(scene, folder, recorder, tls_options, authority):
    start = scene(recorder, "--web", folder, *tls_options, tls=tls_client_context(authority.cert))
    endure(start, browse, share=100)


def answered(status, data):
    """A life whose request gets `status`."""

    def ask(scene):
        client = scene.connect()
        client.awaited = status
        response = client.request(data)
        assert response.status == status, response
        client.recv_to_end()

    return ask


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
           "Sec-WebSocket-Version: 13")
REFUSED = {
    "no HTTP": answered(400, b"SSH-2.0-x\r\n\r\n"),
    "a bad head": answered(400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + FIELDS + b"\r\n"),
    "an old version": answered(426, request("/", *UPGRADE[:3], "Sec-WebSocket-Version: 8", "Connection: close")),
    "an origin": answered(403, request("/", *UPGRADE, "Origin: http://elsewhere.example")),
}


@pytest.mark.parametrize("lives", [endure, endure_first])
@pytest.mark.parametrize("life", REFUSED.values(), ids=REFUSED)
def test_refused(scene, recorder, lives, life):
    lives(scene(recorder, "--origin", "same"), life)


@pytest.fixture
def nobody():
    """A target by name that refuses every connection."""
    return f"localhost:{free_port()}"


@pytest.mark.parametrize("count", [1, 4])
def test_no_backend(scene, nobody, count):
    """Nobody listens: Close 1011 after the upgrade."""

    def dial(scene):
        client = scene.connect()
        client.awaited = 1011
        client.upgrade()
        closed = client.recv_frame()
        assert closed.close_code == 1011, closed
        client.send_close(1011)

    endure(scene(nobody), dial, count=count)


def test_no_backend_before_the_answer(scene, nobody):
    endure(scene(nobody, "--dial-first"), answered(502, request("/", *UPGRADE)))


# ---- logins ----

USERS = 4000
PASSWORD = "secret"


@pytest.fixture
def passwords(tmp_path):
    """More users than there are lives: each logs in once, since a login is remembered."""
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    bcrypt = "$2y$04$bQRk3ccjR98iz/6hpDOaGunfLEPusQyG/CL0Q0Xjgok.U2U3RRq.."
    path = tmp_path / "htpasswd"
    path.write_text("".join(f"user{i}:{{SHA}}{digest}\n" for i in range(USERS)) + f"other:{bcrypt}\n")
    return path


@LIVES
def test_logins(scene, folder, recorder, passwords, lives):
    """A page without and with a password, and the upgrade with its cookie; where there was no memory for that,
    with the password again."""
    users = itertools.count()

    def log_in(scene):
        client = scene.connect()
        assert client.request(request("/small.html")).status == 401
        login = "Basic " + base64.b64encode(f"user{next(users)}:{PASSWORD}".encode()).decode()
        page = client.request(request("/small.html", f"Authorization: {login}"))
        assert (page.status, page.body) == (200, SMALL)
        cookie = page.header("Set-Cookie")
        client.upgrade("/", {"Cookie": cookie.split(";")[0]} if cookie else {"Authorization": login})
        scene.sent += b"by cookie"
        client.trip(b"by cookie")
        client.say_goodbye()

    lives(scene(recorder, "--web", folder, "--auth-file", passwords, "--web-auth"), log_in)


# ---- tokens ----


class Tokens:
    """A folder of token files, rewritten before every life, so that every life reads it anew."""

    def __init__(self, folder, target):
        self.folder, self.target = folder, target
        folder.mkdir()
        self.turn = 0
        self.write()

    def write(self):
        self.turn += 1
        filling = "".join(f"other-{i}: host-{i}:1\n" for i in range(self.turn % 3 * 100))
        for name, lines in (("a", filling), ("b", f"{filling}one: {self.target}\n")):
            (self.folder / "new").write_text(lines)
            (self.folder / "new").rename(self.folder / name)


@pytest.fixture
def tokens(tmp_path, recorder):
    return Tokens(tmp_path / "tokens", recorder.target_args[0])


def found(tokens):
    def ask_for_one(scene):
        tokens.write()
        client = scene.connect()
        client.upgrade("/?token=one")
        scene.sent += b"by token"
        client.trip(b"by token")
        client.say_goodbye()

    return ask_for_one


def not_found(tokens):
    ask = answered(404, request("/?token=none", *UPGRADE))

    def ask_for_none(scene):
        tokens.write()
        ask(scene)

    return ask_for_none


@LIVES
@pytest.mark.parametrize("plugin", ["TokenFile", "ReadOnlyTokenFile"])
@pytest.mark.parametrize("life", [found, not_found])
@pytest.mark.parametrize("of", ["file", "folder"])
def test_tokens(scene, tokens, recorder, lives, plugin, life, of):
    source = tokens.folder if of == "folder" else tokens.folder / "b"
    start = scene(None, "--token-plugin", plugin, "--token-source", source, recorder=recorder)
    lives(start, life(tokens))


def test_missing_token_file(scene, tokens, recorder):
    start = scene(None, "--token-plugin", "TokenFile", "--token-source", tokens.folder / "b", recorder=recorder)

    def ask(scene):
        tokens.write()
        (tokens.folder / "b").unlink()
        answered(502, request("/?token=one", *UPGRADE))(scene)
        tokens.write()

    endure(start, ask)


# ---- tokens that are looked up over HTTP ----


@pytest.fixture
def lookups(serve, recorder):
    """A server that knows the token "one"; "moved" is another name of it."""
    target = recorder.target_args[0].encode()

    def answer(wire):
        head = wire.recv_until(b"\r\n\r\n")
        if b"/moved " in head:
            wire.send(b"HTTP/1.1 302 Found\r\nLocation: one\r\nContent-Length: 0\r\n\r\n")
        elif b"/one " in head:
            body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            wire.send(body % (len(target), target))
        else:
            wire.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    return serve(answer)


@LIVES
def test_lookups(scene, lookups, recorder, lives):
    """By a redirect to a target, and one that finds nothing."""

    def ask(scene):
        answered(404, request("/?token=none", *UPGRADE))(scene)
        client = scene.connect()
        client.upgrade("/?token=moved")
        scene.sent += b"by token"
        client.trip(b"by token")
        client.say_goodbye()

    start = scene(None, "--token-plugin", "BaseTokenAPI", "--token-source", f"http://127.0.0.1:{lookups.port}/%s",
                  "--allow-target", "127.0.0.1", recorder=recorder)
    lives(start, ask)
