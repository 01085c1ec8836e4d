"""Who the client is, across proxies: PROXY headers in (--accept-proxy) and out (--send-proxy), Forwarded and
X-Forwarded-For (--trust-forwarded). HAProxy stands in front and behind: what counts is what it makes of ours, and
we of its.
"""
# ctest: threads

import re
import socket
import struct
import time

import pytest

from harness import BINARY, RawClient, Service, tls_client_context, upgrade_request

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
GET = b"GET / HTTP/1.0\r\n\r\n"


def v1(source="203.0.113.5", destination="198.51.100.1", ports=(40000, 443)):
    family = 6 if ":" in source else 4
    return f"PROXY TCP{family} {source} {destination} {ports[0]} {ports[1]}\r\n".encode()


def v2(source="203.0.113.5", destination="198.51.100.1", ports=(40000, 443), command=1, tlv=b""):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!HH", *ports)
    kind = 0x21 if ":" in source else 0x11
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, kind, len(ends + tlv)) + ends + tlv


HEADERS = {
    "v1": (v1(), "203.0.113.5:40000"),
    "v1 IPv6": (v1("2001:db8::7", "::1"), "[2001:db8::7]:40000"),
    "v2": (v2(), "203.0.113.5:40000"),
    "v2 IPv6": (v2("2001:db8::7", "::1"), "[2001:db8::7]:40000"),
    "v2 with TLVs": (v2(tlv=b"\x04\0\x05" + bytes(5) + b"\x20\0\x05" + bytes(5)), "203.0.113.5:40000"),
}


def trip(client, data=b"there and back"):
    client.send_frame(BINARY, data)
    assert client.recv_data(len(data)) == data


@pytest.fixture
def free_client(connect):
    """A client that has said nothing yet."""
    return lambda bridge, **options: connect(bridge, path=None, **options)


def upgraded(client, first=b"", **request):
    """Upgrades behind the bytes `first`, in one segment."""
    client.send(first + upgrade_request(**request))
    assert client.recv_response().status == 101
    return client


# ---- PROXY headers that come in ----


def test_the_client_is_whom_the_header_names(wsluice, echo_backend, free_client):
    bridge = wsluice(echo_backend, "--accept-proxy", "127.0.0.0/8")
    for header, client in HEADERS.values():
        trip(upgraded(free_client(bridge), header))
        bridge.wait_for_log(rf"session opened client={re.escape(client)} via=127\.0\.0\.1:\d+ path=")


def test_headers_may_come_in_pieces(wsluice, echo_backend, free_client):
    bridge = wsluice(echo_backend, "--accept-proxy", "127.0.0.1")
    for header in (v1(), v2()):
        client = free_client(bridge)
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header:
            client.send(bytes([byte]))
        trip(upgraded(client))
    bridge.wait_for_log(r"session opened client=203\.0\.113\.5:40000", count=2)


@pytest.mark.parametrize("header", [v1(), v2()], ids=["v1", "v2"])
def test_tls_begins_behind_the_header(wsluice, authority, echo_backend, header):
    """In the header's segment, and in one of its own."""
    pair = authority.issue("server")
    bridge = wsluice(echo_backend, "--accept-proxy", "127.0.0.1", "--cert", pair.both)
    for pause in (0, 0.05):
        with socket.create_connection(("127.0.0.1", bridge.port)) as sock:
            sock.sendall(header)
            time.sleep(pause)
            with tls_client_context(authority.cert).wrap_socket(sock, server_hostname="localhost") as tls:
                tls.sendall(upgrade_request())
                assert tls.recv(100).startswith(b"HTTP/1.1 101")
    bridge.wait_for_log(r"session opened client=203\.0\.113\.5:40000 .*tls=", count=2)


def test_who_says_nothing_of_a_client_is_it_itself(wsluice, echo_backend, free_client):
    bridge = wsluice(echo_backend, "--accept-proxy", "127.0.0.1")
    for header in (b"PROXY UNKNOWN\r\n", v2(command=0), SIGNATURE + b"\x20\0\0\0", SIGNATURE + b"\x21\0\0\0"):
        trip(upgraded(free_client(bridge), header))
    bridge.wait_for_log(r"session opened client=127\.0\.0\.1:\d+ path=", count=4)


WRONG = [
    (upgrade_request(), r'expected a PROXY header client=127\.0\.0\.1:\d+ got="GET / HTTP/1.1.*remove it from'),
    (b"\x16\x03\x01\x02\x00", r'expected a PROXY header .*got="\\x16\\x03'),
    (b"PROXY TCP4 1.2.3.4\r\n", r'PROXY header refused client=127\.0\.0\.1:\d+ reason="an address of'),
    (SIGNATURE + b"\x21\x11\xff\xff", r'PROXY header refused .*reason="the PROXY header is longer'),
]


def test_a_balancer_without_its_header_is_cut_off(wsluice, backend, free_client):
    bridge = wsluice(backend, "--accept-proxy", "127.0.0.1")
    for sent, said in WRONG:
        client = free_client(bridge)
        client.send(sent)
        assert client.recv_to_end()[0] == b""
        client.close()
        bridge.wait_for_log(said)
    bridge.stop()
    assert " proxy_failed=4" in bridge.log


def test_a_header_is_waited_for_no_longer_than_a_request(wsluice, backend, free_client):
    bridge = wsluice(backend, "--accept-proxy", "127.0.0.1", "--handshake-timeout", "0.2")
    client = free_client(bridge)
    client.send(v1()[:20])
    assert client.recv_to_end()[0] == b""
    bridge.wait_for_log("no PROXY header in time client=127.0.0.1")


def test_strangers_may_not_send_one(wsluice, backend, free_client):
    bridge = wsluice(backend, "--accept-proxy", "10.0.0.0/8")
    for header, _ in HEADERS.values():
        client = free_client(bridge)
        client.send(header + upgrade_request())
        response = client.recv_response()
        assert response.status == 400
        assert response.body == b"PROXY headers are not accepted from this address (--accept-proxy)\n"
    bridge.wait_for_log(r"request refused status=400 client=127\.0\.0\.1:\d+ reason=\"PROXY headers are not accepted", count=len(HEADERS))
    assert "203.0.113.5" not in bridge.log


def test_peers_on_a_unix_socket_have_a_word(wsluice, echo_backend, tmp_path):
    path = tmp_path / "front"
    bridge = wsluice.run("--unix-listen", path, "--accept-proxy", "unix", *echo_backend.target_args)
    bridge.wait_for_log("listening on")
    client = RawClient(path)
    trip(upgraded(client, v2()))
    client.close()
    bridge.wait_for_log(r"session opened client=203\.0\.113\.5:40000 via=unix:")


# ---- PROXY headers that go out ----


def test_the_target_reads_the_header_first(wsluice, backend, connect):
    for version in ("v1", "v2"):
        bridge = wsluice(backend, "--send-proxy", version)
        client = connect(bridge)
        wire = backend.accept()
        make = {"v1": v1, "v2": v2}[version]
        expected = make("127.0.0.1", "127.0.0.1", (client.sock.getsockname()[1], bridge.port))
        client.send_frame(BINARY, b"first words")
        assert wire.recv_exact(len(expected) + 11) == expected + b"first words"


def test_who_came_over_a_unix_socket_has_no_address(wsluice, backend, tmp_path):
    for version, expected in (("v1", b"PROXY UNKNOWN\r\n"), ("v2", SIGNATURE + b"\x20\0\0\0")):
        path = tmp_path / version
        bridge = wsluice.run("--unix-listen", path, "--send-proxy", version, *backend.target_args)
        bridge.wait_for_log("listening on")
        client = RawClient(path)
        upgraded(client)
        assert backend.accept().recv_exact(len(expected)) == expected
        client.close()


@pytest.mark.parametrize("order", [[], ["--dial-first"]], ids=["dial last", "dial first"])
def test_a_header_is_passed_on(wsluice, backend, free_client, order):
    """The client that the balancer has named, and the address that it has reached there."""
    bridge = wsluice(backend, "--accept-proxy", "127.0.0.1", "--send-proxy", "v1", *order)
    client = free_client(bridge)
    client.send(v2("2001:db8::7", "2001:db8::1") + upgrade_request())
    wire = backend.accept()
    expected = v1("2001:db8::7", "2001:db8::1")
    assert wire.recv_exact(len(expected)) == expected
    assert client.recv_response().status == 101


def ask(client):
    """What the service behind says of whom it sees: its answer to a GET, through the bridge."""
    client.send_frame(BINARY, GET)
    data = b""
    while b"\r\n\r\n" not in data or not data.rstrip().endswith(b"."):
        data += client.recv_frame().payload
    return data.split(b"\r\n\r\n", 1)[1].decode().rstrip(".\n")


@pytest.fixture
def haproxy(tmp_path):
    """haproxy(lines) runs HAProxy with a configuration in which PORT is its own port."""
    services = []

    def start(lines):
        path = tmp_path / f"haproxy-{len(services)}.cfg"

        def command(port):
            path.write_text(PREAMBLE + lines.replace("PORT", str(port)))
            return ["haproxy", "-f", str(path), "-db"]

        services.append(Service(command, path.with_suffix(".log")))
        return services[-1]

    yield start
    for service in services:
        service.stop()


PREAMBLE = """
global
  nbthread 1
  tune.ssl.default-dh-param 2048
defaults
  timeout connect 5s
  timeout client 10s
  timeout server 10s
"""

# A service that answers with whom it sees, and the address that this one has reached.
TELLS = """
frontend tells
  mode http
  bind 127.0.0.1:PORT accept-proxy {tls}
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]."
"""


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_haproxy_as_the_target_sees_the_client(wsluice, haproxy, connect, version):
    bridge = wsluice(f"127.0.0.1:{haproxy(TELLS.format(tls='')).port}", "--send-proxy", version, listen="[::]:0")
    client = connect(bridge)
    assert ask(client) == "127.0.0.1:{} 127.0.0.1:{}".format(client.sock.getsockname()[1], bridge.port)
    client = connect(bridge, host="::1")
    assert ask(client) == "::1:{} ::1:{}".format(client.sock.getsockname()[1], bridge.port)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_header_stands_before_tls(wsluice, haproxy, authority, connect, version):
    """In clear, before the handshake: HAProxy takes it only there."""
    pair = authority.issue("target")
    service = haproxy(TELLS.format(tls=f"ssl crt {pair.both}"))
    bridge = wsluice(f"localhost:{service.port}", "--send-proxy", version, "--ssl-target", "--ssl-target-ca",
                     authority.cert)
    client = connect(bridge)
    assert ask(client) == "127.0.0.1:{} 127.0.0.1:{}".format(client.sock.getsockname()[1], bridge.port)


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn"])
def test_haproxy_in_front_names_the_client(wsluice, haproxy, authority, echo_backend, how):
    """TLS goes through it untouched, or it speaks TLS itself."""
    pair = authority.issue("server")
    bridge = wsluice(echo_backend, "--accept-proxy", "127.0.0.1", "--cert", pair.both)
    front = haproxy(f"""
listen through
  mode tcp
  bind 127.0.0.1:PORT
  server bridge 127.0.0.1:{bridge.port} {how} check check-send-proxy inter 200ms
""")
    context = tls_client_context(authority.cert)
    for tls in (None, context):
        client = RawClient(front.port, tls=tls)
        port = client.sock.getsockname()[1]
        client.upgrade("/")
        trip(client)
        client.close()
        bridge.wait_for_log(rf"session opened client=127\.0\.0\.1:{port} via=127\.0\.0\.1:\d+ ")
    assert "PROXY header refused" not in bridge.log and "expected a PROXY" not in bridge.log


# ---- Forwarded ----


TRUST = ["--trust-forwarded", "127.0.0.0/8", "--trust-forwarded", "10.0.0.0/8"]
CHAINS = [
    ({"X-Forwarded-For": "203.0.113.5"}, "203.0.113.5"),
    ({"X-Forwarded-For": "9.9.9.9, 203.0.113.5, 10.0.0.1"}, "203.0.113.5"),
    ({"X-Forwarded-For": "2001:db8::7"}, "[2001:db8::7]"),
    ({"X-Forwarded-For": "10.0.0.2, 10.0.0.1"}, "10.0.0.2"),
    ({"X-Forwarded-For": "9.9.9.9, nonsense, 10.0.0.1"}, "10.0.0.1"),
    ({"Forwarded": 'for="[2001:db8::7]:4711";proto=https'}, "[2001:db8::7]:4711"),
    ({"Forwarded": "for=9.9.9.9, for=203.0.113.5;by=10.0.0.1, for=10.0.0.1"}, "203.0.113.5"),
    ({"Forwarded": 'for=9.9.9.9;x=", for=203.0.113.5'}, "203.0.113.5"),
    ({"Forwarded": "for=203.0.113.5", "X-Forwarded-For": "203.0.113.5"}, "203.0.113.5"),
]
SILENT = [
    {"X-Forwarded-For": "9.9.9.9, unknown"},
    {"X-Forwarded-For": "9.9.9.9, nonsense"},
    {"Forwarded": "for=9.9.9.9, for=_hidden"},
    {"Forwarded": "for=unknown"},
    {"Forwarded": "for=9.9.9.9", "X-Forwarded-For": "203.0.113.5"},
]


def test_a_trusted_proxy_names_the_client(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, *TRUST)
    for number, (headers, client) in enumerate(CHAINS):
        connect(bridge, f"/{number}", headers).close()
        bridge.wait_for_log(rf'session opened client={re.escape(client)} via=127\.0\.0\.1:\d+ path="/{number}"')


def test_where_it_names_nobody_it_is_the_client(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, *TRUST)
    for number, headers in enumerate(SILENT):
        connect(bridge, f"/{number}", headers).close()
        bridge.wait_for_log(rf'session opened client=127\.0\.0\.1:\d+ path="/{number}"')
    bridge.wait_for_log("Forwarded and X-Forwarded-For name two clients, neither is believed via=127")


def test_a_contradiction_is_said_once_a_connection(wsluice, tmp_path, connect, echo_backend):
    """Whoever is behind the proxy may send the other header with each request."""
    bridge = wsluice(echo_backend, *TRUST, "--web", tmp_path)
    client = connect(bridge, path=None)
    request = b"GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=9.9.9.9\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n"
    for _ in range(5):
        assert client.request(request).status == 404
    client.close()
    bridge.stop()  # all of its log is there
    assert bridge.log.count("name two clients") == 1


def test_strangers_are_not_believed(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--trust-forwarded", "10.0.0.0/8", "--send-proxy", "v1")
    for number, (headers, _) in enumerate(CHAINS):
        connect(bridge, f"/{number}", headers).close()
        bridge.wait_for_log(rf'session opened client=127\.0\.0\.1:\d+ path="/{number}"')


def test_each_request_has_its_own_client(wsluice, tmp_path, connect, echo_backend):
    """A proxy keeps its connections, and sends one client's request behind another's."""
    bridge = wsluice(echo_backend, *TRUST, "--web", tmp_path)
    client = connect(bridge, path=None)
    lines = ["X-Forwarded-For: 203.0.113.5\r\n", "", "X-Forwarded-For: 203.0.113.6\r\n"]
    for number, line in enumerate(lines):
        request = f"GET /missing{number} HTTP/1.1\r\nHost: a\r\n{line}\r\n".encode()
        assert client.request(request).status == 404
    bridge.wait_for_log(r"refused status=404 client=203\.0\.113\.5 via=127.*missing0")
    bridge.wait_for_log(r"refused status=404 client=127\.0\.0\.1:\d+ path.*missing1")
    bridge.wait_for_log(r"refused status=404 client=203\.0\.113\.6 via=127.*missing2")


def test_what_forwarded_says_goes_to_the_target(wsluice, backend, connect):
    bridge = wsluice(backend, *TRUST, "--send-proxy", "v1")
    connect(bridge, "/", {"X-Forwarded-For": "203.0.113.5"})
    expected = f"PROXY TCP4 203.0.113.5 127.0.0.1 0 {bridge.port}\r\n".encode()
    assert backend.accept().recv_exact(len(expected)) == expected


def test_haproxy_in_front_speaks_http(wsluice, haproxy, echo_backend):
    """X-Forwarded-For, and a PROXY header beneath: all that stand between are named. (To the test a client at
    127.0.0.1 is a proxy, so what it writes itself is believed.)"""
    bridge = wsluice(echo_backend, "--accept-proxy", "127.0.0.1", "--trust-forwarded", "127.0.0.1")
    front = haproxy(f"""
listen through
  mode http
  timeout tunnel 10s
  bind 127.0.0.1:PORT
  option forwardfor
  server bridge 127.0.0.1:{bridge.port} send-proxy-v2
""")
    client = RawClient(front.port)
    client.upgrade("/", {"X-Forwarded-For": "9.9.9.9"})
    trip(client)
    client.close()
    bridge.wait_for_log(r"session opened client=9\.9\.9\.9 via=127\.0\.0\.1:\d+,127\.0\.0\.1:\d+ path=")


# ---- what does not start ----


@pytest.mark.parametrize("options, sentence", [
    (["--send-proxy", "v3"], "must be v1 or v2"),
    (["--send-proxy", "v1", "--exec", "cat"], "a program finds the client in its environment"),
    (["--accept-proxy", "localhost"], "not an IP address or network"),
    (["--trust-forwarded", "10.0.0.0/33"], "the prefix length after the slash"),
])
def test_a_mistake_is_explained(wsluice, options, sentence):
    bridge = wsluice.run(*options, "0", *(["127.0.0.1:1"] if "--exec" not in options else []))
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert sentence in bridge.log
