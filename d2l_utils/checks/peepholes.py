"""Checks of the exercises in chapter 10, Peepholes."""
import numpy as np

from d2l_utils.cells import LSTM, sigmoid
from d2l_utils.checks import WrongAnswer, exercise, expect, put_weights, weighted_sums, with_keys


@exercise
def peeping_gate(answer):
    rng = np.random.default_rng(1)
    for (X, H, W_x, W_h, b), Z, slips in weighted_sums("f"):
        C = rng.standard_normal(H.shape)
        for form, W_c in (("a vector", rng.standard_normal(len(b))), ("a matrix", rng.standard_normal((len(b), len(b))))):
            peek = C * W_c if W_c.ndim == 1 else C @ W_c
            wrong = [(Z, "this gate does not look at the cell"),
                     (Z + (H * W_c if W_c.ndim == 1 else H @ W_c), "a peephole looks at the cell C, not at H"),
                     *((slip + peek, hint) for slip, hint in slips)]
            if W_c.ndim == 2:
                wrong += [(Z + C @ W_c.T, "the weights stand on the right as they are: C @ W_c, not C @ W_c.T"),
                          (Z + C * np.diag(W_c), "a matrix lets a gate see all cells: C @ W_c")]
            misconceptions = [(sigmoid(a), hint) for a, hint in wrong] + [(Z + peek, "the sigmoid is missing")]
            expect(answer(X, H, C, W_x, W_h, W_c, b), sigmoid(Z + peek), f"the gate with W_c as {form}", misconceptions)
    return "One function serves both forms of a peephole."


@exercise
def path_slope(answer):
    rng = np.random.default_rng(2)
    I, F = rng.uniform(0.1, 0.9, (2, 4, 3))
    C_tilde, C = rng.uniform(-1, 1, (4, 3)), rng.standard_normal((4, 3))
    w_ci, w_cf = 3 * rng.standard_normal((2, 3))
    by_f, by_i = w_cf * F * (1 - F) * C, w_ci * I * (1 - I) * C_tilde
    expect(answer(I, F, C_tilde, C, w_ci, w_cf), F + by_f + by_i, "path_slope", misconceptions=[
        (F, "this is the path without peepholes"),
        (F + by_f, "the input gate looks at the old cell too"),
        (F + by_i, "the forget gate looks at the old cell too"),
        (F + w_cf * C + w_ci * C_tilde, "between the weighted sum and the gate lies a sigmoid, and it has a slope"),
        (by_f + by_i, "the cell itself is still multiplied by its forget gate"),
        (F + w_cf * F * (1 - F) * C_tilde + w_ci * I * (1 - I) * C, "the forget gate multiplies C, the input gate C_tilde"),
        (F + w_cf * F * (1 - F) + w_ci * I * (1 - I), "a gate that moves changes what it multiplies: C or C_tilde"),
    ])
    return "Its factors need not lie between 0 and 1 any more."


@exercise
def peepholes_from_onnx(answer):
    P = np.arange(1.0, 13.0)
    p_i, p_o, p_f = np.split(P, 3)
    names = ("W_ci", "W_cf", "W_co")
    got = with_keys(answer(P.copy()), names)
    expect(np.concatenate([np.ravel(got[name]) for name in names]), np.concatenate([p_i, p_f, p_o]),
           "W_ci, W_cf and W_co, one after the other", misconceptions=[
               (P, "ONNX stores the output gate's peepholes before the forget gate's: forget and output gate are swapped"),
               (np.concatenate([p_f, p_o, p_i]), "ONNX begins with the input gate"),
               (np.concatenate([P[k::3] for k in (0, 2, 1)]), "the three parts stand one after the other, not interleaved"),
           ])
    return "This is the order that OpenCV had wrong."


@exercise
def alarm_weights(answer):
    cell = LSTM(1, 1, "diagonal", sigma=0.0)
    rng = np.random.default_rng(3)
    for delay in (3, 12):
        put_weights(cell, answer(delay), tuple(cell.params))
        pulses = 5 + np.cumsum(rng.integers(delay + 3, 2 * delay + 9, 8))
        X = np.zeros((pulses[-1] + 2 * delay + 9, 1, 1))
        X[pulses] = 1
        trace, _ = cell.forward(X, cell.begin_state(1))
        fired, wanted = np.flatnonzero(trace.H[:, 0, 0] > 0.5), pulses + delay
        if np.array_equal(fired, wanted):
            continue
        if not fired.size:
            why = "it never fires: after a pulse the cell has to count, and the output gate to open when the count is reached"
        elif fired[0] < pulses[0]:
            why = f"it fires at step {fired[0]}, before the first pulse: without one the input gate has to stay shut"
        elif np.array_equal(fired, wanted + 1):
            why = "it fires one step too late: the output gate sees C_t, which has already taken in step t"
        elif np.array_equal(fired, wanted - 1):
            why = "it fires one step too early: after the pulse's own step the count is already at 1"
        elif np.isin(wanted + 1, fired).all():
            why = "it does not stop: after the alarm the forget gate has to shut, and the input gate to stay shut, for a step"
        elif len(fired) > 1 and fired[0] == wanted[0] and fired[1] < wanted[1]:
            why = f"it fires again without a pulse, at step {fired[1]}: the cell has to come to rest after the alarm"
        else:
            why = f"it fires at steps {fired[:3].tolist()} and should fire at {wanted[:3].tolist()}"
        raise WrongAnswer(f"with a delay of {delay}, {why}")
    return "One cell that waits in silence, and is on time."
