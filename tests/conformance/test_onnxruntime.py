"""Our cells against onnxruntime's LSTM, GRU and RNN, and how good a judge that is: which wrong cells it refuses.

ONNX stacks the gates of an LSTM as i, o, f, c and those of a GRU as z, r, h, the peepholes P as i, o, f; it has two biases
and keeps weights on the left. It runs a sequence forward, in reverse or in both directions, and lets each sequence of a
batch have a length of its own.
The cases and the wrong cells are in d2l_utils/frameworks/mutants.py; chapter 18 prints which judge refuses what.
"""
import importlib
import os

import numpy as np
import pytest

from d2l_utils.frameworks.mutants import (
    CELLS,
    GATES,
    MUTANTS,
    RANDOM,
    REFUSED,
    Case,
    answered,
    cases_of_onnx,
    cell_from_onnx,
    judged,
    largest_error,
    mutant,
    random_cases,
    run_like_onnx,
)
from d2l_utils.layers import Bidirectional


def needed(name):
    """A package, or the test is skipped; where nothing may be skipped, as in CI, it fails."""
    if os.environ.get("CI") or os.environ.get("REQUIRE_ONNX"):
        return importlib.import_module(name)
    return pytest.importorskip(name)


@pytest.fixture(scope="module")
def cases():
    """Random cases with all inputs, answered by onnxruntime."""
    return random_cases(needed("onnx"), needed("onnxruntime"))


@pytest.fixture(scope="module")
def node_cases():
    """The cases that ONNX gives to whoever implements its operators."""
    return cases_of_onnx(needed("onnx"))


@pytest.mark.parametrize("k", range(len(RANDOM)), ids=["-".join(map(str, which)) for which in RANDOM])
def test_our_cell_agrees_with_onnxruntime(cases, k):
    assert {name: y.shape for name, y in cases[k].outputs.items()} == {
        name: y.shape for name, y in run_like_onnx(CELLS[cases[k].op], cases[k]).items()}
    assert largest_error(cases[k]) < 1e-6


@pytest.mark.parametrize("k", [k for k, (_, direction, _) in enumerate(RANDOM) if direction == "bidirectional"])
def test_a_whole_minibatch_read_from_both_ends_agrees_with_onnxruntime(cases, k):
    given, op, wanted = cases[k].inputs, cases[k].op, cases[k].outputs
    cells = [cell_from_onnx(CELLS[op], GATES[op], *(given[name][d] for name in "WRBP" if name in given)) for d in (0, 1)]
    state = [given[name][d] for d in (0, 1) for name in ("initial_h", "initial_c") if name in given]
    trace, last = Bidirectional(*cells).forward(given["X"], state, given["sequence_lens"])
    parts = len(last) // 2
    found = [np.stack(np.split(trace.H, 2, axis=-1), axis=1), *(np.stack(last[k::parts]) for k in range(parts))]
    assert [y.shape for y in found] == [y.shape for y in wanted.values()]
    assert max(np.abs(a - b).max() for a, b in zip(found, wanted.values())) < 1e-6


def test_onnx_has_cases_for_each_cell(node_cases):
    """All cases that ONNX has are run below: none needs an attribute that our cells lack. (Version 1.23 has six for each.)"""
    assert min(sum(case.op == op for case in node_cases.values()) for op in CELLS) >= 4
    assert {name for case in node_cases.values() for name in case.attributes} <= {"direction", "layout"}


@pytest.mark.parametrize("op", CELLS)
def test_our_cell_passes_onnxs_own_cases(node_cases, op):
    errors = {name: largest_error(case) for name, case in node_cases.items() if case.op == op}
    assert max(errors.values()) < 1e-6, errors


def test_a_gru_whose_reset_gate_comes_after_the_product_is_another_cell(cases):
    """What Gluon, PyTorch and cuDNN compute is in ONNX linear_before_reset=1, which no case of ONNX's own has."""
    case = next(case for case in cases if case.op == "GRU")
    other = answered(needed("onnx"), needed("onnxruntime"),
                     Case("GRU", case.inputs, {**case.attributes, "linear_before_reset": 1}))
    assert largest_error(other) > 1e-2


@pytest.mark.parametrize(("op", "where", "wrong", "code", "instead"), MUTANTS,
                         ids=[f"{op}-{wrong}" for op, _, wrong, *_ in MUTANTS])
def test_the_random_cases_refuse(cases, op, where, wrong, code, instead):
    error = mutant(op, where, code, instead)
    assert max(error(case) for case in cases if case.op == op) > 1e-2


def test_onnxs_own_cases_let_many_wrong_cells_pass(node_cases, cases):
    """Constant weights, mostly a single step, states of zero: passing them says little, hence the random cases above."""
    rows = judged(cases, node_cases)
    assert [len(rows), *{(len(row["random"]), min(len(row["own"]), 4)) for row in rows}] == [len(MUTANTS), (12, 4)]
    passing = {(row["op"], row["wrong"]) for row in rows if max(row["own"]) <= REFUSED}
    assert sum(op == "LSTM" for op, _ in passing) > sum(op == "LSTM" for op, *_ in MUTANTS) / 2
    assert {("LSTM", "recurrent weights transposed"), ("LSTM", "peepholes in the order i, f, o"),
            ("GRU", "reset gate after the product"), ("RNN", "initial_h ignored")} <= passing
