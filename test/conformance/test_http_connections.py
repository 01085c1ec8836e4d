"""Bodies of requests, and what becomes of the connection (RFC 9112 sections 6 to 11)."""
# ctest: cost=15

from . import cases_bodies, cases_connection
from .engine import all_cases


@all_cases(cases_bodies, cases_connection)
def test_case(engine, case, transport):
    engine.check(case, transport)
