"""The same cell in other people's frameworks: what sets them apart as a table, and one small adapter module for each.

An adapter is imported by nobody but `adapter`, since it needs its framework. It has five functions:

    load(layer, order, dtype)   the framework's own layer, with the parameters of one of ours: an LSTM, a Stacked or a
                                Bidirectional of LSTMs. order: how the gates are stacked, as in the table
    run(model, X, state, d_H, d_state, lengths)
                                the layer's hidden states, last state, and the gradients of
                                sum(d_H * H) + sum(d_state * last state), as a Run in our names and shapes; but X, d_H, H
                                and d_X begin with the axis that the table calls `first`, for they pass through as they are
    arrays(model)               the framework's own arrays, in which the layer's parameters lie
    new(num_inputs, num_hiddens)    the framework's own layer as it comes, before training; not where nothing is new
    unload(model)               the parameters of such a layer as a dict like LSTM.params, and its bias vectors' number
"""
import importlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional

import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.layers import Bidirectional, Stacked


class Run(NamedTuple):
    """What an adapter returns: like trace.H and the last state of `forward`, then like the results of `backward`.

    A part that the framework does not return is None.
    """

    H: np.ndarray
    state: tuple
    grads: Optional[dict] = None
    d_X: Optional[np.ndarray] = None
    d_state: Optional[tuple] = None


@dataclass(frozen=True)
class Framework:
    """What one has to know of a framework's LSTM to carry weights there. `conformance` finds the same by experiment."""

    title: str
    package: str                # what to install, and whose version counts
    order: str                  # how the four blocks are stacked: i, f and o are the gates, c the candidate
    biases: int                 # bias vectors; two are one, their sum
    weights: str                # "rows": (4h, d), multiplied from the left; "columns": (d, 4h); "interleaved": row 4k + j is
                                # block j of unit k; "separate": an array for each block
    forget_bias: Any            # of a new layer: a number, or "uniform" for draws between -1/sqrt(h) and 1/sqrt(h)
    peepholes: tuple = ()       # the forms that it has, of None, "diagonal" and "full"; without an entry: None alone
    forms: tuple = ()           # what else it has: "stacked", "both ways", "lengths" of the sequences
    first: str = "steps"        # what its inputs begin with, if it is not told otherwise: "steps": (num_steps, batch_size, d);
                                # "batch": (batch_size, num_steps, d), or one sequence at a time; "one step": it has no steps
    float32: float = 1e-6       # largest error of hidden states, states and gradients; see `conformance.error`
    float64: Optional[float] = 1e-14    # the same without the gradients, whose bound is a hundred times that; None: has none
    gradients: bool = True
    faulty: dict = field(default_factory=dict)      # forms that it gets wrong, and what: "forward" or "gradients"
    larger: dict = field(default_factory=dict)      # bounds in float64 of single forms, where they have to be larger
    reason: str = ""            # why a bound is larger, or a part is missing
    needs: str = "book"         # the environment: the book's own, "rosetta" or "rosetta-large"
    adapter: str = ""           # the module in this folder, if it is not called like the entry


TABLE = {
    "mxnet": Framework(
        "MXNet gluon.rnn.LSTM", "mxnet", "ifco", 2, "rows", 0.0, forms=("stacked", "both ways"),
        reason="on a CPU it takes lengths and, in float32, does not look at them"),
    "onnxruntime": Framework(
        "ONNX Runtime LSTM", "onnxruntime", "iofc", 2, "rows", None, (None, "diagonal"), ("both ways", "lengths"),
        float64=None, gradients=False, reason="it has no LSTM in float64, and does not train"),
    "onnx_reference": Framework(
        "onnx ReferenceEvaluator", "onnx", "iofc", 2, "rows", None, (None, "diagonal"), ("both ways",),
        gradients=False, reason="it ignores lengths, and does not train"),
    "pytorch": Framework(
        "PyTorch nn.LSTM", "torch", "ifco", 2, "rows", "uniform", forms=("stacked", "both ways", "lengths"), needs="rosetta"),
    "keras": Framework(
        "Keras LSTM", "keras", "ifco", 1, "columns", 1.0, forms=("stacked", "both ways", "lengths"), first="batch",
        larger={"lengths": 1e-6, "both ways, lengths": 1e-6}, needs="rosetta",
        reason="where sequences have lengths it multiplies in float32: outside TensorFlow its types are at most 32 bits wide"),
    "opencv": Framework(
        "OpenCV dnn LSTM", "opencv-python-headless", "iofc", 2, "rows", None, (None, "diagonal"), ("both ways",), float64=None,
        gradients=False, needs="rosetta", faulty={"diagonal": "forward"},
        reason="it has no LSTM in float64, does not train, and swaps the peepholes of forget and output gate"),
    "chainer_lstm": Framework("Chainer L.LSTM", "chainer", "cifo", 1, "interleaved", 1.0, first="one step", needs="rosetta"),
    "chainer_nstep": Framework(
        "Chainer L.NStepLSTM", "chainer", "ifco", 2, "separate", 0.0, forms=("stacked", "both ways", "lengths"),
        first="batch", needs="rosetta"),
    "chainer_peephole": Framework(
        "Chainer L.StatefulPeepholeLSTM", "chainer", "cifo", 1, "interleaved", 0.0, ("full",), first="one step",
        needs="rosetta"),
    "pytensor": Framework("PyTensor scan", "pytensor", "ifco", 1, "separate", None, (None, "diagonal", "full"), needs="rosetta",
                          reason="the cell is written out"),
    "theano": Framework("Theano scan", "Theano-PyMC", "ifco", 1, "separate", None, (None, "diagonal", "full"), needs="rosetta",
                        reason="the cell is written out"),
    "dynet": Framework(
        "DyNet VanillaLSTMBuilder", "dyNET38", "ifoc", 1, "rows", 1.0, forms=("stacked", "both ways", "lengths"),
        first="batch", float64=None, needs="rosetta", reason="it has no float64; the forget bias of 1 is added as it runs"),
    "tinygrad": Framework("tinygrad nn.LSTMCell", "tinygrad", "ifco", 2, "rows", 0.0, first="one step", needs="rosetta"),
    "tensorflow_v1": Framework(
        "TensorFlow BlockLSTM", "tensorflow-cpu", "icfo", 1, "columns", None, (None, "diagonal"), float64=None,
        needs="rosetta-large", reason="it has no float64; its forget bias is an argument, 1 if left out"),
    "tensorflow_v2": Framework(
        "TensorFlow BlockLSTMV2", "tensorflow-cpu", "ifco", 1, "columns", None, (None, "diagonal"), float64=None,
        needs="rosetta-large", faulty={"one cell": "gradients", "diagonal": "gradients"},
        reason="it has no float64, and its gradient takes the gates for stacked in the order of BlockLSTM"),
    "flax": Framework("Flax nn.LSTMCell", "flax", "ifco", 1, "separate", 0.0, forms=("stacked", "both ways", "lengths"),
                      first="batch", needs="rosetta-large"),
    "paddle": Framework(
        "PaddlePaddle nn.LSTM", "paddlepaddle", "ifco", 2, "rows", "uniform", forms=("stacked", "both ways", "lengths"),
        first="batch", needs="rosetta-large", faulty={"both ways, lengths": "gradients"},
        reason="where the second direction starts inside the minibatch, its W_h lacks the gradient of that step"),
}


def adapter(name):
    """The module that runs a framework of TABLE. Raises ImportError, which says what to install, if it is missing."""
    if name not in TABLE:
        raise ValueError(f"framework must be one of {', '.join(TABLE)}, got {name!r}")
    framework = TABLE[name]
    try:
        return importlib.import_module(f"d2l_utils.frameworks.{framework.adapter or name}")
    except ModuleNotFoundError as error:
        hint = "it belongs to the book's environment" if framework.needs == "book" else "`make rosetta` installs it"
        raise ImportError(f"{framework.title} needs the package {framework.package}: {hint}") from error


def cells_of(layer):
    """The cells of a layer by the prefix of their parameters' names, from below, or the forward one first.

    layer: an LSTM, or a Stacked or Bidirectional of LSTMs without peepholes; ValueError for another.
    """
    if isinstance(layer, Stacked):
        cells = {f"{k}.": cell for k, cell in enumerate(layer.cells)}
    elif isinstance(layer, Bidirectional):
        cells = {f"{name}.": cell for name, cell in layer.cells.items()}
    else:
        cells = {"": layer}
    for cell in cells.values():
        if not isinstance(cell, LSTM) or (len(cells) > 1 and cell.peepholes):
            raise ValueError(f"layer must be an LSTM, or a Stacked or Bidirectional of LSTMs without peepholes, got {cell!r}")
    return cells


def stack(cell, order):
    """The weights of a cell as most frameworks keep them: W_x (4h, d), W_h (4h, h), b (4h,), the blocks in an order."""
    p = cell.params
    return (np.concatenate([p[f"W_x{g}"].T for g in order]), np.concatenate([p[f"W_h{g}"].T for g in order]),
            np.concatenate([p[f"b_{g}"] for g in order]))


def unstack(W_x, W_h, b, order, prefix=""):
    """Undo `stack`: a dict like LSTM.params. The arrays may be weights or gradients."""
    named = {}
    for k, g in enumerate(order):
        rows = slice(k * len(b) // 4, (k + 1) * len(b) // 4)
        named.update({f"{prefix}W_x{g}": W_x[rows].T, f"{prefix}W_h{g}": W_h[rows].T, f"{prefix}b_{g}": b[rows]})
    return named


def same(b, b_2):
    """The gradient of two biases that are added: each receives that of the sum. An AssertionError if they differ."""
    np.testing.assert_allclose(b, b_2, rtol=1e-4, atol=1e-5)
    return b


def refuse_peepholes(layer, name):
    """ValueError for a cell whose peepholes a framework of TABLE has no place for."""
    framework = TABLE[name]
    for cell in cells_of(layer).values():
        if cell.peepholes not in (framework.peepholes or (None,)):
            raise ValueError(f"{framework.title} has no {cell.peepholes} peepholes: this cell cannot be carried there")
