"""PyTorch: torch.nn.LSTM, with a suffix for each layer (_l0, _l1) and for the second direction (_l0_reverse)."""
import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, same, stack, unstack
from d2l_utils.layers import Bidirectional

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def suffixes(layer):
    """PyTorch's suffix for each of a layer's cells, by our prefix."""
    if isinstance(layer, Bidirectional):
        return {"forward.": "_l0", "backward.": "_l0_reverse"}
    return {ours: f"_l{k}" for k, ours in enumerate(cells_of(layer))}


def load(layer, order, dtype):
    refuse_peepholes(layer, "pytorch")
    cells, both_ways = cells_of(layer), isinstance(layer, Bidirectional)
    model = torch.nn.LSTM(layer.num_inputs, next(iter(cells.values())).num_hiddens, 1 if both_ways else len(cells),
                          bidirectional=both_ways, dtype=getattr(torch, dtype))
    for ours, theirs in suffixes(layer).items():
        W_x, W_h, b = stack(cells[ours], order)
        with torch.no_grad():
            for name, value in zip(NAMES, (W_x, W_h, 0.25 * b, 0.75 * b)):      # only the sum of the biases counts
                getattr(model, name + theirs).copy_(torch.tensor(value))
    model.suffixes, model.order = suffixes(layer), order
    return model


def run(model, X, state, d_H, d_state, lengths=None):
    X, H, C = (torch.tensor(np.ascontiguousarray(a), requires_grad=True)
               for a in (X, np.stack(state[::2]), np.stack(state[1::2])))
    if lengths is None:
        Y, (H_last, C_last) = model(X, (H, C))
    else:
        packed = pack_padded_sequence(X, torch.tensor(lengths), enforce_sorted=False)
        Y, (H_last, C_last) = model(packed, (H, C))
        Y, _ = pad_packed_sequence(Y, total_length=len(X))
    loss = sum((a * torch.tensor(d)).sum() for a, d in
               ((Y, d_H), (H_last, np.stack(d_state[::2])), (C_last, np.stack(d_state[1::2]))))
    loss.backward()
    grads = {}
    for ours, theirs in model.suffixes.items():
        W_x, W_h, b, b_2 = (getattr(model, name + theirs).grad.numpy() for name in NAMES)
        grads.update(unstack(W_x, W_h, same(b, b_2), model.order, ours))
    return Run(Y.detach().numpy(), pairs(H_last.detach(), C_last.detach()), grads, X.grad.numpy(), pairs(H.grad, C.grad))


def pairs(H, C):
    """(H, C, H, C, ...) from two tensors with a leading axis for layers and directions."""
    return tuple(s for pair in zip(H.numpy(), C.numpy()) for s in pair)


def arrays(model):
    return [w.detach().numpy() for w in model.parameters()]


def new(num_inputs, num_hiddens):
    torch.manual_seed(0)
    return torch.nn.LSTM(num_inputs, num_hiddens)


def unload(model):
    arrays = {name: w.detach().numpy() for name, w in model.named_parameters()}
    biases = [a for name, a in arrays.items() if name.startswith("bias")]
    return unstack(arrays["weight_ih_l0"], arrays["weight_hh_l0"], sum(biases), TABLE["pytorch"].order), len(biases)
