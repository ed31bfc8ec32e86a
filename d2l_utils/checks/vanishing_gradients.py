"""Checks of the exercises in chapter 2, Vanishing and exploding gradients."""
import numpy as np

from d2l_utils.cells import LSTM, RNN
from d2l_utils.checks import WrongAnswer, as_numbers, exercise, expect


@exercise
def radius_from(answer):
    for radius, first, num in ((0.93, 3.0, 40), (1.2, 0.5, 30), (0.5, 1.0, 12)):
        norms = first * radius ** np.arange(num)
        slope = np.log(radius)
        expect(answer(norms.copy()), radius, f"radius_from of a line with radius {radius}", misconceptions=[
            (slope, "this is the slope; the radius is its exponential"),
            (np.log10(radius), "this is the slope, and of log10; take the natural logarithm, then the exponential"),
            (np.exp(np.log10(radius)), "log10 belongs with powers of 10; the exponential undoes the natural logarithm"),
            (10 ** slope, "the natural logarithm is undone by exp, not by powers of 10"),
            (1 / radius, "distance counts backwards from the last step: the sign of the slope is turned around"),
            ((norms[-1] / norms[0]) ** (1 / num), "so many entries lie one step less apart: count the steps between them"),
            (norms[-1] ** (1 / (num - 1)), "the first length need not be 1: divide by it"),
        ])
    return "The slope of the natural logarithm, undone by exp."


def _product(H, W, steps, rows=True):
    """The product of one factor a step: rows of W scaled by the slopes of tanh, or its columns."""
    M = np.eye(len(W))
    for t in steps:
        slopes = 1 - H[t] ** 2
        M = M @ (slopes[:, None] * W if rows else W * slopes)
    return M


@exercise
def jacobian_product(answer):
    for seed, num_hiddens, num_steps in ((0, 3, 5), (1, 4, 2), (2, 2, 1)):
        rng = np.random.default_rng(seed)
        cell = RNN(2, num_hiddens, rng=rng, sigma=0.7)
        X = np.repeat(rng.standard_normal((num_steps, 1, 2)), num_hiddens, axis=1)
        trace, _ = cell.forward(X, cell.begin_state(num_hiddens))
        d_H, d_trace = np.zeros_like(trace.H), trace.empty_like()
        d_H[-1] = np.eye(num_hiddens)                   # as many copies as units: backward collects the whole matrix
        cell.backward(trace, d_H, d_trace=d_trace)
        H, W, wanted = trace.H[:, 0], cell.params["W_hh"].T, d_trace.H[0]
        back = range(num_steps - 1, 0, -1)
        expect(answer(H.copy(), W.T.copy()), wanted, f"jacobian_product for {num_steps} steps", misconceptions=[
            (wanted.T, "this is the transpose: with row vectors the gradient stands on the left of M"),
            (_product(H, W.T, back), "W_hh has to be transposed on the way back"),
            (_product(H, W, back[::-1]), "the order is turned around: the last step's Jacobian comes first"),
            (_product(H, W, back, rows=False),
             "1 - H * H scales the rows of W_hh.T, not its columns: first the tanh is undone, then the matrix"),
            (_product(H, W, range(num_steps - 2, -1, -1)), "the step from H[t - 1] to H[t] takes the slope of tanh at H[t]"),
            (_product(H, W, range(num_steps - 1, -1, -1)),
             "one factor too many: the Jacobian of the first state leads to the state before it"),
            (np.linalg.matrix_power(W, num_steps - 1), "the slope of tanh, 1 - H * H, is missing"),
        ])
    return "It agrees with what backward says."


@exercise
def steps_until_lost(answer):
    for rho in (0.9, 0.99, 0.6, 0.3):
        per_step = -np.log(rho)
        expect(answer(rho), np.ceil(24 * np.log(2) / per_step), f"steps_until_lost({rho})", tolerance=1e-9, misconceptions=[
            (np.ceil(23 * np.log(2) / per_step),
             "float32 numbers above 1 are 2 ** -23 apart, but what is more than half of that still rounds up"),
            (np.ceil(53 * np.log(2) / per_step), "this is float64: Python's own numbers have 53 binary digits, float32 has 24"),
            (np.ceil(149 * np.log(2) / per_step),
             "this is where the number itself becomes 0; it is lost long before, when it is added to 1"),
            (np.ceil(150 * np.log(2) / per_step),
             "this is where the number itself becomes 0; it is lost long before, when it is added to 1"),
            (np.ceil(126 * np.log(2) / per_step),
             "this is the smallest normal number; a number is lost long before, when it is added to 1"),
            (24 * np.log(2) / per_step, "a whole number of steps is asked for: round up"),
            (np.floor(24 * np.log(2) / per_step), "one step too few: there the sum still changes"),
        ])
    return "At 0.9 it takes 158 steps."


def _flat(arrays):
    return np.concatenate([as_numbers(a, "a gradient").ravel() for a in arrays])


@exercise
def clip_together(answer):
    rng = np.random.default_rng(0)
    drawn = {"W_hh": 3 * rng.standard_normal((4, 4)), "b_h": 0.01 * rng.standard_normal(4)}
    long = {"W_hh": np.array([[2.0, 1.0], [2.0, 0.0]]), "b_h": np.array([0.0, 4.0])}
    short = {"W_hh": np.array([[0.03]]), "b_h": np.array([-0.04])}
    zero = {"W_hh": np.zeros((2, 2)), "b_h": np.zeros(2)}
    for grads, limit in ((long, 1.0), (drawn, 2.0), (short, 1.0), (zero, 1.0)):
        given = {name: g.copy() for name, g in grads.items()}
        result = answer(given, limit)
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[0], dict):
            raise WrongAnswer("return two things: the dictionary of clipped gradients, and the norm before clipping")
        clipped, got_norm = result
        if set(clipped) != set(grads):
            raise WrongAnswer(f"the dictionary should have the keys {', '.join(grads)}")
        if any(not np.array_equal(given[name], g) for name, g in grads.items()):
            raise WrongAnswer("the arrays that were given have changed: return new ones")
        if any(np.shape(clipped[name]) != g.shape for name, g in grads.items()):
            raise WrongAnswer("each clipped array should have the shape of the one that was given")
        g = _flat(grads.values())
        norms = [max(float(np.linalg.norm(array)), 1e-300) for array in grads.values()]     # no division by zero below
        norm = max(float(np.linalg.norm(g)), 1e-300)
        expect(_flat(clipped[name] for name in grads), min(1.0, limit / norm) * g, "the clipped gradient", misconceptions=[
            (np.clip(g, -limit, limit), "each entry is clipped by itself, which changes the direction"),
            (_flat(min(1.0, limit / n) * array for n, array in zip(norms, grads.values())),
             "each array is clipped to its own norm; one factor for all keeps the direction"),
            (limit / norm * g, "a gradient that is short enough stays as it is: never scale it up"),
            (min(1.0, limit / max(norm ** 2, 1e-300)) * g, "this divides by the square of the norm"),
            (min(1.0, limit / sum(norms)) * g, "norms do not add up: their squares do"),
            (g, "the gradient is longer than max_norm and comes back as it was"),
        ])
        expect(got_norm, np.linalg.norm(g), "the norm", misconceptions=[
            (norm ** 2, "this is the square of the norm"),
            (min(norm, limit), "this is the norm after clipping; return the one before: that is the one to watch"),
        ])
    return "One norm, one factor."


def _norms(d):
    return np.linalg.norm(d.reshape(len(d), -1), axis=1)


@exercise
def direct_share(answer):
    for seed, forget_bias in ((0, 1.0), (1, 3.0)):
        rng = np.random.default_rng(seed)
        cell = LSTM(3, 5, rng=rng, sigma=0.5, forget_bias=forget_bias)
        trace, _ = cell.forward(rng.standard_normal((12, 2, 3)), cell.begin_state(2))
        d_H, d_trace = np.zeros_like(trace.H), trace.empty_like()
        d_H[-1] = rng.standard_normal(d_H[-1].shape)
        cell.backward(trace, d_H, d_trace=d_trace)
        F, d_C = trace.F, d_trace.C
        later = np.concatenate([np.cumprod(F[:0:-1], axis=0)[::-1], np.ones_like(F[:1])])
        wanted = _norms(later * d_C[-1]) / _norms(d_C)
        expect(answer(F.copy(), d_C.copy()), wanted, "direct_share(F, d_C)", misconceptions=[
            (_norms(np.cumprod(F[::-1], axis=0)[::-1] * d_C[-1]) / _norms(d_C),
             "F[t] has done its work when C_t is there: the product for step t starts with F[t + 1]"),
            (_norms(np.cumprod(F, axis=0) * d_C[-1]) / _norms(d_C), "the product runs backwards, from the last step"),
            (1 / wanted, "the fraction is upside down: the direct part over the whole"),
            (wanted ** 2, "this is the ratio of the squares"),
            (wanted[::-1], "entry t belongs to step t: this counts from the end"),
            (_norms(later) / _norms(d_C), "the gates multiply the gradient of the last step, d_C[-1]"),
        ])
    return "The rest took the other paths."
