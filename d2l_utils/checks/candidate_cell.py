"""Checks of the exercises in chapter 4, The candidate cell."""
import numpy as np

from d2l_utils.cells import sigmoid
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect, weighted_sums


@exercise
def candidate_cell(answer):
    for arguments, Z, slips in weighted_sums("c"):
        expect(answer(*arguments), np.tanh(Z), "candidate_cell(...)", misconceptions=[
            (sigmoid(Z), "this is a gate; the candidate takes tanh, so that it can be negative"),
            (Z, "this is the weighted sum; squash it with tanh"),
            (sigmoid(Z) * np.tanh(Z), "do not gate it yet: the candidate is the proposal alone"),
            *((np.tanh(wrong), hint) for wrong, hint in slips),
        ])
    return "The update of a plain recurrent network, as a proposal."


@exercise
def opposite(answer):
    for z_i, z_c in ((1.5, 0.7), (-2.0, -0.4), (0.3, 2.0)):
        got = answer(z_i, z_c)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            raise WrongAnswer("return two numbers: the sum of the gate, then that of the candidate")
        new_i, new_c = as_numbers(got[0], "the gate's sum"), as_numbers(got[1], "the candidate's sum")
        wanted = -sigmoid(z_i) * np.tanh(z_c)
        expect(sigmoid(new_i) * np.tanh(new_c), wanted, "what your pair adds", misconceptions=[
            (sigmoid(-z_i) * np.tanh(z_c), "this shuts an open gate, or opens a shut one; the sign stays"),
            (sigmoid(-z_i) * np.tanh(-z_c), "the candidate alone is enough: turn it around and leave the gate as it was"),
            (-wanted, "this adds the same again, not its negative"),
            (np.tanh(-z_i) * np.tanh(z_c), "the gate is a sigmoid and cannot be negative"),
            (sigmoid(-z_c) * np.tanh(z_i), "the gate's sum comes first, then the candidate's"),
        ])
    return "The candidate changes its sign; the gate has none to change."


@exercise
def farthest(answer):
    for n, f in ((1, 0.9), (5, 0.5), (50, 0.9), (7, 1.0)):
        powers = f ** np.arange(n + 1)
        misconceptions = [
            (n, "this holds for f = 1 only: below it, older steps have been forgotten in part"),
            (1.0, "nothing squashes the memory: it can add up to more than one step"),
            (powers.sum(), "one step too many: the last step is not forgotten at all, and the first only num_steps - 1 times"),
            (powers[1:].sum(), "the newest step counts in full: the forget gate has not touched it yet"),
            (f ** n, "this is what is left of the start; the memory starts at 0 and is added to"),
        ]
        if f < 1:
            misconceptions += [(1 / (1 - f), "this is the limit for very many steps, not the bound after num_steps")]
        expect(answer(n, f), powers[:n].sum(), f"farthest({n}, {f})", misconceptions)
    return "At f = 0.9 it can never pass 10."


@exercise
def contribution_gradients(answer):
    rng = np.random.default_rng(0)
    I, C_tilde, d_C = rng.uniform(0.1, 0.9, (2, 3)), rng.uniform(-0.9, 0.9, (2, 3)), rng.standard_normal((2, 3))
    got = answer(I.copy(), C_tilde.copy(), d_C.copy())
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise WrongAnswer("return two arrays: d_Z_i and d_Z_c")
    slope_i, slope_c = I * (1 - I), 1 - C_tilde ** 2
    d_Z_i, d_Z_c = d_C * C_tilde * slope_i, d_C * I * slope_c
    expect(got[0], d_Z_i, "d_Z_i", misconceptions=[
        (d_Z_c, "the two are swapped: d_Z_i comes first"),
        (d_C * C_tilde, "d_Z_i lacks the slope of the sigmoid"),
        (d_C * I * slope_i, "the gradient of one factor carries the other: d_I is d_C times C_tilde"),
        (d_C * slope_i, "the factor C_tilde is missing: what the gate lets through decides what the gate is worth"),
        (d_C * C_tilde * (1 - I ** 2), "the input gate is a sigmoid: its slope is I (1 - I)"),
        (d_C * C_tilde * sigmoid(I) * (1 - sigmoid(I)), "I is already the sigmoid's value: do not squash it again"),
    ])
    expect(got[1], d_Z_c, "d_Z_c", misconceptions=[
        (d_C * I, "d_Z_c lacks the slope of tanh"),
        (d_C * C_tilde * slope_c, "the gradient of one factor carries the other: d_C_tilde is d_C times I"),
        (d_C * slope_c, "the factor I is missing: the gate scales what comes back as it scales what goes in"),
        (d_C * I * C_tilde * (1 - C_tilde), "the candidate is a tanh: its slope is 1 - C_tilde squared"),
        (d_C * I * (1 - np.tanh(C_tilde) ** 2), "C_tilde is already the value of tanh: do not squash it again"),
    ])
    return "Each factor carries the other one, and its own slope."
