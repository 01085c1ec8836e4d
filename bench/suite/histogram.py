"""Reads the percentile tables that wsluice-bench --histogram writes (the form of HdrHistogram's plotter), and makes one
curve of several rounds'."""

from .stats import median

# Where curves are compared: 1 / (1 - percentile) on a logarithmic axis, up to one in ten thousand.
POINTS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999)
COLUMNS_MIN = 3  # value, percentile, count
US_PER_MS = 1000.0  # the table is in milliseconds, as that plotter wants it


def parse(text):
    """[(percentile from 0 to 1, microseconds)], ascending; comments and heads are passed over."""
    curve = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < COLUMNS_MIN or line.startswith("#"):
            continue
        try:
            value, percentile = float(words[0]), float(words[1])
        except ValueError:
            continue
        curve.append((percentile, value * US_PER_MS))
    return sorted(curve)


def read(path):
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError:
        return []


def value_at(curve, percentile):
    """The value that this share of the samples does not exceed; None past the curve's resolution."""
    for at, value in curve:
        if at >= percentile:
            return value
    return None


def merged(curves):
    """At each of POINTS the median over the rounds that reach it, where at least half of them do."""
    rows = []
    for point in POINTS:
        values = [value for value in (value_at(curve, point) for curve in curves) if value is not None]
        if values and 2 * len(values) >= len(curves):
            rows.append([point, median(values)])
    return rows
