"""What turns a cell into a model."""
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from d2l_utils.cells import LSTM, RNN, Cell
from d2l_utils.datasets.text import check_indices


class Dense:
    """Y = H W_hq + b_q: scores from hidden states.

    num_inputs, num_outputs: widths of H and Y. dtype: of the parameters. rng: a numpy Generator (None: a fresh
    `default_rng(0)`). sigma: standard deviation of the Gaussian weights; the bias is zero.
    """

    def __init__(self, num_inputs, num_outputs, dtype=np.float64, rng=None, sigma=0.01):
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = {"W_hq": (sigma * rng.standard_normal((num_inputs, num_outputs))).astype(dtype),
                       "b_q": np.zeros(num_outputs, dtype)}

    def forward(self, H):
        """H: (..., num_inputs). Returns (..., num_outputs); raises ValueError for another width."""
        if H.shape[-1] != len(self.params["W_hq"]):
            raise ValueError(f"H must have the shape (..., {len(self.params['W_hq'])}), got {H.shape}")
        return H @ self.params["W_hq"] + self.params["b_q"]

    def backward(self, H, d_Y):
        """H: what `forward` was given; d_Y: like its result. Returns (grads, d_H)."""
        flat_H, flat_d_Y = H.reshape(-1, H.shape[-1]), d_Y.reshape(-1, d_Y.shape[-1])
        grads = {"W_hq": flat_H.T @ flat_d_Y, "b_q": flat_d_Y.sum(axis=0)}
        return grads, d_Y @ self.params["W_hq"].T


def reverse(X, lengths=None):
    """Turn each sequence around within its own length; what stands behind its end stays where it is.

    X: (num_steps, batch_size, ...). lengths: whole numbers (batch_size,), or None: all have num_steps. Returns an array
    like X. Twice reversed is as before.
    """
    if lengths is None:
        return X[::-1]
    t = np.arange(len(X))[:, None]
    return X[np.where(t < lengths, lengths - 1 - t, t), np.arange(X.shape[1])]


def check_lengths(lengths, num_steps, batch_size):
    """lengths as an array of batch_size whole numbers from 1 to num_steps, or a ValueError."""
    lengths = np.asarray(lengths)
    if lengths.shape != (batch_size,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths must be whole numbers of the shape (batch_size,) = {(batch_size,)}, "
                         f"got {lengths.dtype} of the shape {lengths.shape}")
    if lengths.min() < 1 or lengths.max() > num_steps:
        raise ValueError(f"lengths must lie between 1 and num_steps = {num_steps}, got {lengths.min()} to {lengths.max()}")
    return lengths


@dataclass
class BidirectionalTrace:
    """What a forward pass in both directions leaves behind.

    forward, backward: the traces of the two cells; the second has the steps of each sequence in reverse order.
    lengths: (batch_size,), or None. H: (num_steps, batch_size, num_hiddens), both hidden states of each step side by
    side, in reading order, zero behind the end of a sequence.
    """

    forward: Any
    backward: Any
    lengths: Any
    H: np.ndarray


class Bidirectional:
    """Two cells over the same sequence, one from each end: at every step they have seen all of it between them.

    forward_cell, backward_cell: cells with the same num_inputs; give them one rng, or they start out alike. It has the
    interface of a cell: `params` are the arrays of the two, their names prefixed "forward." and "backward.", and a state
    is the first one's followed by the second one's. Raises ValueError for cells that do not go together.
    Schuster & Paliwal (1997).
    """

    def __init__(self, forward_cell, backward_cell):
        for name, cell in (("forward_cell", forward_cell), ("backward_cell", backward_cell)):
            if not isinstance(cell, Cell):
                raise ValueError(f"{name} must be a cell, such as an LSTM, got {cell!r}")
        if forward_cell is backward_cell or forward_cell.num_inputs != backward_cell.num_inputs:
            raise ValueError("forward_cell and backward_cell must be two cells with the same num_inputs, got "
                             f"{'one cell twice' if forward_cell is backward_cell else ''}"
                             f"{forward_cell.num_inputs} and {backward_cell.num_inputs}")
        self.cells = {"forward": forward_cell, "backward": backward_cell}
        self.num_inputs, self.dtype = forward_cell.num_inputs, forward_cell.dtype
        self.num_hiddens = forward_cell.num_hiddens + backward_cell.num_hiddens

    @property
    def params(self):
        """The two cells' arrays themselves, by name."""
        return {f"{name}.{part}": w for name, cell in self.cells.items() for part, w in cell.params.items()}

    def begin_state(self, batch_size):
        """The zero states of both cells, one tuple after the other."""
        return sum((cell.begin_state(batch_size) for cell in self.cells.values()), ())

    def _halves(self, state):
        """The forward cell's part of a state and the backward cell's."""
        parts = len(self.cells["forward"].state_names)
        return state[:parts], state[parts:]

    def forward(self, X, state, lengths=None):
        """Run both cells over a minibatch of sequences, the backward cell from each sequence's own last step.

        X: (num_steps, batch_size, num_inputs). state: as from `begin_state`; each cell starts from its part of it.
        lengths: whole numbers (batch_size,), or None where all sequences have num_steps. What X holds behind the end of a
        sequence is not looked at.
        Returns (trace, state): a BidirectionalTrace, and each cell's state after its last step of each sequence.
        Raises ValueError for a wrong shape and for lengths that do not fit.
        """
        first, last = self._halves(tuple(state))
        X, _ = self.cells["forward"]._check_forward(X, first)
        if lengths is not None:
            lengths = check_lengths(lengths, *X.shape[:2])
            X = np.where(self._mask(X, lengths), X, 0)
        forward, last_forward = self.cells["forward"].forward(X, first)
        backward, last_backward = self.cells["backward"].forward(reverse(X, lengths), last)
        H = np.concatenate([forward.H, reverse(backward.H, lengths)], axis=-1)
        if lengths is not None:
            H = np.where(self._mask(X, lengths), H, 0)
            ends = lengths - 1, np.arange(len(lengths))
            last_forward, last_backward = (tuple(getattr(trace, part)[ends] for part in cell.state_names)
                                           for trace, cell in zip((forward, backward), self.cells.values()))
        return BidirectionalTrace(forward, backward, lengths, H), (*last_forward, *last_backward)

    @staticmethod
    def _mask(X, lengths):
        """True where a sequence is, (num_steps, batch_size, 1)."""
        return (np.arange(len(X))[:, None] < lengths)[..., None]

    def backward(self, trace, d_H, d_state=None):
        """The gradients of a loss from what it asks of each H_t directly. Each line undoes one line of `forward`.

        trace: from `forward`. d_H: like trace.H; what it holds behind the end of a sequence is not looked at. d_state: the
        gradient of the last states, or None for zeros; with lengths it has to be None.
        Returns (grads, d_X, d_state): a dict like `params`, an array like X, and the gradient of the initial states.
        Raises ValueError for a wrong shape.
        """
        if d_state is not None and trace.lengths is not None:
            raise ValueError("d_state must be None when the sequences have lengths of their own")
        d_H = np.asarray(d_H)
        if d_H.shape != trace.H.shape:
            raise ValueError(f"d_H must have the shape of trace.H, {trace.H.shape}, got {d_H.shape}")
        first, last = (None, None) if d_state is None else self._halves(tuple(d_state))
        if trace.lengths is not None:
            d_H = np.where(self._mask(d_H, trace.lengths), d_H, 0)
        d_forward, d_backward = np.split(d_H, [self.cells["forward"].num_hiddens], axis=-1)
        back, d_X_back, d_last = self.cells["backward"].backward(trace.backward, reverse(d_backward, trace.lengths), last)
        ahead, d_X, d_first = self.cells["forward"].backward(trace.forward, d_forward, first)
        grads = {f"{name}.{part}": g for name, found in (("forward", ahead), ("backward", back)) for part, g in found.items()}
        return grads, d_X + reverse(d_X_back, trace.lengths), (*d_first, *d_last)


class Embedding:
    """Y = W_e[X]: one row of numbers for each token, the same as one-hot vectors times W_e.

    vocab_size, num_outputs: how many tokens there are, and the width of Y. dtype, rng, sigma: as for `Dense`.
    """

    def __init__(self, vocab_size, num_outputs, dtype=np.float64, rng=None, sigma=0.01):
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = {"W_e": (sigma * rng.standard_normal((vocab_size, num_outputs))).astype(dtype)}

    def forward(self, X):
        """X: indices (...). Returns (..., num_outputs); raises ValueError for an index outside the vocabulary."""
        return self.params["W_e"][check_indices("X", X, len(self.params["W_e"]))]

    def backward(self, X, d_Y):
        """X: what `forward` was given; d_Y: like its result. Returns the gradients by name. An index has none."""
        W = self.params["W_e"]
        grads = {"W_e": np.zeros(W.shape, d_Y.dtype)}
        order = np.argsort(X, axis=None, kind="stable")             # the places of each token, side by side
        tokens, starts = np.unique(np.ravel(X)[order], return_index=True)
        grads["W_e"][tokens] = np.add.reduceat(d_Y.reshape(-1, W.shape[1])[order], starts)
        return grads


class Dropout:
    """Y = X * mask: in training, each number is zero with probability p, and the others are divided by 1 - p.

    p: at least 0, below 1, or ValueError. per_sequence: one mask for all steps of a sequence, instead of a fresh one at
    each step (Gal & Ghahramani 2016). rng: draws the masks. Srivastava et al. (2014).
    """

    def __init__(self, p, per_sequence=False, rng=None):
        if not 0 <= p < 1:
            raise ValueError(f"p must be at least 0 and below 1, got {p!r}")
        self.p, self.per_sequence = p, per_sequence
        self.rng = np.random.default_rng(0) if rng is None else rng

    def mask(self, num_steps, batch_size, width, dtype=np.float64):
        """A mask for X of the shape (num_steps, batch_size, width); per sequence, its first axis is 1 and stretches."""
        shape = (1 if self.per_sequence else num_steps, batch_size, width)
        return ((self.rng.random(shape) >= self.p) / (1 - self.p)).astype(dtype)

    def forward(self, X, mask=None):
        """X times the mask. None stands for prediction, where nothing is dropped, and nothing need be divided."""
        return X if mask is None else X * mask

    def backward(self, mask, d_Y):
        """mask: what `forward` was given; d_Y: like its result. Returns d_X."""
        return d_Y if mask is None else d_Y * mask


def _forward(cell, X, state, mask, lengths):
    """`cell.forward`; with a mask step by step, the hidden state times the mask on its way into each step.

    Returns (trace, H, state). With a mask the trace is a list of traces, one a step.
    """
    if mask is None:
        one_way = lengths is None or not isinstance(cell, Bidirectional)    # read forwards, padding comes too late to matter
        trace, state = cell.forward(X, state) if one_way else cell.forward(X, state, lengths)
        return trace, trace.H, state
    if not isinstance(cell, (LSTM, RNN)):
        raise ValueError("hidden states can be masked for an LSTM or RNN, which read them through weights alone, not for a "
                         f"{type(cell).__name__}")
    steps = []
    for X_t in X:
        H, *rest = state
        trace, state = cell.forward(X_t[None], (H * mask, *rest))
        steps.append(trace)
    return steps, np.concatenate([trace.H for trace in steps]), state


def _backward(cell, trace, d_H, d_state, mask):
    """Undo `_forward`: as `cell.backward`."""
    if mask is None:
        return cell.backward(trace, d_H, d_state)
    grads: dict = {}
    d_X = np.empty_like(d_H, shape=(*d_H.shape[:2], cell.num_inputs))
    for t in reversed(range(len(trace))):
        step_grads, d_X[t:t + 1], (d_H_next, *rest) = cell.backward(trace[t], d_H[t:t + 1], d_state)
        d_state = (d_H_next * mask, *rest)
        grads = {name: grads.get(name, 0) + g for name, g in step_grads.items()}
    return grads, d_X, d_state


class StackedTrace(NamedTuple):
    """What a forward pass of `Stacked` leaves behind.

    layers: the trace of each layer, or the traces of its steps where it had a mask for its hidden states. X and masks:
    what went in. H: the hidden states of the last layer.
    """

    layers: list
    X: np.ndarray
    H: np.ndarray
    masks: list


class Stacked:
    """Cells on top of each other: each reads the hidden states of the one below. It has a cell's interface itself.

    cells: at least one, each as wide in its inputs as the one below in its hidden states, or ValueError. Their parameters
    are in `params`, the arrays themselves, as "0.W_xi" and so on from below. A state is the tuple of all their states.
    """

    def __init__(self, cells):
        if not cells or any(above.num_inputs != below.num_hiddens for below, above in zip(cells, cells[1:])):
            raise ValueError("cells must be a list of at least one, each with num_inputs = num_hiddens of the one below, "
                             f"got {[(cell.num_inputs, cell.num_hiddens) for cell in cells]}")
        self.cells = list(cells)
        self.num_inputs, self.num_hiddens, self.dtype = cells[0].num_inputs, cells[-1].num_hiddens, cells[0].dtype
        self._num_states = [len(cell.begin_state(1)) for cell in cells]

    @property
    def params(self):
        """The arrays themselves, by name, those of the lowest layer first."""
        return {f"{k}.{name}": w for k, cell in enumerate(self.cells) for name, w in cell.params.items()}

    def begin_state(self, batch_size):
        """The zero states of all layers, one after the other."""
        return tuple(s for cell in self.cells for s in cell.begin_state(batch_size))

    def _split(self, state):
        """A state of the whole stack as a list of its layers' states."""
        if len(state) != sum(self._num_states):
            raise ValueError(f"state must be a tuple of {sum(self._num_states)}, the states of all layers from below, "
                             f"got {len(state)} of them")
        parts = iter(state)
        return [tuple(next(parts) for _ in range(n)) for n in self._num_states]

    def forward(self, X, state, masks=None, lengths=None):
        """Run the stack over a sequence.

        X: (num_steps, batch_size, num_inputs). state: as from `begin_state`. masks: for each layer a pair that X and the
        hidden states are multiplied with before the layer reads them: (num_steps or 1, batch_size, num_inputs), and
        (batch_size, num_hiddens), the same at each step; None multiplies nothing. The second is for an LSTM or RNN, which
        read their hidden state through weights alone; a GRU also keeps it, and raises ValueError.
        lengths: whole numbers (batch_size,) for the layers that are Bidirectional; None where all sequences have num_steps.
        Returns (trace, state): the traces of the layers, trace.H of the last, and the last state. Graves (2012), 3.4.
        """
        masks = [(None, None)] * len(self.cells) if masks is None else masks
        H, traces, last = X, [], ()
        for cell, part, (x_mask, h_mask) in zip(self.cells, self._split(state), masks):
            trace, H, part = _forward(cell, H if x_mask is None else H * x_mask, part, h_mask, lengths)
            last += tuple(part)
            traces.append(trace)
        return StackedTrace(traces, X, H, masks), last

    def backward(self, trace, d_H, d_state=None):
        """Backpropagation through all layers, from the last to the first. See a cell's `backward`.

        d_H: like trace.H. d_state: the gradient of the last state, or None for zeros. Returns (grads, d_X, d_state).
        """
        d_states = self._split(d_state) if d_state is not None else [None] * len(self.cells)
        grads, d_first = {}, ()
        for k in reversed(range(len(self.cells))):
            x_mask, h_mask = trace.masks[k]
            layer_grads, d_H, d_part = _backward(self.cells[k], trace.layers[k], d_H, d_states[k], h_mask)
            d_H = d_H if x_mask is None else d_H * x_mask
            grads.update({f"{k}.{name}": g for name, g in layer_grads.items()})
            d_first = d_part + d_first
        return {name: grads[name] for name in self.params}, d_H, d_first
