"""Plausible wrong answers to the exercises of chapter 17, named after the misconception, with a word of the hint."""
import numpy as np


def step_cost(d, h, n, operations=2, gates=4, size=4, written=1):
    width = gates * h
    return operations * n * (d + h) * width, size * ((d + h) * width + n * (d + h) + written * n * width)


def with_scores(params, order="ifoc", leak=0.0):
    def rows(letter, W_x, name):
        return np.concatenate([params[f"W_h{letter}"].T, params[name][:, None], W_x], axis=1)

    W_hq = params["W_hq"]
    return np.concatenate([*(rows(g, params[f"W_x{g}"].T, f"b_{g}") for g in order),
                           rows("q", np.full((W_hq.shape[1], len(params["W_xi"])), leak), "b_q")])


def bias_last(params):
    H, one, X = np.split(with_scores(params), [len(params["b_i"]), len(params["b_i"]) + 1], axis=1)
    return np.concatenate([H, X, one], axis=1)


def by_row(a, axes=(1, 0, 2)):
    return a.transpose(axes).reshape(a.shape[1], -1)


def write_one(x, H, C, rows, W_h, once_more=0.0, squash=np.tanh):
    Z = H @ W_h + rows[x] + once_more
    I, F, O, C_tilde = np.split(Z, 4)
    I, F, O = (1 / (1 + np.exp(-z)) for z in (I, F, O))
    C = F * C + I * np.tanh(C_tilde)
    return O * squash(C), C


def in_a_view(x, H, C, rows, W_h):
    Z = rows[x]
    Z += H @ W_h
    return write_one(x, 0 * H, C, rows, W_h)


def cell_in_place(x, H, C, rows, W_h):
    H_new, C[...] = write_one(x, H, C, rows, W_h)
    return H_new, C


def seconds(work, clock):
    start = clock()
    work()
    return clock() - start


def blocks(work_a, work_b, rounds, clock):
    a = [seconds(work_a, clock) for _ in range(rounds)]
    b = [seconds(work_b, clock) for _ in range(rounds)]
    return np.median(a) / np.median(b)


def turns(work_a, work_b, rounds, clock, combine=np.median):
    return combine([seconds(work_a, clock) / seconds(work_b, clock) for _ in range(rounds)])


def sums(work_a, work_b, rounds, clock):
    a, b = np.sum([(seconds(work_a, clock), seconds(work_b, clock)) for _ in range(rounds)], axis=0)
    return a / b


def minima(work_a, work_b, rounds, clock):
    a, b = np.min([(seconds(work_a, clock), seconds(work_b, clock)) for _ in range(rounds)], axis=0)
    return a / b


def no_clock_between(work_a, work_b, rounds, clock):
    ratios = []
    for _ in range(rounds):
        start = clock()
        work_a()
        a = clock() - start
        work_b()
        ratios.append(a / (clock() - start))
    return np.median(ratios)


WRONG_ANSWERS = {
    "step_cost": {
        "only multiplications": (lambda d, h, n: step_cost(d, h, n, operations=1), "two operations"),
        "one gate": (lambda d, h, n: step_cost(d, h, n, gates=1), "four gates"),
        "inputs for nothing": (lambda d, h, n: (8 * n * h * h, step_cost(d, h, n)[1]), "their product counts"),
        "numbers, not bytes": (lambda d, h, n: step_cost(d, h, n, size=1), "four bytes"),
        "float64": (lambda d, h, n: step_cost(d, h, n, size=8), "not eight"),
        "weights alone": (lambda d, h, n: (step_cost(d, h, n)[0], 16 * h * (d + h)), "operands"),
        "nothing written": (lambda d, h, n: step_cost(d, h, n, written=0), "result Z"),
        "two results": (lambda d, h, n: step_cost(d, h, n, written=2), "written once"),
        "weights for each sequence": (lambda d, h, n: (step_cost(d, h, n)[0],
                                                         step_cost(d, h, n)[1] + 16 * (n - 1) * (d + h) * h), "whole batch"),
        "one number": (lambda d, h, n: step_cost(d, h, n)[0], "pair"),
    },
    "with_scores": {
        "Gluon's order": (lambda p: with_scores(p, "ifco"), "order i, f, o, c"),
        "transposed": (lambda p: with_scores(p).T, "other way round"),
        "no scores": (lambda p: with_scores(p)[:-len(p["b_q"])], "missing"),
        "scores see their answer": (lambda p: with_scores(p, leak=1.0), "must not see"),
        "bias last": (bias_last, "between"),
        "scores on top": (lambda p: np.roll(with_scores(p), len(p["b_q"]), axis=0), "above the scores"),
    },
    "weight_gradients": {
        "reshape alone": (lambda d, a: d.reshape(d.shape[1], -1) @ a.reshape(a.shape[1], -1).T, "mixes"),
        "axes in two orders": (lambda d, a: by_row(d, (1, 2, 0)) @ by_row(a).T, "no longer match"),
        "transposed": (lambda d, a: by_row(a) @ by_row(d).T, "rows belong"),
        "mean over steps": (lambda d, a: by_row(d) @ by_row(a).T / len(d), "not their mean"),
        "product of sums": (lambda d, a: d.sum(axis=0) @ a.sum(axis=0).T, "sum of products"),
        "last step": (lambda d, a: d[-1] @ a[-1].T, "last step"),
    },
    "write_one": {
        "in a view": (in_a_view, "view"),
        "cell in place": (cell_in_place, "C has changed"),
        "no character": (lambda x, H, C, rows, W_h: write_one(x, H, C, 0 * rows, W_h), "rows[x]"),
        "no hidden state": (lambda x, H, C, rows, W_h: write_one(x, 0 * H, C, rows, W_h), "H @ W_h"),
        "cell not squashed": (lambda x, H, C, rows, W_h: write_one(x, H, C, rows, W_h, squash=lambda C: C), "through tanh"),
        "C before H": (lambda *a: write_one(*a)[::-1], "H comes first"),
    },
    "fair_ratio": {
        "one block after the other": (blocks, "take turns"),
        "mean of the ratios": (lambda *a: turns(*a, combine=np.mean), "median"),
        "ratio of the sums": (sums, "median"),
        "ratio of the minima": (minima, "hurried"),
        "upside down": (lambda a, b, rounds, clock: turns(b, a, rounds, clock), "a over b"),
        "no clock between": (no_clock_between, "read the clock between"),
        "a single round": (lambda a, b, rounds, clock: turns(a, b, 1, clock), "each of the 20 rounds"),
    },
}
