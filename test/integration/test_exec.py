"""--exec: each client gets a program on its standard input and output. Bytes pass unchanged, every end is told,
programs get what CGI programs get and nothing of ours, there are never too many of them, and nothing of them
stays: no process, no zombie, no descriptor.
"""
# ctest: waits cost=10

import base64
import contextlib
import hashlib
import os
import pathlib
import resource
import signal
import subprocess
import threading
import time

import pytest

from harness import BINARY, PING, TEXT, RawClient, binary, wait_until

ECHO = ("--exec", "cat")


def shell(script, *options, name="sh"):
    """Options for a shell that runs a script; arguments stand behind the port."""
    return Program(("--exec", name, *options), ("--", "-c", script))


class Program:
    """Words in front of the port, and behind it."""

    def __init__(self, before, behind=()):
        self.before, self.target_args = before, behind


@pytest.fixture
def serve_program(wsluice):
    """serve_program(Program or its words, "--option", ...) is a wsluice that runs it for each client."""

    def start(program, *options, **run):
        options = ("--exec-grace", "0.2", *options)
        if not isinstance(program, Program):
            program = Program(program)
        return wsluice(program, "--workers", "2", *program.before, *options, **run)

    return start


def children_of(pid):
    """(pid, state) of each process whose parent it is."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = entry.read_text().split(" (", 1)
        except OSError:
            continue  # it has ended meanwhile
        state, parent = rest.rpartition(")")[2].split()[:2]
        if int(parent) == pid:
            found.append((int(number), state))
    return found


def expect_no_children(bridge, limit=8):
    wait_until(lambda: not children_of(bridge.pid), limit, lambda: f"left: {children_of(bridge.pid)}\n{bridge.log}")


def descriptors_of(pid):
    return sorted(os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir())


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def expect_ended(pid, limit=8):
    wait_until(lambda: not is_running(pid), limit, f"process {pid} still runs")


def output_of(client):
    """All that a program says until wsluice closes, and the close frame, which is answered."""
    data, close = client.recv_until_close()
    with contextlib.suppress(OSError):  # it has ended its stream before
        client.send_close()
        client.finish()
    return data.decode(), close


# --- bytes ---

def test_a_megabyte_through_cat_comes_back_unchanged(serve_program, connect):
    client = connect(serve_program(ECHO))
    data = os.urandom(1 << 20)
    writer = threading.Thread(target=lambda: client.send_frame(BINARY, data))
    writer.start()
    assert client.recv_data(len(data)) == data
    writer.join()
    client.send_close()
    client.expect_close(1000)


def test_a_program_that_does_not_read_stops_its_client_and_nothing_is_lost(serve_program, connect):
    bridge = serve_program(shell("sleep 0.4; exec sha256sum"))
    client = connect(bridge)
    data = os.urandom(3 << 20)
    writer = threading.Thread(target=lambda: (client.send_frame(BINARY, data), client.finish()))
    writer.start()
    text, close = output_of(client)
    writer.join()
    assert text.split()[0] == hashlib.sha256(data).hexdigest()
    assert close.close_code == 1000


def test_a_client_that_does_not_read_stops_its_program(serve_program, connect):
    client = connect(serve_program(shell("head -c 8000000 /dev/zero; echo end")))
    time.sleep(0.5)
    data, close = client.recv_until_close()
    assert len(data) == 8000004 and data.endswith(b"end\n")
    assert close.close_code == 1000


def test_a_line_is_a_message_both_ways(serve_program, connect):
    """As websocketd has it."""
    client = connect(serve_program(shell("echo first; while read -r line; do echo \"<$line>\"; done"), "--frames", "lines"))
    client.expect_frame(TEXT, b"first")
    for word in ("one", "two words"):
        client.send_frame(TEXT, word.encode())
        client.expect_frame(TEXT, f"<{word}>".encode())


# --- ends ---

@pytest.mark.parametrize("script, code, reason", [
    ("echo bye", 1000, "Target closed"),
    ("echo bye; exit 3", 1011, "Program ended with status 3"),
    ("echo bye; kill -SEGV $$", 1011, "Program was ended by SIGSEGV"),
    ("echo bye; exec >&- 2>&-; sleep 0.3; exit 4", 1011, "Program ended with status 4"),
    ("echo bye; exec >&-; sleep 30", 1000, "Target closed"),
], ids=["status 0", "status 3", "a signal", "a status that comes late", "closed output only"])
def test_the_end_of_a_program_is_told(serve_program, connect, script, code, reason):
    bridge = serve_program(shell(script))
    client = connect(bridge)
    text, close = output_of(client)
    assert text == "bye\n"
    assert (close.close_code, close.close_reason) == (code, reason)
    expect_no_children(bridge)


def test_what_a_job_in_the_background_still_says_is_passed_on(serve_program, connect):
    client = connect(serve_program(shell("(sleep 0.3; echo later) & echo now")))
    text, close = output_of(client)
    assert text == "now\nlater\n"
    assert close.close_code == 1000


def test_a_half_closed_client_gets_the_sorted_lines(serve_program, connect):
    client = connect(serve_program(("--exec", "sort")))
    client.send_frame(TEXT, b"pear\napple\n")
    client.finish()
    text, close = output_of(client)
    assert text == "apple\npear\n"
    assert close.close_code == 1000


def test_a_client_that_closes_ends_its_programs_input(serve_program, connect, tmp_path):
    """What it has sent is all read before, and the program may finish its work."""
    bridge = serve_program(shell("cat > all; echo done > finished"), "--exec-dir", tmp_path)
    client = connect(bridge)
    client.send_frame(BINARY, b"x" * 200000)
    client.send_close(1000)
    client.expect_close(1000)
    wait_until((tmp_path / "finished").exists, message="the program was not let finish")
    assert (tmp_path / "all").stat().st_size == 200000
    expect_no_children(bridge)


# --- programs that stay ---

STUBBORN = "trap '' TERM HUP INT; sleep 100 & echo $$ $!; wait; while :; do sleep 1; done"


@pytest.mark.parametrize("leave", ["close", "reset", "vanish in the middle of a frame"])
def test_a_stubborn_program_and_its_children_are_killed(serve_program, connect, leave):
    bridge = serve_program(shell(STUBBORN), "--close-timeout", "1")
    client = connect(bridge)
    pids = [int(word) for word in client.recv_frame().payload.split()]
    if leave == "close":
        client.send_close(1000)
        client.expect_close(1000)
    elif leave == "reset":
        client.reset()
    else:
        client.send(b"\x82\xfe\x01")
        client.finish()
    for pid in pids:
        expect_ended(pid)
    expect_no_children(bridge)
    bridge.wait_for_log("killed")


class Killed:
    """A client's process, to which the only descriptor of its connection has passed: to be killed."""

    def __init__(self, client):
        self.process = subprocess.Popen(["sleep", "100"], pass_fds=[client.sock.fileno()])
        client.sock.close()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("options", [(), ("--heartbeat", "0"), ("--pty",)], ids=" ".join)
def test_a_program_does_not_outlive_a_client_that_is_killed(serve_program, connect, options):
    """Its kernel sends FIN and no Close; this program does not mind that its input has ended."""
    bridge = serve_program(shell("trap '' HUP; echo $$; exec sleep 100", *options))
    client = connect(bridge)
    pid = int(client.recv_frame().payload)
    process = Killed(client)
    time.sleep(0.2)
    assert is_running(pid)
    process.kill()
    expect_ended(pid, 5)
    expect_no_children(bridge)
    bridge.wait_for_log('session ended side=client cause="client reset the connection"')


def test_a_client_that_half_closes_and_goes_later_is_missed(serve_program, connect):
    """As it is behind a proxy that passes a half-close on."""
    bridge = serve_program(shell("echo $$; exec sleep 100", "--heartbeat", "0"))
    client = connect(bridge)
    pid = int(client.recv_frame().payload)
    client.finish()
    assert client.recv_frame().opcode == PING
    assert is_running(pid)
    client.close()
    expect_ended(pid, 5)


def test_a_client_that_half_closes_waits_as_long_as_its_program_works(serve_program, connect):
    client = connect(serve_program(shell("words=$(sort); sleep 2; echo \"$words\"", "--heartbeat", "0")))
    client.send_frame(TEXT, b"pear\napple\n")
    client.finish()
    client.expect_frame(PING, b"")
    assert output_of(client)[0] == "apple\npear\n"


def test_a_polite_program_hears_of_its_clients_end(serve_program, connect, tmp_path):
    script = "trap 'echo term > heard; exit' TERM; echo up; while :; do sleep 0.05; done"
    bridge = serve_program(shell(script), "--exec-dir", tmp_path, "--close-timeout", "60")
    client = connect(bridge)
    assert client.recv_data(3) == b"up\n"
    client.send_close()
    client.expect_close(1000)
    wait_until((tmp_path / "heard").exists, message="no SIGTERM came")
    expect_no_children(bridge)


def test_a_stop_ends_all_programs(serve_program, connect):
    bridge = serve_program(shell(STUBBORN))
    clients = [connect(bridge) for _ in range(3)]
    pids = [int(word) for client in clients for word in client.recv_frame().payload.split()]
    bridge.signal(signal.SIGTERM)
    bridge.wait_for_exit()
    for pid in pids:
        expect_ended(pid, 1)
    assert "programs=3 programs_failed=0" in bridge.log


def test_programs_end_with_a_wsluice_that_is_killed(serve_program, connect):
    bridge = serve_program(shell("echo $$; exec sleep 100"))
    pid = int(connect(bridge).recv_frame().payload)
    bridge.expected_status = -signal.SIGKILL
    bridge.signal(signal.SIGKILL)
    bridge.wait_for_exit()
    expect_ended(pid)


# --- how many ---

def test_two_hundred_clients_and_a_limit_of_fifty(serve_program):
    bridge = serve_program(ECHO, "--exec-limit", "50")
    with RawClient(bridge.port) as warm:
        warm.upgrade()
        warm.send_frame(BINARY, b"warm")
        assert warm.recv_data(4) == b"warm"
        warm.send_close()
        warm.expect_close(1000)
        warm.expect_end()
    expect_no_children(bridge)
    bridge.wait_for_log("session ended")
    before = descriptors_of(bridge.pid)
    clients = [RawClient(bridge.port) for _ in range(200)]
    for client in clients:
        client.upgrade()
        client.send_frame(BINARY, b"here")
    served, refused = 0, 0
    for client in clients:
        frame = client.recv_frame()
        if frame.opcode == BINARY:
            assert frame.payload == b"here"
            served += 1
        else:
            assert (frame.close_code, frame.close_reason) == (
                1013, "Failed to connect to target: Too many programs are running")
            refused += 1
    assert (served, refused) == (50, 150)
    assert len(children_of(bridge.pid)) == 50
    for client in clients:
        client.close()
    expect_no_children(bridge)
    wait_until(lambda: descriptors_of(bridge.pid) == before, message=lambda: f"{descriptors_of(bridge.pid)}")


def test_over_the_limit_with_dial_first_is_a_503(serve_program, connect):
    bridge = serve_program(ECHO, "--exec-limit", "1", "--dial-first")
    first = connect(bridge)
    response = connect(bridge, path=None).upgrade(expect=503)
    assert response.header("Retry-After") is not None
    first.send_close()
    first.expect_close(1000)
    first.close()
    expect_no_children(bridge)
    connect(bridge)


def test_many_short_programs_leave_nothing(serve_program):
    bridge = serve_program(shell("echo $PPID; sleep 0.01 &"))
    for _ in range(60):
        with RawClient(bridge.port) as client:
            client.upgrade()
            text, close = output_of(client)
            assert int(text) == bridge.pid and close.close_code == 1000
    expect_no_children(bridge)


# --- what can't be run ---

def test_a_program_that_is_not_there_is_an_error_at_start(wsluice, tmp_path):
    (tmp_path / "plain").write_text("no program\n")
    for words, expected in [
        (("no-such-program", "0"), "No such file in PATH"),
        (("bash -l", "0"), "its arguments stand behind --"),
        ((tmp_path / "plain", "0"), "it is not a file that may be run"),
        (("cat", "--exec-dir", "/nowhere", "0"), "there is no such directory"),
    ]:
        instance = wsluice.run("--exec", *words)
        instance.expected_status = 1
        assert instance.wait_for_exit() == 1
        assert expected in instance.log and len(instance.log.splitlines()) == 1


def test_a_program_that_can_not_be_run_later_is_told(serve_program, connect, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho fine\n")
    program.chmod(0o755)
    bridge = serve_program(("--exec", program))
    assert output_of(connect(bridge))[0] == "fine\n"
    for text, mode, reason in [
        ("#!/no/interpreter\n", 0o755, "No such file or directory (if the file is there"),
        ("echo no first line\n", 0o755, "Exec format error (a script needs a first line"),
        ("#!/bin/sh\n", 0o644, "Permission denied"),
        (None, 0, "can't be run: No such file"),
    ]:
        if text is None:
            program.unlink()
        else:
            program.write_text(text)
            program.chmod(mode)
        connect(bridge).expect_close(1011, "Failed to connect to target: The program can't be run")
        bridge.wait_for_log(r"program not started .*" + reason[:20].replace("(", r"\("))
    expect_no_children(bridge)
    program.write_text("#!/bin/sh\necho again\n")
    program.chmod(0o755)
    assert output_of(connect(bridge))[0] == "again\n"


# --- what it is given ---

def environment_of(text):
    return dict(line.split("=", 1) for line in text.splitlines())


def test_a_program_gets_what_cgi_programs_get(serve_program, connect):
    bridge = serve_program(("--exec", "env"))
    client = connect(bridge, "/app/a%20b%00/..?x=1&y=%41", {
        "Origin": "http://page.example", "User-Agent": "test; () { :; }", "Proxy": "http://evil.example",
        "Authorization": "Basic c2VjcmV0", "X_Trick": "1", "Cookie": "a=b", "Host": "name.example:80",
        "Sec-WebSocket-Protocol": "chat, binary",
    })
    local, peer = client.sock.getsockname(), client.sock.getpeername()
    got = environment_of(output_of(client)[0])
    expected = {
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": str(local[1]), "SERVER_PORT": str(peer[1]),
        "SERVER_ADDR": "127.0.0.1", "SERVER_NAME": "name.example", "REQUEST_METHOD": "GET",
        "REQUEST_URI": "/app/a%20b%00/..?x=1&y=%41", "PATH_INFO": "/app/a%20b%00/..",
        "QUERY_STRING": "x=1&y=%41", "GATEWAY_INTERFACE": "CGI/1.1", "HTTP_ORIGIN": "http://page.example",
        "HTTP_USER_AGENT": "test; () { :; }", "HTTP_COOKIE": "a=b", "HTTP_HOST": "name.example:80",
        "SUBPROTOCOL": "binary", "PATH": os.environ["PATH"],
    }
    assert {name: got.get(name) for name in expected} == expected
    assert not {"HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_X_TRICK", "HTTPS"} & got.keys()


def test_a_program_gets_nothing_of_our_environment_but_what_is_named(serve_program, connect):
    bridge = serve_program(
        ("--exec", "env", "--exec-env", "PASSED", "--exec-env", "MADE=a b", "--exec-env", "UNSET", "--exec-env", "LANG=xx",
         "--exec-env", "LANG=yy", "--exec-env", "HTTP_HOST=ours"),
        env={"SECRET": "1", "PASSED": "yes", "LD_PRELOAD": "", "WSLUICE_KEY_PASSWORD": "1", "LC_TIME": "C",
             "LISTEN_PID": "1"})
    got = environment_of(output_of(connect(bridge, "/%C3%A4"))[0])
    assert (got["PASSED"], got["MADE"], got["LC_TIME"], got["PATH_INFO"]) == ("yes", "a b", "C", "/ä")
    assert (got["LANG"], got["HTTP_HOST"]) == ("xx", "ours")
    ours = {"SECRET", "LD_PRELOAD", "WSLUICE_KEY_PASSWORD", "LISTEN_PID", "UNSET", "TERM"}
    assert not ours & got.keys()


def test_a_program_gets_the_descriptor_limit_of_wsluices_start(connect, wsluice):
    script = "ulimit -Sn; ulimit -Hn; ls /proc/self/fd | wc -l; grep -c '^Sig\\(Blk\\|Ign\\):.*0000$' /proc/self/status"
    soft, hard = 300, min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    starter = f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec 7</dev/null 9>&1; trap "" HUP PIPE; exec "$@"'
    bridge = wsluice.run("-c", starter, "-", binary(), "--exec", "sh", "127.0.0.1:0", "--", "-c", script, program="bash")
    bridge.wait_until_listening()
    text, _ = output_of(connect(bridge))
    assert text.split() == [str(soft), str(hard), "4", "2"]  # 4: ls has the folder open


def test_a_program_is_told_who_has_logged_in(serve_program, connect):
    bridge = serve_program(("--exec", "env"), "--auth-plugin", "BasicHTTPAuth", "--auth-source", "alice:sesame")
    connect(bridge, path=None).upgrade(expect=401)
    client = connect(bridge, "/", {"Authorization": "Basic " + base64.b64encode(b"alice:sesame").decode()})
    got = environment_of(output_of(client)[0])
    assert got["REMOTE_USER"] == "alice" and "HTTP_AUTHORIZATION" not in got


def test_arguments_pass_as_they_are(serve_program, connect):
    words = ("a b", "$HOME", "'", "--pty", "", "*")
    bridge = serve_program(Program(("--exec", "printf"), ("--", "<%s>", *words)))
    assert output_of(connect(bridge))[0] == "".join(f"<{word}>" for word in words)


def test_the_program_may_be_named_in_the_environment(wsluice, connect):
    bridge = wsluice(None, env={"WSLUICE_EXEC": "env", "WSLUICE_EXEC_ENV": "A=1, B=2"})
    got = environment_of(output_of(connect(bridge))[0])
    assert (got["A"], got["B"]) == ("1", "2")


# --- what it says on standard error ---

def test_standard_error_goes_to_the_log(serve_program, connect):
    script = r"printf 'one\ntwo \033[31m\nthree' >&2; head -c 2000 /dev/zero | tr '\0' x >&2; echo end"
    bridge = serve_program(shell(script))
    assert output_of(connect(bridge))[0] == "end\n"
    for line in ("one", r"two \\x1b\[31m", "threexxx"):
        bridge.wait_for_log(f'program says pid=[0-9]+ text="{line}')
    wait_until(lambda: bridge.log.count("x" * 200) >= 4, message=lambda: bridge.log)


def test_a_flood_on_standard_error_holds_nobody_up(serve_program, connect):
    bridge = serve_program(shell("yes flood >&2 & cat"), "--workers", "1")
    client, other = connect(bridge), connect(bridge)
    for _ in range(20):
        other.send_frame(BINARY, b"ping")
        assert other.recv_data(4) == b"ping"
    client.close()
    other.close()
    expect_no_children(bridge)


def test_scripts_may_write_to_dev_stdout(serve_program, connect):
    assert output_of(connect(serve_program(shell("echo there > /dev/stdout"))))[0] == "there\n"


# --- options ---

@pytest.mark.parametrize("words, expected", [
    (("--exec", "cat", "0", "localhost:1"), "no target is given with --exec"),
    (("--exec", "cat", "--unix-target", "/x", "0"), "give one of them"),
    (("--exec", "cat", "--ssl-target", "0"), "is no TLS server"),
    (("--exec", "cat", "--token-plugin", "TokenFile", "--token-source", "/x", "0"), "give one of them"),
    (("--pty", "0", "localhost:1"), "--pty needs --exec"),
    (("--exec", "cat", "--pty-size", "80x24", "0"), "--pty-size needs --pty"),
    (("--exec", "cat", "--pty", "--pty-size", "80", "0"), "such as 80x24"),
    (("--exec", "cat", "--exec-limit", "0", "0"), "too small"),
    (("--exec", "", "0"), "--exec"),
    (("--exec", "cat", "--exec-env", "=x", "0"), "NAME=VALUE"),
    (("--exec", "cat"), "no port given"),
])
def test_wrong_use_is_explained(wsluice, words, expected):
    instance = wsluice.run(*words)
    instance.expected_status = 2
    assert instance.wait_for_exit() == 2
    assert expected in instance.log and len(instance.log.splitlines()) == 1, instance.log


def test_without_origin_a_warning_is_loud(serve_program):
    bridge = serve_program(ECHO)
    bridge.wait_for_log("warn .*--exec without --origin and --auth-plugin: any web page")
    assert "warn" not in serve_program(ECHO, "--origin", "same").log


# --- as process 1 ---

def main_of(instance):
    """Process 1 of the namespace that unshare has made."""
    return wait_until(lambda: children_of(instance.pid), message=lambda: instance.log)[0][0]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root for a namespace of processes")
def test_as_process_1_it_waits_for_orphans(wsluice, connect):
    script = "for i in 1 2 3; do setsid sleep 0.2 & done; (sleep 0.1 &) ; echo up; exit 3"
    bridge = wsluice.run("--pid", "--fork", "--mount-proc", binary(), "--exec", "sh", "127.0.0.1:0", "--", "-c", script,
                         program="unshare")
    bridge.wait_until_listening()
    main = main_of(bridge)
    for _ in range(5):
        text, close = output_of(connect(bridge))
        assert text == "up\n"
        assert close.close_reason == "Program ended with status 3"  # nobody else took it
    wait_until(lambda: not children_of(main), 8, lambda: f"left: {children_of(main)}")
    os.kill(main, signal.SIGTERM)
    bridge.asked_to_stop = True
    assert bridge.wait_for_exit() == 0
