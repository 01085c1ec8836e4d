"""The words of the table: digits, doubts, and reasons for what is missing."""

import pytest
from suite import histogram, plots, results, rounds, table
from suite.cells import BYTES, CPU_PER_GB, Cell, Target
from suite.run import Sample


@pytest.mark.parametrize(
    "value, words",
    [(0, "0"), (0.028912, "0.0289"), (0.4201, "0.420"), (7.994, "7.99"), (54.68, "54.7"), (868244.2, "868,244")],
)
def test_three_digits(value, words):
    assert table.number(value) == words


def test_a_ratio_that_can_not_be_told_says_so():
    known = {"estimate": 1.04, "low": 1.01, "high": 1.07, "tells": True}
    assert table.ratio_words(known) == "1.04 (1.01 to 1.07)"
    assert table.ratio_words({**known, "tells": False}) == "~ 1.04 (1.01 to 1.07)"
    assert table.ratio_words({"estimate": 1.04, "low": None, "high": None, "tells": False}) == "~ 1.04"


class Named:
    def __init__(self, name):
        self.name = name


class Played:
    rounds = 6
    wanted_reference = "rawrelay"

    def __init__(self, **costs):
        self.series = {name: rounds.Series() for name in costs}
        for name, cost in costs.items():
            if isinstance(cost, str):
                self.series[name].failures = {0: cost, 1: cost}
                continue
            samples = {n: Sample({CPU_PER_GB.key: cost * (1 + n / 1000), BYTES.key: 2e9}) for n in range(6)}
            self.series[name].samples = samples


def entry(**costs):
    cell = Cell("up", "up, 64 KB", (CPU_PER_GB, BYTES), targets=(Target(1.1), Target(0.5, is_ratio=False)))
    return results.cell_entry(cell, [Named(name) for name in costs], Played(**costs))


TITLES = {"wsluice": "wsluice", "rawrelay": "raw relay", "slow": "slow"}


def test_a_cell_shows_ratios_targets_and_failures():
    text = table.cell_section(entry(wsluice=0.6, rawrelay=0.5, slow="content | wrong"), TITLES, {"up": ["up.svg"]})
    assert "| CPU a GB, s | x rawrelay | throughput, MB/s |" in text
    assert "| 1.20 (1.20 to 1.20) | 2,000 " in text
    assert "failed: content / wrong" in text
    assert "at most 1.1 x rawrelay. Measured: 1.20x (1.20 to 1.20), **missed**" in text
    assert "at most 0.5 s. Measured: 0.60" in text
    assert "![up, 64 KB](up.svg)" in text


def test_targets_are_reached_where_the_whole_interval_is():
    assert [target["verdict"] for target in entry(wsluice=0.45, rawrelay=0.5)["targets"]] == ["reached", "reached"]


def test_without_the_floor_no_ratio_is_judged():
    assert [target["is_ratio"] for target in entry(wsluice=0.45, slow=2.0)["targets"]] == [False]


HISTOGRAM = """       Value     Percentile TotalCount 1/(1-Percentile)

       0.100 0.000000000000          1           1.00
       0.200 0.500000000000         50           2.00
       0.900 0.990000000000         99         100.00
#[Mean    =        0.250, StdDeviation   =        0.100]
"""


def test_percentiles_are_read_in_microseconds_and_merged_by_median():
    curve = histogram.parse(HISTOGRAM)
    assert curve == [(0.0, 100.0), (0.5, 200.0), (0.99, 900.0)]
    twice = [(at, 2 * value) for at, value in curve]
    merged = dict((point, value) for point, value in histogram.merged([curve, twice, twice]))
    assert merged[0.5] == 400.0 and merged[0.9] == 1800.0
    assert 0.999 not in merged, "past what the rounds can resolve"


def test_axes_are_logarithmic_only_where_values_are_far_apart():
    assert plots.axis([0.3, 0.6])[2] is False
    begin, end, is_log = plots.axis([0.03, 200.0])
    assert is_log and begin <= 0.03 and end > 200


def test_plots_are_dark_where_the_reader_is():
    svg = plots.with_dark_style("<svg width='1'>\n<rect fill='rgb(255, 255, 255)'/><path stroke='rgb( 36, 41, 47)'/></svg>")
    assert "prefers-color-scheme: dark" in svg
    assert "fill='#ffffff'" in svg and "stroke='#24292f'" in svg


def test_places_in_other_documents_are_filled_and_the_rest_is_left():
    cell = entry(wsluice=0.45, rawrelay=0.5)
    peers = [{"name": name, "title": title, "missing": ""} for name, title in TITLES.items() if name != "slow"]
    text = "before\n<!-- bench:targets -->\nold\n<!-- /bench -->\nafter <!-- bench:overview -->\n<!-- /bench -->"
    filled = table.fill_in(text, {"cells": [cell], "peers": peers, "machine": {}})
    assert "old" not in filled and "reached" in filled and "| raw relay | 0.50" in filled
    assert filled.startswith("before\n<!-- bench:targets -->\n") and "\nafter <!-- bench:overview -->" in filled
    assert table.fill_in(filled, {"cells": [cell], "peers": peers, "machine": {}}) == filled
