"""tinygrad's nn.LSTMCell: one step at a time, with PyTorch's names and shapes."""
import os
import shutil

import numpy as np

if "DEV" not in os.environ and shutil.which("clang") is None:
    raise ImportError("tinygrad nn.LSTMCell needs clang; with the environment variable DEV=PYTHON it runs without, slowly")
from tinygrad import Tensor, nn

from d2l_utils.frameworks import TABLE, Run, refuse_peepholes, same, stack, unstack

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def parameter(array):
    """A tensor that receives a gradient."""
    return Tensor(np.ascontiguousarray(array)).is_param_()


def load(layer, order, dtype):
    refuse_peepholes(layer, "tinygrad")
    model = nn.LSTMCell(layer.num_inputs, layer.num_hiddens)
    W_x, W_h, b = stack(layer, order)
    for name, value in zip(NAMES, (W_x, W_h, 0.25 * b, 0.75 * b)):          # only the sum of the biases counts
        setattr(model, name, parameter(value.astype(dtype)))
    return model, order


def run(model, X, state, d_H, d_state, lengths=None):
    cell, order = model
    X, H, C = first = [parameter(a) for a in (X, *state)]
    steps = []
    for t in range(X.shape[0]):
        H, C = cell(X[t], (H, C))
        steps.append(H)
    Y = Tensor.stack(*steps)
    sum((a * Tensor(d)).sum() for a, d in ((Y, d_H), (H, d_state[0]), (C, d_state[1]))).backward()
    results = [Y, H, C, *(getattr(cell, name).grad for name in NAMES), *(a.grad for a in first)]
    Tensor.realize(*results)                                # all at once: one by one, each runs the steps again
    Y, H, C, W_x, W_h, b, b_2, d_X, d_H_first, d_C_first = (a.numpy() for a in results)
    return Run(Y, (H, C), unstack(W_x, W_h, same(b, b_2), order), d_X, (d_H_first, d_C_first))


def arrays(model):
    return [getattr(model[0], name).numpy() for name in NAMES]


def new(num_inputs, num_hiddens):
    Tensor.manual_seed(0)
    return nn.LSTMCell(num_inputs, num_hiddens), TABLE["tinygrad"].order


def unload(model):
    cell, order = model
    W_x, W_h, *biases = (getattr(cell, name).numpy() for name in NAMES)
    return unstack(W_x, W_h, sum(biases), order), len(biases)
