"""Checks of the exercises in chapter 16, What each part of the cell is worth."""
import numpy as np

from d2l_utils.cells import LSTMVariant, sigmoid
from d2l_utils.checks import WrongAnswer, exercise, expect


@exercise
def width_for(answer):
    def size(blocks, d, h):
        return blocks * (d * h + h * h + h)

    for blocks, d, budget in ((1, 43, 9728), (3, 43, 9728), (4, 43, 9728), (4, 2, 352), (1, 1, 3), (3, 7, 100_000)):
        h = 1
        while size(blocks, d, h + 1) <= budget:
            h += 1
        roots = [int((np.sqrt(a * a + 4 * budget / blocks) - a) / 2) for a in (d, 1)]
        expect(answer(blocks, d, budget), h, f"width_for({blocks}, {d}, {budget})", misconceptions=[
            (h + 1, "one unit less: with this width the cell has more parameters than the budget allows"),
            (int(np.sqrt(budget / blocks)), "the weights of the inputs count too, and so do the biases"),
            (roots[0], "the biases count too, one for each unit and block"),
            (roots[1], "the weights of the inputs count too"),
            ((np.sqrt((d + 1) ** 2 + 4 * budget / blocks) - d - 1) / 2, "a width is a whole number: round it down"),
        ])
    return "At equal parameters the plain network becomes about twice as wide as the LSTM."


@exercise
def coupled_step(answer):
    rng = np.random.default_rng(4)
    cell = LSTMVariant(3, 4, "CIFG", rng=rng, sigma=0.8)
    for name, w in cell.params.items():
        w += 0.5 * rng.standard_normal(w.shape) * name.startswith("b_")
    p, X, H, C = cell.params, rng.standard_normal((2, 3)), rng.uniform(-1, 1, (2, 4)), rng.standard_normal((2, 4))
    trace, _ = cell.forward(X[None], (H, C))
    I, C_tilde, C_new, H_new = (getattr(trace, name)[0] for name in ("I", "C_tilde", "C", "H"))

    def gate(part, seen):
        return sigmoid(X @ p[f"W_x{part}"] + H @ p[f"W_h{part}"] + seen * p[f"W_c{part}"] + p[f"b_{part}"])

    blind = gate("i", 0)
    got = answer(X.copy(), H.copy(), C.copy(), {name: w.copy() for name, w in p.items()})
    if not isinstance(got, (tuple, list, np.ndarray)) or len(got) != 2:
        raise WrongAnswer("return the new H and the new C, in this order")
    expect(got[1], C_new, "the new C", misconceptions=[
        (H_new, "return H first, then C"),
        (I * C + (1 - I) * C_tilde, "the forget gate is 1 - I: what the input gate opens, the forget gate shuts"),
        (C + I * C_tilde, "the old cell is multiplied by its forget gate, 1 - I"),
        (I * C + I * C_tilde, "the forget gate is 1 - I, not I"),
        ((1 - blind) * C + blind * C_tilde, "the input gate looks at the old cell, through W_ci"),
        ((1 - gate("i", H)) * C + gate("i", H) * C_tilde, "a peephole looks at the cell C, not at H"),
    ])
    expect(got[0], H_new, "the new H", misconceptions=[
        (gate("o", C) * np.tanh(C_new), "the output gate looks at the new cell"),
        (gate("o", 0) * np.tanh(C_new), "the output gate looks at the new cell, through W_co"),
        (gate("o", C_new) * C_new, "coupling changes the forget gate alone: the output keeps its tanh"),
        (np.tanh(C_new), "this cell has an output gate"),
    ])
    return "One block of weights less than the LSTM, and the same shape of result."


@exercise
def coupled_gradient(answer):
    rng = np.random.default_rng(5)
    d_C, C_before = rng.standard_normal((2, 4, 3))
    I, C_tilde = rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(-1, 1, (4, 3))
    slope, both = I * (1 - I), d_C * (C_tilde - C_before)
    expect(answer(d_C, I, C_tilde, C_before), both * slope, "coupled_gradient", misconceptions=[
        (d_C * C_tilde * slope, "this is the gradient without coupling: by way of F = 1 - I the gate acts on C_before too"),
        (-d_C * C_before * slope, "the gate lets the candidate in as well: there are two paths"),
        (d_C * (C_tilde + C_before) * slope, "F = 1 - I falls where I rises: the second path has a minus"),
        (-both * slope, "the sign is turned around: I multiplies the candidate, 1 - I the old cell"),
        (both, "this is the gradient of I; the sigmoid has a slope, I * (1 - I)"),
        (both * (1 - I * I), "the slope of a sigmoid with the value I is I * (1 - I)"),
    ])
    return "The gate opens where the candidate would lower the loss more than what is there."


@exercise
def hidden_bound(answer):
    for variant in ("vanilla", "NIG", "NFG", "NIAF", "NOAF", "CIFG"):
        for t in (2, 1, 50):
            cell = {"CIFG": 1.0, "NIAF": np.inf}.get(variant, float(t))
            wanted = cell if variant == "NOAF" else np.tanh(cell)
            hints = {"NOAF": [(np.tanh(t), "no tanh stands between this cell and its hidden state"),
                              (np.inf, "a step adds at most 1, so after so many steps there is a bound")],
                     "NIAF": [(np.inf, "the output still has its tanh, however large the cell is"),
                              (np.tanh(t), "without its tanh a candidate can be larger than 1, and one step is enough")],
                     "CIFG": [(np.tanh(t), "an average of the old cell and the candidate leaves the range of neither"),
                              (1.0, "C stays within 1; H is its tanh")]}.get(variant, [])
            hints += [(1.0, "tanh comes near 1 only for a large cell, and in so few steps the cell cannot be large"),
                      (t, "this bounds the cell; the hidden state is its tanh")]
            expect(answer(variant, t), wanted, f"hidden_bound({variant!r}, {t})", misconceptions=hints)
    return "Only without the output's tanh does the bound grow with the length of the sequence."
