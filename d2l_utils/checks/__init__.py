"""What the exercises call to check an answer: one module a chapter, one function an exercise.

A check calls the reader's function on cases of its own and compares numbers, so any right answer passes, however it is
written. It returns a Verdict, which a notebook shows as a sentence. An error inside the reader's function is the
reader's to see: it is not caught.
"""
import functools
import textwrap
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """passed: whether the answer is right. message: one sentence, with the hint where it is not."""

    passed: bool
    message: str

    def __repr__(self):
        return textwrap.fill(self.message, 72)      # the width of a page's column


class WrongAnswer(Exception):
    """An answer that does not pass; its text is the hint."""


def exercise(check):
    """Turn a function that raises WrongAnswer into one that returns a Verdict."""
    @functools.wraps(check)
    def judged(*answers):
        name = check.__name__
        try:
            praise = check(*answers)
        except NotImplementedError:
            return Verdict(False, f"Not yet: {name} is still to be written. Fill in the cell above and run both again.")
        except WrongAnswer as hint:
            return Verdict(False, f"Not right yet: {hint}")
        return Verdict(True, f"Right. {praise or ''}".rstrip())
    return judged


def as_numbers(value, what):
    """value as a NumPy array, from a number, a list, a NumPy or an MXNet array. what: its name in the hint."""
    if value is None:
        raise WrongAnswer(f"{what} is None: is a return missing?")
    value = value.asnumpy() if hasattr(value, "asnumpy") else value
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise WrongAnswer(f"{what} should be a number or an array of numbers, got {type(value).__name__}") from None


def with_keys(value, keys):
    """value, if it is a dictionary with these keys and no others."""
    if not isinstance(value, dict) or set(value) != set(keys):
        raise WrongAnswer(f"return a dictionary with the keys {', '.join(keys)}")
    return value


def put_weights(cell, weights, names):
    """Set the parameters of a cell that names lists to the reader's arrays, if their shapes fit."""
    for name, w in with_keys(weights, names).items():
        w = as_numbers(w, name)
        if w.shape != cell.params[name].shape:
            raise WrongAnswer(f"{name} should have the shape {cell.params[name].shape}, got {w.shape}")
        cell.params[name][...] = w


def weighted_sums(gate):
    """Cases of Z = X W_x + H W_h + b, and the slips on the way to it, for a gate or the candidate.

    gate: the letter in the names of its weights. Yields (arguments, Z, slips): X, H, W_x, W_h and b, the right sum, and
    pairs of a wrong sum and its hint.
    """
    rng = np.random.default_rng(0)
    for n, d, h in ((3, 4, 4), (2, 5, 3)):          # square weights first: there a transposed one raises no error
        X, H = rng.standard_normal((n, d)), rng.uniform(-1, 1, (n, h))
        W_x, W_h, b = (rng.standard_normal(shape) for shape in ((d, h), (h, h), h))
        Z = X @ W_x + H @ W_h + b
        slips = [(Z - b, "the bias is missing"), (X @ W_x + b, "the last hidden state is read too"),
                 (H @ W_h + b, "the input is read too")]
        if d == h:
            hint = f"the weights stand on the right as they are: X @ W_x{gate}, not X @ W_x{gate}.T"
            slips += [(X @ W_x.T + H @ right + b, hint) for right in (W_h, W_h.T)]
            slips.append((X @ W_x + H @ W_h.T + b, f"H @ W_h{gate}, not H @ W_h{gate}.T"))
        yield (X, H, W_x, W_h, b), Z, slips


def expect(value, wanted, what, misconceptions=(), tolerance=1e-4):
    """Compare an answer with what it should be, in float32 or float64; raise WrongAnswer with the hint that fits.

    wanted: a number or array. what: how the hint names the answer, such as "half_life(0.9)". misconceptions: pairs of
    a wrong value and the hint for whoever got it. tolerance: relative to the largest number wanted.
    """
    got, wanted = as_numbers(value, what), np.asarray(wanted, dtype=np.float64)

    def close(a, b):
        return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance * max(np.abs(b).max(initial=0), 1e-12))

    if close(got, wanted):
        return
    for wrong, hint in misconceptions:
        if close(got, np.asarray(wrong, dtype=np.float64)):
            raise WrongAnswer(hint)
    if got.shape != wanted.shape:
        raise WrongAnswer(f"{what} should have the shape {wanted.shape}, got {got.shape}")
    if not np.isfinite(got).all():
        raise WrongAnswer(f"{what} is not finite")
    if got.ndim == 0:
        raise WrongAnswer(f"{what} is {got:.6g}, which is too {'large' if got > wanted else 'small'}")
    off = np.abs(got - wanted)
    worst = tuple(int(k) for k in np.unravel_index(off.argmax(), off.shape))
    raise WrongAnswer(f"{what} has the right shape, but its entry {worst} is off by {off.max():.3g}")
