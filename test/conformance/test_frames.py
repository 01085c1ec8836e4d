"""Frames: their headers, masks and lengths, fragments, pings (RFC 6455 5.1 to 5.5)."""
# ctest: cost=25

from . import cases_control, cases_fragmentation, cases_framing
from .engine import all_cases


@all_cases(cases_framing, cases_fragmentation, cases_control)
def test_case(engine, case, transport):
    engine.check(case, transport)
