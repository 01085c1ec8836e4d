"""Request lines and fields (RFC 9112 sections 2 to 5, RFC 9110 section 5)."""
# ctest: cost=15

from . import cases_fields, cases_request_line
from .engine import all_cases


@all_cases(cases_request_line, cases_fields)
def test_case(engine, case, transport):
    engine.check(case, transport)
