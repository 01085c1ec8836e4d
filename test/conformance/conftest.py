"""The engine as a fixture: one for all tests of a run."""

import pytest

from .engine import Engine


@pytest.fixture(scope="session")
def engine(tls_options):
    running = Engine(tls_options)
    yield running
    running.stop()
