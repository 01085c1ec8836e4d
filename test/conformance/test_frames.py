"""Frames, from their headers to the closing handshake: RFC 6455 sections 5, 6, 7 and 10."""

from . import cases_control, cases_fragmentation, cases_framing
from .engine import all_cases


@all_cases(cases_framing, cases_fragmentation, cases_control)
def test_case(engine, case, transport):
    engine.check(case, transport)
