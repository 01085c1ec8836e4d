"""Static files as RFC 9110 has resources: methods, representations, conditions, statuses."""

from . import cases_static_files
from .engine import all_cases


@all_cases(cases_static_files)
def test_case(engine, case, transport):
    engine.check(case, transport)
