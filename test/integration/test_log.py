"""The log as operators keep it: in a file that is rotated under the server, as JSON, and not flooded by
strangers.
"""

import json
import os
import re
import signal

import pytest

from harness import LIMIT_SECONDS, RawClient, free_port, upgrade_request, wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) .+")
LISTENING = r'listening on [^\s"]*:(\d+)\b'
REFUSED = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"  # no files are served: 405


def text_of(*paths):
    return "".join(path.read_text() if path.exists() else "" for path in paths)


def wait_for_line(path, pattern):
    return wait_until(lambda: re.search(pattern, text_of(path)), LIMIT_SECONDS,
                      lambda: f"no {pattern!r} in {path}:\n{text_of(path)}")


@pytest.fixture
def logging(wsluice, echo_backend, tmp_path):
    """Starts wsluice with a log file in tmp_path and waits, by that file, until it listens."""

    def start(*options, log="log"):
        bridge = wsluice.run("--log-file", log, *options, "127.0.0.1:0", *echo_backend.target_args, cwd=tmp_path)
        bridge.port = int(wait_for_line(tmp_path / log, LISTENING)[1])
        return bridge

    return start


def run_session(bridge):
    with RawClient(bridge.port) as client:
        client.upgrade()
        client.send_close()
        client.expect_close()
        client.expect_end()


def refuse(bridge, count):
    for _ in range(count):
        with RawClient(bridge.port) as client:
            client.send(REFUSED)
            client.recv_to_end()


def end(bridge):
    bridge.process.terminate()
    assert bridge.wait_for_exit() == 0


# ---- the file ------------------------------------------------------------------------------------------


def test_lines_go_to_the_file_and_not_to_standard_error(logging, tmp_path):
    bridge = logging()
    run_session(bridge)
    end(bridge)
    assert bridge.log == ""
    lines = text_of(tmp_path / "log").splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert sum("session opened" in line for line in lines) == 1
    assert "stopped connections=1" in lines[-1]
    assert (tmp_path / "log").stat().st_mode & 0o137 == 0  # 0640 at most, whatever the umask


def test_a_file_that_exists_is_appended_to(logging, tmp_path):
    (tmp_path / "log").write_text("of yesterday\n")
    end(logging())
    assert text_of(tmp_path / "log").startswith("of yesterday\n2")


def test_lines_that_are_in_the_way_of_a_new_name_stay_whole(logging, tmp_path):
    """logrotate's way: rename, then a signal. No line is lost, none is mixed, wherever the signal falls."""
    bridge = logging()
    files = [tmp_path / f"log.{i}" for i in range(12)]
    for i, rotated in enumerate(files):
        run_session(bridge)
        os.rename(tmp_path / "log", rotated)
        bridge.signal(signal.SIGHUP if i % 2 else signal.SIGUSR1)
        run_session(bridge)
        wait_for_line(tmp_path / "log", "log file reopened")
    end(bridge)
    for path in [*files, tmp_path / "log"]:
        text = text_of(path)
        assert text.endswith("\n")
        assert all(LINE.fullmatch(line) for line in text.splitlines()), text
    whole = text_of(*files, tmp_path / "log")
    for event in ("session opened", "session ended"):
        ids = re.findall(rf"\[([0-9a-f]+)\] {event}", whole)
        assert len(ids) == len(set(ids)) == 2 * len(files), event


def test_a_file_that_cannot_be_opened_anew_stays_in_use(logging, tmp_path):
    bridge = logging()
    os.rename(tmp_path / "log", tmp_path / "old")
    (tmp_path / "log").mkdir()
    bridge.signal(signal.SIGUSR1)
    wait_for_line(tmp_path / "old", "error log file not reopened, the old one stays in use .*directory")
    run_session(bridge)
    wait_for_line(tmp_path / "old", "session ended")
    (tmp_path / "log").rmdir()
    bridge.signal(signal.SIGUSR1)
    wait_for_line(tmp_path / "log", "log file reopened")


def test_without_a_file_the_signal_is_answered_with_a_line(wsluice, echo_backend):
    bridge = wsluice(echo_backend)
    bridge.signal(signal.SIGUSR1)
    bridge.wait_for_log("no --log-file to reopen")


@pytest.mark.parametrize("path", ["missing/log", ".", "pipe"])
def test_a_file_that_cannot_be_opened_is_said_at_start(wsluice, tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    bridge = wsluice.run("--log-file", path, "127.0.0.1:0", "127.0.0.1:9", cwd=tmp_path)
    bridge.expected_status = 1
    assert bridge.wait_for_exit() == 1
    assert len(bridge.log.splitlines()) == 1
    assert f'can\'t open the log file "{path}": ' in bridge.log


# ---- JSON ----------------------------------------------------------------------------------------------


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def test_json_has_the_fields_of_the_text(wsluice, echo_backend):
    bridge = wsluice(echo_backend, "--log-format", "json", "--log-level", "debug")
    run_session(bridge)
    end(bridge)
    lines = records(bridge.log)
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] in ("error", "warn", "info", "debug")
        assert line["event"]
    opened, = (line for line in lines if line["event"] == "session opened")
    ended, = (line for line in lines if line["event"] == "session ended")
    assert opened["id"] == ended["id"] and re.fullmatch("[0-9a-f]+", opened["id"])
    assert opened["client"].startswith("127.0.0.1:")
    assert opened["path"] == "/"
    assert (ended["side"], ended["code"], ended["up"], ended["down"]) == ("client", 1000, 0, 0)
    assert isinstance(ended["duration"], float)
    assert lines[-1]["connections"] == 1


HOSTILE = [
    ("quotes", 'x" side="forged', 'x" side="forged'),
    ("backslashes", "a\\x41\\", "a\\x41\\"),
    ("an escape", "\x1b[31m", "\x1b[31m"),
    ("UTF-8", "\u00fc\u20ac\U0001f600".encode().decode("latin-1"), "\u00fc\u20ac\U0001f600"),
    ("a byte that is no UTF-8", "a\u00ffb", "a\\xffb"),
]


@pytest.mark.parametrize("name, sent, shown", HOSTILE, ids=[row[0] for row in HOSTILE])
def test_json_stays_json_whatever_clients_send(wsluice, echo_backend, name, sent, shown):
    bridge = wsluice(echo_backend, "--log-format", "json", "--origin", "https://good.example")
    with RawClient(bridge.port) as client:
        client.send(upgrade_request(headers={"Origin": sent}))
        client.recv_to_end()
    end(bridge)
    refused, = (line for line in records(bridge.log) if line["event"] == "request refused")
    assert "side" not in refused
    if refused["status"] == 403:  # else the head itself was refused
        assert refused["origin"] == shown


def test_json_goes_on_in_a_rotated_file(logging, tmp_path):
    bridge = logging("--log-format", "json")
    os.rename(tmp_path / "log", tmp_path / "old")
    bridge.signal(signal.SIGUSR1)
    wait_for_line(tmp_path / "log", "log file reopened")
    end(bridge)
    assert records(text_of(tmp_path / "old")) and records(text_of(tmp_path / "log"))


# ---- repeated lines ------------------------------------------------------------------------------------


def test_strangers_do_not_hide_a_fault(wsluice, connect):
    """Refusals by the hundred are held back; that nobody can be served any more is still said."""
    bridge = wsluice(f"127.0.0.1:{free_port()}", "--dial-first")
    refuse(bridge, 150)
    connect(bridge, path=None).upgrade(expect=502)
    bridge.wait_for_log("request refused status=502")


def test_refusals_of_strangers_are_summed_up(wsluice, echo_backend):
    bridge = wsluice(echo_backend)
    refuse(bridge, 400)
    end(bridge)
    shown = len(re.findall(r"\] request refused status=405", bridge.log))
    held = sum(map(int, re.findall(r'repeated lines held back count=(\d+) seconds=\d+ event="request refused"',
                                   bridge.log)))
    assert shown + held == 400
    assert shown >= 100
    assert held > 0, "400 refusals took longer than five minutes?"
    assert "refused=400" in bridge.log


def test_sessions_are_all_logged(wsluice, echo_backend):
    bridge = wsluice(echo_backend)
    for _ in range(150):
        run_session(bridge)
    end(bridge)
    assert bridge.log.count("session opened") == bridge.log.count("session ended") == 150
