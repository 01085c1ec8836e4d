"""Places and descriptors: who comes when all are taken waits in the kernel's queue and is served when
one leaves; with few descriptors wsluice still works.
"""

import os
import resource
import select
import time

import pytest

from harness import BINARY, LIMIT_SECONDS, binary, processor_seconds, upgrade_request


def exchange(client):
    client.send_frame(BINARY, b"x")
    assert client.recv_data(1) == b"x"


def serve_all(clients):
    """Every client that has asked for an upgrade gets it, in whatever order; each then leaves."""
    waiting = {client.sock: client for client in clients}
    while waiting:
        answered, _, _ = select.select(waiting, [], [], LIMIT_SECONDS)
        assert answered, f"{len(waiting)} of {len(clients)} clients are not served"
        for sock in answered:
            client = waiting.pop(sock)
            assert client.recv_response().status == 101
            exchange(client)
            client.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_third_of_two_waits_and_is_served_when_one_leaves(wsluice, echo_backend, connect, workers):
    bridge = wsluice(echo_backend, "--max-sessions", "2", "--workers", workers)
    first, second = connect(bridge), connect(bridge)
    exchange(first)
    exchange(second)
    third = connect(bridge, path=None)  # connected by the kernel
    third.send(upgrade_request())
    third.expect_silence(0.3)
    bridge.wait_for_log("all 2 places are taken")
    used = processor_seconds(bridge.pid)
    time.sleep(0.7)
    assert processor_seconds(bridge.pid) - used < 0.1
    first.close()
    assert third.recv_response().status == 101
    exchange(third)
    exchange(second)


def test_many_that_wait_are_all_served(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--max-sessions", "3", "--workers", "2")
    clients = [connect(bridge, path=None) for _ in range(30)]
    for client in clients:
        client.send(upgrade_request())
    serve_all(clients)


def test_the_log_tells_each_change_once(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--max-sessions", "1", "--workers", "2")
    first = connect(bridge)
    others = [connect(bridge, path=None) for _ in range(5)]
    bridge.wait_for_log("all 1 places are taken")
    first.close()
    for other in others:
        other.close()
    bridge.wait_for_log("places are free again: 0 of 1 taken")
    assert bridge.log.count("places are taken") <= 6


@pytest.fixture
def few_descriptors(wsluice, monkeypatch, tmp_path):
    """few_descriptors(soft, hard, target, ...) is wsluice under these limits."""
    real = binary()

    def start(soft, hard, target, *options):
        script = tmp_path / f"wsluice-{soft}"
        script.write_text(f"#!/bin/sh\nulimit -S -n {soft} && ulimit -H -n {hard} && exec '{real}' \"$@\"\n")
        script.chmod(0o755)
        monkeypatch.setenv("WSLUICE_BIN", str(script))
        return wsluice(target, *options)

    return start


@pytest.mark.parametrize("limit", [24, 32, 64])
def test_a_small_limit_of_descriptors(few_descriptors, echo_backend, connect, limit):
    """Fewer workers and fewer places, but it works, and who waits is served."""
    bridge = few_descriptors(limit, limit, echo_backend, "--workers", "16")
    for _ in range(3):
        client = connect(bridge)
        exchange(client)
        client.close()
    clients = [connect(bridge, path=None) for _ in range(limit)]
    for client in clients:
        client.send(upgrade_request())
    serve_all(clients)


def test_the_soft_limit_is_raised(few_descriptors, echo_backend):
    bridge = few_descriptors(64, 4096, echo_backend)
    soft, hard = resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE)
    assert (soft, hard) == (4096, 4096)


def test_a_huge_limit_costs_nothing(few_descriptors, echo_backend, connect):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    bridge = few_descriptors(1024, hard, echo_backend)
    exchange(connect(bridge))


def test_descriptors_that_run_out_below_wsluice_s_feet(wsluice, echo_backend, connect):
    """The limit falls while it runs: clients wait, are not dropped, and are served when there is room."""
    bridge = wsluice(echo_backend, "--workers", "1")
    first = connect(bridge)
    exchange(first)
    used = max(int(name) for name in os.listdir(f"/proc/{bridge.pid}/fd")) + 1
    _, hard = resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (used, hard))
    second = connect(bridge, path=None)
    second.send(upgrade_request())
    second.expect_silence(0.5)
    exchange(first)
    resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (hard, hard))
    assert second.recv_response().status == 101
    exchange(second)


@pytest.mark.parametrize("dial_first", [False, True])
def test_no_descriptor_for_the_target(wsluice, echo_backend, connect, dial_first):
    bridge = wsluice(echo_backend, "--workers", "1", "-v", *(["--dial-first"] if dial_first else []))
    client = connect(bridge, path=None)
    bridge.wait_for_log("accepted client=")
    used = max(int(name) for name in os.listdir(f"/proc/{bridge.pid}/fd")) + 1
    _, hard = resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (used, hard))
    if dial_first:
        response = client.upgrade(expect=503)
        assert response.header("Retry-After") is not None
    else:
        client.upgrade()
        client.expect_close(1013, "Out of file descriptors")
    resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (hard, hard))
    again = connect(bridge)
    exchange(again)
