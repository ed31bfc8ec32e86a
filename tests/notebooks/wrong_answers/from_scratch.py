"""Plausible wrong answers to the exercises of chapter 7, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.losses import softmax

D2L = {"optimizer": "sgd", "lr": 100.0, "clip": 0.01, "sigma": 0.01, "forget_bias": 0.0}


def num_weights(d, h, parts=4, biases=1):
    return parts * (d * h + h * h + biases * h) + h * d + d


def draw(y, temperature, u):
    return int(np.argmax(np.cumsum(softmax(y / temperature)) > u))


WRONG_ANSWERS = {
    "num_weights": {
        "no output layer": (lambda d, h: 4 * (d * h + h * h + h), "output layer"),
        "gates share weights": (lambda d, h: num_weights(d, h, parts=1), "of its own"),
        "candidate forgotten": (lambda d, h: num_weights(d, h, parts=3), "candidate"),
        "two biases": (lambda d, h: num_weights(d, h, biases=2), "two biases"),
    },
    "draw": {
        "greedy": (lambda y, temperature, u: int(np.argmax(y)), "depend on u"),
        "times temperature": (lambda y, temperature, u: draw(y, 1 / temperature, u), "divides the scores"),
        "temperature cancels": (lambda y, temperature, u: draw(y, 1.0, u), "does not seem to count"),
    },
    "words": {
        "split at spaces": (lambda text: text.lower().split(), "stick"),
        "marks dropped": (lambda text: "".join(c for c in text.lower() if c.isalpha() or c in " '\n").split(), "vanish"),
        "characters": (lambda text: list(text.lower()), "characters"),
    },
    "settings": {
        "d2l's own": (lambda: D2L, "changes the steps"),
        "Adam at SGD's rate": (lambda: {**D2L, "optimizer": "adam"}, "shorter"),
    },
    "forecast": {
        "repeats the last value": (lambda past, future: np.append(past[-1], future[:-1]), "below 0.25"),
        "looks ahead": (lambda past, future: future, "come after it"),
    },
}
