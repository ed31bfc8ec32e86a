"""Chainer's L.NStepLSTM: a list of sequences, each of its own length; an array for each block, w0 to w3 for the input and w4
to w7 for the hidden state, with as many biases.
"""
import numpy as np

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, same, stack, unstack
from d2l_utils.frameworks.chainer import F, L, chainer
from d2l_utils.layers import Bidirectional


def load(layer, order, dtype):
    refuse_peepholes(layer, "chainer_nstep")
    cells = cells_of(layer)
    num_hiddens = next(iter(cells.values())).num_hiddens
    with chainer.using_config("dtype", np.dtype(dtype)):
        if isinstance(layer, Bidirectional):
            model = L.NStepBiLSTM(1, layer.num_inputs, num_hiddens, 0.0)
        else:
            model = L.NStepLSTM(len(cells), layer.num_inputs, num_hiddens, 0.0)
    for part, cell in zip(model, cells.values()):
        W_x, W_h, b = (np.split(a, 4) for a in stack(cell, order))
        for k in range(4):
            for name, value in ((f"w{k}", W_x[k]), (f"w{k + 4}", W_h[k]), (f"b{k}", 0.25 * b[k]), (f"b{k + 4}", 0.75 * b[k])):
                getattr(part, name).array[...] = value
    return model, order, list(cells)


def run(model, X, state, d_H, d_state, lengths=None):
    model, order, prefixes = model
    lengths = np.full(len(X), X.shape[1]) if lengths is None else lengths
    X, H, C = (chainer.Variable(a) for a in (X, np.stack(state[::2]), np.stack(state[1::2])))
    model.cleargrads()
    H_last, C_last, outputs = model(H, C, [X[n, :length] for n, length in enumerate(lengths)])
    loss = F.sum(H_last * np.stack(d_state[::2])) + F.sum(C_last * np.stack(d_state[1::2]))
    Y = np.zeros_like(d_H)
    for n, (y, length) in enumerate(zip(outputs, lengths)):
        Y[n, :length] = y.array
        loss += F.sum(y * d_H[n, :length])
    loss.backward()
    grads = {}
    for part, prefix in zip(model, prefixes):
        W_x, W_h, b, b_2 = (np.concatenate([getattr(part, f"{kind}{k}").grad for k in places])
                            for kind, places in (("w", range(4)), ("w", range(4, 8)), ("b", range(4)), ("b", range(4, 8))))
        grads.update(unstack(W_x, W_h, same(b, b_2), order, prefix))
    return Run(Y, pairs(H_last.array, C_last.array), grads, X.grad, pairs(H.grad, C.grad))


def pairs(H, C):
    """(H, C, H, C, ...) from two arrays with a leading axis for layers and directions."""
    return tuple(s for pair in zip(H, C) for s in pair)


def arrays(model):
    return [p.array for p in model[0].params()]


def new(num_inputs, num_hiddens):
    return L.NStepLSTM(1, num_inputs, num_hiddens, 0.0), TABLE["chainer_nstep"].order, [""]


def unload(model):
    (part,), order, _ = model
    W_x, W_h, b, b_2 = (np.concatenate([getattr(part, f"{kind}{k}").array for k in places])
                        for kind, places in (("w", range(4)), ("w", range(4, 8)), ("b", range(4)), ("b", range(4, 8))))
    return unstack(W_x, W_h, b + b_2, order), 2
