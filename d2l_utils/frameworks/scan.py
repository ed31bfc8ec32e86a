"""A cell written out for PyTensor or Theano, whose `scan` runs it over the steps: the six equations with symbols for arrays.

Both are made of the same parts under the same names. A graph takes seconds to compile, so it takes its weights as inputs,
and each form of the cell is compiled once.
"""
import functools

import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.frameworks import Run


def one_step(tensor, sigmoid, form):
    """The step of the cell as `scan` wants it: (X_t, H, C, *parameters) -> (H, C)."""
    names = list(LSTM(1, 1, form).params)

    def step(X_t, H, C, *weights):
        p = dict(zip(names, weights))

        def peek(gate, C):
            return {None: lambda: 0, "diagonal": lambda: C * p[f"W_c{gate}"],
                    "full": lambda: tensor.dot(C, p[f"W_c{gate}"])}[form]()

        def weighted(part):
            return tensor.dot(X_t, p[f"W_x{part}"]) + tensor.dot(H, p[f"W_h{part}"]) + p[f"b_{part}"]

        I = sigmoid(weighted("i") + peek("i", C))
        F = sigmoid(weighted("f") + peek("f", C))
        C = F * C + I * tensor.tanh(weighted("c"))
        O = sigmoid(weighted("o") + peek("o", C))
        return O * tensor.tanh(C), C

    return step


@functools.cache
def compiled(library, form, dtype):
    """A function of X, H, C, d_H, d_H_last, d_C_last and the parameters, which returns the parts of a Run.

    library: the module pytensor or theano, whose submodule `tensor` has been imported.
    """
    tensor = library.tensor
    sigmoid = tensor.sigmoid if hasattr(tensor, "sigmoid") else tensor.nnet.sigmoid
    params = LSTM(1, 1, form).params

    def symbol(name, ndim):
        return tensor.TensorType(dtype, (None,) * ndim if library.__name__ == "pytensor" else (False,) * ndim)(name)

    X, d_H = symbol("X", 3), symbol("d_H", 3)
    H, C, d_H_last, d_C_last = (symbol(name, 2) for name in ("H", "C", "d_H_last", "d_C_last"))
    weights = [symbol(name, w.ndim) for name, w in params.items()]
    (Y, Cs), _ = library.scan(one_step(tensor, sigmoid, form), sequences=X, outputs_info=[H, C], non_sequences=weights)
    loss = (Y * d_H).sum() + (Y[-1] * d_H_last).sum() + (Cs[-1] * d_C_last).sum()
    gradients = library.grad(loss, [X, H, C, *weights])
    return library.function([X, H, C, d_H, d_H_last, d_C_last, *weights], [Y, Y[-1], Cs[-1], *gradients])


def load(layer, order, dtype):
    """Our own names: there is no stacking to get wrong, so another order than i, f, c, o permutes the parameters."""
    params = {}
    for ours, theirs in zip("ifco", order):
        params.update({name[:-1] + ours: layer.params[name[:-1] + theirs] for name in layer.params
                       if name[-1] == theirs and name[:-1] + ours in layer.params})
    return {name: np.ascontiguousarray(params.get(name, w), dtype) for name, w in layer.params.items()}, layer.peepholes


def arrays(model):
    return list(model[0].values())


def run(library, model, X, state, d_H, d_state):
    params, form = model
    step = compiled(library, form, str(X.dtype))
    Y, H_last, C_last, d_X, d_H_first, d_C_first, *grads = step(X, *state, d_H, *d_state, *params.values())
    return Run(Y, (H_last, C_last), dict(zip(params, grads)), d_X, (d_H_first, d_C_first))
