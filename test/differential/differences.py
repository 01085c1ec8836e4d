"""Writes docs/DIFFERENCES.md from the tables of decisions.

    /usr/bin/python3 test/differential/differences.py            # writes it (make conformance-doc)
    /usr/bin/python3 test/differential/differences.py --check    # says whether it is up to date
"""

import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "docs" / "DIFFERENCES.md"
TABLE_HEAD = "| what | wsluice | others | section | why |\n|---|---|---|---|---|\n"
INTRODUCTION = """\
# Differences

Where wsluice reads a request or a frame on purpose otherwise than other parsers. This page is generated from the tables
in `test/differential/` by `make conformance-doc`; a test holds it to them.

`make test T=differential` draws request heads (as clients send them, bent where parsers are known to differ, and with
random bytes) and gives them to wsluice, to Node's llhttp (strict), to h11, and what is an upgrade to wsproto. It fails
where wsluice accepts what another refuses, sees another method, target, version, field or end of the head, or takes
the bytes behind it for something else, unless this page says so. Refusing more than others is no difference. Streams
of frames go to wsluice and to wsproto in the same pieces; there everything must be the same but for what is said here.

"""


def cell(text):
    return text.replace("|", "\\|")


def table(decisions):
    rows = (
        f"| {cell(one.what)} | {cell(one.ours)} | {', '.join(one.parsers)}: {cell(one.theirs)} | {one.section} "
        f"| {cell(one.reason)} |\n" for one in decisions)
    return TABLE_HEAD + "".join(rows)


def document():
    """The whole page."""
    from differential.decisions import DECISIONS
    from differential.frame_decisions import FRAME_DECISIONS

    return f"{INTRODUCTION}## Request heads\n\n{table(DECISIONS)}\n## Frames\n\n{table(FRAME_DECISIONS)}"


def main(arguments):
    wanted = document()
    if "--check" not in arguments:
        TARGET.write_text(wanted)
        return 0
    if TARGET.exists() and TARGET.read_text() == wanted:
        return 0
    print("docs/DIFFERENCES.md is not what the tables say: run `make conformance-doc`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main(sys.argv[1:]))
