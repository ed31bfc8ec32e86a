"""Plausible wrong answers to the exercises of chapter 3, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.cells import sigmoid


def in_order(Z, order, squash=sigmoid):
    blocks = dict(zip(order, np.split(Z, 4, axis=1)))
    return sigmoid(blocks["i"]), sigmoid(blocks["f"]), sigmoid(blocks["o"]), squash(blocks["c"])


def returned_as_stacked(Z):
    I, F, O, C_tilde = in_order(Z, "ifco", np.tanh)
    return I, F, C_tilde, O


def along_the_rows(Z):
    i, f, c, o = np.split(Z, 4)
    return sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(c)


def interleaved(Z):
    return sigmoid(Z[:, 0::4]), sigmoid(Z[:, 1::4]), sigmoid(Z[:, 3::4]), np.tanh(Z[:, 2::4])


def keys(value=0.0, marker=20.0, bias=-30.0):
    return np.array([[value], [marker], [marker]]), np.array([bias])


WRONG_ANSWERS = {
    "input_gate": {
        "tanh": (lambda X, H, W_xi, W_hi, b_i: np.tanh(X @ W_xi + H @ W_hi + b_i), "negative"),
        "not squashed": (lambda X, H, W_xi, W_hi, b_i: X @ W_xi + H @ W_hi + b_i, "squash"),
        "no bias": (lambda X, H, W_xi, W_hi, b_i: sigmoid(X @ W_xi + H @ W_hi), "bias is missing"),
        "no hidden state": (lambda X, H, W_xi, W_hi, b_i: sigmoid(X @ W_xi + b_i), "hidden state"),
        "transposed": (lambda X, H, W_xi, W_hi, b_i: sigmoid(X @ W_xi.T + H @ W_hi.T + b_i), "W_xi.T"),
        "recurrent weights transposed": (lambda X, H, W_xi, W_hi, b_i: sigmoid(X @ W_xi + H @ W_hi.T + b_i), "W_hi.T"),
    },
    "bias_for_gate": {
        "gate instead of bias": (sigmoid, "undoes"),
        "shut instead of open": (lambda p: np.log(1 / np.asarray(p) - 1), "turned around"),
        "logarithm": (np.log, "exp"),
        "straight line": (lambda p: 4 * (np.asarray(p) - 0.5), "slope everywhere"),
        "of tanh": (np.arctanh, "tanh"),
    },
    "gate_gradient": {
        "no slope": (lambda I, d_I: d_I, "slope"),
        "slope alone": (lambda I, d_I: I * (1 - I), "arrives"),
        "slope of tanh": (lambda I, d_I: d_I * (1 - I ** 2), "tanh"),
        "squashed twice": (lambda I, d_I: d_I * sigmoid(I) * (1 - sigmoid(I)), "again"),
        "as what passes": (lambda I, d_I: d_I * I, "passes"),
    },
    "unstack": {
        "order i o f c": (lambda Z: in_order(Z, "iofc", np.tanh), "this is block 3"),
        "order i f o c": (lambda Z: in_order(Z, "ifoc", np.tanh), "O stands in block 4"),
        "returned in the order of the stack": (returned_as_stacked, "this is block 3"),
        "along the rows": (along_the_rows, "split the columns"),
        "every fourth column": (interleaved, "every fourth"),
        "sigmoid for the candidate": (lambda Z: in_order(Z, "ifco"), "takes tanh"),
    },
    "two_keys": {
        "no bias": (lambda: keys(bias=0.0), "half open"),
        "one key is enough": (lambda: keys(bias=-10.0), "outweigh one marker"),
        "never opens": (lambda: keys(bias=-50.0), "outweigh the bias"),
        "too gentle": (lambda: keys(marker=4.0, bias=-6.0), "one marker"),
        "listens to the value": (lambda: keys(value=30.0), "depending on the value"),
    },
}
