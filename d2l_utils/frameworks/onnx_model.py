"""A model in the ONNX format with one LSTM in it: blocks i, o, f, c; biases for input and state; peepholes i, o, f."""
import numpy as np
import onnx

from d2l_utils.frameworks import Run, cells_of, refuse_peepholes, stack
from d2l_utils.layers import Bidirectional

PEEPHOLES = "iof"


STATE, OUTPUTS = ("initial_h", "initial_c"), ("Y", "Y_h", "Y_c")


def load(layer, order, dtype, framework, lengths=True, state=None, shape=("num_steps", "batch_size")):
    """A ModelProto for a framework of TABLE. X, the lengths (if it takes them) and the states are inputs of the model.

    state: initial states that become constants of the model instead. shape: that of X, if it has to be known.
    """
    refuse_peepholes(layer, framework)
    cells = list(cells_of(layer).values())
    D, h = len(cells), cells[0].num_hiddens
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    weights: dict = {"W": [], "R": [], "B": [], "P": []}
    for cell in cells:
        W_x, W_h, b = stack(cell, order)
        weights["W"].append(W_x)
        weights["R"].append(W_h)
        weights["B"].append(np.concatenate([0.25 * b, 0.75 * b]))       # only their sum counts
        if cell.peepholes:
            weights["P"].append(np.concatenate([cell.params[f"W_c{gate}"] for gate in PEEPHOLES]))
    tensors = [onnx.numpy_helper.from_array(np.stack(w).astype(dtype), name) for name, w in weights.items() if w]
    if state is not None:
        tensors += [onnx.numpy_helper.from_array(s, name) for name, s in list(feed(None, state).items())[1:]]
    names = ["X", "W", "R", "B", "sequence_lens" if lengths else "", *STATE, "P" if weights["P"] else ""]
    node = onnx.helper.make_node("LSTM", names, list(OUTPUTS), hidden_size=h,
                                 direction="bidirectional" if isinstance(layer, Bidirectional) else "forward")
    info = onnx.helper.make_tensor_value_info
    inputs = [info("X", element, [*shape[:2], layer.num_inputs])]
    if state is None:
        inputs += [info(name, element, [D, shape[1], h]) for name in STATE]
    if lengths:
        inputs.append(info("sequence_lens", onnx.TensorProto.INT32, ["batch_size"]))
    shapes = ([shape[0], D, shape[1], h], [D, shape[1], h], [D, shape[1], h])
    graph = onnx.helper.make_graph([node], "lstm", inputs, [info(name, element, s) for name, s in zip(OUTPUTS, shapes)],
                                   tensors)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)


def arrays(model):
    return [onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer]


def feed(X, state):
    """The inputs of the model but the lengths, by name."""
    return {"X": X, "initial_h": np.stack(state[::2]), "initial_c": np.stack(state[1::2])}


def ours(Y, Y_h, Y_c):
    """A Run from the outputs of the model: Y (num_steps, D, batch_size, h), and the last states (D, batch_size, h)."""
    H = Y.transpose(0, 2, 1, 3).reshape(Y.shape[0], Y.shape[2], -1)         # the directions side by side
    return Run(H, tuple(s for pair in zip(Y_h, Y_c) for s in pair))
