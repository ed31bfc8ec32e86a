"""What Chainer's layers share. L.LSTM and L.StatefulPeepholeLSTM run step by step and interleave the gates: row 4k + j of a
stacked array is block j of unit k. L.NStepLSTM takes whole sequences, each of its own length, and has an array for each block.
"""
import builtins
import sys
import types
import warnings

import numpy as np

for _name in ("bool", "int", "float", "object", "complex"):     # NumPy had these names once, and Chainer asks for them
    if _name not in np.__dict__:
        setattr(np, _name, getattr(builtins, _name))
if "distutils.msvccompiler" not in sys.modules:                 # numpy.distutils asks for it; setuptools no longer has it
    _stub = types.ModuleType("distutils.msvccompiler")
    _stub.__dict__.update(get_build_version=lambda: None, MSVCCompiler=object)
    sys.modules["distutils.msvccompiler"] = _stub
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import chainer
    import chainer.functions as F
    import chainer.links as L

from d2l_utils.frameworks import Run, refuse_peepholes, stack, unstack  # noqa: E402


def interleave(stacked):
    """The rows of four stacked blocks as Chainer wants them: the first rows of all blocks, then the second rows."""
    return np.swapaxes(stacked.reshape(4, -1, *stacked.shape[1:]), 0, 1).reshape(stacked.shape)


def separate(interleaved):
    """Undo `interleave`."""
    return np.swapaxes(interleaved.reshape(-1, 4, *interleaved.shape[1:]), 0, 1).reshape(interleaved.shape)


class Step:
    """L.LSTM or L.StatefulPeepholeLSTM, the gate order of its weights, and the forms that it has."""

    def __init__(self, link, order):
        self.link, self.order = link, order
        self.peeks = isinstance(link, L.StatefulPeepholeLSTM)


def load_step(layer, order, dtype, name, Link):
    refuse_peepholes(layer, name)
    with chainer.using_config("dtype", np.dtype(dtype)):
        model = Step(Link(layer.num_inputs, layer.num_hiddens), order)
    link, weights = model.link, (interleave(a) for a in stack(layer, order))
    for place, value in zip((link.upward.W, link.lateral.W, link.upward.b), weights):
        place.array[...] = value
    if model.peeks:
        for gate in "ifo":
            getattr(link, f"peep_{gate}").W.array[...] = layer.params[f"W_c{gate}"].T
    return model


def run_step(model, X, state, d_H, d_state, lengths=None):
    X, H, C = (chainer.Variable(a) for a in (X, *state))
    link = model.link
    link.cleargrads()
    link.h, link.c = H, C
    Y = F.stack([link(X_t) for X_t in X])
    sum(F.sum(a * d) for a, d in ((Y, d_H), (link.h, d_state[0]), (link.c, d_state[1]))).backward()
    grads = unstack(separate(link.upward.W.grad), separate(link.lateral.W.grad), separate(link.upward.b.grad), model.order)
    if model.peeks:
        grads.update({f"W_c{gate}": getattr(link, f"peep_{gate}").W.grad.T for gate in "ifo"})
    return Run(Y.array, (link.h.array, link.c.array), grads, X.grad, (H.grad, C.grad))


def arrays_step(model):
    return [p.array for p in model.link.params()]


def unload_step(model):
    link = model.link
    return unstack(separate(link.upward.W.array), separate(link.lateral.W.array), separate(link.upward.b.array), model.order), 1
