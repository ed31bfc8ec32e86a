"""Plausible wrong answers to the exercises of chapter 1, named after the misconception, with a word of the hint."""
from collections import Counter

import numpy as np


def delay(weight=5.0, transposed=False, kept=0.0, inputs=(1, 0, 0)):
    W_hh = weight * np.eye(3, k=1) + kept * np.eye(3)
    return {"W_xh": weight * np.array([inputs], float), "W_hh": W_hh.T if transposed else W_hh, "b_h": np.zeros(3)}


def ngrams(text, k):
    """Counts of each window with its next character, counts of the window alone, and all of the former in order."""
    windows = [text[i:i + k + 1] for i in range(len(text) - k)]
    return Counter(windows), Counter(w[:-1] for w in windows), windows


def joint(text, k):
    pairs, _, windows = ngrams(text, k)
    return np.exp(-np.mean([np.log(pairs[w] / len(windows)) for w in windows]))


def mean_of_inverses(text, k):
    pairs, heads, windows = ngrams(text, k)
    return np.mean([heads[w[:-1]] / pairs[w] for w in windows])


def each_pair_once(text, k):
    pairs, heads, _ = ngrams(text, k)
    return np.exp(-np.mean([np.log(pairs[w] / heads[w[:-1]]) for w in pairs]))


def end_counted(text, k):
    pairs, _, windows = ngrams(text, k)
    ends = Counter(text[i:i + k] for i in range(len(text) - k + 1))
    return np.exp(-np.mean([np.log(pairs[w] / ends[w[:-1]]) for w in windows]))


WRONG_ANSWERS = {
    "delay_weights": {
        "transposed": (lambda: delay(transposed=True), "from unit j to unit k"),
        "weights too small": (lambda: delay(weight=1.0), "shrinks"),
        "keeps instead of handing on": (lambda: delay(kept=5.0), "diagonal"),
        "input enters everywhere": (lambda: delay(inputs=(1, 1, 1)), "unit 0 alone"),
        "sign turned around": (lambda: delay(weight=-5.0), "should have the sign"),
        "shapes": (lambda: {**delay(), "W_xh": np.ones((3, 1))}, "(1, 3)"),
        "a list": (lambda: list(delay().values()), "dictionary"),
    },
    "num_params": {
        "weights for each step": (lambda q, h, T: T * (q * h + h * h + h + h * q + q), "shared over time"),
        "hidden weights for each step": (lambda q, h, T: T * (q * h + h * h + h) + h * q + q, "shared over time"),
        "no output layer": (lambda q, h, T: q * h + h * h + h, "output layer"),
        "no biases": (lambda q, h, T: q * h + h * h + h * q, "biases"),
        "no recurrence": (lambda q, h, T: q * h + h + h * q + q, "W_hh is missing"),
    },
    "position_in_text": {
        "rows one after the other": (lambda b, r, s, size, n, T: (b * n + r) * T + s, "strip of its own"),
        "row and batch changed places": (lambda b, r, s, size, n, T: b * (size // n) + r * T + s, "changed places"),
        "the target": (lambda b, r, s, size, n, T: r * (size // n) + b * T + s + 1, "to guess"),
        "strip is no whole number": (lambda b, r, s, size, n, T: r * size / n + b * T + s, "//"),
    },
    "whole_perplexity": {
        "mean of perplexities": (lambda P, n: np.mean(P), "their logarithm"),
        "weighted mean of perplexities": (lambda P, n: np.average(P, weights=n), "their logarithm"),
        "sizes ignored": (lambda P, n: np.exp(np.log(P).mean()), "weigh"),
        "stopped at the cross entropy": (lambda P, n: np.average(np.log(P), weights=n), "exponential"),
        "bases mixed": (lambda P, n: 2 ** np.average(np.log(P), weights=n), "power of 2"),
    },
    "ngram_perplexity": {
        "joint instead of conditional": (joint, "length of the text"),
        "mean of exponentials": (mean_of_inverses, "logarithms first"),
        "each pair once": (each_pair_once, "each time it occurs"),
        "the last window counted": (end_counted, "very end"),
    },
}
