"""docs/DIFFERENCES.md is what the tables of decisions say."""

import re

import pytest

from .decisions import DECISIONS
from .differences import TARGET, document
from .frame_decisions import FRAME_DECISIONS

SECTION = re.compile(r"RFC \d{4}( \d+(\.\d+)*)?")


def test_the_committed_page_is_up_to_date():
    assert TARGET.read_text() == document(), "run `make conformance-doc`"


@pytest.mark.parametrize("decision", [*DECISIONS, *FRAME_DECISIONS], ids=lambda decision: decision.what)
def test_a_decision_names_its_reason_and_section(decision):
    assert decision.reason and SECTION.fullmatch(decision.section)
