"""Plausible wrong answers to the exercises of chapter 4, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.cells import sigmoid


def gradients(gate_slope=True, tanh_slope=True, swapped=False, own_factor=False):
    def answer(I, C_tilde, d_C):
        d_I, d_C_tilde = (d_C * I, d_C * C_tilde) if own_factor else (d_C * C_tilde, d_C * I)
        d_Z_i = d_I * I * (1 - I) if gate_slope else d_I
        d_Z_c = d_C_tilde * (1 - C_tilde ** 2) if tanh_slope else d_C_tilde
        return (d_Z_c, d_Z_i) if swapped else (d_Z_i, d_Z_c)
    return answer


def squashed_twice(I, C_tilde, d_C):
    return d_C * C_tilde * I * (1 - I), d_C * I * (1 - np.tanh(C_tilde) ** 2)


WRONG_ANSWERS = {
    "candidate_cell": {
        "sigmoid": (lambda X, H, W_xc, W_hc, b_c: sigmoid(X @ W_xc + H @ W_hc + b_c), "negative"),
        "no bias": (lambda X, H, W_xc, W_hc, b_c: np.tanh(X @ W_xc + H @ W_hc), "bias is missing"),
        "no hidden state": (lambda X, H, W_xc, W_hc, b_c: np.tanh(X @ W_xc + b_c), "hidden state"),
        "transposed": (lambda X, H, W_xc, W_hc, b_c: np.tanh(X @ W_xc.T + H @ W_hc.T + b_c), "W_xc.T"),
        "not squashed": (lambda X, H, W_xc, W_hc, b_c: X @ W_xc + H @ W_hc + b_c, "squash"),
    },
    "opposite": {
        "turns the gate": (lambda z_i, z_c: (-z_i, z_c), "the sign stays"),
        "turns both": (lambda z_i, z_c: (-z_i, -z_c), "leave the gate"),
        "turns nothing": (lambda z_i, z_c: (z_i, z_c), "the same again"),
        "in the wrong order": (lambda z_i, z_c: (-z_c, z_i), "comes first"),
    },
    "farthest": {
        "tanh bounds the memory": (lambda n, f: 1.0, "squashes"),
        "nothing is forgotten": (lambda n, f: n, "f = 1 only"),
        "the limit": (lambda n, f: n if f == 1 else 1 / (1 - f), "limit"),
        "newest step forgotten": (lambda n, f: sum(f ** k for k in range(1, n + 1)), "in full"),
        "one step too many": (lambda n, f: sum(f ** k for k in range(n + 1)), "too many"),
    },
    "contribution_gradients": {
        "swapped": (gradients(swapped=True), "swapped"),
        "no slope of the gate": (gradients(gate_slope=False), "slope of the sigmoid"),
        "no slope of tanh": (gradients(tanh_slope=False), "slope of tanh"),
        "own factor": (gradients(own_factor=True), "carries the other"),
        "squashed twice": (squashed_twice, "again"),
    },
}
