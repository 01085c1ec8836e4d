"""--web DIR for clients that have a file already, or want a part of it, or take it compressed, and listings
of directories: RFC 9110 sections 8.8, 12.5.3, 13 and 14, with curl and wget as real clients.
"""

import gzip
import html.parser
import os
import subprocess
import time
from urllib.parse import unquote

import pytest

SCRIPT = b"let page = 1;\n" * 1000


@pytest.fixture
def root(tmp_path):
    web = tmp_path / "web"
    (web / "sub").mkdir(parents=True)
    (web / "page.js").write_bytes(SCRIPT)
    (web / "data.bin").write_bytes(os.urandom(300_000))
    return web


@pytest.fixture
def start(wsluice, backend, connect, root):
    """A function that starts a bridge; the bridge gets a `get()`."""

    def start(*options):
        bridge = wsluice(backend, "--web", root, *options)

        def get(path, *fields, method="GET"):
            client = connect(bridge, path=None)
            client.send(f"{method} {path} HTTP/1.1\r\nHost: h\r\n".encode() + "".join(
                f"{field}\r\n" for field in fields).encode() + b"\r\n")
            response = client.recv_response(body_expected=method != "HEAD")
            client.close()
            return response

        bridge.get = get
        return bridge

    return start


@pytest.fixture
def bridge(start):
    return start()


# --- validators ---


def test_what_a_client_has_is_not_sent_again(bridge):
    first = bridge.get("/page.js")
    tag, date = first.header("ETag"), first.header("Last-Modified")
    for field in (f"If-None-Match: {tag}", f"If-None-Match: W/{tag}", f'If-None-Match: "x", {tag}',
                  f"If-Modified-Since: {date}"):
        for method in ("GET", "HEAD"):
            again = bridge.get("/page.js", field, method=method)
            assert (again.status, again.body) == (304, b""), (field, method)
            assert again.header("ETag") == tag and again.header("Cache-Control") == "no-cache"
    assert bridge.get("/page.js", f"If-Match: {tag}").status == 200
    assert bridge.get("/page.js", 'If-Match: "x"').status == 412
    assert bridge.get("/page.js", f"If-Unmodified-Since: {date}").status == 200


def test_every_change_changes_the_tag(bridge, root):
    """Also one that keeps the size, within the second that Last-Modified can tell."""
    tags = []
    for content in (b"a", b"b", b"bb"):
        (root / "f.txt").write_bytes(content)
        tags.append(bridge.get("/f.txt").header("ETag"))
        time.sleep(0.02)  # the kernel's clock of files ticks every 4 to 10 ms
    assert len(set(tags)) == 3
    assert bridge.get("/f.txt", f"If-None-Match: {tags[0]}").body == b"bb"


def test_a_file_of_tomorrow_was_modified_now(bridge, root):
    """RFC 9110 8.8.2.1."""
    os.utime(root / "page.js", (time.time() + 86400,) * 2)
    response = bridge.get("/page.js")
    assert response.header("Last-Modified") == response.header("Date")
    os.utime(root / "page.js", (-86400, -86400))
    assert bridge.get("/page.js").header("Last-Modified") is None


# --- parts ---


def test_a_part_of_a_large_file(bridge, root):
    """Larger than a buffer, with its ends anywhere in it."""
    data = (root / "data.bin").read_bytes()
    for first, last in ((0, 0), (1, 299_999), (70_000, 290_000), (299_999, 299_999)):
        response = bridge.get("/data.bin", f"Range: bytes={first}-{last}")
        assert (response.status, response.body) == (206, data[first:last + 1])
        assert response.header("Content-Range") == f"bytes {first}-{last}/300000"


def test_a_part_of_another_state_is_the_whole(bridge, root):
    tag = bridge.get("/page.js").header("ETag")
    fields = ("Range: bytes=5-", f"If-Range: {tag}")
    assert bridge.get("/page.js", *fields).status == 206
    (root / "page.js").write_bytes(b"new state")
    assert (bridge.get("/page.js", *fields).status, bridge.get("/page.js", *fields).body) == (200, b"new state")


def test_curl_resumes_and_revalidates(bridge, root, tmp_path):
    data = (root / "data.bin").read_bytes()
    out = tmp_path / "out"
    out.write_bytes(data[:123_456])
    url = f"http://127.0.0.1:{bridge.port}/data.bin"
    subprocess.run(["curl", "-sSf", "-C", "-", "-o", out, url], check=True, timeout=20)
    assert out.read_bytes() == data
    etag = tmp_path / "etag"
    for expected in ("200", "304"):
        run = subprocess.run(["curl", "-sS", "-o", tmp_path / "again", "-w", "%{http_code}", "--etag-save", etag,
                              "--etag-compare", etag, url], capture_output=True, text=True, check=True, timeout=20)
        assert run.stdout == expected, run.stderr


# --- compressed ---


@pytest.fixture
def compressed(root):
    packed = gzip.compress(SCRIPT)
    (root / "page.js.gz").write_bytes(packed)
    return packed


def test_the_compressed_form_goes_to_who_takes_it(bridge, compressed):
    packed = bridge.get("/page.js?v=1", "Accept-Encoding: gzip, br")
    assert (packed.status, packed.body, packed.header("Content-Encoding")) == (200, compressed, "gzip")
    assert packed.header("Content-Type") == "text/javascript; charset=utf-8"
    for fields in ((), ("Accept-Encoding: br",), ("Accept-Encoding: gzip;q=0, *",)):
        plain = bridge.get("/page.js", *fields)
        assert (plain.body, plain.header("Content-Encoding")) == (SCRIPT, None)
        assert plain.header("Vary") == packed.header("Vary") == "Accept-Encoding"
        assert plain.header("ETag") != packed.header("ETag")
    tag = packed.header("ETag")
    assert bridge.get("/page.js", "Accept-Encoding: gzip", f"If-None-Match: {tag}").status == 304
    assert bridge.get("/page.js", f"If-None-Match: {tag}").status == 200
    part = bridge.get("/page.js", "Accept-Encoding: gzip", "Range: bytes=2-5")
    assert (part.status, part.body, part.header("Content-Encoding")) == (206, compressed[2:6], "gzip")
    head = bridge.get("/page.js", "Accept-Encoding: gzip", method="HEAD")
    assert head.header("Content-Length") == str(len(compressed))


def test_the_index_has_a_compressed_form_too(bridge, root):
    (root / "index.html").write_text("plain")
    (root / "index.html.gz").write_bytes(gzip.compress(b"packed"))
    assert gzip.decompress(bridge.get("/", "Accept-Encoding: gzip").body) == b"packed"


def test_a_compressed_form_that_is_older_is_of_something_else(bridge, root, compressed):
    os.utime(root / "page.js.gz", (1000, 1000))
    response = bridge.get("/page.js", "Accept-Encoding: gzip")
    assert (response.body, response.header("Content-Encoding"), response.header("Vary")) == (SCRIPT, None, None)


def test_what_is_no_compressed_form(bridge, root, tmp_path):
    (root / "page.js.gz").mkdir()
    assert bridge.get("/page.js", "Accept-Encoding: gzip").body == SCRIPT
    (root / "data.bin.gz").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("secret")
    assert len(bridge.get("/data.bin", "Accept-Encoding: gzip").body) == 300_000
    (root / "only.js.gz").write_bytes(b"x")
    assert bridge.get("/only.js", "Accept-Encoding: gzip").status == 404
    direct = bridge.get("/only.js.gz", "Accept-Encoding: gzip")
    assert (direct.header("Content-Type"), direct.header("Content-Encoding")) == ("application/gzip", None)


def test_curl_unpacks_it(bridge, compressed):
    url = f"http://127.0.0.1:{bridge.port}/page.js"
    run = subprocess.run(["curl", "-sSf", "--compressed", url], capture_output=True, check=True, timeout=20)
    assert run.stdout == SCRIPT


# --- listings ---


class Links(html.parser.HTMLParser):
    """The links of a page: where to, and their texts."""

    def __init__(self, page):
        super().__init__()
        self.found, self.tags = {}, set()
        self.href = None
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.href = dict(attributes).get("href")

    def handle_data(self, data):
        if self.href is not None:
            self.found[self.href] = data
            self.href = None


NAMES = ["plain.txt", "a b&c.txt", "<img src=x onerror=alert(1)>", 'quote".txt', "100%.txt", "\u00fc.txt", "q?#.txt"]


def test_a_listing_leads_to_every_file(start, root):
    bridge = start("--list-dirs")
    for name in NAMES:
        (root / "sub" / name).write_text(name)
    (root / "sub" / ".hidden").write_text("hidden")
    response = bridge.get("/sub/")
    assert (response.status, response.header("Content-Type")) == (200, "text/html; charset=utf-8")
    links = Links(response.body)
    assert links.tags <= {"html", "head", "meta", "title", "body", "h1", "ul", "li", "a"}
    assert {unquote(href) for href in links.found} == {*NAMES, "../"}
    for href, text in links.found.items():
        if href != "../":
            assert bridge.get("/sub/" + href).body.decode() == text == unquote(href)
    head = bridge.get("/sub/", method="HEAD")
    assert head.header("Content-Length") == str(len(response.body)) and head.body == b""


def test_listings_only_where_they_are_wanted(start, root):
    assert "sub/" in Links(start("--list-dirs").get("/").body).found
    assert start().get("/sub/").status == 404
    assert start("--file-only").get("/sub/").status == 404
    (root / "sub" / "index.html").write_text("index")
    listing = start("--list-dirs")
    assert listing.get("/sub/").body == b"index"
    assert listing.get("/missing/").status == 404
    assert listing.get("/page.js/").status == 404
    assert listing.get("/sub").status == 301


def test_no_directory_outside_is_listed(start, root, tmp_path):
    bridge = start("--list-dirs")
    (root / "out").symlink_to(tmp_path)
    (root / "etc").symlink_to("/etc")
    for path in ("/out/", "/etc/", "/../", "/%2e%2e/", "/sub/../../", "/sub/%2e%2e/%2e%2e/"):
        response = bridge.get(path)
        assert response.status in (400, 403, 404) and b"web" not in response.body, path


def test_wget_mirrors_a_listed_folder(start, root, tmp_path):
    bridge = start("--list-dirs")
    (root / "sub" / "deep").mkdir()
    (root / "sub" / "deep" / "file.txt").write_text("deep")
    subprocess.run(["wget", "-q", "-r", "-np", "-nH", "-P", tmp_path / "copy", f"http://127.0.0.1:{bridge.port}/"],
                   check=True, timeout=20)
    assert (tmp_path / "copy" / "sub" / "deep" / "file.txt").read_text() == "deep"
    assert (tmp_path / "copy" / "data.bin").read_bytes() == (root / "data.bin").read_bytes()


def test_a_huge_folder_and_clients_that_do_not_read(start, root, connect):
    """Each listing has its bound, and so have all of them together: later ones get 503."""
    bridge = start("--list-dirs", "--workers", "1")
    for number in range(1500):
        (root / "sub" / f"{number:04d}{'&' * 200}").touch()
    page = bridge.get("/sub/").body
    assert len(page) <= 256 * 1024 and b"There are more" in page
    stalled = [connect(bridge, path=None, receive_buffer=4096) for _ in range(80)]
    for client in stalled:
        client.send(b"GET /sub/ HTTP/1.1\r\nHost: h\r\n\r\n" * 1)
    statuses = [client.recv_until(b"\r\n\r\n").split()[1] for client in stalled]
    assert set(statuses) <= {b"200", b"503"}
    for client in stalled:
        client.close()
    assert bridge.get("/sub/").status == 200
