"""Carry an LSTM from one framework's file to another's: python -m d2l_utils.frameworks convert FROM TO

The ending of a file's name says what it is; the framework of each format has to be installed.

    .npz          our own names, as np.savez writes LSTM.params
    .onnx         a model with one LSTM in it
    .params       Gluon: what save_parameters writes
    .pt           PyTorch: a state dict
    .weights.h5   Keras: what save_weights writes

A file holds one layer in one direction, perhaps among other things, which are left behind. What cannot be carried is refused:
several layers or directions, and peepholes where there is no place for them. Two biases become one, their sum; where two are
wanted the second is zero.
"""
import pickle
import re

import numpy as np

from d2l_utils.cells import LSTM
from d2l_utils.frameworks import TABLE, refuse_peepholes, stack, unstack


def cell_of(params, dtype=np.float32):
    """An LSTM with the parameters of a dict like LSTM.params; ValueError if one is missing, left over or misshapen."""
    W_ci = params.get("W_ci")
    num_inputs, num_hiddens = np.shape(params["W_xi"])
    peepholes = None if W_ci is None else {1: "diagonal", 2: "full"}[np.ndim(W_ci)]
    cell = LSTM(num_inputs, num_hiddens, peepholes, dtype=dtype)
    if params.keys() != cell.params.keys():
        raise ValueError(f"the parameters must be {sorted(cell.params)}, got {sorted(params)}")
    for name, w in cell.params.items():
        if np.shape(params[name]) != w.shape:
            raise ValueError(f"{name} must have the shape {w.shape}, got {np.shape(params[name])}")
        w[...] = params[name]
    return cell


def cell_of_stack(W_x, W_h, b, order):
    """An LSTM from weights as `stack` returns them; ValueError if they are not those of an LSTM."""
    if np.ndim(W_x) != 2 or np.shape(W_h) != (len(W_x), len(W_x) // 4) or len(W_x) % 4 or np.shape(b) != (len(W_x),):
        raise ValueError("an LSTM of h hidden units has weights of 4h rows, those for the hidden state of h columns, and 4h "
                         f"biases; got the shapes {np.shape(W_x)}, {np.shape(W_h)} and {np.shape(b)}: a GRU or a plain RNN "
                         "has fewer rows, a layer with a projection fewer columns")
    return cell_of(unstack(W_x, W_h, b, order))


def cell_of_rows(arrays, names, name):
    """An LSTM from stacked rows, in the order of a framework of TABLE, among the arrays of a file.

    names: those of W_x, W_h and the two biases, without what a model puts before them. ValueError unless there is one layer.
    """
    more = [key for key in arrays if MORE.search(key)]
    if more:
        raise ValueError(f"the file must hold one LSTM of one layer in one direction; it also holds {', '.join(more)}")
    found = {}
    for wanted in names:
        keys = [key for key in arrays if key == wanted or key.endswith("." + wanted)]
        if len(keys) != 1:
            raise ValueError(f"the file must hold one LSTM, with one {wanted}; it holds {len(keys)} among {sorted(arrays)}")
        found[wanted] = np.asarray(arrays[keys[0]])
    W_x, W_h, *biases = found.values()
    return cell_of_stack(W_x, W_h, sum(biases), TABLE[name].order)


def rows_of_cell(cell, names, name):
    """The arrays of `cell_of_rows`, by name. ValueError for a cell with peepholes that the framework lacks."""
    refuse_peepholes(cell, name)
    W_x, W_h, b = stack(cell, TABLE[name].order)
    return dict(zip(names, (a.astype(np.float32) for a in (W_x, W_h, b, np.zeros_like(b)))))


GLUON = ("_unfused.0.i2h_weight", "_unfused.0.h2h_weight", "_unfused.0.i2h_bias", "_unfused.0.h2h_bias")
PYTORCH = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
MORE = re.compile(r"_l[1-9]\d*$|_reverse$|_unfused\.[1-9]\d*\.|_unfused\.0\.[lr]_cell\.")       # what a second layer is called


def read_npz(path):
    with np.load(path) as arrays:
        return cell_of(dict(arrays))


def write_npz(cell, path):
    np.savez(path, **cell.params)


def read_gluon(path):
    from d2l_utils.gluon import nd

    return cell_of_rows({name.partition(":")[2] or name: a.asnumpy() for name, a in nd.load(str(path)).items()}, GLUON, "mxnet")


def write_gluon(cell, path):
    from d2l_utils.gluon import nd

    nd.save(str(path), {name: nd.array(a) for name, a in rows_of_cell(cell, GLUON, "mxnet").items()})


def read_pytorch(path):
    import torch

    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise ValueError("the file must hold a state dict, as torch.save(model.state_dict(), path) writes it; PyTorch does not "
                         "read it without running code that it brings along") from error
    if not isinstance(state, dict) or not all(isinstance(w, torch.Tensor) for w in state.values()):
        raise ValueError("the file must hold a state dict of tensors by name, as torch.save(model.state_dict(), path) writes "
                         f"it; it holds a {type(state).__name__} of other things")
    return cell_of_rows({name: w.float().numpy() for name, w in state.items()}, PYTORCH, "pytorch")


def write_pytorch(cell, path):
    import torch

    torch.save({name: torch.tensor(a) for name, a in rows_of_cell(cell, PYTORCH, "pytorch").items()}, path)


def read_keras(path):
    import h5py

    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, group: found.append([np.asarray(group[k]) for k in "012"])
                        if name.endswith("cell/vars") and len(group) == 3 else None)
    if len(found) != 1:
        raise ValueError(f"the file must hold one LSTM in one direction; it holds {len(found)}")
    (W_x, W_h, b), = found
    return cell_of_stack(W_x.T, W_h.T, b, TABLE["keras"].order)


def write_keras(cell, path):
    from d2l_utils.frameworks.keras import keras, load

    model = keras.Sequential([keras.Input((None, cell.num_inputs)), load(cell, TABLE["keras"].order, "float32").layers[0]])
    model.save_weights(path)


def read_onnx(path):
    import onnx

    graph = onnx.load(path).graph
    nodes = [node for node in graph.node if node.op_type == "LSTM"]
    if len(nodes) != 1:
        raise ValueError(f"the model must hold one LSTM; it holds {len(nodes)}")
    refused = [a.name for a in nodes[0].attribute if a.name not in ("hidden_size", "direction", "layout")]
    if refused:
        raise ValueError(f"our cell has nothing like the LSTM's {', '.join(refused)}")
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    given = dict(zip(("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"), nodes[0].input))
    missing = [name for name in ("W", "R", "B", "P") if given.get(name) and given[name] not in tensors]
    if missing:
        raise ValueError(f"the model must hold its weights as initializers; it computes {', '.join(missing)}")
    W, R = (tensors[given[name]] for name in "WR")
    direction = next((a.s.decode() for a in nodes[0].attribute if a.name == "direction"), "forward")
    if direction != "forward":
        raise ValueError(f'the LSTM must have the direction "forward", got {direction!r}')
    B = tensors[given["B"]][0] if given.get("B") else np.zeros(2 * W.shape[1], W.dtype)
    params = unstack(W[0], R[0], sum(np.split(B, 2)), TABLE["onnxruntime"].order)
    if given.get("P"):
        from d2l_utils.frameworks.onnx_model import PEEPHOLES

        params.update({f"W_c{gate}": p for gate, p in zip(PEEPHOLES, np.split(tensors[given["P"]][0], 3))})
    return cell_of(params)


def write_onnx(cell, path):
    import onnx

    from d2l_utils.frameworks import onnx_model

    onnx.save(onnx_model.load(cell, TABLE["onnxruntime"].order, "float32", "onnxruntime"), path)


FORMATS = {".npz": (read_npz, write_npz), ".onnx": (read_onnx, write_onnx), ".params": (read_gluon, write_gluon),
           ".pt": (read_pytorch, write_pytorch), ".weights.h5": (read_keras, write_keras)}


def _format(path):
    for ending, functions in FORMATS.items():
        if str(path).endswith(ending):
            return functions
    raise ValueError(f"{path}: the name must end in {', '.join(FORMATS)}")


def read(path):
    """One of our cells, in float32, from a file. Raises ValueError for one that holds something else."""
    return _format(path)[0](path)


def write(cell, path):
    """Write one of our cells, an LSTM, to a file. Raises ValueError for a cell that the format has no place for."""
    _format(path)[1](cell, path)
