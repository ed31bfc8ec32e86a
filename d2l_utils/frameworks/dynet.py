"""DyNet's VanillaLSTMBuilder: float32 alone, a graph for each sequence, and a forget bias of 1 that it adds as it runs."""
from functools import partial
from types import SimpleNamespace

import dynet
import numpy as np

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, stack, unstack
from d2l_utils.layers import Bidirectional

FORGET_BIAS = 1.0           # added at run time, so the stored bias is smaller by that


class Builder:
    """A builder, or one for each direction, with the parameters, their gate order, and our prefix for those of each cell."""

    def __init__(self, prefixes, num_inputs, num_hiddens, order, both_ways=False):
        self.parameters = dynet.ParameterCollection()
        self.builders = [dynet.VanillaLSTMBuilder(layers, num_inputs, num_hiddens, self.parameters)
                         for layers in ([1, 1] if both_ways else [len(prefixes)])]
        self.order, self.prefixes = order, prefixes

    def cells(self):
        """(W_x, W_h, b) of each layer or direction."""
        return zip(*[iter(self.parameters.parameters_list())] * 3)

    def add_inputs(self, X, state):
        """(outputs, last state) of one sequence of inputs. state: H, C of each layer or direction, like the last one."""
        width = len(state) // len(self.builders)
        own = [state[k:k + width] for k in range(0, len(state), width)]
        started = [partial(b.initial_state, [*s[1::2], *s[::2]]) for b, s in zip(self.builders, own)]     # cells first
        if len(started) == 1:
            steps = [(s,) for s in started[0]().add_inputs(X)]
            ends = [steps[-1][0]]
        else:                                               # BiRNNBuilder asks its builders for their first states
            pair = [SimpleNamespace(initial_state=start) for start in started]
            steps = dynet.BiRNNBuilder(1, 0, 0, self.parameters, None, [pair]).add_inputs(X)
            ends = [steps[-1][0], steps[0][1]]
        return ([dynet.concatenate([s.output() for s in step]) for step in steps],
                [s for end in ends for k in range(width // 2) for s in (end.s()[width // 2 + k], end.s()[k])])


def runtime_bias(order, num_hiddens):
    """What DyNet adds to the stacked biases: 1 in its forget gate, which is the second block, whatever we take it for."""
    return np.repeat([FORGET_BIAS if g == 1 else 0.0 for g in range(4)], num_hiddens)


def load(layer, order, dtype):
    refuse_peepholes(layer, "dynet")
    cells = cells_of(layer)
    num_hiddens = next(iter(cells.values())).num_hiddens
    model = Builder(list(cells), layer.num_inputs, num_hiddens, order, isinstance(layer, Bidirectional))
    for theirs, ours in zip(model.cells(), cells.values()):
        W_x, W_h, b = stack(ours, order)
        for place, value in zip(theirs, (W_x, W_h, b - runtime_bias(order, num_hiddens))):
            place.set_value(value)
    return model


def run(model, X, state, d_H, d_state, lengths=None):
    batch_size, num_steps, _ = X.shape
    lengths = np.full(batch_size, num_steps) if lengths is None else lengths
    inputs = dynet.ParameterCollection()                    # as parameters, the inputs and states receive gradients
    X_in, *states = (inputs.add_parameters(a.shape) for a in (X.reshape(-1, X.shape[2]), *state))
    for place, value in zip((X_in, *states), (X.reshape(-1, X.shape[2]), *state)):
        place.set_value(value)
    dynet.renew_cg()
    outputs, lasts, loss = {}, {}, []
    for n, length in enumerate(lengths):
        steps, ends = model.add_inputs([dynet.pick(X_in, n * num_steps + t) for t in range(length)],
                                       [dynet.pick(first, n) for first in states])
        outputs.update({(n, t): y for t, y in enumerate(steps)})
        lasts.update({(place, n): last for place, last in enumerate(ends)})
        loss += [dynet.dot_product(y, dynet.inputVector(d)) for y, d in zip(
            (*steps, *ends), (*d_H[n, :length], *(d_last[n] for d_last in d_state)))]
    total = dynet.esum(loss)
    total.forward()
    total.backward()
    H, last = np.zeros_like(d_H), [np.empty_like(s) for s in state]
    for place, y in outputs.items():
        H[place] = y.npvalue()
    for (place, n), s in lasts.items():
        last[place][n] = s.npvalue()
    grads = {}
    for theirs, prefix in zip(model.cells(), model.prefixes):
        W_x, W_h, b = (w.grad_as_array() for w in theirs)
        grads.update(unstack(W_x, W_h, b, model.order, prefix))
    return Run(H, tuple(last), grads, X_in.grad_as_array().reshape(X.shape), tuple(s.grad_as_array() for s in states))


def arrays(model):
    return [w.as_array() for w in model.parameters.parameters_list()]


def new(num_inputs, num_hiddens):
    return Builder([""], num_inputs, num_hiddens, TABLE["dynet"].order)


def unload(model):
    (W_x, W_h, b), = ([w.as_array() for w in theirs] for theirs in model.cells())
    return unstack(W_x, W_h, b + runtime_bias(model.order, len(b) // 4), model.order), 1
