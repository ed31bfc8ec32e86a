"""Plausible wrong answers to the exercises of chapter 13, named after the misconception, with a word of the hint."""
import numpy as np


def detector(directions=(False, True), thresholds=None, base=lambda p: max(p.mean(), 1 - p.mean())):
    def as_detector(values, pattern):
        tried = values if thresholds is None else thresholds(values)
        right = [((values > theta) == (pattern == 1)).mean() for theta in tried]
        return max(1 - r if turned else r for r in right for turned in directions), base(pattern)
    return as_detector


def holding(bias=lambda value: np.log(value / (1 - value)), parts=("W_x", "W_h"), rows=False):
    def hold_gate(params, gate, unit, value):
        held = {name: w.copy() for name, w in params.items()}
        for part in parts:
            if rows and part == "W_h":
                held[f"{part}{gate}"][unit] = 0
            else:
                held[f"{part}{gate}"][:, unit] = 0
        held[f"b_{gate}"][unit] = bias(value)
        return held
    return hold_gate


def held_for_all(params, gate, unit, value):
    held = {name: w.copy() for name, w in params.items()}
    for part in ("W_x", "W_h"):
        held[f"{part}{gate}"][...] = 0
    held[f"b_{gate}"][...] = np.log(value / (1 - value))
    return held


def in_place(params, gate, unit, value):
    for part in ("W_x", "W_h"):
        params[f"{part}{gate}"][:, unit] = 0
    params[f"b_{gate}"][unit] = np.log(value / (1 - value))
    return params


def entry(d_X, k):
    return d_X[np.arange(len(k)), k]


WRONG_ANSWERS = {
    "saturated": {
        "one number for all units": (lambda gate: ((gate < 0.1).mean(), (gate > 0.9).mean()), "each unit"),
        "per step": (lambda gate: ((gate < 0.1).mean(axis=1), (gate > 0.9).mean(axis=1)), "first axis"),
        "the other way round": (lambda gate: ((gate > 0.9).mean(axis=0), (gate < 0.1).mean(axis=0)), "comes first"),
        "counts": (lambda gate: ((gate < 0.1).sum(axis=0), (gate > 0.9).sum(axis=0)), "divide"),
    },
    "as_detector": {
        "one direction": (detector(directions=(False,)), "both directions"),
        "the rival is the pattern": (detector(base=lambda p: p.mean()), "commoner answer"),
        "the rival is a coin": (detector(base=lambda p: 0.5), "coin"),
        "a threshold at the mean": (detector(thresholds=lambda v: [v.mean()]), "every threshold"),
    },
    "hold_gate": {
        "the value as bias": (holding(bias=lambda value: value), "inside the sigmoid"),
        "a row instead of a column": (holding(rows=True), "column"),
        "still recurrent": (holding(parts=("W_x",)), "hidden state"),
        "still reading": (holding(parts=("W_h",)), "input"),
        "all units": (held_for_all, "nothing to do"),
        "in place": (in_place, "copy"),
    },
    "predicted_change": {
        "the old one stays": (lambda d_X, old, new: entry(d_X, new), "goes away"),
        "sign": (lambda d_X, old, new: entry(d_X, old) - entry(d_X, new), "turned around"),
        "norm": (lambda d_X, old, new: np.linalg.norm(d_X, axis=1), "steep"),
    },
}
