"""Medians, their spread, and what paired rounds tell about a ratio. Pure: numbers in, numbers out.

Rounds on a shared machine differ by 30 %, and much of that befalls both sides of a pair. So peers are
compared round by round: the logarithm of each ratio is one observation, their Hodges-Lehmann estimate
(the median of all pairwise means) is the ratio, and Wilcoxon's signed-rank distribution, computed
exactly, gives its interval of 95 % confidence. That supposes no shape of the noise but symmetry of the
logarithms, and a disturbed round shifts it no more than any other. Under six pairs there is no interval of
95 %, and none is made up.
"""

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement

CONFIDENCE = 0.95
PAIRS_MIN = 6  # 2 / 2**5 > 0.05: five pairs can't exclude anything at 95 %


def median(values):
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no median of nothing")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def deviation(values):
    """The median absolute deviation from the median, in the values' unit."""
    centre = median(values)
    return median([abs(value - centre) for value in values])


def quantile(values, share):
    """The value below which that share of them lies, interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def signed_rank_counts(count):
    """counts[s]: in how many of the 2**count sign patterns the ranks with a plus add up to s."""
    counts = [1]
    for rank in range(1, count + 1):
        longer = counts + [0] * rank
        for total, ways in enumerate(counts):
            longer[total + rank] += ways
        counts = longer
    return counts


def walsh_averages(values):
    """The means of all pairs, each value with itself included, in order."""
    return sorted((a + b) / 2 for a, b in combinations_with_replacement(values, 2))


def excluded_averages(count, confidence=CONFIDENCE):
    """How many Walsh averages lie outside the interval on either side, or None: too few values."""
    tail = (1 - confidence) / 2 * 2**count
    cumulated = excluded = 0
    for ways in signed_rank_counts(count):
        cumulated += ways
        if cumulated > tail:
            return excluded - 1 if excluded else None
        excluded += 1
    return None


@dataclass(frozen=True)
class Ratio:
    """`estimate` times the reference, between `low` and `high` (None, None: too few pairs to say)."""

    estimate: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def half_width(self):
        """Half of the interval as a share of the estimate, 0.05 for 5 %; infinite without one."""
        if self.low is None:
            return math.inf
        return math.sqrt(self.high / self.low) - 1

    def tells(self, share):
        """Whether the interval is narrow enough to tell a difference of that share."""
        return self.half_width <= share


def paired_ratio(values, reference):
    """The ratio of two series that map a round's number to a positive value, over the rounds that both
    have; None where there is no such round."""
    logs = [
        math.log(values[key] / reference[key])
        for key in sorted(values.keys() & reference.keys())
        if values[key] > 0 and reference[key] > 0
    ]
    if not logs:
        return None
    averages = walsh_averages(logs)
    excluded = excluded_averages(len(logs)) if len(logs) >= PAIRS_MIN else None
    low = high = None
    if excluded is not None:
        low, high = math.exp(averages[excluded]), math.exp(averages[-1 - excluded])
    return Ratio(math.exp(median(averages)), low, high, len(logs))


def verdict(low, high, limit):
    """Whether what lies between low and high is at most `limit`: "reached", "missed", or "open"."""
    if low is None or high is None:
        return "open"
    if high <= limit:
        return "reached"
    return "missed" if low > limit else "open"
