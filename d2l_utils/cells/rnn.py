"""The plain recurrent cell of Elman (1990): forward pass, and backpropagation through time by hand."""
from dataclasses import dataclass

import numpy as np

from d2l_utils.cells.base import Cell, tanh_prime


@dataclass
class RNNTrace:
    """What a forward pass leaves behind. H: (num_steps, batch_size, num_hiddens); X and state: what went in."""

    X: np.ndarray
    state: tuple
    H: np.ndarray

    def empty_like(self):
        """A trace of the same shapes, to be filled (with gradients, say)."""
        return RNNTrace(self.X, self.state, np.empty_like(self.H))

    def H_before(self, t):
        """H_{t-1}: the hidden state that step t started from."""
        return self.H[t - 1] if t > 0 else self.state[0]


class RNN(Cell):
    """H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h).

    num_inputs, num_hiddens, dtype, rng: see Cell. sigma: standard deviation of the Gaussian weights; biases are zero.
    """

    def __init__(self, num_inputs, num_hiddens, dtype=np.float64, rng=None, sigma=0.01):
        super().__init__(num_inputs, num_hiddens, dtype, rng)
        self.params = {"W_xh": self._normal(num_inputs, num_hiddens, sigma=sigma),
                       "W_hh": self._normal(num_hiddens, num_hiddens, sigma=sigma),
                       "b_h": np.zeros(num_hiddens, self.dtype)}

    def forward(self, X, state):
        """Run the cell over a sequence.

        X: (num_steps, batch_size, num_inputs). state: (H,), with H (batch_size, num_hiddens).
        Returns (trace, state): the hidden state at every step, and the last state.
        Raises ValueError for a wrong shape. Elman (1990), with row vectors.
        """
        X, (H,) = self._check_forward(X, state)
        p = self.params
        trace = RNNTrace(X, (H,), np.empty((*X.shape[:2], self.num_hiddens), np.result_type(X, H, p["W_hh"])))
        for t, X_t in enumerate(X):
            H = np.tanh(X_t @ p["W_xh"] + H @ p["W_hh"] + p["b_h"])
            trace.H[t] = H
        return trace, (H,)

    def backward(self, trace, d_H, d_state=None, d_trace=None):
        """Backpropagation through time: the gradients of a loss L from what L asks of each H_t directly.

        trace: from `forward`. d_H: like trace.H, the direct part of dL/dH_t. d_state: (d_H,) of the last state, as it
        arrives from later steps, or None for zero. d_trace: an empty trace that receives the whole dL/dH_t of every
        step, or None. Returns (grads, d_X, d_state): a dict like `params`, an array like X, and the gradient of the
        initial state. Raises ValueError for a wrong shape. Werbos (1990).
        """
        d_H, (d_H_next,) = self._check_backward(trace, d_H, d_state, d_trace)
        p = self.params
        grads = {name: np.zeros_like(w, dtype=trace.H.dtype) for name, w in p.items()}
        d_X = np.empty(trace.X.shape, trace.H.dtype)
        for t in reversed(range(len(trace.X))):
            d_H_t = d_H[t] + d_H_next                       # H_t serves the loss and the next step
            d_Z = d_H_t * tanh_prime(trace.H[t])            # H = tanh(Z)
            grads["W_xh"] += trace.X[t].T @ d_Z             # Z = X W_xh + H_before W_hh + b_h
            grads["W_hh"] += trace.H_before(t).T @ d_Z
            grads["b_h"] += d_Z.sum(axis=0)
            d_X[t] = d_Z @ p["W_xh"].T
            d_H_next = d_Z @ p["W_hh"].T
            if d_trace is not None:
                d_trace.H[t] = d_H_t
        return grads, d_X, (d_H_next,)
