"""DyNet's VanillaLSTMBuilder: float32 alone, a graph for each sequence, and a forget bias of 1 that it adds as it runs."""
import dynet
import numpy as np

from d2l_utils.frameworks import TABLE, Run, cells_of, refuse_peepholes, stack, unstack

FORGET_BIAS = 1.0           # added at run time, so the stored bias is smaller by that


class Builder:
    """A builder with its parameters, their gate order, and our prefix for those of each layer."""

    def __init__(self, prefixes, num_inputs, num_hiddens, order):
        self.parameters = dynet.ParameterCollection()
        self.builder = dynet.VanillaLSTMBuilder(len(prefixes), num_inputs, num_hiddens, self.parameters)
        self.order, self.prefixes = order, prefixes

    def cells(self):
        """(W_x, W_h, b) of each layer."""
        return zip(*[iter(self.parameters.parameters_list())] * 3)


def runtime_bias(order, num_hiddens):
    """What DyNet adds to the stacked biases: 1 in its forget gate, which is the second block, whatever we take it for."""
    return np.repeat([FORGET_BIAS if g == 1 else 0.0 for g in range(4)], num_hiddens)


def load(layer, order, dtype):
    refuse_peepholes(layer, "dynet")
    cells = cells_of(layer)
    model = Builder(list(cells), layer.num_inputs, layer.num_hiddens, order)
    for theirs, ours in zip(model.cells(), cells.values()):
        W_x, W_h, b = stack(ours, order)
        for place, value in zip(theirs, (W_x, W_h, b - runtime_bias(order, layer.num_hiddens))):
            place.set_value(value)
    return model


def run(model, X, state, d_H, d_state, lengths=None):
    num_steps, batch_size, _ = X.shape
    lengths = np.full(batch_size, num_steps) if lengths is None else lengths
    inputs = dynet.ParameterCollection()                    # as parameters, the inputs and states receive gradients
    X_in, *states = (inputs.add_parameters(a.shape) for a in (X.reshape(-1, X.shape[2]), *state))
    for place, value in zip((X_in, *states), (X.reshape(-1, X.shape[2]), *state)):
        place.set_value(value)
    dynet.renew_cg()
    outputs, lasts, loss = {}, {}, []
    for n, length in enumerate(lengths):
        s = model.builder.initial_state([dynet.pick(c, n) for c in (*states[1::2], *states[::2])])     # cells first
        for t in range(length):
            s = s.add_input(dynet.pick(X_in, t * batch_size + n))
            outputs[t, n] = s.output()
            loss.append(dynet.dot_product(s.output(), dynet.inputVector(d_H[t, n])))
        for k, last in enumerate(s.s()):
            place = 2 * (k % len(model.prefixes)) + (k < len(model.prefixes))
            lasts[place, n] = last
            loss.append(dynet.dot_product(last, dynet.inputVector(d_state[place][n])))
    total = dynet.esum(loss)
    total.forward()
    total.backward()
    H, last = np.zeros_like(d_H), [np.empty_like(s) for s in state]
    for (t, n), y in outputs.items():
        H[t, n] = y.npvalue()
    for (place, n), s in lasts.items():
        last[place][n] = s.npvalue()
    grads = {}
    for theirs, prefix in zip(model.cells(), model.prefixes):
        W_x, W_h, b = (w.grad_as_array() for w in theirs)
        grads.update(unstack(W_x, W_h, b, model.order, prefix))
    return Run(H, tuple(last), grads, X_in.grad_as_array().reshape(X.shape), tuple(s.grad_as_array() for s in states))


def new(num_inputs, num_hiddens):
    return Builder([""], num_inputs, num_hiddens, TABLE["dynet"].order)


def unload(model):
    (W_x, W_h, b), = ([w.as_array() for w in theirs] for theirs in model.cells())
    return unstack(W_x, W_h, b + runtime_bias(model.order, len(b) // 4), model.order), 1
