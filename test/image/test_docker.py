# ctest: serial timeout=900
"""The sidecar image, built and run by an engine of the test's own: what it weighs, who it is, that bytes pass,
how it stops; and docker/compose.yaml."""

import contextlib
import hashlib
import os
import pathlib
import threading
import time

import pytest

from docker_engine import ROOT, Engine, base_archive, missing_tools, run
from harness import (
    BINARY,
    Backend,
    RawClient,
    TlsSocket,
    echo,
    encrypt_key,
    free_port,
    tls_client_context,
    tls_server_context,
    wait_until,
)

LIMIT_BYTES = 10 * 1000 * 1000
BULK = 16 << 20
GRACE_SECONDS = 20
NOBODY = 65532
CONFINED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]


def skip(reason):
    """In CI nothing may be skipped (.ci/run sets the variable)."""
    assert not os.environ.get("WSLUICE_REQUIRE_DOCKER"), reason
    pytest.skip(f"no Docker engine can run here: {reason}")


@pytest.fixture(scope="module")
def engine():
    missing = missing_tools()
    if missing:
        skip("; ".join(missing))
    engine = Engine()
    try:
        failure = engine.wait_until_started()
        if failure is not None:
            skip(failure)
        imported = engine.docker("import", base_archive(), "wsluice-test-base", check=False)
        if imported.returncode != 0:  # it starts where it may not mount, too
            skip(imported.stderr)
        engine.docker("build", "--network", "none", "--build-arg", "BASE=wsluice-test-base", "-f",
                      ROOT / "docker/Dockerfile", "-t", "wsluice", ROOT, limit=600)
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def start(engine):
    """start(*arguments, env={}, options=[]) runs the image on the host's network and gives the container."""
    containers = []

    def run_image(*arguments, env=None, options=()):
        variables = [part for name, value in (env or {}).items() for part in ("-e", f"{name}={value}")]
        container = engine.docker("run", "-d", "--network", "host", *CONFINED, *variables, *options, "wsluice",
                                  *arguments).stdout.strip()
        containers.append(container)
        return container

    yield run_image
    for container in containers:
        engine.docker("rm", "-f", container, check=False)


@pytest.fixture
def echo_service():
    service = Backend().serve(echo)
    yield service
    service.close()


def logs(engine, container):
    done = engine.docker("logs", container)
    return done.stdout + done.stderr


def wait_until_open(engine, container, port):
    def opened():
        assert engine.inspect(container, "{{.State.Running}}") == "true", logs(engine, container)
        try:
            RawClient(port).close()
        except ConnectionRefusedError:
            return False
        return True

    wait_until(opened, message=lambda: logs(engine, container))


def test_the_image_is_small_and_holds_nobody(engine):
    assert int(engine.inspect("wsluice", "{{.Size}}")) < LIMIT_BYTES
    assert engine.inspect("wsluice", "{{.Config.User}}") == f"{NOBODY}:{NOBODY}"
    assert engine.inspect("wsluice", "{{json .Config.Entrypoint}}") == '["/wsluice"]'
    assert engine.inspect("wsluice", "{{.Config.StopSignal}}") == "SIGTERM"


def test_it_says_its_version_with_tls_1_3(engine):
    said = engine.docker("run", "--rm", "--network", "none", *CONFINED, "wsluice", "--version").stdout
    assert "mbedTLS 3.6" in said and "TLS 1.2 only" not in said, said


def test_bytes_pass_read_only_without_privileges(engine, start, echo_service):
    port = free_port()
    container = start(f"127.0.0.1:{port}", *echo_service.target_args)
    wait_until_open(engine, container, port)
    status = pathlib.Path(f"/proc/{engine.inspect(container, '{{.State.Pid}}')}/status").read_text()
    assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
    with RawClient(port) as client:
        client.upgrade()
        data = os.urandom(BULK)
        sender = threading.Thread(target=client.send_frame, args=(BINARY, data))
        sender.start()
        got = client.recv_data(BULK)
        sender.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()


def test_everything_by_environment_and_secrets_by_file(engine, start, echo_service, authority, tmp_path):
    pair = authority.issue("image")
    (tmp_path / "cert.pem").write_bytes(pair.cert.read_bytes())
    encrypt_key(pair.key, "open sesame", tmp_path / "key.pem").chmod(0o644)
    (tmp_path / "password").write_text("open sesame\n")
    tmp_path.chmod(0o755)
    port = free_port()
    container = start(env={
        "WSLUICE_LISTEN": f"127.0.0.1:{port}",
        "WSLUICE_TARGET": echo_service.target_args[0],
        "WSLUICE_CERT": "/secrets/cert.pem",
        "WSLUICE_KEY": "/secrets/key.pem",
        "WSLUICE_KEY_PASSWORD_FILE": "/secrets/password",
        "WSLUICE_SSL_ONLY": "true",
    }, options=["-v", f"{tmp_path}:/secrets:ro"])
    wait_until_open(engine, container, port)
    with RawClient(port, tls=tls_client_context(authority.cert)) as client:
        client.upgrade()
        client.send_frame(BINARY, b"sealed")
        assert client.recv_data(6) == b"sealed"
    with RawClient(port) as client:
        client.upgrade(expect=400)


def test_the_authorities_are_in_the_image_and_judge_the_target(engine, start, authority):
    context = tls_server_context(authority.issue("stranger"))

    def shake_hands(wire):
        with contextlib.suppress(OSError):
            TlsSocket(wire.sock, context, server_side=True)

    service = Backend().serve(shake_hands)
    port = free_port()
    container = start("--ssl-target", f"127.0.0.1:{port}", *service.target_args)
    wait_until_open(engine, container, port)
    with RawClient(port) as client:
        client.upgrade()
        client.expect_close(1011)
    service.close()
    assert "not signed by a trusted CA" in logs(engine, container), logs(engine, container)


def test_a_file_that_nobody_may_read_is_named(engine, start, authority, tmp_path):
    pair = authority.issue("hidden")
    (tmp_path / "both.pem").write_bytes(pair.both.read_bytes())
    (tmp_path / "both.pem").chmod(0o600)
    tmp_path.chmod(0o755)
    container = start("--cert", "/secrets/both.pem", f"127.0.0.1:{free_port()}", "127.0.0.1:9",
                      options=["-v", f"{tmp_path}:/secrets:ro"])
    assert engine.docker("wait", container, limit=30).stdout.strip() == "1"
    assert "/secrets/both.pem" in logs(engine, container)


def flood(wire):
    try:
        while True:
            wire.send(bytes(65536))
    except OSError:
        pass


def test_it_stops_under_load(engine, start):
    service = Backend().serve(flood)
    port = free_port()
    container = start("--drain-timeout", "1", f"127.0.0.1:{port}", *service.target_args)
    wait_until_open(engine, container, port)
    ends = []

    def drain():
        with RawClient(port) as client:
            client.upgrade()
            ends.append(client.recv_until_close()[1].close_code)
            client.send_close(1001)

    readers = [threading.Thread(target=drain) for _ in range(4)]
    for reader in readers:
        reader.start()
    time.sleep(0.5)
    began = time.monotonic()
    engine.docker("stop", "-t", GRACE_SECONDS, container)
    took = time.monotonic() - began
    for reader in readers:
        reader.join()
    service.close()
    assert engine.inspect(container, "{{.State.ExitCode}}") == "0", logs(engine, container)
    assert took < GRACE_SECONDS  # else it was killed
    assert ends == [1001] * 4


def test_an_idle_one_stops_at_once_with_0(engine, start):
    port = free_port()
    container = start(f"127.0.0.1:{port}", "127.0.0.1:9")
    wait_until_open(engine, container, port)
    engine.docker("stop", "-t", GRACE_SECONDS, container)
    assert engine.inspect(container, "{{.State.ExitCode}}") == "0"


# ---- docker/compose.yaml ----

def on_the_hosts_network(services, ports):
    """The file's services as they are, but for what needs a network of their own: here is only the host's."""
    for service in services.values():
        service.pop("ports", None)
        service.pop("build", None)
        service["network_mode"] = "host"
        environment = service.get("environment")
        if environment:
            environment["WSLUICE_LISTEN"] = f"127.0.0.1:{ports[environment['WSLUICE_LISTEN']]}"
            host, port = environment["WSLUICE_TARGET"].split(":")
            environment["WSLUICE_TARGET"] = f"{host}:{ports[port]}"


def test_the_compose_file_is_sound(engine):
    run("docker-compose", "-f", ROOT / "docker/compose.yaml", "config", "-q", env=engine.environment)


def test_the_composed_services_answer_through_their_sidecars(engine, tmp_path):
    import yaml  # comes with docker-compose

    ports = {name: free_port() for name in ("6081", "6379", "6082", "1883")}
    composed = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    on_the_hosts_network(composed["services"], ports)
    composed["services"]["redis"]["command"] += f" --port {ports['6379']}"
    configuration = (ROOT / "docker/mosquitto.conf").read_text().replace("1883", str(ports["1883"]))
    (tmp_path / "mosquitto.conf").write_text(configuration)
    (tmp_path / "page").symlink_to(ROOT / "docker/page")
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump(composed))
    compose = ["docker-compose", "-f", file, "-p", "wsluicetest"]
    environment = {**engine.environment, "REDIS_IMAGE": "wsluice-test-base", "MQTT_IMAGE": "wsluice-test-base"}
    run(*compose, "up", "-d", "--no-build", env=environment)
    try:
        assert ask(ports["6081"], b"PING\r\n", None) == b"+PONG\r\n"
        connect = bytes([0x10, 12, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 60, 0, 0])
        assert ask(ports["6082"], connect, "mqtt") == b"\x20\x02\x00\x00"
        with RawClient(ports["6081"]) as client:
            page = client.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert page.status == 200 and b"Two services behind wsluice" in page.body
    except BaseException:
        print(run(*compose, "logs", env=environment, check=False).stdout)
        raise
    finally:
        run(*compose, "down", "-t", "5", env=environment)


def ask(port, question, subprotocol):
    """The first answer, once the service has come up; without a subprotocol as a page of that host asks."""
    host, answer = f"127.0.0.1:{port}", []

    def answered():
        try:
            with RawClient(port) as client:
                headers = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else {"Origin": f"http://{host}"}
                client.upgrade(headers=headers, host=host)
                client.send_frame(BINARY, question)
                frame = client.recv_frame()
        except OSError:
            return False
        if frame.opcode == BINARY:
            answer.append(frame.payload)
        return answer

    wait_until(answered, limit=30)
    return answer[0]
