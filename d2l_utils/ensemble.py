"""Many seeds of one network, trained side by side: every array has one axis more, for the seeds.

What a network learns depends on its seed, so the book's experiments train tens of them. One after the other, most of the
time goes into Python; side by side, a step is one product of stacks of matrices. The numbers are those of the plain
cells: a test holds them together.
"""
import copy

import numpy as np

from d2l_utils.cells import LSTM, RNN
from d2l_utils.cells.base import sigmoid, sigmoid_prime, tanh_prime
from d2l_utils.cells.lstm import GATES, LSTMTrace
from d2l_utils.cells.rnn import RNNTrace
from d2l_utils.layers import Dense


def _stacked(arrays):
    """Matrices (n, m) as (seeds, n, m), vectors (m,) as (seeds, 1, m), so that they stretch over a minibatch."""
    stack = np.stack(arrays)
    return stack[:, None] if stack.ndim == 2 else stack


def _per_seed(A):
    """(num_steps, seeds, batch_size, n) as (seeds, num_steps * batch_size, n): one product then sums over both."""
    return A.swapaxes(0, 1).reshape(A.shape[1], -1, A.shape[-1])


def _T(W):
    """Each matrix of a stack transposed, and laid out anew: products with it are faster."""
    return np.ascontiguousarray(W.swapaxes(-1, -2))


def _check_alike(name, parts, kinds):
    shapes = [(type(part), {n: w.shape for n, w in part.params.items()}) for part in parts]
    if not parts or not isinstance(parts[0], kinds) or any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"{name} must be a list of at least one, all of one kind, with parameters of the same shapes, "
                         f"got {parts!r}")


class Ensemble:
    """LSTMs, or RNNs, that differ in nothing but their weights, as one cell with an axis for the seeds.

    cells: the plain cells, whose parameters are copied. In `params` an LSTM's gates are joined, in the order i, f, c, o:
    W_x (seeds, num_inputs, 4 * num_hiddens), W_h (seeds, num_hiddens, 4 * num_hiddens), b (seeds, 1, 4 * num_hiddens), and
    peepholes W_ci, W_cf, W_co (seeds, 1 or num_hiddens, num_hiddens). An RNN has W_x, W_h and b, a quarter as wide.
    Raises ValueError for cells that do not go together.
    """

    def __init__(self, cells):
        _check_alike("cells", cells, (LSTM, RNN))
        self._first, self.num_seeds = cells[0], len(cells)
        self.num_hiddens = cells[0].num_hiddens
        self.peepholes = getattr(cells[0], "peepholes", None)
        self._names = {"W_x": ["W_xh"], "W_h": ["W_hh"], "b": ["b_h"]}
        if isinstance(cells[0], LSTM):
            self._names = {part: [f"{part}{'_' * (part == 'b')}{gate}" for gate in GATES] for part in ("W_x", "W_h", "b")}
        self._names.update({name: [name] for name in ("W_ci", "W_cf", "W_co") if self.peepholes})
        self.params = {name: np.concatenate([_stacked([cell.params[part] for cell in cells]) for part in parts], axis=-1)
                       for name, parts in self._names.items()}

    def cell(self, seed):
        """The plain cell of one seed (0 to num_seeds - 1), with a copy of its parameters as they are now."""
        cell = copy.copy(self._first)
        cell.params = {part: w.reshape(self._first.params[part].shape).copy() for name, parts in self._names.items()
                       for part, w in zip(parts, np.split(self.params[name][seed], len(parts), axis=-1))}
        return cell

    def begin_state(self, batch_size):
        """The zero state: a tuple of arrays (seeds, batch_size, num_hiddens)."""
        return tuple(np.stack([s] * self.num_seeds) for s in self._first.begin_state(batch_size))

    def forward(self, X, state):
        """Run all cells over their sequences.

        X: (num_steps, seeds, batch_size, num_inputs), or with 1 in place of seeds when all read the same.
        state: arrays (seeds, batch_size, num_hiddens), as from `begin_state`.
        Returns (trace, state): as the plain cell, with arrays (num_steps, seeds, batch_size, num_hiddens).
        Raises ValueError for a wrong shape.
        """
        X = np.asarray(X)
        if X.ndim != 4 or X.shape[1] not in (1, self.num_seeds) or X.shape[3] != self._first.num_inputs or len(X) == 0:
            raise ValueError(f"X must have the shape (num_steps >= 1, seeds={self.num_seeds} or 1, batch_size, "
                             f"num_inputs={self._first.num_inputs}), got {X.shape}")
        wanted = (self.num_seeds, X.shape[2], self.num_hiddens)
        if any(s.shape != wanted for s in state):
            raise ValueError(f"state must hold arrays (seeds, batch_size, num_hiddens) = {wanted}, "
                             f"got {[s.shape for s in state]}")
        Z = X @ self.params["W_x"] + self.params["b"]               # the inputs' part of all steps at once
        return self._forward_lstm(X, state, Z) if isinstance(self._first, LSTM) else self._forward_rnn(X, state, Z)

    def _forward_rnn(self, X, state, Z):
        H, = state
        for Z_t in Z:
            Z_t += H @ self.params["W_h"]
            H = np.tanh(Z_t, out=Z_t)
        return RNNTrace(X, state, Z), (H,)

    def _forward_lstm(self, X, state, Z):
        I, F, C_tilde, O = np.split(Z, 4, axis=-1)                  # views: each gate takes the place of its weighted sum
        trace = LSTMTrace(X, state, I, F, O, C_tilde, np.empty(I.shape, Z.dtype), np.empty(I.shape, Z.dtype))
        H, C = state
        for t, Z_t in enumerate(Z):
            Z_t += H @ self.params["W_h"]
            if self.peepholes:
                I[t] += self._peek("W_ci", C)
                F[t] += self._peek("W_cf", C)
            two_gates = Z_t[..., :2 * self.num_hiddens]
            two_gates[...] = sigmoid(two_gates)
            np.tanh(C_tilde[t], out=C_tilde[t])
            C = np.add(F[t] * C, I[t] * C_tilde[t], out=trace.C[t])
            if self.peepholes:
                O[t] += self._peek("W_co", C)
            O[t] = sigmoid(O[t])
            H = np.multiply(O[t], np.tanh(C), out=trace.H[t])
        return trace, (H, C)

    def _peek(self, name, C):
        return C @ self.params[name] if self.peepholes == "full" else C * self.params[name]

    def backward(self, trace, d_H, d_state=None):
        """Backpropagation through time for all seeds, as the plain cell's, and with the same names as `params`.

        trace: from `forward`. d_H: like trace.H. d_state: gradient of the last state, or None for zeros.
        Returns (grads, d_X, d_state). Where all seeds read the same X, d_X still has one part for each.
        Raises ValueError for a wrong shape.
        """
        if d_H.shape != trace.H.shape:
            raise ValueError(f"d_H must have the shape of trace.H, {trace.H.shape}, got {d_H.shape}")
        d_state = self.begin_state(d_H.shape[2]) if d_state is None else d_state
        step_back = self._backward_lstm if isinstance(self._first, LSTM) else self._backward_rnn
        d_Z, d_state = step_back(trace, d_H, d_state)
        H_before = np.concatenate([trace.state[0][None], trace.H[:-1]])
        flat = _per_seed(d_Z)
        X = _per_seed(np.broadcast_to(trace.X, (*d_Z.shape[:3], trace.X.shape[3])))
        grads = {"W_x": X.swapaxes(1, 2) @ flat, "W_h": _per_seed(H_before).swapaxes(1, 2) @ flat,
                 "b": flat.sum(axis=1, keepdims=True)}
        if self.peepholes:
            C_before = np.concatenate([trace.state[1][None], trace.C[:-1]])
            d_I, d_F, _, d_O = np.split(d_Z, 4, axis=-1)
            for name, C, d in (("W_ci", C_before, d_I), ("W_cf", C_before, d_F), ("W_co", trace.C, d_O)):
                C, d = _per_seed(C), _per_seed(d)
                grads[name] = C.swapaxes(1, 2) @ d if self.peepholes == "full" else (C * d).sum(axis=1, keepdims=True)
        return grads, d_Z @ _T(self.params["W_x"]), d_state

    def _backward_rnn(self, trace, d_H, d_state):
        W_h = _T(self.params["W_h"])
        d_Z = np.empty_like(d_H)
        d_H_next, = d_state
        for t in reversed(range(len(d_H))):
            d_Z[t] = (d_H[t] + d_H_next) * tanh_prime(trace.H[t])
            d_H_next = d_Z[t] @ W_h
        return d_Z, (d_H_next,)

    def _backward_lstm(self, trace, d_H, d_state):
        W_h = _T(self.params["W_h"])
        W_c = {name: _T(w) if self.peepholes == "full" else w for name, w in self.params.items() if name.startswith("W_c")}
        back = np.matmul if self.peepholes == "full" else np.multiply
        d_Z = np.empty((*d_H.shape[:3], 4 * self.num_hiddens), d_H.dtype)
        d_I, d_F, d_C_tilde, d_O = np.split(d_Z, 4, axis=-1)        # views, as in `forward`
        d_H_next, d_C_next = d_state
        for t in reversed(range(len(d_H))):
            I, F, O, C_tilde, C = trace.step(t)
            _, C_before = trace.before(t)
            tanh_C = np.tanh(C)
            d_H_t = d_H[t] + d_H_next
            d_O[t] = d_H_t * tanh_C * sigmoid_prime(O)
            d_C = d_C_next + d_H_t * O * tanh_prime(tanh_C)
            if self.peepholes:
                d_C += back(d_O[t], W_c["W_co"])
            d_I[t] = d_C * C_tilde * sigmoid_prime(I)
            d_F[t] = d_C * C_before * sigmoid_prime(F)
            d_C_tilde[t] = d_C * I * tanh_prime(C_tilde)
            d_C_next = d_C * F
            if self.peepholes:
                d_C_next += back(d_I[t], W_c["W_ci"])
                d_C_next += back(d_F[t], W_c["W_cf"])
            d_H_next = d_Z[t] @ W_h
        return d_Z, (d_H_next, d_C_next)


class EnsembleDense:
    """Dense layers that differ in nothing but their weights, one a seed.

    layers: the plain layers, whose parameters are copied into `params`: W_hq (seeds, num_inputs, num_outputs) and b_q
    (seeds, 1, num_outputs). Raises ValueError for layers that do not go together.
    """

    def __init__(self, layers):
        _check_alike("layers", layers, Dense)
        self._first = layers[0]
        self.params = {name: _stacked([layer.params[name] for layer in layers]) for name in layers[0].params}

    def dense(self, seed):
        """The plain layer of one seed, with a copy of its parameters as they are now."""
        layer = copy.copy(self._first)
        layer.params = {name: self.params[name][seed].reshape(w.shape).copy() for name, w in self._first.params.items()}
        return layer

    def forward(self, H):
        """H: (..., seeds, batch_size, num_inputs). Returns (..., seeds, batch_size, num_outputs)."""
        return H @ self.params["W_hq"] + self.params["b_q"]

    def backward(self, H, d_Y):
        """H: what `forward` was given, (num_steps, seeds, batch_size, num_inputs), or without steps; d_Y: like its result.

        Returns (grads, d_H).
        """
        flat_H, flat_d_Y = (A[None] if A.ndim == 3 else A for A in (H, d_Y))
        flat_H, flat_d_Y = _per_seed(flat_H), _per_seed(flat_d_Y)
        grads = {"W_hq": flat_H.swapaxes(1, 2) @ flat_d_Y, "b_q": flat_d_Y.sum(axis=1, keepdims=True)}
        return grads, d_Y @ _T(self.params["W_hq"])


def clip_each(grads, max_norm):
    """`optim.clip_by_global_norm` for each seed by itself.

    grads: dict of arrays (seeds, ...), changed in place. Returns the norms before clipping, (seeds,). Raises ValueError
    unless max_norm > 0.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be greater than 0, got {max_norm!r}")
    norms = np.sqrt(sum((g * g).sum(axis=tuple(range(1, g.ndim))) for g in grads.values()))
    scale = max_norm / np.maximum(norms, max_norm)
    for g in grads.values():
        g *= scale.reshape(-1, *[1] * (g.ndim - 1)).astype(g.dtype)
    return norms
