"""--web DIR: which file a path means, what comes with it, and that no path leads out of DIR."""

import hashlib
import os
import threading
import time

import pytest

from harness import resident_kib, wait_until

MEGABYTE = 1 << 20


@pytest.fixture
def root(tmp_path):
    """DIR and its neighbours."""
    web = tmp_path / "web"
    (web / "sub" / "deep").mkdir(parents=True)
    (web / "empty dir").mkdir()
    (web / "index.html").write_text("the index")
    (web / "sub" / "index.html").write_text("index of sub")
    (web / "sub" / "page.js").write_text("js")
    (web / "sub" / "deep" / "x.css").write_text("css")
    (web / "a b.txt").write_text("blank")
    (web / "100%.txt").write_text("percent")
    (web / "\u00fc.txt").write_text("umlaut")
    (web / ".well-known").mkdir()
    (web / ".well-known/acme").write_text("meant")
    (web / ".well-known/.hidden").write_text("secret")
    (web / ".htpasswd").write_text("secret")
    (web / ".git").mkdir()
    (web / ".git/config").write_text("secret")
    (web / "sub/.hidden").write_text("secret")
    (web / "empty").write_bytes(b"")
    (web / "noending").write_bytes(b"?")
    for ending in CONTENT_TYPES:
        (web / f"f.{ending}").write_bytes(ending.encode())
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "web-too").mkdir()
    (tmp_path / "web-too" / "secret").write_text("secret")
    (web / "in").symlink_to("sub")
    (web / "in.js").symlink_to("sub/page.js")
    (web / "sub" / "up").symlink_to("../a b.txt")
    (web / "out").symlink_to("../secret")
    (web / "out-absolute").symlink_to(tmp_path / "secret")
    (web / "out-dir").symlink_to("..")
    (web / "etc").symlink_to("/etc")
    (web / "loop").symlink_to("loop")
    (web / "dangling").symlink_to("nowhere")
    os.mkfifo(web / "fifo")
    return web


@pytest.fixture
def get(wsluice, backend, connect, root):
    bridge = wsluice(backend, "--web", root)

    def get(path, method="GET"):
        client = connect(bridge, path=None)
        data = path if isinstance(path, bytes) else path.encode()
        client.send(method.encode() + b" " + data + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        response = client.recv_response(body_expected=method != "HEAD")
        client.close()
        return response

    get.bridge = bridge
    return get


TEXT = "; charset=utf-8"
CONTENT_TYPES = {
    "html": "text/html" + TEXT, "htm": "text/html" + TEXT, "js": "text/javascript" + TEXT,
    "mjs": "text/javascript" + TEXT, "css": "text/css" + TEXT, "json": "application/json" + TEXT,
    "svg": "image/svg+xml" + TEXT, "png": "image/png", "jpg": "image/jpeg", "ico": "image/x-icon",
    "wasm": "application/wasm", "woff2": "font/woff2", "ttf": "font/ttf", "txt": "text/plain" + TEXT,
    "mp3": "audio/mpeg", "oga": "audio/ogg", "webmanifest": "application/manifest+json" + TEXT,
    "PNG": "image/png", "unknown": "application/octet-stream", "tar.gz": "application/gzip",
}


def test_content_types(get):
    for ending, content_type in CONTENT_TYPES.items():
        response = get(f"/f.{ending}")
        assert (response.status, response.body) == (200, ending.encode())
        assert response.header("Content-Type") == content_type
        fresh = content_type.startswith(("text/html", "text/javascript"))
        assert response.header("Cache-Control") == ("no-cache" if fresh else None), ending
        known = content_type != "application/octet-stream"
        assert response.header("X-Content-Type-Options") == ("nosniff" if known else None)
    assert get("/noending").header("Content-Type") == "application/octet-stream"


FOUND = [
    ("/", b"the index"), ("/index.html", b"the index"), ("/?x=../..", b"the index"), ("/.", b"the index"),
    ("//", b"the index"), ("/./index.html", b"the index"), ("/sub/", b"index of sub"),
    ("/sub/.", b"index of sub"), ("/sub//page.js", b"js"), ("//sub/page.js?v=1", b"js"),
    ("/sub%2Fpage.js", b"js"), ("/%73ub/page.js", b"js"), ("/a%20b.txt", b"blank"),
    ("/100%25.txt", b"percent"), ("/%C3%BC.txt", b"umlaut"), ("/.well-known/acme", b"meant"), ("/empty", b""),
    ("/in/page.js", b"js"), ("/in.js", b"js"), ("/sub/up", b"blank"), ("http://h/sub/page.js", b"js"),
]


def test_files_that_are_found(get):
    for path, body in FOUND:
        response = get(path)
        assert (response.status, response.body) == (200, body), path
        head = get(path, "HEAD")
        assert head.status == 200 and head.header("Content-Length") == str(len(body)), path
        assert head.header("Content-Type") == response.header("Content-Type")


NOT_THERE = [
    "/missing", "/sub/missing", "/empty%20dir/", "/index.html/", "/index.html/x", "/noending/..",
    "/fifo", "/fifo/", "/dangling", "/loop", "/" + "n" * 255, "/" + "n" * 256, "/" + "n" * 5000,
    "/" + "d/" * 2500, "/" + "%6e" * 5000, "/index.html%20", "/INDEX.html",
]


def test_what_is_not_there_is_404(get):
    for path in NOT_THERE:
        response = get(path)
        assert response.status == 404, path[:40]
        assert response.header("Connection") == "keep-alive"
        assert get(path, "HEAD").status == 404, path[:40]


OUTSIDE = [
    "/../secret", "/..", "/../", "/sub/../../secret", "/%2e%2e/secret", "/%2E./secret", "/.%2e/secret",
    "/..%2fsecret", "/%2e%2e%2fsecret", "/..%5csecret", "/..\\secret", "/%252e%252e/secret", "/....//secret",
    "/..;/secret", "//../secret", "/./../secret", "/sub/%2e%2e/%2e%2e/secret", "/%c0%ae%c0%ae/secret",
    "/../web-too/secret", "/%2e%2e/web-too/secret", "/out", "/out-absolute", "/out-dir/secret",
    "/out-dir/web/index.html", "/out-dir/", "/etc/passwd", "/etc", "/sub/../out", "/secret%00.html",
    "/index.html%00", "/../../../../../../../../etc/passwd", "/%2fetc/passwd", "/..%00/secret",
]


def test_no_path_leads_out(get):
    for path in OUTSIDE:
        response = get(path)
        assert response.status in (400, 403, 404), path
        assert b"secret" not in response.body and b"root:" not in response.body, path
    absolute = get("http://h/../secret")
    assert absolute.status in (400, 404)


HIDDEN = ["/.htpasswd", "/.git/config", "/.git/", "/.git", "/%2ehtpasswd", "/sub/.hidden", "/sub/%2Ehidden", "/./.htpasswd",
          "/.well-known/.hidden", "/.well-known/%2e/.hidden", "/sub//.hidden", "/.well-known", "/..."]


def test_names_that_begin_with_a_dot_are_not_there(get):
    for path in HIDDEN:
        assert get(path).status == 404, path


MALFORMED = ["/%", "/%2", "/%zz", "/a%0", "/%00", "/%-1"]


def test_malformed_escapes_are_400(get):
    for path in MALFORMED:
        assert get(path).status == 400, path


def test_a_directory_without_a_slash_is_redirected(get, root):
    (root / "d \u00fc%\r\nX: y").mkdir()
    for path, location in [
        ("/sub", "/sub/"), ("/sub?q=1&r=/%26", "/sub/?q=1&r=/%26"),
        ("/sub?", "/sub/"), ("/sub?<%\"", "/sub/?%3C%25%22"),
        ("//sub", "/sub/"), ("/./sub", "/sub/"), ("/sub/deep", "/sub/deep/"),
        ("/in", "/in/"), ("/empty%20dir", "/empty%20dir/"), ("/%2Fsub", "/sub/"), ("/%2f%2fsub", "/sub/"),
        ("/d%20%C3%BC%25%0D%0AX:%20y", "/d%20%C3%BC%25%0D%0AX%3A%20y/"),
    ]:
        response = get(path)
        assert (response.status, response.header("Location")) == (301, location), path
        assert response.header("X") is None


def test_a_directory_is_never_listed(get):
    for path in ("/empty%20dir/", "/sub/deep/"):
        assert get(path).status == 404


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_403(get, root):
    (root / "f.txt").chmod(0)
    assert get("/f.txt").status == 403


def test_other_methods_are_405(get):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "get"):
        response = get("/", method)
        assert (response.status, response.header("Allow")) == (405, "GET, HEAD")


# --- big files ---


@pytest.fixture
def big(root):
    data = os.urandom(24 * MEGABYTE + 17)
    (root / "big.bin").write_bytes(data)
    return data


BIG = b"GET /big.bin HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("pause", [0, 0.01], ids=["fast", "slow"])
def test_a_big_file_arrives_whole_and_the_connection_goes_on(get, big, connect, pause):
    client = connect(get.bridge, path=None)
    before = resident_kib(get.bridge.pid)
    client.send(BIG + b"GET /index.html HTTP/1.1\r\nHost: h\r\n\r\n")
    head = client.recv_until(b"\r\n\r\n")
    assert f"Content-Length: {len(big)}".encode() in head
    digest, left = hashlib.sha256(), len(big)
    while left:
        piece = client.recv_exact(min(left, 256 * 1024))
        digest.update(piece)
        left -= len(piece)
        time.sleep(pause)
    assert digest.digest() == hashlib.sha256(big).digest()
    assert client.recv_response().body == b"the index"
    assert resident_kib(get.bridge.pid) - before < 4096


def open_files(bridge):
    count = 0
    for name in os.listdir(f"/proc/{bridge.pid}/fd"):
        try:
            count += os.readlink(f"/proc/{bridge.pid}/fd/{name}").endswith("big.bin")
        except FileNotFoundError:
            pass
    return count


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_leaves_a_download_leaves_nothing_behind(get, big, connect, leave):
    clients = [connect(get.bridge, path=None) for _ in range(10)]
    for client in clients:
        client.send(BIG)
        client.recv_until(b"\r\n\r\n")
    assert open_files(get.bridge) > 0
    for client in clients:
        getattr(client, leave)()
    wait_until(lambda: open_files(get.bridge) == 0)


def test_a_half_closed_client_gets_its_file(get, big, connect):
    client = connect(get.bridge, path=None)
    client.send(BIG)
    client.finish()
    data, how = client.recv_to_end()
    assert how == "fin" and data.endswith(big)


def test_a_file_that_shrinks_meanwhile_ends_abruptly(get, big, connect, root):
    """Content-Length can't be kept, and an orderly end would pass for the whole file."""
    client = connect(get.bridge, path=None, receive_buffer=65536)
    client.send(BIG)
    client.recv_until(b"\r\n\r\n")
    os.truncate(root / "big.bin", 1000)
    data, how = client.recv_to_end()
    assert how == "reset" and len(data) < len(big)


def test_many_files_at_once(get, connect):
    results = []

    def fetch():
        client = connect(get.bridge, path=None)
        for path in (b"/", b"/sub/page.js", b"/missing") * 10:
            results.append(client.request(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n").status)

    threads = [threading.Thread(target=fetch, daemon=True) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == [200] * 400 + [404] * 200


# --- what options name and nobody may get -------------------------------------------------------------------


def statuses(connect, bridge, *paths):
    found = {}
    for path in paths:
        client = connect(bridge, path=None)
        request = f"GET {path} HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n"
        found[path] = client.request(request.encode()).status
        client.close()
    return found


def test_a_key_in_the_folder_is_not_served(wsluice, echo_backend, connect, tmp_path, authority):
    """As with noVNC's launcher: self.pem, with the key in it, lies where the pages are."""
    both = authority.issue("localhost").both.read_bytes()
    (tmp_path / "self.pem").write_bytes(both)
    (tmp_path / "link").symlink_to("self.pem")
    (tmp_path / "page.gz").hardlink_to(tmp_path / "self.pem")
    (tmp_path / "page").write_text("hello")
    os.utime(tmp_path / "page", (1, 1))
    bridge = wsluice(echo_backend, "--web", tmp_path, "--cert", tmp_path / "self.pem", "--list-dirs")
    bridge.wait_for_log('self.pem" lies in the folder of --web: nobody gets it')
    assert statuses(connect, bridge, "/self.pem", "/%73elf.pem", "/link", "/page.gz", "/page", "/") == {
        "/self.pem": 404, "/%73elf.pem": 404, "/link": 404, "/page.gz": 404, "/page": 200, "/": 200}
    (tmp_path / "renewed").write_bytes(both)
    (tmp_path / "renewed").rename(tmp_path / "self.pem")
    assert statuses(connect, bridge, "/self.pem") == {"/self.pem": 404}


def test_tokens_and_passwords_in_the_folder_are_not_served(wsluice, connect, tmp_path):
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens" / "secret").write_text("127.0.0.1:1")
    (tmp_path / "users").write_text("u:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
    (tmp_path / "page").write_text("hello")
    bridge = wsluice(None, "--web", tmp_path, "--list-dirs", "--auth-file", tmp_path / "users",
                     "--token-plugin", "TokenFileName", "--token-source", tmp_path / "tokens")
    assert statuses(connect, bridge, "/users", "/tokens/secret", "/tokens/", "/tokens", "/page", "/") == {
        "/users": 404, "/tokens/secret": 404, "/tokens/": 404, "/tokens": 404, "/page": 200, "/": 200}
