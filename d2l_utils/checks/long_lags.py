"""Checks of the exercises in chapter 12, Long lags."""
import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect, put_weights, with_keys
from d2l_utils.datasets.synthetic import ADDING, adding, adding_error
from d2l_utils.layers import Dense

GATES = tuple(f"{kind}{gate}" for gate in "ifoc" for kind in ("W_x", "b_"))


@exercise
def error_knowing(answer):
    spread = [np.sqrt((2 - k) / 3) for k in range(3)]
    for k, unknown in enumerate((2 / 3, 1 / 2, 0)):
        expect(answer(k), unknown / 4, f"error_knowing({k})", misconceptions=[
            (unknown, "the target holds a quarter of the sum"),
            ((2 - k) / 8, "the absolute value of a sum is not the sum of the absolute values: some of it cancels"),
            (spread[k] / 4, "this is the standard deviation; asked for is the mean absolute error"),
            (spread[k] ** 2 / 16, "this is the mean squared error; asked for is the mean absolute error"),
        ])
    return "One sixth, one eighth, nothing: the levels at which learning curves stand."


@exercise
def adder_weights(answer):
    weights = with_keys(answer(), (*GATES, "W_hq", "b_q"))
    cell, dense = LSTM(2, 1, sigma=0.0), Dense(1, 1)
    put_weights(cell, {name: weights[name] for name in GATES}, GATES)
    for name, w in dense.params.items():
        value = as_numbers(weights[name], name)
        if value.shape != w.shape:
            raise WrongAnswer(f"{name} should have the shape {w.shape}, got {value.shape}")
        w[...] = value
    errors, leaks, shut, lost, held = [], [], [], [], []
    for seed in range(10):
        X, y = adding(np.random.default_rng(seed), 256, 1000)
        trace, _ = cell.forward(X, cell.begin_state(256))
        errors.append(adding_error(dense.forward(trace.H[-1])[:, 0], y))
        marked = X[:, :, 1] == 1
        leaks.append(trace.I[~marked].mean())
        shut.append(trace.I[marked].min())
        lost.append(trace.F[500:].prod(axis=0).min())
        line = np.polynomial.Polynomial.fit(trace.H[-1, :, 0], y, 1)
        held.append(ADDING.wrong(adding_error(line(trace.H[-1, :, 0]), y)).sum())
    errors = np.concatenate(errors)
    if not ADDING.passes(errors):
        wrong = f"{ADDING.wrong(errors).sum()} of 2560 sequences are wrong"
        if min(shut) < 0.5:
            raise WrongAnswer(f"{wrong}: at the marker 1 the input gate has to open")
        if max(leaks) > 1e-4:
            raise WrongAnswer(f"{wrong}: without a mark the input gate stands at {max(leaks):.1g} on average, and a thousand "
                              "numbers leak in; the marker of the first and last pair is -1")
        if min(lost) < 0.9:
            raise WrongAnswer(f"{wrong}: over the last 500 steps the forget gate leaves {min(lost):.2g} of what was stored")
        if sum(held) <= 3:
            raise WrongAnswer(f"{wrong}, though the last hidden state holds the sum: the output layer has to make it one half "
                              "plus a quarter of the sum, and the output gate takes its share before")
        raise WrongAnswer(f"{wrong}, by {errors.mean():.2g} on average, though input gate and forget gate are right: keep "
                          "candidate and cell small, where tanh is nearly straight, and let the output layer make up for it")
    return f"{ADDING.wrong(errors).sum()} of 2560 wrong at T = 1000, with one cell and no training."


@exercise
def input_bias_for(answer):
    for g, num_steps, w in ((2.0, 100, 0.5), (10.0, 1000, 1.0), (1.5, 50, 0.3)):
        i = 2 * (g ** (1 / num_steps) - 1) / w
        expect(answer(g, num_steps, w), np.log(i / (1 - i)), f"input_bias_for({g}, {num_steps}, {w})", misconceptions=[
            (i, "this is the gate; the bias stands inside the sigmoid"),
            (np.log(i / 2 / (1 - i / 2)), "the output gate, one half, stands in the loop too"),
            (np.log((1 - i) / i), "the sign is turned around: a negative bias shuts the gate"),
            (-np.log(num_steps * w / (g - 1) / 2 - 1), "growth compounds: a power of the factor is g, not a multiple"),
        ], tolerance=1e-5)
    return "It falls like the logarithm of the length."


@exercise
def steps_until(answer):
    for level, a, f in ((3.0, 0.7, 1.0), (1.0, 0.25, 1.0), (2.0, 0.5, 0.8), (5.0, 0.5, 0.8), (3.0, 0.05, 0.99),
                        (2.0, 1.0, 0.5)):               # the last: at the bound, where only rounding gets
        never = f < 1 and level >= a / (1 - f)
        C, steps = 0.0, 0
        while C < level and not never:
            C, steps = f * C + a, steps + 1
        got = answer(level, a, f)
        if np.ndim(got) == 0 and np.isposinf(got):
            if never:
                continue
            raise WrongAnswer(f"a cell with f = {f} that gains {a} a step does get to {level}")
        if never:
            raise WrongAnswer(f"a cell with f = {f} that gains {a} a step stays below {a / (1 - f):.3g} for ever, "
                              f"but for rounding: it never gets to {level}")
        expect(got, steps, f"steps_until({level}, {a}, {f})", misconceptions=[
            (np.ceil(level / a), "the forget gate takes its share at every step, so it takes longer"),
            (level / a, "count whole steps: the cell is at the level or above only after the last of them"),
            (steps - 1, "the first step brings the cell from 0 to a: count it"),
            (steps + 1, "at the level counts, it need not be above"),
        ])
    return "Below 1, a forget gate is a bound."
