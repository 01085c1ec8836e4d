"""The states in which a connection can stand still, each set up in a wsluice of its own: peers that don't
read, half-closed ones, ends that are awaited, dials without an answer, buffers and descriptors that have
run out. test_idle_cpu.py looks whether anything goes round in circles there.

A state is a function of a Scene (scene.py) that leaves it standing and gives the wsluice.
"""

import os
import resource

from harness import (
    BINARY,
    PING,
    DeafBackend,
    RawClient,
    TlsSocket,
    Wire,
    encode_frame,
    tls_server_context,
    upgrade_request,
    wait_until,
)
from scene import LONG_FRAME, PIECE

PINGS = encode_frame(PING, b"are you there") * 1000

# (name, over TLS) -> the function; those of LATE stand still for 2 s only, and are set up last.
STATES = {}
LATE = set()


def state(plain=True, tls=True, late=False):
    def register(build):
        name = build.__name__.replace("_", " ")
        for over_tls in [False] * plain + [True] * tls:
            STATES[name, over_tls] = build
        if late:
            LATE.add(name)
        return build
    return register


# ---- everybody lives ----


@state()
def session_idle(scene):
    return scene.session()[0]


@state()
def connection_without_a_word(scene):
    bridge = scene.start()
    scene.client(bridge)
    return bridge


@state()
def half_a_head(scene):
    bridge = scene.start()
    scene.client(bridge).send(upgrade_request()[:70])
    return bridge


@state()
def half_a_frame_header(scene):
    bridge, client, _ = scene.session()
    client.send(LONG_FRAME[:7])
    return bridge


@state()
def heartbeat_to_a_client_that_does_not_read(scene):
    bridge, _, service = scene.session("--heartbeat", "0.5", "--pong-timeout", "0")
    scene.push(service, PIECE)
    return bridge


@state(plain=False)
def half_a_record(scene):
    bridge, client, _ = scene.session()
    client.sock.send_raw(client.sock.seal(LONG_FRAME)[:1000])
    return bridge


@state(tls=False)
def half_a_client_hello(scene):
    bridge = scene.start("--cert", scene.pair.cert, "--key", scene.pair.key)
    scene.client(bridge).send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(30))
    return bridge


# ---- somebody does not read ----


@state()
def client_does_not_read(scene):
    bridge, _, service = scene.session()
    scene.push(service, PIECE)
    return bridge


@state()
def service_does_not_read(scene):
    bridge, client, _ = scene.session()
    scene.push(client, LONG_FRAME)
    return bridge


@state()
def neither_reads(scene):
    bridge, client, service = scene.session()
    scene.push(client, LONG_FRAME)
    scene.push(service, PIECE)
    return bridge


@state()
def client_reads_no_pongs(scene):
    bridge, client, _ = scene.session()
    scene.push(client, PINGS)
    return bridge


@state()
def client_does_not_read_a_file(scene):
    (scene.folder / "file").write_bytes(bytes(64 << 20))
    bridge = scene.start("--web", scene.folder)
    scene.client(bridge).send(b"GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
    return bridge


# ---- half of it has ended ----


@state(tls=False)
def client_half_closed(scene):
    bridge, client, _ = scene.session()
    client.finish()
    return bridge


@state(plain=False)
def client_said_close_notify(scene):
    bridge, client, _ = scene.session()
    client.sock.say_close()
    return bridge


@state(plain=False)
def client_said_close_notify_and_fin(scene):
    bridge, client, _ = scene.session()
    client.finish()
    return bridge


@state()
def client_half_closed_and_does_not_read(scene):
    bridge, client, service = scene.session()
    client.finish()
    scene.push(service, PIECE)
    return bridge


def fill_up(client):
    """Whole frames, more than the service's kernel takes, and all of it on wsluice's side: the client may end."""
    client.send(encode_frame(BINARY, bytes(1 << 20)) * 2)
    wait_until(lambda: client.unacked() == 0)


@state()
def client_half_closed_before_a_service_that_does_not_read(scene):
    bridge, client, _ = scene.session()
    fill_up(client)
    client.finish()
    return bridge


@state()
def client_half_closed_inside_a_message(scene):
    bridge, client, _ = scene.session()
    fill_up(client)
    client.send(LONG_FRAME[:1000])
    client.finish()
    return bridge


@state(plain=False)
def client_truncated_before_a_service_that_does_not_read(scene):
    bridge, client, _ = scene.session()
    fill_up(client)
    client.sock.cut()
    return bridge


@state()
def client_reset_before_a_service_that_does_not_read(scene):
    bridge, client, _ = scene.session()
    fill_up(client)
    client.reset()
    return bridge


@state()
def client_closed_and_the_service_does_not(scene):
    bridge, client, _ = scene.session()
    client.send_close()
    client.expect_close(1000)
    return bridge


@state()
def client_closed_before_a_service_that_does_not_read(scene):
    bridge, client, _ = scene.session()
    fill_up(client)
    client.send_close()
    return bridge


@state()
def client_violated_before_a_service_that_does_not_read(scene):
    bridge, client, _ = scene.session()
    fill_up(client)
    client.send(encode_frame(BINARY, b"bad", mask=None))
    return bridge


@state()
def service_ended_and_the_client_does_not_close(scene):
    bridge, client, service = scene.session()
    service.finish()
    client.expect_close(1000)
    return bridge


@state()
def service_ended_and_the_client_does_not_read(scene):
    bridge, _, service = scene.session()
    service.send_until_stalled(PIECE, quiet=0.3)
    service.finish()
    return bridge


@state()
def service_ended_and_the_client_sends_on(scene):
    bridge, client, service = scene.session()
    service.finish()
    scene.push(client, LONG_FRAME)
    return bridge


@state()
def service_reset_and_the_client_does_not_read(scene):
    bridge, _, service = scene.session()
    service.send_until_stalled(PIECE, quiet=0.3)
    service.reset()
    return bridge


@state(late=True)
def lingering_behind_a_refusal(scene):
    bridge = scene.start()
    client = scene.client(bridge)
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    client.recv_response()
    client.send(b"and more")
    return bridge


@state(late=True)
def lingering_behind_a_violation(scene):
    bridge, client, _ = scene.session()
    client.send_frame(BINARY, b"bad", mask=None)
    client.expect_close(1002)
    client.send(b"and more")
    return bridge


# ---- something is missing ----


@state()
def dial_without_an_answer(scene):
    bridge = scene.start(target=scene.keep(DeafBackend()))
    client = scene.client(bridge)
    client.upgrade()
    scene.push(client, LONG_FRAME)
    return bridge


@state()
def dial_without_an_answer_to_a_client_that_is_half_closed(scene):
    bridge = scene.start(target=scene.keep(DeafBackend()))
    client = scene.client(bridge)
    client.upgrade()
    client.send_frame(BINARY, b"not in vain, perhaps")
    client.finish()
    return bridge


@state()
def dial_first_without_an_answer(scene):
    bridge = scene.start("--dial-first", target=scene.keep(DeafBackend()))
    client = scene.client(bridge)
    client.send(upgrade_request() + LONG_FRAME)
    return bridge


@state()
def no_descriptor_for_the_next_client(scene):
    bridge, _, _ = scene.session()
    used = max(int(name) for name in os.listdir(f"/proc/{bridge.pid}/fd")) + 1
    resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (used, used))
    scene.keep(RawClient(bridge.port)).send(b"GET")
    return bridge


@state()
def no_place_for_the_next_client(scene):
    bridge, _, _ = scene.session("--max-sessions", "1")
    for _ in range(5):
        scene.keep(RawClient(bridge.port)).send(b"GET")
    return bridge


@state()
def no_buffer_for_other_sessions(scene):
    """Four buffers: three are lent upwards, and wait for services that don't read; the others' bytes lie there."""
    bridge = scene.start("--buffer-size", "16K", "--buffer-memory", "64K")
    pairs = []
    for _ in range(6):
        client = scene.client(bridge)
        client.upgrade()
        pairs.append((client, scene.backend.accept()))
    for client, service in pairs:
        scene.push(client, LONG_FRAME)
        scene.push(service, PIECE)
    return bridge


# ---- TLS to the target ----


def tls_session(scene):
    """(bridge, client, service), with TLS toward the service."""
    bridge = scene.start("--ssl-target", "--ssl-target-insecure")
    client = scene.client(bridge)
    client.upgrade()
    accepted = scene.backend.accept()
    service = scene.keep(Wire(TlsSocket(accepted.sock, tls_server_context(scene.pair), server_side=True)))
    client.send_frame(BINARY, b"x")
    service.recv_exact(1)
    return bridge, client, service


@state(tls=False)
def neither_reads_with_tls_to_the_target(scene):
    bridge, client, service = tls_session(scene)
    scene.push(client, LONG_FRAME)
    scene.push(service, PIECE)
    return bridge


@state(tls=False)
def target_said_close_notify(scene):
    bridge, client, service = tls_session(scene)
    service.sock.say_close()
    client.expect_close(1000)
    return bridge


@state(tls=False)
def target_does_not_answer_the_handshake(scene):
    bridge = scene.start("--ssl-target", "--ssl-target-insecure")
    client = scene.client(bridge)
    client.upgrade()
    scene.backend.accept()
    scene.push(client, LONG_FRAME)
    return bridge
