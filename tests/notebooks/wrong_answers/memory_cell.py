"""Plausible wrong answers to the exercises of chapter 5, named after the misconception, with a word of the hint."""
import numpy as np


def rounded_linear(f):
    return 0.5 / (1 - np.asarray(f))


def latch(forget_bias=10.0, forget_weight=-20.0, input_bias=-10.0):
    return {"W_xi": np.array([[0.0], [20.0]]), "b_i": np.array([input_bias]),
            "W_xf": np.array([[0.0], [forget_weight]]), "b_f": np.array([forget_bias]),
            "W_xc": np.array([[5.0], [0.0]]), "b_c": np.array([0.0])}


WRONG_ANSWERS = {
    "half_life": {
        "time constant instead of half-life": (lambda f: -1 / np.log(f), "1/e"),
        "loss does not compound": (rounded_linear, "compounds"),
        "sign": (lambda f: np.log(2) / np.log(f), "positive"),
    },
    "forget_bias_for": {
        "gate instead of bias": (lambda k: 2.0 ** (-1 / k), "inside the sigmoid"),
        "shut instead of open": (lambda k: np.log(2.0 ** (1 / k) - 1), "turned around"),
    },
    "latch_weights": {
        "forget gate always open": (lambda: latch(forget_weight=0.0), "added to the new one"),
        "input gate never shut": (lambda: latch(input_bias=0.0), "leak"),
        "forget gate half open": (lambda: latch(forget_bias=1.0), "close to 1"),
    },
    "direct_path": {
        "one gate too many": (lambda F: np.cumprod(F[::-1])[::-1], "F[t + 1]"),
        "forwards": (np.cumprod, "forwards"),
    },
}
