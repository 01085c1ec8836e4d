"""--record and --traffic: what a recording holds, byte for byte and in order, when its disk is full or too slow,
and the marks on standard output.
"""

import ast
import errno
import os
import re
import subprocess

import pytest

from harness import BINARY, TEXT, resident_kib, wait_until

LINE = re.compile(r"'([{}])(\d+)\1(.*)',")
EVERY_BYTE = bytes(range(256)) + b"'quoted' \\back\\slashed\\ \r\n\t"


def read_recording(path):
    """(frames, complete): each frame as (to the client?, milliseconds, bytes)."""
    first, *lines = path.read_text("ascii").split("\n")
    assert first == "var VNC_frame_data = ["
    assert lines.pop() == ""
    complete = lines[-1] == "'EOF'];"
    frames = []
    for line in lines[:-1] if complete else lines:
        mark, ms, data = LINE.fullmatch(line).groups()
        frames.append((mark == "{", int(ms), ast.literal_eval(f"'{data}'").encode("latin-1")))
    return frames, complete


def joined(frames, to_client):
    return b"".join(data for way, _, data in frames if way == to_client)


@pytest.fixture
def recorded(wsluice, echo_backend, connect, tmp_path):
    """A function that starts a recording bridge; `bridge.recording(N)` waits until that file is complete."""

    def start(*options, path=tmp_path / "session"):
        bridge = wsluice(echo_backend, "--record", path, *options)

        def recording(number):
            file = path.with_name(f"{path.name}.{number}")
            wait_until(lambda: file.exists() and file.read_bytes().endswith(b"'EOF'];\n"))
            return read_recording(file)[0]

        bridge.recording = recording
        return bridge

    return start


def talk(client, *messages):
    for opcode, payload in messages:
        client.send_frame(opcode, payload)
        assert client.recv_data(len(payload)) == payload
    client.send_close()
    client.expect_close()
    client.close()


def test_a_recording_holds_every_byte_in_order(recorded, connect):
    bridge = recorded()
    talk(connect(bridge), (BINARY, EVERY_BYTE), (TEXT, "\u20ac text".encode()), (BINARY, os.urandom(300_000)))
    frames = bridge.recording(1)
    assert joined(frames, True) == joined(frames, False)
    assert joined(frames, True).startswith(EVERY_BYTE + "\u20ac text".encode())
    assert len(joined(frames, True)) == len(EVERY_BYTE) + 8 + 300_000
    times = [ms for _, ms, _ in frames]
    assert times == sorted(times) and times[-1] < 60_000
    assert [way for way, _, _ in frames][:2] == [False, True]


def test_a_file_a_session(recorded, connect, tmp_path):
    bridge = recorded()
    clients = [connect(bridge) for _ in range(3)]
    for number, client in enumerate(clients):
        talk(client, (BINARY, b"session %d" % number))
    found = {joined(bridge.recording(number), False) for number in (1, 2, 3)}
    assert found == {b"session 0", b"session 1", b"session 2"}
    assert os.stat(tmp_path / "session.1").st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["session.1", "session.2", "session.3"]


def test_a_recording_of_an_earlier_run_is_written_anew(recorded, connect, tmp_path):
    (tmp_path / "session.1").write_bytes(b"old" * 1000)
    (tmp_path / "session.1").chmod(0o644)
    bridge = recorded()
    talk(connect(bridge), (BINARY, b"new"))
    assert joined(bridge.recording(1), False) == b"new"
    assert os.stat(tmp_path / "session.1").st_mode & 0o777 == 0o600


def test_node_reads_it_as_a_page_does(recorded, connect, tmp_path):
    bridge = recorded()
    talk(connect(bridge), (BINARY, EVERY_BYTE))
    bridge.recording(1)
    script = (tmp_path / "session.1").read_text() + """
    const bytes = VNC_frame_data.filter((f) => f[0] === "}").map((f) => f.slice(f.indexOf("}", 1) + 1)).join("");
    process.stdout.write(Buffer.from(bytes, "latin1"));"""
    run = subprocess.run(["node", "-e", script], capture_output=True, check=True, timeout=20)
    assert run.stdout == EVERY_BYTE


def test_bulk_is_recorded_whole_where_it_would_be_spliced(recorded, serve, connect, wsluice, tmp_path):
    data = os.urandom(4 << 20)

    def send(connection):
        connection.send(data)
        connection.finish()

    service = serve(send)
    bridge = wsluice(service, "--record", tmp_path / "bulk", "--max-frame-size", "1M")
    client = connect(bridge)
    assert client.recv_data(len(data)) == data
    client.recv_until_close()
    client.send_close()
    client.close()
    file = tmp_path / "bulk.1"
    wait_until(lambda: file.exists() and file.read_bytes().endswith(b"'EOF'];\n"))
    assert joined(read_recording(file)[0], True) == data


# --- what goes wrong ---


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KB; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_the_recording_and_not_the_session(recorded, connect, small_disk):
    bridge = recorded(path=small_disk / "session")
    client = connect(bridge)
    for _ in range(30):
        client.send_frame(BINARY, bytes(50_000))
        assert client.recv_data(50_000) == bytes(50_000)
    bridge.wait_for_log(f"recording ended before its session .*{os.strerror(errno.ENOSPC)}")
    talk(client, (BINARY, b"still here"))
    assert joined(bridge.recording(1), False) == bytes(len(joined(bridge.recording(1), False)))
    assert bridge.log.count("recording ended") == 1


def test_a_disk_slower_than_the_stream_ends_the_recording(wsluice, serve, connect, tmp_path):
    """A FIFO that nobody reads stands for the disk; 32 MB wait for it at most."""
    data = os.urandom(1 << 20) * 40

    def send(connection):
        connection.send(data)
        connection.finish()

    os.mkfifo(tmp_path / "slow.1")
    reader = os.open(tmp_path / "slow.1", os.O_RDONLY | os.O_NONBLOCK)
    bridge = wsluice(serve(send), "--record", tmp_path / "slow")
    client = connect(bridge)
    assert client.recv_data(len(data)) == data
    wait_until(lambda: "the disk is slower than the stream" in bridge.log)
    assert resident_kib(bridge.pid) < 120_000
    client.recv_until_close()
    client.close()
    os.set_blocking(reader, True)
    while os.read(reader, 1 << 20):
        pass
    os.close(reader)


def test_a_file_that_can_not_be_made_ends_the_recording_only(recorded, connect, tmp_path):
    (tmp_path / "session.1").mkdir()
    bridge = recorded()
    talk(connect(bridge), (BINARY, b"a"))
    talk(connect(bridge), (BINARY, b"b"))
    assert joined(bridge.recording(2), False) == b"b"
    bridge.wait_for_log(os.strerror(errno.EISDIR))


def test_what_somebody_else_has_put_there_is_left_alone(recorded, connect, tmp_path):
    """Folders such as /tmp are everybody's."""
    (tmp_path / "other").write_text("precious")
    (tmp_path / "session.1").symlink_to(tmp_path / "other")
    os.mkfifo(tmp_path / "session.2")
    bridge = recorded()
    for payload in (b"a", b"b", b"c"):
        talk(connect(bridge), (BINARY, payload))
    assert joined(bridge.recording(3), False) == b"c"
    assert (tmp_path / "other").read_text() == "precious"
    bridge.wait_for_log("recording ended", count=2)
    assert bridge.log.count("recording ended") == 2


def test_no_folder_to_record_into(wsluice, tmp_path):
    instance = wsluice.run("--record", tmp_path / "missing" / "file", "127.0.0.1:0", "127.0.0.1:1")
    instance.expected_status = 1
    assert instance.wait_for_exit() == 1
    assert "can't write recordings" in instance.log


def test_recordings_are_complete_after_a_stop(recorded, connect, tmp_path):
    bridge = recorded()
    client = connect(bridge)
    client.send_frame(BINARY, b"before the stop")
    client.expect_frame(BINARY, b"before the stop")
    bridge.stop()
    frames, complete = read_recording(tmp_path / "session.1")
    assert complete and joined(frames, True) == b"before the stop"


# --- traffic ---


def test_traffic_prints_a_mark_for_each_event(wsluice, echo_backend, connect):
    bridge = wsluice(echo_backend, "--traffic")
    talk(connect(bridge), (BINARY, b"a"), (BINARY, b"b"))
    bridge.stop()
    assert bridge.output == "}>{<}>{<"


def test_both_at_once(recorded, connect):
    bridge = recorded("--traffic")
    talk(connect(bridge), (BINARY, b"a"))
    assert joined(bridge.recording(1), True) == b"a"
    bridge.stop()
    assert bridge.output == "}>{<"


def test_traffic_that_nobody_reads_holds_nobody_up(echo_backend, connect, wsluice):
    """Standard output is a full pipe."""
    bridge = wsluice(echo_backend, "--traffic")
    client = connect(bridge)
    for _ in range(300):
        client.send_frame(BINARY, b"x")
        client.expect_frame(BINARY, b"x")
    talk(client, (BINARY, b"y"))
