"""Plausible wrong answers to the exercises of chapter 12, named after the misconception, with a word of the hint."""
import numpy as np


def adder(gate=30.0, input_bias=-15.0, forget_bias=15.0, scale=0.1):
    return {"W_xi": np.array([[0.0], [gate]]), "b_i": np.array([input_bias]),
            "W_xf": np.zeros((2, 1)), "b_f": np.array([forget_bias]),
            "W_xo": np.zeros((2, 1)), "b_o": np.array([15.0]),
            "W_xc": np.array([[scale], [0.0]]), "b_c": np.zeros(1),
            "W_hq": np.array([[0.25 / scale]]), "b_q": np.array([0.5])}


def with_other(**weights):
    return {**adder(), **{name: np.array(value) for name, value in weights.items()}}


def by_loop(level, a, f):
    """Waits long enough for rounding to reach the bound."""
    C = 0.0
    for steps in range(1000):
        if C >= level:
            return steps
        C = f * C + a
    return np.inf


def logit(i):
    return np.log(i / (1 - i))


def without_forgetting(level, a, f):
    return int(np.ceil(level / a))


def always(level, a, f):
    return 1 if f == 1 and level <= a else np.inf


def one_late(level, a, f):
    if f < 1 and level >= a / (1 - f):
        return np.inf
    C, steps = 0.0, 0
    while C <= level:
        C, steps = f * C + a, steps + 1
    return steps


WRONG_ANSWERS = {
    "error_knowing": {
        "the sum, not a quarter of it": (lambda k: [2 / 3, 1 / 2, 0][k], "quarter"),
        "absolute values added": (lambda k: (2 - k) / 8, "cancels"),
        "standard deviation": (lambda k: np.sqrt((2 - k) / 3) / 4, "standard deviation"),
        "squared error": (lambda k: (2 - k) / 48, "squared"),
    },
    "adder_weights": {
        "a gate that does not open": (lambda: adder(gate=10.0), "has to open"),
        "a gate that leaks": (lambda: adder(gate=12.0, input_bias=-4.0), "leak"),
        "forgets": (lambda: adder(forget_bias=5.0), "of what was stored"),
        "no regard for tanh": (lambda: adder(scale=1.0), "tanh is nearly straight"),
        "the sum, not a quarter of it": (lambda: with_other(W_hq=[[10.0]]), "a quarter of the sum"),
        "output gate at one half": (lambda: with_other(b_o=[0.0]), "takes its share"),
    },
    "input_bias_for": {
        "gate instead of bias": (lambda g, k, w: 2 * (g ** (1 / k) - 1) / w, "inside the sigmoid"),
        "no output gate": (lambda g, k, w: logit((g ** (1 / k) - 1) / w), "output gate"),
        "growth does not compound": (lambda g, k, w: logit(2 * (g - 1) / k / w), "compounds"),
        "opens instead of shuts": (lambda g, k, w: -logit(2 * (g ** (1 / k) - 1) / w), "turned around"),
    },
    "steps_until": {
        "nothing is forgotten": (without_forgetting, "its share"),
        "not whole steps": (lambda level, a, f: level / a, "whole steps"),
        "never": (always, "does get to"),
        "the bound by rounding": (by_loop, "but for rounding"),
        "above instead of at": (one_late, "need not be above"),
    },
}
