"""Plausible wrong answers to the exercises of chapter 9, named after the misconception, with a word of the hint."""
import numpy as np


def gradient_check(h=1e-5, tolerance=1e-6, names=None, relative=True, floor=0.0):
    """A check by central differences, with its weak spots as arguments."""
    def wrong_gradients(loss, gradients, values):
        wrong = set()
        for name, g in gradients(values).items():
            if names and name not in names:
                continue
            slope = np.empty_like(g)
            for index in np.ndindex(g.shape):
                up, down = ({**values, name: values[name].copy()} for _ in range(2))
                up[name][index] += h
                down[name][index] -= h
                slope[index] = (loss(up) - loss(down)) / (2 * h)
            size = max(np.linalg.norm(g), np.linalg.norm(slope)) if relative else 1.0
            if np.linalg.norm(g - slope) > tolerance * size + floor:
                wrong.add(name)
        return wrong
    return wrong_gradients


def one_sum_for_all(loss, gradients, values):
    """Nudges everything at once, and blames everything."""
    rng, h = np.random.default_rng(0), 1e-6
    v = {name: rng.standard_normal(w.shape) for name, w in values.items()}
    up, down = ({name: w + sign * h * v[name] for name, w in values.items()} for sign in (1, -1))
    slope = (loss(up) - loss(down)) / (2 * h)
    ours = sum((g * v[name]).sum() for name, g in gradients(values).items())
    return set(values) if abs(ours - slope) > 1e-5 * abs(slope) else set()


def complex_step(loss, gradients, values):
    return {name for name in values if loss({**values, name: values[name] + 1e-30j}).imag is None}


MATRICES = {f"{part}{gate}" for part in ("W_x", "W_h") for gate in "ifoc"}

WRONG_ANSWERS = {
    "coupled_step_back": {
        "one use of two": (lambda d_C, I, C_tilde, C_before: (d_C * C_tilde, d_C * I, d_C * (1 - I)), "used twice"),
        "sign": (lambda d_C, I, C_tilde, C_before: (d_C * (C_tilde + C_before), d_C * I, d_C * (1 - I)), "mind the sign"),
        "a forget gate that is not there": (lambda d_C, I, C_tilde, C_before: (d_C * (C_tilde - C_before), d_C * I, d_C * I),
                                            "the place of the forget gate"),
    },
    "wrong_gradients": {
        "looks at one parameter": (gradient_check(names={"W_ho"}), "at nothing else"),
        "looks at parameters only": (gradient_check(names=MATRICES | {"b_i", "b_f", "b_o", "b_c"}), "initial state"),
        "forgets the biases": (gradient_check(names=MATRICES | {"X", "H", "C"}), "b_c, b_f, b_i, b_o"),
        "too lenient": (gradient_check(tolerance=0.1), "too lenient"),
        "smaller is better": (gradient_check(h=1e-12, tolerance=1e-7), "cries wolf"),
        "exact differences": (gradient_check(tolerance=1e-14), "cries wolf"),
        "absolute tolerance": (gradient_check(relative=False), "share of the gradient's size"),
        "absolute floor": (gradient_check(floor=1e-8), "share of the gradient's size"),
        "one direction for everything": (one_sum_for_all, "a difference of its own"),
        "complex numbers": (complex_step, "real arrays only"),
        "trusts it": (lambda loss, gradients, values: set(), "none of 15"),
    },
    "share_within": {
        "fits or not": (lambda lag, window: float(lag < window), "where in its window"),
        "the lost share": (lambda lag, window: min(1, lag / window), "lost"),
        "negative": (lambda lag, window: 1 - lag / window, "not negative"),
        "fence post": (lambda lag, window: min(1, max(0, window - lag + 1) / window), "one too many"),
    },
    "keep_every": {
        "square root": (lambda num_steps: round(num_steps ** 0.5), "six"),
        "turned around": (lambda num_steps: min(num_steps, round((3 * num_steps) ** 0.5)), "turned around"),
        "every state": (lambda num_steps: 1, "every state"),
        "nothing": (lambda num_steps: num_steps, "nothing is saved"),
    },
}
