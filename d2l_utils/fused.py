"""The fast language model: the numbers of `training.LanguageModel` with an LSTM, arranged for the machine.

All parameters lie in one matrix. Its upper part turns the input of a step into the weighted sums of all gates, its lower
part turns the hidden state that follows into scores:

                H_{t-1}  1    X_t                          H_t   1
    [ Z_t ] = [ W_h      b    W_x ]            [ Y_t ] = [ W_hq  b_q ]
    4 num_hiddens rows: gates i, f, o, candidate c         vocab_size rows

Backpropagation undoes both in one product: d_H_t is the transpose of the first columns times [d_Z_{t+1}; d_Y_t]. The
gradients of the two parts are d_Z_t [H_{t-1}; 1; X_t]' and d_Y_t [H_t; 1]', summed over all steps: two products after the
loop.
"""
import functools
import math
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_info

from d2l_utils.cells import LSTM
from d2l_utils.datasets.text import check_indices
from d2l_utils.optim import SGD, Adam, _check_step
from d2l_utils.training import LanguageModel

ROWS = ("i", "f", "o", "c")     # the sigmoid gates side by side: each operation runs over all three at once


@functools.cache
def _small_products():
    """The most multiplications that NumPy's BLAS takes for a small product, 0 where it has no way of its own for those."""
    kernels = {library.get("architecture") for library in threadpool_info() if library["internal_api"] == "openblas"}
    return 10 ** 6 if kernels & {"SkylakeX", "Cooperlake", "SapphireRapids"} else 0


def _in_blocks(W, batch_size):
    """W as a stack of blocks of its rows, which np.matmul multiplies one after the other.

    BLAS copies both matrices into the order in which it reads them before it multiplies. With as few columns as a minibatch
    has, each weight is used so seldom that the copying takes a quarter of the time. OpenBLAS's kernels for AVX-512 leave it
    out if the product is small, so they get a few rows at a time; other kernels get the whole matrix.
    """
    small = _small_products() if batch_size > 1 else 0      # with a single column it copies nothing anyway
    rows = next((n for n in (32, 16, 8, 4) if len(W) % n == 0 and n * W.shape[1] * batch_size <= small), len(W))
    return W.reshape(-1, rows, W.shape[1])


class Step(NamedTuple):
    """What one step reads and writes: views into the buffers, made once, because making a view takes time too."""

    HX: np.ndarray              # [H_{t-1}; 1; X_t]
    Z: np.ndarray               # weighted sums, then gates and candidate in their place; going back, d_Z
    Z_blocks: np.ndarray        # the same, as the blocks of the product
    gates: np.ndarray           # I, F and O as one block
    I: np.ndarray
    F: np.ndarray
    O: np.ndarray
    C_tilde: np.ndarray
    C_before: np.ndarray
    C: np.ndarray
    tanh_C: np.ndarray
    H: np.ndarray               # H_t, in its place in the input of the next step
    Z_Y_next: np.ndarray        # [Z_{t+1}; Y_t], to which H_t went


class Buffers:
    """The arrays of a minibatch of one shape, used again by each minibatch of that shape.

    An array holds features in its rows and sequences in its columns, (num_features, batch_size): a gate is then a
    contiguous block of rows, and the product of the weights with a step needs no transposition.
    """

    def __init__(self, num_steps, batch_size, W, W_of_H):
        h, num_sums = W_of_H.shape
        self.shape = (num_steps, batch_size)
        self.HX = np.zeros((num_steps + 1, W.shape[1], batch_size), W.dtype)
        self.HX[:, h] = 1                                   # what the biases are multiplied with
        self.Z_Y = np.zeros((num_steps + 1, num_sums, batch_size), W.dtype)     # Z after the last step stays zero
        self.C = np.empty((num_steps + 1, h, batch_size), W.dtype)
        self.tanh_C = np.empty((num_steps, h, batch_size), W.dtype)
        self.d_H, self.d_C, self.product = np.empty((3, h, batch_size), W.dtype)
        self.gates_d_gates = np.empty((3 * h, batch_size), W.dtype)     # a gate's gradient times the gate
        self.d_Z_Y_by_row = np.empty((num_sums, num_steps + 1, batch_size), W.dtype)
        self.HX_by_row = np.empty((W.shape[1], num_steps + 1, batch_size), W.dtype)
        self.H1, self.one_hot = self.HX[1:, :h + 1], self.HX[:-1, h + 1:]
        self.H, self.Y = self.HX[:, :h], self.Z_Y[1:, 4 * h:]
        self.t, self.b = np.arange(num_steps)[:, None], np.arange(batch_size)
        self.W_blocks, self.W_of_H_blocks = _in_blocks(W[:4 * h], batch_size), _in_blocks(W_of_H, batch_size)
        self.d_H_blocks = self.d_H.reshape(*self.W_of_H_blocks.shape[:2], batch_size)
        self.steps = []
        for t in range(num_steps):
            Z = self.Z_Y[t, :4 * h]
            I, F, O, C_tilde = Z.reshape(4, h, batch_size)
            self.steps.append(Step(self.HX[t], Z, Z.reshape(*self.W_blocks.shape[:2], batch_size), Z[:3 * h], I, F, O, C_tilde,
                                   self.C[t], self.C[t + 1], self.tanh_C[t], self.H[t + 1], self.Z_Y[t + 1]))


class FusedModel:
    """A language model with an LSTM in the form that `training.train` and `generate` expect, about twice as fast.

    model: a LanguageModel with an LSTM without peepholes, of float32 or float64, whose weights are finite and are copied;
    ValueError for another. The gradients that `loss_and_grads` returns live in a buffer that its next call overwrites.
    """

    def __init__(self, model):
        cell = getattr(model, "cell", None)
        if type(model) is not LanguageModel or type(cell) is not LSTM or cell.peepholes is not None:
            raise ValueError("model must be a LanguageModel whose cell is an LSTM without peepholes, got "
                             f"{type(model).__name__} with {type(cell).__name__}, peepholes {getattr(cell, 'peepholes', None)}")
        if cell.dtype not in (np.float32, np.float64):
            raise ValueError(f"model must be of float32 or float64, got {cell.dtype}")
        if not all(np.isfinite(w).all() for w in model.params.values()):        # an infinite forget bias, for instance
            raise ValueError("model must have finite parameters: the bias is a factor in a matrix product here, not added")
        self.num_hiddens, self.vocab_size, self.dtype = cell.num_hiddens, model.vocab_size, cell.dtype
        self.begin_state = cell.begin_state         # states go in and out as the plain cell has them
        h, shape = self.num_hiddens, (4 * self.num_hiddens + self.vocab_size, self.num_hiddens + self.vocab_size + 1)
        self.W, self.d_W = np.zeros(shape, self.dtype), np.zeros(shape, self.dtype)
        for name, block in self.blocks(self.W).items():
            block[...] = model.params[name].T
        self.params, self.grads = {"W": self.W}, {"W": self.d_W}
        self.W_of_H = np.empty((h, len(self.W)), self.dtype)    # the columns of H, transposed in memory at each minibatch
        self.buffers = None

    def blocks(self, W):
        """The plain model's names for the blocks of W, the weights or their gradient: views, transposed like W."""
        h, named = self.num_hiddens, {}
        for k, gate in enumerate(ROWS):
            rows = W[k * h:(k + 1) * h]
            named.update({f"W_x{gate}": rows[:, h + 1:], f"W_h{gate}": rows[:, :h], f"b_{gate}": rows[:, h]})
        return {**named, "W_hq": W[4 * h:, :h], "b_q": W[4 * h:, h]}

    def _scores_part(self, W):
        """The part of W that makes scores; the zeros beside it are no parameters."""
        return W[4 * self.num_hiddens:, :self.num_hiddens + 1]

    def to_plain(self):
        """A LanguageModel with these weights."""
        model = LanguageModel(LSTM(self.vocab_size, self.num_hiddens, dtype=self.dtype))
        for name, block in self.blocks(self.W).items():
            model.params[name][...] = block.T
        return model

    def scores(self, X, state):
        """X: indices (num_steps, batch_size). Returns (Y, state): (num_steps, batch_size, vocab_size) and the last state."""
        X = self._checked("X", X, state)
        buffers = self._forward(X, state)
        return buffers.Y.transpose(0, 2, 1).copy(), self._last_state(buffers)

    def one_by_one(self, state):
        """To write a text: a function that reads a character, its index, and returns the scores of the next, (vocab_size,).

        state: of one sequence; the function carries it on. It keeps the weights as they are now. Each call overwrites the
        scores of the last, and an index is not checked. Raises ValueError for a state that does not fit.
        """
        self._check_state(state, 1)
        h, half = self.num_hiddens, self.dtype.type(0.5)
        W = self.W.T.copy()                 # a vector times a matrix is faster than the transposed matrix times the vector
        W[:, :3 * h] *= half                # for tanh(z / 2), see _forward_steps: in the weights, once for the whole text
        W_of_H, W_x = W[:h + 1], W[h + 1:, :4 * h]
        H1, C = np.append(state[0], 1).astype(self.dtype), state[1][0].astype(self.dtype)
        H, Z_Y = H1[:h], np.dot(H1, W_of_H)
        Z, Y = Z_Y[:4 * h], Z_Y[4 * h:]
        gates, (I, F, O, C_tilde) = Z[:3 * h], Z.reshape(4, h)

        def read(x):
            np.add(Z, W_x[x], out=Z)        # the input is a choice of a row
            np.tanh(Z, out=Z)
            np.multiply(gates, half, out=gates)
            np.add(gates, half, out=gates)
            np.multiply(F, C, out=C)        # C = F * C + I * C_tilde
            np.multiply(I, C_tilde, out=I)
            np.add(C, I, out=C)
            np.tanh(C, out=H)               # H = O * tanh(C)
            np.multiply(O, H, out=H)
            np.dot(H1, W_of_H, out=Z_Y)     # scores, and what H gives to the next step: that need not wait for its input
            return Y
        return read

    def loss_and_grads(self, X, Y, state):
        """X, Y: indices (num_steps, batch_size). Returns the mean loss in nats, the gradients by name, the last state.

        The gradient stops at `state`. Raises ValueError for shapes that do not fit and for indices out of range.
        """
        X, Y = self._checked("X", X, state), check_indices("Y", Y, self.vocab_size)
        if Y.shape != X.shape:
            raise ValueError(f"Y must have the shape of X, {X.shape}, got {Y.shape}")
        buffers = self._forward(X, state)
        state = self._last_state(buffers)
        loss = _cross_entropy(buffers, Y)
        self._backward(buffers)
        return loss, self.grads, state

    def _checked(self, name, X, state):
        X = check_indices(name, X, self.vocab_size)
        if X.ndim != 2 or X.size == 0:
            raise ValueError(f"{name} must have the shape (num_steps >= 1, batch_size >= 1), got {X.shape}")
        self._check_state(state, X.shape[1])
        return X

    def _check_state(self, state, batch_size):
        wanted = [(batch_size, self.num_hiddens)] * 2
        if [np.shape(s) for s in state] != wanted:
            raise ValueError(f"state must be (H, C) of the shapes {wanted}, got {[np.shape(s) for s in state]}")

    def _last_state(self, buffers):
        return buffers.H[-1].T.copy(), buffers.C[-1].T.copy()       # the next minibatch writes over the buffers

    def _forward(self, X, state):
        """Fill the buffers for X: gates, states, and scores in buffers.Y."""
        if self.buffers is None or self.buffers.shape != X.shape:
            self.buffers = Buffers(len(X), X.shape[1], self.W, self.W_of_H)
        buffers = self.buffers
        buffers.H[0], buffers.C[0] = state[0].T, state[1].T
        buffers.one_hot[...] = 0
        buffers.one_hot[buffers.t, X, buffers.b] = 1
        self._forward_steps(buffers)
        np.matmul(self._scores_part(self.W), buffers.H1, out=buffers.Y)
        return buffers

    def _forward_steps(self, buffers):
        product = buffers.product
        for step in buffers.steps:
            np.matmul(buffers.W_blocks, step.HX, out=step.Z_blocks)
            np.multiply(step.gates, 0.5, out=step.gates)    # sigmoid(z) = (1 + tanh(z / 2)) / 2, so that
            np.tanh(step.Z, out=step.Z)                     # one call of tanh serves the gates and the candidate
            np.multiply(step.gates, 0.5, out=step.gates)
            np.add(step.gates, 0.5, out=step.gates)
            np.multiply(step.F, step.C_before, out=step.C)  # C = F * C_before + I * C_tilde
            np.multiply(step.I, step.C_tilde, out=product)
            np.add(step.C, product, out=step.C)
            np.tanh(step.C, out=step.tanh_C)
            np.multiply(step.O, step.tanh_C, out=step.H)    # H = O * tanh(C)

    def _backward(self, buffers):
        """From d_Y in the place of the scores to d_W."""
        buffers.d_C[...] = 0
        np.copyto(self.W_of_H, self.W[:, :self.num_hiddens].T)      # BLAS reads it in each step, faster in this order
        self._backward_steps(buffers)
        # A step's arrays lie together, a feature's do not: sorted by feature once, all gradients of a part are one product,
        # whose inner dimension is all steps of all sequences.
        np.copyto(buffers.d_Z_Y_by_row, buffers.Z_Y.transpose(1, 0, 2))
        np.copyto(buffers.HX_by_row, buffers.HX.transpose(1, 0, 2))
        h, batch_size = self.num_hiddens, buffers.shape[1]
        d_Z_Y, HX = buffers.d_Z_Y_by_row.reshape(len(self.W), -1), buffers.HX_by_row.reshape(self.W.shape[1], -1)
        np.matmul(d_Z_Y[:4 * h, :-batch_size], HX[:, :-batch_size].T, out=self.d_W[:4 * h])
        np.matmul(d_Z_Y[4 * h:, batch_size:], HX[:h + 1, batch_size:].T, out=self._scores_part(self.d_W))

    def _backward_steps(self, buffers):
        d_H, d_C, product, gates_d_gates = buffers.d_H, buffers.d_C, buffers.product, buffers.gates_d_gates
        I_d_I, F_d_F, O_d_O = gates_d_gates.reshape(3, *d_H.shape)      # the gradient of a gate comes multiplied with the gate
        for step in reversed(buffers.steps):
            np.matmul(buffers.W_of_H_blocks, step.Z_Y_next, out=buffers.d_H_blocks)   # H serves its scores and the next step
            np.multiply(d_H, step.H, out=O_d_O)             # H = O * tanh(C), d_O = d_H * tanh(C)
            np.multiply(step.H, step.tanh_C, out=product)   # d_C += d_H * O * (1 - tanh(C)^2), where
            np.subtract(step.O, product, out=product)       # O * (1 - tanh(C)^2) is O - H * tanh(C)
            np.multiply(d_H, product, out=product)
            np.add(d_C, product, out=d_C)
            np.multiply(d_C, step.I, out=product)           # C = F * C_before + I * C_tilde, d_I = d_C * C_tilde
            np.multiply(product, step.C_tilde, out=I_d_I)
            np.multiply(d_C, step.F, out=d_C)               # the direct path to C_before
            np.multiply(d_C, step.C_before, out=F_d_F)
            np.multiply(I_d_I, step.C_tilde, out=step.C_tilde)      # C_tilde = tanh(Z_c): d_C * I * (1 - C_tilde^2)
            np.subtract(product, step.C_tilde, out=step.C_tilde)
            np.multiply(gates_d_gates, step.gates, out=step.gates)  # I, F, O = sigmoid(Z_i), sigmoid(Z_f), sigmoid(Z_o):
            np.subtract(gates_d_gates, step.gates, out=step.gates)  # times gates * (1 - gates), of which one factor is there


def _cross_entropy(buffers, targets):
    """The mean loss in nats; its gradient takes the place of the scores, (num_steps, vocab_size, batch_size)."""
    Y, target = buffers.Y, (buffers.t, targets, buffers.b)
    Y -= Y.max(axis=1, keepdims=True)
    shifted = Y[target]
    np.exp(Y, out=Y)
    total = Y.sum(axis=1, keepdims=True)
    losses = np.log(total[:, 0]) - shifted
    Y /= total * targets.size
    Y[target] -= 1 / targets.size
    return float(losses.mean())


def _clip_factor(grads, max_norm):
    """What `optim.clip_by_global_norm` multiplies the gradients with, so that the optimizer can do so in its own pass."""
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in grads.values()))
    return max_norm / norm if norm > max_norm else 1.0


class ClippedSGD(SGD):
    """`optim.clip_by_global_norm` and `optim.SGD` in one, without temporary arrays: the gradients are used up.

    lr: the learning rate. clip: bound on the global norm, greater than 0, or ValueError.
    """

    def __init__(self, lr, clip):
        super().__init__(lr)
        if not clip > 0:
            raise ValueError(f"clip must be greater than 0, got {clip!r}")
        self.clip = clip

    def step(self, params, grads):
        """params and grads: dicts of arrays with the same names and shapes, or a ValueError; both change in place."""
        _check_step(params, grads, self.lr)
        scale = self.lr * _clip_factor(grads, self.clip)
        for name, w in params.items():
            g = grads[name]
            g *= scale
            w -= g


class ClippedAdam(Adam):
    """`optim.clip_by_global_norm` and `optim.Adam` in one, without temporary arrays: the gradients are used up.

    lr, beta1, beta2, eps: as in `optim.Adam`. clip: bound on the global norm, greater than 0, or ValueError.
    """

    def __init__(self, lr, clip, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(lr, beta1, beta2, eps)
        if not clip > 0:
            raise ValueError(f"clip must be greater than 0, got {clip!r}")
        self.clip = clip

    def step(self, params, grads):
        """params and grads: dicts of arrays with the same names and shapes, or a ValueError; both change in place."""
        _check_step(params, grads, self.lr)
        factor = _clip_factor(grads, self.clip)
        self.t += 1
        for name, w in params.items():
            g = grads[name]
            if name not in self.m:
                self.m[name], self.v[name] = np.zeros_like(w), np.zeros_like(w)
            m, v = self.m[name], self.v[name]
            g *= factor * (1 - self.beta1)
            m *= self.beta1
            m += g
            g *= g
            g *= (1 - self.beta2) / (1 - self.beta1) ** 2   # undoes the square of the factor above
            v *= self.beta2
            v += g
            np.multiply(v, 1 / (1 - self.beta2 ** self.t), out=g)       # v_hat, and from here g is the step
            np.sqrt(g, out=g)
            g += self.eps
            np.divide(m, g, out=g)
            g *= self.lr / (1 - self.beta1 ** self.t)
            w -= g
