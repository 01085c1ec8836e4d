"""docs/CONFORMANCE.md is what the cases say, and the cases are fit to be said."""

import re

from .document import TARGET, document, modules

LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", ""}
SECTION = re.compile(r"RFC \d{4} \d+(\.\d+)*")


def demands():
    return [case.demand for module in modules() for case in module.CASES] + untested()


def untested():
    return [demand for module in modules() for demand in module.UNTESTED]


def test_the_committed_page_is_up_to_date():
    assert TARGET.read_text() == document(), "run `make conformance-doc`"


def test_every_demand_names_section_and_level():
    for demand in demands():
        assert SECTION.fullmatch(demand.section), demand
        assert demand.level in LEVELS, demand


def test_a_demand_without_a_case_has_a_reason():
    assert [demand for demand in untested() if not demand.reason] == []


def test_names_are_unique():
    names = [case.id for module in modules() for case in module.CASES]
    assert sorted({name for name in names if names.count(name) > 1}) == []
