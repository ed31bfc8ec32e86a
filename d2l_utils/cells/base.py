"""What all cells share: named parameters, a zero state, and checks at the door."""
import numpy as np


def sigmoid(z):
    """The logistic function 1 / (1 + exp(-z)), element by element, as a real or complex array like z.

    Written through tanh, so that it neither overflows at z = -1000 nor minds complex numbers.
    """
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z)))


def tanh_prime(a):
    """The derivative of tanh where its value is a (not where its argument is a)."""
    return 1 - a * a


def sigmoid_prime(a):
    """The derivative of the logistic function where its value is a."""
    return a * (1 - a)


class Cell:
    """A recurrent cell. Subclasses fill `params` and write `forward` and `backward`.

    num_inputs, num_hiddens: widths of X_t and H_t. dtype: of the parameters, floating point or complex.
    rng: a numpy Generator that draws the weights; None stands for a fresh `default_rng(0)`, so that the same line
    gives the same weights. Give the cells of one model one Generator, or they start out alike.
    """

    state_names: tuple = ("H",)

    def __init__(self, num_inputs, num_hiddens, dtype=np.float64, rng=None):
        for name, value in (("num_inputs", num_inputs), ("num_hiddens", num_hiddens)):
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if np.dtype(dtype).kind not in "fc":
            raise ValueError(f"dtype must be a floating point or complex type, got {np.dtype(dtype)}")
        self.num_inputs, self.num_hiddens, self.dtype = int(num_inputs), int(num_hiddens), np.dtype(dtype)
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.params: dict = {}

    def _normal(self, *shape, sigma):
        return (sigma * self.rng.standard_normal(shape)).astype(self.dtype)

    def begin_state(self, batch_size):
        """The zero state: a tuple of arrays (batch_size, num_hiddens), one for each of `state_names`."""
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
        return tuple(np.zeros((batch_size, self.num_hiddens), self.dtype) for _ in self.state_names)

    def _check_forward(self, X, state):
        """X as an array (num_steps, batch_size, num_inputs) and state as a tuple of arrays, or a ValueError."""
        X = np.asarray(X)
        if X.ndim != 3 or X.shape[2] != self.num_inputs or len(X) == 0:
            raise ValueError(f"X must have the shape (num_steps >= 1, batch_size, num_inputs={self.num_inputs}), "
                             f"got {X.shape}")
        return X, self._check_state("state", state, X.shape[1])

    def _check_state(self, name, state, batch_size):
        wanted = (batch_size, self.num_hiddens)
        if not isinstance(state, (tuple, list)) or len(state) != len(self.state_names):
            got = f"{len(state)} of them" if isinstance(state, (tuple, list)) else f"a {type(state).__name__}"
            raise ValueError(f"{name} must be a tuple of {len(self.state_names)}, {' and '.join(self.state_names)}, "
                             f"got {got}")
        state = tuple(np.asarray(s) for s in state)
        for part, s in zip(self.state_names, state):
            if s.shape != wanted:
                raise ValueError(f"{name}: {part} must have the shape (batch_size, num_hiddens) = {wanted}, got {s.shape}")
        return state

    def _check_backward(self, trace, d_H, d_state, d_trace):
        """d_H as an array like trace.H and d_state as a tuple of arrays (zeros where it was None), or a ValueError."""
        d_H = np.asarray(d_H)
        if d_H.shape != trace.H.shape:
            raise ValueError(f"d_H must have the shape of trace.H, {trace.H.shape}, got {d_H.shape}")
        if d_trace is not None and d_trace.H.shape != trace.H.shape:
            raise ValueError(f"d_trace must come from trace.empty_like(), with the shape {trace.H.shape}, "
                             f"got {d_trace.H.shape}")
        if d_state is None:
            d_state = tuple(np.zeros_like(trace.H[0]) for _ in self.state_names)
        return d_H, self._check_state("d_state", d_state, trace.H.shape[1])
