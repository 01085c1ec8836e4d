"""Who runs when: order, pairing, when rounds end, and what becomes of peers that fail."""

from dataclasses import dataclass

from suite import rounds
from suite.cells import BYTES, CPU_PER_GB, Cell
from suite.processes import Failure
from suite.run import Sample

CELL = Cell("up", "up", (CPU_PER_GB, BYTES))


@dataclass(frozen=True)
class Named:
    name: str


class Play:
    """Peers with scripted costs: a number, a function of the round, or a Failure."""

    def __init__(self, costs, skipped=()):
        self.costs = costs
        self.runs = []
        self.counts = dict.fromkeys(costs, 0)
        self.cell = rounds.CellRounds(
            CELL, [Named(name) for name in costs], self._measure, lambda *_: None,
            lambda peer, cell: "can't" if peer.name in skipped else "",
        )

    def _measure(self, cell, peer):
        cost = self.costs[peer.name]
        number = self.counts[peer.name]
        self.counts[peer.name] += 1
        self.runs.append(peer.name)
        value = cost(number) if callable(cost) else cost
        if isinstance(value, str):
            raise Failure(value)
        return Sample({CPU_PER_GB.key: value, BYTES.key: 1.0})

    def play(self, rounds_max=100):
        return self.cell.play(rounds.Limits(rounds_max, lambda done, coming: True))


def test_every_round_begins_with_another():
    play = Play({"rawrelay": 1.0, "a": 1.0, "b": 1.0})
    play.play()
    assert play.runs[:9] == ["rawrelay", "a", "b", "a", "b", "rawrelay", "b", "rawrelay", "a"]


def test_without_noise_the_fewest_rounds_do():
    play = Play({"rawrelay": 1.0, "a": 1.2})
    play.play()
    assert play.counts == {"rawrelay": 6, "a": 6}


def test_noise_takes_more_rounds_and_far_peers_rest():
    noisy = [1.0, 1.4, 0.8]
    costs = {"far": 9, "cheap": 0.1, "dear": 2, "near": 1}
    play = Play({"rawrelay": 1.0} | {name: lambda n, at=at: at * noisy[n % 3] for name, at in costs.items()})
    play.play(rounds_max=20)
    assert play.counts == {"rawrelay": 20, "near": 20, "dear": 6, "far": 2, "cheap": 2}


def test_wsluice_is_measured_more_precisely_than_the_others():
    noisy = [1.0, 1.12, 0.9, 1.05, 0.95, 1.08]
    play = Play({"rawrelay": 1.0} | dict.fromkeys(("wsluice", "other"), lambda n: noisy[n % 6]))
    play.play(rounds_max=60)
    assert play.counts["wsluice"] > play.counts["other"] > 6


def test_the_others_wait_until_wsluice_is_told():
    noisy = [1.0, 1.12, 0.9, 1.05, 0.95, 1.08]
    play = Play({"rawrelay": 1.0} | dict.fromkeys(("wsluice", "other"), lambda n: noisy[n % 6]))
    play.play(rounds_max=60)
    told = max(at for at, name in enumerate(play.runs) if name == "wsluice")
    assert play.runs[:told].count("other") == rounds.FAR_ROUNDS


def test_time_ends_it():
    play = Play({"rawrelay": 1.0, "a": 1.0})
    play.cell.play(rounds.Limits(100, lambda done, coming: done + coming <= 5))
    assert play.counts == {"rawrelay": 2, "a": 2}


def test_what_was_ended_by_time_goes_on_when_there_is_more():
    play = Play({"rawrelay": 1.0, "a": lambda n: 1 + n % 2})
    play.cell.play(rounds.Limits(100, lambda done, coming: done + coming <= 4))
    play.cell.play(rounds.Limits(100, lambda done, coming: done + coming <= 4))
    assert play.counts == {"rawrelay": 4, "a": 4}


def test_a_peer_that_fails_twice_is_asked_no_more_and_says_why():
    play = Play({"rawrelay": 1.0, "broken": lambda n: "content wrong"})
    series = play.play()
    assert play.counts == {"rawrelay": 2, "broken": 2}
    assert series["broken"].failures == {0: "content wrong", 1: "content wrong"}
    assert series["broken"].samples == {}


def test_one_failure_costs_only_its_round():
    play = Play({"rawrelay": 1.0, "shaky": lambda n: "no" if n == 1 else 1.0})
    series = play.play()
    assert set(series["shaky"].failures) == {1}
    assert sorted(series["shaky"].samples) == [0, 2, 3, 4, 5, 6]


def test_a_peer_that_can_not_is_not_asked():
    play = Play({"rawrelay": 1.0, "a": 1.0}, skipped=("a",))
    assert play.play()["a"].skipped == "can't"
    assert play.counts["a"] == 0


def test_without_the_floor_the_first_is_the_reference():
    assert rounds.reference_of([Named("a"), Named("b")]) == "a"
    assert rounds.reference_of([Named("a"), Named("rawrelay")]) == "rawrelay"
    assert rounds.reference_of([Named("wsluice"), Named("lighttpd")]) == "lighttpd"
    assert rounds.reference_of([Named("wsluice")]) == "wsluice"


def test_another_reference_can_be_asked_for():
    assert rounds.reference_of([Named("rawrelay"), Named("wsluice")], "wsluice") == "wsluice"
