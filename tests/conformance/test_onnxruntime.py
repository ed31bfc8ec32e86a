"""The cell with diagonal peepholes against onnxruntime's LSTM, and how good a judge that is: which wrong cells it refuses.

ONNX stacks the gates as i, o, f, c, its peepholes P as i, o, f, has two biases, and keeps weights on the left. It runs a
sequence forward, in reverse or in both directions, and lets each sequence of a batch have a length of its own.
"""
import importlib
import inspect
import itertools
import os
import types
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from d2l_utils.cells import LSTM, lstm

NUM_STEPS, BATCH_SIZE, NUM_INPUTS, NUM_HIDDENS = 5, 3, 2, 4
DIRECTIONS = ("forward", "reverse", "bidirectional")
NAMES = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")     # in the order of the operator's inputs
CASES = list(itertools.product(DIRECTIONS, range(4)))


@dataclass
class Case:
    """What goes into ONNX's LSTM (by the names of its inputs), and what should come out of it (Y, Y_h, Y_c)."""

    inputs: dict
    direction: str = "forward"
    layout: int = 0                                     # 1: the batch stands before the steps
    outputs: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def onnx():
    return needed("onnx")


@pytest.fixture(scope="module")
def ort():
    return needed("onnxruntime")


def needed(name):
    """A package, or the test is skipped; where nothing may be skipped, as in CI, it fails."""
    if os.environ.get("CI") or os.environ.get("REQUIRE_ONNX"):
        return importlib.import_module(name)
    return pytest.importorskip(name)


@pytest.fixture(scope="module")
def cases(onnx, ort):
    """Random cases with all inputs, answered by onnxruntime."""
    return [answered(onnx, ort, random_case(direction, seed)) for direction, seed in CASES]


@pytest.fixture(scope="module")
def node_cases(onnx):
    """The cases for LSTM that ONNX gives to whoever implements it."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # collecting runs the cases of all operators, overflows and all
        examples = collect_testcases("LSTM")
    found = []
    for example in examples:
        node, = example.model.graph.node
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        (given, wanted), = example.data_sets
        names = [name for place, name in zip(node.input, NAMES) if place]       # an input left out has no name
        outputs = {name: y for name, y in zip(("Y", "Y_h", "Y_c"), in_place(node.output, wanted)) if y is not None}
        found.append(Case(dict(zip(names, given)), attributes.get("direction", b"forward").decode(),
                          attributes.get("layout", 0), outputs))
    return found


def in_place(names, values):
    """The values in the places that have a name, None in the others."""
    values = iter(values)
    return [next(values) if name else None for name in names]


def random_case(direction, seed):
    rng = np.random.default_rng(seed)
    D = 2 if direction == "bidirectional" else 1

    def normal(*shape):
        return rng.normal(0, 0.7, shape).astype(np.float32)

    lengths = rng.permutation([NUM_STEPS, *rng.integers(1, NUM_STEPS, BATCH_SIZE - 1)]).astype(np.int32)
    return Case({"X": normal(NUM_STEPS, BATCH_SIZE, NUM_INPUTS), "W": normal(D, 4 * NUM_HIDDENS, NUM_INPUTS),
                 "R": normal(D, 4 * NUM_HIDDENS, NUM_HIDDENS), "B": normal(D, 8 * NUM_HIDDENS), "sequence_lens": lengths,
                 "initial_h": normal(D, BATCH_SIZE, NUM_HIDDENS), "initial_c": normal(D, BATCH_SIZE, NUM_HIDDENS),
                 "P": normal(D, 3 * NUM_HIDDENS)}, direction)


def answered(onnx, ort, case):
    """The case with what onnxruntime makes of it."""
    def info(name, array):
        return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

    node = onnx.helper.make_node("LSTM", list(NAMES), ["Y", "Y_h", "Y_c"], hidden_size=NUM_HIDDENS, direction=case.direction)
    graph = onnx.helper.make_graph(
        [node], "one_lstm", [info(name, case.inputs[name]) for name in NAMES],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("Y", "Y_h", "Y_c")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    case.outputs = dict(zip(("Y", "Y_h", "Y_c"), session.run(None, case.inputs)))
    return case


def cell_from_onnx(LSTM, W, R, B, P):
    """Our cell with the weights of one direction. W: (4h, d), R: (4h, h), B: (8h,), P: (3h,)."""
    h = R.shape[1]
    cell = LSTM(W.shape[1], h, "diagonal", dtype=np.float32)
    for gate, w, r, b, r_b in zip("iofc", np.split(W, 4), np.split(R, 4), *(np.split(half, 4) for half in np.split(B, 2))):
        cell.params[f"W_x{gate}"] = w.T
        cell.params[f"W_h{gate}"] = r.T
        cell.params[f"b_{gate}"] = b + r_b
    for gate, p in zip("iof", np.split(P, 3)):
        cell.params[f"W_c{gate}"] = p
    return cell


def run_like_onnx(LSTM, case, cell_from_onnx=cell_from_onnx):
    """Y (num_steps, D, batch_size, h), Y_h and Y_c (D, batch_size, h) of our cell, for D directions."""
    given = {name: np.swapaxes(a, 0, 1) if case.layout and name in ("X", "initial_h", "initial_c") else a
             for name, a in case.inputs.items()}
    X, R = given["X"], given["R"]
    (num_steps, batch_size, _), (D, _, h) = X.shape, R.shape
    zeros = {"B": (D, 8 * h), "P": (D, 3 * h), "initial_h": (D, batch_size, h), "initial_c": (D, batch_size, h)}
    B, P, H, C = (given.get(name, np.zeros(shape, np.float32)) for name, shape in zeros.items())
    lengths = given.get("sequence_lens", np.full(batch_size, num_steps))
    Y = np.zeros((num_steps, D, batch_size, h), np.float32)
    Y_h, Y_c = np.empty((2, D, batch_size, h), np.float32)
    for d in range(D):
        cell = cell_from_onnx(LSTM, given["W"][d], R[d], B[d], P[d])
        turn = -1 if case.direction == "reverse" or d == 1 else 1
        for n, length in enumerate(lengths):            # each sequence by itself, as long as it is
            trace, (H_n, C_n) = cell.forward(X[:length, n:n + 1][::turn], (H[d, n:n + 1], C[d, n:n + 1]))
            Y[:length, d, n] = trace.H[::turn, 0]
            Y_h[d, n], Y_c[d, n] = H_n[0], C_n[0]
    if case.layout:
        Y, Y_h, Y_c = Y.transpose(2, 0, 1, 3), np.swapaxes(Y_h, 0, 1), np.swapaxes(Y_c, 0, 1)
    return {"Y": Y, "Y_h": Y_h, "Y_c": Y_c}


def largest_error(case, run=run_like_onnx, LSTM=LSTM):
    got = run(LSTM, case)
    return max(np.abs(got[name] - wanted).max() for name, wanted in case.outputs.items())


@pytest.mark.parametrize("k", range(len(CASES)), ids=[f"{direction}-{seed}" for direction, seed in CASES])
def test_our_cell_agrees_with_onnxruntime(cases, k):
    assert {name: y.shape for name, y in cases[k].outputs.items()} == {
        name: y.shape for name, y in run_like_onnx(LSTM, cases[k]).items()}
    assert largest_error(cases[k]) < 1e-6


def test_our_cell_passes_onnxs_own_cases(node_cases):
    assert len(node_cases) >= 4
    assert max(largest_error(case) for case in node_cases) < 1e-6


# What a wrong cell, or a wrong reading of ONNX's weights, looks like: (what is wrong, a piece of code, what stands there
# instead). The first group changes cells/lstm.py, the other two the functions above.
CELL = [
    ("no peephole of the input gate", 'self._peek("i", C) + p', "p"),
    ("no peephole of the forget gate", 'self._peek("f", C) + p', "p"),
    ("no peephole of the output gate", 'self._peek("o", C) + p', "p"),
    ("output gate sees the old cell", 'self._peek("o", C) + p', 'self._peek("o", trace.before(t)[1]) + p'),
    ("forget gate sees the new cell", "C = F * C + I * C_tilde\n",
     'F = sigmoid(X_t @ p["W_xf"] + H @ p["W_hf"] + self._peek("f", F * C + I * C_tilde) + p["b_f"]); '
     "C = F * C + I * C_tilde\n"),
    ("input gate sees the new cell", "C = F * C + I * C_tilde\n",
     'I = sigmoid(X_t @ p["W_xi"] + H @ p["W_hi"] + self._peek("i", F * C + I * C_tilde) + p["b_i"]); '
     "C = F * C + I * C_tilde\n"),
    ("peepholes read the hidden state", 'self._peek("f", C) + p', 'self._peek("f", H) + p'),
    ("input and forget gate swapped", "C = F * C + I * C_tilde\n", "C = I * C + F * C_tilde\n"),
    ("forget gate coupled to the input gate", "C = F * C + I * C_tilde\n", "C = (1 - I) * C + I * C_tilde\n"),
    ("no forget gate", "C = F * C + I * C_tilde\n", "C = C + I * C_tilde\n"),
    ("no tanh on the way out", "H = O * np.tanh(C)\n", "H = O * C\n"),
    ("a sigmoid for the candidate", "C_tilde = np.tanh(X_t", "C_tilde = sigmoid(X_t"),
]
WEIGHTS = [
    ("gates in the order of PyTorch", 'zip("iofc", np', 'zip("ifco", np'),
    ("gates in the order i, f, o, c", 'zip("iofc", np', 'zip("ifoc", np'),
    ("candidate first", 'zip("iofc", np', 'zip("ciof", np'),
    ("recurrent weights transposed", "= r.T", "= r"),
    ("no recurrence", "= r.T", "= 0 * r.T"),
    ("second half of the bias ignored", "b + r_b", "b"),
    ("first half of the bias ignored", "b + r_b", "r_b"),
    ("peepholes in the order i, f, o", 'zip("iof", np', 'zip("ifo", np'),
    ("peepholes reversed", 'zip("iof", np', 'zip("foi", np'),
]
PLUMBING = [
    ("initial_h ignored", "(H[d, n:n + 1], C", "(0 * H[d, n:n + 1], C"),
    ("initial_c ignored", "C[d, n:n + 1])", "0 * C[d, n:n + 1])"),
    ("lengths ignored", "enumerate(lengths)", "enumerate(np.full_like(lengths, num_steps))"),
    ("nothing reversed", "turn = -1 if", "turn = 1 if"),
    ("output not turned back", "trace.H[::turn, 0]", "trace.H[:, 0]"),
    ("padding reversed with the sequence", "X[:length, n:n + 1][::turn]", "X[::turn, n:n + 1][:length]"),
    ("all directions with the weights of the first", 'R[d], B[d], P[d])', 'R[0], B[0], P[0])'),
]
MUTANTS = [*(("lstm.py", *m) for m in CELL), *(("cell_from_onnx", *m) for m in WEIGHTS),
           *(("run_like_onnx", *m) for m in PLUMBING)]


def mutant(where, code, instead):
    """largest_error of a case, as a cell or a reading of ONNX with this change has it."""
    sources = {"lstm.py": Path(lstm.__file__).read_text(encoding="utf-8"),
               "cell_from_onnx": inspect.getsource(cell_from_onnx), "run_like_onnx": inspect.getsource(run_like_onnx)}
    assert sources[where].count(code) == 1, f"{where} no longer holds {code!r} once"
    module = types.ModuleType("mutant")
    module.__dict__.update(globals())
    exec(compile(sources[where].replace(code, instead), "mutant", "exec"), module.__dict__)
    if where == "lstm.py":
        return lambda case: largest_error(case, LSTM=module.LSTM)
    if where == "run_like_onnx":
        return lambda case: largest_error(case, module.run_like_onnx)
    return lambda case: largest_error(case, lambda LSTM, case: run_like_onnx(LSTM, case, module.cell_from_onnx))


@pytest.mark.parametrize(("where", "wrong", "code", "instead"), MUTANTS, ids=[wrong for _, wrong, *_ in MUTANTS])
def test_the_random_cases_refuse(cases, where, wrong, code, instead):
    error = mutant(where, code, instead)
    assert max(error(case) for case in cases) > 1e-2


def test_onnxs_own_cases_let_most_wrong_cells_pass(node_cases, cases):
    """Constant weights, mostly a single step, states of zero: passing them says little, hence the random cases above."""
    passing = [wrong for where, wrong, code, instead in MUTANTS
               if max(map(mutant(where, code, instead), node_cases)) < 1e-6]
    assert len(passing) > len(MUTANTS) / 2
    assert {"recurrent weights transposed", "initial_h ignored", "peepholes in the order i, f, o"} <= set(passing)
