"""Prints what wsluice refuses and llhttp or h11 accepts, by reason, with the shortest head of each: to look through for
anything that a real client might send.

    /usr/bin/python3 test/differential/survey.py [how many heads [seed]]
"""

import sys
from pathlib import Path
from random import Random

SHOWN_BYTES = 200


def main(count=20_000, seed=1):
    from differential.judge import judge
    from differential.mutations import head_of

    verdict = judge([head_of(Random(seed << 40 | number)) for number in range(count)])
    print(f"{count} heads: {verdict.accepted} accepted, {len(verdict.findings)} findings")
    for (parser, what), times in verdict.decided.most_common():
        print(f"{times:6} by decision, {parser}: {what}")
    for (parser, reason), heads in sorted(verdict.stricter.items(), key=lambda item: -len(item[1])):
        print(f"{len(heads):6} accepted by {parser}, refused here: {reason}\n       {min(heads, key=len)[:SHOWN_BYTES]!r}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main(*map(int, sys.argv[1:]))
