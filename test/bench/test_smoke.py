"""The bench as a whole, for seconds: a tiny cell over wsluice and the raw relay, from the command line to the
files. Nothing is said about speed."""

import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from harness import Backend, echo
from suite.cells import CELLS, chosen
from suite.peers import BUFFER_BYTES, PEERS, Peer
from suite.processes import Failure, Processors, is_listening
from suite.run import Runner, Settings

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDS = pathlib.Path(os.environ.get("WSLUICE_BIN", ROOT / "build" / "wsluice")).parent
RAWRELAY = BUILDS / "bench" / "rawrelay" / "rawrelay"
MEGABYTE = 1 << 20


def bench(*arguments):
    """Runs bench.py; what it said, with its status."""
    return subprocess.run(
        [sys.executable, "-B", str(ROOT / "bench" / "bench.py"), "--builds", str(BUILDS), *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )


@pytest.mark.parametrize("words", [["--minutes=0"], ["--minutes=-1"], ["--minutes=nan"], ["--seconds=0"], ["--rounds=0"]],
                         ids="".join)
def test_a_time_that_is_none_is_refused_and_overwrites_nothing(tmp_path, words):
    done = bench(*words, "--peers", "wsluice", "--cells", "start", "--output", tmp_path)
    assert done.returncode == 2 and re.search(r"argument --\w+: '[^']+' is not a (whole )?number above 0", done.stderr)
    assert not list(tmp_path.iterdir())


def test_one_round_over_wsluice_and_the_floor(tmp_path):
    done = bench(
        "--peers", "wsluice,rawrelay", "--cells", "up-16k echo-64", "--rounds", 1, "--seconds", 0.1,
        "--minutes", 1, "--output", tmp_path,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "results.json").read_text())
    assert [cell["name"] for cell in document["cells"]] == ["up-16k", "echo-64"]
    for cell in document["cells"]:
        for name in ("wsluice", "rawrelay"):
            peer = cell["peers"][name]
            assert peer["failures"] == [] and peer["figures"], (cell["name"], name, peer)
            assert all(entry["median"] > 0 for entry in peer["figures"].values()), (cell["name"], name, peer)
    assert document["cells"][1]["peers"]["wsluice"]["percentiles"], "no latencies in the histogram"
    text = (tmp_path / "README.md").read_text()
    assert "| wsluice |" in text and "raw relay" in text
    assert str(ROOT) not in text and socket.gethostname() not in text


def test_a_peer_that_ends_at_once_is_a_failure_with_a_reason():
    settings = Settings(BUILDS, pathlib.Path("/nonexistent"), Processors(frozenset({0}), frozenset({0})))
    dead = Peer("dead", "dead", "ws", lambda place: ["false"], lambda builds: "", lambda builds: "")
    with pytest.raises(Failure, match="ended at once with status 1"):
        Runner(settings).run(CELLS[0], dead)


def test_unknown_names_are_answered_with_those_that_are():
    done = bench("--cells", "sideways")
    assert done.returncode == 2
    assert "no cell 'sideways'" in done.stderr and "up-64" in done.stderr
    assert bench("--peers", "nobody").returncode == 2


def test_every_cell_has_a_name_of_its_own_and_options_for_known_peers():
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names)
    known = {peer.name for peer in PEERS}
    assert len(known) == len(PEERS)
    assert all(set(cell.peer_options) <= known for cell in CELLS)
    assert [cell.name for cell in chosen(["up-64", "up-*"])][:2] == ["up-64", "up-1k"]


@contextmanager
def rawrelay(target, *options):
    """A raw relay before the target; the port it listens on."""
    words = [str(RAWRELAY), *options, "127.0.0.1:0", f"127.0.0.1:{target}"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        yield int(re.search(r"listening on 127\.0\.0\.1:(\d+)", process.stderr.readline())[1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def receive_all(sock):
    parts = []
    while part := sock.recv(MEGABYTE):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("buffer", ["4096", "64K", "256K"])
def test_the_floor_relays_every_byte_both_ways_and_both_ends(serve, buffer):
    """More than all buffers hold, against a reader that begins late: stalls, short writes, half-closes."""
    data = os.urandom(8 * MEGABYTE)
    with rawrelay(serve(echo).port, "--buffer-size", buffer) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(30)
        pid = os.fork()
        if pid == 0:  # the sender, so that the reader may be late
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            os._exit(0)
        time.sleep(0.3)
        assert receive_all(client) == data
        os.waitpid(pid, 0)


def test_the_floor_passes_a_reset_on():
    backend = Backend()
    with rawrelay(backend.port) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(10)
        client.sendall(b"x")
        wire = backend.accept()
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.sock.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    backend.close()


def test_the_floor_and_wsluice_read_as_much_at_once():
    """Or the ratio between them would be one of buffers."""
    said = subprocess.run([BUILDS / "wsluice", "--help"], capture_output=True, text=True, check=True).stdout
    option = said[said.index("--buffer-size") :]
    default = re.search(r"\[(\d+)K\]", option)
    assert int(default[1]) * 1024 == BUFFER_BYTES


def test_what_the_floor_does_not_understand_is_usage():
    for words in (["--buffer-size", "7", "127.0.0.1:0", "127.0.0.1:1"], ["127.0.0.1:0"], ["x:0", "127.0.0.1:1"]):
        assert subprocess.run([RAWRELAY, *words], capture_output=True, check=False).returncode == 2


def test_listening_is_seen_without_connecting():
    backend = Backend()
    assert is_listening(backend.port)
    backend.close()
    assert not is_listening(backend.port)


def test_a_variant_of_wsluice_runs_beside_it(tmp_path):
    done = bench(
        "--peers", "wsluice", "--also", "small=--buffer-size 16K", "--also", f"other={shlex.quote(str(BUILDS))}/wsluice", "--cells", "down-1m",
        "--rounds", 1, "--seconds", 0.05, "--minutes", 1, "--output", tmp_path,
    )
    assert done.returncode == 0, done.stderr
    names = json.loads((tmp_path / "results.json").read_text())["cells"][0]["peers"]
    assert list(names) == ["wsluice", "small", "other"] and all(peer["figures"] for peer in names.values()), names
    assert bench("--also", "wsluice=--workers 2").returncode == 2
    assert bench("--also", "x=/nonexistent/wsluice").returncode == 2
