"""Plausible wrong answers to the exercises of chapter 6, named after the misconception, with a word of the hint."""
import numpy as np

from d2l_utils.cells import sigmoid


def largest(t, i, f, o, c=None):
    c = i * (f ** np.arange(t)).sum() if c is None else c
    return [c, o * np.tanh(c), o * c]


def graph_gradients(**changes):
    def answer(x1, x2, x3, W, b):
        right = {"x1": np.ones_like(x1), "x2": W @ x3 + b, "x3": W.T @ x2, "W": np.outer(x2, x3), "b": x2}
        return {**right, **{name: change(x1, x2, x3, W, b) for name, change in changes.items()}}
    return answer


def stacked_step(X, H, C, W, b, order=(0, 1, 2, 3), first="X", squash=np.tanh, shown="new"):
    Z = np.hstack([X, H] if first == "X" else [H, X]) @ W + b
    Z_i, Z_f, Z_c, Z_o = (np.split(Z, 4, axis=1)[k] for k in order)
    C_new = sigmoid(Z_f) * C + sigmoid(Z_i) * np.tanh(Z_c)
    return sigmoid(Z_o) * squash(C_new if shown == "new" else C), C_new


WRONG_ANSWERS = {
    "cell_from_hidden": {
        "tanh left out": (lambda H, O: H / O, "not yet"),
        "tanh of the product": (lambda H, O: np.arctanh(H) / O, "inside the product"),
        "gate left out": (lambda H, O: np.arctanh(H), "divide"),
        "sigmoid instead of tanh": (lambda H, O: np.log(H / O / (1 - H / O)), "undoes a sigmoid"),
    },
    "largest": {
        "the cell does not add up": (lambda t, i, f, o: largest(t, i, f, o, i) if t > 1 else largest(t, i, f, o), "one step"),
        "nothing is forgotten": (lambda t, i, f, o: largest(t, i, f, o, t * i), "takes its share"),
        "the limit": (lambda t, i, f, o: largest(t, i, f, o, t * i if f == 1 else i / (1 - f)), "very many steps"),
        "squashed without tanh": (lambda t, i, f, o: [*largest(t, i, f, o)[:2], o], "on its way out"),
        "tanh of the product": (lambda t, i, f, o: [largest(t, i, f, o)[0], np.tanh(largest(t, i, f, o)[2]),
                                                    largest(t, i, f, o)[2]], "outside"),
    },
    "slope": {
        "argument taken for value": (lambda O, C: O * (1 - np.square(C)), "*value*"),
        "gate left out": (lambda O, C: 1 - np.tanh(C) ** 2, "output gate"),
        "H taken for tanh of C": (lambda O, C: O * (1 - (O * np.tanh(C)) ** 2), "not H"),
    },
    "graph_gradients": {
        "x2 added instead of multiplied": (graph_gradients(x2=lambda x1, x2, x3, W, b: np.ones_like(x2)), "other factor"),
        "bias left out": (graph_gradients(x2=lambda x1, x2, x3, W, b: W @ x3), "bias included"),
        "weight transposed": (graph_gradients(W=lambda x1, x2, x3, W, b: np.outer(x3, x2)), "transposed"),
        "product skipped": (graph_gradients(W=lambda x1, x2, x3, W, b: np.outer(np.ones_like(x2), x3)), "x2 is missing"),
        "product skipped on the way to x3": (graph_gradients(x3=lambda x1, x2, x3, W, b: W.sum(axis=0)), "x2 is missing"),
    },
    "stacked_step": {
        "ONNX-like order": (lambda *given: stacked_step(*given, order=(0, 1, 3, 2)), "third block"),
        "H before X": (lambda *given: stacked_step(*given, first="H"), "X comes before H"),
        "second tanh left out": (lambda *given: stacked_step(*given, squash=lambda C: C), "second tanh"),
        "old cell shown": (lambda *given: stacked_step(*given, shown="old"), "*new* cell"),
        "cell before hidden state": (lambda *given: stacked_step(*given)[::-1], "other order"),
    },
}
