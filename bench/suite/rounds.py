"""Who runs when, and when it is enough. Knows nothing of processes: it is handed a function that measures.

A round runs every peer of a cell once, each round beginning with another, so that neither a drift of the machine
nor what ran just before favours anybody. After FAR_ROUNDS of all, rounds are of wsluice and the reference alone until
their ratio is known to 5 %; then of those others of whom something is left to tell: not who is three times off in each
round so far, whose interval lies outside CLOSE, or who is known to 10 %. The time may end it anywhere.
"""

from dataclasses import dataclass, field

from .cells import REFERENCE, SUBJECT
from .processes import Failure
from .stats import paired_ratio

PRECISION = 0.05
SIDE_PRECISION = 0.10
CLOSE = (0.67, 1.5)
FAR = 3.0
FAR_ROUNDS = 2
FAILURES_MAX = 2  # in one cell; then a peer is not asked again


@dataclass
class Series:
    """One peer in one cell: its samples by round, and why others are missing."""

    samples: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)
    skipped: str = ""  # why it was never asked

    def values(self, key):
        return {number: sample.figures[key] for number, sample in self.samples.items()}

    @property
    def is_given_up(self):
        return bool(self.skipped) or len(self.failures) >= FAILURES_MAX


@dataclass(frozen=True)
class Limits:
    """Of one cell: rounds at most, and whether there is time for so many more runs, after so many of them."""

    rounds_max: int
    has_time: object  # has_time(done, coming)


def rotated(items, by):
    by %= len(items) or 1
    return items[by:] + items[:by]


def reference_of(peers, wanted=REFERENCE):
    """The peer that the others are compared with: the one wanted; where it is not there the first of the others, so
    that wsluice is measured against somebody."""
    names = [peer.name for peer in peers]
    if wanted in names:
        return wanted
    return next((name for name in names if name != SUBJECT), names[0])


def is_far(values, reference):
    """Whether every round so far says that this one is in another league."""
    pairs = [values[number] / reference[number] for number in values.keys() & reference.keys() if reference[number] > 0]
    return len(pairs) >= FAR_ROUNDS and (min(pairs) > FAR or max(pairs) < 1 / FAR)


def is_settled(values, reference, precision):
    """Whether more rounds would tell nothing more that matters about this peer."""
    if is_far(values, reference):
        return True
    ratio = paired_ratio(values, reference)
    if ratio is None or ratio.low is None:
        return False
    return ratio.tells(precision) or ratio.high < CLOSE[0] or ratio.low > CLOSE[1]


class CellRounds:
    """The rounds of one cell. measure(cell, peer) gives a Sample or raises Failure; on_run(done, peer) is
    told of every run."""

    def __init__(self, cell, peers, measure, on_run, why_not, reference=REFERENCE):
        self.cell = cell
        self.peers = list(peers)
        self.measure = measure
        self.on_run = on_run
        self.series = {peer.name: Series(skipped=why_not(peer, cell)) for peer in peers}
        self.rounds = 0
        self.wanted_reference = reference

    def waiting(self):
        """The peers that need another round; none where all is told."""
        asked = self._asked()
        if not asked or self.rounds < FAR_ROUNDS:
            return asked
        reference = reference_of(asked, self.wanted_reference)
        unsettled = [
            peer.name for peer in asked if peer.name != reference and not self._is_settled(peer.name, reference)
        ]
        if SUBJECT in unsettled:
            unsettled = [SUBJECT]
        return [peer for peer in asked if peer.name in (*unsettled, reference)] if unsettled else []

    def _is_settled(self, name, reference):
        precision = PRECISION if name == SUBJECT else SIDE_PRECISION
        key = self.cell.figures[0].key
        return is_settled(self.series[name].values(key), self.series[reference].values(key), precision)

    def play(self, limits):
        """Rounds until all is told or the limits are reached."""
        done = 0
        while self.rounds < limits.rounds_max:
            waiting = self.waiting()
            if not waiting or not limits.has_time(done, len(waiting)):
                break
            for peer in rotated(waiting, self.rounds):
                self._run(peer)
            self.rounds += 1
            done += len(waiting)
        return self.series

    def _asked(self):
        return [peer for peer in self.peers if not self.series[peer.name].is_given_up]

    def _run(self, peer):
        series = self.series[peer.name]
        try:
            series.samples[self.rounds] = self.measure(self.cell, peer)
        except Failure as failure:
            series.failures[self.rounds] = str(failure)
        self.on_run(self.cell, peer, self.rounds)
