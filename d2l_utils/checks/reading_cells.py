"""Checks of the exercises in chapter 13, Reading cells."""
import numpy as np

from d2l_utils.cells import LSTM, sigmoid
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect, with_keys
from d2l_utils.layers import Dense
from d2l_utils.losses import cross_entropy


def _pair(value, what):
    if not isinstance(value, (tuple, list, np.ndarray)) or len(value) != 2:
        raise WrongAnswer(f"{what} should be two things, got {type(value).__name__}: return a, b")
    return value


@exercise
def saturated(answer):
    rng = np.random.default_rng(0)
    for shape in ((40, 5), (7, 3)):
        gate = sigmoid(3 * rng.standard_normal(shape))
        low, high = _pair(answer(gate.copy()), "saturated(gate)")
        shut, wide = gate < 0.1, gate > 0.9
        for value, right, other, name in ((low, shut, wide, "first"), (high, wide, shut, "second")):
            expect(value, right.mean(axis=0), f"the {name} result of saturated(gate)", misconceptions=[
                (other.mean(axis=0), "the share near 0 comes first, the share near 1 second"),
                (right.mean(), "one number for each unit: the mean over all of them hides that units differ"),
                (right.mean(axis=1), "one number for each unit, not for each step: steps are the first axis"),
                (right.sum(axis=0), "a share, not a count: divide by the number of steps"),
            ])
    return "A gate that is neither for most of the time is a dial, not a switch."


@exercise
def as_detector(answer):
    rng = np.random.default_rng(0)
    for share, slope in ((0.7, 1.5), (0.3, -1.5), (0.1, 0.2)):
        pattern = (rng.random(150) < share).astype(float)
        values = slope * pattern + rng.standard_normal(150)
        right = [((values > theta) == (pattern == 1)).mean() for theta in [-np.inf, *values]]
        best, ones = max(max(right), 1 - min(right)), pattern.mean()
        got, base = _pair(answer(values.copy(), pattern.copy()), "as_detector(values, pattern)")
        expect(base, max(ones, 1 - ones), "the base rate", misconceptions=[
            (ones, "whoever always gives the commoner answer is right more often than this: that may be 'no'"),
            (1 - ones, "whoever always gives the commoner answer is right more often than this: that may be 'yes'"),
            (0.5, "a coin is not the rival: the commoner answer, always given, is"),
        ])
        expect(got, best, "the best share", misconceptions=[
            (max(right), "a unit that is low where the pattern is 1 is as good a detector: try both directions"),
            (max(r := ((values > values.mean()) == (pattern == 1)).mean(), 1 - r), "try every threshold, not the mean alone"),
            (max(r := ((values > 0) == (pattern == 1)).mean(), 1 - r), "try every threshold, not 0 alone"),
        ])
    return "A detector has to beat the base rate before it has detected anything."


@exercise
def hold_gate(answer):
    rng = np.random.default_rng(0)
    cell = LSTM(4, 6, rng=rng, sigma=0.8)
    for name in ("b_i", "b_f", "b_o", "b_c"):
        cell.params[name] += rng.standard_normal(6)
    before = {name: w.copy() for name, w in cell.params.items()}
    X, state = rng.standard_normal((12, 3, 4)), cell.begin_state(3)
    for gate, unit, value in (("f", 2, 0.95), ("i", 5, 0.2)):
        given = {name: w.copy() for name, w in before.items()}
        held = with_keys(answer(given, gate, unit, value), before)
        held = {name: as_numbers(w, name) for name, w in held.items()}
        other = LSTM(4, 6)
        for name, w in held.items():
            if w.shape != before[name].shape:
                raise WrongAnswer(f"{name} should keep the shape {before[name].shape}, got {w.shape}")
            if name not in given or not np.array_equal(given[name], before[name]):
                raise WrongAnswer(f"{name} of the dictionary that you were given has changed: copy the arrays first")
            other.params[name] = w
        trace, _ = other.forward(X, state)
        found = getattr(trace, gate.upper())[:, :, unit]
        if np.allclose(found, sigmoid(value), atol=1e-4):
            raise WrongAnswer(f"the gate stands at {found.mean():.3f}, not at {value}: the bias is inside the sigmoid")
        if np.ptp(found) > 1e-4:
            if (held[f"W_h{gate}"][unit] == 0).all():
                raise WrongAnswer("the gate still moves: it is computed from a column of each matrix, not from a row")
            what = "input" if (held[f"W_x{gate}"][:, unit] != 0).any() else "hidden state"
            raise WrongAnswer(f"the gate still moves: it still reads the {what}")
        expect(found, np.full(found.shape, value), f"the gate {gate.upper()} of unit {unit}")
        for name, w in before.items():
            changed = np.abs(held[name] - w) > 1e-6                     # more than the rounding of float32
            changed[..., unit] &= not name.endswith(gate)
            if changed.any():
                raise WrongAnswer(f"{name} has changed where it has nothing to do with this gate of this unit")
    return "All else is as it was, so what changes in the predictions is due to this gate."


@exercise
def predicted_change(answer):
    rng = np.random.default_rng(0)
    cell, dense = LSTM(5, 8, rng=rng, sigma=0.5), Dense(8, 5, rng=rng, sigma=0.5)
    old, new = rng.integers(0, 5, 9), rng.integers(0, 5, 9)
    trace, _ = cell.forward(np.eye(5)[old][:, None], cell.begin_state(1))
    _, d_Y = cross_entropy(dense.forward(trace.H[-1]), np.array([2]))
    d_H = np.zeros_like(trace.H)
    _, d_H[-1] = dense.backward(trace.H[-1], d_Y)
    d_X, t = cell.backward(trace, d_H)[1][:, 0], np.arange(9)
    wanted = d_X[t, new] - d_X[t, old]
    expect(answer(d_X.copy(), old.copy(), new.copy()), wanted, "predicted_change(d_X, old, new)", misconceptions=[
        (d_X[t, new], "the old character goes away too: its entry falls from 1 to 0"),
        (-wanted, "the sign is turned around: the new entry rises by 1, the old one falls by 1"),
        (np.linalg.norm(d_X, axis=1), "a norm says how steep the slope is, not what one particular step does"),
        (wanted.sum(), "one number for each character that is replaced"),
    ], tolerance=1e-6)
    return "To first order, that is: a whole character is not a small step."
