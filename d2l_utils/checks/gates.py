"""Checks of the exercises in chapter 3, Gates."""
import numpy as np

from d2l_utils.cells import sigmoid
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect, weighted_sums


@exercise
def input_gate(answer):
    for arguments, Z, slips in weighted_sums("i"):
        expect(answer(*arguments), sigmoid(Z), "input_gate(...)", misconceptions=[
            (np.tanh(Z), "this is tanh, which can be negative; a gate is a sigmoid"),
            (Z, "this is the weighted sum; squash it with the sigmoid"),
            (1 - sigmoid(Z), "the sign in the exponent is turned around"),
            (sigmoid(2 * Z), "this is the sigmoid of twice the weighted sum"),
            *((sigmoid(wrong), hint) for wrong, hint in slips),
        ])
    return "The other two gates differ in their parameters only."


@exercise
def bias_for_gate(answer):
    for p in (0.9, 0.01, np.array([0.3, 0.5, 0.999])):
        q = np.asarray(p)
        expect(answer(p), np.log(q / (1 - q)), f"bias_for_gate({p})", misconceptions=[
            (np.log((1 - q) / q), "the sign is turned around: a positive bias opens the gate"),
            (sigmoid(q), "this squashes p; you need the function that undoes the sigmoid"),
            (np.log(q), "this undoes exp, not the sigmoid"),
            (np.arctanh(q), "this undoes tanh, not the sigmoid"),
            (q - 0.5, "a sigmoid is not a straight line: half way from 0.5 to 1 takes more than 0.25"),
            (4 * (q - 0.5), "this takes the slope at 1/2 for the slope everywhere"),
        ])
    return "To turn 0.9 into 0.99 costs 2.4 more, and each further nine about 2.3."


@exercise
def gate_gradient(answer):
    rng = np.random.default_rng(0)
    I, d_I = rng.uniform(0.05, 0.95, (2, 3)), rng.standard_normal((2, 3))
    expect(answer(I.copy(), d_I.copy()), d_I * I * (1 - I), "gate_gradient(I, d_I)", misconceptions=[
        (I * (1 - I), "this is the slope alone: multiply it by the gradient that arrives"),
        (d_I, "the slope of the sigmoid is missing"),
        (d_I * (1 - I * I), "this is the slope of tanh"),
        (d_I * sigmoid(I) * (1 - sigmoid(I)), "I is already the sigmoid's value: do not squash it again"),
        (d_I * I, "this is what happens to a value that passes the gate, not to the gate"),
        (d_I * (1 - I), "half of the slope is missing: it is I times (1 - I)"),
    ])
    return "No weighted sum had to be kept for it."


@exercise
def unstack(answer):
    rng = np.random.default_rng(0)
    for n, h in ((8, 2), (3, 5)):                   # (8, 8) first: there a split along the rows raises no error
        Z = rng.standard_normal((n, 4 * h))
        got = answer(Z.copy())
        if not isinstance(got, (tuple, list)) or len(got) != 4:
            raise WrongAnswer("return four arrays: I, F, O, C_tilde")
        blocks = np.split(Z, 4, axis=1)
        for name, value, place in zip(("I", "F", "O", "C_tilde"), got, (0, 1, 3, 2)):
            right, other = (np.tanh, sigmoid) if name == "C_tilde" else (sigmoid, np.tanh)
            word = f"{name} takes tanh, not the sigmoid" if name == "C_tilde" else f"{name} is a gate: it takes the sigmoid"
            misconceptions = [(other(blocks[place]), word), (blocks[place], f"{name} is not squashed yet")]
            if n % 4 == 0:
                misconceptions += [(squash(block), "this splits the rows, which are the examples: split the columns")
                                   for block in np.split(Z, 4) for squash in (right, other)]
            misconceptions += [(squash(Z[:, k::4]), "a block is a run of columns, not every fourth one")
                               for k in range(4) for squash in (right, other)]
            misconceptions += [(squash(blocks[k]), f"{name} stands in block {place + 1} of the four (i, f, c, o), "
                                                   f"and this is block {k + 1}")
                               for k in range(4) if k != place for squash in (right, other)]
            expect(value, right(blocks[place]), name, misconceptions)
    return "Four blocks, four names, in the right places."


@exercise
def two_keys(answer):
    got = answer()
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise WrongAnswer("return two arrays: W_xi and b_i")
    W_xi, b_i = as_numbers(got[0], "W_xi"), as_numbers(got[1], "b_i")
    for name, value, shape in (("W_xi", W_xi, (3, 1)), ("b_i", b_i, (1,))):
        if value.shape != shape:
            raise WrongAnswer(f"{name} should have the shape {shape}, got {value.shape}")
    for a, b in ((0, 0), (1, 0), (0, 1), (1, 1)):
        gate = sigmoid(np.array([[v, a, b] for v in (-1.0, 0.0, 1.0)]) @ W_xi + b_i)[:, 0]
        seen = f"with markers {a} and {b} the gate stands between {gate.min():.3f} and {gate.max():.3f}"
        right = gate > 0.99 if a and b else gate < 0.01
        if right.all():
            continue
        if np.ptp(gate) > 1e-6:
            raise WrongAnswer(f"{seen}, depending on the value: give the value no weight")
        if (a, b) == (0, 0):
            raise WrongAnswer(f"{seen}: without markers the bias alone must shut it, and a bias of 0 leaves it half open")
        if not (a and b):
            raise WrongAnswer(f"{seen}: one marker alone must not open it, so the bias has to outweigh one marker")
        raise WrongAnswer(f"{seen}: both markers together have to outweigh the bias, and by enough for 0.99")
    return "It opens for both keys together, and for nothing less."
