"""The bench's statistics, against textbook values and by what they must never do."""

import math
import random

import pytest
from suite import stats


def test_medians_of_odd_even_and_one():
    assert stats.median([3, 1, 2]) == 2
    assert stats.median([4, 1, 3, 2]) == 2.5
    assert stats.median([7]) == 7
    with pytest.raises(ValueError):
        stats.median([])


def test_a_wild_round_moves_neither_median_nor_deviation():
    assert stats.median([10, 11, 12, 13, 1000]) == 12
    assert stats.deviation([10, 11, 12, 13, 1000]) == 1


def test_quantiles_are_interpolated():
    values = [1, 2, 3, 4, 5]
    assert [stats.quantile(values, share) for share in (0, 0.25, 0.5, 0.875, 1)] == [1, 2, 3, 4.5, 5]
    assert stats.quantile([5], 0.75) == 5


def test_signed_rank_counts_are_those_of_all_sign_patterns():
    assert stats.signed_rank_counts(3) == [1, 1, 1, 2, 1, 1, 1]
    for count in (1, 5, 12):
        counts = stats.signed_rank_counts(count)
        assert sum(counts) == 2**count
        assert counts == counts[::-1]


@pytest.mark.parametrize(
    "count, critical",  # two-sided 5 % points of Wilcoxon's T, as tables print them
    [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (12, 13), (15, 25), (20, 52), (25, 89)],
)
def test_excluded_averages_are_the_tables_of_wilcoxon(count, critical):
    assert stats.excluded_averages(count) == critical


@pytest.mark.parametrize("count", range(1, 6))
def test_few_values_exclude_nothing(count):
    assert stats.excluded_averages(count) is None


def series(values):
    return dict(enumerate(values))


def test_a_ratio_without_noise_is_exact():
    ratio = stats.paired_ratio(series([1.2 * n for n in range(1, 9)]), series(range(1, 9)))
    assert ratio.estimate == pytest.approx(1.2)
    assert (ratio.low, ratio.high) == (pytest.approx(1.2), pytest.approx(1.2))
    assert ratio.pairs == 8 and ratio.tells(0.05)


def test_noise_that_befalls_both_cancels():
    drift = [1, 1.3, 0.7, 2, 1.1, 0.9, 1.6]
    ratio = stats.paired_ratio(series([2 * d for d in drift]), series(drift))
    assert ratio.half_width == pytest.approx(0)


def test_only_rounds_that_both_have_count():
    ratio = stats.paired_ratio({0: 2.0, 2: 2.0, 5: 9.0}, {0: 1.0, 1: 5.0, 2: 1.0})
    assert ratio.pairs == 2 and ratio.estimate == pytest.approx(2)
    assert stats.paired_ratio({0: 1.0}, {1: 1.0}) is None


def test_under_six_pairs_nothing_can_be_told():
    ratio = stats.paired_ratio(series([1.0] * 5), series([1.0] * 5))
    assert ratio.low is None and not ratio.tells(0.5)


def test_zeros_make_no_pair():
    assert stats.paired_ratio({0: 0.0, 1: 3.0}, {0: 1.0, 1: 1.0}).pairs == 1
    assert stats.paired_ratio({0: 1.0}, {0: 0.0}) is None


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """400 experiments of 10 rounds with 20 % noise: 95 % of the intervals, give or take, hold the ratio."""
    draw = random.Random(6)
    held = 0
    for _ in range(400):
        ratio = stats.paired_ratio(
            series([1.1 * math.exp(draw.gauss(0, 0.2)) for _ in range(10)]), series([1.0] * 10)
        )
        held += ratio.low <= 1.1 <= ratio.high
    assert 0.92 <= held / 400 <= 0.99


@pytest.mark.parametrize(
    "low, high, expected",
    [(0.9, 1.0, "reached"), (1.0, 1.1, "reached"), (1.2, 1.3, "missed"), (1.0, 1.2, "open"), (None, None, "open")],
)
def test_verdicts(low, high, expected):
    assert stats.verdict(low, high, 1.1) == expected
