"""Ports of this machine toward one target: what happens when they run out, and --source-address for more.

In a network of the test's own that has ten of them. Clients come by a Unix socket, so as to need none.
"""

import socket

import pytest

from harness import BINARY, Backend, UnixBackend, echo, free_port

IP_BIND_ADDRESS_NO_PORT = 24

PORTS = 10
REASON = "No free local port toward the target"  # told to clients
ADVICE = REASON + ": add --source-address or widen ip_local_port_range"  # and to the operator


@pytest.fixture
def few_ports(network):
    network.set("ipv4/ip_local_port_range", f"40000 {40000 + PORTS - 1}")
    # A connection that we have closed first may keep its port for a minute.
    network.set("ipv4/tcp_tw_reuse", "0")
    return network


@pytest.fixture
def bridge_to(network, wsluice, tmp_path):
    """bridge_to(backend, options...): a wsluice that listens on a Unix socket at bridge.port."""

    def start(backend, *options):
        path = tmp_path / "wsluice.sock"
        bridge = wsluice.run("--unix-listen", path, *options, *backend.target_args)
        bridge.wait_for_log("listening on unix:")
        bridge.port = str(path)
        return bridge

    return start


@pytest.fixture
def serve_at():
    """serve_at(host) is an echo service there, on a port outside of the range."""
    backends = []

    def start(host="127.0.0.1"):
        backends.append((UnixBackend() if host is None else Backend(host, 5900)).serve(echo))
        return backends[-1]

    yield start
    for backend in backends:
        backend.close()


def expect_round_trip(client):
    client.send_frame(BINARY, b"over here")
    assert client.recv_data(9) == b"over here"


def open_sessions(connect, bridge, count):
    """So many sessions, all of which work."""
    clients = [connect(bridge) for _ in range(count)]
    for client in clients:
        expect_round_trip(client)
    return clients


def expect_no_port(connect, bridge):
    client = connect(bridge)
    assert client.expect_close(1013).close_reason == f"Failed to connect to target: {REASON}"
    client.send_close()
    client.expect_end("fin")
    client.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_eleventh_session_is_told_what_is_missing(few_ports, serve_at, bridge_to, connect, host, workers):
    bridge = bridge_to(serve_at(host), "--workers", workers)
    clients = open_sessions(connect, bridge, PORTS)
    expect_no_port(connect, bridge)
    bridge.wait_for_log(f'session ended side=backend cause="{ADVICE}" code=1013')
    for client in clients:
        expect_round_trip(client)


def test_dialling_first_answers_503(few_ports, serve_at, bridge_to, connect):
    bridge = bridge_to(serve_at(), "--dial-first")
    clients = open_sessions(connect, bridge, PORTS)
    response = connect(bridge, path=None).upgrade(expect=503)
    assert REASON in response.body.decode()
    assert "--source-address" not in response.body.decode()
    bridge.wait_for_log(f'reason="{ADVICE}"')
    assert response.header("Retry-After")
    expect_round_trip(clients[0])


def test_a_port_that_comes_free_is_used_again(few_ports, serve_at, bridge_to, connect):
    sources = ["--source-address", "127.0.0.2"]
    bridge = bridge_to(serve_at(), "--workers", 1, *sources)
    clients = open_sessions(connect, bridge, PORTS)
    expect_no_port(connect, bridge)
    # A violation resets the target's connection: an orderly end would keep the port for a minute.
    clients[0].send_frame(BINARY, b"not masked", mask=None)
    clients[0].expect_close(1002)
    clients[0].close()
    bridge.wait_for_log("session ended side=client .* code=1002")
    open_sessions(connect, bridge, 1)
    expect_no_port(connect, bridge)


@pytest.mark.parametrize("workers", [1, 3])
def test_two_source_addresses_have_twice_the_ports(few_ports, serve_at, bridge_to, connect, workers):
    sources = ["--source-address", "127.0.0.2", "--source-address", "127.0.0.3"]
    backend = serve_at()
    bridge = bridge_to(backend, "--workers", workers, *sources)
    clients = open_sessions(connect, bridge, 2 * PORTS)
    expect_no_port(connect, bridge)
    for client in clients:
        expect_round_trip(client)


def dial_from(host, backend):
    """A connection of somebody else's on this machine."""
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((host, 0))
    sock.connect((backend.host, backend.port))
    return sock


def test_where_one_address_is_used_up_the_other_goes_on(few_ports, serve_at, bridge_to, connect):
    backend = serve_at()
    others = [dial_from("127.0.0.2", backend) for _ in range(PORTS - 3)]
    sources = ["--source-address", "127.0.0.2", "--source-address", "127.0.0.3"]
    bridge = bridge_to(backend, "--workers", 1, *sources)
    open_sessions(connect, bridge, PORTS + 3)
    expect_no_port(connect, bridge)
    for other in others:
        other.close()


def test_ipv6_source_addresses(few_ports, serve_at, bridge_to, connect):
    """Of both families only those that fit the target are used."""
    bridge = bridge_to(serve_at("::1"), "--source-address", "127.0.0.2", "--source-address", "::1")
    open_sessions(connect, bridge, PORTS)
    expect_no_port(connect, bridge)


def test_a_port_serves_two_targets(few_ports, serve_at, tmp_path, wsluice, connect):
    """IP_BIND_ADDRESS_NO_PORT: bound in the old way, a port would be taken whatever its target."""
    tokens = tmp_path / "tokens"
    other = Backend("127.0.0.9", 5901).serve(echo)
    serve_at()
    tokens.write_text("one: 127.0.0.1:5900\ntwo: 127.0.0.9:5901\n")
    path = tmp_path / "by-token.sock"
    bridge = wsluice.run("--unix-listen", path, "--workers", 1, "--source-address", "127.0.0.2",
                         "--token-plugin", "TokenFile", "--token-source", tokens)
    bridge.wait_for_log("listening on unix:")
    bridge.port = str(path)
    for token in ("one", "two"):
        for _ in range(PORTS):
            expect_round_trip(connect(bridge, path=f"/?token={token}"))
    other.close()


def test_unix_targets_need_no_ports(few_ports, serve_at, bridge_to, connect):
    bridge = bridge_to(serve_at(None), "--source-address", "127.0.0.2")
    open_sessions(connect, bridge, 4 * PORTS)


@pytest.mark.parametrize("target,reason", [("localhost:5900", "Connection refused"), ("[::1]:5900", "unreachable")])
def test_no_ipv6_at_all_is_no_want_of_ports(network, wsluice, connect, target, reason):
    """Where IPv6 is switched off the kernel says EADDRNOTAVAIL of ::1, too."""
    for interface in ("all", "lo"):
        network.set(f"ipv6/conf/{interface}/disable_ipv6", "1")
    connect(wsluice(target)).expect_close(1011, reason)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_nobody_meets_himself(network, bridge_to, connect, host):
    """A connect to a port that it may also come from can be its own answer, and the client would be echoed to."""
    network.set("ipv4/ip_local_port_range", "40000 40003")

    class Nobody:
        # Even, since Linux tries the ports of the first one's parity first.
        target_args = [f"[{host}]:40002" if ":" in host else f"{host}:40002"]

    bridge = bridge_to(Nobody)
    for _ in range(40):
        client = connect(bridge)
        client.expect_close(1011, "Connection refused")
        client.close()


# --- what is wrong with an address itself ---


def test_a_foreign_address_is_refused_at_the_start(wsluice):
    bridge = wsluice.run("--source-address", "127.0.0.2", "--source-address", "192.0.2.1", "0", "127.0.0.1:1")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert "can't connect from 192.0.2.1 (--source-address): this machine has no such address" in bridge.log


@pytest.mark.parametrize("word", ["localhost", "0.0.0.0", "10.0.0.1:80", ""])
def test_what_is_no_address_is_a_wrong_command_line(wsluice, word):
    bridge = wsluice.run("--source-address", word, "0", "127.0.0.1:1")
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert "IPv4 or IPv6 address of this machine" in bridge.log


def test_a_target_that_refuses_does_so_from_any_source(wsluice, connect):
    bridge = wsluice(f"127.0.0.1:{free_port()}", "--source-address", "127.0.0.2")
    connect(bridge).expect_close(1011, "Connection refused")
