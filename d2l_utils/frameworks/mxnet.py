"""MXNet: gluon.rnn.LSTM, with a prefix for each layer (l0_, l1_) and for the second direction (r0_)."""
import numpy as np

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, same, stack, unstack
from d2l_utils.gluon import autograd, gluon, nd
from d2l_utils.layers import Bidirectional

NAMES = ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")


def prefixes(layer):
    """Gluon's prefix for each of a layer's cells, by ours."""
    if isinstance(layer, Bidirectional):
        return {"forward.": "l0_", "backward.": "r0_"}
    return {ours: f"l{k}_" for k, ours in enumerate(cells_of(layer))}


def load(layer, order, dtype):
    refuse_peepholes(layer, "mxnet")
    cells = cells_of(layer)
    both_ways = isinstance(layer, Bidirectional)
    num_hiddens = next(iter(cells.values())).num_hiddens
    model = gluon.rnn.LSTM(num_hiddens, 1 if both_ways else len(cells), bidirectional=both_ways,
                           input_size=layer.num_inputs, dtype=dtype)
    model.initialize()
    for ours, theirs in prefixes(layer).items():
        W_x, W_h, b = stack(cells[ours], order)
        for name, value in zip(NAMES, (W_x, W_h, 0.25 * b, 0.75 * b)):      # only the sum of the biases counts
            getattr(model, theirs + name).set_data(nd.array(value, dtype=dtype))
    model.prefixes, model.order = prefixes(layer), order
    return model


def run(model, X, state, d_H, d_state, lengths=None):
    X, H, C = (nd.array(a, dtype=a.dtype) for a in (X, np.stack(state[::2]), np.stack(state[1::2])))
    for a in (X, H, C):
        a.attach_grad()
    with autograd.record():
        Y, (H_last, C_last) = model(X, [H, C])
        loss = sum((a * nd.array(d, dtype=a.dtype)).sum() for a, d in
                   ((Y, d_H), (H_last, np.stack(d_state[::2])), (C_last, np.stack(d_state[1::2]))))
    loss.backward()
    grads = {}
    for ours, theirs in model.prefixes.items():
        W_x, W_h, b, b_2 = (getattr(model, theirs + name).grad().asnumpy() for name in NAMES)
        grads.update(unstack(W_x, W_h, same(b, b_2), model.order, ours))
    return Run(Y.asnumpy(), pairs(H_last, C_last), grads, X.grad.asnumpy(), pairs(H.grad, C.grad))


def hidden_states_with_lengths(layer, X, state, lengths):
    """What gluon.rnn.LSTM makes of use_sequence_length. On a CPU MXNet 1.9.1 computes as without it, in float32; in float64
    it raises an MXNetError.
    """
    dtype = str(X.dtype)
    plain = load(layer, TABLE["mxnet"].order, dtype)
    model = gluon.rnn.LSTM(layer.num_hiddens, input_size=layer.num_inputs, dtype=dtype, use_sequence_length=True)
    model.initialize()
    for name in NAMES:
        getattr(model, "l0_" + name).set_data(getattr(plain, "l0_" + name).data())
    X, lengths = nd.array(X, dtype=dtype), nd.array(lengths, dtype=dtype)
    Y, _ = model(X, [nd.array(s[None], dtype=dtype) for s in state], lengths)
    return Y.asnumpy()


def pairs(H, C):
    """(H, C, H, C, ...) from two arrays of MXNet's with a leading axis for layers and directions."""
    return tuple(s for pair in zip(H.asnumpy(), C.asnumpy()) for s in pair)


def arrays(model):
    return [p.data().asnumpy() for p in model.collect_params().values()]


def new(num_inputs, num_hiddens):
    model = gluon.rnn.LSTM(num_hiddens, input_size=num_inputs)
    model.initialize()
    return model


def unload(model):
    arrays = {name.partition("_l0_")[2]: p.data().asnumpy() for name, p in model.collect_params().items()}
    biases = [a for name, a in arrays.items() if "bias" in name]
    return unstack(arrays["i2h_weight"], arrays["h2h_weight"], sum(biases), TABLE["mxnet"].order), len(biases)
