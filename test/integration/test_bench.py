"""wsluice-bench: measures what is right in every mode, says what is wrong in one line, and counts a stall
against all messages that were due in it."""
# ctest: threads cost=60 waits

import asyncio
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest
import websockets

from harness import LIMIT_SECONDS, Service, free_port, wait_until
from harness.process import SANITIZER_REPORT, own_environment
from harness.service import TESTS

SHORT = ["--duration", "0.3", "--warmup", "0.05"]
VISIT = ["--duration", "3", "--warmup", "0.05"]  # one handshake took 1.3 s under ThreadSanitizer on a busy machine
NODE_ECHO = """
const { WebSocketServer } = require(process.argv[1]);
new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1" })
  .on("connection", (s) => s.on("message", (data, binary) => s.send(data, { binary })));
"""


def program():
    """The bench beside the wsluice under test, unless $WSLUICE_BENCH_BIN says otherwise."""
    built = pathlib.Path(os.environ.get("WSLUICE_BIN", TESTS.parent / "build/wsluice"))
    return os.environ.get("WSLUICE_BENCH_BIN", str(built.parent / "bench/loadgen/wsluice-bench"))


def run(*words, status=0, limit=60.0):
    """Runs it with these words; returns what it wrote to standard output and standard error."""
    done = subprocess.run([program(), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=limit, env=own_environment())
    said = f"{done.args} said:\n{done.stdout}{done.stderr}"
    assert not SANITIZER_REPORT.search(done.stderr), said
    assert done.returncode == status, f"status {done.returncode}; {said}"
    return done.stdout, done.stderr


def measure(*words, short=SHORT):
    """The JSON of a run that went well, with what must hold of any."""
    out, err = run(*short, "--json", "-", *words)
    assert err == ""
    figures = json.loads(out)
    assert figures["tool"] == "wsluice-bench" and figures["error"] is None
    assert set(figures["errors"].values()) == {0}
    assert 0.2 < figures["duration_s"] < 30  # the machine may be busy
    if figures["mode"] not in ("connect", "idle"):
        assert figures["messages"] > 0
        assert figures["bytes"] == figures["messages"] * figures["size"]
        assert figures["bytes_per_s"] == pytest.approx(figures["bytes"] / figures["duration_s"], rel=1e-3)
    assert figures["load"]["cpu_s"] > 0
    return figures


def complaint(*words, kind=None):
    """The one line of a run that must fail; `kind` is how its JSON counts that."""
    json_words = ["--json", "-"] if kind else []
    out, err = run(*SHORT, *json_words, *words, status=1)
    assert err.count("\n") == 1 and err.startswith("wsluice-bench: "), err
    if kind:
        assert [name for name, count in json.loads(out)["errors"].items() if count] == [kind], out
    return err


@pytest.fixture
def bridge(wsluice):
    """start("--option", ...): a wsluice and the bench's options for it, with a Unix socket between it and
    the bench's own backend."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = f"{folder}/backend"

        def start(*options):
            running = wsluice(None, "--unix-target", path, "--workers", "1", *options)
            return running, ["--backend", f"unix:{path}", "--pid", running.pid]

        yield start


def check_proxy(figures):
    proxy = figures["proxy"]
    assert proxy["cpu_s"] > 0 and proxy["processes"] == 1 and proxy["threads"] >= 2
    assert proxy["rss_kb_peak"] >= proxy["rss_kb_after"] > 0


def check_latency(figures):
    latency = figures["latency_us"]
    order = [latency[name] for name in ("min", "p50", "p90", "p99", "p999", "max")]
    assert order == sorted(order) and latency["min"] > 0 and latency["count"] > 0
    assert latency["min"] <= latency["mean"] <= latency["max"]


@pytest.mark.parametrize("mode", ["up", "down", "both", "echo"])
@pytest.mark.parametrize("size", [64, 200_000] if os.environ.get("WSLUICE_SANITIZE") else [1, 64, 4096, 200_000])
def test_streams_are_right_at_any_size(bridge, mode, size):
    running, options = bridge()
    figures = measure("--mode", mode, "--size", size, "--connections", 3, *options, running.url())
    assert (figures["mode"], figures["size"], figures["connections"]) == (mode, size, 3)
    check_proxy(figures)
    if mode == "echo":
        check_latency(figures)
        assert figures["proxy"]["cpu_us_per_message"] > 0
    else:
        assert figures["latency_us"] is None and figures["proxy"]["cpu_s_per_gb"] > 0


def test_text_zero_masks_a_window_and_no_check(bridge):
    running, options = bridge()
    measure("--mode", "up", "--text", "--size", 100, *options, running.url())
    measure("--mode", "up", "--frame-mask", "zero", "--size", 5000, "--no-verify", *options, running.url())
    figures = measure("--window", 16, *options, running.url())
    assert figures["window"] == 16
    check_latency(figures)


def test_pings_are_answered_between_two_frames(bridge):
    """A pong inside a frame's payload would be taken for payload, or end the session with 1002."""
    running, options = bridge("--heartbeat", "200ms", "--pong-timeout", "300ms")
    measure("--mode", "up", "--size", "10M", "--duration", "1", *options, running.url())
    measure("--mode", "idle", "--duration", "1", *options, running.url())


def test_connections_that_come_and_go(bridge):
    running, options = bridge()
    figures = measure("--mode", "connect", "--connections", 4, *options, running.url())
    connects = figures["connects"]
    assert connects["count"] == figures["messages"] > 0 and connects["cpu_us_each"] > 0
    check_latency(figures)
    assert measure("--mode", "connect", running.url(), "--backend", options[1])["connects"]["cpu_us_each"] is None


@pytest.mark.parametrize("messages", [0, 3])
def test_each_visit_is_seen_to_its_end_on_both_sides(bridge, messages):
    running, options = bridge()
    connects = measure("--mode", "connect", "--messages", messages, "--connections", 4, *options, running.url())["connects"]
    ends, backend = connects["ends"], connects["backend"]
    assert connects["messages_each"] == messages
    assert ends["close"] >= connects["count"] > 0 and sum(ends.values()) == ends["close"]
    assert backend == {"accepted": ends["close"], "ended": ends["close"], "reset": 0}


def test_idle_sessions(bridge):
    running, options = bridge()
    figures = measure("--mode", "idle", "--connections", 300, *options, running.url())
    assert figures["idle"]["connections"] == 300 and figures["idle"]["rss_bytes_each"] is not None
    assert figures["latency_us"] is None
    running.wait_for_log("session opened", count=300)


def test_source_addresses_in_turns(bridge):
    running, options = bridge()
    sources = ["--source-address", "127.0.0.7", "--source-address", "127.0.0.8"]
    measure("--connections", 4, *sources, *options, running.url())
    running.wait_for_log("session opened", count=4)
    assert sorted(re.findall(r"session opened client=(127.0.0.[78]):", running.log)) == 2 * ["127.0.0.7"] + 2 * ["127.0.0.8"]


@pytest.mark.parametrize("mode", ["up", "down", "echo", "connect"])
def test_wss(bridge, tls_options, authority, mode):
    running, options = bridge(*tls_options)
    short = VISIT if mode == "connect" else SHORT
    figures = measure("--mode", mode, "--cafile", authority.cert, *options, running.url(scheme="wss", host="localhost"),
                      short=short)
    check_proxy(figures)


def test_a_certificate_that_nobody_signed_is_named(bridge, tls_options):
    running, options = bridge(*tls_options)
    url = running.url(scheme="wss", host="localhost")
    assert "TLS: the target's certificate is not accepted" in complaint(*options, url)
    measure("--insecure", *options, url)


def test_plain_tcp(bridge, echo_backend):
    url = f"tcp://127.0.0.1:{echo_backend.port}"
    check_latency(measure(url))
    measure("--mode", "both", "--size", 3000, url)
    assert measure("--mode", "up", url)["proxy"] is None


@pytest.mark.parametrize("kind, mode", [("sink", "up"), ("source", "down"), ("echo", "echo")])
def test_a_backend_of_its_own_process(wsluice, kind, mode):
    port = free_port()
    address = f"127.0.0.1:{port}"
    backend = subprocess.Popen([program(), "--serve", kind, "--backend", address], stdout=subprocess.PIPE, text=True,
                               env=own_environment())
    assert backend.stdout.readline() == f"serving: {kind} at {address}\n"
    measure("--mode", mode, wsluice(address).url())
    backend.send_signal(signal.SIGTERM)
    said, _ = backend.communicate(timeout=LIMIT_SECONDS)
    assert backend.returncode == 0 and said.startswith("1 connections, ")


@contextlib.contextmanager
def python_server(answer):
    """python3-websockets with this handler: its port."""
    ready, port = threading.Event(), []

    async def serve(stop):
        async with websockets.serve(answer, "127.0.0.1", 0) as server:
            port.append(server.sockets[0].getsockname()[1])
            ready.set()
            await stop

    loop = asyncio.new_event_loop()
    stop = loop.create_future()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(stop),), daemon=True)
    thread.start()
    assert ready.wait(LIMIT_SECONDS)
    yield port[0]
    loop.call_soon_threadsafe(stop.set_result, None)
    thread.join(LIMIT_SECONDS)
    loop.close()


@pytest.fixture
def python_echo():
    async def answer(socket, *_):
        async for message in socket:
            await socket.send(message)

    with python_server(answer) as port:
        yield port


def test_echo_server_of_python(python_echo):
    url = f"ws://127.0.0.1:{python_echo}/"
    check_latency(measure(url))
    measure("--text", "--size", 70_000, "--connections", 2, url)
    assert measure("--mode", "connect", url)["connects"]["count"] > 0
    assert measure("--mode", "connect", "--messages", 0, url)["connects"]["ends"]["close"] > 0


def test_echo_server_of_node(tmp_path):
    service = Service(lambda port: ["node", "-e", NODE_ECHO, str(TESTS / "node_modules/ws"), str(port)],
                      tmp_path / "node.log")
    try:
        check_latency(measure("--pid", service.process.pid, "--window", 8, f"ws://127.0.0.1:{service.port}/"))
        measure("--mode", "both", "--size", 1000, f"ws://127.0.0.1:{service.port}/")
    finally:
        service.stop()


# ---- what is wrong is found, and named ----


def bent_echo(bend):
    """An echo whose first answer behind 100 KB passes through bend()."""

    def handler(wire):
        seen, bent = 0, False
        while data := wire.sock.recv(65536):
            seen += len(data)
            if not bent and seen > 100_000:
                data, bent = bend(data), True
            wire.sock.sendall(data)

    return handler


def flip_last_bit(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("bend", [flip_last_bit, lambda data: data[:-1], lambda data: data[:1] + data,
                                  lambda data: data[64:] + data[:64]], ids=["flipped", "lost", "twice", "out of turn"])
def test_a_backend_that_spoils_a_byte_is_caught(wsluice, serve, bend):
    running = wsluice(serve(bent_echo(bend)))
    said = complaint("--mode", "both", "--size", 4000, running.url())
    offset = re.search(r"wrong content: byte (\d+) of what was received is 0x\w\w and should be 0x\w\w", said)
    assert offset and int(offset[1]) > 30_000


def test_bytes_that_come_from_nowhere_are_caught(wsluice, serve):
    def handler(wire):
        data = wire.sock.recv(65536)
        wire.sock.sendall(data * 3)
        wire.sock.recv(1)

    # The second copy is wrong, or if it comes first, more than was sent.
    said = complaint("--size", 509, "--duration", 2, wsluice(serve(handler)).url())
    assert "more comes back than was sent" in said


def test_a_spoilt_byte_on_the_way_up_is_caught_at_the_backend(tmp_path, serve):
    port = free_port()

    def relay(wire):
        with socket.create_connection(("127.0.0.1", port)) as onward:
            seen = 0
            while data := wire.sock.recv(65536):
                seen += len(data)
                onward.sendall(flip_last_bit(data) if seen > 500_000 else data)

    json_path = tmp_path / "json"
    said = complaint("--mode", "up", "--duration", 5, "--backend", f"127.0.0.1:{port}", "--json", json_path,
                     f"tcp://127.0.0.1:{serve(relay).port}")
    assert "wrong content at the backend: byte " in said
    assert json.loads(json_path.read_text())["errors"]["content"] == 1


def test_a_refusal_is_named(serve):
    def handler(wire):
        wire.sock.recv(65536)
        wire.sock.sendall(b"HTTP/1.1 403 Not for you\r\nContent-Length: 0\r\n\r\n")

    said = complaint(f"ws://127.0.0.1:{serve(handler).port}/")
    assert said == "wsluice-bench: the server refused the upgrade: 403 Not for you\n"


def test_a_server_of_something_else_is_named(serve):
    server = serve(lambda wire: wire.sock.sendall(b"RFB 003.008\n") or wire.sock.recv(65536))
    assert "the server does not speak HTTP: RFB 003.008" in complaint(f"ws://127.0.0.1:{server.port}/")


@pytest.mark.skipif(bool(os.environ.get("WSLUICE_SANITIZE")), reason="ten seconds of waiting, once is enough")
def test_a_server_that_never_answers_is_not_waited_for(serve):
    url = f"ws://127.0.0.1:{serve(lambda wire: wire.sock.recv(65536) and wire.sock.recv(1)).port}/"
    assert "0 of 2 connections are open; the answer to the upgrade takes more than 10 s" in complaint("--connections", 2, url)


def test_a_closed_port_is_named():
    port = free_port()
    said = complaint(f"ws://127.0.0.1:{port}/")
    assert said == f"wsluice-bench: cannot connect to 127.0.0.1:{port}: Connection refused\n"


def test_an_early_close_is_named_with_code_and_reason(wsluice):
    said = complaint(wsluice(f"127.0.0.1:{free_port()}").url())
    assert re.search(r'the server closed the connection with code 1011 "[^"]+"', said)


@pytest.mark.parametrize("messages", [0, 1])
def test_a_bridge_whose_target_is_dead_is_no_success_of_mode_connect(wsluice, messages):
    """Its 101 comes before the dial, and then Close 1011."""
    url = wsluice(f"127.0.0.1:{free_port()}").url()
    said = complaint("--mode", "connect", "--messages", messages, url, kind="closed")
    assert re.search(r'with code 1011 "[^"]+"', said)


def test_a_bridge_that_never_dials_is_found_out(python_echo, tmp_path):
    """One that answers everything by itself: all is well but at the backend."""
    said = complaint("--mode", "connect", "--messages", 0, "--backend", f"unix:{tmp_path}/backend",
                     f"ws://127.0.0.1:{python_echo}/", kind="unanswered")
    assert re.search(r"\d+ visits, but only 0 sessions at the backend", said)


def test_a_visit_whose_echo_never_comes_is_named():
    async def swallow(socket, *_):
        async for _ in socket:
            pass

    with python_server(swallow) as port:
        assert "no echo within" in complaint("--mode", "connect", f"ws://127.0.0.1:{port}/", kind="unanswered")


def test_an_end_without_a_close_is_named(serve):
    said = complaint(f"tcp://127.0.0.1:{serve(lambda wire: wire.sock.recv(65536)).port}")
    assert "the server ended the connection" in said or "Connection reset" in said or "broke" in said


def test_nothing_at_all_is_no_result(wsluice, echo_backend):
    said = complaint("--mode", "down", wsluice(echo_backend).url(), kind="other")
    assert "not one message" in said and "sends by itself" in said


def test_no_such_process_and_no_such_name():
    assert "no such process" in complaint("--pid", 2**31 - 1, "ws://127.0.0.1:1/")
    assert "has no address" in complaint("ws://nobody.invalid/")


def test_a_foreign_source_address_is_named():
    said = complaint("--source-address", "192.0.2.1", "ws://127.0.0.1:1/")
    assert "address is not one of this machine" in said and "see --source-address" in said


def test_wrong_usage():
    for words in ([], ["--mode", "sideways", "ws://h/"], ["http://h/"], ["-x", "ws://h/"],
                  ["--json", "-", "--histogram", "-", "ws://h/"], ["--source-address", "127.0.0.1", "ws+unix:/x"]):
        out, err = run(*words, status=2)
        assert out == "" and err.count("\n") == 1
    assert "usage: wsluice-bench" in run(status=2)[1]
    assert run("-h") == run("--help")


@pytest.mark.parametrize("option", ["--json", "--histogram"])
def test_a_path_that_cannot_be_written_is_found_before_the_run(option, tmp_path):
    """Or it would complain that nobody listens there."""
    path = tmp_path / "missing" / "file"
    assert complaint(option, path, "ws://127.0.0.1:1/") == f"wsluice-bench: cannot write {path}: No such file or directory\n"


def test_a_report_that_cannot_be_written_is_no_success(echo_backend):
    url = f"tcp://127.0.0.1:{echo_backend.port}"
    for words in ([], ["--json", "-"], ["--json", "/dev/full"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([program(), *SHORT, *words, url], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60, env=own_environment(), check=False)
        assert done.returncode == 1 and re.fullmatch(r"(wsluice-bench: cannot write .*: No space left.*\n)+", done.stderr)


def test_too_many_connections_for_this_machine():
    said = complaint("--mode", "idle", "--connections", 999_999, "ws://127.0.0.1:1/")
    assert re.search(r"999999 connections need \d+ descriptors here, and the limit is \d+", said)


# ---- honest latencies ----


def stalling_echo(after_seconds, stall_seconds):
    """An echo that does nothing for a while, once."""

    def handler(wire):
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stall_at = time.monotonic() + after_seconds
        while data := wire.sock.recv(65536):
            if stall_at and time.monotonic() > stall_at:
                time.sleep(stall_seconds)
                stall_at = None
            wire.sock.sendall(data)

    return handler


def test_a_stall_counts_for_all_that_was_due_in_it(serve):
    url = f"tcp://127.0.0.1:{serve(stalling_echo(0.4, 0.3)).port}"
    out, _ = run("--duration", 1, "--warmup", 0.1, "--rate", 1000, "--json", "-", url)
    figures = json.loads(out)
    latency = figures["latency_us"]
    # 300 of 1,000 messages were due in the stall, evenly: a third of them waited for 200 ms and more.
    assert latency["max"] >= 300_000 and latency["p99"] >= 250_000
    assert latency["p90"] >= 150_000
    assert latency["count"] == pytest.approx(1000 * figures["duration_s"], abs=2)
    assert latency["unanswered"] == 0


def test_without_a_schedule_a_stall_is_one_late_message(serve):
    url = f"tcp://127.0.0.1:{serve(stalling_echo(0.4, 0.3)).port}"
    out, _ = run("--duration", 1, "--warmup", 0.1, "--json", "-", url)
    assert json.loads(out)["latency_us"]["max"] >= 300_000


def test_a_schedule_is_kept_over_several_connections(bridge):
    running, options = bridge()
    figures = measure("--rate", 500, "--connections", 3, *options, running.url())
    assert figures["latency_us"]["count"] == pytest.approx(500 * figures["duration_s"], abs=2)
    assert 0 < figures["send_lag_us"]["p50"] <= figures["send_lag_us"]["max"] <= figures["latency_us"]["max"]
    figures = measure("--mode", "up", "--rate", 2000, "--size", 1000, *options, running.url())
    assert 0 < figures["messages_per_s"] < 4000  # unpaced it would be hundreds of thousands


FAR_TOO_MUCH = ["--rate", 1_000_000_000]


def check_missed(figures):
    schedule, latency = figures["schedule"], figures["latency_us"]
    assert schedule["asked_per_s"] == 1_000_000_000 and not schedule["reached"]
    assert 0 < schedule["reached_per_s"] == pytest.approx(figures["messages_per_s"])
    # Every message that was due counts, and half of them were due in the first half of the time.
    assert latency["count"] == pytest.approx(1e9 * figures["duration_s"], rel=0.01)
    assert latency["unanswered"] > 0.5 * latency["count"]
    assert latency["p50"] >= 0.4e6 * figures["duration_s"]


def test_a_rate_out_of_reach_is_said_to_be_and_counts_in_the_latencies(bridge):
    running, options = bridge()
    words = [*FAR_TOO_MUCH, *options, running.url()]
    check_missed(measure(*words))
    out, _ = run(*SHORT, *words)
    assert "the rate was not reached: 1000000000 a second were asked for" in out


@pytest.mark.parametrize("words", [FAR_TOO_MUCH, ["--mode", "up", *FAR_TOO_MUCH], ["--mode", "both"], ["--mode", "connect"]],
                         ids=["echo by rate", "up by rate", "both", "connect"])
def test_a_signal_ends_any_run_at_once(bridge, words):
    running, options = bridge()
    bench = subprocess.Popen([program(), "--duration", "60", "--warmup", "0", "--json", "-", *map(str, [*words, *options]),
                              running.url()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=own_environment())
    running.wait_for_log("session opened")
    time.sleep(0.4)
    bench.send_signal(signal.SIGTERM)
    out, err = bench.communicate(timeout=LIMIT_SECONDS)
    figures = json.loads(out)
    assert bench.returncode == 0 and err == ""
    assert figures["interrupted"] and figures["messages"] > 0 and set(figures["errors"].values()) == {0}


def test_a_rate_that_was_kept_is_said_to_be(echo_backend):
    figures = measure("--rate", 300, f"tcp://127.0.0.1:{echo_backend.port}")
    assert figures["schedule"]["reached"] and figures["schedule"]["asked_per_s"] == 300


# ---- the program itself ----


def test_the_table_and_the_percentiles(bridge, tmp_path):
    running, options = bridge()
    path = tmp_path / "percentiles"
    out, err = run(*SHORT, "--progress", "--duration", "1.5", "--histogram", path, *options, running.url())
    assert all(word in out for word in ("measured", "proxy CPU", "bench CPU", "latency", "p99.9", "######"))
    assert re.search(r"measuring: 1 of 1 connections, .* of 2 s", err)
    lines = path.read_text().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    rows = [line.split() for line in lines[2:] if not line.startswith("#")]
    assert float(rows[0][1]) == 0 and float(rows[-1][1]) == 1
    assert [float(row[0]) for row in rows] == sorted(float(row[0]) for row in rows)


def test_an_interrupt_ends_it_early_with_what_was_measured(bridge):
    running, options = bridge()
    bench = subprocess.Popen([program(), "--duration", "60", "--warmup", "0", "--json", "-", *map(str, options),
                              running.url()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env=own_environment())
    running.wait_for_log("session opened")
    time.sleep(0.5)
    bench.send_signal(signal.SIGINT)
    out, err = bench.communicate(timeout=LIMIT_SECONDS)
    assert bench.returncode == 0, err
    figures = json.loads(out)
    assert figures["interrupted"] and 0 < figures["duration_s"] < 30 and figures["messages"] > 0


def test_an_answer_that_never_comes_is_no_success(serve):
    """The first message is answered, the others are kept: seen when all should have come back."""

    def handler(wire):
        wire.sock.sendall(wire.sock.recv(64))
        while wire.sock.recv(65536):
            pass

    said = complaint("--rate", 100, f"tcp://127.0.0.1:{serve(handler).port}", kind="unanswered")
    assert "bytes are lost or stuck" in said


def test_selftest():
    out, _ = run("--selftest")
    assert out.splitlines()[-1] == "selftest: all is well"


def test_sessions_end_in_order(bridge):
    running, options = bridge()
    measure("--mode", "up", "--connections", 2, *options, running.url())
    wait_until(lambda: len(re.findall(r'session ended side=client cause="client closed" code=1000', running.log)) == 2,
               message=lambda: running.log)
