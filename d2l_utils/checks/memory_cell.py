"""Checks of the exercises in chapter 5, The memory cell."""
import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.checks import WrongAnswer, exercise, expect, put_weights


@exercise
def half_life(answer):
    for f in (0.5, 0.9, 0.999, np.array([0.25, 0.99])):
        expect(answer(f), np.log(2) / -np.log(f), f"half_life({f})", misconceptions=[
            (1 / -np.log(f), "this is the time after which 1/e is left, not one half"),
            (np.log(2) / np.log(f), "a time is positive: the logarithm of a gate below 1 is negative"),
            (np.log2(f), "f to the power k is one half: solve for k"),
            (np.ceil(np.log(2) / -np.log(f)), "no need to round up: the number need not be whole"),
            (0.5 / (1 - np.asarray(f)), "the loss compounds: each step takes a share of what is left, not of the start"),
        ])
    return "A gate at 0.9 halves a memory every 6.6 steps."


@exercise
def forget_bias_for(answer):
    for steps in (1, 10, 1000):
        f = 2 ** (-1 / steps)
        expect(answer(steps), np.log(f / (1 - f)), f"forget_bias_for({steps})", misconceptions=[
            (f, "this is the gate; the bias stands inside the sigmoid"),
            (np.log((1 - f) / f), "the sign is turned around: a larger bias opens the gate"),
            (-np.log(np.expm1(1 / steps)), "with this bias 1/e is left after so many steps, not one half"),
        ])
    return "It grows like the logarithm of the time."


@exercise
def latch_weights(answer):
    cell = LSTM(2, 1, sigma=0.0)
    put_weights(cell, answer(), ("W_xi", "W_xf", "W_xc", "b_i", "b_f", "b_c"))
    rng = np.random.default_rng(0)
    for share in (0.03, 0.3):                           # commands seldom, then often
        value, command = rng.choice([-1.0, 1.0], 100), rng.random(100) < share
        command[0] = True
        trace, _ = cell.forward(np.stack([value, command], axis=-1)[:, None], cell.begin_state(1))
        last = np.maximum.accumulate(np.where(command, np.arange(100), 0))
        C, stored = trace.C[:, 0, 0], value[last]
        bad = np.flatnonzero((np.sign(C) != stored) | (np.abs(C) <= 0.8))
        if bad.size:
            t = int(bad[0])
            if command[t]:
                why = ("at a command the forget gate has to shut, or the old value is added to the new one"
                       if trace.F[t, 0, 0] > 0.2 else
                       "at a command the input gate has to open, and the candidate to be near ±1")
            else:
                why = ("without a command the input gate has to stay shut, or other values leak in"
                       if trace.I[t, 0, 0] > 0.01 else "without a command the forget gate has to stay very close to 1")
            raise WrongAnswer(f"after step {t} the cell holds {C[t]:.2f} and should keep {stored[t]:+.0f}: {why}")
    return "It holds its value for 100 steps."


@exercise
def direct_path(answer):
    for F in (np.array([0.3, 0.5, 0.8, 0.9]), np.random.default_rng(1).uniform(0.8, 1, 30)):
        expect(answer(F.copy()), np.append(np.cumprod(F[:0:-1])[::-1], 1.0), "direct_path(F)", misconceptions=[
            (np.cumprod(F[::-1])[::-1], "F[t] has done its work when C_t is there: entry t starts with F[t + 1]"),
            (np.cumprod(F), "this runs forwards: it says how C_0's content fares, not how the last cell depends on each"),
            (np.append(1.0, np.cumprod(F[1:])), "this differentiates each cell by the first one, not the last by each"),
        ])
    return "A product of forget gates, taken from the end."
