"""Flax's nn.LSTMCell: a pair of dense layers for each block, ii and hi and so on, of which the second has the bias."""
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from d2l_utils.frameworks import TABLE, Run, refuse_peepholes, stack, unstack

jax.config.update("jax_enable_x64", True)


def tree(layer, order, dtype):
    """The parameters of a cell under Flax's names, which has g for the candidate. order: "ifco" is right."""
    W_x, W_h, b = (np.split(a.astype(dtype), 4) for a in stack(layer, order))
    return {name: value for k, g in enumerate("ifgo") for name, value in (
        (f"i{g}", {"kernel": W_x[k].T}), (f"h{g}", {"kernel": W_h[k].T, "bias": b[k]}))}


def named(params, order):
    """Undo `tree`, for weights or gradients."""
    W_x, W_h, b = (np.concatenate([np.asarray(params[kind + g][part]).T for g in "ifgo"])
                   for kind, part in (("i", "kernel"), ("h", "kernel"), ("h", "bias")))
    return unstack(W_x, W_h, b, order)


def load(layer, order, dtype):
    refuse_peepholes(layer, "flax")
    return nn.LSTMCell(layer.num_hiddens, dtype=dtype, param_dtype=dtype), tree(layer, order, dtype), order


def run(model, X, state, d_H, d_state, lengths=None):
    cell, params, order = model

    def loss(params, X, H, C):
        steps = []
        for X_t in X:
            (C, H), _ = cell.apply({"params": params}, (C, H), X_t)
            steps.append(H)
        Y = jnp.stack(steps)
        return (Y * d_H).sum() + (H * d_state[0]).sum() + (C * d_state[1]).sum(), (Y, H, C)

    grads, (Y, H, C) = jax.grad(loss, (0, 1, 2, 3), has_aux=True)(params, X, *state)
    d_params, d_X, d_H_first, d_C_first = jax.tree.map(np.asarray, grads)
    return Run(np.asarray(Y), (np.asarray(H), np.asarray(C)), named(d_params, order), d_X, (d_H_first, d_C_first))


def new(num_inputs, num_hiddens):
    cell = nn.LSTMCell(num_hiddens)
    zeros = jnp.zeros((1, num_hiddens))
    params = cell.init(jax.random.key(0), (zeros, zeros), jnp.zeros((1, num_inputs)))["params"]
    return cell, params, TABLE["flax"].order


def unload(model):
    _, params, order = model
    return named(params, order), sum("bias" in params[kind + "i"] for kind in "ih")
