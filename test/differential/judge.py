"""Reads heads with all parsers and says what nothing excuses; and makes the head behind a finding short."""

from collections import Counter
from typing import NamedTuple

from .compare import differences, differences_of_upgrade, h11_view, stricter
from .decisions import H11, LLHTTP, WSPROTO, decision_for
from .reading import Reading, read_with_h11, read_with_llhttp, read_with_wsluice, upgrade_with_wsproto

CURES_MAX = 8  # things that can be taken out of one head
SHRINK_ROUNDS_MAX = 40


class Finding(NamedTuple):
    """A difference that no decision covers."""

    parser: str
    word: str  # of compare.py
    head: bytes
    ours: Reading
    theirs: object  # Reading, or Upgrade of wsproto

    @property
    def kind(self):
        return self.parser, self.word

    def __str__(self):
        ours = self.ours._replace(more={})
        return f"{self.parser}: {self.word}\n  head:   {self.head!r}\n  ours:   {ours}\n  theirs: {self.theirs}"


class Verdict:
    """Over all heads judged so far."""

    def __init__(self):
        self.findings = []
        self.decided = Counter()  # Decision's `what`, by parser
        self.stricter = Counter()  # parser and our reason: heads that they accept
        self.shortest = {}  # of those
        self.accepted = 0

    def add_stricter(self, parser, head, ours, theirs):
        reason = stricter(ours, theirs)
        if reason:
            self.stricter[parser, reason] += 1
            self.shortest[parser, reason] = min(head, self.shortest.get((parser, reason), head), key=len)


def found_in(head, ours, llhttp, h11):
    """(parser, word, what that parser says) of each difference."""
    readings = [(LLHTTP, llhttp, differences(ours, llhttp)), (H11, h11, differences(ours, h11, h11_view))]
    if ours.upgrade:
        upgrade = upgrade_with_wsproto(head[:ours.end])
        readings.append((WSPROTO, upgrade, differences_of_upgrade(ours, upgrade)))
    return [(parser, word, theirs) for parser, theirs, words in readings for word in words]


def refusal_of(theirs):
    return theirs.reason if isinstance(theirs, Reading) else theirs.refusal


def judge_head(verdict, head, ours, llhttp, h11):
    """Adds to the verdict; returns the head without what excuses it, where it can be taken out."""
    assert not ours.more.get("torn"), f"read otherwise byte by byte: {head!r}"
    cured = head
    for parser, word, theirs in found_in(head, ours, llhttp, h11):
        decision = decision_for(parser, word, head[:ours.end or None], ours, refusal_of(theirs))
        if decision is None:
            verdict.findings.append(Finding(parser, word, head, ours, theirs))
            continue
        verdict.decided[parser, decision.what] += 1
        if decision.cure and cured == head:
            cured = decision.cure(head, ours)
    return None if cured == head else cured


def judge(heads, verdict=None):
    """What comes of all these heads."""
    verdict = verdict or Verdict()
    for turn in range(CURES_MAX):
        readings = list(zip(heads, read_with_wsluice(heads), read_with_llhttp(heads), read_with_h11(heads)))
        if turn == 0:
            for head, ours, llhttp, h11 in readings:
                verdict.accepted += ours.verdict == "accepted"
                verdict.add_stricter(LLHTTP, head, ours, llhttp)
                verdict.add_stricter(H11, head, ours, h11)
        heads = [cured for cured in (judge_head(verdict, *reading) for reading in readings) if cured]
        if not heads:
            break
    return verdict


# --- making it short ---------------------------------------------------------------------------------


def shorter(head, size):
    return [head[:at] + head[at + size:] for at in range(0, len(head), size)]


def shrink(finding):
    """The shortest head found with a difference of the same kind, by leaving out ever smaller pieces."""
    best, size = finding, max(len(finding.head) // 2, 1)
    for _ in range(SHRINK_ROUNDS_MAX):
        found = [other for other in judge(shorter(best.head, size)).findings if other.kind == finding.kind]
        if found:
            best = min(found, key=lambda other: len(other.head))
        elif size == 1:
            break
        else:
            size = max(size // 2, 1)
    return best
