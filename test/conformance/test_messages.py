"""What frames make up: text, closing, sizes, and what section 10 adds (RFC 6455 5.5.1, 5.6, and 6 to 10)."""
# ctest: cost=28

from harness import BINARY, PING, PONG, encode_frame
from harness.process import resident_kib

from . import cases_close, cases_limits, cases_security, cases_utf8
from .engine import all_cases

CLIENTS = 50
# A session holds two buffers at most (--buffer-size), and here none; ASan's own needs come on top.
GROWTH_KIB_MAX = 4096


@all_cases(cases_utf8, cases_close, cases_limits, cases_security)
def test_case(engine, case, transport):
    engine.check(case, transport)


def test_a_declared_length_takes_no_memory(wsluice, serve, connect):
    """RFC 6455 10.4: a peer that announces 2^63 - 1 bytes, and sends ten."""
    bridge = wsluice(serve(lambda wire: wire.recv_to_end()), "--workers", "1")
    clients = [connect(bridge) for _ in range(CLIENTS)]
    before = resident_kib(bridge.pid)
    for client in clients:
        client.send(encode_frame(PING, b"there?") + encode_frame(BINARY, b"ten bytes!", length=(1 << 63) - 1))
    for client in clients:
        client.expect_frame(PONG, b"there?")
    assert resident_kib(bridge.pid) - before < GROWTH_KIB_MAX
