"""The gated recurrent unit, two gates and no cell: forward pass, and backpropagation through time by hand."""
from dataclasses import dataclass, fields

import numpy as np

from d2l_utils.cells.base import Cell, sigmoid, sigmoid_prime, tanh_prime


@dataclass
class GRUTrace:
    """What a forward pass leaves behind: both gates, the candidate and the hidden state at every step.

    R, Z, H_tilde, H: (num_steps, batch_size, num_hiddens). X and state: what went in.
    """

    X: np.ndarray
    state: tuple
    R: np.ndarray
    Z: np.ndarray
    H_tilde: np.ndarray
    H: np.ndarray

    @classmethod
    def empty(cls, X, state, num_hiddens, dtype):
        """A trace over X and state whose arrays are still to be filled."""
        return cls(X, state, *(np.empty((*X.shape[:2], num_hiddens), dtype) for _ in fields(cls)[2:]))

    def empty_like(self):
        """A trace of the same shapes, to be filled (with gradients, say)."""
        return GRUTrace.empty(self.X, self.state, self.H.shape[2], self.H.dtype)

    def record(self, t, R, Z, H_tilde, H):
        """Write down step t."""
        self.R[t], self.Z[t], self.H_tilde[t], self.H[t] = R, Z, H_tilde, H

    def H_before(self, t):
        """H_{t-1}: the hidden state that step t started from."""
        return self.H[t - 1] if t > 0 else self.state[0]


class GRU(Cell):
    """The cell of Cho et al. (2014): the reset gate R acts on H *before* the matrix product, Z keeps the old state.

    PyTorch, Gluon and cuDNN put the reset gate after the product, R * (H W_hh + b): a different function, so their
    weights do not fit here.
    num_inputs, num_hiddens, dtype, rng: see Cell. sigma: standard deviation of the Gaussian weights; biases are zero.
    """

    def __init__(self, num_inputs, num_hiddens, dtype=np.float64, rng=None, sigma=0.01):
        super().__init__(num_inputs, num_hiddens, dtype, rng)
        for part in ("r", "z", "h"):
            self.params[f"W_x{part}"] = self._normal(num_inputs, num_hiddens, sigma=sigma)
            self.params[f"W_h{part}"] = self._normal(num_hiddens, num_hiddens, sigma=sigma)
            self.params[f"b_{part}"] = np.zeros(num_hiddens, self.dtype)

    def forward(self, X, state):
        """Run the cell over a sequence.

        X: (num_steps, batch_size, num_inputs). state: (H,), with H (batch_size, num_hiddens).
        Returns (trace, state): gates, candidate and hidden state at every step, and the last state.
        Raises ValueError for a wrong shape. Cho et al. (2014), with row vectors.
        """
        X, (H,) = self._check_forward(X, state)
        p = self.params
        trace = GRUTrace.empty(X, (H,), self.num_hiddens, np.result_type(X, H, p["W_hr"]))
        for t, X_t in enumerate(X):
            R = sigmoid(X_t @ p["W_xr"] + H @ p["W_hr"] + p["b_r"])               # what the candidate may see of H
            Z = sigmoid(X_t @ p["W_xz"] + H @ p["W_hz"] + p["b_z"])               # what may stay
            H_tilde = np.tanh(X_t @ p["W_xh"] + (R * H) @ p["W_hh"] + p["b_h"])   # what is proposed
            H = Z * H + (1 - Z) * H_tilde
            trace.record(t, R, Z, H_tilde, H)
        return trace, (H,)

    def backward(self, trace, d_H, d_state=None, d_trace=None):
        """Backpropagation through time: the gradients of a loss L from what L asks of each H_t directly.

        trace: from `forward`. d_H: like trace.H, the direct part of dL/dH_t. d_state: (d_H,) of the last state, as it
        arrives from later steps, or None for zero. d_trace: an empty trace that receives the whole gradient of both
        gates, the candidate and the hidden state at every step, or None. Returns (grads, d_X, d_state): a dict like
        `params`, an array like X, and the gradient of the initial state. Raises ValueError for a wrong shape.
        Each line undoes one line of `forward`.
        """
        d_H, (d_H_next,) = self._check_backward(trace, d_H, d_state, d_trace)
        p = self.params
        grads = {name: np.zeros_like(w, dtype=trace.H.dtype) for name, w in p.items()}
        d_X = np.zeros(trace.X.shape, trace.H.dtype)
        for t in reversed(range(len(trace.X))):
            R, Z, H_tilde, H_before = trace.R[t], trace.Z[t], trace.H_tilde[t], trace.H_before(t)
            d_H_t = d_H[t] + d_H_next                               # H_t serves the loss and the next step
            d_Z = d_H_t * (H_before - H_tilde)                      # H = Z * H_before + (1 - Z) * H_tilde
            d_H_tilde = d_H_t * (1 - Z)
            d_H_next = d_H_t * Z                                    # the direct path: a product, no matrix
            d_sum_h = d_H_tilde * tanh_prime(H_tilde)               # H_tilde = tanh(X W_xh + (R * H_before) W_hh + b_h)
            d_RH = d_sum_h @ p["W_hh"].T
            d_R = d_RH * H_before
            d_H_next += d_RH * R
            sums = (("h", R * H_before, d_sum_h),                   # each part reads X, R * H_before or H_before, and b
                    ("z", H_before, d_Z * sigmoid_prime(Z)),
                    ("r", H_before, d_R * sigmoid_prime(R)))
            for part, read, d in sums:
                grads[f"W_x{part}"] += trace.X[t].T @ d
                grads[f"W_h{part}"] += read.T @ d
                grads[f"b_{part}"] += d.sum(axis=0)
                d_X[t] += d @ p[f"W_x{part}"].T
                if part != "h":                                     # H_tilde has had its share above
                    d_H_next += d @ p[f"W_h{part}"].T
            if d_trace is not None:
                d_trace.record(t, d_R, d_Z, d_H_tilde, d_H_t)
        return grads, d_X, (d_H_next,)
