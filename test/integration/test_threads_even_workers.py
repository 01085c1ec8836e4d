"""Sessions are even over the workers, whomever the kernel gives the clients to, and no client is lost on
its way from one worker to another. (Files named test_threads_* also run under ThreadSanitizer.)"""

import re
from collections import Counter

import pytest

from harness import RawClient, upgrade_request

SESSIONS = 400
# A worker hands on what would give it two clients more than another has (BALANCE_DIFFERENCE).
DIFFERENCE = 2
ACCEPTED = r"\[(\w+)\] accepted client=\S+ worker=(\d+) accepted_by=(\d+)"
STOPPED = r"worker stopped worker=(\d+) connections=(\d+) sessions=(\d+) handed_on=(\d+)"
BURST = 300


def start(wsluice, backend, workers, *options):
    return wsluice(backend, "--workers", workers, "--log-level", "debug", *options)


def worker_of(bridge, clients):
    """The number of each client's worker, in the order in which they were accepted."""
    bridge.wait_for_log(ACCEPTED, count=clients)
    return [int(worker) for _, worker, _ in re.findall(ACCEPTED, bridge.log)]


def expect_even(sessions, workers):
    counts = [Counter(sessions)[worker] for worker in range(workers)]
    assert max(counts) - min(counts) <= DIFFERENCE, counts


@pytest.fixture
def crowd():
    """crowd(n, bridge) connects that many clients before the first asks for anything; they end with the test."""
    clients = []

    def connect(count, bridge, **options):
        new = [RawClient(getattr(bridge, "port", bridge), **options) for _ in range(count)]
        clients.extend(new)
        return new

    yield connect
    for client in clients:
        client.close()


def upgrade_all(clients):
    for client in clients:
        client.send(upgrade_request())
    for client in clients:
        assert client.recv_response().status == 101


@pytest.mark.parametrize("workers", [2, 4])
def test_a_burst_of_sessions_is_shared_evenly(wsluice, backend, crowd, workers):
    bridge = start(wsluice, backend, workers)
    upgrade_all(crowd(SESSIONS, bridge))
    expect_even(worker_of(bridge, SESSIONS), workers)
    bridge.stop()
    stopped = re.findall(STOPPED, bridge.log)
    assert [int(worker) for worker, *_ in stopped] == list(range(workers))
    assert sum(int(connections) for _, connections, _, _ in stopped) == SESSIONS
    assert sum(int(sessions) for _, _, sessions, _ in stopped) == SESSIONS
    handed_on = [line for line in re.findall(ACCEPTED, bridge.log) if line[1] != line[2]]
    assert sum(int(count) for *_, count in stopped) == len(handed_on)
    assert f"stopped connections={SESSIONS} sessions={SESSIONS}" in bridge.log


def test_a_unix_socket_of_all_workers_is_shared_evenly(wsluice, backend, crowd, tmp_path):
    path = tmp_path / "listening"
    bridge = wsluice.run("--unix-listen", path, "--workers", 4, "--log-level", "debug", *backend.target_args)
    bridge.wait_for_log("listening on unix:")
    upgrade_all(crowd(SESSIONS, path))
    expect_even(worker_of(bridge, SESSIONS), 4)


def test_sessions_one_by_one_are_even_as_well(wsluice, backend, connect):
    bridge = start(wsluice, backend, 4)
    for _ in range(60):
        connect(bridge)
    expect_even(worker_of(bridge, 60), 4)


def test_new_sessions_go_where_others_have_ended(wsluice, backend, crowd):
    bridge = start(wsluice, backend, 4)
    clients = []
    for _ in range(80):  # one at a time, so that the log has them in this order
        clients += crowd(1, bridge)
        upgrade_all(clients[-1:])
    workers = worker_of(bridge, 80)
    leavers = [client for client, worker in zip(clients, workers) if worker == 2]
    for client in leavers:
        client.reset()
    bridge.wait_for_log("session ended", count=len(leavers))
    upgrade_all(crowd(len(leavers), bridge))
    new = worker_of(bridge, 80 + len(leavers))[80:]
    # Those may go elsewhere that made the others uneven, as far as that is allowed.
    assert new.count(2) >= len(leavers) - 2 * DIFFERENCE, new
    expect_even([worker for worker in workers if worker != 2] + new, 4)


@pytest.mark.parametrize("drain", ["0", "30"], ids=["at once", "drain"])
def test_a_stop_in_the_middle_of_a_burst_loses_nobody(wsluice, backend, crowd, drain):
    """They are in the kernel's queues, in the hands of a worker, and on their way between two."""
    bridge = start(wsluice, backend, 4, "--drain-timeout", drain)
    clients = crowd(BURST, bridge)
    for client in clients:
        client.send(upgrade_request())
    bridge.process.terminate()
    for client in clients:
        assert client.recv_response().status in (101, 503)
        client.reset()
    assert bridge.wait_for_exit() == 0
    assert f"stopped connections={BURST} " in bridge.log


def test_a_second_signal_cuts_those_on_their_way_as_well(wsluice, backend, crowd):
    bridge = start(wsluice, backend, 4, "--drain-timeout", "30")
    crowd(BURST, bridge)
    bridge.process.terminate()
    bridge.wait_for_log("stopping")
    bridge.process.terminate()
    assert bridge.wait_for_exit(5) == 0
