"""Frames of clients that want text (RFC 6455 5.6): text, lines, base64, auto."""

from . import cases_text_clients
from .engine import all_cases


@all_cases(cases_text_clients)
def test_case(engine, case, transport):
    engine.check(case, transport)
