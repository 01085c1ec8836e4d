"""Which target a client gets by its token: websockify's token files, edited under way, broken in parts, gone
and back; and that no token comes to the log.
"""
# ctest: threads

import os
import re
import signal
import threading

import pytest

from harness import BINARY, Backend, Ended, RawClient, UnixBackend, free_port, resident_kib, upgrade_request

PLUGINS = ["TokenFile", "ReadOnlyTokenFile"]


def greet(name):
    """A service that says who it is, and then echoes."""

    def handler(wire):
        wire.send(name)
        while data := wire.recv_some():
            wire.send(data)

    return handler


@pytest.fixture
def services(serve):
    """Two services, b"one" and b"two"."""
    return {name: serve(greet(name.encode())) for name in ("one", "two")}


def address(service):
    return f"127.0.0.1:{service.port}"


@pytest.fixture
def tokens(tmp_path):
    """tokens("a: h:1", ...) writes the token file in place, with these lines."""
    path = tmp_path / "tokens"

    def write(*lines):
        path.write_text("".join(line + "\n" for line in lines))
        return path

    write.path = path
    write()
    return write


@pytest.fixture
def start(wsluice):
    """start(source, ...) runs wsluice with a token source."""

    def run(source, *options, plugin="TokenFile"):
        return wsluice(None, "--token-plugin", plugin, "--token-source", source, *options)

    return run


def expect_service(client, name):
    assert client.recv_data(len(name)) == name.encode()
    client.send_frame(BINARY, b"ping")
    assert client.recv_data(4) == b"ping"


def expect_refusal(connect, bridge, path, status, text, headers=None):
    client = connect(bridge, path=None)
    response = client.upgrade(path, headers, expect=status)
    assert text in response.body.decode()
    assert (response.header("Retry-After") is not None) == (status == 503)
    with pytest.raises(Ended):
        client.recv_frame()


@pytest.mark.parametrize("plugin", [*PLUGINS, "websockify.token_plugins.TokenFile"])
def test_each_token_has_its_target(start, tokens, services, connect, plugin):
    tokens("# ours", "", f"first: {address(services['one'])}", f"  second:\t {address(services['two'])}  ")
    bridge = start(tokens.path, plugin=plugin)
    for _ in range(2):
        expect_service(connect(bridge, "/websockify?token=first"), "one")
        expect_service(connect(bridge, "/?token=second"), "two")


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_directory_is_all_its_files(start, tmp_path, services, connect, plugin):
    (tmp_path / "a").write_text(f"first: {address(services['one'])}\n")
    (tmp_path / "b").write_text(f"second: {address(services['two'])}")
    (tmp_path / "b~").write_text(f"old: {address(services['two'])}\n")
    (tmp_path / ".hidden").write_text(f"hidden: {address(services['two'])}\n")
    (tmp_path / "folder").mkdir()
    bridge = start(tmp_path, plugin=plugin)
    expect_service(connect(bridge, "/?token=first"), "one")
    expect_service(connect(bridge, "/?token=second"), "two")
    for token in ("old", "hidden"):
        expect_refusal(connect, bridge, f"/?token={token}", 404, "unknown token")


QUERIES = [
    ("plain", "token=a", "a"),
    ("among others", "x=1&token=a&y=2", "a"),
    ("first of several", "token=a&token=b", "a"),
    ("empty ones passed over", "token=&token=a", "a"),
    ("percent-encoded", "token=%61%2F%26%20b%C3%A9", "a/& bé"),
    ("plus for a blank", "token=a+b", "a b"),
    ("encoded name", "%74oken=a", "a"),
    ("a broken escape", "token=100%25%zz%", "100%%zz%"),
    ("colons", "token=a:b%3Ac", "a:b:c"),
    ("a line feed behind", "token=a%0A", "a"),
]


@pytest.mark.parametrize("query, token", [row[1:] for row in QUERIES], ids=[row[0] for row in QUERIES])
def test_the_query_s_token(start, tokens, services, connect, query, token):
    tokens(f"b: {address(services['two'])}", f"{token}: {address(services['one'])}")
    expect_service(connect(start(tokens.path), f"/path?{query}"), "one")


def test_a_missing_token_is_403_and_an_unknown_one_404_before_the_upgrade(start, tokens, backend, connect):
    tokens(f"a: {address(backend)}")
    bridge = start(tokens.path)
    for path in ("/", "/?", "/?token", "/?token=", "/?tokens=a", "/?Token=a", "/a?b=token=a", "/?token=&token="):
        expect_refusal(connect, bridge, path, 403, "no token")
    for path in ("/?token=b", "/?token=A", "/?token=a%00", "/?token=aa", "/?token=%20a", "/?token=a%25",
                 "/?token=" + "a" * 10_000):
        expect_refusal(connect, bridge, path, 404, "unknown token")
    backend.expect_no_dial()


PLACES = [
    ("path", "/websockify/SECRET", {}), ("path:1", "/SECRET/x?token=b", {}), ("query:console", "/?token=b&console=SECRET", {}),
    ("header:X-Console", "/", {"x-console": "SECRET"}), ("cookie:console", "/?token=b", {"Cookie": "a=b; console=SECRET; c"}),
    ("host", "/", {"Host": "SECRET:6080"}), ("path", "/%53ECRET?token=b", {}),
]


@pytest.mark.parametrize("place, path, headers", PLACES)
def test_a_token_in_another_place(start, tokens, services, connect, place, path, headers):
    tokens(f"SECRET: {address(services['one'])}", f"b: {address(services['two'])}")
    bridge = start(tokens.path, "--token-from", place, "--log-level", "debug")
    expect_service(connect(bridge, path, headers), "one")
    tokens(f"b: {address(services['two'])}")
    expect_refusal(connect, bridge, path, 404, "unknown token", headers)
    if place != "host":
        expect_refusal(connect, bridge, "/", 403, "no token")
    bridge.wait_for_log("token=#[0-9a-f]{6}")
    assert "SECRET" not in bridge.log and "%53ECRET" not in bridge.log


def test_two_headers_are_no_token(start, tokens, services, connect):
    tokens(f"a: {address(services['one'])}")
    bridge = start(tokens.path, "--token-from", "header:X-Console")
    client = connect(bridge, path=None)
    answer = client.request(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Console: a\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Console: a\r\n\r\n")
    assert answer.status == 403


def test_files_that_tokens_name(start, tmp_path, services, connect):
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "a").write_text(f"{address(services['one'])}\n")
    (folder / "SECRET").write_text("nothing")
    (folder / "out").symlink_to(tmp_path / "b")
    (tmp_path / "b").write_text(address(services["two"]))
    bridge = start(folder, plugin="TokenFileName")
    expect_service(connect(bridge, "/?token=a"), "one")
    expect_service(connect(bridge, "/?token=%2Fetc%2Fa"), "one")  # its base name, as with websockify
    for token in ("b", "out", "..%2Fb", ".", "..", "a%00", "a%2F", "%2E%2E%2Fb%2F.."):
        expect_refusal(connect, bridge, f"/?token={token}", 404, "unknown token")
    expect_refusal(connect, bridge, "/?token=SECRET", 502, "can't be looked up")
    bridge.wait_for_log(rf'token file in "{folder}" holds no target inode={(folder / "SECRET").stat().st_ino} ')
    assert "SECRET" not in bridge.log
    (folder / "a").write_text(address(services["two"]))
    expect_service(connect(bridge, "/?token=a"), "two")


def test_sockets_that_tokens_name(start, unix_backend, backend, connect):
    unix_backend.serve(greet(b"one"))
    folder, name = os.path.split(unix_backend.path)
    bridge = start(folder, plugin="websockify.token_plugins.UnixDomainSocketDirectory")
    expect_service(connect(bridge, f"/?token={name}"), "one")
    for token in (f"..%2F{os.path.basename(folder)}%2F{name}", f"x%2F..%2F{name}", ".", "none", "%2Fetc%2Fpasswd"):
        expect_refusal(connect, bridge, f"/?token={token}", 404, "unknown token")


HOSTS = [("name", "vm-1.example"), ("name and port", "vm-1.example:6080"), ("IPv4", "192.0.2.1:6080"),
         ("IPv6", "[2001:db8::1]"), ("IPv6 and port", "[2001:db8::1]:6080"),
         ("IPv6, bare in the file", "[2001:db8::2]:6080")]


@pytest.mark.parametrize("host", [row[1] for row in HOSTS], ids=[row[0] for row in HOSTS])
def test_the_host_as_token(start, tokens, services, connect, host):
    one = address(services["one"])
    tokens(f"vm-1.example: {one}", f"192.0.2.1: {one}", f"[2001:db8::1]: {one}", f"2001:db8::2: {one}",
           f"other: {address(services['two'])}")
    bridge = start(tokens.path, "--host-token")
    expect_service(connect(bridge, "/?token=other", {"Host": host}), "one")


def test_a_host_that_is_unknown_or_empty_is_refused(start, tokens, backend, connect):
    tokens(f"a: {address(backend)}")
    bridge = start(tokens.path, "--host-token")
    expect_refusal(connect, bridge, "/?token=a", 404, "unknown token", {"Host": "b"})
    expect_refusal(connect, bridge, "/?token=a", 400, "Host", {"Host": ""})  # RFC 9112 3.2
    backend.expect_no_dial()


@pytest.mark.parametrize("how", ["rewritten in place", "renamed over"])
def test_an_edit_is_seen_by_the_next_connection(start, tokens, services, connect, how):
    def edit(*lines):
        if how == "renamed over":
            aside = tokens.path.with_name("new")
            aside.write_text("".join(line + "\n" for line in lines))
            os.replace(aside, tokens.path)
        else:
            tokens(*lines)

    one, two = address(services["one"]), address(services["two"])
    edit(f"a: {one}")
    live, once = start(tokens.path), start(tokens.path, plugin="ReadOnlyTokenFile")
    session = connect(live, "/?token=a")
    expect_service(session, "one")
    for _ in range(3):
        edit(f"a: {two}", f"b: {one}")
        expect_service(connect(live, "/?token=a"), "two")
        expect_service(connect(live, "/?token=b"), "one")
        edit(f"a: {one}")
        expect_service(connect(live, "/?token=a"), "one")
        expect_refusal(connect, live, "/?token=b", 404, "unknown token")
    edit()
    expect_refusal(connect, live, "/?token=a", 404, "unknown token")
    expect_service(connect(once, "/?token=a"), "one")
    session.send_frame(BINARY, b"still there")
    assert session.recv_data(11) == b"still there"


def test_targets_of_every_kind(start, tokens, services, serve, unix_backend, connect):
    v6 = serve(greet(b"six"), host="::1")
    unix_backend.serve(greet(b"unix"))
    tokens(f"brackets: [::1]:{v6.port}", f"bare: ::1:{v6.port}", f"name: localhost:{services['one'].port} # by name",
           f"socket: unix_socket:{unix_backend.path}", f"gone: 127.0.0.1:{free_port()}",
           f"no-socket: unix_socket:{unix_backend.path}.gone")
    bridge = start(tokens.path)
    for token in ("brackets", "bare"):
        expect_service(connect(bridge, f"/?token={token}"), "six")
    expect_service(connect(bridge, "/?token=name"), "one")
    expect_service(connect(bridge, "/?token=socket"), "unix")
    for token in ("gone", "no-socket"):
        connect(bridge, f"/?token={token}").expect_close(1011)
    bridge.wait_for_log(re.escape(f"target=unix:{unix_backend.path} "))
    bridge.wait_for_log(re.escape(f"target=[::1]:{v6.port} "))


def test_dialling_first_dials_the_token_s_target(start, tokens, services, connect):
    tokens(f"a: {address(services['one'])}", f"gone: 127.0.0.1:{free_port()}")
    bridge = start(tokens.path, "--dial-first")
    expect_service(connect(bridge, "/?token=a"), "one")
    expect_refusal(connect, bridge, "/?token=gone", 502, "Connection refused")
    expect_refusal(connect, bridge, "/?token=b", 404, "unknown token")
    expect_refusal(connect, bridge, "/", 403, "no token")


def test_syntax_errors_are_reported_and_spare_the_other_lines(start, tokens, services, connect):
    one = address(services["one"])
    bad = ["SECRET", "SECRET:no.white.space:1", "SECRET: nohost", "SECRET: h:port", "SECRET: h:0", "SECRET: :",
           "SECRET: [::1:5", "SECRET: unix_socket:", ": h:1"]
    tokens(f"first: {one}", *bad, f"last: {one}")
    bridge = start(tokens.path)
    for number in range(2, 2 + len(bad)):
        bridge.wait_for_log(rf"{tokens.path}:{number}: \S+")
    for token in ("first", "last", "first"):
        expect_service(connect(bridge, f"/?token={token}"), "one")
    assert bridge.log.count(f"{tokens.path}:2:") == 1
    tokens(f"first: {one}", "", "SECRET")
    expect_service(connect(bridge, "/?token=first"), "one")
    bridge.wait_for_log(rf"{tokens.path}:3: not of the form")
    assert "SECRET" not in bridge.log


def test_a_directory_s_broken_file_spares_the_others(start, tmp_path, services, connect):
    (tmp_path / "a").write_bytes(bytes(range(256)) * 4000)
    (tmp_path / "b").write_text(f"first: {address(services['one'])}\n")
    os.mkfifo(tmp_path / "c")
    bridge = start(tmp_path)
    for _ in range(3):
        expect_service(connect(bridge, "/?token=first"), "one")
    assert bridge.log.count(f"token file {tmp_path}/a") <= 11


def test_fifty_lookups_at_once(start, tokens, services):
    tokens(*(f"t{i}: {address(services['one' if i % 2 else 'two'])}" for i in range(50)))
    bridge = start(tokens.path)
    failures = []
    together = threading.Barrier(50)

    def visit(i):
        try:
            client = RawClient(bridge.port)
            together.wait(10)
            client.upgrade(f"/?token=t{i}")
            expect_service(client, "one" if i % 2 else "two")
            client.close()
        except Exception as failure:  # told below, with the number
            failures.append((i, repr(failure)))

    threads = [threading.Thread(target=visit, args=(i,), daemon=True) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures


def test_a_huge_file_is_read_and_not_held(start, tokens, services, connect):
    tokens(f"first: {address(services['one'])}")
    with open(tokens.path, "ab") as file:
        for _ in range(60):
            file.write(b"# nobody's: localhost:1\n" * 43_690)  # a megabyte
        file.write(f"last: {address(services['two'])}".encode())
    bridge = start(tokens.path, "--workers", "1")
    before = resident_kib(bridge.pid)
    expect_service(connect(bridge, "/?token=first"), "one")
    expect_service(connect(bridge, "/?token=last"), "two")
    if not os.environ.get("WSLUICE_SANITIZE"):
        assert resident_kib(bridge.pid) - before < 20_000


LOOKUP = (b"GET /?token=none HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


def huge(tokens):
    """A file that takes a lookup some time: a line of many megabytes, which are holes on the disk."""
    tokens("a: 127.0.0.1:9")
    os.truncate(tokens.path, 64 << 20)


@pytest.mark.parametrize("drain", ["0", "30"])
def test_stopping_while_tokens_are_looked_up(start, tokens, connect, drain):
    bridge = start(tokens.path, "--drain-timeout", drain, "--workers", "2", "--log-level", "debug")
    huge(tokens)
    clients = [connect(bridge, path=None) for _ in range(30)]
    for client in clients:
        client.send(LOOKUP)
    bridge.wait_for_log("head -> routing")
    bridge.signal(signal.SIGTERM)
    for client in clients:
        assert client.recv_response().status in ((404,) if drain == "30" else (404, 503))
    assert bridge.wait_for_exit(60) == 0


def test_stopping_when_everybody_has_left_their_lookups(start, tokens, connect):
    bridge = start(tokens.path, "--workers", "1", "--log-level", "debug")
    huge(tokens)
    clients = [connect(bridge, path=None) for _ in range(20)]
    for client in clients:
        client.send(LOOKUP)
    bridge.wait_for_log("head -> routing", count=20)
    for client in clients:
        client.reset()
    bridge.signal(signal.SIGTERM)
    assert bridge.wait_for_exit() == 0


def test_clients_that_leave_while_their_token_is_looked_up(start, tokens, services, connect):
    bridge = start(tokens.path, "--workers", "1", "--log-level", "debug")
    huge(tokens)
    clients = [connect(bridge, path=None) for _ in range(20)]
    for client in clients:
        client.send(LOOKUP)
    bridge.wait_for_log("head -> routing", count=20)
    for i, client in enumerate(clients):
        if i % 2:
            client.close()
        else:
            client.reset()
    tokens(f"a: {address(services['one'])}")
    expect_service(connect(bridge, "/?token=a"), "one")


def test_a_source_that_vanishes_is_502_until_it_is_back(start, tokens, services, connect):
    tokens(f"a: {address(services['one'])}")
    bridge = start(tokens.path)
    tokens.path.unlink()
    for _ in range(3):
        expect_refusal(connect, bridge, "/?token=a", 502, "can't be looked up")
    bridge.wait_for_log(rf'token source "{tokens.path}" can\'t be read: No such file')
    expect_refusal(connect, bridge, "/", 403, "no token")
    tokens(f"a: {address(services['two'])}")
    expect_service(connect(bridge, "/?token=a"), "two")
    bridge.wait_for_log("can be read again")
    assert bridge.log.count("can't be read") == 1


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("kind", ["missing", "a FIFO"])
def test_a_source_that_can_t_be_read_stops_the_start(wsluice, tmp_path, plugin, kind):
    source = tmp_path / "tokens"
    if kind == "a FIFO":
        os.mkfifo(source)
    bridge = wsluice.run("--token-plugin", plugin, "--token-source", source, "127.0.0.1:0")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert bridge.log.count("\n") == 1
    assert f'the token source "{source}" can\'t be read' in bridge.log


def test_files_need_no_token(start, tokens, backend, connect, tmp_path):
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("hello")
    tokens(f"a: {address(backend)}")
    bridge = start(tokens.path, "--web", web)
    client = connect(bridge, path=None)
    assert client.request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").body == b"hello"
    assert client.request(b"GET /?token=SECRET HTTP/1.1\r\nHost: a\r\n\r\n").body == b"hello"
    client.upgrade("/?token=a")
    assert "SECRET" not in bridge.log


def test_a_foreign_page_learns_nothing_about_tokens(start, tokens, backend, connect):
    tokens(f"a: {address(backend)}")
    bridge = start(tokens.path, "--origin", "https://ours.example")
    for token in ("a", "b", ""):
        expect_refusal(connect, bridge, f"/?token={token}", 403, "pages of this origin",
                       {"Origin": "https://theirs.example"})


@pytest.mark.parametrize("place", ["path", "path:2", "path:9"])
def test_a_token_in_the_wrong_place_of_the_path_is_not_logged_either(start, tokens, connect, place):
    tokens("another: h:1")
    bridge = start(tokens.path, "--token-from", place, "--log-level", "debug")
    for path in ("/SECRET/", "//SECRET//", "/SECRET", "/a/b/SECRET/"):
        client = connect(bridge, path=None)
        client.send(upgrade_request(path))
        assert client.recv_response().status in (403, 404)
        client.close()
    bridge.wait_for_log("request refused", count=4)
    assert 'path="/***"' in bridge.log
    if place != "path:2":
        assert "SECRET" not in bridge.log


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("place", ["query", "host"])
def test_no_token_is_ever_logged(start, tokens, services, connect, level, place):
    tokens(f"SECRET1: {address(services['one'])}", "SECRET2: h", f"SECRET3: 127.0.0.1:{free_port()}")
    options = ["--host-token"] if place == "host" else []
    bridge = start(tokens.path, "--log-level", level, *options)

    def requests():
        for token in ("SECRET1", "SECRET2", "SECRET3", "SECRET4"):
            if place == "host":
                yield "/x", {"Host": f"{token}:1", "Origin": f"http://{token}:1"}
            else:
                yield f"/x?token={token}&a=%0a", {"Origin": "http://a"}

    for path, headers in requests():
        status = 404 if "SECRET2" in path + str(headers) or "SECRET4" in path + str(headers) else 101
        client = connect(bridge, path=None)
        client.upgrade(path, headers, expect=status)
        client.close()
    tokens.path.unlink()
    path, headers = next(requests())
    client = connect(bridge, path=None)
    client.upgrade(path, headers, expect=502)
    client.close()
    bridge.process.terminate()
    assert bridge.wait_for_exit() == 0
    assert 'path="/x"' in bridge.log
    assert "SECRET" not in bridge.log
