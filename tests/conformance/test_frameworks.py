"""The book's cell in other frameworks, as far as the book's own environment has them. `make rosetta` asks the others too."""
import dataclasses
import importlib.util
import itertools
import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import rosetta  # the script in bench/results

from d2l_utils import frameworks
from d2l_utils.cells import GRU, LSTM
from d2l_utils.frameworks import TABLE, adapter, conformance, exhibits, seeds, stack, unstack
from d2l_utils.layers import Stacked

HERE = [name for name, framework in TABLE.items() if framework.needs == "book"]
CASES = [(name, form, dtype) for name in HERE for form in conformance.forms_of(TABLE[name])
         for dtype in conformance.dtypes_of(TABLE[name])]


@pytest.fixture
def needed(request):
    """The framework that a test names, or the test is skipped; where nothing may be skipped, as in CI, it fails."""
    name = request.node.callspec.params["name"] if hasattr(request.node, "callspec") else "mxnet"
    if name == "onnx_reference" and importlib.util.find_spec("onnx"):
        from onnx.reference.ops.op_lstm import CommonLSTM
        if not hasattr(CommonLSTM, "_run_forward"):
            pytest.skip("this version of onnx, the last for Python 3.9, returns no last cell state")
    if name.startswith("onnx") and (os.environ.get("CI") or os.environ.get("REQUIRE_ONNX")):
        return adapter(name)
    try:
        return adapter(name)
    except ImportError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("name", "form", "dtype"), CASES)
def test_the_framework_computes_our_cell(needed, name, form, dtype):
    allowed = conformance.bounds(TABLE[name], form, dtype)
    for seed in conformance.SEEDS:
        forward, gradients = conformance.errors(name, form, dtype, seed)
        assert forward <= allowed[0]
        assert TABLE[name].gradients == (gradients is not None)
        assert gradients is None or gradients <= allowed[1]


def asked_of(name):
    """What experiment has to find of a framework: what has no new layer has no biases of its own, and one step no axes."""
    nothing_new = {"biases", "forget_bias"} if TABLE[name].forget_bias is None else set()
    no_axes = {"first"} if TABLE[name].first == "one step" else set()
    return {"version", "order", "weights", "first", "biases", "forget_bias"} - nothing_new - no_axes


@pytest.mark.parametrize("name", HERE)
def test_what_the_table_says_is_what_is_found(needed, name):
    """Of all 24 orders of the gates, of four layouts and of two axes, those of the table alone give the book's cell."""
    found = conformance.found(name)
    assert found.keys() == asked_of(name)
    for key in found.keys() - {"version"}:
        assert found[key] == getattr(TABLE[name], key)


def test_a_wrong_layout_in_the_table_is_noticed(needed, monkeypatch):
    right = adapter("mxnet").arrays
    monkeypatch.setattr(adapter("mxnet"), "arrays", lambda model: [a.T for a in right(model)])
    assert conformance.layouts_that_fit("mxnet") == ["columns"]
    monkeypatch.setattr(adapter("mxnet"), "arrays", lambda model: [a[::-1] for a in right(model)])
    assert conformance.layouts_that_fit("mxnet") == []
    monkeypatch.setitem(TABLE, "mxnet", dataclasses.replace(TABLE["mxnet"], first="batch"))
    assert conformance.that_fit("mxnet", first=("steps", "batch")) == ["steps"]
    with pytest.raises(ValueError, match="Invalid recurrent state shape"):
        conformance.errors("mxnet", "one cell", "float32", 0)


def test_a_known_fault_has_to_show():
    """A repaired framework, or one that has become worse, is not as the table says."""
    good = {"form": "diagonal", "dtype": "float32", "forward": 2e-7, "gradients": None}
    bad = {**good, "forward": 0.2}
    assert conformance.as_tabled("onnxruntime", good)
    assert not conformance.as_tabled("onnxruntime", bad)
    assert not conformance.as_tabled("opencv", good)
    assert conformance.as_tabled("opencv", bad)


def test_a_wrong_order_of_the_gates_is_noticed(needed):
    forward, gradients = conformance.errors("mxnet", "one cell", "float64", 0, "iofc")
    assert forward > 0.1
    assert gradients > 0.1


def test_a_wrong_gradient_is_noticed(needed, monkeypatch):
    right = adapter("mxnet").run

    def swapped(*args):
        run = right(*args)
        return run._replace(grads={**run.grads, "W_xi": run.grads["W_xf"], "W_xf": run.grads["W_xi"]})

    monkeypatch.setattr(adapter("mxnet"), "run", swapped)
    forward, gradients = conformance.errors("mxnet", "one cell", "float64", 0)
    assert forward < 1e-14
    assert gradients > 0.1


def test_mxnet_does_not_look_at_lengths_on_a_cpu(needed):
    """Which is why the table does not give it "lengths": in float32 it takes them, and computes as if there were none."""
    layer, X, state, d_H, d_state, lengths = conformance.make_case("lengths", 0)
    single = [a.astype(np.float32) for a in (X, *state, d_H, *d_state)]
    run = needed.run(needed.load(layer, "ifco", "float32"), single[0], single[1:3], single[3], single[4:])
    np.testing.assert_array_equal(needed.hidden_states_with_lengths(layer, single[0], single[1:3], lengths), run.H)
    assert np.abs(run.H[lengths.min():, lengths.argmin()]).max() > 0.01
    with pytest.raises(Exception, match="use_sequence_length option is only available for cuDNN"):
        needed.hidden_states_with_lengths(layer, X, state, lengths)


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@pytest.mark.parametrize("name", [name for name, framework in TABLE.items() if "full" not in framework.peepholes and (
    framework.needs == "book" or (framework.needs == "rosetta" and installed(framework.package)))])
def test_a_cell_that_a_framework_lacks_is_refused(needed, name):
    """In the environment of `make rosetta` also by its frameworks; not by the large ones, which do not share a process."""
    with pytest.raises(ValueError, match=r"has no full peepholes"):
        needed.load(LSTM(2, 3, "full"), "ifco", "float64")
    with pytest.raises(ValueError, match="layer must be an LSTM"):
        needed.load(GRU(2, 3), "ifco", "float64")


def test_the_table_names_modules_that_exist_and_environments_that_there_are():
    folder = Path(frameworks.__file__).parent
    for name, framework in TABLE.items():
        assert (folder / f"{framework.adapter or name}.py").is_file()
        assert framework.needs in ("book", "rosetta", "rosetta-large")
        assert sorted(framework.order) == sorted("ifco")
        assert framework.reason or (framework.float64 == 1e-14 and framework.gradients and not framework.larger)
        assert framework.float32 == 1e-6


def test_a_framework_that_is_missing_says_how_to_get_it(monkeypatch):
    with pytest.raises(ValueError, match="must be one of mxnet, "):
        adapter("caffe")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "d2l_utils.frameworks.pytorch", raising=False)
    with pytest.raises(ImportError, match=r"PyTorch nn.LSTM needs the package torch: `make rosetta` installs it"):
        adapter("pytorch")


@pytest.mark.parametrize("order", ["".join(order) for order in itertools.permutations("ifco")])
def test_unstack_undoes_stack(order, rng):
    cell = LSTM(3, 2, rng=rng, sigma=1.0)
    back = unstack(*stack(cell, order), order)
    assert back.keys() == cell.params.keys()
    for name, w in cell.params.items():
        np.testing.assert_array_equal(back[name], w)


def test_the_reference_ignores_what_stands_behind_the_end_of_a_sequence():
    layer, X, state, d_H, d_state, lengths = conformance.make_case("both ways, lengths", 0)
    run = conformance.reference(layer, X, state, d_H, d_state, lengths)
    X[np.arange(len(X))[:, None] >= lengths] = 7.0
    again = conformance.reference(layer, X, state, d_H, d_state, lengths)
    np.testing.assert_array_equal(run.H, again.H)
    trace, last = layer.forward(X, state, lengths)          # two ways to the same
    np.testing.assert_allclose(trace.H, run.H, atol=1e-15)
    for s, w in zip(last, run.state):
        np.testing.assert_allclose(s, w, atol=1e-15)


def test_stacks_with_peepholes_are_refused():
    with pytest.raises(ValueError, match="without peepholes"):
        frameworks.cells_of(Stacked([LSTM(2, 3, "diagonal"), LSTM(3, 3)]))


def test_an_error_is_never_the_error_of_broadcasting():
    with pytest.raises(ValueError, match=r"shape \(3,\), it should be \(2, 3\)"):
        conformance.error(np.zeros(3), np.zeros((2, 3)))


@pytest.mark.parametrize("name", sorted(set(HERE) & {"mxnet", "onnxruntime"}))
def test_the_code_of_the_chapters_tab_runs(needed, name):
    assert conformance.run_tab(rosetta.tabs()[name]) <= TABLE[name].float32


def test_a_tab_with_the_gates_in_another_order_is_noticed(needed):
    assert conformance.run_tab(rosetta.tabs()["mxnet"].replace("ifco", "iofc")) > 0.1


def test_the_record_of_the_frameworks_is_as_the_table_says():
    record = json.loads(rosetta.RECORD.read_text())
    runs = {run["framework"]: run for run in record["runs"]}
    assert runs.keys() == TABLE.keys() >= rosetta.tabs().keys() | exhibits.FORMS.keys()
    assert record["seeds"].keys() == seeds.SEEDS.keys()
    assert max(record["seeds"].values()) < 1e-12
    for name, run in runs.items():
        assert not list(rosetta.complaints(name, run))
        assert run["found"].keys() == asked_of(name)
        assert [(row["form"], row["dtype"]) for row in run["rows"]] == list(itertools.product(
            conformance.forms_of(TABLE[name]), conformance.dtypes_of(TABLE[name])))
        assert ("tab" in run) == (name in rosetta.tabs())
        assert ("exhibit" in run) == (name in exhibits.FORMS)


def test_the_record_has_the_minimal_reproductions_in_the_versions_that_were_measured():
    """Held against our cell: a forget gate that sees a cell of 1 through a peephole of 5, and the gradients of the biases."""
    record = json.loads(rosetta.RECORD.read_text())
    cell, zero, one = LSTM(1, 1, "diagonal", sigma=0.0), np.zeros((1, 1)), np.ones((1, 1))
    trace, _ = cell.forward(zero[None], (zero, one))
    grads, *_ = cell.backward(trace, one[None])
    cell.params["W_cf"][...] = 5.0
    right = {"opencv": cell.forward(zero[None], (zero, one))[0].H.ravel(),
             "tensorflow_v2": np.concatenate([grads[f"b_{g}"] for g in "ifco"])}
    assert record["reproductions"].keys() == rosetta.reproductions().keys() == right.keys()
    for run in record["runs"]:
        if run["framework"] in right:
            got = record["reproductions"][run["framework"]][run["found"]["version"]]
            assert conformance.error(got, right[run["framework"]]) > conformance.FAR
    theirs = record["reproductions"]["tensorflow_v2"]["2.21.0"]
    assert conformance.error(np.array(theirs)[[0, 2, 1, 3]], right["tensorflow_v2"]) < 1e-6


def test_a_record_that_is_not_as_the_table_says_is_complained_of():
    run = json.loads(rosetta.RECORD.read_text())["runs"][0]
    for broken in ({**run, "tab": 1e-3}, {**run, "found": {**run["found"], "order": "iofc"}},
                   {**run, "rows": [{**run["rows"][0], "gradients": 1e-3}]}):
        assert len(list(rosetta.complaints(run["framework"], broken))) == 1


def test_what_paddles_gradient_lacks_is_the_first_step_of_the_short_sequences():
    """The record's gradient of the second direction's W_h, and H_0.T @ d_A_1 of each sequence that ends early, are ours."""
    layer, X, state, d_H, d_state, lengths = exhibits.suspect("paddle")
    theirs = {run["framework"]: run for run in json.loads(rosetta.RECORD.read_text())["runs"]}["paddle"]["exhibit"]["grads"]
    ours = conformance.reference(layer, X, state, d_H, d_state, lengths).grads
    cell = layer.cells["backward"]

    def biases(X, start, d_H, d_last):
        return cell.backward(cell.forward(X, start)[0], d_H, d_last)[0] if len(X) else dict.fromkeys(cell.params, 0.0)

    for gate in "ifco":
        share = np.zeros_like(cell.params[f"W_h{gate}"])
        for n in np.flatnonzero(lengths < len(X)):
            here = np.s_[:lengths[n], n:n + 1]
            turned, d_turned = X[here][::-1], d_H[here][::-1][..., cell.num_hiddens:]
            start, d_last = (tuple(s[n:n + 1] for s in both[2:]) for both in (state, d_state))
            whole = biases(turned, start, d_turned, d_last)[f"b_{gate}"]
            later = biases(turned[1:], cell.forward(turned[:1], start)[1], d_turned[1:], d_last)[f"b_{gate}"]
            share += start[0].T @ (whole - later)[None]                 # a bias's gradient is the sum of d_A over the steps
        name = f"backward.W_h{gate}"
        assert conformance.error(theirs[name], ours[name]) > 0.1
        assert conformance.error(theirs[name] + share, ours[name]) < 1e-6
