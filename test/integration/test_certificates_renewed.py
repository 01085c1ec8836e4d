# ctest: timeout=300
"""Certificates renewed while the server runs: noticed by themselves and on SIGHUP, for new connections
only; a broken new pair changes nothing but the log."""

import os
import shutil
import signal
import time

import pytest

from harness import BINARY, RawClient, tls_client_context, wait_until

SESSIONS = 50


def put(pair, folder):
    """As people renew in place: one file after the other."""
    shutil.copyfile(pair.key, folder / "key.pem")
    shutil.copyfile(pair.cert, folder / "cert.pem")


def rename_over(pair, folder):
    for source, name in ((pair.cert, "cert.pem"), (pair.key, "key.pem")):
        shutil.copyfile(source, folder / "new")
        os.rename(folder / "new", folder / name)


def serial_of(client):
    return client.sock.tls.getpeercert()["serialNumber"]


@pytest.fixture
def start(wsluice, echo_backend, authority, tmp_path):
    """A bridge with the certificate "first" in tmp_path."""

    def run(*options):
        put(authority.issue(f"first-{tmp_path.name}"), tmp_path)
        return wsluice(echo_backend, "--cert", tmp_path / "cert.pem", "--key", tmp_path / "key.pem", *options)

    return run


@pytest.fixture
def open_client(connect, authority):
    context = tls_client_context(authority.cert)
    return lambda bridge: connect(bridge, tls=context)


def trip(client, text):
    client.send_frame(BINARY, text)
    assert client.recv_data(len(text)) == text


def wait_until_served(bridge, authority, serial):
    context = tls_client_context(authority.cert)

    def served():
        with RawClient(bridge.port, tls=context) as client:
            return serial_of(client) == serial

    wait_until(served, message=lambda: f"the new certificate is not served:\n{bridge.log}")


def new_serial(pair):
    import ssl
    return ssl._ssl._test_decode_cert(str(pair.cert))["serialNumber"]


@pytest.mark.parametrize("renew", [put, rename_over])
def test_fifty_open_sessions_notice_nothing(start, open_client, authority, tmp_path, renew):
    bridge = start("--workers", "2")
    clients = [open_client(bridge) for _ in range(SESSIONS)]
    first = serial_of(clients[0])
    second = authority.issue(f"second-{tmp_path.name}")
    for i, client in enumerate(clients):
        trip(client, b"before %d" % i)
    renew(second, tmp_path)
    wait_until_served(bridge, authority, new_serial(second))
    for i, client in enumerate(clients):
        assert serial_of(client) == first
        trip(client, b"after %d" % i)
    assert serial_of(open_client(bridge)) == new_serial(second)
    bridge.wait_for_log("certificate renewed")


def test_a_link_turned_elsewhere(start, open_client, authority, tmp_path):
    bridge = start()
    third = authority.issue(f"third-{tmp_path.name}")
    for source, name in ((third.key, "key.pem"), (third.cert, "cert.pem")):
        os.unlink(tmp_path / name)
        os.symlink(source, tmp_path / name)
    wait_until_served(bridge, authority, new_serial(third))


@pytest.mark.parametrize("damage", ["garbage", "empty", "missing", "of another key"])
def test_a_broken_pair_is_refused_and_the_old_one_stays(start, open_client, authority, tmp_path, damage):
    bridge = start()
    client = open_client(bridge)
    serial = serial_of(client)
    if damage == "missing":
        os.unlink(tmp_path / "cert.pem")
    elif damage == "of another key":
        shutil.copyfile(authority.issue(f"alien-{tmp_path.name}").cert, tmp_path / "cert.pem")
    else:
        (tmp_path / "cert.pem").write_text("no certificate at all\n" if damage == "garbage" else "")
    bridge.wait_for_log("certificate not renewed, the old one stays in use: .*cert.pem")
    trip(client, b"still here")
    assert serial_of(open_client(bridge)) == serial

    good = authority.issue(f"good-{tmp_path.name}")
    put(good, tmp_path)
    wait_until_served(bridge, authority, new_serial(good))


def test_other_files_of_the_folder_are_nobodys_business(start, open_client, authority, tmp_path):
    bridge = start()
    (tmp_path / "other.pem").write_text("not ours")
    time.sleep(0.5)  # more than the program waits for rest in the folder
    second = authority.issue(f"second-{tmp_path.name}")
    rename_over(second, tmp_path)
    wait_until_served(bridge, authority, new_serial(second))
    bridge.wait_for_log("certificate renewed")
    assert bridge.log.count("certificate renewed") == 1, bridge.log


def test_sighup_reads_them_again(start, open_client, tmp_path):
    bridge = start()
    client = open_client(bridge)
    os.kill(bridge.pid, signal.SIGHUP)
    bridge.wait_for_log("certificate renewed")
    trip(client, b"a reload ends nothing")
    trip(open_client(bridge), b"and new ones come in")


def test_sighup_with_a_broken_file_says_so_and_goes_on(start, open_client, tmp_path):
    bridge = start()
    (tmp_path / "key.pem").write_text("not a key\n")
    bridge.wait_for_log("certificate not renewed.*key.pem")
    os.kill(bridge.pid, signal.SIGHUP)
    bridge.wait_for_log("certificate not renewed.*key.pem", count=2)
    trip(open_client(bridge), b"as before")


def test_a_pipe_in_the_certificates_place_blocks_nothing(start, open_client, tmp_path):
    bridge = start()
    (tmp_path / "cert.pem").unlink()
    os.mkfifo(tmp_path / "cert.pem")
    bridge.wait_for_log("certificate not renewed.*cert.pem.*not a regular file")
    os.kill(bridge.pid, signal.SIGHUP)
    bridge.wait_for_log("certificate not renewed.*not a regular file", count=2)
    trip(open_client(bridge), b"as before")  # and it stops when told, see the fixture
