"""Flax's nn.LSTMCell in nn.RNN: for each block a pair of dense layers, ii and hi and so on, the second with the bias."""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, stack, unstack
from d2l_utils.layers import Bidirectional

jax.config.update("jax_enable_x64", True)


def tree(layer, order, dtype):
    """The parameters of a cell under Flax's names, which has g for the candidate. order: "ifco" is right."""
    W_x, W_h, b = (np.split(a.astype(dtype), 4) for a in stack(layer, order))
    return {name: value for k, g in enumerate("ifgo") for name, value in (
        (f"i{g}", {"kernel": W_x[k].T}), (f"h{g}", {"kernel": W_h[k].T, "bias": b[k]}))}


def named(params, order, prefix=""):
    """Undo `tree`, for weights or gradients."""
    W_x, W_h, b = (np.concatenate([np.asarray(params[kind + g][part]).T for g in "ifgo"])
                   for kind, part in (("i", "kernel"), ("h", "kernel"), ("h", "bias")))
    return unstack(W_x, W_h, b, order, prefix)


def load(layer, order, dtype):
    refuse_peepholes(layer, "flax")
    cells = cells_of(layer)
    layers = [nn.RNN(nn.LSTMCell(cell.num_hiddens, dtype=dtype, param_dtype=dtype)) for cell in cells.values()]
    if isinstance(layer, Bidirectional):
        layers = [nn.Bidirectional(*layers)]
    return layers, [tree(cell, order, dtype) for cell in cells.values()], order, list(cells)


def run(model, X, state, d_H, d_state, lengths=None):
    layers, cells, order, prefixes = model

    def loss(cells, X, state):
        params, ends = [{"cell": p} for p in cells], []
        starts: list = [*zip(state[1::2], state[::2])]      # the cell first
        if isinstance(layers[0], nn.Bidirectional):
            params, starts = [dict(zip(("forward_rnn", "backward_rnn"), params))], [tuple(starts)]
        Y = X
        for layer, p, start in zip(layers, params, starts):
            end, Y = layer.apply({"params": p}, Y, initial_carry=start, seq_lengths=lengths, return_carry=True)
            ends += jax.tree.leaves(end)
        last = [s for C, H in zip(ends[::2], ends[1::2]) for s in (H, C)]
        return sum((a * d).sum() for a, d in zip((Y, *last), (d_H, *d_state))), (Y, last)

    results = jax.grad(loss, (0, 1, 2), has_aux=True)(cells, X, state)
    (d_cells, d_X, d_first), (Y, last) = jax.tree.map(np.asarray, results)
    grads = {}
    for d_cell, prefix in zip(d_cells, prefixes):
        grads.update(named(d_cell, order, prefix))
    return Run(Y, tuple(last), grads, d_X, d_first)


def arrays(model):
    return jax.tree.map(np.asarray, jax.tree.leaves(model[1]))


def new(num_inputs, num_hiddens):
    cell = nn.LSTMCell(num_hiddens)
    zeros = jnp.zeros((1, num_hiddens))
    params = cell.init(jax.random.key(0), (zeros, zeros), jnp.zeros((1, num_inputs)))["params"]
    return [nn.RNN(cell)], [params], TABLE["flax"].order, [""]


def unload(model):
    _, (params,), order, _ = model
    return named(params, order), sum("bias" in params[kind + "i"] for kind in "ih")
