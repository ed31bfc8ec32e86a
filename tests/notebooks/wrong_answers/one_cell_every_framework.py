"""Plausible wrong answers to the exercises of chapter 18, named after the misconception, with a word of the hint."""
import numpy as np


def inverse(W, source, target):
    return np.concatenate([np.split(W, 4)[target.index(g)] for g in source])


def collect(W):
    return np.concatenate([W[k::4] for k in range(4)])


def with_change(change):
    return lambda b, order, added: np.concatenate([b[g] + change(g, added) for g in order])


WRONG_ANSWERS = {
    "reorder": {
        "the inverse permutation": (inverse, "turned around"),
        "nothing done": (lambda W, source, target: W, "nothing has moved"),
    },
    "interleave": {
        "the way back": (collect, "every fourth row"),
        "reshape alone": (lambda W: W.reshape(-1, 4, *W.shape[1:]).reshape(W.shape), "change places"),
    },
    "stored_bias": {
        "added twice": (with_change(lambda g, added: added * (g == "f")), "adds it again"),
        "left alone": (with_change(lambda g, added: 0), "must be smaller"),
        "taken from all gates": (with_change(lambda g, added: -added), "only the forget gate"),
    },
}
