"""scripts/coverage.py: too little coverage fails, and so does a list of reasons that is not true any more."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "coverage.py"
NAME = "src/codec/sum.c"
SOURCE = "int sum(int a, int b) {\n  if (a > b) return 1 | a;\n  return a + b;\n}\n"


@pytest.fixture
def coverage(tmp_path):
    """The script, with a tree of its own in which one file was measured."""
    spec = importlib.util.spec_from_file_location("coverage_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ROOT = tmp_path
    (tmp_path / NAME).parent.mkdir(parents=True)
    (tmp_path / NAME).write_text(SOURCE)
    return module


def measured(coverage, lines, branches=()):
    """One file: how often its lines were run, by number, and the ways out of line 2."""
    return {NAME: coverage.File({
        "file": NAME,
        "functions": [{"name": "sum", "lineno": 1}],
        "lines": [{"line_number": number, "count": count,
                   "branches": [{"count": taken} for taken in branches] if number == 2 else []}
                  for number, count in lines.items()],
    })}


def test_all_reached_is_fine(coverage):
    files = measured(coverage, {1: 1, 2: 1, 3: 7}, branches=(1, 7))
    assert list(coverage.complaints_of_limits(files)) == []
    assert list(coverage.complaints_of_reasons(files, "")) == []


def test_too_few_lines_and_branches(coverage):
    complaints = list(coverage.complaints_of_limits(measured(coverage, {1: 1, 2: 1, 3: 0}, branches=(1, 0))))
    assert complaints == ["codec: 66.7 % of lines, less than 95 %", "codec: 50.0 % of branches, less than 85 %"]


def test_a_line_without_a_reason(coverage):
    complaints = list(coverage.complaints_of_reasons(measured(coverage, {1: 1, 2: 1, 3: 0}), ""))
    assert len(complaints) == 1
    assert complaints[0].startswith(f"{NAME}:3: sum: nothing reaches \"return a + b;\"")


def test_a_line_with_a_reason(coverage):
    row = f"| `{NAME}` | `sum` | `if (a > b) return 1 \\| a;` | nobody adds so |"
    assert list(coverage.complaints_of_reasons(measured(coverage, {1: 1, 2: 0, 3: 1}), row)) == []


def test_a_reason_for_a_line_that_is_reached_or_gone(coverage):
    rows = f"| `{NAME}` | `sum` | `return a + b;` | reached |\n| `{NAME}` | `sum` | `return a - b;` | gone |"
    complaints = list(coverage.complaints_of_reasons(measured(coverage, {1: 1, 2: 1, 3: 1}), rows))
    assert len(complaints) == 2
    assert all("is reached, or no longer there" in complaint for complaint in complaints)
