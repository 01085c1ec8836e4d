"""Figures into Markdown. Pure: the document of results.py in, text out."""

import re

from .cells import SUBJECT

UNTOLD = "~"
VERDICTS = {"reached": "reached", "missed": "**missed**", "open": "can't tell"}

LEGEND = f"""Each figure is the median of the rounds ± their median absolute deviation. `x` is the ratio to the relay named, round by
round, with its interval of 95 % confidence; a `{UNTOLD}` before it says that the interval is too wide to tell a
difference of 5 %, and without an interval there were too few rounds to say anything. CPU is the proxy's, all its
threads and children. MB and GB are 10^6 and 10^9 bytes, KB 1024."""


def number(value):
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    for limit, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3), (0.01, 4)):
        if magnitude >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.5f}"


def with_spread(figure):
    return f"{number(figure['median'])} ± {number(figure['deviation'])}"


def ratio_words(ratio):
    if ratio is None:
        return ""
    if ratio["low"] is None:
        return f"{UNTOLD} {ratio['estimate']:.2f}"
    mark = "" if ratio["tells"] else f"{UNTOLD} "
    return f"{mark}{ratio['estimate']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"


def rows(*lines):
    """A Markdown table from its rows; the first is the head."""
    head, *body = lines
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *body))


def cell_rows(cell, titles):
    figures = cell["figures"]
    head = ["relay"]
    for index, figure in enumerate(figures):
        head.append(f"{figure['title']}, {figure['unit']}")
        if index == 0:
            head.append(f"x {cell['reference']}")
    body = []
    for name, peer in cell["peers"].items():
        if peer["figures"]:
            body.append([titles[name], *figure_words(figures, peer)])
        else:
            body.append([titles[name], why_nothing(peer), *[""] * (len(head) - 2)])
    return rows(head, *body)


def figure_words(figures, peer):
    words = []
    for index, figure in enumerate(figures):
        entry = peer["figures"][figure["key"]]
        words.append(with_spread(entry))
        if index == 0:
            words.append(ratio_words(entry["ratio"]))
    return words


def why_nothing(peer):
    if peer["skipped"]:
        return peer["skipped"]
    if peer["failures"]:
        return "failed: " + peer["failures"][-1].partition(": ")[2].replace("|", "/")
    return "not run: out of time"


def failure_notes(cell, titles):
    """Rounds that failed beside others that did not."""
    notes = []
    for name, peer in cell["peers"].items():
        if peer["figures"] and peer["failures"]:
            notes.append(f"{titles[name]}: {len(peer['failures'])} of {cell['rounds']} rounds failed "
                         f"({peer['failures'][-1]}).")
    return notes


def rounds_words(cell):
    return "1 round" if cell["rounds"] == 1 else f"{cell['rounds']} rounds"


def image_lines(names, alt):
    return [f"![{alt}]({name})" for name in names]


def cell_section(cell, titles, images):
    parts = [f"### {cell['title'][0].upper()}{cell['title'][1:]} (`{cell['name']}`, {rounds_words(cell)})"]
    parts.append(cell_rows(cell, titles))
    for target in cell["targets"]:
        parts.append(f"To reach, {target['figure']}: {target['words']}. {target_words(target)}")
    parts += failure_notes(cell, titles)
    parts += image_lines(images.get(cell["name"], ()), cell["title"])
    return "\n\n".join(parts)


def target_words(target):
    ending = "x" if target["is_ratio"] else ""
    span = f" ({number(target['low'])} to {number(target['high'])})" if target["low"] is not None else ""
    return f"Measured: {number(target['estimate'])}{ending}{span}, {VERDICTS[target['verdict']]}."


def target_rows(cells):
    body = []
    for cell in cells:
        for target in cell["targets"]:
            span = f"{number(target['low'])} to {number(target['high'])}" if target["low"] is not None else ""
            body.append([f"{cell['title']}: {target['figure']}", target["words"], number(target["estimate"]), span,
                         VERDICTS[target["verdict"]]])
    if not body:
        return ""
    return rows(["what", "to reach", "measured", "95 %", "verdict"], *body)


def overview(cells, titles):
    """One row a relay, one column a cell: the first figure's median."""
    shown = [cell for cell in cells if not cell["group"]]
    if not shown:
        return ""
    head = ["relay"] + [f"{cell['name']}: {cell['figures'][0]['title']}, {cell['figures'][0]['unit']}" for cell in shown]
    body = []
    for name, title in titles.items():
        body.append([title] + [overview_word(cell, name) for cell in shown])
    return rows(head, *body)


def overview_word(cell, name):
    peer = cell["peers"].get(name)
    if peer is None:
        return ""
    if peer["figures"]:
        return number(peer["figures"][cell["figures"][0]["key"]]["median"])
    return "failed" if peer["failures"] else "-"


def group_rows(cells, titles, key):
    """Cells of a group as one table: a column for each number of sessions."""
    figure = next(figure for figure in cells[0]["figures"] if figure["key"] == key)
    head = [f"{figure['title']}, {figure['unit']}"] + [f"{cell['connections']:,}" for cell in cells]
    body = []
    for name, title in titles.items():
        entries = [cell["peers"][name]["figures"].get(key) for cell in cells]
        if any(entries):
            body.append([title] + [number(entry["median"]) if entry else "-" for entry in entries])
    return rows(head, *body)


def group_sections(cells, titles, images):
    groups = {}
    for cell in cells:
        if cell["group"]:
            groups.setdefault(cell["group"], []).append(cell)
    for name, members in groups.items():
        tables = [group_rows(members, titles, figure["key"]) for figure in members[0]["figures"]]
        yield f"### {name.capitalize()}: from {members[0]['connections']:,} to {members[-1]['connections']:,} sessions"
        yield from tables
        yield from image_lines(images.get(name, ()), name)


def machine_words(machine):
    apart = "on processors of their own" if machine["peer_and_load_apart"] else "**on the same processor**"
    return (f"{machine['cpu']}, {machine['processors']} processors{' (virtual)' if machine['virtual'] else ''}, "
            f"{machine['memory_gb']} GB, {machine['kernel']} (TCP: {machine['congestion_control']}), "
            f"{machine['distribution']}; {machine['date']}, commit "
            f"{machine['commit']}. Proxy (one processor) and load {apart}; load average before: "
            f"{machine['load_average_before']}.")


def peer_rows(peers):
    body = [[peer["title"], peer["scheme"], peer["missing"] or peer["version"]] for peer in peers]
    return rows(["relay", "speaks", "version"], *body)


def markdown(document, images):
    titles = {peer["name"]: peer["title"] for peer in document["peers"] if not peer["missing"]}
    cells = document["cells"]
    parts = ["# Results of `make bench`", machine_words(document["machine"]), LEGEND]
    targets = target_rows(cells)
    if targets:
        parts += [f"## What {SUBJECT} is to reach", targets]
    parts += ["## Overview", overview(cells, titles), "## Cell by cell"]
    parts += [cell_section(cell, titles, images) for cell in cells if not cell["group"]]
    parts += group_sections(cells, titles, images)
    parts += ["## Versions", peer_rows(document["peers"])]
    return "\n\n".join(part for part in parts if part) + "\n"


PLACE = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def fill_in(text, document):
    """Another document with its places for figures (<!-- bench:NAME --> to <!-- /bench -->) filled in."""
    titles = {peer["name"]: peer["title"] for peer in document["peers"] if not peer["missing"]}
    cells = document["cells"]
    parts = {
        "machine": lambda: machine_words(document["machine"]),
        "targets": lambda: target_rows(cells),
        "overview": lambda: overview(cells, titles),
        "growth": lambda: "\n\n".join(part for part in group_sections(cells, titles, {}) if not part.startswith("#")),
    }
    return PLACE.sub(lambda found: f"{found[1]}\n{parts[found[2]]()}\n\n{found[3]}", text)


def summary(document):
    """For the terminal: relays down, cells across, each first figure with its ratio; failures below."""
    titles = {peer["name"]: peer["name"] for peer in document["peers"] if not peer["missing"]}
    lines = []
    for cell in document["cells"]:
        figure = cell["figures"][0]
        lines.append(f"\n{cell['title']}: {figure['title']}, {figure['unit']} ({rounds_words(cell)})")
        for name in titles:
            peer = cell["peers"][name]
            entry = peer["figures"].get(figure["key"])
            words = f"{with_spread(entry):>20}  {ratio_words(entry['ratio'])}" if entry else f"  {why_nothing(peer)}"
            lines.append(f"  {name:16}{words}")
    return "\n".join(lines)
