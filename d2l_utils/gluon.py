"""The MXNet side: a model from `nd` functions with autograd, Gluon's `rnn.LSTM`, and weights carried between them and us.

The one module that imports MXNet; everything else in the package works without it.
"""
import numpy as np

import d2l_utils  # noqa: F401  (puts numpy.bool back, before MXNet asks for it)
from d2l_utils.cells import LSTM
from d2l_utils.cells.lstm import GATES
from d2l_utils.datasets.text import check_indices
from d2l_utils.language_model import StackedLanguageModel

try:
    from mxnet import autograd, gluon, nd
except ImportError as error:
    raise ImportError("d2l_utils.gluon needs MXNet 1.9.1, which has wheels for Python 3.8 to 3.12 on Linux and Intel "
                      "macOS; everything else in d2l_utils works without it") from error


class ScratchModel:
    """A language model written as a function on `nd` arrays, in the form that `training.train` and `generate` expect.

    forward: (inputs, state, params) -> (outputs, state), with inputs a list of (batch_size, vocab_size) arrays, as d2l
    writes it. params: dict of nd arrays with gradients attached. init_state: batch_size -> tuple of nd arrays.
    """

    def __init__(self, forward, params, init_state, vocab_size):
        self.forward, self.params, self.begin_state, self.vocab_size = forward, params, init_state, vocab_size
        self.loss = gluon.loss.SoftmaxCrossEntropyLoss()

    def _run(self, X, state):
        check_indices("X", X, self.vocab_size)          # MXNet's one_hot takes an index out of range for a row of zeros
        inputs = [nd.one_hot(nd.array(X_t), self.vocab_size) for X_t in X]
        outputs, state = self.forward(inputs, tuple(s.detach() for s in state), list(self.params.values()))
        return nd.stack(*outputs), state

    def scores(self, X, state):
        """X: indices (num_steps, batch_size). Returns (Y, state): (num_steps, batch_size, vocab_size) and the last state."""
        Y, state = self._run(X, state)
        return Y.asnumpy(), state

    def loss_and_grads(self, X, Y, state):
        """X, Y: indices (num_steps, batch_size). Returns the mean loss, the gradients by name, the last state."""
        check_indices("Y", Y, self.vocab_size)          # and its loss takes the nearest index instead
        with autograd.record():
            scores, state = self._run(X, state)
            loss = self.loss(scores.reshape((-1, self.vocab_size)), nd.array(Y.ravel())).mean()
        loss.backward()
        return float(loss.asscalar()), {name: w.grad for name, w in self.params.items()}, state


class GluonModel:
    """Gluon's `rnn.LSTM` and a dense layer, in the form that `training.train` and `generate` expect.

    layer: an initialised gluon.rnn.LSTM (layout TNC). dense: an initialised gluon.nn.Dense(vocab_size, flatten=False).
    Parameters whose grad_req is "null" keep their values.
    """

    def __init__(self, layer, dense, vocab_size):
        self.layer, self.dense, self.vocab_size = layer, dense, vocab_size
        self.loss = gluon.loss.SoftmaxCrossEntropyLoss()
        self.scores(np.zeros((1, 1), np.int64), self.begin_state(1))        # Gluon learns its shapes from the first input
        self._blocks = {p.name: p for block in (layer, dense) for p in block.collect_params().values() if p.grad_req != "null"}
        self.params = {name: p.data() for name, p in self._blocks.items()}

    def begin_state(self, batch_size):
        """Gluon's zero state: [H, C], each (num_layers, batch_size, num_hiddens)."""
        return self.layer.begin_state(batch_size)

    def _run(self, X, state):
        check_indices("X", X, self.vocab_size)
        H, state = self.layer(nd.one_hot(nd.array(X), self.vocab_size), [s.detach() for s in state])
        return self.dense(H), state

    def scores(self, X, state):
        """X: indices (num_steps, batch_size). Returns (Y, state): (num_steps, batch_size, vocab_size) and the last state."""
        Y, state = self._run(X, state)
        return Y.asnumpy(), state

    def loss_and_grads(self, X, Y, state):
        """X, Y: indices (num_steps, batch_size). Returns the mean loss, the gradients by name, the last state."""
        check_indices("Y", Y, self.vocab_size)
        with autograd.record():
            scores, state = self._run(X, state)
            loss = self.loss(scores, nd.array(Y)).mean()
        loss.backward()
        return float(loss.asscalar()), {name: p.grad() for name, p in self._blocks.items()}, state


def to_gluon(cell, dtype="float32"):
    """A gluon.rnn.LSTM with the weights of one of our cells.

    Gluon stacks the gates i, f, c, o and keeps two bias vectors of which only the sum counts: ours goes into the first.
    Raises ValueError for another cell.
    """
    if not isinstance(cell, LSTM) or cell.peepholes is not None:
        raise ValueError("cell must be an LSTM without peepholes: Gluon has no peephole cell")
    p = cell.params
    layer = gluon.rnn.LSTM(cell.num_hiddens, input_size=cell.num_inputs, dtype=dtype)
    layer.initialize()
    stacked = {"i2h_weight": np.concatenate([p[f"W_x{g}"].T for g in GATES]),
               "h2h_weight": np.concatenate([p[f"W_h{g}"].T for g in GATES]),
               "i2h_bias": np.concatenate([p[f"b_{g}"] for g in GATES]),
               "h2h_bias": np.zeros(4 * cell.num_hiddens)}
    for name, value in stacked.items():
        getattr(layer, f"l0_{name}").set_data(nd.array(value, dtype=dtype))
    return layer


def unstack(stacked):
    """Our names for Gluon's stacked arrays, which may be weights or gradients.

    stacked: dict with i2h_weight, h2h_weight and i2h_bias (NumPy arrays). Returns a dict like LSTM.params. For weights,
    pass the sum of the two biases as i2h_bias; for gradients either one: they are equal.
    """
    num_hiddens, named = len(stacked["i2h_bias"]) // len(GATES), {}
    for k, gate in enumerate(GATES):
        rows = slice(k * num_hiddens, (k + 1) * num_hiddens)
        named[f"W_x{gate}"] = stacked["i2h_weight"][rows].T
        named[f"W_h{gate}"] = stacked["h2h_weight"][rows].T
        named[f"b_{gate}"] = stacked["i2h_bias"][rows]
    return named


def from_gluon(layer, dtype=np.float64):
    """One of our cells with the weights of a gluon.rnn.LSTM of one layer and one direction; ValueError for another."""
    if not isinstance(layer, gluon.rnn.LSTM) or layer._num_layers != 1 or layer._dir != 1:
        raise ValueError(f"layer must be a gluon.rnn.LSTM of one layer and one direction, got {layer}")
    weights = {name: getattr(layer, f"l0_{name}").data().asnumpy() for name in
               ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")}
    weights["i2h_bias"] = weights["i2h_bias"] + weights.pop("h2h_bias")
    cell = LSTM(weights["i2h_weight"].shape[1], layer._hidden_size, dtype=dtype)
    for name, w in unstack(weights).items():
        cell.params[name][...] = w
    return cell


class Stack(gluon.Block):
    """Embedding, dropout, LSTM, dropout, LSTM, dropout, as Gluon's layers: what the dense layer reads.

    embedding: gluon.nn.Embedding. lstms: gluon.rnn.LSTM layers, from below. p: of the dropouts. per_sequence: one mask for
    all steps, instead of a fresh one at each. A mask for the hidden states themselves Gluon's LSTM does not have.
    """

    def __init__(self, embedding, lstms, p, per_sequence=False):
        super().__init__()
        self.embedding, self.lstms = embedding, lstms
        self.dropout = gluon.nn.Dropout(p, axes=(0,) if per_sequence else ())
        for layer in lstms:
            self.register_child(layer)

    def begin_state(self, batch_size):
        """The zero states of all layers, one after the other: [H, C, H, C], each (1, batch_size, num_hiddens)."""
        return [s for layer in self.lstms for s in layer.begin_state(batch_size)]

    def forward(self, X, state):
        """X: indices (num_steps, batch_size). Returns what the dense layer reads, and the last states."""
        H = self.dropout(self.embedding(X))
        last: list = []
        for k, layer in enumerate(self.lstms):
            H, part = layer(H, state[2 * k:2 * k + 2])
            H, last = self.dropout(H), last + part
        return H, last


class GluonStackedModel(GluonModel):
    """The weights of a `StackedLanguageModel` in Gluon's layers, in the form that `training.train` expects.

    model: ours, not tied, or ValueError. Its dropouts come along, but for the mask of the hidden states: with dropout 0 the
    two are the same function. They work in `loss_and_grads`, since MXNet trains where it records, and nowhere else.
    Of Gluon's two bias vectors the second is frozen at zero, so that a training step is the same too.
    """

    def __init__(self, model, dtype="float32"):
        if not isinstance(model, StackedLanguageModel) or model.tied:
            raise ValueError(f"model must be a StackedLanguageModel that is not tied, got {model!r}")
        W_e, W_hq = model.params["W_e"], model.params["W_hq"]
        embedding = gluon.nn.Embedding(*W_e.shape, dtype=dtype)
        dense = gluon.nn.Dense(W_hq.shape[1], flatten=False, in_units=len(W_hq), dtype=dtype)
        for block, weights in ((embedding, {"weight": W_e}), (dense, {"weight": W_hq.T, "bias": model.params["b_q"]})):
            block.initialize()
            for name, w in weights.items():
                getattr(block, name).set_data(nd.array(w, dtype=dtype))
        lstms = [to_gluon(cell, dtype) for cell in model.stack.cells]
        for layer in lstms:
            layer.l0_h2h_bias.grad_req = "null"
        super().__init__(Stack(embedding, lstms, model.dropout.p, model.dropout.per_sequence), dense, model.vocab_size)

    def _run(self, X, state):
        check_indices("X", X, self.vocab_size)
        H, state = self.layer(nd.array(X), [s.detach() for s in state])
        return self.dense(H), state

    def named(self, arrays):
        """Our names for Gluon's arrays: those of `params`, or gradients. Returns a dict of NumPy arrays."""
        stack, named = self.layer, {"W_e": arrays[self.layer.embedding.weight.name].asnumpy()}
        for k, layer in enumerate(stack.lstms):
            stacked = {name: arrays[getattr(layer, f"l0_{name}").name].asnumpy()
                       for name in ("i2h_weight", "h2h_weight", "i2h_bias")}
            named.update({f"{k}.{name}": w for name, w in unstack(stacked).items()})
        return {**named, "W_hq": arrays[self.dense.weight.name].asnumpy().T, "b_q": arrays[self.dense.bias.name].asnumpy()}
