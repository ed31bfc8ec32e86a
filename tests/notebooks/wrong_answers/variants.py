"""Plausible wrong answers to the exercises of chapter 16, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.cells import sigmoid


def coupled_step(forget=lambda I: 1 - I, old_cell=False, tanh=np.tanh, peepholes=True):
    def step(X, H, C, p):
        def gate(part, C):
            return sigmoid(X @ p[f"W_x{part}"] + H @ p[f"W_h{part}"] + peepholes * C * p[f"W_c{part}"] + p[f"b_{part}"])

        I = gate("i", C)
        C_new = forget(I) * C + I * np.tanh(X @ p["W_xc"] + H @ p["W_hc"] + p["b_c"])
        return gate("o", C if old_cell else C_new) * tanh(C_new), C_new
    return step


def turned_around(X, H, C, p):
    I = sigmoid(X @ p["W_xi"] + H @ p["W_hi"] + C * p["W_ci"] + p["b_i"])
    C_new = I * C + (1 - I) * np.tanh(X @ p["W_xc"] + H @ p["W_hc"] + p["b_c"])
    return np.tanh(C_new), C_new


def width_for(d_counts=1, round_up=0):
    def width(blocks, d, budget):
        a = d_counts * d + 1
        return int((np.sqrt(a * a + 4 * budget / blocks) - a) / 2) + round_up
    return width


def hidden_bound(**cells):
    """By the letters of a variant: what bounds H, as a function of the number of steps."""
    right = {"NOAF": float, "CIFG": lambda t: np.tanh(1.0), "NIAF": lambda t: 1.0, **cells}
    return lambda variant, t: right.get(variant, right.get("others", np.tanh))(t)


WRONG_ANSWERS = {
    "width_for": {
        "inputs forgotten": (width_for(d_counts=0), "inputs count"),
        "one too wide": (width_for(round_up=1), "one unit less"),
        "only the square": (lambda blocks, d, budget: int(np.sqrt(budget / blocks)), "inputs count"),
        "not whole": (lambda k, d, n: (np.sqrt((d + 1) ** 2 + 4 * n / k) - d - 1) / 2, "whole number"),
    },
    "coupled_step": {
        "nothing forgotten": (coupled_step(forget=lambda I: 1.0), "multiplied by its forget gate"),
        "coupled to be equal": (coupled_step(forget=lambda I: I), "not I"),
        "the convention of a GRU": (turned_around, "shuts"),
        "the output gate sees the old cell": (coupled_step(old_cell=True), "new cell"),
        "no output tanh, as in a GRU": (coupled_step(tanh=lambda C: C), "keeps its tanh"),
        "no peepholes": (coupled_step(peepholes=False), "W_ci"),
        "C before H": (lambda *args: coupled_step()(*args)[::-1], "H first"),
    },
    "coupled_gradient": {
        "one path": (lambda d_C, I, C_tilde, C: d_C * C_tilde * I * (1 - I), "without coupling"),
        "a plus": (lambda d_C, I, C_tilde, C: d_C * (C_tilde + C) * I * (1 - I), "minus"),
        "no slope": (lambda d_C, I, C_tilde, C: d_C * (C_tilde - C), "has a slope"),
        "slope of a tanh": (lambda d_C, I, C_tilde, C: d_C * (C_tilde - C) * (1 - I * I), "slope of a sigmoid"),
        "turned around": (lambda d_C, I, C_tilde, C: d_C * (C - C_tilde) * I * (1 - I), "turned around"),
    },
    "hidden_bound": {
        "always 1": (hidden_bound(others=lambda t: 1.0), "cannot be large"),
        "the cell's bound": (hidden_bound(others=float), "is its tanh"),
        "a tanh where there is none": (hidden_bound(NOAF=np.tanh), "no tanh stands"),
        "no bound at all": (hidden_bound(NOAF=lambda t: np.inf), "there is a bound"),
        "unbounded candidate, unbounded H": (hidden_bound(NIAF=lambda t: np.inf), "still has its tanh"),
        "a coupled cell counts": (hidden_bound(CIFG=np.tanh), "average"),
    },
}
