"""Long short-term memory with a forget gate: forward pass, and backpropagation through time by hand."""
from dataclasses import dataclass, fields

import numpy as np

from d2l_utils.cells.base import Cell, sigmoid, sigmoid_prime, tanh_prime

GATES = ("i", "f", "c", "o")    # the order in which Gluon and PyTorch stack input gate, forget gate, candidate, output gate


@dataclass
class LSTMTrace:
    """What a forward pass leaves behind: every gate, the candidate, the cell and the hidden state at every step.

    I, F, O, C_tilde, C, H: (num_steps, batch_size, num_hiddens). X and state: what went in.
    """

    X: np.ndarray
    state: tuple
    I: np.ndarray
    F: np.ndarray
    O: np.ndarray
    C_tilde: np.ndarray
    C: np.ndarray
    H: np.ndarray

    @classmethod
    def empty(cls, X, state, num_hiddens, dtype):
        """A trace over X and state whose arrays are still to be filled."""
        return cls(X, state, *(np.empty((*X.shape[:2], num_hiddens), dtype) for _ in fields(cls)[2:]))

    def empty_like(self):
        """A trace of the same shapes, to be filled (with gradients, say)."""
        return LSTMTrace.empty(self.X, self.state, self.H.shape[2], self.H.dtype)

    def record(self, t, I, F, O, C_tilde, C, H):
        """Write down step t."""
        self.I[t], self.F[t], self.O[t], self.C_tilde[t], self.C[t], self.H[t] = I, F, O, C_tilde, C, H

    def step(self, t):
        """I, F, O, C_tilde and C of step t."""
        return self.I[t], self.F[t], self.O[t], self.C_tilde[t], self.C[t]

    def before(self, t):
        """(H_{t-1}, C_{t-1}): the state that step t started from."""
        return (self.H[t - 1], self.C[t - 1]) if t > 0 else self.state


class LSTM(Cell):
    """The cell of Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000).

    num_inputs, num_hiddens, dtype, rng: see Cell.
    peepholes: None; "diagonal", so that each unit's gates see its own cell (Gers, Schraudolph & Schmidhuber 2002); or
    "full", so that they see all cells. Input and forget gate see the old cell, the output gate the new one.
    sigma: standard deviation of the Gaussian weights. forget_bias: what b_f starts at; the other biases are zero.
    """

    state_names = ("H", "C")

    def __init__(self, num_inputs, num_hiddens, peepholes=None, dtype=np.float64, rng=None, sigma=0.01, forget_bias=0.0):
        super().__init__(num_inputs, num_hiddens, dtype, rng)
        if peepholes not in (None, "diagonal", "full"):
            raise ValueError(f'peepholes must be None, "diagonal" or "full", got {peepholes!r}')
        self.peepholes = peepholes
        for gate in ("i", "f", "o", "c"):
            self.params[f"W_x{gate}"] = self._normal(num_inputs, num_hiddens, sigma=sigma)
            self.params[f"W_h{gate}"] = self._normal(num_hiddens, num_hiddens, sigma=sigma)
            if peepholes and gate != "c":
                shape = (num_hiddens, num_hiddens) if peepholes == "full" else (num_hiddens,)
                self.params[f"W_c{gate}"] = self._normal(*shape, sigma=sigma)
            self.params[f"b_{gate}"] = np.zeros(num_hiddens, self.dtype)
        self.params["b_f"] += forget_bias

    def _peek(self, gate, C):
        """What a gate sees of the cell C: nothing, each unit its own, or all of them mixed."""
        if self.peepholes is None:
            return 0.0
        W = self.params[f"W_c{gate}"]
        return C @ W if self.peepholes == "full" else C * W

    def _undo_peek(self, gate, C, d, grads):
        """Add the gradient of the peephole weights to grads, and return that of C. d: of the gate's weighted sum."""
        if self.peepholes is None:
            return 0.0
        W = self.params[f"W_c{gate}"]
        grads[f"W_c{gate}"] += C.T @ d if self.peepholes == "full" else (d * C).sum(axis=0)
        return d @ W.T if self.peepholes == "full" else d * W

    def forward(self, X, state):
        """Run the cell over a sequence.

        X: (num_steps, batch_size, num_inputs). state: (H, C), each (batch_size, num_hiddens).
        Returns (trace, state): every gate at every step, and the last state.
        Raises ValueError for a wrong shape. Gers, Schmidhuber & Cummins (2000), with row vectors; with peepholes Gers,
        Schraudolph & Schmidhuber (2002).
        """
        X, (H, C) = self._check_forward(X, state)
        p = self.params
        trace = LSTMTrace.empty(X, (H, C), self.num_hiddens, np.result_type(X, H, C, p["W_hi"]))
        for t, X_t in enumerate(X):
            I = sigmoid(X_t @ p["W_xi"] + H @ p["W_hi"] + self._peek("i", C) + p["b_i"])     # what may enter
            F = sigmoid(X_t @ p["W_xf"] + H @ p["W_hf"] + self._peek("f", C) + p["b_f"])     # what may stay
            C_tilde = np.tanh(X_t @ p["W_xc"] + H @ p["W_hc"] + p["b_c"])                    # what is proposed
            C = F * C + I * C_tilde
            O = sigmoid(X_t @ p["W_xo"] + H @ p["W_ho"] + self._peek("o", C) + p["b_o"])     # what may be seen
            H = O * np.tanh(C)
            trace.record(t, I, F, O, C_tilde, C, H)
        return trace, (H, C)

    def backward(self, trace, d_H, d_state=None, d_trace=None):
        """Backpropagation through time: the gradients of a loss L from what L asks of each H_t directly.

        trace: from `forward`. d_H: like trace.H, the direct part of dL/dH_t. d_state: (d_H, d_C) of the last state, as
        they arrive from later steps, or None for zeros. d_trace: an empty trace that receives the whole gradient of
        every gate, cell and hidden state at every step, or None. Returns (grads, d_X, d_state): a dict like `params`,
        an array like X, and the gradient of the initial state. Raises ValueError for a wrong shape.
        Graves (2012), section 4.6, with row vectors; each line undoes one line of `forward`.
        """
        d_H, (d_H_next, d_C_next) = self._check_backward(trace, d_H, d_state, d_trace)
        p = self.params
        grads = {name: np.zeros_like(w, dtype=trace.H.dtype) for name, w in p.items()}
        d_X = np.zeros(trace.X.shape, trace.H.dtype)
        for t in reversed(range(len(trace.X))):
            I, F, O, C_tilde, C = trace.step(t)
            H_before, C_before = trace.before(t)
            tanh_C = np.tanh(C)
            d_H_t = d_H[t] + d_H_next                               # H serves the loss and the next step
            d_O = d_H_t * tanh_C                                    # H = O * tanh(C)
            d_Z = {"o": d_O * sigmoid_prime(O)}                     # O = sigmoid(Z_o), which may peek at C
            d_C = d_C_next + d_H_t * O * tanh_prime(tanh_C) + self._undo_peek("o", C, d_Z["o"], grads)
            d_F, d_I, d_C_tilde = d_C * C_before, d_C * C_tilde, d_C * I    # C = F * C_before + I * C_tilde
            d_C_next = d_C * F                                      # the direct path: a product, no matrix
            d_Z["c"] = d_C_tilde * tanh_prime(C_tilde)              # C_tilde = tanh(Z_c)
            for gate, d in (("i", d_I * sigmoid_prime(I)), ("f", d_F * sigmoid_prime(F))):
                d_Z[gate] = d                                       # I = sigmoid(Z_i), F = sigmoid(Z_f), which may peek
                d_C_next += self._undo_peek(gate, C_before, d, grads)
            d_H_next = np.zeros_like(d_H_t)
            for gate in ("i", "f", "o", "c"):                       # Z = X W_x + H_before W_h + b
                d = d_Z[gate]
                grads[f"W_x{gate}"] += trace.X[t].T @ d
                grads[f"W_h{gate}"] += H_before.T @ d
                grads[f"b_{gate}"] += d.sum(axis=0)
                d_X[t] += d @ p[f"W_x{gate}"].T
                d_H_next += d @ p[f"W_h{gate}"].T
            if d_trace is not None:
                d_trace.record(t, d_I, d_F, d_O, d_C_tilde, d_C, d_H_t)
        return grads, d_X, (d_H_next, d_C_next)
