"""A program as the target (-- PROGRAM ARGS): its port moved by the preloaded library, told to it, or named; what it
finds itself in; and its end, theirs and ours.
"""
# ctest: world timeout=300

import glob
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess

import pytest

from harness import BINARY, LIMIT_SECONDS, RawClient, binary, free_port, wait_until

PYTHON = "/usr/bin/python3"
GO = glob.glob("/usr/lib/go-*/bin/go")  # a dynamic program, as it happens
REDIS = ["redis-server", "--save", "", "--port"]
LIBRARY = pathlib.Path(binary()).resolve().parent / "libwsluice-wrap.so"

STATIC_SERVER = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&here, sizeof here) != 0) return perror("bind"), 9;
  listen(listener, 5);
  for (;;) {
    int client = accept(listener, NULL, NULL);
    write(client, "static\n", 7);
    close(client);
  }
}
"""

# Binds one socket as the arguments say (family, type, address, port, IPV6_V6ONLY) and says where it is.
BIND_ONE = """
import socket, sys
family, kind, address, port, alone = sys.argv[1:]
s = socket.socket(getattr(socket, family), getattr(socket, kind))
if alone != "-":
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(alone))
s.bind((address, int(port)))
print(*s.getsockname()[:2])
"""


@pytest.fixture
def wrap(wsluice):
    """wrap(program, *options) runs wsluice on a free port before the program's words, in which @PORT stands for that
    port; `target` is a target that is named too."""

    def start(program, *options, target=None, **process):
        port = free_port() if any("@PORT" in str(word) for word in program) else 0
        words = [str(word).replace("@PORT", str(port)) for word in program]
        named = [target] if target else []
        bridge = wsluice.run(*options, f"127.0.0.1:{port}", *named, "--", *words, **process)
        bridge.port = port
        return bridge

    return start


@pytest.fixture(scope="module")
def static_server(tmp_path_factory):
    """A server that is static, Go, set-user-ID; its last argument is its port."""
    folder = tmp_path_factory.mktemp("static")
    (folder / "server.c").write_text(STATIC_SERVER)
    made = subprocess.run(["cc", "-static", "-w", "-o", folder / "server", folder / "server.c"], capture_output=True)
    if made.returncode != 0:
        pytest.skip("nothing can be static, Go, set-user-ID here")
    return folder / "server"


def await_port(bridge):
    return bridge.wait_until_listening()


def ask(bridge, question, answer):
    """One session in which the target answers so."""
    await_port(bridge)
    with RawClient(bridge.port) as client:
        client.upgrade()
        if question:
            client.send_frame(BINARY, question)
        got = client.recv_data(len(answer))
        assert got == answer


def ping_redis(bridge):
    ask(bridge, b"PING\r\n", b"+PONG\r\n")


def program_pid(bridge, count=1):
    return int(bridge.wait_for_log(r"program started .*pid=(\d+)", count=count)[1])


def lives(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def expect_exit(bridge, status, *words):
    bridge.expected_status = status
    assert bridge.wait_for_exit() == status, bridge.log
    for word in words:
        assert word in bridge.log


# --- the port that it listens on, moved ------------------------------------------------------------------------


@pytest.mark.parametrize("bind", [["127.0.0.1"], ["*"], ["*", "-::*"], ["-::*"]])
def test_redis_believes_to_listen_on_our_port(wrap, bind):
    bridge = wrap([*REDIS, "@PORT", "--protected-mode", "no", "--bind", *bind])
    for _ in range(3):
        ping_redis(bridge)
    target = int(re.search(r"target=127.0.0.1:(\d+)", bridge.log)[1])
    with pytest.raises(OSError):  # loopback only, whatever it asked for
        socket.create_connection((own_address(), target), 1).close()


def own_address():
    """An address of this machine that is not loopback; one of nobody's where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "192.0.2.1"
        return probe.getsockname()[0]


def test_http_server(wrap, tmp_path):
    (tmp_path / "page").write_text("a page")
    bridge = wrap([PYTHON, "-m", "http.server", "--directory", tmp_path, "@PORT"])
    await_port(bridge)
    with RawClient(bridge.port) as client:
        client.upgrade()
        client.send_frame(BINARY, b"GET /page HTTP/1.0\r\n\r\n")
        answer, close = client.recv_until_close()
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n") and answer.endswith(b"a page")


@pytest.mark.skipif(shutil.which("Xtigervnc") is None, reason="no VNC server here")
def test_vnc_server(wrap, tmp_path):
    bridge = wrap(["Xtigervnc", "-displayfd", "1", "-rfbport", "@PORT", "-SecurityTypes", "None"])
    ask(bridge, b"", b"RFB 003.008\n")


def test_who_comes_before_it_listens_waits(wrap):
    bridge = wrap(["sh", "-c", 'sleep 0.7; exec "$@"', "sh", *REDIS, "@PORT"])
    ping_redis(bridge)


def test_who_waits_too_long_is_told(wrap):
    bridge = await_port(wrap(["sleep", "60"], "--dial-timeout", "300ms"))
    with RawClient(bridge.port) as client:
        client.upgrade()
        client.expect_close(1011, "Failed to connect to target: Connection refused")
    bridge.wait_for_log("is not listening yet: it was expected on port")


def test_a_child_of_a_script_is_moved_too(wrap, tmp_path):
    script = tmp_path / "start"
    script.write_text('#!/bin/sh\n"$@" &\nwait\n')
    script.chmod(0o755)
    ping_redis(wrap([script, *REDIS, "@PORT"]))


def test_a_preloaded_library_of_the_users_is_kept(wrap):
    late = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"  # wsluice has it, too
    bridge = wrap([PYTHON, "-c", "import os; print(os.environ['LD_PRELOAD'])"],
                  env={"LD_PRELOAD": "libm.so.6", "ASAN_OPTIONS": late})
    expect_exit(bridge, 0)
    ours, _, theirs = bridge.output.strip().partition(":")
    assert pathlib.Path(ours).name in (LIBRARY.name, "lib.so") and theirs == "libm.so.6"


@pytest.mark.parametrize("args,where", [
    (["AF_INET", "SOCK_STREAM", "0.0.0.0", "OLD", "-"], "127.0.0.1 NEW"),
    (["AF_INET", "SOCK_STREAM", "127.0.0.2", "OLD", "-"], "127.0.0.1 NEW"),
    (["AF_INET6", "SOCK_STREAM", "::", "OLD", "0"], "::ffff:127.0.0.1 NEW"),
    (["AF_INET6", "SOCK_STREAM", "::", "OLD", "1"], "::1 NEW"),
    (["AF_INET6", "SOCK_STREAM", "::1", "OLD", "1"], "::1 NEW"),
    (["AF_INET", "SOCK_STREAM", "127.0.0.2", "OTHER", "-"], "127.0.0.2 OTHER"),
    (["AF_INET", "SOCK_DGRAM", "127.0.0.2", "OLD", "-"], "127.0.0.2 OLD"),
])
def test_what_the_library_moves(tmp_path, args, where):
    ports = {name: str(free_port()) for name in ("OLD", "NEW", "OTHER")}
    library = tmp_path / LIBRARY.name
    library.symlink_to(LIBRARY)  # which may lie where LD_PRELOAD would take the path apart
    environment = {"LD_PRELOAD": str(library), "REBIND_OLD_PORT": ports["OLD"], "REBIND_NEW_PORT": ports["NEW"]}
    words = [ports.get(word, word) for word in args]
    said = subprocess.run([PYTHON, "-c", BIND_ONE, *words], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == [ports.get(word, word) for word in where.split()]


# --- programs that take no library -------------------------------------------------------------------------------


def test_a_static_program_is_known_and_told_its_port_instead(wrap, static_server):
    expect_exit(wrap([static_server, "@PORT"]), 1, "it is statically linked", "{port}", "--wrap-env")
    ask(wrap([static_server, "{port}"]), b"", b"static\n")


def test_a_script_for_a_static_interpreter_is_known(wrap, static_server, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"#!{static_server}\n")
    script.chmod(0o755)
    expect_exit(wrap([script, "@PORT"]), 1, f"its interpreter {static_server} is statically linked")


def test_a_static_program_behind_a_shell_is_noticed_later(wrap, static_server):
    bridge = wrap(["sh", "-c", f"exec {static_server} @PORT"])
    expect_exit(bridge, 9, "has ended before it listened", "static, Go, set-user-ID", "Address already in use")


@pytest.mark.skipif(not GO, reason="Go is not here")
def test_what_go_makes_is_known(wrap):
    expect_exit(wrap([GO[0], "version"]), 1, "is a Go program", "{port}")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a file of somebody else's")
def test_a_set_user_id_program_is_known(wrap, tmp_path):
    program = tmp_path / "program"
    shutil.copy(shutil.which("sleep"), program)
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    expect_exit(wrap([program, "1"]), 1, "set-user-id")


# --- without the library ----------------------------------------------------------------------------------------


def test_a_port_in_its_arguments(wrap):
    bridge = wrap(["socat", "TCP-LISTEN:{port},bind=127.0.0.1,fork", "SYSTEM:echo $LD_PRELOAD."])
    ask(bridge, b"", b".\n")


def test_a_port_in_a_variable(wrap):
    bridge = wrap(["sh", "-c", 'exec "$@" $PORT', "sh", *REDIS], "--wrap-env", "PORT")
    ping_redis(bridge)


def test_a_unix_socket_in_its_arguments(wrap):
    bridge = wrap([*REDIS, "0", "--unixsocket", "{socket}"])
    ping_redis(bridge)
    path = pathlib.Path(re.search(r"target=unix:(\S+)", bridge.log)[1])
    assert path.exists() and path.parent.stat().st_mode & 0o777 == 0o700
    bridge.stop()
    assert not path.parent.exists()


def test_beside_a_target_it_is_run_as_it_stands(wrap, tmp_path):
    port = free_port()
    bridge = wrap(["sh", "-c", 'echo "$LD_PRELOAD $1"; shift; exec "$@"', "sh", "{port}", *REDIS, port],
                  "--wrap-env", "PORT", target=f"127.0.0.1:{port}")
    ping_redis(bridge)
    assert "--wrap-env has no effect" in bridge.log
    assert bridge.output.splitlines()[0] == " {port}"
    path = tmp_path / "s"
    ping_redis(wrap([*REDIS, "0", "--unixsocket", path], "--unix-target", path))


# --- what it finds itself in ------------------------------------------------------------------------------------


def test_it_has_what_we_were_started_with(wrap, tmp_path):
    say = "ulimit -Sn; ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status; pwd; readlink /proc/$$/fd/0"
    os.set_inheritable(kept := os.open("/dev/null", os.O_RDONLY), True)
    bridge = wrap(["sh", "-c", say], cwd=tmp_path, descriptors=[kept])
    expect_exit(bridge, 0)
    os.close(kept)
    limit, descriptors, blocked, ignored, folder, standard_input = bridge.output.split("\n")[:6]
    assert limit == str(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    assert int(descriptors) == 4  # the streams, and the folder that ls reads
    assert re.search(r"0{16}$", blocked)
    assert not int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1))
    assert (folder, standard_input) == (str(tmp_path), "/dev/null")


def test_in_the_background_it_holds_no_stream(wrap, tmp_path):
    pid_file = tmp_path / "pid"
    parent = wrap([*REDIS, "@PORT"], "-D", "--pid-file", pid_file, "--log-file", tmp_path / "log")
    assert parent.wait_for_exit(LIMIT_SECONDS) == 0  # its streams have ended, too
    with RawClient(parent.port) as client:
        client.upgrade()
        client.send_frame(BINARY, b"PING\r\n")
        assert client.recv_data(7) == b"+PONG\r\n"
    started = wait_until(lambda: re.search(r"program started .*pid=(\d+)", (tmp_path / "log").read_text()))
    pid = int(started[1])
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    wait_until(lambda: not lives(pid))


@pytest.mark.parametrize("words,says", [
    (["no-such-program"], "can't run no-such-program: No such file or directory"),
    (["/etc/passwd"], "can't run /etc/passwd: Permission denied"),
    (["/"], "can't run /: Permission denied"),
])
def test_a_program_that_is_not_there(wrap, words, says):
    bridge = wrap(words)
    expect_exit(bridge, 1, says)
    assert len(bridge.log.splitlines()) == 1


def test_there_is_no_port_to_be_moved_off(wsluice, tmp_path):
    """Noticed before anything listens."""
    bridge = wsluice.run("--unix-listen", tmp_path / "socket", "--", "sleep", "60")
    expect_exit(bridge, 1, "wsluice listens on no port")
    assert len(bridge.log.splitlines()) == 1 and not (tmp_path / "socket").exists()


def test_a_library_that_is_not_there(wrap):
    expect_exit(wrap(["sleep", "1"], "--wrap-library", "/no/such"), 1, "/no/such was not found", "{port}")


@pytest.mark.parametrize("name", ["a blank", "a:colon", "$LIB"])
def test_a_library_whose_path_the_loader_would_not_take(wrap, tmp_path, name):
    library = tmp_path / name / LIBRARY.name
    library.parent.mkdir()
    shutil.copy(LIBRARY, library)
    bridge = wrap(["sh", "-c", 'echo $LD_PRELOAD; exec "$@"', "sh", *REDIS, "@PORT"], "--wrap-library", library)
    ping_redis(bridge)
    link = pathlib.Path(wait_until(lambda: bridge.output).splitlines()[0])
    assert link.resolve() == library and link.parent.stat().st_mode & 0o777 == 0o711
    bridge.stop()
    assert not link.parent.exists()


# --- its end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script,status", [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 128 + 9)])
def test_we_exit_with_its_status(wrap, script, status):
    expect_exit(wrap(["sh", "-c", script], "--wrap-mode=exit"), status)


def test_its_last_words_arrive(wrap):
    bridge = wrap([PYTHON, "-c", "import socket\ns = socket.create_server(('', @PORT)); c = s.accept()[0]\n"
                   "c.sendall(b'x' * 3000000)"])
    await_port(bridge)
    with RawClient(bridge.port) as client:
        client.upgrade()
        data, close = client.recv_until_close()
    assert (len(data), close.close_code) == (3000000, 1000)
    expect_exit(bridge, 0)


def test_it_may_be_ignored(wrap):
    bridge = wrap(["sh", "-c", '"$@" & exit 3', "sh", "setsid", *REDIS, "@PORT"], "--wrap-mode", "ignore")
    bridge.wait_for_log("going on without the program")
    ping_redis(bridge)
    with RawClient(bridge.port) as client:
        client.upgrade()
        client.send_frame(BINARY, b"SHUTDOWN NOSAVE\r\n")
        client.expect_close()


def test_it_is_started_again(wrap):
    bridge = wrap(["socat", "TCP-LISTEN:@PORT,bind=127.0.0.1", "SYSTEM:echo served"], "--wrap-mode", "respawn")
    for _ in range(3):
        ask(bridge, b"", b"served\n")
    program_pid(bridge, count=4)


def test_it_is_not_started_again_for_ever(wrap):
    bridge = wrap(["sh", "-c", "exit 3"], "--wrap-mode", "respawn")
    expect_exit(bridge, 3, "4 times within 10 s")
    assert bridge.log.count("program started") == 4
    assert bridge.log.count("before it listened") == 1


# --- and ours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_us_ends_it_and_its_children(wrap, signum):
    bridge = wrap(["sh", "-c", "sleep 60 & echo $!; wait"])
    pid = program_pid(bridge)
    child = int(wait_until(lambda: bridge.output.strip()))
    bridge.signal(signum)
    bridge.asked_to_stop = True
    expect_exit(bridge, 0)
    assert not lives(pid) and not lives(child)


def test_clients_are_told_before_it_ends(wrap):
    bridge = wrap([*REDIS, "@PORT"])
    await_port(bridge)
    with RawClient(bridge.port) as client:
        client.upgrade()
        client.send_frame(BINARY, b"PING\r\n")
        client.recv_data(7)
        bridge.ask_to_stop()
        client.expect_close(1001)
    expect_exit(bridge, 0)


def test_a_stubborn_one_is_killed(wrap):
    bridge = wrap(["sh", "-c", "trap '' TERM INT; echo ready; sleep 60 & wait; sleep 60"])
    pid = program_pid(bridge)
    wait_until(lambda: bridge.output)
    bridge.ask_to_stop()
    bridge.wait_for_log("stopped connections")
    bridge.signal(signal.SIGTERM)  # a second one: at once
    expect_exit(bridge, 0, 'signal="Killed"')
    assert not lives(pid)


def test_it_does_not_outlive_us(wrap):
    bridge = wrap(["sleep", "60"])
    pid = program_pid(bridge)
    bridge.signal(signal.SIGKILL)
    bridge.expected_status = -signal.SIGKILL
    bridge.wait_for_exit()
    wait_until(lambda: not lives(pid))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a process namespace")
def test_as_process_1(wsluice):
    """As in a container; jobs that its program has left behind become ours."""
    port = free_port()
    script = f"(sleep 0.2 & ) ; sleep 0.1; redis-server --save '' --port {port} & sleep 1; ps -e -o stat= | grep -c Z; kill $!"
    bridge = wsluice.run("--pid", "--fork", "--mount-proc", "--kill-child", binary(), f"127.0.0.1:{port}", "--",
                         "sh", "-c", script, program="/usr/bin/unshare")
    bridge.port = port
    ping_redis(bridge)
    bridge.expected_status = None
    bridge.wait_for_exit()
    assert "\n0\n" in bridge.output, bridge.output
