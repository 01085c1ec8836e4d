"""Prints what wsluice refuses and llhttp or h11 accepts, by reason, with the shortest head of each: to look through for
anything that a real client might send.

    /usr/bin/python3 test/differential/survey.py [how many heads [seed]]
"""

import sys
from pathlib import Path
from random import Random

SHOWN_BYTES = 200
BATCH = 10_000


def main(count=20_000, seed=1):
    from differential.judge import Verdict, judge
    from differential.mutations import head_of

    verdict = Verdict()
    for start in range(0, count, BATCH):
        judge([head_of(Random(seed << 40 | number)) for number in range(start, min(start + BATCH, count))], verdict)
    print(f"{count} heads: {verdict.accepted} accepted, {len(verdict.findings)} findings")
    for finding in verdict.findings:
        print(finding)
    for (parser, what), times in verdict.decided.most_common():
        print(f"{times:6} by decision, {parser}: {what}")
    for (parser, reason), times in verdict.stricter.most_common():
        print(f"{times:6} accepted by {parser}, refused here: {reason}")
        print(f"       {verdict.shortest[parser, reason][:SHOWN_BYTES]!r}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main(*map(int, sys.argv[1:]))
