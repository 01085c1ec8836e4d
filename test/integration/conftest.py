"""Fixtures of several integration tests, beside those of ../conftest.py."""

import pytest

from harness import tls_server_context
from harness.lookup import ALLOW_LOCAL, LookupApi, greet


@pytest.fixture
def lookup_api():
    """An HTTP server of the test's own that tells tokens' targets."""
    server = LookupApi()
    yield server
    server.close()


@pytest.fixture
def secure_lookup_api(server_pair):
    """The same over TLS, with a certificate of `authority`."""
    server = LookupApi(tls_server_context(server_pair))
    yield server
    server.close()


@pytest.fixture
def two_services(serve):
    """Services that say who they are, "one" and "two"."""
    return {name: serve(greet(name)) for name in ("one", "two")}


@pytest.fixture
def look_up(wsluice):
    """look_up(url, ...) runs wsluice with tokens that are looked up there."""

    def run(url, *options, plugin="BaseTokenAPI"):
        return wsluice(None, "--token-plugin", plugin, "--token-source", url, *ALLOW_LOCAL, *options)

    return run
