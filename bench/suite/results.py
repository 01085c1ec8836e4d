"""Rounds into figures: the document that is written as JSON, and read again by table and plots. It holds every
value of every round, so that others can compute what we did not."""

from dataclasses import asdict

from . import histogram
from .cells import REFERENCE, SUBJECT
from .rounds import PRECISION, reference_of
from .stats import deviation, median, paired_ratio, verdict

FORMAT = 1
NOTHING = 1e-3  # instead of 0, which has no logarithm; less than any target's unit can tell


def ratio_entry(ratio):
    return None if ratio is None else {**asdict(ratio), "tells": ratio.tells(PRECISION)}


def figure_entry(figure, series, reference):
    values = {number: value * figure.scale for number, value in series.values(figure.key).items()}
    entry = {
        "median": median(values.values()),
        "deviation": deviation(values.values()),
        "values": {str(number): value for number, value in values.items()},
        "ratio": None,
    }
    if reference is not None and reference is not series:
        scaled = {number: value * figure.scale for number, value in reference.values(figure.key).items()}
        entry["ratio"] = ratio_entry(paired_ratio(values, scaled))
    return entry


def peer_entry(cell, series, reference):
    entry = {"skipped": series.skipped, "failures": [], "figures": {}, "percentiles": []}
    entry["failures"] = [f"round {number + 1}: {reason}" for number, reason in sorted(series.failures.items())]
    if series.samples:
        entry["figures"] = {figure.key: figure_entry(figure, series, reference) for figure in cell.figures}
        entry["percentiles"] = histogram.merged([sample.percentiles for sample in series.samples.values()])
    return entry


def target_entry(cell, target, series, reference):
    """What DESIGN asks of wsluice here, and how that stands."""
    figure = target.figure or cell.figures[0]
    values = {number: value * figure.scale for number, value in series.values(figure.key).items()}
    if target.is_ratio:
        base = {number: value * figure.scale for number, value in reference.values(figure.key).items()}
    else:
        values = {number: max(value, NOTHING) for number, value in values.items()}
        base = dict.fromkeys(values, 1.0)
    ratio = paired_ratio(values, base)
    if ratio is None:
        return None
    return {
        "figure": figure.title,
        "words": target.words(figure.unit),
        "limit": target.limit,
        "is_ratio": target.is_ratio,
        "estimate": ratio.estimate,
        "low": ratio.low,
        "high": ratio.high,
        "verdict": verdict(ratio.low, ratio.high, target.limit),
    }


def targets_of(cell, series, reference, reference_name):
    """None where wsluice, or the floor that a ratio is to, was not measured."""
    if SUBJECT not in series:
        return []
    wanted = [target for target in cell.targets if not target.is_ratio or reference_name == REFERENCE]
    entries = [target_entry(cell, target, series[SUBJECT], reference) for target in wanted]
    return [entry for entry in entries if entry]


def cell_entry(cell, peers, played):
    """One cell's part of the document; `played` is its CellRounds."""
    asked = [peer for peer in peers if played.series[peer.name].samples]
    reference_name = reference_of(asked, played.wanted_reference) if asked else ""
    reference = played.series.get(reference_name)
    return {
        "name": cell.name,
        "title": cell.title,
        "group": cell.group,
        "connections": cell.connections,
        "options": list(cell.options),
        "peer_options": {name: list(words) for name, words in cell.peer_options.items()},
        "figures": [
            {"key": figure.key, "title": figure.title, "unit": figure.unit, "sense": figure.sense}
            for figure in cell.figures
        ],
        "rounds": played.rounds,
        "reference": reference_name,
        "targets": targets_of(cell, played.series, reference, reference_name),
        "peers": {peer.name: peer_entry(cell, played.series[peer.name], reference) for peer in peers},
    }


def document(machine, settings, peers, cells):
    return {"format": FORMAT, "machine": machine, "settings": settings, "peers": peers, "cells": cells}
