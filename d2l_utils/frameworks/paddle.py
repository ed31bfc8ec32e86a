"""PaddlePaddle's nn.LSTM, with PyTorch's names and, unless it is told otherwise, the batch first."""
import numpy as np
import paddle

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, same, stack, unstack
from d2l_utils.layers import Bidirectional

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
paddle.set_device("cpu")


def load(layer, order, dtype):
    refuse_peepholes(layer, "paddle")
    cells, both_ways = cells_of(layer), isinstance(layer, Bidirectional)
    paddle.set_default_dtype(dtype)
    model = paddle.nn.LSTM(layer.num_inputs, next(iter(cells.values())).num_hiddens, 1 if both_ways else len(cells),
                           "bidirect" if both_ways else "forward")
    suffixes = ("_l0", "_l0_reverse") if both_ways else tuple(f"_l{k}" for k in range(len(cells)))
    arrays = dict(zip(suffixes, cells))
    for theirs, ours in arrays.items():
        W_x, W_h, b = stack(cells[ours], order)
        for name, value in zip(NAMES, (W_x, W_h, 0.25 * b, 0.75 * b)):      # only the sum of the biases counts
            getattr(model, name + theirs).set_value(value.astype(dtype))
    return model, order, arrays


def run(model, X, state, d_H, d_state, lengths=None):
    model, order, arrays = model
    X, H, C = (paddle.to_tensor(np.ascontiguousarray(a), stop_gradient=False)
               for a in (X, np.stack(state[::2]), np.stack(state[1::2])))
    Y, (H_last, C_last) = model(X, (H, C), None if lengths is None else paddle.to_tensor(lengths))
    sum((a * paddle.to_tensor(d)).sum() for a, d in
        ((Y, d_H), (H_last, np.stack(d_state[::2])), (C_last, np.stack(d_state[1::2])))).backward()
    grads = {}
    for theirs, ours in arrays.items():
        W_x, W_h, b, b_2 = (getattr(model, name + theirs).grad.numpy() for name in NAMES)
        grads.update(unstack(W_x, W_h, same(b, b_2), order, ours))
    return Run(Y.numpy(), pairs(H_last, C_last), grads, X.grad.numpy(), pairs(H.grad, C.grad))


def pairs(H, C):
    """(H, C, H, C, ...) from two tensors with a leading axis for layers and directions."""
    return tuple(s for pair in zip(H.numpy(), C.numpy()) for s in pair)


def arrays(model):
    return [w.numpy() for w in model[0].parameters()]


def new(num_inputs, num_hiddens):
    paddle.seed(0)
    return paddle.nn.LSTM(num_inputs, num_hiddens), TABLE["paddle"].order, {"_l0": ""}


def unload(model):
    model, order, _ = model
    W_x, W_h, *biases = (getattr(model, name + "_l0").numpy() for name in NAMES)
    return unstack(W_x, W_h, sum(biases), order), len(biases)
