"""Tasks whose difficulty is known, because they are made: long lags of Hochreiter & Schmidhuber (1997), with their
criteria, and the periodic functions of Gers, Schraudolph & Schmidhuber (2002)."""
from dataclasses import dataclass

import numpy as np

SYMBOLS = "abcdEBXY"        # of temporal order: four that distract, the start, the end, and the two that count


@dataclass(frozen=True)
class Criterion:
    """When a network of 1997 had learned: tolerance and average are absolute errors at the end of a sequence.

    A sequence is wrong from an error of `tolerance` on. Hochreiter & Schmidhuber (1997), sections 5.4 and 5.6 and table
    11; we read their "average training error" as the mean of the absolute errors.
    """

    tolerance: float
    average: float

    def wrong(self, errors):
        """Which of the errors, an array of any shape, are too large."""
        return np.asarray(errors) >= self.tolerance

    def stops(self, errors):
        """Whether training is over: the last 2,000 sequences all right, and their errors low on average.

        errors: (num_sequences, ...) in the order of training. Returns (...).
        """
        last = np.asarray(errors)[-2000:]
        enough = len(last) == 2000
        return enough & ~self.wrong(last).any(axis=0) & (last.mean(axis=0) < self.average)

    def passes(self, errors):
        """Whether at most 3 of 2,560 fresh sequences are wrong. errors: (2560, ...), or a ValueError. Returns (...)."""
        if len(errors) != 2560:
            raise ValueError(f"errors must be those of 2560 sequences, got {len(errors)}")
        return self.wrong(errors).sum(axis=0) <= 3


ADDING = Criterion(tolerance=0.04, average=0.01)
TEMPORAL_ORDER = Criterion(tolerance=0.3, average=0.1)


def _num_steps(rng, batch_size, min_steps):
    """A length between min_steps and a tenth more, the same for a whole minibatch; a ValueError for a task too small."""
    for name, value, least in (("batch_size", batch_size, 1), ("min_steps", min_steps, 20)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(rng.integers(min_steps, min_steps + min_steps // 10 + 1))


def adding(rng, batch_size, min_steps):
    """The adding problem: among many numbers two are marked, and their sum is asked for at the end.

    rng: a numpy Generator. min_steps: T of 1997; the sequences are up to a tenth longer. Returns (X, target).
    X: (num_steps, batch_size, 2), a number in [-1, 1] and a marker: 1 at one of the first ten pairs and at one of the
    T/2 - 1 first others, -1 at the first and the last pair, else 0. A marked first number is 0.
    target: (batch_size,), 0.5 + (X_1 + X_2) / 4. Raises ValueError for a batch_size below 1 or min_steps below 20.
    Hochreiter & Schmidhuber (1997), section 5.4; there each sequence has a length of its own.
    """
    num_steps = _num_steps(rng, batch_size, min_steps)
    X = np.zeros((num_steps, batch_size, 2))
    X[:, :, 0] = rng.uniform(-1, 1, (num_steps, batch_size))
    X[[0, -1], :, 1] = -1
    first = rng.integers(0, 10, batch_size)
    second = rng.integers(0, min_steps // 2 - 1, batch_size)
    second += second >= first                           # of the pairs that are not marked yet
    k = np.arange(batch_size)
    X[first, k, 1] = X[second, k, 1] = 1
    X[0, X[0, :, 1] == 1, 0] = 0
    return X, 0.5 + (X[first, k, 0] + X[second, k, 0]) / 4


def adding_error(Y, target):
    """The absolute error of each sequence. Y, target: of the same shape, or a ValueError."""
    if np.shape(Y) != np.shape(target):
        raise ValueError(f"Y must have the shape of target, {np.shape(target)}, got {np.shape(Y)}")
    return np.abs(Y - target)


def temporal_order(rng, batch_size, min_steps=100):
    """Temporal order: among letters that do not count stand two that do, X or Y, and their order is the class.

    rng: a numpy Generator. min_steps: 100 in 1997; the sequences are up to a tenth longer. Returns (X, classes).
    X: (num_steps, batch_size, 8), one-hot over SYMBOLS: E first, B last, an X or Y at a step from T/10 to T/5 and
    another at one from T/2 to T/2 + T/10, counted from 0, and a, b, c, d elsewhere. classes: (batch_size,), 0 to 3 for
    XX, XY, YX, YY.
    Raises ValueError for a batch_size below 1 or min_steps below 20.
    Hochreiter & Schmidhuber (1997), task 6a; there each sequence has a length of its own.
    """
    num_steps = _num_steps(rng, batch_size, min_steps)
    symbols = rng.integers(0, 4, (num_steps, batch_size))
    symbols[0], symbols[-1] = SYMBOLS.index("E"), SYMBOLS.index("B")
    tenth, k = min_steps // 10, np.arange(batch_size)
    classes = rng.integers(0, 4, batch_size)
    symbols[rng.integers(tenth, min_steps // 5 + 1, batch_size), k] = SYMBOLS.index("X") + classes // 2
    symbols[rng.integers(min_steps // 2, min_steps // 2 + tenth + 1, batch_size), k] = SYMBOLS.index("X") + classes % 2
    return np.eye(len(SYMBOLS))[symbols], classes


def temporal_order_error(outputs, classes):
    """The largest absolute error of the four outputs of each sequence: its class asks for 1, the others for 0.

    outputs: (..., 4), each in [0, 1]. classes: (...). Raises ValueError for other shapes.
    """
    if np.shape(outputs) != (*np.shape(classes), 4):
        raise ValueError(f"outputs must have the shape {(*np.shape(classes), 4)}, got {np.shape(outputs)}")
    return np.abs(outputs - np.eye(4)[classes]).max(axis=-1)


def periodic(kind, period, num_steps):
    """A periodic function of the step t = 1, 2, ..., to be generated without any input.

    kind: "cosine", "triangle" or "rectangle", between 0 and 1, or "spikes", 1 at the last step of each period and else 0.
    period: in steps, at least 2. Returns (num_steps,). Raises ValueError for another kind or too short a period.
    After Gers, Schraudolph & Schmidhuber (2002).
    """
    if not isinstance(period, (int, np.integer)) or period < 2:
        raise ValueError(f"period must be a whole number of at least 2, got {period!r}")
    t = np.arange(1, num_steps + 1) % period
    functions = {"cosine": lambda: (1 - np.cos(2 * np.pi * t / period)) / 2,
                 "triangle": lambda: 1 - np.abs(2 * t / period - 1),
                 "rectangle": lambda: np.where(t > period / 2, 1.0, 0.0),
                 "spikes": lambda: np.where(t == 0, 1.0, 0.0)}
    if kind not in functions:
        raise ValueError(f"kind must be one of {', '.join(functions)}, got {kind!r}")
    return functions[kind]()
