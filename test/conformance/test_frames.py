"""Frames, from their headers to the closing handshake: RFC 6455 sections 5, 6, 7 and 10."""

from . import cases_close, cases_control, cases_fragmentation, cases_framing, cases_limits, cases_security, cases_utf8
from .engine import all_cases


@all_cases(cases_framing, cases_fragmentation, cases_control, cases_utf8, cases_close, cases_limits,
           cases_security)
def test_case(engine, case, transport):
    engine.check(case, transport)
