"""TensorFlow's kernels BlockLSTM and BlockLSTMV2: W_x and W_h in one matrix of (d + h, 4h), one bias, diagonal peepholes."""
import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import tensorflow as tf

from d2l_utils.frameworks import Run, refuse_peepholes, stack, unstack

SETTINGS = {"BlockLSTM": {"forget_bias": 0.0, "cell_clip": -1.0}, "BlockLSTMV2": {"cell_clip": 0.0}}     # no clipping


def load_kernel(kernel, name, layer, order, dtype):
    refuse_peepholes(layer, name)
    W_x, W_h, b = stack(layer, order)
    arrays = {"w": np.concatenate([W_x.T, W_h.T]), "b": b}
    for gate in "ifo":
        arrays[f"wc{gate}"] = layer.params.get(f"W_c{gate}", np.zeros(layer.num_hiddens))
    return kernel, order, layer.peepholes, {name: tf.constant(a, dtype) for name, a in arrays.items()}


def arrays(model):
    return [w.numpy() for w in model[-1].values()]


def run(model, X, state, d_H, d_state, lengths=None):
    kernel, order, peepholes, weights = model
    inputs = {"x": tf.constant(X), "h_prev": tf.constant(state[0]), "cs_prev": tf.constant(state[1]), **weights}
    with tf.GradientTape() as tape:
        tape.watch(list(inputs.values()))
        out = getattr(tf.raw_ops, kernel)(seq_len_max=len(X), use_peephole=peepholes is not None, **inputs, **SETTINGS[kernel])
        loss = sum(tf.reduce_sum(a * d) for a, d in ((out.h, d_H), (out.h[-1], d_state[0]), (out.cs[-1], d_state[1])))
    got = {name: g.numpy() for name, g in tape.gradient(loss, inputs).items()}
    num_inputs = X.shape[2]
    grads = unstack(got["w"][:num_inputs].T, got["w"][num_inputs:].T, got["b"], order)
    if peepholes:
        grads.update({f"W_c{gate}": got[f"wc{gate}"] for gate in "ifo"})
    return Run(out.h.numpy(), (out.h[-1].numpy(), out.cs[-1].numpy()), grads, got["x"], (got["h_prev"], got["cs_prev"]))
