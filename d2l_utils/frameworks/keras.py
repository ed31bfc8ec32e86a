"""Keras 3, computing with PyTorch: keras.layers.LSTM, which wants the batch first and has one bias."""
import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import torch

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, stack, unstack
from d2l_utils.layers import Bidirectional


class Layers:
    """The layers of Keras from below, the gate order of their weights, and our prefix for the weights of each cell."""

    def __init__(self, layers, order, prefixes):
        self.layers, self.order, self.prefixes = layers, order, prefixes

    def cells(self):
        """The LSTMs inside, in the order of `prefixes`."""
        return [part for layer in self.layers for part in (
            (layer.forward_layer, layer.backward_layer) if isinstance(layer, keras.layers.Bidirectional) else (layer,))]


def load(layer, order, dtype):
    refuse_peepholes(layer, "keras")
    cells = cells_of(layer)

    def lstm(cell):
        return keras.layers.LSTM(cell.num_hiddens, return_sequences=True, return_state=True, dtype=dtype)

    if isinstance(layer, Bidirectional):
        layers = [keras.layers.Bidirectional(lstm(cells["forward."]), merge_mode="concat", dtype=dtype)]
    else:
        layers = [lstm(cell) for cell in cells.values()]
    num_inputs = layer.num_inputs
    for made in layers:
        made.build((None, None, num_inputs))
        num_inputs = layer.num_hiddens
    model = Layers(layers, order, list(cells))
    for theirs, ours in zip(model.cells(), cells.values()):
        W_x, W_h, b = stack(ours, order)
        theirs.set_weights([W_x.T, W_h.T, b])
    return model


def run(model, X, state, d_H, d_state, lengths=None):
    first, *states = tensors = [torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in (X, *state)]
    mask = None if lengths is None else torch.tensor(np.arange(X.shape[1]) < lengths[:, None])
    Y, last = first, []
    width = len(states) // len(model.layers)
    for k, layer in enumerate(model.layers):
        Y, *ends = layer(Y, initial_state=states[k * width:(k + 1) * width], mask=mask)
        last += ends
    sum((a * torch.tensor(d)).sum() for a, d in ((Y, d_H), *zip(last, d_state))).backward()
    grads = {}
    for theirs, ours in zip(model.cells(), model.prefixes):
        W_x, W_h, b = (w.value.grad.numpy() for w in theirs.trainable_variables)
        grads.update(unstack(W_x.T, W_h.T, b, model.order, ours))
    d_X, *d_first = (a.grad.numpy() for a in tensors)
    return Run(Y.detach().numpy(), tuple(s.detach().numpy() for s in last), grads, d_X, tuple(d_first))


def arrays(model):
    return [w for cell in model.cells() for w in cell.get_weights()]


def new(num_inputs, num_hiddens):
    layer = keras.layers.LSTM(num_hiddens)
    layer.build((None, None, num_inputs))
    return Layers([layer], TABLE["keras"].order, [""])


def unload(model):
    W_x, W_h, *biases = model.layers[0].get_weights()
    return unstack(W_x.T, W_h.T, sum(biases), model.order), len(biases)
