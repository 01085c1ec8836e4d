"""--exec --pty: each client gets a program on a terminal of its own, as xterm.js's attach addon speaks to it: raw
bytes both ways. The terminal is a real one (size, controlling terminal, job control, ^C), and its line hangs up
when the client goes.
"""

import os
import pathlib
import re
import threading
import time

import pytest

from harness import BINARY, TEXT, wait_until

PROMPT = "ready> "


class Program:
    """Words in front of the port, and behind it."""

    def __init__(self, before, behind=()):
        self.before, self.target_args = before, behind


class Terminal:
    """What a person does at a terminal: types, and waits for what is to be seen."""

    def __init__(self, client):
        self.client, self.screen = client, ""

    def type(self, text, opcode=BINARY):
        self.client.send_frame(opcode, text.encode())

    def wait_for(self, pattern):
        """Returns the match; what stands before it is forgotten."""
        while not (match := re.search(pattern, self.screen, re.S)):
            frame = self.client.recv_frame()
            assert frame.opcode == BINARY, f"got {frame} instead of {pattern!r}; screen: {self.screen!r}"
            self.screen += frame.payload.decode()
        self.screen = self.screen[match.end():]
        return match

    def ask(self, command):
        """A command's output, at a prompt."""
        self.type(f"{command}; echo 'en''d'\n")
        return self.wait_for(r"\r\n(.*?)end\r\n.*?" + PROMPT)[1].replace("\r\n", "\n")


@pytest.fixture
def serve_terminal(wsluice):
    def start(*words, behind=(), **run):
        return wsluice(Program((), behind), "--workers", "1", "--pty", "--exec", *words, **run)

    return start


@pytest.fixture
def shell(serve_terminal, connect):
    """shell("--option", path="/") is a bash on a terminal, at its prompt; (bridge, Terminal)."""

    def start(*options, path="/"):
        bridge = serve_terminal("bash", *options, "--exec-env", f"PS1={PROMPT}", behind=("--", "--norc", "--noediting"))
        terminal = Terminal(connect(bridge, path))
        terminal.wait_for(PROMPT)
        return bridge, terminal

    return start


def state_of(pid):
    """None once it has ended; a zombie is whoever's child it was."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return None if state == "Z" else state


def expect_ended(*pids, limit=8):
    wait_until(lambda: not any(state_of(pid) for pid in pids), limit, lambda: str([state_of(pid) for pid in pids]))


# --- what the terminal is ---

def test_it_is_a_controlling_terminal_of_a_session_of_its_own(shell):
    _, terminal = shell()
    assert terminal.ask("tty").startswith("/dev/pts/")
    assert terminal.ask("echo here > /dev/tty") == "here\n"
    assert terminal.ask("ps -o sid= -p $$ | tr -d ' '") == terminal.ask("echo $$")
    assert terminal.ask("echo $TERM") == "xterm-256color\n"
    assert terminal.ask("stty -a | grep -o iutf8") == "iutf8\n"


@pytest.mark.parametrize("options, path, size", [
    ((), "/", "24 80"),
    (("--pty-size", "132x43"), "/", "43 132"),
    (("--pty-size", "132x43"), "/?cols=100&rows=30", "30 100"),
    ((), "/?cols=0&rows=99999", "24 80"),
    ((), "/?cols=-1&rows=x&token=y", "24 80"),
], ids=["default", "option", "URL", "out of range", "nonsense"])
def test_its_size(shell, options, path, size):
    _, terminal = shell(*options, path=path)
    assert terminal.ask("stty size") == size + "\n"


def test_what_is_typed_is_echoed_and_lines_end_in_cr_lf(shell):
    _, terminal = shell()
    terminal.type("echo ok")
    terminal.wait_for("^echo ok$")
    terminal.type("\x7f\x7fno\r", TEXT)
    terminal.wait_for("\r\nno\r\n" + PROMPT)


def test_control_c_reaches_the_program(shell):
    _, terminal = shell()
    terminal.type("sleep 1000\n")
    terminal.wait_for("sleep 1000\r\n")
    time.sleep(0.2)
    terminal.type("\x03")
    terminal.wait_for(r"\^C\r\n" + PROMPT)
    assert terminal.ask("echo status $?") == "status 130\n"


def test_job_control(shell):
    _, terminal = shell()
    terminal.type("cat\n")
    terminal.wait_for("cat\r\n")
    terminal.type("line\n")
    terminal.wait_for("line\r\nline\r\n")
    terminal.type("\x1a")
    terminal.wait_for("Stopped.*" + PROMPT)
    assert "Stopped" in terminal.ask("jobs")
    terminal.type("fg\n")
    terminal.wait_for("fg\r\ncat\r\n")
    terminal.type("\x04")
    terminal.wait_for(PROMPT)


def test_a_megabyte_passes_through_a_raw_terminal(serve_terminal, connect):
    client = connect(serve_terminal("sh", behind=("--", "-c", "stty raw -echo; echo go; exec cat")))
    assert client.recv_data(3) == b"go\n"
    data = os.urandom(1 << 20)
    writer = threading.Thread(target=lambda: client.send_frame(BINARY, data))
    writer.start()
    assert client.recv_data(len(data)) == data
    writer.join()


# --- ends ---

@pytest.mark.parametrize("command, code, reason", [
    ("exit", 1000, "Target closed"),
    ("exit 5", 1011, "Program ended with status 5"),
    ("kill -9 $$", 1011, "Program was ended by SIGKILL"),
])
def test_a_shell_that_ends(shell, command, code, reason):
    _, terminal = shell()
    terminal.type(f"echo last words; {command}\n")
    data, close = terminal.client.recv_until_close()
    assert b"\r\nlast words\r\n" in data
    assert (close.close_code, close.close_reason) == (code, reason)


def test_all_that_was_written_arrives_before_the_end(serve_terminal, connect):
    client = connect(serve_terminal("seq", behind=("--", "100000")))
    time.sleep(0.3)  # the program waits for its reader
    data, close = client.recv_until_close()
    assert data.decode().split() == [str(number) for number in range(1, 100001)]
    assert close.close_code == 1000


def test_a_job_that_keeps_the_terminal_open_does_not_keep_the_session(shell):
    _, terminal = shell("--exec-grace", "0.2")
    terminal.type("(trap '' HUP; sleep 100) & sleep 0.2; exit\n")
    _, close = terminal.client.recv_until_close()
    assert close.close_code == 1000


@pytest.mark.parametrize("leave", ["close", "reset", "end"])
def test_the_line_hangs_up_when_the_client_goes(shell, tmp_path, leave):
    _, terminal = shell("--exec-dir", tmp_path, "--exec-grace", "0.5")
    shell_pid = int(terminal.ask("echo $$"))
    terminal.type("sh -c 'trap \"echo hup > heard; exit\" HUP; echo $$ up; while :; do sleep 0.1; done'\n")
    pid = int(terminal.wait_for(r"(\d+) up")[1])
    if leave == "close":
        terminal.client.send_close(1000)
        terminal.client.recv_until_close()
    elif leave == "reset":
        terminal.client.reset()
    else:
        terminal.client.finish()
        terminal.client.recv_until_close()
    wait_until((tmp_path / "heard").exists, message="no SIGHUP came")
    expect_ended(shell_pid, pid)


def test_who_ignores_the_hangup_is_killed(shell):
    bridge, terminal = shell("--exec-grace", "0.2")
    shell_pid = int(terminal.ask("trap '' HUP; echo $$"))
    terminal.type("sh -c 'trap \"\" HUP TERM; echo $$ up; while :; do sleep 0.1; done'\n")
    pid = int(terminal.wait_for(r"(\d+) up")[1])
    terminal.client.send_close(1000)
    terminal.client.recv_until_close()
    expect_ended(shell_pid, pid)
    bridge.wait_for_log("killed")


def test_nothing_stays_of_a_hundred_terminals(serve_terminal, connect, wsluice):
    bridge = serve_terminal("sh", behind=("--", "-c", "echo up; read line"))

    def use(count):
        clients = [connect(bridge) for _ in range(count)]
        for client in clients:
            assert client.recv_data(4) == b"up\r\n"
        for client in clients:
            client.send_close()
            client.recv_until_close()
            client.close()
        wait_until(lambda: bridge.log.count("session ended") == bridge.log.count("session opened"))

    use(1)
    before = len(os.listdir(f"/proc/{bridge.pid}/fd"))
    use(100)
    wait_until(lambda: not pathlib.Path(f"/proc/{bridge.pid}/task/{bridge.pid}/children").read_text(), 5)
    wait_until(lambda: len(os.listdir(f"/proc/{bridge.pid}/fd")) <= before)
