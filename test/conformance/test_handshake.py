"""The opening handshake, both parts (RFC 6455 section 4)."""
# ctest: cost=28

from . import cases_answer, cases_handshake
from .engine import all_cases


@all_cases(cases_handshake, cases_answer)
def test_case(engine, case, transport):
    engine.check(case, transport)
