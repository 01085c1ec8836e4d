"""Writes docs/CONFORMANCE.md from the cases: a table for every section, a row for every demand.

    python3 test/conformance/document.py            # writes it (make conformance-doc)
    python3 test/conformance/document.py --check    # says whether it is up to date
"""

import importlib
import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "docs" / "CONFORMANCE.md"
TABLE_HEAD = "| section | level | demand | outcome | cases |\n|---|---|---|---|---|\n"
IDS_SHOWN = 4  # of a demand's cases; more are counted
SUITE_AREAS = [
    # The public WebSocket suite's sections, and our areas that stand for them.
    ("1 Framing", ("framing",)), ("2 Pings and pongs", ("pings",)), ("3 Reserved bits", ("reserved bits",)),
    ("4 Opcodes", ("opcodes",)), ("5 Fragmentation", ("fragmentation",)), ("6 UTF-8 handling", ("utf-8",)),
    ("7 Close handling", ("close handling",)), ("9 Limits and performance", ("limits and sizes",)),
    ("10 Autofragmentation and others", ("fragmentation", "limits and sizes")),
    ("12, 13 Compression", ("extensions",)),
]

INTRODUCTION = """\
# Conformance

What the RFCs demand of a server, and the cases that show it. This page is generated from the cases in
`test/conformance/` by `make conformance-doc`; a test holds it to them.

Every case runs over `ws` and over `wss` (a record for each chunk), at every chunking of its bytes: as one write, cut
in two at every place, byte by byte, and at random places; streams of more than {every_split_max} places are cut in two
in and around the headers of their frames and the beginnings of their lines instead, and lines that nearly all
requests have (Host: h) are cut at every place by some cases, by the others at their ends. Chunks arrive apart: the
next one leaves when the server has read the one before. Seen are all frames and responses of the server, all bytes
that the backend gets, and how the streams of both end: by FIN (over TLS close_notify and FIN) or by a reset. In every
frame of the server, in every case, are looked for: a mask, reserved bits, a length not in its shortest form, a control
frame that is too long or a fragment, an unknown opcode, a frame behind its Close. In every response: the grammar of
its lines, the version, a field that is there twice, the Date, a length that is not the body's, content without a type,
an error without words, a transfer coding, connection options, fields that its status demands, and whether anything
follows behind one that says close.

{cases} cases make {sessions} sessions. `make test T=conformance` runs them, under ASan and UBSan with a sample of
the chunkings.

A demand without a word such as MUST in the RFC has no level. "Outcome" says what wsluice does where the RFC leaves a
choice, or what is looked at. A demand that no case serves has a reason instead.

## The areas of the public suite

The sections of the Autobahn TestSuite, and how many cases here are of the same area. Compression is out: wsluice
offers no extension (see section 9), so its cases are those that show just that.

"""


def modules():
    """All modules of cases."""
    return [importlib.import_module(f"conformance.{path.stem}") for path in sorted(HERE.glob("cases_*.py"))]


def section_key(section):
    """ "RFC 6455 5.10" behind "RFC 6455 5.9"; text without numbers last."""
    rfc, _, number = section.removeprefix("RFC ").partition(" ")
    return [int(part) if part.isdigit() else 999 for part in [rfc, *re.split(r"[.\s]", number)]]


def part_of(section):
    """The heading under which a section stands: "RFC 6455 5" of "RFC 6455 5.5.1"."""
    return section.partition(".")[0]


def rows(found):
    """Demand to its cases, by section; a demand without cases has none."""
    demands = {}
    for module in found:
        for case in module.CASES:
            demands.setdefault(case.demand, []).append(case.id)
        for demand in module.UNTESTED:
            demands.setdefault(demand, [])
    return sorted(demands.items(), key=lambda item: section_key(item[0].section))


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def shown_ids(ids):
    shown = ", ".join(f"`{name}`" for name in ids[:IDS_SHOWN])
    return shown + (f" and {len(ids) - IDS_SHOWN} more" if len(ids) > IDS_SHOWN else "")


def demand_row(demand, ids):
    cases = cell(shown_ids(ids)) if ids else f"none: {cell(demand.reason)}"
    section = demand.section.removeprefix(part_of(demand.section).rpartition(" ")[0]).strip()
    return f"| {section} | {demand.level} | {cell(demand.text)} | {cell(demand.outcome)} | {cases} |"


def session_count(found):
    """Sessions of all cases, both transports together, on a build without sanitizers."""
    from conformance.chunking import every_chunking
    from conformance.engine import pieces_of

    def sessions(case):
        return len(case.transports) * sum(1 for _ in every_chunking(pieces_of(case), case.id, sample=False))

    return sum(sessions(case) for module in found for case in module.CASES)


def document():
    """The whole page."""
    from conformance.chunking import EVERY_SPLIT_MAX

    found = modules()
    cases = [case for module in found for case in module.CASES]
    areas = Counter(case.area for case in cases)
    text = INTRODUCTION.format(cases=len(cases), sessions=f"{session_count(found):,}", every_split_max=EVERY_SPLIT_MAX)
    text += "| section of the suite | cases here |\n|---|---|\n"
    text += "".join(f"| {title} | {sum(areas[area] for area in ours)} |\n" for title, ours in SUITE_AREAS)
    part = None
    for demand, ids in rows(found):
        if part_of(demand.section) != part:
            part = part_of(demand.section)
            rfc, number = part.rsplit(" ", 1)
            text += f"\n## {rfc}, section {number}\n\n{TABLE_HEAD}"
        text += demand_row(demand, ids) + "\n"
    return text


def main(arguments):
    wanted = document()
    if "--check" not in arguments:
        TARGET.write_text(wanted)
        return 0
    if TARGET.exists() and TARGET.read_text() == wanted:
        return 0
    print("docs/CONFORMANCE.md is not what the cases say: run `make conformance-doc`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    sys.exit(main(sys.argv[1:]))
