"""Fixtures of all integration and browser tests: wsluice, backends and clients that end with the
test, and wsluice's log in the report of a test that failed."""

import pytest

from harness import Authority, Backend, PrivateNetwork, RawClient, Unavailable, UnixBackend, WsluiceFactory, echo


@pytest.fixture
def wsluice():
    factory = WsluiceFactory()
    yield factory
    factory.stop_all()


@pytest.fixture
def network():
    """A network of the test's own, with settings that it may change. Name it before other fixtures: what they
    start is to live in it."""
    try:
        with PrivateNetwork() as private:
            yield private
    except Unavailable as reason:
        pytest.skip(f"needs a network of its own: {reason}")


@pytest.fixture
def backend():
    """A TCP backend that the test plays: backend.accept() gives the next connection."""
    listening = Backend()
    yield listening
    listening.close()


@pytest.fixture
def unix_backend():
    listening = UnixBackend()
    yield listening
    listening.close()


@pytest.fixture
def serve():
    """serve(handler) is a TCP backend that runs handler(wire) in a thread for every connection."""
    backends = []

    def start(handler, **options):
        backends.append(Backend(**options).serve(handler))
        return backends[-1]

    yield start
    for listening in backends:
        listening.close()


@pytest.fixture
def echo_backend(serve):
    """A TCP backend that sends everything back."""
    return serve(echo)


@pytest.fixture
def connect():
    """Opens RawClients to a wsluice: connect(bridge) is upgraded, connect(bridge, path=None) is not."""
    clients = []

    def open_client(bridge, path="/", headers=None, **options):
        client = RawClient(bridge.port, **options)
        clients.append(client)
        if path is not None:
            client.upgrade(path, headers)
        return client

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority of this run's own."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_pair(authority):
    """A certificate and key for localhost and the loopback addresses."""
    return authority.issue("server")


@pytest.fixture(scope="session")
def tls_options(server_pair):
    """What has wsluice speak TLS, with a certificate of `authority`."""
    return ["--cert", server_pair.cert, "--key", server_pair.key]


@pytest.fixture
def open_session(wsluice, backend, connect):
    """open_session("--option", ...) gives (bridge, client, service): one session through a wsluice of
    its own, both ends played by the test."""

    def start(*options, target=None, **client_options):
        bridge = wsluice(target or backend, "--workers", "1", *options)
        client = connect(bridge, **client_options)
        return bridge, client, (target or backend).accept()

    return start


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    factory = getattr(item, "funcargs", {}).get("wsluice")
    if report.failed and factory:
        for instance in factory.started:
            report.sections.append((f"log of {' '.join(instance.args)}", instance.log))
