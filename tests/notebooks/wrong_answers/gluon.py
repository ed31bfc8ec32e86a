"""Plausible wrong answers to the exercises of chapter 8, named after the misconception, with a word of the hint."""
import numpy as np


def named(blocks, order="ifco"):
    return {f"W_x{gate}": block for gate, block in zip(order, blocks)}


def transposed(blocks):
    return [block.T for block in blocks]


def reordered(order):
    return lambda stacked: np.concatenate([np.split(stacked, 4)["ifco".index(gate)] for gate in order])


def moves(rest, bias, k, lr, clip, norm, copies, always=False):
    scale = clip / norm if always else min(1.0, clip / norm)
    return lr * scale * rest, copies * lr * scale * bias


WRONG_ANSWERS = {
    "input_weights": {
        "order i f o c": (lambda w: named(transposed(np.split(w, 4)), "ifoc"), "third block"),
        "not transposed": (lambda w: named(np.split(w, 4)), "transposed"),
        "interleaved": (lambda w: named([w[k::4].T for k in range(4)]), "interleaved"),
        "reshaped": (lambda w: named([b.reshape(b.shape[::-1]) for b in np.split(w, 4)]), "reshape"),
        "a list": (lambda w: transposed(np.split(w, 4)), "dictionary"),
    },
    "to_onnx_order": {
        "permutation backwards": (reordered("icof"), "backwards"),
        "believes Gluon has i f o c": (reordered("icfo"), "third block"),
        "only the last two": (reordered("ifoc"), "second"),
    },
    "multiply_adds": {
        "an LSTM has three gates": (lambda cell, d, h, n: {"rnn": 1, "gru": 2, "lstm": 3}[cell] * n * (d + h) * h, "candidate"),
        "counts the biases": (lambda cell, d, h, n: {"rnn": 1, "gru": 3, "lstm": 4}[cell] * n * (d + h + 1) * h, "bias"),
        "one gate": (lambda cell, d, h, n: n * (d + h) * h, "one gate"),
        "one example": (lambda cell, d, h, n: {"rnn": 1, "gru": 3, "lstm": 4}[cell] * (d + h) * h, "minibatch"),
        "no recurrent product": (lambda cell, d, h, n: {"rnn": 1, "gru": 3, "lstm": 4}[cell] * n * d * h, "hidden state"),
    },
    "clipped_step": {
        "norm counts the bias once": (lambda r, b, k, lr, c: moves(r, b, k, lr, c, np.hypot(r, b), k), "enters the norm"),
        "sum moves once": (lambda r, b, k, lr, c: moves(r, b, k, lr, c, np.hypot(r, np.sqrt(k) * b), 1), "take the step"),
        "always clips": (lambda r, b, k, lr, c: moves(r, b, k, lr, c, np.hypot(r, np.sqrt(k) * b), k, True), "within"),
        "norms add": (lambda r, b, k, lr, c: moves(r, b, k, lr, c, r + k * b, k), "sum of squares"),
    },
    "bias_scale": {
        "k instead of its root": (lambda k: k, "acts twice"),
        "turned around": (lambda k: 1 / np.sqrt(k), "turned around"),
    },
}
