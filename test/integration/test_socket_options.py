"""What the options about sockets do to the sockets: read back from wsluice's own descriptors, on both sides
of a session, and the bytes all arrive with the oddest of them."""

import ctypes
import os
import re
import socket

import pytest

from harness import BINARY, Sink, source, tls_client_context, upgrade_request

MEGABYTE = 1 << 20
PIDFD_OPEN, PIDFD_GETFD = 434, 438  # the same on all processors of ours
TCP_FASTOPEN_CONNECT = 30
TCP_INFO_OPTIONS_AT, SYN_DATA_ACCEPTED = 5, 0x20  # tcpi_options, TCPI_OPT_SYN_DATA
WINDOW_SCALES_AT = 6  # the peer's in the low half, ours in the high one


def system_call(number, *args):
    result = ctypes.CDLL(None, use_errno=True).syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def borrow_sockets(pid):
    """Copies of all connected TCP sockets of another process."""
    process = system_call(PIDFD_OPEN, pid, 0)
    for name in os.listdir(f"/proc/{pid}/fd"):
        if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
            continue
        try:
            copy = socket.socket(fileno=system_call(PIDFD_GETFD, process, int(name), 0))
        except PermissionError:
            pytest.skip("this user may not look into other processes")
        try:
            copy.getpeername()
        except OSError:
            copy.close()
            continue
        yield copy
    os.close(process)


@pytest.fixture
def both_sockets(open_session):
    """both_sockets(options...) are (toward the client, toward the target) of a session."""
    copies = []

    def start(*options):
        bridge, client, service = open_session(*options)
        client.send_frame(BINARY, b"?")
        service.recv_exact(1)
        copies.extend(borrow_sockets(bridge.pid))
        assert len(copies) == 2
        toward_client = [copy for copy in copies if copy.getsockname()[1] == bridge.port]
        return toward_client[0], next(copy for copy in copies if copy is not toward_client[0])

    yield start
    for copy in copies:
        copy.close()


def option(sock, name, level=socket.IPPROTO_TCP):
    return sock.getsockopt(level, getattr(socket, name))


def test_by_default_nothing_waits_and_the_dead_are_found(both_sockets):
    for sock in both_sockets():
        assert option(sock, "TCP_NODELAY")
        assert option(sock, "SO_OOBINLINE", socket.SOL_SOCKET)
        assert option(sock, "SO_KEEPALIVE", socket.SOL_SOCKET)
        assert [option(sock, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")] == [60, 15, 4]


def test_by_default_the_system_finds_the_buffers(both_sockets):
    plain = socket.create_server(("127.0.0.1", 0))
    here = socket.create_connection(plain.getsockname())
    there, _ = plain.accept()
    for ours, usual in zip(both_sockets(), (there, here)):
        for name in ("SO_SNDBUF", "SO_RCVBUF"):
            assert option(ours, name, socket.SOL_SOCKET) == option(usual, name, socket.SOL_SOCKET)
    for sock in (plain, here, there):
        sock.close()


def test_options_hold_on_both_sides(both_sockets):
    sockets = both_sockets("--keepalive", "31,7,3", "--send-buffer", "100K", "--receive-buffer", "200K",
                           "--congestion-control", "reno", "--notsent-lowat", "32K")
    for sock in sockets:
        assert [option(sock, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")] == [31, 7, 3]
        assert option(sock, "SO_SNDBUF", socket.SOL_SOCKET) == 2 * 100 * 1024  # Linux doubles them
        assert option(sock, "SO_RCVBUF", socket.SOL_SOCKET) == 2 * 200 * 1024
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0") == b"reno"
    assert option(sockets[0], "TCP_NOTSENT_LOWAT") == 32 * 1024
    assert option(sockets[1], "TCP_NOTSENT_LOWAT") != 32 * 1024


def test_keepalive_can_be_off(both_sockets):
    for sock in both_sockets("--keepalive", "0"):
        assert not option(sock, "SO_KEEPALIVE", socket.SOL_SOCKET)


def test_a_receive_buffer_counts_from_the_syn(both_sockets):
    """Which agrees upon the window's scale: a small buffer needs none, and the system's own does."""
    for sock in both_sockets("--receive-buffer", "16K"):
        scales = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, WINDOW_SCALES_AT + 1)[WINDOW_SCALES_AT]
        assert scales >> 4 == 0, "our side's scale"


# --- the bytes ---

TIGHT = ["--send-buffer", "4K", "--receive-buffer", "4K", "--notsent-lowat", "1"]
SCHEMES = pytest.mark.parametrize("scheme", ["ws", "wss"])


@pytest.fixture
def secured(scheme, tls_options, authority):
    """(options of wsluice, options of the client) for the scheme."""
    return ([], {}) if scheme == "ws" else (tls_options, {"tls": tls_client_context(authority.cert)})


@SCHEMES
def test_all_bytes_come_down_through_tight_buffers(wsluice, serve, connect, scheme, secured):
    data = os.urandom(4 * MEGABYTE)
    bridge = wsluice(serve(source(data)), *TIGHT, *secured[0])
    received, close = connect(bridge, **secured[1]).recv_until_close()
    assert close.close_code == 1000
    assert received == data


@SCHEMES
def test_all_bytes_go_up_through_tight_buffers(wsluice, serve, connect, scheme, secured):
    sink = Sink()
    data = os.urandom(4 * MEGABYTE)
    client = connect(wsluice(serve(sink), *TIGHT, *secured[0]), **secured[1])
    for at in range(0, len(data), 100000):
        client.send_frame(BINARY, data[at:at + 100000])
    client.send_close()
    client.expect_close(1000)
    sink.expect(data)


@pytest.mark.parametrize("name", ["--send-buffer", "--receive-buffer"])
def test_a_buffer_that_would_crawl_is_refused(wsluice, name):
    bridge = wsluice.run(name, "1", "0", "127.0.0.1:1")
    bridge.expected_status = 2
    assert bridge.wait_for_exit() == 2
    assert f'{name} "1": must be 4K or more, or 0 to leave the size to the system' in bridge.log


# --- what this machine has not ---


def test_an_unknown_congestion_control_is_refused_with_those_that_there_are(wsluice):
    bridge = wsluice.run("--congestion-control", "nobodys", "0", "127.0.0.1:1")
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert re.search(r'--congestion-control "nobodys": this machine has only .*: .*\breno\b', bridge.log)


def test_buffers_beyond_the_system_s_limit_are_cut_with_a_warning(wsluice):
    bridge = wsluice("127.0.0.1:1", "--send-buffer", "1G", "--receive-buffer", "1G")
    assert re.search(r"--send-buffer: the system allows \d+ bytes of 1073741824 \(net.core.wmem_max\)", bridge.log)
    assert re.search(r"--receive-buffer: the system allows \d+ bytes .*net.core.rmem_max", bridge.log)


# --- a request in the first packet ---


def first_packet_client(port, request):
    """Sends the request with its SYN, where the kernel has a cookie of the server's; else it gets one."""
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    sock.connect(("127.0.0.1", port))
    sock.sendall(request)
    answer = sock.recv(4096)
    options = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)[TCP_INFO_OPTIONS_AT]
    sock.close()
    return answer, bool(options & SYN_DATA_ACCEPTED)


@pytest.mark.parametrize("queue", [16, 0])
def test_requests_may_come_with_the_first_packet(network, wsluice, echo_backend, queue):
    network.set("ipv4/tcp_fastopen", "3")
    bridge = wsluice(echo_backend, "--fastopen", queue, "--workers", 1)
    took = []
    for _ in range(3):
        answer, with_syn = first_packet_client(bridge.port, upgrade_request())
        assert answer.startswith(b"HTTP/1.1 101 ")
        took.append(with_syn)
    assert took[0] is False  # the cookie comes first
    assert took[1:] == [queue > 0] * 2


def test_fastopen_that_the_system_has_switched_off_is_said(network, wsluice):
    network.set("ipv4/tcp_fastopen", "1")
    bridge = wsluice("127.0.0.1:1", "--fastopen", "16")
    assert "--fastopen: switched off for listeners on this machine (net.ipv4.tcp_fastopen)" in bridge.log
