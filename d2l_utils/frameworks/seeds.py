"""The systems of the texts that this book grew out of, written again in their own frameworks, with the weights of our cells.

Each function returns the largest difference from what the book's own code computes.
"""
import numpy as np

from d2l_utils.cells import LSTM, sigmoid
from d2l_utils.layers import Dense, Embedding, Stacked


def _cell(num_inputs, num_hiddens, peepholes=None, seed=0):
    return LSTM(num_inputs, num_hiddens, peepholes, rng=np.random.default_rng(seed), sigma=0.5)


def nngraph():
    """The LSTM as a graph of nodes (a Torch program, here in PyTorch), and the small graph x1 + x2 * linear(x3) before it."""
    import torch
    from torch import nn

    def linear(W, b):
        made = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            made.weight.copy_(torch.tensor(W.T))
            made.bias.copy_(torch.tensor(b))
        return made

    rng = np.random.default_rng(1)
    W, b = rng.standard_normal((20, 10)), rng.standard_normal(10)
    x1, x2, x3 = (rng.standard_normal((1, n)) for n in (10, 10, 20))
    graph = torch.tensor(x1) + torch.tensor(x2) * linear(W, b)(torch.tensor(x3))
    off = np.abs(graph.detach().numpy() - (x1 + x2 * (x3 @ W + b))).max()

    cell = _cell(4, 6)
    p = cell.params
    nodes = {g: (linear(p[f"W_x{g}"], p[f"b_{g}"]), linear(p[f"W_h{g}"], 0 * p[f"b_{g}"])) for g in "ifoc"}

    def new_input_sum(g, x, prev_h):
        i2h, h2h = nodes[g]
        return i2h(x) + h2h(prev_h)

    X = rng.standard_normal((5, 3, 4))
    trace, _ = cell.forward(X, cell.begin_state(3))
    prev_h = prev_c = torch.zeros(3, 6, dtype=torch.float64)
    for t, x in enumerate(torch.tensor(X)):
        in_gate, forget_gate, out_gate = (torch.sigmoid(new_input_sum(g, x, prev_h)) for g in "ifo")
        prev_c = forget_gate * prev_c + in_gate * torch.tanh(new_input_sum("c", x, prev_h))
        prev_h = out_gate * torch.tanh(prev_c)
        off = max(off, np.abs(prev_h.detach().numpy() - trace.H[t]).max())
    return float(off)


def chainer_language_model():
    """Chainer's model of two L.LSTM between an embedding and a linear layer, with no dropout, over two minibatches in turn."""
    from d2l_utils.frameworks import stack
    from d2l_utils.frameworks.chainer import L, chainer, interleave

    vocab, units, rng = 11, 5, np.random.default_rng(2)
    embedding, dense = Embedding(vocab, units, rng=rng, sigma=0.5), Dense(units, vocab, rng=rng, sigma=0.5)
    cells = Stacked([_cell(units, units, seed=seed) for seed in (3, 4)])
    with chainer.using_config("dtype", np.dtype("float64")):
        embed, l1, l2, l3 = L.EmbedID(vocab, units), L.LSTM(units, units), L.LSTM(units, units), L.Linear(units, vocab)
    embed.W.array[...] = embedding.params["W_e"]
    l3.W.array[...], l3.b.array[...] = dense.params["W_hq"].T, dense.params["b_q"]
    for link, cell in zip((l1, l2), cells.cells):
        weights = (interleave(a) for a in stack(cell, "cifo"))
        for place, value in zip((link.upward.W, link.lateral.W, link.upward.b), weights):
            place.array[...] = value
    off, state = 0.0, cells.begin_state(3)
    for _ in range(2):                                      # the second minibatch goes on where the first one ended
        X = rng.integers(0, vocab, (6, 3))
        trace, state = cells.forward(embedding.forward(X), state)
        Y = dense.forward(trace.H)
        for X_t, Y_t in zip(X, Y):
            off = max(off, np.abs(l3(l2(l1(embed(X_t.astype(np.int32))))).array - Y_t).max())
    return float(off)


def theano_step():
    """Theano's step with full peepholes and the sigmoid output at each step, under `scan`."""
    from d2l_utils.frameworks.scan import one_step
    from d2l_utils.frameworks.theano import theano

    T = theano.tensor
    cell, dense, rng = _cell(7, 5, "full"), Dense(5, 7, sigma=0.5), np.random.default_rng(5)
    weights = [theano.shared(w) for w in cell.params.values()]
    W_hy, b_y = (theano.shared(w) for w in dense.params.values())
    lstm_step = one_step(T, lambda x: 1 / (1 + T.exp(-x)), "full")

    def step(x_t, h_tm1, c_tm1, *weights):
        h_t, c_t = lstm_step(x_t, h_tm1, c_tm1, *weights)
        return h_t, c_t, 1 / (1 + T.exp(-(T.dot(h_t, W_hy) + b_y)))

    X, H, C = T.dtensor3("X"), T.dmatrix("H"), T.dmatrix("C")
    (_, _, Y), _ = theano.scan(step, sequences=X, outputs_info=[H, C, None], non_sequences=weights)
    values = rng.standard_normal((8, 2, 7)), rng.standard_normal((2, 5)), rng.standard_normal((2, 5))
    trace, _ = cell.forward(values[0], values[1:])
    return float(np.abs(theano.function([X, H, C], Y)(*values) - sigmoid(dense.forward(trace.H))).max())


SEEDS = {"nngraph": nngraph, "chainer_language_model": chainer_language_model, "theano_step": theano_step}
