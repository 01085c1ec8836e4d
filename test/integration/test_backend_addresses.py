"""All ways to say where the service is, and where wsluice listens: names, IPv4, IPv6, Unix sockets."""

import socket

import pytest

from harness import BINARY, RawClient, echo


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback on this machine")


def expect_round_trip(client):
    client.send_frame(BINARY, b"over here")
    assert client.recv_data(9) == b"over here"


def test_backend_by_ipv4_literal(wsluice, echo_backend, connect):
    expect_round_trip(connect(wsluice(f"127.0.0.1:{echo_backend.port}")))


def test_backend_by_host_name(wsluice, echo_backend, connect):
    """Where `localhost` is ::1 too, nobody listens there: the next address must be tried."""
    expect_round_trip(connect(wsluice(f"localhost:{echo_backend.port}")))


@needs_ipv6
def test_backend_by_ipv6_literal_in_brackets(wsluice, serve, connect):
    backend = serve(echo, host="::1")
    assert backend.target_args == [f"[::1]:{backend.port}"]
    expect_round_trip(connect(wsluice(backend)))


def test_backend_by_unix_socket(wsluice, unix_backend, connect):
    unix_backend.serve(echo)
    expect_round_trip(connect(wsluice(unix_backend)))


def test_unix_backend_ends_like_a_tcp_one(wsluice, unix_backend, connect):
    client = connect(wsluice(unix_backend))
    service = unix_backend.accept()
    service.send(b"last words")
    service.close()
    data, close = client.recv_until_close()
    assert data == b"last words"
    assert (close.close_code, close.close_reason) == (1000, "Target closed")


def test_a_backend_that_comes_back_is_dialled_again(wsluice, connect, serve):
    """Targets are dialled for each session: a restart of the service needs none of wsluice."""
    backend = serve(echo)
    bridge = wsluice(backend)
    expect_round_trip(connect(bridge))
    backend.close()
    connect(bridge).expect_close(1011)
    serve(echo, port=backend.port)
    expect_round_trip(connect(bridge))


def test_listening_without_a_host_serves_ipv4(wsluice, echo_backend):
    bridge = wsluice(echo_backend, listen=":0")
    with RawClient(bridge.port, "127.0.0.1") as client:
        client.upgrade()
        expect_round_trip(client)


@needs_ipv6
@pytest.mark.parametrize("listen", [":0", "[::]:0", "[::1]:0"])
def test_listening_on_ipv6(wsluice, echo_backend, listen):
    bridge = wsluice(echo_backend, listen=listen)
    with RawClient(bridge.port, "::1") as client:
        client.upgrade(host="[::1]")
        expect_round_trip(client)


def test_a_bare_port_is_where_to_listen(wsluice, echo_backend, connect):
    expect_round_trip(connect(wsluice(echo_backend, listen="0")))
