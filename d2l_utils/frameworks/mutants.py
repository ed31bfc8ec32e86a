"""How good a judge is a set of cases? ONNX's own, and random ones answered by onnxruntime, against cells with planted faults.

ONNX stacks the gates of an LSTM as i, o, f, c and those of a GRU as z, r, h, the peepholes P as i, o, f; it has two biases
and keeps weights on the left. It runs a sequence forward, in reverse or in both directions, and lets each sequence of a
batch have a length of its own. It needs the packages onnx and onnxruntime.
"""
import importlib
import inspect
import itertools
import types
import warnings
from dataclasses import dataclass, field

import numpy as np

from d2l_utils.cells import GRU, LSTM, RNN, gru, lstm, rnn

CELLS = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN}
MODULES = {"LSTM": lstm, "GRU": gru, "RNN": rnn}
GATES = {"LSTM": "iofc", "GRU": "zrh", "RNN": "h"}      # in the order in which ONNX stacks them
DIRECTIONS = ("forward", "reverse", "bidirectional")
# The inputs and outputs of the operators, in their order. An LSTM has all of them, the others none of a cell's.
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")
RANDOM = list(itertools.product(CELLS, DIRECTIONS, range(4)))


@dataclass
class Case:
    """What goes into one of ONNX's operators (by the names of its inputs), and what should come out of it."""

    op: str
    inputs: dict
    attributes: dict = field(default_factory=dict)      # direction; layout, which is 1 if the batch stands before the steps
    outputs: dict = field(default_factory=dict)

    @property
    def direction(self):
        return self.attributes.get("direction", "forward")

    @property
    def batch_first(self):
        return self.attributes.get("layout", 0) == 1


def names(op, all_names):
    """Of the names of inputs or outputs, those that an operator has."""
    return [name for name in all_names if op == "LSTM" or name not in ("initial_c", "P", "Y_c")]


def cases_of_onnx(onnx):
    """ONNX's own test cases for the three operators, by name.

    Only the modules of these operators are imported: collecting the cases of all takes seven seconds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case import node as collection
        for op in CELLS:
            importlib.import_module(f"onnx.backend.test.case.node.{op.lower()}")
    found = {}
    for example in collection._NodeTestCases:
        node, = example.model.graph.node
        if node.op_type not in CELLS:
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.name != "hidden_size"}
        attributes = {name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()}
        (given, wanted), = example.data_sets
        given_names = [name for place, name in zip(node.input, names(node.op_type, INPUTS)) if place]   # "": left out
        wanted_names = [name for place, name in zip(node.output, names(node.op_type, OUTPUTS)) if place]
        found[example.name] = Case(node.op_type, dict(zip(given_names, given)), attributes, dict(zip(wanted_names, wanted)))
    return found


def random_cases(onnx, ort):
    """Four random cases for each cell and direction, answered by onnxruntime."""
    return [answered(onnx, ort, random_case(*which)) for which in RANDOM]


def random_case(op, direction, seed):
    """A case with all inputs, of a random shape, in which one sequence is as long as the minibatch and the others shorter."""
    rng = np.random.default_rng(seed)
    num_steps, batch_size, d, h = rng.integers(3, 7), rng.integers(2, 5), rng.integers(1, 6), rng.integers(2, 6)
    D, k = 2 if direction == "bidirectional" else 1, len(GATES[op])
    lengths = rng.permutation([num_steps, *rng.integers(1, num_steps, batch_size - 1)]).astype(np.int32)
    shapes = {"X": (num_steps, batch_size, d), "W": (D, k * h, d), "R": (D, k * h, h), "B": (D, 2 * k * h),
              "initial_h": (D, batch_size, h), "initial_c": (D, batch_size, h), "P": (D, 3 * h)}
    inputs = {name: lengths if name == "sequence_lens" else rng.normal(0, 0.7, shapes[name]).astype(np.float32)
              for name in names(op, INPUTS)}
    return Case(op, inputs, {"direction": direction})


def answered(onnx, ort, case):
    """The case with what onnxruntime makes of it."""
    def info(name, array):
        return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

    wanted = names(case.op, OUTPUTS)
    node = onnx.helper.make_node(case.op, list(case.inputs), wanted, hidden_size=case.inputs["R"].shape[2], **case.attributes)
    graph = onnx.helper.make_graph(
        [node], "one_layer", [info(name, array) for name, array in case.inputs.items()],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in wanted])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    case.outputs = dict(zip(wanted, session.run(None, case.inputs)))
    return case


def cell_from_onnx(Cell, gates, W, R, B, P=None):
    """Our cell with the weights of one direction. W: (k h, d), R: (k h, h), B: (2 k h,) for k gates; P: (3h,) or None."""
    k, h = len(gates), R.shape[1]
    cell = Cell(W.shape[1], h, dtype=np.float32) if P is None else Cell(W.shape[1], h, "diagonal", dtype=np.float32)
    for gate, w, r, b, r_b in zip(gates, np.split(W, k), np.split(R, k), *(np.split(half, k) for half in np.split(B, 2))):
        cell.params[f"W_x{gate}"] = w.T
        cell.params[f"W_h{gate}"] = r.T
        cell.params[f"b_{gate}"] = b + r_b
    if P is not None:
        for gate, p in zip("iof", np.split(P, 3)):
            cell.params[f"W_c{gate}"] = p
    return cell


def run_like_onnx(Cell, case, cell_from_onnx=cell_from_onnx):
    """What an operator returns, from our cell: Y (num_steps, D, batch_size, h) and the last states (D, batch_size, h)."""
    given = {name: np.swapaxes(a, 0, 1) if case.batch_first and name in ("X", "initial_h", "initial_c") else a
             for name, a in case.inputs.items()}
    X, R, gates = given["X"], given["R"], GATES[case.op]
    (num_steps, batch_size, _), (D, _, h) = X.shape, R.shape
    B = given.get("B", np.zeros((D, 2 * len(gates) * h), np.float32))
    P = given.get("P", [None] * D)
    lengths = given.get("sequence_lens", np.full(batch_size, num_steps))
    no_state = np.zeros((D, batch_size, h), np.float32)
    first = [given.get(name, no_state) for name in ("initial_h", "initial_c")[:len(Cell.state_names)]]
    Y = np.zeros((num_steps, D, batch_size, h), np.float32)
    last = [np.empty_like(no_state) for _ in first]
    for d in range(D):
        cell = cell_from_onnx(Cell, gates, given["W"][d], R[d], B[d], P[d])
        turn = -1 if case.direction == "reverse" or d == 1 else 1
        for n, length in enumerate(lengths):            # each sequence by itself, as long as it is
            trace, state = cell.forward(X[:length, n:n + 1][::turn], tuple(s[d, n:n + 1] for s in first))
            Y[:length, d, n] = trace.H[::turn, 0]
            for s, s_n in zip(last, state):
                s[d, n] = s_n[0]
    if case.batch_first:
        Y, last = Y.transpose(2, 0, 1, 3), [np.swapaxes(s, 0, 1) for s in last]
    return dict(zip(OUTPUTS, (Y, *last)))


def largest_error(case, run=run_like_onnx, Cell=None):
    """How far what our cell returns is from the outputs of a case. run, Cell: others than ours, with a fault."""
    got = run(Cell or CELLS[case.op], case)
    return max(np.abs(got[name] - wanted).max() for name, wanted in case.outputs.items())


# What a wrong cell, or a wrong reading of ONNX's weights, looks like: (what is wrong, a piece of code, what stands there
# instead). Those of CELL change the cell's module, the others the functions above.
UPDATE = "C = F * C + I * C_tilde\n"
KEEP = "H = Z * H + (1 - Z) * H_tilde\n"
CELL = {
    "LSTM": [
        ("no peephole of the input gate", 'self._peek("i", C) + p', "p"),
        ("no peephole of the forget gate", 'self._peek("f", C) + p', "p"),
        ("no peephole of the output gate", 'self._peek("o", C) + p', "p"),
        ("output gate sees the old cell", 'self._peek("o", C) + p', 'self._peek("o", trace.before(t)[1]) + p'),
        ("forget gate sees the new cell", UPDATE, 'F = sigmoid(X_t @ p["W_xf"] + H @ p["W_hf"] '
         '+ self._peek("f", F * C + I * C_tilde) + p["b_f"]); ' + UPDATE),
        ("input gate sees the new cell", UPDATE, 'I = sigmoid(X_t @ p["W_xi"] + H @ p["W_hi"] '
         '+ self._peek("i", F * C + I * C_tilde) + p["b_i"]); ' + UPDATE),
        ("peepholes read the hidden state", 'self._peek("f", C) + p', 'self._peek("f", H) + p'),
        ("input and forget gate swapped", UPDATE, "C = I * C + F * C_tilde\n"),
        ("forget gate coupled to the input gate", UPDATE, "C = (1 - I) * C + I * C_tilde\n"),
        ("no forget gate", UPDATE, "C = C + I * C_tilde\n"),
        ("no tanh on the way out", "H = O * np.tanh(C)\n", "H = O * C\n"),
        ("a sigmoid for the candidate", "C_tilde = np.tanh(X_t", "C_tilde = sigmoid(X_t"),
    ],
    "GRU": [
        ("update gate the other way round", KEEP, "H = (1 - Z) * H + Z * H_tilde\n"),
        ("nothing kept", KEEP, "H = (1 - Z) * H_tilde\n"),
        ("old state added whole", KEEP, "H = H + (1 - Z) * H_tilde\n"),
        ("no reset gate", '(R * H) @ p["W_hh"]', 'H @ p["W_hh"]'),
        ("reset gate after the product", '(R * H) @ p["W_hh"]', 'R * (H @ p["W_hh"])'),
        ("update gate in the reset gate's place", '(R * H) @ p["W_hh"]', '(Z * H) @ p["W_hh"]'),
        ("a sigmoid for the candidate", "H_tilde = np.tanh(X_t", "H_tilde = sigmoid(X_t"),
    ],
    "RNN": [
        ("no tanh", "H = np.tanh(X_t", "H = (X_t"),
        ("a sigmoid for the tanh", "H = np.tanh(X_t", "from d2l_utils.cells import sigmoid; H = sigmoid(X_t"),
        ("the state also by a path of its own", "H = np.tanh(X_t", "H = H + np.tanh(X_t"),
    ],
}
WEIGHTS = [
    ("recurrent weights transposed", "= r.T", "= r"),
    ("no recurrence", "= r.T", "= 0 * r.T"),
    ("second half of the bias ignored", "b + r_b", "b"),
    ("first half of the bias ignored", "b + r_b", "r_b"),
]
WEIGHTS_OF = {
    "LSTM": [
        ("gates in the order of PyTorch", "zip(gates, np", 'zip("ifco", np'),
        ("gates in the order i, f, o, c", "zip(gates, np", 'zip("ifoc", np'),
        ("candidate first", "zip(gates, np", 'zip("ciof", np'),
        ("peepholes in the order i, f, o", 'zip("iof", np', 'zip("ifo", np'),
        ("peepholes reversed", 'zip("iof", np', 'zip("foi", np'),
    ],
    "GRU": [
        ("gates in the order of PyTorch", "zip(gates, np", 'zip("rzh", np'),
        ("candidate first", "zip(gates, np", 'zip("hzr", np'),
    ],
    "RNN": [],
}
PLUMBING = [
    ("initial_h ignored", 'for name in ("initial_h"', 'for name in ("no_h"'),
    ("initial_c ignored", "tuple(s[d, n:n + 1] for s in first)", "(first[0][d, n:n + 1], 0 * first[0][d, n:n + 1])"),
    ("lengths ignored", "enumerate(lengths)", "enumerate(np.full_like(lengths, num_steps))"),
    ("nothing reversed", "turn = -1 if", "turn = 1 if"),
    ("output not turned back", "trace.H[::turn, 0]", "trace.H[:, 0]"),
    ("padding reversed with the sequence", "X[:length, n:n + 1][::turn]", "X[::turn, n:n + 1][:length]"),
    ("all directions with the weights of the first", 'R[d], B[d], P[d])', 'R[0], B[0], P[0])'),
]
MUTANTS = [(op, where, *m) for op in CELLS for where, found in (
    ("cell", CELL[op]), ("cell_from_onnx", WEIGHTS + WEIGHTS_OF[op]), ("run_like_onnx", PLUMBING)) for m in found
    if op == "LSTM" or m[0] != "initial_c ignored"]


REFUSED = 1e-6         # a larger error is no rounding: the case refuses the cell
KINDS = {"cell": "formula", "cell_from_onnx": "weights", "run_like_onnx": "sequences, states"}      # by where the fault is


def mutant(op, where, code, instead):
    """A function of a case: its largest_error, as a cell or a reading of ONNX with this change has it."""
    source = inspect.getsource(MODULES[op] if where == "cell" else globals()[where])
    assert source.count(code) == 1, f"{where} of the {op} no longer holds {code!r} once"
    module = types.ModuleType("mutant")
    module.__dict__.update(globals())
    exec(compile(source.replace(code, instead), "mutant", "exec"), module.__dict__)
    if where == "cell":
        return lambda case: largest_error(case, Cell=getattr(module, op))
    if where == "run_like_onnx":
        return lambda case: largest_error(case, module.run_like_onnx)
    return lambda case: largest_error(case, lambda Cell, case: run_like_onnx(Cell, case, module.cell_from_onnx))


def judged(cases, node_cases):
    """Which judge refuses what: a list of dicts, one a mutant, with its cell `op`, its `kind`, what is `wrong`, the lists of
    its largest errors in the `random` cases and in ONNX's `own`.
    """
    rows = []
    for op, where, wrong, code, instead in MUTANTS:
        error = mutant(op, where, code, instead)
        rows.append({"op": op, "kind": KINDS[where], "wrong": wrong,
                     **{judge: [float(error(case)) for case in some if case.op == op]
                        for judge, some in (("random", cases), ("own", node_cases.values()))}})
    return rows


def judges():
    """The random cases, answered by onnxruntime, and ONNX's own. Raises ImportError where one of the packages is missing."""
    import onnx
    import onnxruntime

    return random_cases(onnx, onnxruntime), cases_of_onnx(onnx)
