"""Plausible wrong answers to the exercises of chapter 10, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.cells import LSTM, sigmoid


def peeping_gate(look):
    return lambda X, H, C, W_x, W_h, W_c, b: sigmoid(X @ W_x + H @ W_h + look(C, H, W_c) + b)


def alarm(delay, mark=0.5, w_hi=-1000.0, w_cf=-20.0, b_i=-10.0, w_co=20.0):
    p = {name: np.zeros_like(w) for name, w in LSTM(1, 1, "diagonal").params.items()}
    p["b_c"] += 20
    p["W_xi"] += 20
    p["W_ci"] += 20
    p["W_hi"] += w_hi
    p["b_i"] += b_i
    p["W_cf"] += w_cf
    p["b_f"] += -w_cf * (delay + mark) + (w_cf == 0) * 20
    p["W_co"] += w_co
    p["b_o"] -= 20 * (delay + mark)
    return p


WRONG_ANSWERS = {
    "peeping_gate": {
        "no peephole": (peeping_gate(lambda C, H, W_c: 0), "does not look"),
        "the hidden state again": (peeping_gate(lambda C, H, W_c: H * W_c if W_c.ndim == 1 else H @ W_c), "not at H"),
        "a matrix read as its diagonal": (peeping_gate(lambda C, H, W_c: C * (W_c if W_c.ndim == 1 else np.diag(W_c))),
                                          "all cells"),
        "weights on the left": (peeping_gate(lambda C, H, W_c: C * W_c if W_c.ndim == 1 else C @ W_c.T), "on the right"),
        "no sigmoid": (lambda X, H, C, W_x, W_h, W_c, b: X @ W_x + H @ W_h + (C * W_c if W_c.ndim == 1 else C @ W_c) + b,
                       "sigmoid is missing"),
    },
    "path_slope": {
        "the forget gate alone": (lambda I, F, C_tilde, C, w_ci, w_cf: F, "without peepholes"),
        "the sigmoid's slope forgotten": (lambda I, F, C_tilde, C, w_ci, w_cf: F + w_cf * C + w_ci * C_tilde, "has a slope"),
        "the input gate forgotten": (lambda I, F, C_tilde, C, w_ci, w_cf: F + w_cf * F * (1 - F) * C, "input gate looks"),
        "the forget gate's share forgotten": (
            lambda I, F, C_tilde, C, w_ci, w_cf: F + w_ci * I * (1 - I) * C_tilde, "forget gate looks"),
    },
    "peepholes_from_onnx": {
        "in the order of the equations": (lambda P: dict(zip(("W_ci", "W_cf", "W_co"), np.split(P, 3))), "swapped"),
        "interleaved": (lambda P: {"W_ci": P[0::3], "W_co": P[1::3], "W_cf": P[2::3]}, "interleaved"),
    },
    "alarm_weights": {
        "output gate looks, but the weight is missing": (lambda delay: alarm(delay, w_co=0.0), "never fires"),
        "one step late": (lambda delay: alarm(delay, mark=1.5), "too late"),
        "one step early": (lambda delay: alarm(delay, mark=-0.5), "too early"),
        "never emptied": (lambda delay: alarm(delay, w_cf=0.0), "does not stop"),
        "starts again by itself": (lambda delay: alarm(delay, w_hi=0.0), "fires again"),
        "starts without a pulse": (lambda delay: alarm(delay, b_i=10.0), "before the first pulse"),
    },
}
