"""Who runs when, and when it is enough. Knows nothing of processes: it is handed a function that measures.

A round runs every peer of a cell once, each round beginning with another, so that neither a drift of the machine
nor what ran just before favours anybody. Rounds go on until the interval of every ratio to the reference is narrow
enough, or the cell's time is over. A peer that is far off (its interval lies outside CLOSE) needs no such precision
and rests after the first rounds, so that the time goes to where something is left to tell.
"""

from dataclasses import dataclass, field

from .cells import REFERENCE
from .processes import Failure
from .stats import PAIRS_MIN, paired_ratio

PRECISION = 0.05
CLOSE = (0.67, 1.5)
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
    """Of one cell: rounds at most, and a function that tells whether there is time for another."""

    rounds_max: int
    has_time: object
    rounds_min: int = PAIRS_MIN


def rotated(items, by):
    by %= len(items) or 1
    return items[by:] + items[:by]


def reference_of(peers):
    """The peer that the others are compared with: the floor, or the first where it is not there."""
    names = [peer.name for peer in peers]
    return REFERENCE if REFERENCE in names else names[0]


def is_settled(series, reference, figure, precision=PRECISION):
    """Whether more rounds would tell nothing more that matters about this peer."""
    ratio = paired_ratio(series.values(figure.key), reference.values(figure.key))
    if ratio is None or ratio.low is None:
        return False
    return ratio.tells(precision) or ratio.high < CLOSE[0] or ratio.low > CLOSE[1]


class CellRounds:
    """The rounds of one cell. measure(cell, peer) gives a Sample or raises Failure; on_run(done, peer) is
    told of every run."""

    def __init__(self, cell, peers, measure, on_run, why_not):
        self.cell = cell
        self.peers = list(peers)
        self.measure = measure
        self.on_run = on_run
        self.series = {peer.name: Series(skipped=why_not(peer, cell)) for peer in peers}
        self.rounds = 0

    def waiting(self):
        """The peers that need another round; none where all is told."""
        asked = [peer for peer in self.peers if not self.series[peer.name].is_given_up]
        if not asked:
            return []
        reference = reference_of(asked)
        figure = self.cell.figures[0]
        open_peers = [
            peer
            for peer in asked
            if peer.name != reference
            and not is_settled(self.series[peer.name], self.series[reference], figure)
        ]
        if not open_peers:
            return []
        return [peer for peer in asked if peer in open_peers or peer.name == reference]

    def play(self, limits):
        """Rounds until all is told or the limits are reached."""
        while self.rounds < limits.rounds_max and limits.has_time(self.rounds):
            waiting = self.waiting() if self.rounds >= limits.rounds_min else self._asked()
            if not waiting:
                break
            for peer in rotated(waiting, self.rounds):
                self._run(peer)
            self.rounds += 1
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
