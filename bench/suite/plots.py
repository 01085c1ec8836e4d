"""Figures into SVG, by gnuplot: bars with whiskers for each cell, curves of latency, growth over sessions.

gnuplot draws in one ink on one paper; a style sheet added afterwards turns both dark where the reader's system
is. Colours of data are readable on either.
"""

import math
import re
import shutil
import subprocess

from .cells import REFERENCE, SUBJECT
from .stats import quantile
from .table import number

INK = "#24292f"
PAPER = "#ffffff"
GRID = "#c4c9cf"
DARK = {"ink": "#e6edf3", "paper": "#0d1117", "grid": "#3d444d"}
ACCENT = "#e8590c"
FLOOR = "#8a939c"
OTHERS = "#3b82d0"
LINES = ("#3b82d0", "#2f9e44", "#9c6ade", "#d6336c", "#0c9aa8", "#b08800", "#74a8e0", "#7a5c3e", "#5c7cfa", "#82b366")
WIDTH = 900
ROW_HEIGHT = 34
MARGIN_HEIGHT = 110
CURVE_HEIGHT = 470
LOG_FROM = 15.0  # the largest value over the smallest from which an axis is logarithmic
FONT = "Helvetica,13"
GNUPLOT_SECONDS = 30
# gnuplot takes the texts of ticks for formats: %% is a percent sign.
PERCENTILE_TICKS = ((0.5, "50 %%"), (0.9, "90 %%"), (0.99, "99 %%"), (0.999, "99.9 %%"), (0.9999, "99.99 %%"))


def have_gnuplot():
    return shutil.which("gnuplot") is not None


def quoted(text):
    """As gnuplot reads a string that is taken as it stands."""
    return "'" + text.replace("'", "''") + "'"


def head(path, height, title):
    return [
        f"set terminal svg size {WIDTH},{height} dynamic font '{FONT}' background '{PAPER}' linewidth 1.2 noenhanced",
        f"set output {quoted(str(path))}",
        f"set title {quoted(title[0].upper() + title[1:])} textcolor rgb '{INK}'",
        f"set border 3 linecolor rgb '{INK}'",
        f"set tics nomirror out textcolor rgb '{INK}'",
        f"set grid linecolor rgb '{GRID}' linewidth 0.6",
        f"set key outside right top vertical Left reverse samplen 2 width -4 textcolor rgb '{INK}'",
    ]


def run_gnuplot(lines, path):
    done = subprocess.run(
        ["gnuplot"], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=GNUPLOT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"gnuplot: {done.stderr.strip()}")
    path.write_text(with_dark_style(path.read_text(encoding="utf-8")), encoding="utf-8")


def rgb(colour):
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def with_dark_style(svg):
    """A style sheet that turns ink, grid and paper, and these only, into their dark counterparts."""
    rules = ""
    for name, colour in (("ink", INK), ("grid", GRID), ("paper", PAPER)):
        red, green, blue = rgb(colour)
        svg = re.sub(rf"rgb\(\s*{red},\s*{green},\s*{blue}\)", colour, svg)
        rules += "".join(f"[{attribute}='{colour}']{{{attribute}:{DARK[name]}}}" for attribute in ("stroke", "fill"))
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    return re.sub(r"(<svg[^>]*>)", lambda found: found[1] + "\n" + style, svg, count=1)


def colour_of(peer):
    if peer["name"] == SUBJECT:
        return ACCENT
    return FLOOR if peer["scheme"] == "tcp" else OTHERS


def axis(values):
    """(begin, end, is logarithmic) of an axis that holds these values and some room for labels."""
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        begin = 10 ** math.floor(math.log10(low * 0.7))
        return begin, high * (high / begin) ** 0.14, True
    return 0, (high or 1) * 1.18, False


def bar_data(cell, peers):
    """(peer, median, lower quartile, upper quartile), the cheapest on top."""
    figure = cell["figures"][0]
    bars = []
    for peer in peers:
        entry = cell["peers"].get(peer["name"], {}).get("figures", {}).get(figure["key"])
        if entry:
            values = list(entry["values"].values())
            bars.append((peer, entry["median"], quantile(values, 0.25), quantile(values, 0.75)))
    return sorted(bars, key=lambda bar: bar[1])


def draw_bars(cell, peers, path):
    """Horizontal bars of the first figure's medians; whiskers reach over the middle half of the rounds."""
    bars = bar_data(cell, peers)
    if not bars:
        return False
    figure = cell["figures"][0]
    begin, end, is_log = axis([value for _, *values in bars for value in values])
    lines = head(path, MARGIN_HEIGHT + ROW_HEIGHT * len(bars), cell["title"])
    count = len(bars)
    labels = ", ".join(f"{quoted(peer['title'])} {count - row}" for row, (peer, *_) in enumerate(bars))
    lines += [
        f"set ytics ({labels})",
        f"set xlabel {quoted(figure['title'] + ', ' + figure['unit'])} textcolor rgb '{INK}'",
        f"set xrange [{begin}:{end}]",
        f"set yrange [0.3:{count + 0.7}]",
        "unset key",
        "set grid xtics noytics",
        "set style fill solid 1.0 noborder",
    ]
    if is_log:
        lines.append("set logscale x 10")
    for row, (peer, middle, low, high) in enumerate(bars):
        at = count - row
        lines += [
            f"set object {row + 1} rectangle from {begin},{at - 0.31} to {middle},{at + 0.31} "
            f"fillcolor rgb '{colour_of(peer)}' fillstyle solid noborder back",
            f"set arrow from {low},{at} to {high},{at} heads size graph 0.004,90 linecolor rgb '{INK}' linewidth 1.1 front",
            f"set label {quoted(number(middle))} at {max(middle, high)},{at} offset 0.8,0 textcolor rgb '{INK}' front",
        ]
    run_gnuplot([*lines, f"plot NaN linecolor rgb '{INK}' notitle"], path)
    return True


def line_style(index, peer):
    if peer["name"] == SUBJECT:
        return f"linecolor rgb '{ACCENT}' linewidth 3 pointtype 7 pointsize 0.6"
    if peer["name"] == REFERENCE:
        return f"linecolor rgb '{FLOOR}' linewidth 2.6 pointtype 5 pointsize 0.5"
    dashes = "dashtype 2 " if peer["scheme"] == "tcp" else ""
    return f"linecolor rgb '{LINES[index % len(LINES)]}' {dashes}linewidth 1.5 pointtype {index % 13 + 4} pointsize 0.5"


def plot_curves(lines, curves, path):
    """curves: (peer, [(x, y)]); each is a named block of data in the script itself. wsluice comes last, on top."""
    plots = []
    curves = sorted(curves, key=lambda curve: curve[0]["name"] == SUBJECT)
    for index, (peer, points) in enumerate(curves):
        lines.append(f"$curve{index} << EOD")
        lines += [f"{x} {y}" for x, y in points]
        lines.append("EOD")
        plots.append(f"$curve{index} with linespoints {line_style(index, peer)} title {quoted(peer['title'])}")
    run_gnuplot([*lines, "plot " + ", ".join(plots)], path)


def draw_latency(cell, peers, path):
    """Latency over percentiles, both axes logarithmic (the percentiles' in 1 / (1 - p), as is the custom)."""
    curves = []
    for peer in peers:
        rows = cell["peers"].get(peer["name"], {}).get("percentiles") or []
        points = [(1 / (1 - at), value) for at, value in rows if value > 0]
        if points:
            curves.append((peer, points))
    if not curves:
        return False
    last = max(x for _, points in curves for x, _ in points)
    ticks = ", ".join(f"'{label}' {1 / (1 - at):.6g}" for at, label in PERCENTILE_TICKS if 1 / (1 - at) <= last * 1.01)
    lines = head(path, CURVE_HEIGHT, f"{cell['title']}: latency")
    lines += [
        "set logscale xy 10",
        "set format y '%.0f'",
        f"set xtics ({ticks})",
        "set xlabel 'percentile'",
        "set ylabel 'latency, us'",
        f"set xrange [1:{last}]",
    ]
    plot_curves(inked_labels(lines), curves, path)
    return True


def inked_labels(lines):
    return [f"{line} textcolor rgb '{INK}'" if line.startswith(("set xlabel", "set ylabel")) else line for line in lines]


def draw_growth(members, figure, peers, path):
    curves = []
    for peer in peers:
        points = []
        for cell in members:
            entry = cell["peers"].get(peer["name"], {}).get("figures", {}).get(figure["key"])
            if entry and entry["median"] > 0:
                points.append((cell["connections"], entry["median"]))
        if len(points) > 1:
            curves.append((peer, points))
    if not curves:
        return False
    lines = head(path, CURVE_HEIGHT, f"{figure['title']} over the number of sessions")
    lines += [
        "set logscale xy 10",
        "set format xy '%.0f'",
        "set xlabel 'sessions'",
        f"set ylabel {quoted(figure['title'] + ', ' + figure['unit'])}",
    ]
    plot_curves(inked_labels(lines), curves, path)
    return True


def draw(document, folder):
    """Draws what the document has; {cell or group: [names of files]}, nothing without gnuplot."""
    images = {}
    if not have_gnuplot():
        return images
    peers = [peer for peer in document["peers"] if not peer["missing"]]
    groups = {}
    for cell in document["cells"]:
        if cell["group"]:
            groups.setdefault(cell["group"], []).append(cell)
            continue
        drawn = [(f"{cell['name']}.svg", draw_bars), (f"{cell['name']}-latency.svg", draw_latency)]
        images[cell["name"]] = [name for name, how in drawn if how(cell, peers, folder / name)]
    for group, members in groups.items():
        images[group] = []
        for figure in members[0]["figures"]:
            name = f"{group}-{figure['key'].replace('.', '-').replace('_', '-')}.svg"
            if draw_growth(members, figure, peers, folder / name):
                images[group].append(name)
    return images
